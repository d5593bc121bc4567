"""A request's body as a JSON object: valid UTF-8, valid JSON, not nested too deeply."""

from __future__ import annotations

from email.message import Message
from typing import Any

import orjson

from hive_mind.conversation import JSON
from hive_mind.serving.openai_errors import ApiError, refused


def read_object(body: bytes, content_type: str | None, max_nesting: int) -> JSON:
    """Return the object. Raises ApiError (400, 415) saying what is wrong; the body's words are not repeated."""
    if content_type is not None and not _is_json(content_type):
        raise ApiError(415, "the body must be JSON: send Content-Type: application/json", "unsupported_media_type")
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise refused(f"the body is not valid JSON: {error}", code="invalid_json") from None
    if not isinstance(value, dict):
        raise refused("the body must be a JSON object", code="invalid_json")
    if _nested_deeper(value, max_nesting):
        raise refused(f"the body is nested more than {max_nesting} levels deep", code="nested_too_deeply")
    return value


def _is_json(content_type: str) -> bool:
    header = Message()
    header["content-type"] = content_type
    subtype = header.get_content_subtype()
    return header.get_content_maintype() == "application" and (subtype == "json" or subtype.endswith("+json"))


def _nested_deeper(value: Any, levels: int) -> bool:
    here = [value]
    for _ in range(levels):
        here = [part for each in here for part in _parts(each)]
        if not here:
            return False
    return True


def _parts(value: Any) -> list[Any]:
    values = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [part for part in values if isinstance(part, (dict, list))]
