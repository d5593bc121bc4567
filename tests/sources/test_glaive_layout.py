"""Any conversation written in Glaive's layout comes back the same, and no damage to a row raises."""

from __future__ import annotations

import json
import random
import re
from dataclasses import dataclass

from hypothesis import given, settings
from hypothesis import strategies as st

from hive_mind.conversation import JSON, Conversation, Message, Reject, Tool, ToolCall
from hive_mind.curation.accept import accept
from hive_mind.sources.glaive_tools import convert
from tests import raw_rows

END = "<|endoftext|>"
WITH_TOOLS = "SYSTEM: You are a helpful assistant with access to the following functions. Use them if required -\n"
WITHOUT = "SYSTEM: You are a helpful assistant, with no access to external functions.\n"


@dataclass(frozen=True)
class Layout:
    """How a row is written. Where the end mark is missing, texts may break off: none of them counts as cut off."""

    line_ends: str
    end: str
    assistant: str
    between_tools: str
    between_calls: str
    writing: str
    indent: int | None


LAYOUTS = st.builds(
    Layout,
    line_ends=st.sampled_from(["\n\n\n", "\n\n", "\n\n\n\n"]),
    end=st.sampled_from([f" {END}", END, f" {END} {END}", ""]),
    assistant=st.sampled_from(["ASSISTANT", "A"]),
    between_tools=st.sampled_from(["", " ", "\n", "\n\n", ", "]),
    between_calls=st.sampled_from([" ", "\n", " <functioncall> "]),
    writing=st.sampled_from(["quoted", "object", "string"]),
    indent=st.sampled_from([None, 4]),
)
PIECES = st.sampled_from([
    "USER: hi", "A: x", "ASSISTANT: y", "FUNCTION RESPONSE: {}", "\nUSER: z", "\nASSISTANT: w", "it's", '"', "\\", "{",
    "}'", "}", "\n", "\n\n", "日本語です。", "¿Qué?", "مرحبا", "🙂", "<functio n", "<|endo", ".", " ", "[1]", "```",
])  # fmt: skip
PLAIN = st.text(st.characters(codec="utf-8", exclude_characters="\r"), max_size=12)
MARK_AFTER_EMPTY_LINE = re.compile(r"\n\s*\n\s*(?:USER|ASSISTANT|A|FUNCTION RESPONSE):")


def is_text(text: str) -> bool:
    """Leave out what not every layout can tell from its own marks."""
    return bool(text) and not MARK_AFTER_EMPTY_LINE.search(text)


TEXTS = st.lists(PIECES | PLAIN, max_size=6).map(lambda parts: " ".join(parts).strip()).filter(is_text)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS | PLAIN,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(PLAIN, inner, max_size=3),
    max_leaves=6,
)  # fmt: skip
NAMES = st.text("abcxyz_", min_size=1, max_size=8)


@st.composite
def conversations(draw: st.DrawFn) -> Conversation:
    """Rounds of a request, perhaps calls with their results, and an answer, as the set's rows go."""
    names = draw(st.lists(NAMES, unique=True, max_size=3))
    tools = [Tool(name, draw(TEXTS), {"type": "object", "properties": {}}) for name in names]
    messages: list[Message] = []
    count = 0
    for _ in range(draw(st.integers(1, 3))):
        messages.append(Message("user", draw(TEXTS)))
        for _ in range(draw(st.integers(0, 2)) if names else 0):
            calls = []
            for _ in range(draw(st.integers(1, 2))):
                arguments = draw(st.dictionaries(PLAIN, VALUES, max_size=3))
                calls.append(ToolCall(f"call_{count}", draw(st.sampled_from(names)), arguments))
                count += 1
            messages.append(Message("assistant", draw(TEXTS | st.just("")), tuple(calls)))
            messages += [Message("tool", draw(TEXTS | st.just("")), (), call.id, call.name) for call in calls]
        messages.append(Message("assistant", draw(TEXTS)))
    return Conversation.build("glaive_tools", messages, tools)


def written(conversation: Conversation, layout: Layout) -> dict[str, str]:
    """Write a conversation as a row of the set."""
    system = WITHOUT
    if conversation.tools:
        tools = (json.dumps(tool.to_dict()["function"], indent=layout.indent) for tool in conversation.tools)
        system = WITH_TOOLS + layout.between_tools.join(tools) + "\n"
    words = {"user": "USER", "assistant": layout.assistant, "tool": "FUNCTION RESPONSE"}
    turns = []
    for message in conversation.messages:
        text = message.content
        if message.tool_calls:
            text += " <functioncall> " + layout.between_calls.join(
                _call(call, layout.writing) for call in message.tool_calls
            )
        turns.append(f"{words[message.role]}: {text}{layout.end if message.role == 'assistant' else ''}")
    return {"system": system, "chat": layout.line_ends.join(turns) + layout.line_ends}


def _call(call: ToolCall, writing: str) -> str:
    inner = json.dumps(call.arguments, ensure_ascii=False)
    arguments = {"quoted": f"'{inner}'", "object": inner, "string": json.dumps(inner)}[writing]
    return f'{{"name": {json.dumps(call.name)}, "arguments": {arguments}}}'


@settings(max_examples=400)
@given(conversations(), LAYOUTS)
def test_any_conversation_in_any_layout_comes_back_the_same(conversation: Conversation, layout: Layout) -> None:
    row = written(conversation, layout)
    assert convert(row) == conversation, row


def test_20_000_damaged_rows_never_raise() -> None:
    """Cut, doubled, swapped and sprinkled characters; each gives a conversation that survives writing, or a reason."""
    chance = random.Random(11)
    rows = [raw_rows.glaive_row(number) for number in range(12)] + [_busy_row(chance) for _ in range(12)]
    sprinkle = ["\\", '"', "'", "{", "}", "[", "]", ",", "<functioncall>", END, "USER:", "\n\n\nASSISTANT:", "\n\n\nA:",
                "\n\n", "\n\n\nFUNCTION RESPONSE:", "\ud83d", "<|im_end|>", "NaN", "1e999", "null", "\\'"]  # fmt: skip
    kept = 0
    reasons: set[str] = set()
    for _ in range(20_000):
        result = _settle(_damaged(dict(chance.choice(rows)), sprinkle, chance))
        kept += isinstance(result, Conversation)
        if isinstance(result, Reject):
            assert result.code and result.detail
            reasons.add(result.code)
    assert 2_000 < kept < 18_000, "the damage must neither destroy nor spare nearly all rows"
    assert len(reasons) >= 15


def _settle(row: JSON) -> Conversation | Reject:
    made = convert(row)
    result = accept(made) if isinstance(made, Conversation) else made
    if isinstance(result, Conversation):
        assert Conversation.from_dict(json.loads(json.dumps(result.to_dict()))) == result
    return result


def _damaged(row: JSON, sprinkle: list[str], chance: random.Random) -> JSON:
    for _ in range(chance.choice([1, 1, 2, 3])):
        field = chance.choice(["chat", "chat", "chat", "system"])
        text = row[field]
        start, end = sorted(chance.choices(range(len(text) + 1), k=2))
        if chance.random() < 0.5:
            end = min(end, start + 3)
        replacement = chance.choice(["", text[start:end] * 2, chance.choice(sprinkle), text[end:]])
        row[field] = text[:start] + replacement + text[end:]
    return row


def _busy_row(chance: random.Random) -> JSON:
    """A row with two tools, texts around calls, two calls in a turn and nested arguments."""
    schema = {"type": "object", "properties": {"q": {"type": "string"}, "n": {"type": "integer"}}, "required": ["q"]}
    tools = "\n\n".join(
        json.dumps({"name": n, "description": n, "parameters": schema}, indent=4) for n in ("find", "get")
    )
    call = (
        '<functioncall> {"name": "find", "arguments": \'{"q": "it\'s {a} \\"b\\"", "n": 3, "more": {"x": [1, null]}}\'}'
    )
    other = '<functioncall> {"name": "get", "arguments": {"q": "é"}}'
    end = chance.choice([f" {END}", ""])
    return {
        "system": WITH_TOOLS + tools,
        "chat": f"USER: Do A: and B.\n\n\nASSISTANT: One moment.{end}\n\n\nASSISTANT: {call} {other}{end}\n\n\n"
        f'FUNCTION RESPONSE: {{"a": 1}}\n\n\nFUNCTION RESPONSE: not JSON\n\n\nASSISTANT: Done.{end}\n\n\n'
        f"USER: Merci !\n\n\nA: De rien.{end}\n\n\n",
    }
