"""The short form of `make swap-stress`."""

from tests.registry.swap_stress import VERSIONS, stress


def test_no_reader_ever_sees_a_missing_or_a_mixed_version(tmp_path):
    outcome = stress(tmp_path, changes=60, readers=2, kills=3)
    assert outcome.wrong == []
    assert outcome.changes >= 60
    assert outcome.killed == 3
    assert set(outcome.loads) <= set(VERSIONS)
    assert sum(outcome.loads.values()) >= 20
