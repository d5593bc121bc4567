"""What a base model can do before fine-tuning, measured while it is pre-trained: loss, induction, copying, looking up."""

from __future__ import annotations

import random

import torch
from torch import Tensor

from hive_mind.demo.corpus import Corpus
from hive_mind.demo.skills import KNOWN
from hive_mind.model.attention import Layout
from hive_mind.model.qwen2 import Qwen2

DOCUMENTS = 48
SKILLS = ("copy", "lookup", "form", "catalogue", "chat")


@torch.no_grad()
def probe(model: Qwen2, corpus: Corpus) -> dict[str, float]:
    """Return the held-out loss on library text, and per skill the share of known tokens and of whole answers right."""
    found = {"library_loss": _library_loss(model, corpus), "induction": _induction(model, corpus)}
    for skill in SKILLS:
        tokens, exact = _skill(model, corpus, skill)
        found[f"{skill}_tokens"], found[f"{skill}_exact"] = tokens, exact
    return found


def _logits(model: Qwen2, ids: list[int]) -> Tensor:
    return model.project(model.hidden(torch.tensor(ids), Layout.from_lengths([len(ids)]))).float()


def _library_loss(model: Qwen2, corpus: Corpus) -> float:
    held_out = corpus.library[int(len(corpus.library) * 0.98) :]
    windows = [held_out[start : start + 257].tolist() for start in range(0, min(len(held_out) - 257, 24 * 257), 257)]
    losses = [torch.nn.functional.cross_entropy(_logits(model, row[:-1]), torch.tensor(row[1:])) for row in windows]
    return float(torch.stack(losses).mean())


def _induction(model: Qwen2, corpus: Corpus) -> float:
    rng = random.Random("induction")
    ordinary = [corpus.tokenizer.token_to_id(piece) for piece in sorted(corpus.pieces)]
    right = total = 0
    for _ in range(12):
        drawn = [rng.choice(ordinary) for _ in range(80)]
        guesses = _logits(model, drawn + drawn)[len(drawn) : -1].argmax(-1)
        right += int((guesses == torch.tensor(drawn[1:])).sum())
        total += len(drawn) - 1
    return right / total


def _skill(model: Qwen2, corpus: Corpus, skill: str) -> tuple[float, float]:
    rng = random.Random(f"probe {skill}")
    right = total = whole = 0
    for _ in range(DOCUMENTS):
        ids, weights = corpus.encode(corpus.document(rng, skill))
        known = torch.tensor(weights[1:]) == KNOWN
        hits = (_logits(model, ids[:-1]).argmax(-1) == torch.tensor(ids[1:]))[known]
        right, total, whole = right + int(hits.sum()), total + len(hits), whole + bool(hits.all())
    return right / total, whole / DOCUMENTS
