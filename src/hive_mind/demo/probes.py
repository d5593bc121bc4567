"""What the growing base can do, measured on documents that training never sees: loss and four skills."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random

import numpy as np
import torch
import torch.nn.functional as F

from hive_mind.demo import catalogue, skills, texts, wide_catalogue
from hive_mind.demo.corpus import Corpus
from hive_mind.demo.documents import ANSWER, Document
from hive_mind.demo.stdlib import stdlib
from hive_mind.model.attention import Layout
from hive_mind.model.qwen2 import Qwen2

COUNT = 24
Rows = Sequence[tuple[np.ndarray, np.ndarray]]
PROBES: dict[str, Callable[[Random], Document]] = {
    "copy": skills.copying,
    "lookup": lambda rng: skills.lookup(rng, 6),
    "records": skills.records,
    "choice": catalogue.choice,
    "catalogue": catalogue.catalogue,
    "wide_catalogue": wide_catalogue.wide_catalogue,
}
"""Skill -> its documents. Scored is the share of answer tokens that greedy decoding gets right, given the text so far,
the share of whole answers, and the share of first tokens: they choose the entry, or say that none fits."""


class Probes:
    """Fixed held-out documents of every skill and of running text."""

    def __init__(self, corpus: Corpus) -> None:
        self.text: Rows = [
            corpus.encode(make(Random(f"probe/text/{number}")))
            for make in (stdlib, texts.english, texts.json_text, texts.small_talk) for number in range(COUNT // 2)
        ]  # fmt: skip
        self.skills: dict[str, Rows] = {
            name: [corpus.encode(make(Random(f"probe/{name}/{number}"))) for number in range(COUNT)]
            for name, make in PROBES.items()
        }
        self.induction = _repeated(corpus)

    @torch.inference_mode()
    def run(self, model: Qwen2) -> dict[str, float]:
        """Return held-out loss (nats a token) and each skill's accuracy from 0 to 1."""
        found = {"loss": _loss(model, self.text), "induction": _accuracy(model, self.induction)[0]}
        for name, rows in self.skills.items():
            found[name], found[f"{name}_exact"], found[f"{name}_first"] = _accuracy(model, rows)
        return {name: round(value, 4) for name, value in found.items()}


def _repeated(corpus: Corpus) -> Rows:
    rows = []
    for number in range(COUNT):
        once = np.array([Random(f"probe/induction/{number}/{i}").randrange(corpus.ordinary) for i in range(40)])
        weights = np.repeat([0.0, ANSWER], 40)
        weights[40] = 0.0  # nothing foretells that the repetition begins
        rows.append((np.concatenate([once, once]), weights))
    return rows


def _logits(model: Qwen2, ids: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
    """Logits (n - 1, V) and the tokens (n - 1,) that they should foretell."""
    tokens = torch.from_numpy(ids).to(model.device)
    states = model.hidden(tokens[:-1], Layout.from_lengths([len(ids) - 1], model.device))
    return model.project(states).float(), tokens[1:]


def _loss(model: Qwen2, rows: Rows) -> float:
    total = count = 0.0
    for ids, _ in rows:
        logits, targets = _logits(model, ids)
        total += float(F.cross_entropy(logits, targets, reduction="sum"))
        count += len(targets)
    return total / count


def _accuracy(model: Qwen2, rows: Rows) -> tuple[float, float, float]:
    """Shares of (answer tokens, whole answers, first tokens) foretold; an answer is a run of tokens of full weight."""
    right = tokens = whole = first = answers = 0
    for ids, weights in rows:
        logits, targets = _logits(model, ids)
        hits = (logits.argmax(-1) == targets).cpu().numpy()
        wanted = weights[1:] >= ANSWER
        right, tokens = right + int(hits[wanted].sum()), tokens + int(wanted.sum())
        edges = np.flatnonzero(np.diff(np.concatenate([[False], wanted, [False]]).astype(np.int8)))
        for start, end in edges.reshape(-1, 2):
            whole += int(hits[start:end].all())
            first += int(hits[start])
            answers += 1
    return right / tokens, whole / answers, first / answers
