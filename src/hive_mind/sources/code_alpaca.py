"""Code Alpaca: short code tasks as {instruction, input, output}."""

from __future__ import annotations

import re

from hive_mind.conversation import JSON, Conversation, Message, Reject
from hive_mind.sources.source import GroupBy, Hub, build, reject, text_of

NAME = "code_alpaca"
LICENCE = "CC-BY-NC-4.0"
HUB: Hub | None = Hub("sahil2801/CodeAlpaca-20k")
FOLDERS: tuple[str, ...] = ("code_alpaca",)
FILES: tuple[str, ...] = ("code_alpaca*", "codealpaca*")
NEVER: tuple[str, ...] = ()
GROUP_BY: GroupBy = "request"

_NO_INPUT = re.compile(r"[<\[(\s]*(no\s?inputn?|n/a|none|-)[>\])\s.]*", re.IGNORECASE)
"""How the set says that there is no input, beside leaving it empty: `< noinput >`, `<noinputn>`, `No input.`, ..."""


def understands(row: JSON) -> bool:
    return "instruction" in row and "output" in row


def convert(row: JSON) -> Conversation | Reject:
    """Turn {instruction, input, output} into a request and its answer."""
    instruction, given, output = (text_of(row.get(key)) for key in ("instruction", "input", "output"))
    if instruction is None or given is None or output is None:
        return reject(NAME, "not_text", "instruction, input or output is not text")
    if not instruction.strip():
        return reject(NAME, "empty_request", "the instruction is empty")
    if not output.strip():
        return reject(NAME, "empty_answer", "the output is empty")
    request = instruction.strip()
    if given.strip() and not _NO_INPUT.fullmatch(given):
        request = f"{request}\n\n{given.strip()}"
    return build(NAME, [Message("user", request), Message("assistant", output.strip("\r\n"))])
