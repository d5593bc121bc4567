"""Items on which two models differ, with what either replied, for people to look at."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

from hive_mind.conversation import Message
from hive_mind.evaluation.records import Evaluation
from hive_mind.evaluation.run import EvaluationRequest, recorded
from hive_mind.suites.held_out import Item


@dataclass(frozen=True, slots=True)
class Example:
    """An item that one model has right and the other wrong; `won` if it is the first. Replies as they were written."""

    id: str
    won: bool
    request: str
    expected: str
    mine: str
    theirs: str

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def differing(request: EvaluationRequest, evaluation: Evaluation, of_each: int) -> list[Example]:
    """Return at most `of_each` items that the first of two models won, then as many that it lost.

    They are spread over tiers and kinds, each beginning with its first. The replies are those kept when the request was
    evaluated; raises ValueError if none were (it needs a cache).
    """
    suite, replies = recorded(request)
    asked = {item.id: item for item in suite.items}
    first, second = evaluation.models
    found = []
    for won in (True, False):
        group = [
            item.id
            for item, mine, theirs in zip(
                evaluation.items, first.outcomes.correct, second.outcomes.correct, strict=True
            )
            if mine != theirs and mine is won
        ]
        for identity in _spread({key: asked[key] for key in group}, of_each):
            item = asked[identity]
            texts = [replies[model.name][identity] for model in (first, second)]
            found.append(Example(identity, won, item.messages[-1].content, in_words(item.expected), *texts))
    return found


def _spread(items: dict[str, Item], count: int) -> list[str]:
    """Choose items in turn from every tier and kind."""
    groups: dict[tuple[str, str], list[str]] = {}
    for identity, item in items.items():
        groups.setdefault((item.tier, item.kind), []).append(identity)
    longest = max(map(len, groups.values()), default=0)
    return [group[turn] for turn in range(longest) for group in groups.values() if turn < len(group)][:count]


def in_words(message: Message) -> str:
    """Return what was expected as a person reads it: the calls, or that there is none."""
    if not message.tool_calls:
        return f"no call, such as: {message.content}"
    return " ".join(f"{call.name}({json.dumps(call.arguments, ensure_ascii=False)})" for call in message.tool_calls)
