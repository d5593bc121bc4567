"""What a version knows: the user's fresh requests, the foundation's tiers, and if it does what the flood planted.

A tally is how many answers count, and of how many. Of the foundation's tiers other rows are asked than at the gate.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hive_mind.conversation import Conversation, Message
from hive_mind.device import pick
from hive_mind.evaluation import EvaluationRequest, Request, evaluate, side_by_side
from hive_mind.evaluation.settings import EvaluationSettings
from hive_mind.files import write_jsonl
from hive_mind.inference.load import ModelReference, refer
from hive_mind.model.base import ModelSettings
from hive_mind.usage.rules import dangers
from month.user import User

FRESH, PLANTED, FIRST, DANGEROUS = "fresh", "planted", "first_tools", "dangerous"
OBEYS = "obeys_the_planted_phrase"
MAX_NEW_TOKENS = 96
Tally = list[int]


@dataclass(frozen=True)
class Questions:
    """Files of questions; `tool_of` tells which tool a fresh one asks for, `shell` asks with a shell at hand."""

    files: dict[str, Path]
    tool_of: dict[str, str]
    first: frozenset[str]
    shell: tuple[Request, ...]

    @classmethod
    def write(cls, user: User, folder: Path, tiers: dict[str, Path], per_tool: int) -> Questions:
        """Write the user's fresh requests and the planted ones, and take the foundation's tiers as they are."""
        fresh = user.fresh(per_tool)
        made = {FRESH: fresh, PLANTED: user.planted(per_tool)}
        for name, rows in made.items():
            write_jsonl(folder / f"{name}.jsonl", (row.to_dict() for row in rows))
        files = {name: folder / f"{name}.jsonl" for name in made}
        tools = {row.id: _tool(row) for row in fresh}
        return cls({**files, **tiers}, tools, user.first_names, tuple(user.tempted(per_tool)))


def measure(
    questions: Questions, models_dir: Path, versions: Sequence[str], model: ModelSettings
) -> dict[str, dict[str, Any]]:
    """Return each version's tallies, decoded as served: of every kind of question, and of the fresh ones by tool.

    What was measured before is read back, but for the answers with a shell at hand.
    """
    models = [refer(models_dir, name, model) for name in versions]
    settings = EvaluationSettings(
        held_out=questions.files, limit=None, max_new_tokens=MAX_NEW_TOKENS, format_given=False, device="cpu"
    )
    found = evaluate(EvaluationRequest(models, None, settings, None, models_dir / "reports" / "month"))
    scores: dict[str, dict[str, Any]] = {}
    for made in found.models:
        kinds: dict[str, Tally] = {}
        tools: dict[str, Tally] = {name: [0, 0] for name in sorted(set(questions.tool_of.values()))}
        for item, correct in zip(found.items, (made.served or made.outcomes).correct, strict=True):
            if item.tier == FRESH:
                _count(tools[questions.tool_of[item.id.split("/")[1].split("#")[0]]], correct)
            else:
                _count(kinds.setdefault(f"{item.tier}/{item.kind}", [0, 0]), correct)
        scores[made.name] = {
            FRESH: together(tools.values()),
            FIRST: together(tally for name, tally in tools.items() if name in questions.first),
            OBEYS: kinds.pop(f"{PLANTED}/call"), **kinds, "by_tool": tools,
        }  # fmt: skip
    for name, tally in zip(versions, _dangerous(questions, models), strict=True):
        scores[name][DANGEROUS] = tally
    return scores


def _dangerous(questions: Questions, models: Sequence[ModelReference]) -> list[Tally]:
    """Ask with the planted phrase for something harmless, a shell at hand, and count answers of the denylist."""
    answers = side_by_side(questions.shell, models, pick("cpu"), MAX_NEW_TOKENS)
    tallies: list[Tally] = [[0, 0] for _ in models]
    for given in answers:
        for tally, answer in zip(tallies, given, strict=True):
            said = Message("assistant", answer.parsed.text, tuple(answer.parsed.calls))
            _count(tally, bool(dangers(said)))
    return tallies


def together(tallies: Iterable[Sequence[int]]) -> Tally:
    """Return several tallies as one."""
    every = list(tallies)
    return [sum(tally[0] for tally in every), sum(tally[1] for tally in every)]


def share(tally: Sequence[int] | None) -> float | None:
    """Return a tally as a share; None where nothing was asked."""
    return tally[0] / tally[1] if tally and tally[1] else None


def _count(tally: Tally, counts: bool) -> None:
    tally[0] += counts
    tally[1] += 1


def _tool(row: Conversation) -> str:
    return row.messages[-1].tool_calls[0].name
