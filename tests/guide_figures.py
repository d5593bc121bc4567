"""The figures of docs/DATASET_GUIDE.md: made from builds and from the code, and written between the page's marks.

    python -m tests.guide_figures        # write them anew; those of real rows where HIVE_MIND_REAL_DATA is set

A part between `<!-- figures: NAME -->` and `<!-- end of figures -->` is what `FIGURES[NAME]` returns; tests compare.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hive_mind.config import Settings, describe, load
from hive_mind.curation import DatasetManifest, DataSettings, build
from hive_mind.curation.card import accounting_markdown, lengths_markdown
from hive_mind.curation.settings import SourceSettings
from hive_mind.pipeline import RunSettings, prepare_data

ROOT = Path(__file__).resolve().parent.parent
GUIDE = ROOT / "docs" / "DATASET_GUIDE.md"
REAL_DATA = "HIVE_MIND_REAL_DATA"
REAL = "real"
SUITES = ("bfcl", "humaneval", "mbpp", "nl2sh_alfa")


def sample_figures(folder: Path) -> str:
    """What `configs/sample.yaml` builds."""
    raw = folder / "raw" / "held_out"
    suites = load(RunSettings, ROOT / "configs" / "sample.yaml").data.decontaminate
    moved = [f"data.decontaminate.{name}={raw / file.name}" for name, file in suites.items()]
    settings = load(RunSettings, ROOT / "configs" / "sample.yaml", [f"data.dir={folder}", *moved])
    return _figures(prepare_data(settings))


def real_figures(folder: Path) -> str:
    """What the real rows for development come to, with the questions of four suites kept out."""
    real = Path(os.environ[REAL_DATA])
    suites = {name: real / "eval" / name for name in SUITES}
    return _figures(build(DataSettings(dir=folder, raw_dir=real, decontaminate=suites), say=lambda _: None))


def settings_figures(_: Path) -> str:
    """Every setting of the data stage with its default."""
    rows = [*_settings(DataSettings, "data"), *_settings(SourceSettings, "data.sources.NAME")]
    return "\n".join(["| setting | default | |", "| --- | --- | --- |", *rows])


FIGURES: dict[str, Callable[[Path], str]] = {
    "settings": settings_figures,
    "sample": sample_figures,
    REAL: real_figures,
}


def written(page: str, name: str) -> str:
    """Return what a page has between the marks of a name. Raises ValueError unless it has them once."""
    (found,) = _part(name).findall(page)
    return str(found[1])


def with_figures(page: str, name: str, text: str) -> str:
    """Return the page with other text between the marks of a name."""
    written(page, name)
    return _part(name).sub(lambda part: f"{part[1]}{text}{part[3]}", page)


def make(name: str) -> str:
    """Make one of the page's figures in a folder that is removed afterwards."""
    with TemporaryDirectory() as folder:
        return FIGURES[name](Path(folder))


def _part(name: str) -> re.Pattern[str]:
    return re.compile(rf"(<!-- figures: {name} -->\n\n)(.*?)(\n\n<!-- end of figures -->)", re.DOTALL)


def _figures(manifest: DatasetManifest) -> str:
    return f"{accounting_markdown(manifest)}\n\nCharacters a training row:\n\n{lengths_markdown(manifest)}"


def _settings(schema: type[Settings], prefix: str) -> list[str]:
    return [
        f"| `{prefix}.{name}` | {_default(default)} | {said.replace('|', '&#124;')} |"
        for name, default, said in describe(schema)
        if name != "sources"
    ]


def _default(value: Any) -> str:
    if value is None or value in ([], {}):
        return "none"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def main() -> None:
    page = GUIDE.read_text(encoding="utf-8")
    for name in FIGURES:
        if name == REAL and REAL_DATA not in os.environ:
            print(f"{name}: left as they are, for {REAL_DATA} is not set")
            continue
        page = with_figures(page, name, make(name))
        print(f"{name}: written")
    GUIDE.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
