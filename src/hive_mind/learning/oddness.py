"""Rows that fit their tool badly: what is served finds them far less likely than the other new rows of that tool.

A poisoned or mistaken answer (the right form, a wrong value) is often one that nothing in the request leads to. Rows
that the served model was trained on are not compared: it knows those by heart.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import median
from typing import TYPE_CHECKING

from hive_mind.learning.pool import Pooled
from hive_mind.learning.settings import LearningSettings

if TYPE_CHECKING:
    from hive_mind.device import Device
    from hive_mind.inference.load import ModelReference

FEWEST = 8
"""A tool with fewer new rows is compared with all new rows."""
LEAST_SPREAD = 0.25
"""Rows of one tool that are all alike would make any other one odd: a deviation is at least so large, in log loss."""
MAD_TO_DEVIATION = 1.4826


def reasons(rows: Sequence[Pooled], champion: ModelReference, settings: LearningSettings) -> dict[str, str]:
    """Return why rows are odd, by id; none if `mix.odd_z` is 0."""
    from hive_mind.device import pick

    if not settings.mix.odd_z or not rows:
        return {}
    device = pick(settings.evaluation.device, settings.evaluation.dtype)
    loss = losses(rows, champion, device, settings.evaluation.batch_tokens)
    return {
        id: f"odd: {z:.1f} deviations less likely than others of its tool; approve it if it is right"
        for id, z in odd(rows, loss, settings.mix.odd_z).items()
    }


def losses(rows: Sequence[Pooled], model: ModelReference, device: Device, batch_tokens: int) -> dict[str, float]:
    """Return the mean negative log-likelihood (nats a labelled token) of each row's target, by id.

    Rows that the model's context does not hold have none.
    """
    from hive_mind.chat.render import UnusableForTraining, render
    from hive_mind.evaluation.measure import conversation_losses
    from hive_mind.inference.load import load

    loaded = load(model.base, device)
    loaded.become(model)
    rendered = []
    for row in rows:
        try:
            made = render(row.conversation, loaded.tokenizer)
        except UnusableForTraining:
            made = None
        longest = loaded.model.config.max_position_embeddings
        rendered.append(made if made is not None and len(made.input_ids) <= longest else None)
    sums = conversation_losses(loaded, rendered, batch_tokens)
    return {row.id: found[0] / found[1] for row, found in zip(rows, sums, strict=True) if found}


def odd(rows: Sequence[Pooled], loss: Mapping[str, float], bound: float) -> dict[str, float]:
    """Return the robust z of every row whose log loss lies more than `bound` deviations above its tool's median.

    The deviation is 1.4826 times the median absolute deviation, so that odd rows themselves do not widen it.
    """
    logs = {row.id: math.log(max(loss[row.id], 1e-6)) for row in rows if row.id in loss}
    by_tool: dict[str, list[str]] = {}
    for row in rows:
        if row.id in logs:
            by_tool.setdefault(row.tool, []).append(row.id)
    found: dict[str, float] = {}
    for ids in by_tool.values():
        others = ids if len(ids) >= FEWEST else list(logs)
        if len(others) < FEWEST:
            continue
        centre = median(logs[id] for id in others)
        spread = max(LEAST_SPREAD, MAD_TO_DEVIATION * median(abs(logs[id] - centre) for id in others))
        found |= {id: z for id in ids if (z := (logs[id] - centre) / spread) > bound}
    return found
