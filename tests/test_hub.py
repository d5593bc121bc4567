"""The real hub client against a hub on loopback: lock, cache, resume, damage, gates, no network."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from hive_mind.errors import HiveMindError
from hive_mind.files import sha256_file
from hive_mind.hub import GatedRepo, download, megabytes
from tests.loopback_hub import TOKEN, LoopbackHub, loopback_hub

REPO = "owner/rows"
BIG = 24 << 20


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "repository"
    (made / "data").mkdir(parents=True)
    (made / "rows.jsonl").write_text('{"nl": "list", "bash": "ls"}\n')
    (made / "data" / "test.jsonl").write_text('{"nl": "held back", "bash": "ls"}\n')
    (made / "README.md").write_text("# rows\n")
    return made


@pytest.fixture
def hub(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    with loopback_hub({f"datasets/{REPO}": folder}) as running:
        for key, value in running.environment(tmp_path / "cache").items():
            monkeypatch.setenv(key, value)
        monkeypatch.delenv("HF_TOKEN", raising=False)
        yield running


def fetch(lock: Path | None, patterns: tuple[str, ...] = ("*.jsonl",), **more: object):
    return download(REPO, repo_type="dataset", patterns=patterns, exclude=("*test*",), lock=lock, **more)


def test_downloads_names_the_commit_and_writes_the_lock(hub: LoopbackHub, folder: Path, tmp_path: Path) -> None:
    lock = tmp_path / "lock.json"
    fetched = fetch(lock)
    commit = hub.commit(f"datasets/{REPO}")
    digest = sha256_file(folder / "rows.jsonl")
    assert fetched.revision == commit
    assert fetched.files == {"rows.jsonl": digest}
    assert (fetched.folder / "rows.jsonl").read_bytes() == (folder / "rows.jsonl").read_bytes()
    entry = json.loads(lock.read_text())[f"datasets/{REPO}"]
    assert entry["revision"] == commit
    locked = entry["files"]["rows.jsonl"]
    assert (locked["size"], locked["sha256"]) == ((folder / "rows.jsonl").stat().st_size, digest)
    assert list(entry["files"]) == ["rows.jsonl"]
    assert not any("test" in asked.path for asked in hub.asked), "the held-back file was asked for"


def test_a_locked_revision_that_is_here_needs_no_hub(hub: LoopbackHub, folder: Path, tmp_path: Path) -> None:
    lock = tmp_path / "lock.json"
    first = fetch(lock)
    (folder / "rows.jsonl").write_text('{"nl": "changed", "bash": "pwd"}\n')
    hub.asked.clear()
    assert fetch(lock) == first
    assert hub.asked == []
    lock.unlink()
    assert fetch(lock).revision != first.revision


def test_a_lock_brings_the_same_files_to_another_machine_once(
    hub: LoopbackHub, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "big.jsonl").write_bytes(os.urandom(2 << 20))
    lock = tmp_path / "lock.json"
    first = fetch(lock)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "other machine"))
    hub.asked.clear()
    second = fetch(lock)
    assert (second.revision, second.files) == (first.revision, first.files)
    assert second.folder != first.folder
    assert hub.transfers("rows.jsonl") == [None]
    assert not any("/api/" in asked.path for asked in hub.asked)


def test_another_request_stays_at_the_locked_commit_and_adds_its_files(
    hub: LoopbackHub, folder: Path, tmp_path: Path
) -> None:
    lock = tmp_path / "lock.json"
    first = fetch(lock)
    second = fetch(lock, ("*.md",))
    assert second.revision == first.revision
    assert set(second.files) == {"README.md"}
    assert set(json.loads(lock.read_text())[f"datasets/{REPO}"]["files"]) == {"README.md", "rows.jsonl"}
    hub.asked.clear()
    assert (fetch(lock), fetch(lock, ("*.md",))) == (first, second)
    assert hub.asked == []


def test_a_model_and_a_data_set_share_one_lock(hub: LoopbackHub, folder: Path, tmp_path: Path) -> None:
    hub.repositories["models/owner/base"] = folder
    lock = tmp_path / "lock.json"
    fetch(lock)
    download("owner/base", repo_type="model", patterns=["*.md"], lock=lock)
    assert sorted(json.loads(lock.read_text())) == ["datasets/owner/rows", "models/owner/base"]


def test_only_the_first_pattern_that_matches_is_taken(hub: LoopbackHub, folder: Path, tmp_path: Path) -> None:
    (folder / "rows.csv").write_text("nl,bash\nlist,ls\n")
    assert set(fetch(None, ("*.parquet", "*.jsonl", "*.csv"), first_match=True).files) == {"rows.jsonl"}


def test_a_broken_connection_goes_on_with_a_range(hub: LoopbackHub, folder: Path) -> None:
    (folder / "big.jsonl").write_bytes(os.urandom(BIG))
    hub.break_after["big.jsonl"] = [15 << 20]
    fetched = fetch(None, ("big.jsonl",))
    assert sha256_file(fetched.folder / "big.jsonl") == sha256_file(folder / "big.jsonl")
    ranges = [given for given in hub.transfers("big.jsonl") if given]
    assert ranges and all(int(given.removeprefix("bytes=").rstrip("-")) >= 10 << 20 for given in ranges)


def test_a_stopped_process_goes_on_where_it_stopped(
    hub: LoopbackHub, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "big.jsonl").write_bytes(os.urandom(BIG))
    hub.break_after["big.jsonl"] = [15 << 20] + [0] * 40
    monkeypatch.setattr("huggingface_hub.file_download.time.sleep", lambda _: None)
    with pytest.raises(HiveMindError, match="goes on where it stopped"):
        fetch(None, ("big.jsonl",))
    hub.break_after.clear()
    hub.asked.clear()
    fetched = fetch(None, ("big.jsonl",))
    assert sha256_file(fetched.folder / "big.jsonl") == sha256_file(folder / "big.jsonl")
    assert set(hub.transfers("big.jsonl")) == {f"bytes={10 << 20}-"}
    assert "big.jsonl: going on at 10.5 MB of 25.2 MB" in capsys.readouterr().err


def test_the_token_is_not_sent_to_the_host_that_lfs_files_come_from(
    hub: LoopbackHub, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    (folder / "big.jsonl").write_bytes(os.urandom(2 << 20))
    fetch(None, ("big.jsonl",))
    moved = [asked for asked in hub.asked if asked.path.startswith("/cdn/")]
    assert moved and not any(asked.authorised for asked in moved)
    assert all(asked.authorised for asked in hub.asked if "/api/" in asked.path)


@pytest.mark.parametrize("size", [100, 2 << 20], ids=["git blob", "LFS"])
def test_damaged_bytes_are_refused_and_never_placed(hub: LoopbackHub, folder: Path, tmp_path: Path, size: int) -> None:
    (folder / "x.jsonl").write_bytes(os.urandom(size))
    hub.corrupt.add("x.jsonl")
    with pytest.raises(HiveMindError, match="arrived damaged"):
        fetch(tmp_path / "lock.json", ("x.jsonl",))
    assert not (tmp_path / "lock.json").exists()
    hub.corrupt.clear()
    assert sha256_file(fetch(None, ("x.jsonl",)).folder / "x.jsonl") == sha256_file(folder / "x.jsonl")


def test_a_cached_file_that_differs_from_the_lock_is_named(hub: LoopbackHub, tmp_path: Path) -> None:
    lock = tmp_path / "lock.json"
    path = fetch(lock).folder / "rows.jsonl"
    path.resolve().write_text('{"nl": "tampered", "bash": "rm -rf /"}\n')
    with pytest.raises(HiveMindError, match=rf"{path} is not the file that {lock} promises"):
        fetch(lock)


def test_a_gated_repository_says_what_to_do_and_opens_with_a_token(
    hub: LoopbackHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.gated.add(f"datasets/{REPO}")
    with pytest.raises(GatedRepo, match=rf"accept its terms at {hub.endpoint}/datasets/{REPO}, then set HF_TOKEN"):
        fetch(None)
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    assert set(fetch(None).files) == {"rows.jsonl"}


def test_missing_things_are_told_apart(hub: LoopbackHub) -> None:
    with pytest.raises(HiveMindError, match="does not exist or is private"):
        download("owner/absent", repo_type="dataset", patterns=["*"])
    with pytest.raises(HiveMindError, match="no such revision"):
        fetch(None, revision="v9")
    with pytest.raises(HiveMindError, match=r"holds no file like \*\.parquet"):
        fetch(None, ("*.parquet",))


def test_no_network_is_one_sentence_and_exit_code_1(tmp_path: Path) -> None:
    script = "from hive_mind.hub import download; download('a/b', repo_type='dataset', patterns=['*'])"
    program = f"""
import sys
from hive_mind.errors import HiveMindError
try:
    {script}
except HiveMindError as error:
    print(error); sys.exit(error.exit_code)
"""
    environment = {**os.environ, "HF_ENDPOINT": "http://127.0.0.1:9", "HF_HOME": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stdout.count("\n") == 1
    assert "could not fetch a/b from http://127.0.0.1:9" in done.stdout
    assert done.stderr == ""


def test_a_folder_that_cannot_be_written_is_one_sentence(
    hub: LoopbackHub, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "file"))
    with pytest.raises(HiveMindError, match="could not store owner/rows"):
        fetch(None)


def test_sizes_read_well() -> None:
    assert [megabytes(size) for size in (900, 2_500_000, 988_000_000_0)] == ["0.9 kB", "2.5 MB", "9.9 GB"]
