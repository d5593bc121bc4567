"""Missing-tool negatives: a real request whose tool is taken away, answered by saying that no tool here does it.

A model that has only ever seen the right tool on offer calls one of the wrong ones where the right one is missing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from hashlib import blake2b

from hive_mind.conversation import JSON, Conversation, Message

MISSING_TOOL = "missing_tool"
"""What the index says of such a row, in `made`."""
FEWEST_OFFERED = 2
"""Where taking the tool away leaves fewer, tools of other rows are offered instead: with none there is no choice."""

REFUSALS = (
    "None of the tools I have here can do that, so I can't help with this request.",
    "I'm sorry, but I don't have a tool for that. The ones available to me are made for other things.",
    "I can't do this with the tools I have: none of them fits your request.",
    "That needs a tool that I don't have here, so I won't call any.",
    "I'm afraid the tools at hand don't cover this. Is there something else I can do for you?",
    "I don't have access to a tool that does this. If you can add one, I'll gladly use it.",
    "Sorry, this is beyond the tools that I was given; none of them would give you what you ask for.",
    "There is no tool here for what you want, so I can't do it for you.",
)
_COMMON_WORDS = frozenset({
    "a", "add", "api", "by", "calculate", "check", "convert", "create", "data", "delete", "fetch", "find", "for",
    "from", "generate", "get", "in", "info", "list", "make", "of", "on", "run", "search", "send", "set", "the", "to",
    "tool", "update", "use",
})  # fmt: skip
_PIECES = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")


def without_its_tool(row: JSON, others: Iterable[JSON]) -> Conversation | None:
    """Return the row's conversation up to its first call, with the called tools gone and a refusal instead of it.

    Tools whose name has a word in common with a called one are taken away as well, because they may do the same.
    `others` are declarations to fill up with. None where the row calls nothing, where its first call is not learnt (a
    mistake does not show that its request needs the tool), where its system text names the tool, or where nothing is
    left to offer.
    """
    turns = row["messages"]
    at = next((number for number, turn in enumerate(turns) if turn.get("tool_calls")), None)
    if at is None or turns[at - 1]["role"] != "user" or turns[at].get("weight") == 0:
        return None
    needed = {call["function"]["name"] for turn in turns for call in turn.get("tool_calls", ())}
    if any(name in turn["content"] for turn in turns[:at] if turn["role"] == "system" for name in needed):
        return None
    before = Conversation.from_dict({**row, "messages": turns[:at], "tools": _offered(row["tools"], others, needed)})
    if not before.tools:
        return None
    refusal = REFUSALS[_number(turns[at - 1]["content"]) % len(REFUSALS)]
    return Conversation.build(before.source, [*before.messages, Message("assistant", refusal)], before.tools)


def _offered(own: Sequence[JSON], others: Iterable[JSON], needed: set[str]) -> list[JSON]:
    taken = {piece for name in needed for piece in _words(name)}

    def fits(tool: JSON) -> bool:
        name = tool["function"]["name"]
        return name not in needed and not taken & _words(name)

    offered = [tool for tool in own if fits(tool)]
    names = {tool["function"]["name"] for tool in offered}
    for tool in others:
        if len(offered) >= FEWEST_OFFERED:
            break
        if fits(tool) and tool["function"]["name"] not in names:
            offered.append(tool)
            names.add(tool["function"]["name"])
    return offered


def _words(name: str) -> frozenset[str]:
    return frozenset(piece.lower() for piece in _PIECES.findall(name)) - _COMMON_WORDS


def _number(text: str) -> int:
    return int.from_bytes(blake2b(text.encode(), digest_size=4).digest())
