"""The learning rate's course and the optimizer's way through a checkpoint."""

import math
from itertools import pairwise

import pytest
import torch
from torch import nn

from hive_mind.errors import HiveMindError
from hive_mind.training import TrainingSettings
from hive_mind.training.optimizer import learning_rate, make_optimizer, optimizer_tensors, restore_optimizer


def rates(total, share, peak=1.0):
    return [learning_rate(step, total, peak, share) for step in range(1, total + 1)]


def test_warm_up_rises_in_equal_steps_to_the_peak_and_then_it_only_falls():
    course = rates(100, 0.1)
    assert course[:10] == pytest.approx([i / 10 for i in range(1, 11)])
    assert course[10] == 1.0
    assert all(later < earlier for earlier, later in pairwise(course[10:]))
    assert course[55] == pytest.approx(0.5)
    assert 0 < course[-1] < 0.001


def test_without_warm_up_the_first_step_has_the_peak():
    assert rates(3, 0.0) == pytest.approx([1.0, 0.75, 0.25])
    assert rates(1, 0.0) == [1.0]


def test_a_share_of_few_steps_is_at_least_one_step():
    assert rates(3, 0.03)[:2] == [1.0, 1.0]
    assert math.ceil(1905 * 0.03) == 58
    assert rates(1905, 0.03, 2e-4)[57] == pytest.approx(2e-4)


def test_a_restored_optimizer_goes_on_bitwise():
    def make():
        parameters = {"a": nn.Parameter(torch.linspace(-1, 1, 12).reshape(3, 4)), "b": nn.Parameter(torch.ones(5))}
        return parameters, make_optimizer(parameters, TrainingSettings())

    def steps(parameters, optimizer, numbers):
        for number in numbers:
            for parameter in parameters.values():
                parameter.grad = torch.sin(parameter.detach() * number)
            optimizer.step()

    whole, optimizer = make()
    steps(whole, optimizer, range(1, 8))
    first, optimizer = make()
    steps(first, optimizer, range(1, 4))
    kept = {name: tensor.clone() for name, tensor in optimizer_tensors(optimizer, first).items()}
    second, optimizer = make()
    with torch.no_grad():
        for name, parameter in second.items():
            parameter.copy_(first[name])
    restore_optimizer(optimizer, second, kept)
    steps(second, optimizer, range(4, 8))
    assert all(torch.equal(whole[name], second[name]) for name in whole)


def test_a_state_that_does_not_fit_is_refused():
    parameters = {"a": nn.Parameter(torch.ones(3))}
    optimizer = make_optimizer(parameters, TrainingSettings())
    with pytest.raises(HiveMindError, match=r"no optimizer state 'exp_avg\.a'"):
        restore_optimizer(optimizer, parameters, {})
    wrong = {"exp_avg.a": torch.ones(4), "exp_avg_sq.a": torch.ones(4), "step.a": torch.tensor(1.0)}
    with pytest.raises(HiveMindError, match="another shape"):
        restore_optimizer(optimizer, parameters, wrong)
