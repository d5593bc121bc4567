"""A base model's own tokenizer and chat template, and the facts that are read from them rather than assumed.

The end-of-turn token, the generation prompt, the stop ids and the pad id all come from the loaded files: Qwen2.5's base
and Instruct models differ in eos token, generation config and default system text.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from hive_mind.conversation import JSON, Message, Tool
from hive_mind.errors import UsageError

# How a tokenizer's own pattern reads in Python for ASCII text. Only patterns that the tests hold against their
# tokenizers stand here: Qwen2.5's, and that of the tiny base.
_ASCII_WORDS = {
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+":
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\na-zA-Z0-9]?[a-zA-Z]+|[0-9]| ?[^\sa-zA-Z0-9]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
    r"""\p{L}+|\p{N}| ?\{"|":| ?"|[^\s\p{L}\p{N}]|\r?\n+| +|\s""":
    r"""[a-zA-Z]+|[0-9]| ?\{"|":| ?"|[^\sa-zA-Z0-9]|\r?\n+| +|\s""",
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class ChatTokenizer:
    """Text to tokens and back for one base model; make it with `load_tokenizer`."""

    fast: Any  # transformers' fast tokenizer
    plain: Any  # the same vocabulary and merges, with no special tokens: a tokenizers.Tokenizer
    special_ids: dict[str, int]
    end_of_turn: int
    generation_prompt: str
    stop_ids: frozenset[int]
    pad_id: int
    digest: str
    cuts_exactly: bool
    """Whether the pieces between special tokens, each encoded by itself, give the tokens of the whole text."""
    words: re.Pattern[str] | None
    """Finds the words of an ASCII text that are encoded each by itself; None where that is not known."""

    @property
    def vocab_size(self) -> int:
        return len(self.fast)

    @cached_property
    def special_text(self) -> re.Pattern[str]:
        """Matches the text of any special token, longest first."""
        names = sorted(self.special_ids, key=len, reverse=True)
        return re.compile("|".join(re.escape(name) for name in names))

    @cached_property
    def special_cut(self) -> re.Pattern[str]:
        """Splits a rendered template into texts (even places) and special tokens (odd places)."""
        return re.compile(f"({self.special_text.pattern})")

    @cached_property
    def prompt_parts(self) -> list[str]:
        """The generation prompt cut at its special tokens."""
        return self.special_cut.split(self.generation_prompt)

    @cached_property
    def end_of_turn_text(self) -> str:
        return next(text for text, number in self.special_ids.items() if number == self.end_of_turn)

    def encode(self, text: str) -> list[int]:
        """Encode text whose special tokens are meant, such as a rendered template."""
        ids: list[int] = self.fast.backend_tokenizer.encode(text, add_special_tokens=False).ids
        return ids

    def encode_spans(self, text: str) -> tuple[list[int], list[tuple[int, int]]]:
        """Encode as `encode` does and return each token's (start, end) in characters of `text` too."""
        encoding = self.fast.backend_tokenizer.encode(text, add_special_tokens=False)
        return encoding.ids, encoding.offsets

    def encode_plain(self, text: str) -> list[int]:
        """Encode text that people or tools wrote: `<|im_end|>` in it is six harmless pieces, not the end of a turn."""
        ids: list[int] = self.plain.encode(text, add_special_tokens=False).ids
        return ids

    def decode(self, ids: Sequence[int]) -> str:
        """Decode ids to text, special tokens shown."""
        text: str = self.fast.decode(list(ids), skip_special_tokens=False, clean_up_tokenization_spaces=False)
        return text

    def template(self, messages: Sequence[Message], tools: Sequence[Tool], *, prompt: bool) -> str:
        """Apply the chat template; `prompt` adds the text after which the model answers."""
        return _apply(self.fast, [_row(message) for message in messages], tools, prompt)


def load_tokenizer(folder: Path) -> ChatTokenizer:
    """Load the tokenizer of a base model's folder. Raises UsageError if it has no tokenizer or no chat template."""
    from tokenizers import Tokenizer
    from transformers import AutoTokenizer

    # Processes share the rows out, and threads of the tokenizer would not survive the forks.
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

    if not (folder / "tokenizer.json").is_file():
        raise UsageError(f"{folder} holds no tokenizer.json; copy the base model's tokenizer files into it")
    fast = AutoTokenizer.from_pretrained(str(folder), local_files_only=True, trust_remote_code=False)
    if not fast.chat_template:
        raise UsageError(
            f"the tokenizer in {folder} has no chat template; use a base model that brings one (Qwen2.5 does)"
        )
    backend = json.loads(fast.backend_tokenizer.to_str())
    added = backend["added_tokens"]
    special_ids = {token["content"]: token["id"] for token in added}
    backend["added_tokens"] = []
    backend["post_processor"] = None
    end_of_turn, generation_prompt = _turn_marks(fast, special_ids, folder)
    stop_ids = {end_of_turn, fast.eos_token_id, fast.pad_token_id, *_configured_stops(folder)} - {None}
    identity = fast.backend_tokenizer.to_str() + str(fast.chat_template)
    return ChatTokenizer(
        fast=fast,
        plain=Tokenizer.from_str(json.dumps(backend)),
        special_ids=special_ids,
        end_of_turn=end_of_turn,
        generation_prompt=generation_prompt,
        stop_ids=frozenset(stop_ids),
        pad_id=fast.pad_token_id if fast.pad_token_id is not None else end_of_turn,
        digest=hashlib.sha256(identity.encode()).hexdigest(),
        cuts_exactly=_cuts_exactly(added, backend),
        words=_words(backend),
    )


def _turn_marks(fast: Any, special_ids: dict[str, int], folder: Path) -> tuple[int, str]:
    """Find the end-of-turn token and the generation prompt by rendering a turn and looking at what surrounds it."""
    asked = [{"role": "user", "content": "question"}]
    before = _apply(fast, asked, (), False)
    prompt = _apply(fast, asked, (), True)
    turn = _apply(fast, [*asked, {"role": "assistant", "content": "answer"}], (), False)
    if prompt.startswith(before) and turn.startswith(f"{prompt}answer"):
        closing = turn[len(prompt) + len("answer") :]
        opening = prompt[len(before) :]
        for text, number in special_ids.items():
            if closing.startswith(text) and any(special in opening for special in special_ids):
                return number, opening
    raise UsageError(
        f"the chat template in {folder} does not begin and end an assistant turn with special tokens; use another base"
    )


def _cuts_exactly(added: list[JSON], backend: JSON) -> bool:
    """Tell whether special tokens separate: what stands on one side never changes the other side's tokens.

    They are found before anything else is done to a text, unless they are looked for in its normalised form or take
    white space with them; and byte-level pre-tokenizers see each side by itself, unless they put a space in front.
    """
    separate = not any(
        token["normalized"] or token["lstrip"] or token["rstrip"] or token["single_word"] for token in added
    )
    normalizer, first = backend["normalizer"], backend["pre_tokenizer"] or {}
    steps = first.get("pretokenizers", [first])
    byte_level = all(
        step.get("type") == "Split" or (step.get("type") == "ByteLevel" and not step["add_prefix_space"])
        for step in steps
    )
    return separate and byte_level and (normalizer is None or normalizer["type"] == "NFC")


def _words(backend: JSON) -> re.Pattern[str] | None:
    """Return the pattern of ASCII words where the tokenizer cuts a text by one that is known and encodes bytes."""
    steps = (backend["pre_tokenizer"] or {}).get("pretokenizers", [])
    if [step["type"] for step in steps] != ["Split", "ByteLevel"] or backend["model"]["type"] != "BPE":
        return None
    split, level = steps
    pattern = _ASCII_WORDS.get(split["pattern"].get("Regex", ""))
    plain = split["behavior"] == "Isolated" and not split["invert"] and not level["use_regex"]
    return re.compile(pattern, re.ASCII) if pattern and plain and not backend["model"]["dropout"] else None


def _configured_stops(folder: Path) -> list[int]:
    file = folder / "generation_config.json"
    stops = json.loads(file.read_text(encoding="utf-8")).get("eos_token_id") if file.is_file() else None
    return [stops] if isinstance(stops, int) else list(stops or ())


def _apply(fast: Any, rows: list[JSON], tools: Sequence[Tool], prompt: bool) -> str:
    text: str = fast.apply_chat_template(
        rows, tools=[tool.to_dict() for tool in tools] or None, tokenize=False, add_generation_prompt=prompt
    )
    return text


def _row(message: Message) -> JSON:
    row = message.to_dict()
    row.pop("weight", None)  # what is learnt is no part of what a model reads
    if message.role == "assistant":
        # A leading newline would merge with the newline of the generation prompt into a token that no prompt ends in.
        row["content"] = message.content.lstrip("\r\n")
    return row
