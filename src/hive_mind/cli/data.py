"""`hive-mind data`: fetch raw files, build the dataset, look at single rows, check whole files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from hive_mind.curation import DataSettings

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False, no_args_is_help=True)

Overrides = Annotated[list[str] | None, typer.Argument(help="data.KEY=VALUE settings that win")]
Config = Annotated[Path | None, typer.Option("--config", help="a settings file; its data section is used")]
Json = Annotated[bool, typer.Option("--json", help="print one JSON object last on standard output")]


@app.callback()
def data() -> None:
    """Fetch, build, inspect and check training data."""


@app.command()
def fetch(overrides: Overrides = None, config: Config = None, json_output: Json = False) -> None:
    """Download the raw files of every source that lies on the hub into the hub cache, and pin them in the lock file."""
    from hive_mind.curation import fetch as fetch_sources
    from hive_mind.curation.tables import aligned
    from hive_mind.hub import megabytes
    from hive_mind.progress import say

    settings = _settings(config, overrides)
    inputs = fetch_sources(settings, say)
    rows = [
        [source, file.name, megabytes(file.path.stat().st_size), inputs.commits[source][:12]]
        for source, files in inputs.files.items()
        for file in files
    ]
    print(aligned(["source", "file", "size", "commit"], rows))
    print(f"\npinned in {settings.lock}; next: hive-mind data build{f' --config {config}' if config else ''}")
    if json_output:
        _print_json({
            "lock": str(settings.lock), "commits": inputs.commits, "skipped": inputs.skipped,
            "files": {source: [str(file.path) for file in files] for source, files in inputs.files.items()},
        })  # fmt: skip


@app.command()
def build(
    overrides: Overrides = None,
    config: Config = None,
    only_rejects: Annotated[
        bool, typer.Option("--only-rejects", help="convert only the rejected rows again and add what is accepted now")
    ] = False,
    json_output: Json = False,
) -> None:
    """Read, check, deduplicate, decontaminate, split and mix all sources into one dataset; every row is accounted for.

    Exit codes: 0 done (also when nothing changed), 1 the hub or the disk failed, 2 wrong settings, 4 data refused.
    """
    from hive_mind.curation import build as build_dataset
    from hive_mind.curation import replay_rejects
    from hive_mind.curation.tables import accounting_table, composition_table, redaction_table

    settings = _settings(config, overrides)
    manifest = replay_rejects(settings).manifest if only_rejects else build_dataset(settings)
    tables = accounting_table(manifest), redaction_table(manifest), composition_table(manifest)
    print(*filter(None, tables), sep="\n\n")
    for name, why in manifest.skipped.items():
        print(f"left out: {name}: {why}")
    print(f"\n{manifest.train}\nnext: hive-mind data inspect {manifest.train} 1")
    print(f"      hive-mind run {config or 'configs/foundation.yaml'}")
    if json_output:
        _print_json(manifest.to_dict())


@app.command()
def inspect(
    file: Annotated[Path, typer.Argument(help="a training file")],
    number: Annotated[int, typer.Argument(metavar="N", help="the row, from 1", min=1)] = 1,
    base: Annotated[str, typer.Option(help="whose tokenizer and chat template: tiny, a folder, a hub model")] = "tiny",
    json_output: Json = False,
) -> None:
    """Show one row as the model sees it: the decoded tokens, with those that are learnt from coloured."""
    from hive_mind.chat.render import UnusableForTraining, render
    from hive_mind.chat.tokenizer import load_tokenizer
    from hive_mind.conversation import Reject
    from hive_mind.curation import read_row
    from hive_mind.errors import DataRefused, UsageError

    row = read_row(file, number)
    if row is None:
        raise UsageError(f"{file} has fewer than {number} rows; choose a smaller number")
    if isinstance(row, Reject):
        raise DataRefused(f"{file}, line {row.line} cannot be used: {row.code} ({row.detail})")
    tokenizer = load_tokenizer(_base_folder(base))
    try:
        rendered = render(row, tokenizer)
    except UnusableForTraining as error:
        raise DataRefused(f"{file}, row {number} cannot be trained on: {error.code} ({error})") from None
    labelled = sum(rendered.labelled)
    _print_coloured([(tokenizer.decode(ids), learnt) for ids, learnt in _runs(rendered.input_ids, rendered.labelled)])
    print(
        f"\n{row.id}, source {row.source}, tools declared: {len(row.tools)}; {len(rendered.input_ids)} tokens, "
        f"{labelled} of them ({labelled / len(rendered.input_ids):.0%}) learnt from"
    )
    if json_output:
        _print_json({"row": row.to_dict(), "input_ids": rendered.input_ids, "labelled": rendered.labelled})


@app.command()
def lint(
    file: Annotated[Path, typer.Argument(help="a training file in any layout that can be trained on")],
    max_length: Annotated[int, typer.Option(help="rows with more tokens are reported", min=8)] = 2048,
    base: Annotated[
        str, typer.Option(help="whose tokenizer counts: tiny, a folder, a hub model; none = no token checks")
    ] = "tiny",
    json_output: Json = False,
) -> None:
    """Check a training file: every kind of problem with its count, its severity and the first examples.

    Exit codes: 0 no errors (warnings are none), 2 wrong usage, 4 some rows have errors.
    """
    from hive_mind.chat.tokenizer import load_tokenizer
    from hive_mind.curation.lint import lint as check
    from hive_mind.curation.tables import aligned
    from hive_mind.errors import DataRefused
    from hive_mind.redaction import find

    tokenizer = None if base == "none" else load_tokenizer(_base_folder(base))
    report = check(file, tokenizer, max_length, find_secrets=lambda text: {found.kind for found in find(text)})
    findings = report.sorted()
    print(f"{file}: {report.rows:,} rows" + (f", tokens counted by {base}" if tokenizer else ""))
    for left_out in report.not_checked:
        print(f"not checked: {left_out}")
    if findings:
        print(
            aligned(["kind", "severity", "rows"], [[each.kind, each.severity, f"{each.rows:,}"] for each in findings])
        )
    for finding in findings:
        for line, detail in finding.examples:
            print(f"line {line}: {finding.kind}: {detail}")
    if not report.rows_with_errors:
        print("no errors")
    if json_output:
        _print_json({**report.to_dict(), "base": None if tokenizer is None else base, "max_length": max_length})
    if report.rows_with_errors:
        raise DataRefused(
            f"{report.rows_with_errors:,} of {report.rows:,} rows of {file} have errors; docs/DATASET_GUIDE.md says "
            "what each kind means, and `hive-mind data build` leaves such rows out or repairs them"
        )


def _base_folder(base: str) -> Path:
    """Return the folder of a base's tokenizer: no weights are needed, but a hub model comes whole, as for training."""
    from hive_mind.model.base import ModelSettings, resolve_base

    return Path(base) if Path(base).is_dir() else resolve_base(ModelSettings(base=base)).folder


def _settings(config: Path | None, overrides: list[str] | None) -> DataSettings:
    """Read the data section of a run's settings, and how long a row its training takes; nothing else is looked at."""
    from pydantic import ConfigDict

    from hive_mind.config import Settings, load, setting
    from hive_mind.curation import DataSettings
    from hive_mind.errors import UsageError
    from hive_mind.training.settings import TrainingSettings

    class Training(Settings):
        model_config = ConfigDict(extra="ignore", frozen=True)
        max_length: int = setting(TrainingSettings().max_length, "windows are no longer")

    class RunFile(Settings):
        model_config = ConfigDict(extra="ignore", frozen=True)
        sample: bool = setting(False, "the raw files are the sample world's")
        data: DataSettings = setting(DataSettings(), "the data stage")
        training: Training = setting(Training(), "the training stage")

    for override in overrides or ():
        if not override.startswith("data."):
            raise UsageError(
                f"{override!r} is no setting of the data stage; write data.KEY=VALUE, e.g. data.raw_dir=DIR"
            )
    loaded = load(RunFile, config, overrides or ())
    settings = loaded.data.for_training(loaded.training.max_length)
    if not loaded.sample:
        return settings
    from hive_mind.demo.generate import write_raw

    raw = settings.dir / "raw"
    write_raw(raw, seed=settings.seed)
    return settings.model_copy(update={"raw_dir": raw})


def _runs(ids: list[int], flags: list[bool]) -> list[tuple[list[int], bool]]:
    """Cut ids where the flag changes."""
    runs: list[tuple[list[int], bool]] = []
    for number, flag in zip(ids, flags, strict=True):
        if runs and runs[-1][1] == flag:
            runs[-1][0].append(number)
        else:
            runs.append(([number], flag))
    return runs


def _print_coloured(pieces: list[tuple[str, bool]]) -> None:
    """Print learnt text in green on a terminal, between ⟦ and ⟧ elsewhere."""
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False, soft_wrap=True)
    text = Text()
    for piece, learnt in pieces:
        if console.is_terminal:
            text.append(piece, style="bold green" if learnt else "dim")
        else:
            text.append(f"⟦{piece}⟧" if learnt else piece)
    console.print(text, end="")


def _print_json(value: object) -> None:
    import orjson

    print(orjson.dumps(value).decode())
