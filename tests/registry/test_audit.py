"""The audit log: only ever longer, torn ends cut, changes noticed, and one story with the registry's history."""

import multiprocessing

import pytest

from hive_mind import registry
from hive_mind.errors import HiveMindError
from hive_mind.registry import audit
from tests.registry.versions import PROMOTE, sealed


def write(models, name, count):
    for number in range(count):
        audit.append(models, "test", {"who": name, "number": number})


def test_what_was_written_is_read_back_in_order(tmp_path):
    assert audit.read(tmp_path) == []
    lines = [audit.append(tmp_path, "test", {"number": number}) for number in range(3)]
    assert audit.read(tmp_path) == lines
    assert lines[0]["before"] is None
    assert len({line["before"] for line in lines}) == 3


def test_processes_take_turns(tmp_path):
    context = multiprocessing.get_context("fork")
    writers = [context.Process(target=write, args=(tmp_path, name, 30)) for name in "abc"]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
        assert writer.exitcode == 0
    entries = audit.read(tmp_path)
    assert len(entries) == 90
    for name in "abc":
        assert [entry["number"] for entry in entries if entry["who"] == name] == list(range(30))


def test_half_a_line_of_a_killed_process_is_cut_off(tmp_path):
    audit.append(tmp_path, "test", {"number": 1})
    file = tmp_path / "audit.jsonl"
    whole = file.read_bytes()
    for torn in (b'{"time": "2026', b"x" * 200_000):
        file.write_bytes(whole + torn)
        assert [entry["number"] for entry in audit.read(tmp_path)] == [1]
        audit.append(tmp_path, "test", {"number": 2})
        assert [entry["number"] for entry in audit.read(tmp_path)] == [1, 2]
    file.write_bytes(b"nothing whole")
    audit.append(tmp_path, "test", {"number": 3})
    assert [entry["number"] for entry in audit.read(tmp_path)] == [3]


def test_lines_longer_than_the_tail_that_is_read(tmp_path):
    for number in range(3):
        audit.append(tmp_path, "test", {"number": number, "long": "x" * 150_000})
    assert [entry["number"] for entry in audit.read(tmp_path)] == [0, 1, 2]


@pytest.mark.parametrize("spoil", ["change", "take out", "swap"])
def test_a_line_changed_by_hand_is_noticed(tmp_path, spoil):
    write(tmp_path, "a", 4)
    file = tmp_path / "audit.jsonl"
    lines = file.read_bytes().splitlines(keepends=True)
    if spoil == "change":
        lines[1] = lines[1].replace(b'"a"', b'"b"')
    elif spoil == "take out":
        del lines[1]
    else:
        lines[1], lines[2] = lines[2], lines[1]
    file.write_bytes(b"".join(lines))
    with pytest.raises(HiveMindError, match=r"line [23] does not follow"):
        audit.read(tmp_path)


def test_promotions_overrides_and_rollbacks_are_in_it(tmp_path):
    for number, version in enumerate(("a_v1", "b_v1")):
        sealed(tmp_path, version, seed=number)
    registry.promote(tmp_path, "a_v1", PROMOTE)
    registry.promote(tmp_path, "b_v1", {"decision": "reject"}, "better on my own tools", force=True, by="hand")
    registry.rollback(tmp_path)
    told = [(entry["event"], entry["version"], entry["reason"]) for entry in audit.read(tmp_path)]
    assert told == [
        ("promotion", "a_v1", "12 more calls right"),
        ("override", "b_v1", "better on my own tools"),
        ("promotion", "b_v1", "better on my own tools"),
        ("promotion", "a_v1", "back from b_v1"),
    ]
    assert audit.read(tmp_path)[1]["verdict"] == "reject"


def test_a_fact_never_takes_the_place_of_the_chain(tmp_path):
    with pytest.raises(ValueError, match="a fact cannot be called before"):
        audit.append(tmp_path, "note", {"before": "me"})
    audit.append(tmp_path, "note", {"after": "me"})
    assert len(audit.read(tmp_path)) == 1
