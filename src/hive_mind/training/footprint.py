"""How much memory a training step takes, and the ladder down from there: every rung gives the same result.

Same examples, same order, same steps; only how many are computed at once, and what is kept of them, differs.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

from hive_mind.training.batches import Packing

SMALLEST_CHUNK = 16


@dataclass(frozen=True)
class Footprint:
    """How a step is split, how many rows of logits are held at a time, and whether activations are computed twice.

    With `recompute`, a layer keeps its input alone and is run again in the backward pass: far less memory for about a
    third more time (gradient checkpointing, Chen et al. 2016, arXiv 1604.06174).
    """

    packing: Packing
    loss_chunk: int
    recompute: bool = False

    def smaller(self, longest: int) -> Footprint | None:
        """Return the next rung down, or None from the lowest. `longest` is the longest example, in tokens.

        Half the micro-batch with twice the accumulation, down to single examples; then activations computed twice;
        then smaller chunks of logits.
        """
        if self.packing.examples > 1 and (self.packing.tokens is None or self.packing.tokens > longest):
            return replace(self, packing=self.packing.halved(longest))
        if not self.recompute:
            return replace(self, recompute=True)
        if self.loss_chunk > SMALLEST_CHUNK:
            return replace(self, loss_chunk=max(SMALLEST_CHUNK, self.loss_chunk // 2))
        return None

    def at_most(self, other: Footprint) -> Footprint:
        """Return what is no larger than either of the two."""
        return Footprint(
            self.packing.at_most(other.packing), min(self.loss_chunk, other.loss_chunk),
            self.recompute or other.recompute,
        )  # fmt: skip

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Footprint:
        return cls(Packing(**values["packing"]), values["loss_chunk"], values["recompute"])

    @property
    def kept(self) -> str:
        """What is held at a time, beside the micro-batch."""
        activations = "activations computed twice" if self.recompute else "activations kept"
        return f"{activations}, logits of {self.loss_chunk:,} tokens at a time"

    def __str__(self) -> str:
        return f"micro-batches of {self.packing}, {self.kept}"
