"""How a chat template writes tool calls, read off from the template itself by rendering two of them."""

from __future__ import annotations

import json
from dataclasses import dataclass

from hive_mind.chat.tokenizer import ChatTokenizer
from hive_mind.conversation import Message, Tool, ToolCall
from hive_mind.errors import UsageError

SEPARATORS = ((", ", ": "), (",", ":"))
"""Between items and between key and value: JSON as Python writes it by default, and compact."""

_FIRST = ToolCall("call_0", "first_probe", {"alpha": 1, "beta": [True, "two"]})
_SECOND = ToolCall("call_1", "second_probe", {"gamma": {"delta": None}})


@dataclass(frozen=True, slots=True)
class CallFormat:
    """A call is written opening, name, middle, arguments, closing; `between` stands between two calls."""

    opening: str
    middle: str
    closing: str
    between: str
    item_separator: str
    key_separator: str


def read_call_format(tokenizer: ChatTokenizer) -> CallFormat:
    """Find out how the template writes calls. Raises UsageError if that cannot be made out."""
    tools = [Tool(call.name, "", {"type": "object", "properties": {}}) for call in (_FIRST, _SECOND)]
    asked = Message("user", "question")
    prompt = tokenizer.template([asked], tools, prompt=True)
    whole = tokenizer.template([asked, Message("assistant", "", (_FIRST, _SECOND))], tools, prompt=False)
    turn = whole.removeprefix(prompt).partition(tokenizer.end_of_turn_text)[0]
    for items, keys in SEPARATORS:
        first, second = (
            json.dumps(call.arguments, ensure_ascii=False, separators=(items, keys)) for call in (_FIRST, _SECOND)
        )
        opening, found_name, rest = turn.partition(_FIRST.name)
        middle, found_first, rest = rest.partition(first)
        gap, found_second, rest = rest.partition(_SECOND.name)
        middle_again, found_arguments, closing = rest.partition(second)
        found = all((found_name, found_first, found_second, found_arguments))
        if found and middle == middle_again and gap.startswith(closing) and gap.endswith(opening) and opening:
            between = gap[len(closing) : len(gap) - len(opening)]
            return CallFormat(opening, middle, closing, between, items, keys)
    raise UsageError(
        "how the base model's chat template writes tool calls cannot be made out, so replies cannot be held to the "
        "declared tools; generate without constraints, or use a base whose template writes calls as JSON"
    )
