"""Sealing: what a version may hold, that it never changes afterwards, and that verify finds every change."""

import hashlib
import json
import os

import numpy as np
import pytest
from safetensors.numpy import save_file

from hive_mind import registry
from hive_mind.errors import HiveMindError, UsageError
from hive_mind.files import write_json
from tests.registry.versions import BASE, DATASET, adapter, sealed, tamper


def test_the_manifest_names_every_file_with_size_and_digest(tmp_path):
    folder = adapter(tmp_path / "foundation_v1")
    written = registry.seal(folder, base=BASE, dataset=DATASET, parent="baseline_v1", extra={"seed": 42})
    row = json.loads((folder / "manifest.json").read_text())
    assert set(row["files"]) == {"adapter_config.json", "adapter_model.safetensors", "run.json"}
    for name, file in row["files"].items():
        content = (folder / name).read_bytes()
        assert file == {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    assert (row["version"], row["base"], row["dataset"]) == ("foundation_v1", BASE, DATASET)
    assert (row["parent"], row["extra"]) == ("baseline_v1", {"seed": 42})
    assert registry.load_manifest(folder) == written
    assert written.size == sum(file["size"] for file in row["files"].values())
    assert registry.verify(folder) == []


def test_a_sealed_version_is_not_sealed_again_nor_trained_into(tmp_path):
    folder = sealed(tmp_path, "foundation_v1")
    before = (folder / "manifest.json").read_bytes()
    for attempt in (lambda: registry.seal(folder, base=BASE, dataset=DATASET), lambda: registry.refuse_sealed(folder)):
        with pytest.raises(UsageError, match="sealed version, which never changes"):
            attempt()
    assert (folder / "manifest.json").read_bytes() == before


def test_a_folder_that_is_not_sealed_may_be_written_into(tmp_path):
    registry.refuse_sealed(tmp_path / "not_there_yet")
    registry.refuse_sealed(adapter(tmp_path / "foundation_v1"))


@pytest.mark.parametrize("name", ["model.bin", "optimizer.pt", "state.PKL", "epoch.ckpt"])
def test_pickled_files_are_refused_before_and_found_after_sealing(tmp_path, name):
    folder = adapter(tmp_path / "foundation_v1")
    (folder / name).write_bytes(b"\x80\x04.")
    with pytest.raises(HiveMindError, match="pickled"):
        registry.seal(folder, base=BASE, dataset=DATASET)
    assert not (folder / "manifest.json").exists()
    (folder / name).unlink()
    registry.seal(folder, base=BASE, dataset=DATASET)
    (folder / name).write_bytes(b"\x80\x04.")
    assert any("pickled" in problem for problem in registry.verify(folder))


def _remove_weights(folder):
    (folder / "adapter_model.safetensors").unlink()


def _cut_weights(folder):
    file = folder / "adapter_model.safetensors"
    file.write_bytes(file.read_bytes()[:-3])


def _empty_weights(folder):
    save_file({}, folder / "adapter_model.safetensors")


def _other_base(folder):
    write_json(folder / "adapter_config.json", {"base_model_name_or_path": "someone/else"})


def _own_code(folder):
    write_json(
        folder / "adapter_config.json", {"base_model_name_or_path": BASE["id"], "auto_mapping": {"base_class": "X"}}
    )


UNSEALABLE = [
    (_remove_weights, "adapter_model.safetensors is missing"),
    (_cut_weights, "adapter_model.safetensors is damaged"),
    (_empty_weights, "holds no tensors"),
    (_other_base, "names the base 'someone/else'"),
    (_own_code, "auto_mapping"),
    (lambda folder: (folder / "checkpoints").mkdir(), "checkpoints/ is a folder"),
    (lambda folder: (folder / ".run.json.x.part").write_text(""), "half-written"),
    (lambda folder: os.symlink("run.json", folder / "alias.json"), "alias.json is a link"),
]


@pytest.mark.parametrize(("spoil", "reason"), UNSEALABLE)
def test_what_a_version_must_not_be_is_named(tmp_path, spoil, reason):
    folder = adapter(tmp_path / "foundation_v1")
    spoil(folder)
    with pytest.raises(HiveMindError, match=reason):
        registry.seal(folder, base=BASE, dataset=DATASET)
    assert not (folder / "manifest.json").exists()


def test_a_base_named_by_a_path_of_this_machine_is_refused(tmp_path):
    folder = adapter(tmp_path / "foundation_v1")
    base = {**BASE, "id": str(tmp_path / "base")}
    write_json(folder / "adapter_config.json", {"base_model_name_or_path": base["id"]})
    with pytest.raises(HiveMindError, match="path of this machine"):
        registry.seal(folder, base=base, dataset=DATASET)


def test_sealing_what_is_no_folder_is_wrong_usage(tmp_path):
    with pytest.raises(UsageError, match="not a folder"):
        registry.seal(tmp_path / "nothing", base=BASE, dataset=DATASET)


def test_verify_finds_a_changed_byte_a_missing_and_an_added_file(tmp_path):
    folder = sealed(tmp_path, "foundation_v1")
    tamper(folder)
    assert registry.verify(folder) == ["adapter_model.safetensors was changed after sealing (its sha256 differs)"]
    (folder / "run.json").unlink()
    (folder / "notes.txt").write_text("mine")
    with (folder / "adapter_config.json").open("a") as file:
        file.write(" ")
    problems = " | ".join(registry.verify(folder))
    for expected in (
        "run.json is missing",
        "notes.txt was added",
        "adapter_config.json has",
        "safetensors was changed",
    ):
        assert expected in problems


def test_verify_reports_a_damaged_manifest_and_refuses_an_unsealed_folder(tmp_path):
    folder = sealed(tmp_path, "foundation_v1")
    for damage in ("{", "[]", '{"format": 1}', '{"format": 9}'):
        (folder / "manifest.json").write_text(damage)
        assert len(registry.verify(folder)) == 1
        assert "not a version's manifest" in registry.verify(folder)[0]
    with pytest.raises(UsageError, match="not a sealed version"):
        registry.verify(adapter(tmp_path / "foundation_v2"))


def test_a_manifest_cannot_name_files_outside_its_version(tmp_path):
    folder = sealed(tmp_path, "foundation_v1")
    row = json.loads((folder / "manifest.json").read_text())
    row["files"]["../secret"] = {"size": 1, "sha256": "0" * 64}
    write_json(folder / "manifest.json", row)
    assert "outside the version" in registry.verify(folder)[0]


def test_a_sealed_version_may_be_copied_elsewhere(tmp_path):
    folder = sealed(tmp_path, "foundation_v1")
    folder.rename(tmp_path / "renamed")
    assert registry.verify(tmp_path / "renamed") == []
    assert np.isfinite(registry.load_manifest(tmp_path / "renamed").size)
