"""Journals in memory and the spool on disk: whole lines or nothing, whoever is killed."""

import os
import subprocess
import sys
import threading

import pytest

from hive_mind.usage import journal
from hive_mind.usage.journal import HEADER_BYTES, Journal, delete_if_done, journals, mark, read_new
from hive_mind.usage.spool import MOVING, PENDING, Spool


def lines(number, begin=0):
    return [b'{"n":%d}' % i for i in range(begin, begin + number)]


def read_all(folder, limit=1000):
    """Read and mark all there is, as the mover does."""
    found = []
    for file in journals(folder):
        while (some := read_new(file, limit))[0]:
            found += some[0]
            mark(file, some[1])
        delete_if_done(file)
    return found


def test_what_is_appended_is_read_once_and_leaves_nothing(tmp_path):
    writer = Journal(tmp_path)
    for line in lines(200):
        writer.append(line + b"\n")
    assert read_all(tmp_path) == lines(200)
    [file] = journals(tmp_path)
    assert set(file.read_bytes()[HEADER_BYTES:]) == {0}, "what is dealt with does not stay in memory"
    writer.append(b'{"n":200}\n')
    assert read_all(tmp_path) == lines(1, 200)
    writer.close()
    assert read_all(tmp_path) == []
    assert list(tmp_path.iterdir()) == []


def test_a_line_longer_than_what_is_read_at_once_is_read_whole(tmp_path):
    writer = Journal(tmp_path)
    long = b"x" * 50_000
    for line in (b"a", long, b"b"):
        writer.append(line + b"\n")
    assert read_all(tmp_path, 1000) == [b"a", long, b"b"]
    writer.close()


def test_a_large_journal_is_followed_by_another(tmp_path, monkeypatch):
    monkeypatch.setattr(journal, "ROTATE_BYTES", 500)
    writer = Journal(tmp_path)
    for line in lines(300):
        writer.append(line + b"\n")
    assert len(journals(tmp_path)) > 4
    assert read_all(tmp_path) == lines(300)
    assert len(journals(tmp_path)) == 1
    writer.close()


def test_reading_while_another_thread_writes_loses_and_doubles_nothing(tmp_path):
    writer = Journal(tmp_path)
    done = threading.Event()

    def write():
        for line in lines(3000):
            writer.append(line + b"\n")
        done.set()

    thread = threading.Thread(target=write)
    thread.start()
    found = []
    while not done.is_set():
        found += read_all(tmp_path)
    thread.join()
    assert found + read_all(tmp_path) == lines(3000)
    writer.close()


def test_reading_while_another_process_writes_loses_and_doubles_nothing(tmp_path):
    script = (
        "import sys; from pathlib import Path; from hive_mind.usage.journal import Journal\n"
        "writer = Journal(Path(sys.argv[1]))\n"
        "for i in range(5000): writer.append(b'{\"n\":%d}\\n' % i)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", script, str(tmp_path)])
    found = []
    while process.poll() is None:
        found += read_all(tmp_path)
    assert process.wait() == 0
    assert found + read_all(tmp_path) == lines(5000)
    assert journals(tmp_path) == []


def test_the_journal_of_a_live_process_is_not_deleted_and_that_of_a_dead_one_is(tmp_path):
    writer = Journal(tmp_path)
    [file] = journals(tmp_path)
    assert not delete_if_done(file)
    os.write(writer.handle, b'{"half')
    writer.close()
    assert read_new(file, 100)[0] == []
    assert delete_if_done(file), "half a line was never acknowledged"


def test_a_full_memory_leaves_no_half_line(tmp_path, monkeypatch):
    writer = Journal(tmp_path)
    write = os.write
    monkeypatch.setattr(os, "write", lambda handle, line: write(handle, line[: len(line) // 2]))
    with pytest.raises(OSError, match="as a whole"):
        writer.append(b'{"n":1}\n')
    monkeypatch.undo()
    writer.append(b'{"n":2}\n')
    assert read_all(tmp_path) == [b'{"n":2}']
    writer.close()


def test_a_folder_that_others_could_read_is_not_used(tmp_path, monkeypatch):
    monkeypatch.setattr(journal, "MEMORY", tmp_path)
    home = tmp_path / f"hive-mind-{os.getuid()}"
    folder = journal.memory_folder(tmp_path / "spool")
    assert folder is not None and folder.parent == home
    home.chmod(0o755)
    assert journal.memory_folder(tmp_path / "spool") is None
    monkeypatch.setattr(journal, "MEMORY", tmp_path / "nowhere")
    assert journal.memory_folder(tmp_path / "spool") is None


def test_folders_in_memory_say_whose_they_are(tmp_path, monkeypatch):
    monkeypatch.setattr(journal, "MEMORY", tmp_path)
    folders = {spool: journal.memory_folder(spool) for spool in (tmp_path / "a", tmp_path / "b")}
    assert journal.folders_by_spool() == folders


def test_the_spool_takes_lines_of_several_processes_whole(tmp_path):
    script = (
        "import sys; from pathlib import Path; from hive_mind.usage.spool import Spool\n"
        "spool = Spool(Path(sys.argv[1]))\n"
        "for i in range(30): spool.append([{'by': sys.argv[2], 'n': i, 'text': 'x' * 3000}])\n"
    )
    writing = [subprocess.Popen([sys.executable, "-c", script, str(tmp_path), str(i)]) for i in range(3)]
    assert [process.wait() for process in writing] == [0, 0, 0]
    assert Spool(tmp_path).waiting() == 90
    import orjson

    rows = [orjson.loads(line) for line in (tmp_path / PENDING).read_bytes().splitlines()]
    for by in "012":
        assert [row["n"] for row in rows if row["by"] == by] == list(range(30))


def test_half_a_line_in_the_spool_is_cut_off_and_what_moves_is_not_added_to(tmp_path):
    spool = Spool(tmp_path)
    spool.append([{"n": 1}])
    with open(tmp_path / PENDING, "ab") as file:
        file.write(b'{"n": "cut')
    assert spool.waiting() == 1
    spool.append([{"n": 2}])
    assert (tmp_path / PENDING).read_bytes() == b'{"n":1}\n{"n":2}\n'
    assert spool.take() == tmp_path / MOVING
    spool.append([{"n": 3}])
    assert spool.take() == tmp_path / MOVING, "what was begun is finished first"
    assert (tmp_path / MOVING).read_bytes() == b'{"n":1}\n{"n":2}\n'
    assert spool.waiting() == 3
    (tmp_path / MOVING).unlink()
    assert spool.take() is not None and spool.waiting() == 1
    assert (tmp_path / MOVING).stat().st_mode & 0o077 == 0
