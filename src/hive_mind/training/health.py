"""Does a run look healthy? A loss that climbs away from its best, or gradients far too long, are said once, with why.

The ranges are those that axolotl's page on training stability gives for fine-tuning: a loss of 0.5 to 2 that falls, a
gradient norm of 0.1 to 10, and one beyond 100 a bad sign.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

RECENT = 10
CLIMB = 1.5  # times the best mean of so many steps
LEAST_CLIMB = 0.5  # nats: small losses vary by more than half of themselves
LONGEST_GRADIENT = 100.0
HEALTHY = "healthy is a loss of 0.5 to 2 that falls and a gradient norm of 0.1 to 10"


@dataclass
class Health:
    """Watches a run's steps. `observe` returns a sentence at the first step that looks bad, else nothing."""

    losses: deque[float] = field(default_factory=lambda: deque(maxlen=RECENT))
    best: float = float("inf")
    long_gradients: int = 0
    said: set[str] = field(default_factory=set)

    def observe(self, step: int, loss: float | None, grad_norm: float | None, rate: float) -> str | None:
        """Look at a step's loss (nats a labelled token) and gradient norm before clipping; None stands for skipped."""
        if loss is None or grad_norm is None:
            return None
        self.losses.append(loss)
        self.long_gradients = self.long_gradients + 1 if grad_norm > LONGEST_GRADIENT else 0
        found = self._loss(step) or self._gradient(step, grad_norm)
        if found is None or found[0] in self.said:
            return None
        self.said.add(found[0])
        return f"{found[1]}; {HEALTHY}, so training.learning_rate (now {rate:.1e}) may be too high"

    def _loss(self, step: int) -> tuple[str, str] | None:
        if len(self.losses) < RECENT:
            return None
        mean = sum(self.losses) / RECENT
        self.best = min(self.best, mean)
        if mean < max(CLIMB * self.best, self.best + LEAST_CLIMB):
            return None
        return "loss", (
            f"the loss climbed to {mean:.2f} on average over the {RECENT} steps up to step {step}, after "
            f"{self.best:.2f} at its best"
        )

    def _gradient(self, step: int, grad_norm: float) -> tuple[str, str] | None:
        if self.long_gradients < RECENT:
            return None
        return "gradient", (
            f"the gradient was longer than {LONGEST_GRADIENT:.0f} in {RECENT} steps in a row ({grad_norm:,.0f} at step "
            f"{step})"
        )
