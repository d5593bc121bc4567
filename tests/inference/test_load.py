"""Names to models: the right base, the sealed adapter, and nothing else."""

import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file

from hive_mind import registry
from hive_mind.errors import UsageError
from hive_mind.inference import load as loading
from hive_mind.inference.load import ModelReference, UnusableVersion, WrongBase, find_base, load, refer
from hive_mind.model.base import TINY, ModelSettings
from tests.registry.versions import tamper
from tests.tiny_models import CPU, seal_version, write_base, write_version

PROMPT = torch.arange(20)


@pytest.fixture(scope="module")
def base(tmp_path_factory, tiny_folder):
    return write_base(tmp_path_factory.mktemp("bases") / "one", tiny_folder)


@pytest.fixture
def settings(base):
    return ModelSettings(base=str(base.folder))


def logits(loaded):
    from hive_mind.model.attention import Layout

    with torch.no_grad():
        return loaded.model.project(loaded.model.hidden(PROMPT, Layout.from_lengths([len(PROMPT)])))


def test_adapters_are_put_on_and_taken_off(tmp_path, base, settings):
    for name, seed in (("a_v1", 1), ("b_v1", 2)):
        write_version(tmp_path, name, base, seed)
    references = [refer(tmp_path, name, settings) for name in ("base", "a_v1", "b_v1")]
    loaded = load(base, CPU)
    seen = []
    for reference in references:
        loaded.become(reference)
        assert loaded.name == reference.name
        seen.append(logits(loaded))
    assert not torch.equal(seen[0], seen[1])
    assert not torch.equal(seen[1], seen[2])
    for reference, first in zip(references, seen, strict=True):
        loaded.become(reference)
        assert torch.equal(logits(loaded), first)


def test_an_adapter_on_another_base_is_refused(tmp_path, tiny_folder, base):
    other = write_base(tmp_path / "other", tiny_folder, seed=5)
    folder = write_version(tmp_path / "models", "a_v1", other)
    loaded = load(base, CPU)
    with pytest.raises(WrongBase, match=r"wrong base: a_v1 was trained on test/other .* not on test/one"):
        loaded.become(ModelReference("a_v1", base, folder))
    assert torch.equal(logits(loaded), logits(load(base, CPU)))


def test_a_file_changed_after_sealing_is_refused(tmp_path, base, settings):
    tamper(write_version(tmp_path, "a_v1", base))
    with pytest.raises(UnusableVersion, match=r"a_v1 is not as it was sealed: .*changed after sealing"):
        load(base, CPU).become(refer(tmp_path, "a_v1", settings))


def test_numbers_that_are_none_are_refused(tmp_path, base, settings):
    folder = write_version(tmp_path, "a_v1", base, seal=False)
    file = folder / "adapter_model.safetensors"
    tensors = load_file(file)
    tensors[min(tensors)][0, 0] = float("nan")
    save_file(tensors, file)
    seal_version(folder, base)
    loaded = load(base, CPU)
    with pytest.raises(UnusableVersion, match="a_v1 holds 1 tensors that are not finite"):
        loaded.become(refer(tmp_path, "a_v1", settings))
    assert torch.isfinite(logits(loaded)).all()


def test_an_unsealed_folder_is_no_version(tmp_path, base, settings):
    write_version(tmp_path, "a_v1", base, seal=False)
    with pytest.raises(UsageError, match="not a sealed version"):
        refer(tmp_path, "a_v1", settings)


def test_latest_is_followed_once(tmp_path, base, settings):
    for name in ("a_v1", "a_v2"):
        write_version(tmp_path, name, base)
        registry.promote(tmp_path, name, {"decision": "promote", "reasons": []})
        assert refer(tmp_path, "latest", settings) == refer(tmp_path, name, settings)


def test_the_digest_of_an_adapter_is_of_weights_and_configuration(tmp_path, base, settings):
    for name, seed in (("a_v1", 1), ("b_v1", 1), ("c_v1", 2)):
        write_version(tmp_path, name, base, seed)
    a, b, c = (refer(tmp_path, name, settings).adapter_digest for name in ("a_v1", "b_v1", "c_v1"))
    assert a == b != c
    assert refer(tmp_path, "base", settings).adapter_digest is None


class TestFindBase:
    """A version's base is known by its digest, wherever it lies."""

    def test_from_what_is_known_already(self, base):
        assert find_base(base.identity(), ModelSettings(base="no/where"), [base]) is base

    def test_from_the_folder_in_the_settings(self, base, settings):
        assert find_base(base.identity(), settings) == base

    def test_the_packaged_one(self, base, monkeypatch):
        monkeypatch.setattr("hive_mind.model.base.TINY_FOLDER", base.folder)
        monkeypatch.setattr(loading, "TINY_FOLDER", base.folder)
        assert find_base(base.identity(), ModelSettings(base="Qwen/Qwen2.5-0.5B")).digest == base.digest
        assert find_base(base.identity(), ModelSettings(base=TINY)).digest == base.digest

    def test_none_of_them(self, tmp_path, base, settings, monkeypatch):
        shutil.copytree(base.folder, tmp_path / "packaged")
        monkeypatch.setattr("hive_mind.model.base.TINY_FOLDER", tmp_path / "packaged")
        monkeypatch.setattr(loading, "TINY_FOLDER", tmp_path / "packaged")
        gone = {"id": base.id, "revision": None, "digest": "0" * 64}
        with pytest.raises(UsageError, match=r"test/one \(digest 000000000000\) is not at hand.*model.base=DIR"):
            find_base(gone, settings)

    def test_from_the_hub_at_the_recorded_revision(self, base, monkeypatch):
        asked = []

        def resolve(settings):
            asked.append((settings.base, settings.revision))
            return base

        monkeypatch.setattr(loading, "resolve_base", resolve)
        identity = {"id": "owner/other", "revision": "abc", "digest": base.digest}
        monkeypatch.setattr(loading, "TINY_FOLDER", base.folder / "missing")
        assert find_base(identity, ModelSettings(base="owner/wanted", revision="xyz")) is base
        assert asked == [("owner/other", "abc")]
