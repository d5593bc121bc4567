"""What a limit chooses; tests of the held-out suite check its shares with hypothesis."""

from hive_mind.suites.sampling import sample_groups


def test_a_sample_hangs_on_seed_and_identity_alone():
    def chosen(rows, seed, limit=10):
        return sample_groups(rows, limit, seed, str, lambda row: "even" if row % 2 else "odd")

    assert chosen(range(100), 1) == sorted(chosen(range(99, -1, -1), 1))
    assert chosen(range(100), 1) != chosen(range(100), 2)
    assert sum(row % 2 for row in chosen(range(100), 1)) == 5
    assert chosen(range(10), 1) == list(range(10))
    assert len(chosen(range(100), 1, limit=1)) == 1
