"""Long interactions cut into windows: one example for each assistant turn to learn, none over a number of tokens.

A window holds the system text, the tools that are called in it and a few others, the request that is being worked on,
as many of the last whole messages as fit, and the turn to learn. Before the whole messages stand older ones whose tool
results are replaced by MARKER, again as many as fit. Only the window's last turn is learnt: the turns before it are
the last ones of windows of their own, and would else count once for every window that they stand in.

The turn to learn and the results right before it are never shortened, for a model must not learn to tell what it was
not shown. Where they do not fit, the turn has no window, and is counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from hive_mind.catalogue.select import K, offer, rank, request_text
from hive_mind.conversation import Conversation, Message, Tool
from hive_mind.curation.counting import TokenCount

MARKER = "[This result was left out to save room.]"
DISTRACTOR_SHARE = 0.25
"""Tools that are not called in a window: at most K, and at most this share of its tokens."""
TURN_TOO_LONG, RESULT_TOO_LONG = "turn_too_long", "result_too_long"

WINDOWED = frozenset({"messages", "usage"})
"""People's own interactions are cut. The rows of public sets stay as they were published, and as they are counted."""

Unit = tuple[Message, ...]
"""What stands or falls together: a user's message, or an assistant turn with the results of its calls."""


@dataclass(frozen=True)
class Window:
    """One example. `turn` is the number of its assistant turn in the conversation, from 1; None for the whole."""

    conversation: Conversation
    turn: int | None


@dataclass(frozen=True)
class Windows:
    """What a conversation became, and the turns that fit into no window, by reason."""

    windows: list[Window]
    left_out: Counter[str]


Cut = Callable[[Conversation], Windows]


def cutter(budget: int, count: TokenCount) -> Cut:
    """Return `cut` for one budget and one way to count."""
    return lambda conversation: cut(conversation, budget, count)


def cut(conversation: Conversation, budget: int, count: TokenCount) -> Windows:
    """Return the conversation as it is if it fits into `budget` tokens, else a window for each turn to learn.

    One with a single assistant turn is its own window, whatever its length: there is nothing to cut.
    The conversation must be as `curation.accept` leaves it. `count` tells the tokens of a conversation.
    """
    answers = sum(message.role == "assistant" for message in conversation.messages)
    if answers == 1 or count(conversation) <= budget:
        return Windows([Window(conversation, None)], Counter())
    made = Windows([], Counter())
    turn = 0
    for position, message in enumerate(conversation.messages):
        if message.role != "assistant":
            continue
        turn += 1
        if message.learn:
            found = _Cutter(conversation, position, turn, budget, count).window()
            if isinstance(found, str):
                made.left_out[found] += 1
            else:
                made.windows.append(Window(found, turn))
    return made


def offered(conversation: Conversation) -> Conversation:
    """Return a conversation with the tools that it would be offered if it were served, where it declares too many."""
    answer = next((place for place, message in enumerate(conversation.messages) if message.role == "assistant"), 0)
    called = {call.name for call in conversation.calls}
    chosen = offer(conversation.messages[:answer], conversation.tools, also=called)
    return conversation if len(chosen) == len(conversation.tools) else conversation.changed(tools=chosen)


class _Cutter:
    """Makes one window. `units` are those before the turn to learn, `asked` is the place of the request in them."""

    def __init__(self, conversation: Conversation, position: int, turn: int, budget: int, count: TokenCount) -> None:
        before = conversation.messages[:position]
        self.whole = conversation
        self.turn = turn
        self.target = conversation.messages[position]
        self.system = before[:1] if before[0].role == "system" else ()
        self.units = _units(before[len(self.system) :])
        self.asked = max(i for i, unit in enumerate(self.units) if unit[0].role == "user")
        self.budget, self.count = budget, count
        self.distractors: frozenset[str] = frozenset()

    def window(self) -> Conversation | str:
        """Return the window, or the reason why there is none."""
        last = len(self.units) - 1
        if not self._fits(last, whole_from=last):
            return RESULT_TOO_LONG if self._fits(last, whole_from=last + 1) else TURN_TOO_LONG
        self.distractors = self._choose_distractors(last)
        starts = [i for i in range(last - 1, -1, -1) if i > self.asked or self.units[i][0].role == "user"]
        whole_from = begin = last
        for start in starts:
            if not self._fits(start, whole_from=start):
                break
            whole_from = begin = start
        for start in starts:
            if start < whole_from:
                if not self._fits(start, whole_from):
                    break
                begin = start
        return self._compose(begin, whole_from)

    def _fits(self, start: int, whole_from: int) -> bool:
        return self.count(self._compose(start, whole_from)) <= self.budget

    def _compose(self, start: int, whole_from: int) -> Conversation:
        """Put the units from `start` on before the turn to learn, and the request where it is older than they."""
        request = self.units[self.asked] if self.asked < start else ()
        context = [
            replace(message, learn=False) if message.role == "assistant" else message
            for place in range(start, len(self.units))
            for message in (self.units[place] if place >= whole_from else _shorten(self.units[place]))
        ]
        messages = (*self.system, *request, *context, self.target)
        called = {call.name for message in messages for call in message.tool_calls}
        tools = tuple(tool for tool in self.whole.tools if tool.name in called or tool.name in self.distractors)
        return replace(self.whole, id=f"{self.whole.id}-turn{self.turn}", messages=messages, tools=tools)

    def _choose_distractors(self, last: int) -> frozenset[str]:
        """Choose tools that the smallest window does not call, as they are chosen for a request that is served.

        Which ones hangs on that window and on the tools alone, so that a run that was logged twice, or went on since,
        gives equal windows, and these are found to be duplicates.
        """
        bare = self._compose(last, last)
        bare_tokens = self.count(bare)
        declared = {tool.name for tool in bare.tools}
        others = [tool for tool in self.whole.tools if tool.name not in declared]
        chosen: list[Tool] = []
        for place in rank(request_text(bare.messages[:-1]), others):
            tried = self.count(replace(bare, tools=(*bare.tools, *chosen, others[place])))
            if tried <= self.budget and tried - bare_tokens <= DISTRACTOR_SHARE * self.budget:
                chosen.append(others[place])
            if len(chosen) == K:
                break
        return frozenset(tool.name for tool in chosen)


def _units(messages: Sequence[Message]) -> list[Unit]:
    units: list[list[Message]] = []
    for message in messages:
        if message.role == "tool":
            units[-1].append(message)
        else:
            units.append([message])
    return [tuple(unit) for unit in units]


def _shorten(unit: Unit) -> Unit:
    """Replace tool results by the marker, but for those that are no longer than it."""
    return tuple(
        replace(message, content=MARKER) if message.role == "tool" and len(message.content) > len(MARKER) else message
        for message in unit
    )
