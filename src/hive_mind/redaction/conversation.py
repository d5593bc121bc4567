"""Redact a whole conversation: what is said, what tools are called with and return, and how tools are declared."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any

import orjson

from hive_mind.conversation import Conversation, Message, Tool
from hive_mind.redaction.named import kind_under
from hive_mind.redaction.prefilter import may_hold_secrets
from hive_mind.redaction.redact import Memory, number_like, redact
from hive_mind.redaction.text import Found, find

Change = Callable[[str, str], str]
"""Takes a text and the name that it stands under ("" for none); returns the text that takes its place."""

_LONGEST_NAME = 80
_PART_OF_PARENT = frozenset({"default", "example", "examples", "enum", "const", "value", "values", "items"})


def redact_conversation(conversation: Conversation) -> tuple[Conversation, Counter[str]]:
    """Return the conversation with placeholders for its secrets, and how many different values of each kind went.

    A value gets the same placeholder wherever it stands: an address that a call copies from the request stays a copy.
    Where nothing is found, the conversation itself comes back.
    """
    suspect = _suspect(conversation)
    if suspect is None:
        return conversation, Counter()
    memory = Memory()
    memory.reserve(_written(conversation))
    redacted = conversation
    while suspect is not None:
        known = len(memory.placeholders), len(memory.spread)
        _rewrite(suspect, lambda text, name: _learn(text, name, memory))
        if (len(memory.placeholders), len(memory.spread)) == known:
            break
        redacted = _rewrite(redacted, lambda text, _: redact(text, memory))
        suspect = _suspect(redacted)  # the name that a value stands under may read otherwise now
    if redacted is conversation:
        return conversation, Counter()
    return conversation.changed(redacted.messages, redacted.tools), memory.counts


def find_in_conversation(conversation: Conversation) -> Counter[str]:
    """Return how many values of each kind a conversation holds that should have been redacted."""
    kinds: Counter[str] = Counter()
    suspect = _suspect(conversation)
    if suspect is not None:
        _rewrite(suspect, lambda text, name: _count(text, name, kinds))
    return kinds


def _suspect(conversation: Conversation) -> Conversation | None:
    """Return a conversation without the tools that cannot hold secrets; None if nothing of it can."""
    tools = tuple(tool for tool in conversation.tools if _may_tool_hold_secrets(orjson.dumps(tool.to_dict())))
    said = orjson.dumps([message.to_dict() for message in conversation.messages]).decode()
    return replace(conversation, tools=tools) if tools or may_hold_secrets(said) else None


@lru_cache(maxsize=20_000)
def _may_tool_hold_secrets(tool: bytes) -> bool:
    """The same tools are offered in row after row, so each is looked at once."""
    return may_hold_secrets(tool.decode())


def _written(conversation: Conversation) -> str:
    parts = [message.to_dict() for message in conversation.messages], [tool.to_dict() for tool in conversation.tools]
    return orjson.dumps(parts).decode()


def _find_under(text: str, name: str) -> list[Found]:
    kind = kind_under(name, text) if name else None
    return find(text) if kind is None else [Found(0, len(text), kind, text)]


def _learn(text: str, name: str, memory: Memory) -> str:
    memory.learn(_find_under(text, name))
    return text


def _count(text: str, name: str, kinds: Counter[str]) -> str:
    kinds.update(found.kind for found in _find_under(text, name))
    return text


def _rewrite(conversation: Conversation, change: Change) -> Conversation:
    return replace(
        conversation,
        messages=tuple(_message(message, change) for message in conversation.messages),
        tools=tuple(
            Tool(tool.name, change(tool.description, ""), _value(tool.parameters, "", change))
            for tool in conversation.tools
        ),
    )


def _message(message: Message, change: Change) -> Message:
    calls = tuple(replace(call, arguments=_value(call.arguments, "", change)) for call in message.tool_calls)
    return replace(message, content=change(message.content, ""), tool_calls=calls)


def _value(value: Any, name: str, change: Change) -> Any:
    """Rebuild a JSON value with its texts changed. `name` is the field that the value stands under."""
    if isinstance(value, str):
        return change(value, name)
    if isinstance(value, dict):
        return {change(key, ""): _value(item, _name(key, name, value), change) for key, item in value.items()}
    if isinstance(value, list):
        before = ("", *value)
        return [_value(item, _option(before[i]) or name, change) for i, item in enumerate(value)]
    if isinstance(value, int) and not isinstance(value, bool) and value > 10**12:
        # no placeholder fits where a schema asks for a number
        digits = str(value)
        changed = change(digits, "")
        return value if changed == digits else int(number_like(digits, changed))
    return value


def _name(key: str, parent: str, fields: Mapping[str, Any]) -> str:
    """Return the name that a field's value stands under: its own, its parent's, or what the field beside it says."""
    if key not in _PART_OF_PARENT:
        return key
    beside = fields.get("name") or fields.get("key")
    return beside if key == "value" and isinstance(beside, str) and len(beside) <= _LONGEST_NAME else parent


def _option(value: Any) -> str:
    """Return an option of a command line, whose value is the next element."""
    return value if isinstance(value, str) and value.startswith("--") and "=" not in value else ""
