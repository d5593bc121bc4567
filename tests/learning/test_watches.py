"""A version that is no worse stays for its whole watch; one that is clearly worse goes within days."""

from tests.learning.watches import CARELESS, USUAL, one_watch


def test_an_equal_version_stays():
    assert [one_watch(seed, USUAL["failed"]) for seed in range(2)] == [None, None]


def test_a_version_whose_calls_fail_three_times_as_often_goes():
    assert all((one_watch(seed, 3 * USUAL["failed"]) or 99) <= 7 for seed in range(2))


def test_with_the_whole_level_for_every_look_many_equal_versions_would_go():
    """The simulation is able to find a watch that is too strict."""
    assert sum(one_watch(seed, USUAL["failed"], settings=CARELESS) is not None for seed in range(6)) >= 2
