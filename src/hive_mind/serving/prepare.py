"""A request in words to one in tokens, held to what it asks for; its reply checked for what could not be enforced."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass

import jinja2

from hive_mind.chat.render import render_prompt
from hive_mind.conversation import Tool
from hive_mind.errors import UsageError
from hive_mind.inference.constraint import REPLY, Constraint
from hive_mind.inference.load import Loaded
from hive_mind.inference.request import Request
from hive_mind.inference.sampling import Sampling
from hive_mind.serving.ask import Ask, ContextExceeded
from hive_mind.serving.engine_settings import EngineSettings
from hive_mind.serving.reply import Read, ReplyReader
from hive_mind.tool_schema.arguments import SchemaUnusable, argument_problems


@dataclass(frozen=True, slots=True)
class Prepared:
    """A request in tokens, and what reads its reply."""

    request: Request
    reader: ReplyReader

    @property
    def not_enforced(self) -> dict[str, tuple[str, ...]]:
        constraint = self.request.constraint
        return {} if constraint is None else dict(constraint.not_enforced)


def prepare(ask: Ask, loaded: Loaded, adapter: str | None, settings: EngineSettings) -> Prepared:
    """Write a request's prompt and find out what its reply is held to.

    Raises ContextExceeded for a prompt that leaves no room for a reply, UsageError for one that cannot be written or
    tools that make no grammar.
    """
    try:
        return _prepare(ask, loaded, adapter, settings)
    except RecursionError:
        raise UsageError("a message, tool or schema of the request is nested too deeply; flatten it") from None


def _prepare(ask: Ask, loaded: Loaded, adapter: str | None, settings: EngineSettings) -> Prepared:
    prompt = _encode(ask, loaded)
    context = loaded.model.config.max_position_embeddings
    longest = min(context, settings.cache_tokens, settings.context or context)
    if len(prompt) >= longest:
        raise ContextExceeded(
            f"the prompt has {len(prompt):,} tokens and {longest:,} are read at most, the reply's among them; "
            "shorten the conversation or offer fewer tools"
        )
    wanted = min(ask.max_tokens or settings.default_new_tokens, settings.max_new_tokens)
    seed = secrets.randbits(62) if ask.seed is None else ask.seed
    request = Request(
        prompt, min(wanted, longest - len(prompt)), loaded.tokenizer.stop_ids,
        Sampling(ask.temperature, ask.top_p, seed), adapter, _constraint(ask, loaded),
        remember=len(prompt), keep=True,
    )  # fmt: skip
    may_call = bool(ask.tools) and ask.tool_choice != "none"
    # Words that are a call without its tags are one only where words and calls are both allowed.
    bare = [tool.name for tool in ask.tools] if may_call and ask.response_schema is None else []
    reader = ReplyReader(
        loaded.tokenizer, ask.stop, loaded.constraints.call_format if may_call else None, bare,
        raw=ask.prompt is not None,
    )  # fmt: skip
    return Prepared(request, reader)


def problems(ask: Ask, read: Read) -> tuple[str, ...]:
    """Return what is wrong with a reply that ended by itself, by the schemas that it was asked to follow."""
    found: list[str] = []
    tools = {tool.name: tool for tool in ask.tools}
    for call in read.calls:
        found += [f"{call.name}: {problem}" for problem in _problems(tools[call.name], call.arguments)]
    if ask.response_schema is not None and not read.calls and read.finish_reason == "stop":
        try:
            value = json.loads(read.text)
        except (ValueError, RecursionError) as error:
            return (*found, f"{REPLY}: not JSON ({error})")
        found += [f"{REPLY}: {problem}" for problem in _problems(Tool(REPLY, "", ask.response_schema), value)]
    return tuple(found)


def _problems(tool: Tool, value: object) -> list[str]:
    try:
        return argument_problems(tool, value)  # type: ignore[arg-type]
    except SchemaUnusable as error:
        return [str(error)]


def _encode(ask: Ask, loaded: Loaded) -> list[int]:
    try:
        if ask.prompt is not None:
            return loaded.tokenizer.encode(ask.prompt)
        return render_prompt(ask.messages, ask.tools, loaded.tokenizer)
    except jinja2.TemplateError as error:
        raise UsageError(f"the chat template of {loaded.base.id} does not take these messages: {error}") from error
    except TypeError:  # the tokenizer's word for it
        if _is_unicode(ask):
            raise
        raise UsageError("the request holds half a character (a lone surrogate); send valid Unicode") from None


def _is_unicode(ask: Ask) -> bool:
    rows = [*(message.to_dict() for message in ask.messages), *(tool.to_dict() for tool in ask.tools)]
    try:
        json.dumps([ask.prompt, rows], ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True


def _constraint(ask: Ask, loaded: Loaded) -> Constraint | None:
    if ask.prompt is not None:
        return None if ask.response_schema is None else loaded.constraints.constraint((), schema=ask.response_schema)
    if ask.tools or ask.response_schema is not None:
        made = loaded.constraints.constraint(
            ask.tools, ask.tool_choice, parallel=ask.parallel_tool_calls, schema=ask.response_schema
        )
        return loaded.constraints.words() if made is None else made
    try:
        return loaded.constraints.words()
    except UsageError:  # how calls are written is not known: so nothing in the words could be taken for one
        return None
