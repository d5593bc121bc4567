"""Files are whole or absent, also when the disk is full or the process is killed."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from hive_mind.errors import DataRefused, HiveMindError, UsageError
from hive_mind.files import atomic_write, read_json, read_jsonl, sha256_file, swap_symlink, write_json, write_jsonl


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path):
    file = tmp_path / "kept.json"
    write_json(file, {"old": True})
    with pytest.raises(RuntimeError), atomic_write(file) as target:
        target.write(b"half of the new")
        raise RuntimeError
    assert read_json(file) == {"old": True}
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full to play the full disk")
def test_a_full_disk_is_one_clear_sentence(tmp_path, monkeypatch):
    full = os.open("/dev/full", os.O_WRONLY)
    monkeypatch.setattr("tempfile.mkstemp", lambda **_: (full, str(tmp_path / "never")))
    monkeypatch.setattr("os.chmod", lambda *_: None)
    with pytest.raises(
        HiveMindError, match=r"could not write .*report\.json: No space left on device; nothing was left"
    ):
        write_json(tmp_path / "report.json", {"a": 1})
    assert list(tmp_path.iterdir()) == []


def test_killed_while_writing_leaves_nothing_under_the_final_name(tmp_path):
    script = (
        "import sys, time\nfrom pathlib import Path\nfrom hive_mind.files import atomic_write\n"
        "with atomic_write(Path(sys.argv[1])) as file:\n"
        "    file.write(b'x' * 1000); file.flush(); print('writing', flush=True); time.sleep(60)\n"
    )
    file = tmp_path / "model.safetensors"
    child = subprocess.Popen([sys.executable, "-c", script, str(file)], stdout=subprocess.PIPE)
    assert child.stdout is not None and child.stdout.readline() == b"writing\n"
    child.send_signal(signal.SIGKILL)
    child.wait()
    child.stdout.close()
    assert not file.exists()


def test_written_files_have_ordinary_permissions(tmp_path):
    write_json(tmp_path / "a.json", {})
    plain = tmp_path / "b.json"
    plain.touch()
    assert (tmp_path / "a.json").stat().st_mode == plain.stat().st_mode


def test_jsonl_keeps_key_order_and_text(tmp_path):
    rows = [{"z": 1, "a": "2024-01-01", "é": "日本 \u2028"}, {"a": {"c": None, "b": [1.0, 2]}}]
    file = tmp_path / "rows.jsonl"
    assert write_jsonl(file, rows) == 2
    back = list(read_jsonl(file))
    assert back == [(1, rows[0]), (2, rows[1])]
    assert list(back[0][1]) == ["z", "a", "é"]


@pytest.mark.parametrize(
    ("content", "message"),
    [('{"a": 1}\n{"a": \n', "line 2 is not valid JSON"), ("[1]\n", "line 1 is not a JSON object")],
)
def test_a_broken_line_is_named(tmp_path, content, message):
    file = tmp_path / "rows.jsonl"
    file.write_text(content)
    with pytest.raises(DataRefused, match=message):
        list(read_jsonl(file))


def test_missing_files_and_folders_are_named(tmp_path):
    with pytest.raises(UsageError, match=r"absent\.jsonl does not exist"):
        list(read_jsonl(tmp_path / "absent.jsonl"))
    with pytest.raises(UsageError, match="is a folder"):
        list(read_jsonl(tmp_path))
    with pytest.raises(UsageError, match="does not exist"):
        read_json(tmp_path / "absent.json")


def test_sha256_of_known_bytes(tmp_path):
    file = tmp_path / "abc"
    file.write_bytes(b"abc")
    assert sha256_file(file) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_a_reader_never_finds_the_link_missing(tmp_path):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "which").write_text(name)
    link = tmp_path / "latest"
    swap_symlink(link, "one")
    missing = []
    stop = threading.Event()

    def read() -> None:
        while not stop.is_set():
            try:
                (Path(os.path.realpath(link)) / "which").read_text()
            except FileNotFoundError as error:
                missing.append(error)

    reader = threading.Thread(target=read)
    reader.start()
    until = time.monotonic() + 0.5
    while time.monotonic() < until:
        swap_symlink(link, "two")
        swap_symlink(link, "one")
    stop.set()
    reader.join()
    assert missing == []
    assert link.readlink() == Path("one")
