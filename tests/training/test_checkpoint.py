"""A checkpoint is whole or it is not one."""

import resource
import shutil
import signal
from contextlib import contextmanager

import pytest
import torch

from hive_mind.errors import HiveMindError
from hive_mind.training.checkpoint import (
    MANIFEST,
    checkpoints,
    damage,
    keep_newest,
    newest_checkpoint,
    random_states,
    restore_random_states,
    save_checkpoint,
)


def save(folder, step, value=1.0):
    tensors = {name: {"x": torch.full((10,), value)} for name in ("adapter", "optimizer", "random")}
    return save_checkpoint(folder, {"step": step, "note": "kept"}, tensors)


@contextmanager
def largest_file(size):
    """Let no file of this process grow beyond `size` bytes: writes then fail as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


def test_what_is_saved_is_read_back(tmp_path):
    save(tmp_path, 3)
    found = newest_checkpoint(tmp_path)
    assert found.step == 3
    assert found.state["note"] == "kept"
    assert torch.equal(found.tensors["adapter"]["x"], torch.ones(10))


def test_none_where_there_is_none(tmp_path):
    assert newest_checkpoint(tmp_path / "nowhere") is None


def test_the_newest_counts_by_step_not_by_name_or_time(tmp_path):
    for step in (900, 99_999_999, 1000):
        save(tmp_path, step)
    assert [path.name for path in checkpoints(tmp_path)] == ["step-99999999", "step-00001000", "step-00000900"]
    assert newest_checkpoint(tmp_path).step == 99_999_999


def cut(folder):
    file = folder / "adapter.safetensors"
    file.write_bytes(file.read_bytes()[:-1])


def flip(folder):
    file = folder / "optimizer.safetensors"
    content = bytearray(file.read_bytes())
    content[-5] ^= 1
    file.write_bytes(content)


def no_manifest(folder):
    (folder / MANIFEST).unlink()


def broken_manifest(folder):
    (folder / MANIFEST).write_text("{")


def empty_manifest(folder):
    (folder / MANIFEST).write_text('{"files": {}}')


def no_state(folder):
    (folder / "state.json").unlink()


@pytest.mark.parametrize("hurt", [cut, flip, no_manifest, broken_manifest, empty_manifest, no_state])
def test_a_damaged_one_is_named_and_passed_over(tmp_path, capsys, hurt):
    save(tmp_path, 5)
    hurt(save(tmp_path, 6))
    assert newest_checkpoint(tmp_path).step == 5
    assert "step-00000006 is passed over" in capsys.readouterr().err


def test_a_half_written_one_is_not_seen_and_goes_with_the_next_retention(tmp_path):
    save(tmp_path, 5)
    shutil.copytree(tmp_path / "step-00000005", tmp_path / ".step-00000006.part")
    assert newest_checkpoint(tmp_path).step == 5
    keep_newest(tmp_path, 2, newest_checkpoint(tmp_path).folder)
    assert [path.name for path in tmp_path.iterdir()] == ["step-00000005"]


def test_retention_keeps_the_newest(tmp_path):
    for step in range(1, 6):
        save(tmp_path, step)
    keep_newest(tmp_path, 2, newest_checkpoint(tmp_path).folder)
    assert [path.name for path in checkpoints(tmp_path)] == ["step-00000005", "step-00000004"]


def test_what_was_just_written_stays_however_many_damaged_ones_have_higher_numbers(tmp_path):
    for step in (10, 20, 30):
        save(tmp_path, step)
    for step in (20, 30):
        cut(tmp_path / f"step-000000{step}")
    keep_newest(tmp_path, 1, save(tmp_path, 12))
    assert [path.name for path in checkpoints(tmp_path)] == ["step-00000012"]


def test_a_file_in_a_checkpoints_place_is_passed_over(tmp_path, capsys):
    save(tmp_path, 1)
    (tmp_path / "step-00000099").write_text("no folder")
    assert newest_checkpoint(tmp_path).step == 1
    assert "step-00000099 is passed over: it cannot be read" in capsys.readouterr().err


def test_saving_again_keeps_an_undamaged_one_and_replaces_a_damaged_one(tmp_path):
    first = save(tmp_path, 5, value=1.0)
    save(tmp_path, 5, value=2.0)
    assert newest_checkpoint(tmp_path).tensors["adapter"]["x"][0] == 1.0
    cut(first)
    save(tmp_path, 5, value=3.0)
    assert newest_checkpoint(tmp_path).tensors["adapter"]["x"][0] == 3.0


def test_a_full_disk_leaves_the_earlier_ones_and_nothing_half_written(tmp_path):
    save(tmp_path, 5)
    with largest_file(100), pytest.raises(HiveMindError, match=r"could not save a checkpoint.*free space"):
        save(tmp_path, 6)
    assert [path.name for path in tmp_path.iterdir()] == ["step-00000005"]
    assert damage(tmp_path / "step-00000005") == ""


def test_the_manifest_is_written_after_everything_else(tmp_path, monkeypatch):
    """A save that dies at any of its writes leaves no folder that passes for a checkpoint."""
    from hive_mind.training import checkpoint

    right, calls = checkpoint._write, []
    monkeypatch.setattr(checkpoint, "_write", lambda path, content: (calls.append(path.name), right(path, content)))
    save(tmp_path / "whole", 1)
    assert calls[-1] == MANIFEST
    for fatal in range(len(calls)):

        def dies(path, content, last=calls[fatal]):
            if path.name == last:
                raise KeyboardInterrupt
            right(path, content)

        monkeypatch.setattr(checkpoint, "_write", dies)
        folder = tmp_path / f"dies{fatal}"
        with pytest.raises(KeyboardInterrupt):
            save(folder, 1)
        assert newest_checkpoint(folder) is None
        assert [path.name for path in folder.iterdir()] == [".step-00000001.part"]


def test_random_states_come_back():
    torch.manual_seed(7)
    states = random_states()
    first = torch.rand(5)
    restore_random_states(states)
    assert torch.equal(torch.rand(5), first)
