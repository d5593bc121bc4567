"""What is tried after a death: by the place it repeats at, the device, and what the user allows."""

import pytest

from hive_mind.training.attempt import Attempt
from hive_mind.training.batches import Packing
from hive_mind.training.diagnosis import Ending, LastWords
from hive_mind.training.footprint import Footprint
from hive_mind.training.recovery import ENVIRONMENT, GivenUp, Limits, ladder, next_attempt

FOOTPRINT = Footprint(Packing(4), 64).to_dict()


def death(cause="gpu_fault", step=18, indices=(1, 2, 3), footprint=FOOTPRINT):
    place = "the start" if step is None else f"step {step}"
    words = LastWords(place, step, tuple(indices), footprint=footprint)
    return Ending(cause, words, "HIP error: an illegal memory access was encountered")


def follow(deaths, backend="hip", allow_cpu=False, restarts=20, quarantine=3):
    """Let one death after another happen; yields the attempts in between."""
    attempt, endings = Attempt(), []
    for each in deaths:
        endings.append(each(attempt) if callable(each) else each)
        attempt = next_attempt(attempt, endings, backend, Limits(restarts, allow_cpu, quarantine))
        yield attempt


def test_a_fault_that_repeats_climbs_the_ladder_of_its_device():
    attempts = list(follow([death()] * 5))
    assert [attempt.measures for attempt in attempts] == [
        (), ("other_blas",), ("other_blas", "math_attention"), ("other_blas", "math_attention", "no_caching"),
        ("other_blas", "math_attention", "no_caching"),
    ]  # fmt: skip
    assert attempts[-1].one_by_one == 18
    assert [attempt.number for attempt in attempts] == [1, 2, 3, 4, 5]
    assert ENVIRONMENT["hip"]["other_blas"] == {"TORCH_BLAS_PREFER_HIPBLASLT": "0", "ROCBLAS_USE_HIPBLASLT": "0"}
    assert ENVIRONMENT["hip"]["no_caching"]["PYTORCH_NO_HIP_MEMORY_CACHING"] == "1"


def test_deaths_at_different_places_get_a_fresh_process_and_nothing_else():
    attempts = list(follow([death(step=3), death(step=9), death(step=4), death("hang", step=20)]))
    assert all(attempt.measures == () for attempt in attempts)


SEARCH = [death()] * 5
FOUND = [*SEARCH, death(indices=(7,))]


def test_the_example_that_kills_is_left_out():
    *_, last = follow(FOUND)
    assert (last.quarantined, last.one_by_one) == ((7,), None)


def test_a_step_may_have_two_of_them():
    *_, last = follow([*FOUND, death(), death(indices=(4,))])
    assert last.quarantined == (7, 4)


def test_examples_that_were_not_the_cause_are_taken_back_and_the_cpu_is_next():
    deaths = [*FOUND, death(), death(indices=(4,)), death(), death(indices=(5,)), death()]
    *_, before, last = follow(deaths, allow_cpu=True)
    assert before.quarantined == (7, 4, 5)
    assert last.quarantined == ()
    assert last.measures[-1] == "cpu"


def test_a_kill_from_outside_in_the_search_blames_nobody():
    *_, last = follow([*SEARCH, death("killed", step=12, indices=(1, 2, 3))])
    assert (last.quarantined, last.one_by_one) == ((), 18)


def test_a_death_elsewhere_in_the_search_blames_nobody():
    *_, last = follow([*SEARCH, death(step=12, indices=(1,))])
    assert last.quarantined == ()


def test_a_gpu_meets_the_same_fault_at_neighbouring_steps():
    attempts = list(follow([death(step=18), death(step=19), death(step=18)]))
    assert [len(attempt.measures) for attempt in attempts] == [0, 1, 2]
    assert all(attempt.measures == () for attempt in follow([death(step=18), death(step=19)], backend="cpu"))


def test_a_kill_between_two_faults_hides_nothing():
    *_, last = follow([death(), death("killed", step=4), death()])
    assert last.measures == ("other_blas",)


def test_the_cpu_only_if_it_is_allowed():
    with pytest.raises(GivenUp, match=r"training\.allow_cpu=true"):
        list(follow([*FOUND, death()], quarantine=1))


def test_no_more_examples_than_allowed_are_left_out():
    with pytest.raises(GivenUp, match="every measure was tried"):
        list(follow([death()] * 5, quarantine=0))


def test_memory_gets_a_smaller_footprint():
    (attempt,) = follow([death("memory")])
    assert attempt.too_large == FOOTPRINT
    assert attempt.measures == ()


def test_the_validation_loss_gets_smaller_parts_of_its_own():
    words = LastWords("validation", None, (), 6, True, FOOTPRINT)
    (attempt,) = follow([Ending("memory", words, "the kernel killed it, for memory was short")])
    assert (attempt.validation_at_most, attempt.too_large) == (3, None)


def test_kills_from_outside_change_nothing_however_often():
    for attempt in follow([death("killed")] * 5):
        assert (attempt.too_large, attempt.measures, attempt.one_by_one) == (None, (), None)


def test_memory_that_is_short_before_the_first_step_is_said():
    with pytest.raises(GivenUp, match="memory is short before anything is computed"):
        list(follow([death("memory", step=None, footprint=None)] * 2))


def test_it_ends_after_the_restarts_that_are_allowed():
    with pytest.raises(GivenUp, match=r"started again 4 times \(training.max_restarts\).*hive-mind doctor"):
        list(follow([death(step=step) for step in range(1, 10)], restarts=4))


def test_on_a_cpu_there_is_one_rung_before_the_search():
    assert ladder("cpu") == ("math_attention",)
    attempts = list(follow([death("crash")] * 3, backend="cpu"))
    assert attempts[-1].one_by_one == 18


def test_every_death_stands_in_the_records():
    attempts = list(follow([death(step=3), death(step=9), death(step=9)]))
    assert len(attempts[-1].issues) == 3
    assert attempts[-1].issues[0].startswith("the training process met a fault of the GPU at step 3 (HIP error")
    assert attempts[-1].issues[2].endswith("another library for matrix products")


def test_an_attempt_survives_the_way_to_the_worker():
    attempt = list(follow([death()] * 6))[-1]
    assert Attempt.from_dict(attempt.to_dict()) == attempt
