"""Replies held to the declared tools while they are generated, by llguidance (grammar to allowed tokens)."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

import llguidance
import numpy as np
import torch
from llguidance.numpy import allocate_token_bitmask, fill_next_token_bitmask
from torch import Tensor

from hive_mind.chat.tokenizer import ChatTokenizer
from hive_mind.conversation import JSON, Tool
from hive_mind.errors import HiveMindError, UsageError
from hive_mind.inference.call_format import read_call_format
from hive_mind.inference.tool_choice import Named, ToolChoice
from hive_mind.inference.tool_grammar import (
    ArgumentGrammar,
    argument_grammar,
    json_grammar,
    reply_grammar,
    words_grammar,
)

REMEMBERED = 256
"""Compiled grammars kept for the next request with the same tools."""

REPLY = "reply"
"""What `not_enforced` calls a reply that is JSON itself."""


class Matcher:
    """Where one reply stands in its grammar. `ends_loops`: what repeats itself without end is made to go on."""

    def __init__(self, matcher: llguidance.LLMatcher, vocab_size: int, ends_loops: bool) -> None:
        self._matcher, self.ends_loops = matcher, ends_loops
        self._mask = allocate_token_bitmask(1, vocab_size)

    @property
    def complete(self) -> bool:
        """Whether nothing may follow."""
        return bool(self._matcher.is_stopped())

    def accepts(self, token: int) -> bool:
        """Go on with the token if it is allowed; tell whether it was."""
        return bool(self._matcher.try_consume_tokens([token]) == 1)

    def advance(self, token: int) -> None:
        """Go on with a token that is allowed. Raises HiveMindError if it is not."""
        if not self._matcher.consume_token(token):
            raise HiveMindError(f"a constrained reply got a token that its grammar does not allow: {self._error()}")

    def restrict(self, logits: Tensor) -> None:
        """Set the logits (V,) of all tokens that are not allowed to minus infinity, in place."""
        fill_next_token_bitmask(self._matcher, self._mask)
        if self._matcher.is_error():
            raise HiveMindError(f"a reply's grammar became too large to follow: {self._error()}")
        allowed = np.unpackbits(self._mask[0].view(np.uint8), count=logits.shape[0], bitorder="little")
        forbidden = torch.from_numpy(allowed == 0).to(logits.device)
        logits.masked_fill_(forbidden, float("-inf"))

    def forced(self, most: int) -> list[int]:
        """Go on with what the grammar leaves no choice about, at most so many tokens, and return it."""
        tokens: list[int] = [] if self.complete else self._matcher.compute_ff_tokens()[:most]
        if tokens and not self._matcher.consume_tokens(tokens):
            raise HiveMindError(f"a constrained reply could not follow its own grammar: {self._error()}")
        return tokens

    def _error(self) -> str:
        return str(self._matcher.get_error()).partition("\n")[0]


class Constraint:
    """What a reply may be. `not_enforced`: by tool, the keywords of its schema that the grammar cannot hold it to.

    `ends_loops`: a greedy reply that repeats itself without end (inference.loops) is made to go on.
    """

    def __init__(
        self,
        compiled: llguidance.LLMatcher,
        vocab_size: int,
        not_enforced: dict[str, tuple[str, ...]],
        ends_loops: bool = True,
    ) -> None:
        self._compiled, self._vocab_size = compiled, vocab_size
        self.not_enforced, self.ends_loops = not_enforced, ends_loops

    def matcher(self) -> Matcher:
        """Begin a reply."""
        return Matcher(self._compiled.deep_copy(), self._vocab_size, self.ends_loops)


class Constraints:
    """Makes constraints for one tokenizer and a model's `vocab_size`, and keeps the compiled ones.

    Raises UsageError if the chat template writes calls in a way that cannot be made out.
    """

    def __init__(self, tokenizer: ChatTokenizer, vocab_size: int) -> None:
        self.call_format = read_call_format(tokenizer)
        self.specials = tokenizer.special_ids
        self.vocab_size = vocab_size
        backend = tokenizer.fast.backend_tokenizer.to_str()
        stops = sorted(tokenizer.stop_ids)
        self._tokenizer = llguidance.LLTokenizer(backend, n_vocab=vocab_size, eos_token=stops)
        self._kept: OrderedDict[Any, Constraint] = OrderedDict()

    def constraint(
        self, tools: Sequence[Tool], choice: ToolChoice = "auto", *, parallel: bool = True, schema: JSON | None = None
    ) -> Constraint | None:
        """Return what a reply is held to, None where anything goes: without tools, or for "none".

        auto: words, or words and then calls of these tools; required: calls alone; Named: calls of that tool alone.
        `parallel` allows several calls. `schema` has JSON of that schema in the place of words. Raises UsageError for a
        name that is not declared, for "required" without tools, and for tools that are too much for a grammar.
        """
        if isinstance(choice, Named):
            tools = [tool for tool in tools if tool.name == choice.name]
            if not tools:
                raise UsageError(f"the tool {choice.name} must be called and is not among the declared tools")
        if choice == "none" or (choice == "auto" and not tools):
            return None if schema is None else self._json(schema)
        if not tools:
            raise UsageError("a tool must be called and none is declared")
        arguments = [(tool.name, argument_grammar(tool, self.call_format)) for tool in tools]
        instead = json_grammar(schema, self.call_format) if schema is not None and choice == "auto" else None
        text = reply_grammar(
            arguments, self.call_format, self.specials, text=choice == "auto", parallel=parallel, instead=instead
        )
        held = [*arguments, *([(REPLY, instead)] if instead else [])]
        return self._constraint(text, held, f"the tools {', '.join(tool.name for tool in tools)} make")

    def words(self) -> Constraint:
        """Return the constraint that a reply is words, in which no call begins."""
        return self._constraint(words_grammar(self.call_format, self.specials), [], "words make")

    def _json(self, schema: JSON) -> Constraint:
        held = json_grammar(schema, self.call_format)
        return self._constraint("\n".join(held.rules("start", self.call_format)), [(REPLY, held)], "this schema makes")

    def _constraint(self, text: str, held: Sequence[tuple[str, ArgumentGrammar]], what: str) -> Constraint:
        not_enforced = {name: each.not_enforced for name, each in held if each.not_enforced}
        key = (text, tuple(not_enforced.items()))
        if key not in self._kept:
            # Words alone may repeat themselves: a table's ruled line does.
            self._kept[key] = Constraint(self._compile(text, what), self.vocab_size, not_enforced, bool(held))
        self._kept.move_to_end(key)
        while len(self._kept) > REMEMBERED:
            self._kept.popitem(last=False)
        return self._kept[key]

    def _compile(self, text: str, what: str) -> llguidance.LLMatcher:
        compiled = llguidance.LLMatcher(self._tokenizer, text, log_level=0)
        if compiled.is_error():
            reason = str(compiled.get_error()).partition("\n")[0]
            raise UsageError(f"{what} no grammar ({reason}); offer fewer tools or none, or a plainer schema")
        return compiled
