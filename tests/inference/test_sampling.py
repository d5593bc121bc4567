"""Drawing tokens: the distribution is the one asked for, and a draw depends on nothing else."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from hive_mind.inference.sampling import FIRST_WIDTH, Sampling, sample

WIDTH = 5 * FIRST_WIDTH


def nucleus(logits, sampling):
    """The probabilities of the tokens that may be drawn, by definition."""
    p = np.exp((logits - logits.max()) / sampling.temperature)
    p /= p.sum()
    order = np.argsort(-p, kind="stable")
    kept = order[: int((np.cumsum(p[order]) < sampling.top_p - 1e-12).sum()) + 1]
    made = np.zeros_like(p)
    made[kept] = p[kept] / p[kept].sum()
    return made


@pytest.mark.parametrize("flat", [0.05, 1.0, 8.0])
@pytest.mark.parametrize("top_p", [0.3, 0.9, 1.0])
@pytest.mark.parametrize("temperature", [0.5, 1.3])
def test_evenly_spaced_draws_give_the_nucleus(flat, top_p, temperature):
    logits = torch.from_numpy(np.random.default_rng(3).normal(size=WIDTH)) * flat
    sampling = Sampling(temperature, top_p)
    count = 4000
    drawn = sample(logits.repeat(count, 1), [sampling] * count, [(i + 0.5) / count for i in range(count)])
    found = np.bincount(drawn, minlength=WIDTH) / count
    assert np.abs(found - nucleus(logits.numpy(), sampling)).max() <= 1.01 / count + 1e-4


@given(
    rows=st.lists(
        st.tuples(st.floats(0.1, 3), st.sampled_from([0.2, 0.7, 0.95, 1.0]), st.floats(0, 1, exclude_max=True)),
        min_size=1, max_size=6,
    ),
    seed=st.integers(0, 999),
)  # fmt: skip
def test_a_draw_does_not_depend_on_the_other_rows(rows, seed):
    logits = torch.randn(len(rows), WIDTH, generator=torch.Generator().manual_seed(seed)) * 2
    samplings = [Sampling(temperature, top_p) for temperature, top_p, _ in rows]
    draws = [draw for _, _, draw in rows]
    together = sample(logits, samplings, draws)
    assert together == [sample(logits[i : i + 1], [samplings[i]], [draws[i]])[0] for i in range(len(rows))]


def test_forbidden_tokens_are_never_drawn():
    logits = torch.full((64, WIDTH), float("-inf"))
    logits[:, 7] = 0.0
    logits[:, 300] = -1.0
    drawn = sample(logits, [Sampling(1.0, 1.0)] * 64, [i / 64 for i in range(64)])
    assert set(drawn) == {7, 300}
    assert set(sample(logits, [Sampling(1.0, 0.5)] * 64, [i / 64 for i in range(64)])) == {7}


@pytest.mark.parametrize("wrong", [{"temperature": -1.0}, {"top_p": 0.0}, {"top_p": 1.5}])
def test_what_makes_no_sense_is_refused(wrong):
    with pytest.raises(ValueError, match="at least 0, and in"):
        Sampling(**wrong)
