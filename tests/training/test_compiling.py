"""Kernels are compiled where it pays and can be done; elsewhere it is said, once, and trained all the same."""

import pytest
import torch

from hive_mind.errors import HiveMindError
from hive_mind.model.kernels import EAGER, compiled
from hive_mind.training import compiling, train
from hive_mind.training.compiling import SMALLEST_HIDDEN_SIZE, choose_kernels
from tests.small_base import random_model, small_config


@pytest.fixture
def no_compiler(monkeypatch):
    def fail(model):
        raise torch._dynamo.exc.BackendCompilerFailed("inductor", RuntimeError("no g++"), None)

    monkeypatch.setattr(compiling, "_build", fail)


def wide_model():
    return random_model(small_config(hidden_size=SMALLEST_HIDDEN_SIZE + 3))


def test_narrow_bases_are_not_compiled_for_and_wide_ones_are(monkeypatch):
    built = []
    monkeypatch.setattr(compiling, "_build", built.append)
    assert choose_kernels("auto", random_model(small_config())) is EAGER
    assert choose_kernels(False, wide_model()) is EAGER
    assert not built
    assert choose_kernels("auto", wide_model()) is compiled()
    assert choose_kernels(True, random_model(small_config())) is compiled()
    assert len(built) == 2


def test_without_a_compiler_auto_says_so_and_goes_on(no_compiler, capsys):
    assert choose_kernels("auto", wide_model()) is EAGER
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "kernels are not compiled" in said and "no g++" in said and "apt install g++" in said


def test_without_a_compiler_compile_true_is_an_error_with_advice(no_compiler, request_for):
    with pytest.raises(HiveMindError, match=r"no g\+\+.*install a C\+\+ compiler"):
        train(request_for(compile=True))


def test_a_compiled_run_learns_the_same(request_for, capsys):
    plain = train(request_for("models/plain_v1", compile=False))
    try:
        found = train(request_for("models/compiled_v1", compile=True))
    except HiveMindError as error:
        pytest.skip(str(error))
    assert "kernels compiled in" in capsys.readouterr().err
    assert found.metrics["loss_by_epoch"] == pytest.approx(plain.metrics["loss_by_epoch"], rel=1e-4)
