"""The two pictures: drawn from the manifest alone, of the same bytes each time, with every row in one bar."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from hive_mind.curation import DatasetManifest, DataSettings, build
from hive_mind.curation.ingest import SourceCounts
from hive_mind.curation.pictures import OTHER_REASONS, _commonest, draw, reasons_of
from tests.raw_rows import code_row, write_array, write_raw_folder

PICTURES = ("lengths.png", "composition.png")


@pytest.fixture
def manifest(tmp_path: Path) -> DatasetManifest:
    write_raw_folder(tmp_path / "raw", code=80, glaive=80, shell=80, usage=20)
    return build(DataSettings(dir=tmp_path / "out", raw_dir=tmp_path / "raw"), say=lambda _: None)


def test_the_same_dataset_gives_the_same_bytes_and_another_does_not(manifest: DatasetManifest, tmp_path: Path) -> None:
    first = [(manifest.folder / name).read_bytes() for name in PICTURES]
    assert all(picture.startswith(b"\x89PNG") for picture in first)
    draw(DatasetManifest.load(manifest.folder / "manifest.json"))
    assert [(manifest.folder / name).read_bytes() for name in PICTURES] == first
    code = replace(manifest.sources["code_alpaca"], over_cap=40)
    fewer = {name: lengths for name, lengths in manifest.lengths.items() if name != "usage"}
    draw(replace(manifest, sources={**manifest.sources, "code_alpaca": code}, lengths=fewer))
    assert all((manifest.folder / name).read_bytes() != before for name, before in zip(PICTURES, first, strict=True))


def test_what_is_drawn_is_what_the_manifest_counts(manifest: DatasetManifest, monkeypatch: pytest.MonkeyPatch) -> None:
    from matplotlib.axes import Axes

    drawn: list[float] = []
    plain = Axes.bar

    def bar(self: Axes, x: object, height: object, *rest: object, **more: object) -> object:
        drawn.extend(height if isinstance(height, tuple) else ())  # barh comes through here too
        return plain(self, x, height, *rest, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(Axes, "bar", bar)
    draw(manifest)
    assert sum(drawn) == manifest.rows("train")


def test_nothing_left_out_and_no_training_rows_are_drawn_too(tmp_path: Path, manifest: DatasetManifest) -> None:
    draw(replace(manifest, lengths={}))
    assert not (manifest.folder / "lengths.png").exists()
    rows = tmp_path / "few" / "raw"
    write_array(rows / "code_alpaca" / "a.json", [code_row(n) for n in range(5)])
    few = {"dir": tmp_path / "few", "raw_dir": rows, "validation_share": 0.49, "test_share": 0.49}
    seeds = (build(DataSettings(**few, seed=seed), say=lambda _: None) for seed in range(9))
    alone = next(manifest for manifest in seeds if not manifest.rows("train"))
    assert alone.rows("validation") + alone.rows("test") == 5 and not (alone.folder / "lengths.png").exists()
    assert "lengths.png" not in (alone.folder / "README.md").read_text()


def test_reasons_are_those_of_every_stage() -> None:
    counts = SourceCounts("MIT", read=40, rejects=Counter(empty_answer=3), duplicates=2, over_cap=5, cut=4, windows=9)
    assert reasons_of(counts) == {"empty_answer": 3, "duplicates": 2, "over_cap": 5}
    assert reasons_of(SourceCounts("MIT", read=4, train=4)) == Counter()


def test_the_rarest_reasons_are_shown_as_one() -> None:
    lines = [Counter({f"reason_{n}": n for n in range(1, 9)}), Counter(reason_8=1, reason_1=3)]
    shown, merged = _commonest(lines)
    assert shown == [*(f"reason_{n}" for n in (8, 7, 6, 5, 1, 4)), OTHER_REASONS]
    assert merged[0][OTHER_REASONS] == 2 + 3 and [line.total() for line in merged] == [line.total() for line in lines]
    assert _commonest([Counter(), Counter(b=1, a=1)])[0] == ["a", "b"]
