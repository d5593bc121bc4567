"""`hive-mind models`: list, show, promote, roll back, verify and remove versions."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hive_mind.cli.output import print_json

if TYPE_CHECKING:
    from hive_mind.registry import Promotion, Version

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False, no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="VERSION", help="a version, `latest`, `previous` or `candidate`")]
ModelsDir = Annotated[Path, typer.Option("--models-dir", help="where versions, reports and `latest` live")]
Json = Annotated[bool, typer.Option("--json", help="print one JSON object last on standard output")]
MODELS = Path("models")


@app.callback()
def models() -> None:
    """List, show, promote, roll back, verify and remove versions."""


@app.command("list")
def list_models(models_dir: ModelsDir = MODELS, json_output: Json = False) -> None:
    """List all versions in the order they were sealed, with their aliases; * marks what `latest` points at."""
    from hive_mind import registry
    from hive_mind.curation.tables import aligned
    from hive_mind.errors import HiveMindError

    problem = None
    try:
        registry.latest(models_dir)
    except HiveMindError as error:
        problem = error  # the list is what the user needs to mend the link, so it comes first
    versions = registry.list_versions(models_dir)
    if not versions:
        print(f"no versions in {models_dir} yet; next: hive-mind run configs/sample.yaml")
    else:
        header = ["version", "alias", "base", "examples", "held-out calls", "promoted", "size"]
        print(aligned(header, [_row(models_dir, version) for version in versions]))
        print(f"\n* is what {models_dir / 'latest'} points at; next: hive-mind models show VERSION")
    if problem is not None:
        raise problem
    if json_output:
        print_json({"models_dir": str(models_dir), "versions": [_to_dict(version) for version in versions]})


@app.command()
def show(version: Name, models_dir: ModelsDir = MODELS, json_output: Json = False) -> None:
    """Show where a version comes from, what it scored and when it was promoted."""
    from hive_mind import registry
    from hive_mind.curation.tables import aligned

    folder = registry.resolve(models_dir, version)
    manifest = registry.load_manifest(folder)
    promotions = [entry for entry in registry.history(models_dir) if entry.version == folder.name]
    facts = [
        ["version", folder.name],
        ["folder", str(folder)],
        ["sealed", manifest.created],
        ["base", f"{manifest.base['id']} {manifest.base['revision'] or ''}".strip()],
        ["base digest", str(manifest.base["digest"])],
        ["trained on", f"{manifest.dataset['examples']:,} examples of {manifest.dataset['path']}"],
        ["dataset digest", str(manifest.dataset["digest"])],
        ["parent", manifest.parent or "none"],
        *_usage(models_dir, folder),
        *([f"held-out calls, {tier}", score] for tier, score in _scores(models_dir, folder.name)),
        *(["promoted", _promotion(entry)] for entry in promotions),
    ]
    width = max(len(key) for key, _ in facts) + 2
    print("\n".join(f"{key:<{width}}{value}" for key, value in facts))
    files = [[name, f"{file.size:,}", file.sha256[:16]] for name, file in manifest.files.items()]
    print("", aligned(["file", "bytes", "sha256"], files), sep="\n")
    print(f"\nnext: hive-mind models verify {folder.name}")
    if json_output:
        history = [_promotion_dict(entry) for entry in promotions]
        print_json({"folder": str(folder), "manifest": manifest.to_dict(), "promotions": history})


@app.command()
def promote(
    version: Name,
    force: Annotated[bool, typer.Option("--force", help="promote past the gate's verdict; needs --note")] = False,
    note: Annotated[str, typer.Option(help="why, recorded in models/registry.json")] = "",
    models_dir: ModelsDir = MODELS,
    json_output: Json = False,
) -> None:
    """Point `latest` at a version that verifies and that the gate's verdict says to promote.

    Exit codes: 0 done (also when it is served already), 1 a file was changed, 2 the verdict does not say promote.
    """
    from hive_mind import registry

    name = registry.name_of(models_dir, version)
    entry = registry.promote(models_dir, name, _verdict(models_dir, name), note, force=force, by="hand")
    if entry is None:
        print(f"{models_dir / 'latest'} points at {name} already; nothing was changed")
    else:
        print(f"{models_dir / 'latest'} -> {name} (before: {entry.previous or 'nothing'})")
    print("next: hive-mind models list; to go back: hive-mind models rollback")
    if json_output:
        print_json({"version": name, "changed": entry is not None, "promotion": _promotion_dict(entry)})


@app.command()
def rollback(models_dir: ModelsDir = MODELS, json_output: Json = False) -> None:
    """Point `latest` back at the version promoted before it, the newest such that still verifies.

    Exit codes: 0 done, 2 there is none to go back to.
    """
    from hive_mind import registry

    entry = registry.rollback(models_dir)
    print(f"{models_dir / 'latest'} -> {entry.version} ({entry.reason})")
    print(f"next: hive-mind models show {entry.version}")
    if json_output:
        print_json({"version": entry.version, "promotion": _promotion_dict(entry)})


@app.command()
def verify(
    version: Annotated[str | None, typer.Argument(metavar="[VERSION]", help="a version; all if left out")] = None,
    base: Annotated[str | None, typer.Option(help="the base model's folder, if it is not at hand otherwise")] = None,
    models_dir: ModelsDir = MODELS,
    json_output: Json = False,
) -> None:
    """Check a version: every file as it was sealed, its base the recorded one, its adapter loads and does something.

    Exit codes: 0 all is well, 1 something is wrong.
    """
    from hive_mind import registry
    from hive_mind.errors import HiveMindError
    from hive_mind.inference.soundness import examine
    from hive_mind.model.base import ModelSettings

    settings = ModelSettings(base=base) if base is not None else ModelSettings()

    if version is not None:
        folders = [registry.resolve(models_dir, version)]
    else:
        folders = [found.folder for found in registry.list_versions(models_dir) if registry.is_sealed(found.folder)]
    found = {folder.name: examine(folder, settings) for folder in folders}
    for name, soundness in found.items():
        well = soundness.not_tried or "its adapter fits its base"
        print(f"{name}: " + ("; ".join(soundness.problems) or f"as it was sealed; {well}"))
    if json_output:
        problems = {name: list(soundness.problems) for name, soundness in found.items()}
        print_json({"problems": problems, "not_tried": {name: s.not_tried for name, s in found.items() if s.not_tried}})
    unsound = [name for name, soundness in found.items() if soundness.problems]
    if unsound:
        raise HiveMindError(
            f"{', '.join(unsound)} changed after sealing or cannot be loaded; restore from a backup, train again, or "
            "go back with `hive-mind models rollback`"
        )


@app.command()
def remove(version: Name, models_dir: ModelsDir = MODELS, json_output: Json = False) -> None:
    """Delete a version's folder; its reports stay. Champion, previous and candidate are never deleted.

    Exit codes: 0 done, 2 an alias means it, or it is not sealed.
    """
    from hive_mind import registry
    from hive_mind.hub import megabytes

    name = registry.name_of(models_dir, version)
    freed = registry.remove(models_dir, name)
    print(f"removed {models_dir / name} ({megabytes(freed)}); its reports stay")
    print("next: hive-mind models list")
    if json_output:
        print_json({"version": name, "bytes": freed})


def _verdict(models_dir: Path, name: str) -> dict[str, Any] | None:
    from hive_mind.report.records import load_verdict

    verdict = load_verdict(models_dir, name)
    return verdict.to_dict() if verdict else None


def _row(models_dir: Path, version: Version) -> list[str]:
    from hive_mind.hub import megabytes

    name = f"{version.name} *" if version.is_latest else version.name
    alias = ", ".join(version.aliases)
    if version.manifest is None:
        return [name, alias, "", "", version.problem.partition(";")[0], "", ""]
    manifest = version.manifest
    scores = ", ".join(f"{tier} {score.partition(' ')[0]}" for tier, score in _scores(models_dir, version.name))
    promoted = version.promoted.time if version.promoted else "never"
    return [name, alias, str(manifest.base["id"]), f"{manifest.dataset['examples']:,}", scores or "not measured",
            promoted, megabytes(manifest.size)]  # fmt: skip


def _scores(models_dir: Path, name: str) -> list[tuple[str, str]]:
    """Return (tier, "12/40 (30%)") of a version's held-out calls; empty if it was never evaluated."""
    from hive_mind.report.records import held_out_calls

    return [(tier, f"{right}/{asked} ({right / asked:.0%})") for tier, right, asked in held_out_calls(models_dir, name)]


def _usage(models_dir: Path, folder: Path) -> list[list[str]]:
    """Return what a version has learnt of the user's own interactions, and how much of it was to be forgotten."""
    from hive_mind.learning.provenance import forgotten_in, records_of

    if folder.parent.resolve() != models_dir.resolve():
        return []
    own = {name: len(ids) for name, ids in records_of(models_dir, folder.name).items() if ids}
    facts = [["interactions", ", ".join(f"{count:,} learnt by {name}" for name, count in own.items())]] if own else []
    if forgotten := forgotten_in(models_dir, folder.name):
        facts.append(
            ["to be forgotten", f"{len(forgotten):,} of them; `hive-mind learn status` says what becomes of it"]
        )
    return facts


def _promotion(entry: Promotion) -> str:
    before = f" instead of {entry.previous}" if entry.previous else ""
    why = f": {entry.reason}" if entry.reason else ""
    return f"{entry.time}{before} by {entry.by}{why}"


def _promotion_dict(entry: Promotion | None) -> dict[str, Any] | None:
    from dataclasses import asdict

    return asdict(entry) if entry else None


def _to_dict(version: Version) -> dict[str, Any]:
    manifest = version.manifest
    return {
        "version": version.name, "folder": str(version.folder), "latest": version.is_latest,
        "aliases": list(version.aliases),
        "problem": version.problem or None, "base": manifest.base if manifest else None,
        "dataset": manifest.dataset if manifest else None, "bytes": manifest.size if manifest else None,
        "promoted": _promotion_dict(version.promoted),
    }  # fmt: skip
