"""How the next token is chosen: the likeliest, or drawn by temperature and nucleus (top-p, arXiv 1904.09751)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

FIRST_WIDTH = 64


@dataclass(frozen=True, slots=True)
class Sampling:
    """Temperature 0 takes the likeliest token; above it one is drawn among the likeliest that have `top_p` together.

    A reply's draws come from `seed` alone, one for each token drawn, whatever else is in the batch.
    """

    temperature: float = 0.0
    top_p: float = 1.0
    seed: int = 0

    def __post_init__(self) -> None:
        if self.temperature < 0 or not 0 < self.top_p <= 1:
            raise ValueError(f"temperature {self.temperature} and top_p {self.top_p}: at least 0, and in (0, 1]")

    @property
    def greedy(self) -> bool:
        return self.temperature == 0


GREEDY = Sampling()


def sample(logits: Tensor, samplings: Sequence[Sampling], draws: Sequence[float]) -> list[int]:
    """Draw one token a row. logits (N, V); `draws` one number in [0, 1) a row, its place in the nucleus' probability.

    Only as many of the likeliest tokens are sorted as are needed to reach it: V is 151,936 in Qwen2.5.
    """

    def column(values: Sequence[float]) -> Tensor:
        return torch.tensor(values, dtype=torch.float64, device=logits.device)[:, None]

    temperatures = column([sampling.temperature for sampling in samplings]).float()
    top_p, draw = column([sampling.top_p for sampling in samplings]), column(draws)
    probabilities = torch.softmax(logits.float() / temperatures, -1)
    width = min(FIRST_WIDTH, logits.shape[-1])
    while True:
        likeliest, tokens = probabilities.topk(width)
        sums = likeliest.double().cumsum(-1)
        last = (sums < top_p).sum(-1, keepdim=True).clamp_(max=width - 1)  # of the nucleus
        mass = torch.where(top_p < 1, sums.gather(-1, last), 1.0)
        chosen = (sums <= draw * mass).sum(-1, keepdim=True)
        inside = (sums[:, -1:] >= top_p) | ((top_p == 1) & (chosen < width))
        if width == logits.shape[-1] or bool(inside.all()):
            break
        width = min(width * 16, logits.shape[-1])
    return [int(token) for token in tokens.gather(-1, torch.minimum(chosen, last)).squeeze(-1).tolist()]
