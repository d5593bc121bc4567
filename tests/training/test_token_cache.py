"""Tokens are made once; what is stale, damaged or left by a killed process is never used and does not stay."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from hive_mind.chat.tokenizer import load_tokenizer
from hive_mind.errors import DataRefused, HiveMindError
from hive_mind.files import sha256_file
from hive_mind.training import token_cache, tokens
from hive_mind.training.tokens import tokenise
from tests.training.conftest import row, write_rows

ROWS = [row(number) for number in range(12)]
KEY = {"dataset": "d" * 64, "tokenizer": "t", "max_length": 100, "code": "c"}


@pytest.fixture(scope="module")
def tokenizer(base):
    return load_tokenizer(base.folder)


@pytest.fixture
def file(tmp_path):
    (tmp_path / "data").mkdir()
    return write_rows(tmp_path / "data" / "d.jsonl", ROWS)


def entries(file: Path) -> list[Path]:
    return sorted((file.parent / token_cache.FOLDER).iterdir())


def same(a, b) -> bool:
    arrays = all(np.array_equal(getattr(a.examples, name), getattr(b.examples, name)) for name in token_cache.ARRAYS)
    return arrays and a.rows == b.rows and a.tools_called == b.tools_called and a.digest == b.digest


@pytest.fixture
def no_rendering(monkeypatch):
    def refuse(*_):
        raise AssertionError("rows were rendered, though their tokens are in the cache")

    return lambda: monkeypatch.setattr(tokens, "render_all", refuse)


def test_a_second_run_maps_what_the_first_made(file, tokenizer, no_rendering):
    too_long = row(1)
    too_long["messages"][0]["content"] = "y " * 900
    long = write_rows(file, [*ROWS, too_long])
    first = tokenise(long, tokenizer, 300)
    no_rendering()
    again = tokenise(long, tokenizer, 300)
    assert same(first, again)
    assert again.longest_dropped == first.longest_dropped > 300
    assert again.dropped == {"too_long": 1}
    assert not again.examples.ids.flags.writeable and again.examples.labelled.dtype == np.bool_


def test_a_copy_elsewhere_is_tokenised_there(file, tokenizer, tmp_path):
    copy = write_rows(tmp_path / "copy.jsonl", ROWS)
    assert same(tokenise(file, tokenizer, 300), tokenise(copy, tokenizer, 300))
    assert len(entries(copy)) == 1


def test_changed_rows_are_tokenised_anew_and_the_old_tokens_go(file, tokenizer):
    before = tokenise(file, tokenizer, 300)
    (old,) = entries(file)
    write_rows(file, ROWS[:5])
    assert len(tokenise(file, tokenizer, 300).examples) == 5
    (new,) = entries(file)
    assert new != old
    assert before.examples.ids.sum() > 0  # what is mapped stays readable


def test_another_length_or_tokenizer_is_another_entry_and_the_oldest_go(file, tokenizer, tiny_tokenizer):
    for length in range(300, 300 + token_cache.KEPT):
        tokenise(file, tokenizer, length)
    assert len(entries(file)) == token_cache.KEPT
    made = tokenise(file, tiny_tokenizer, 300)
    assert len(entries(file)) == token_cache.KEPT
    assert same(made, tokenise(file, tiny_tokenizer, 300))
    lengths = [json.loads((entry / token_cache.RECORD).read_text())["key"]["max_length"] for entry in entries(file)]
    assert sorted(lengths) == [300, 301, 302, 303]  # the first run's entry was the oldest


def test_other_code_is_another_entry(file, tokenizer, monkeypatch):
    tokenise(file, tokenizer, 300)
    monkeypatch.setattr(tokens, "_code_digest", lambda: "new")
    tokenise(file, tokenizer, 300)
    assert len(entries(file)) == 2


def test_tokens_of_a_file_that_is_gone_go_too(file, tokenizer):
    other = write_rows(file.parent / "other.jsonl", ROWS[:3])
    tokenise(file, tokenizer, 300)
    file.unlink()
    tokenise(other, tokenizer, 300)
    (left,) = entries(other)
    assert left.name.startswith("other.jsonl.")


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


DAMAGE = {
    "a bit of the ids": lambda entry: flip(entry / "ids"),
    "a bit of the labels": lambda entry: flip(entry / "labelled"),
    "a file cut short": lambda entry: os.truncate(entry / "offsets", 8),
    "a file missing": lambda entry: (entry / "row").unlink(),
    "no record": lambda entry: (entry / token_cache.RECORD).unlink(),
    "half a record": lambda entry: os.truncate(entry / token_cache.RECORD, 40),
    "an empty record": lambda entry: (entry / token_cache.RECORD).write_text("{}"),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_entry_is_made_anew(file, tokenizer, damage, capsys):
    first = tokenise(file, tokenizer, 300)
    arrays = {name: getattr(first.examples, name).copy() for name in token_cache.ARRAYS}
    (entry,) = entries(file)
    DAMAGE[damage](entry)
    capsys.readouterr()
    again = tokenise(file, tokenizer, 300)
    assert all(np.array_equal(arrays[name], getattr(again.examples, name)) for name in arrays)
    assert "are damaged; they are made again" in capsys.readouterr().err
    assert entries(file) == [entry]


@pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS])
def test_a_read_only_folder_is_no_obstacle(file, tokenizer, monkeypatch, capsys, number):
    new_part = token_cache._new_part

    def refuse(home):
        if home.parent == file.parent:
            raise OSError(number, os.strerror(number))
        return new_part(home)

    monkeypatch.setattr(token_cache, "_new_part", refuse)
    examples = tokenise(file, tokenizer, 300).examples
    assert len(examples) == len(ROWS) and examples.ids.sum() > 0
    assert not (file.parent / token_cache.FOLDER).exists()
    assert capsys.readouterr().err.count("are not kept for the next time") == 1


def test_a_full_disk_is_one_sentence_and_leaves_nothing(file, tokenizer, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(token_cache.Writer, "append", full)
    with pytest.raises(HiveMindError, match="No space left on device; nothing was left there"):
        tokenise(file, tokenizer, 300)
    assert entries(file) == []


def test_a_refused_file_leaves_nothing(file, tokenizer):
    file.write_bytes(file.read_bytes() + b"{broken\n")
    with pytest.raises(DataRefused, match="line 13"):
        tokenise(file, tokenizer, 300)
    assert entries(file) == []


def test_a_file_that_changes_while_it_is_read_is_not_kept(file, tokenizer, monkeypatch):
    render_all = tokens.render_all

    def slow(*arguments):
        yield from render_all(*arguments)
        write_rows(file, ROWS[:2])

    monkeypatch.setattr(tokens, "render_all", slow)
    with pytest.raises(HiveMindError, match="was changed while it was read"):
        tokenise(file, tokenizer, 300)
    assert entries(file) == []


def fill(writer) -> None:
    for name, dtype in token_cache.ARRAYS.items():
        writer.append(name, np.ones(3, dtype=dtype).tobytes())


def test_of_two_at_once_both_have_the_whole(file):
    with token_cache.writer(file, KEY) as one, token_cache.writer(file, KEY) as two:
        fill(one)
        fill(two)
        made = [one.publish({"rows": {}}), two.publish({"rows": {}})]
    assert made[0].folder == made[1].folder and entries(file) == [made[0].folder]
    assert all(np.array_equal(made[0].arrays[name], made[1].arrays[name]) for name in token_cache.ARRAYS)


def test_ten_thousand_rows_are_mapped_at_once(tmp_path, tokenizer):
    """As many rows as the training report's, 330 tokens each; processor time, not a busy machine's clock."""
    count, each = 10_156, 330
    file = tmp_path / "large.jsonl"
    file.write_bytes(b"{}\n" * (count * 500))
    key = tokens._key(sha256_file(file), tokenizer, 300)
    rows = {"test": {"rows": count, "kept": count, "tokens": count * each, "labelled_tokens": 0, "dropped": {}}}
    with token_cache.writer(file, key) as writer:
        writer.append("ids", np.arange(count * each, dtype=np.int32).tobytes())
        writer.append("labelled", bytes(count * each))
        writer.append("offsets", np.arange(0, count * each + 1, each, dtype=np.int64).tobytes())
        writer.append("source", np.zeros(count, dtype=np.int16).tobytes())
        writer.append("row", np.arange(1, count + 1, dtype=np.int32).tobytes())
        writer.publish({"rows": rows, "tools_called": {}, "longest_dropped": 0})
    began = time.process_time()
    examples = tokenise(file, tokenizer, 300).examples
    assert time.process_time() - began < 0.2
    assert examples.lengths.tolist() == [each] * count and examples.ids[-1] == count * each - 1


HALF_WAY = """
import sys
import time
from pathlib import Path
from hive_mind.training import token_cache
with token_cache.writer(Path(sys.argv[1]), {"dataset": "x"}) as writer:
    writer.append("ids", b"half")
    print("writing", flush=True)
    sys.stdin.read()
"""


def test_what_a_killed_process_left_goes_and_what_a_living_one_writes_stays(file, tokenizer):
    process = subprocess.Popen(
        [sys.executable, "-c", HALF_WAY, str(file)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None and process.stdout.readline() == "writing\n"
        (part,) = entries(file)
        tokenise(file, tokenizer, 300)
        assert part in entries(file)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    tokenise(file, tokenizer, 200)
    assert part not in entries(file) and len(entries(file)) == 2
