"""What an MCP tool answered, out of the layers that an agent's log wraps it in, and whether the call failed.

A log of the Python SDK holds the result's repr: `meta=None content=[TextContent(type='text', text='...',
annotations=None)] isError=False`. Where the call went through a meta-tool, that text is once more a result, as JSON:
{"_meta": null, "content": [{"type": "text", "text": "..."}], "isError": true}. Either layer may say that it failed.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

Outcome = Literal["done", "failed_inside", "failed_outside", "timed_out"]

TIMED_OUT = "Tool call timed out."
_CUT = re.compile(r"\s*…\[cut\]\Z")
_LITERAL = r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*\""""
_REPR = re.compile(r"meta=\S* content=\[(?P<parts>.*)\] isError=(?P<error>True|False)", re.DOTALL)
_REPR_TEXT = re.compile(rf"TextContent\(type='text', text=(?P<text>{_LITERAL}), annotations=", re.DOTALL)
_REPR_START = re.compile(r"meta=\S* content=\[TextContent\(type='text', text=(?P<quote>['\"])")
_JSON_START = re.compile(r'\s*\{\s*"_meta":\s*null,\s*"content":\s*\[\s*\{\s*"type":\s*"text",\s*"text":\s*"')
_LENIENT = json.JSONDecoder(strict=False)
_LONGEST_ESCAPE = 12  # characters of an escape that two layers of quoting may have left broken at a cut


@dataclass(frozen=True, slots=True)
class McpResult:
    """The text that a tool returned, and how the call ended."""

    text: str
    outcome: Outcome


def read_result(logged: str) -> McpResult:
    """Read a logged result; a text in no known wrapping is returned as it is, as that of a call that went well.

    Of a result whose end was cut off in the log nothing says that it failed, so it counts as done.
    """
    if logged.strip() == TIMED_OUT:
        return McpResult(TIMED_OUT, "timed_out")
    whole = _REPR.fullmatch(logged.strip())
    if whole is not None:
        text = "\n".join(_literal(found["text"]) for found in _REPR_TEXT.finditer(whole["parts"]))
        if whole["error"] == "True":
            return McpResult(text, "failed_outside")
        return _read_json(text)
    cut = _CUT.search(logged)
    start = _REPR_START.match(logged)
    if cut is not None and start is not None:
        body = _unescape(logged[start.end() : cut.start()], start["quote"], _literal)
        inner = _JSON_START.match(body)
        if inner is not None:
            body = _unescape(body[inner.end() :], '"', _first_string)
        return McpResult(body + cut.group(), "done")
    return _read_json(logged)


def _read_json(text: str) -> McpResult:
    """Unwrap a result that is written as JSON; any other text is the tool's own."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return McpResult(text, "done")
    if not isinstance(value, dict) or not isinstance(value.get("content"), list) or "isError" not in value:
        return McpResult(text, "done")
    parts = "\n".join(_part_text(part) for part in value["content"])
    return McpResult(parts, "failed_inside" if value["isError"] is True else "done")


def _part_text(part: Any) -> str:
    """Return a part's text; one that is not text, e.g. an image, is named by its type."""
    if isinstance(part, dict) and isinstance(part.get("text"), str):
        return str(part["text"])
    kind = part.get("type") if isinstance(part, dict) else None
    return f"[{kind or 'part'}]"


def _literal(text: str) -> str:
    value = ast.literal_eval(text)
    assert isinstance(value, str)
    return value


def _first_string(text: str) -> str:
    """Read the JSON string that `text` begins with, whatever follows it (the parts after a first one)."""
    value, _ = _LENIENT.raw_decode(text)
    assert isinstance(value, str)
    return value


def _unescape(body: str, quote: str, read: Callable[[str], Any]) -> str:
    """Undo the escapes of a quoted text whose end is missing: the last one may be broken, and is then left out."""
    for dropped in range(_LONGEST_ESCAPE):
        try:
            text = str(read(f"{quote}{body[: len(body) - dropped]}{quote}"))
            text.encode()  # half of a surrogate pair is no character
            return text
        except (ValueError, SyntaxError):
            continue
    return body
