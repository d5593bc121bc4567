"""What clients may read: the versions, their manifests and reports, and the card of the served one's dataset."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ResourceError, ResourceNotFoundError

from hive_mind import registry
from hive_mind.errors import HiveMindError
from hive_mind.serving.mcp.backend import Backend
from hive_mind.serving.mcp.versions import known

SCHEME = "hive-mind"
LONGEST = 40_000
"""Characters of a resource. Clients cut what is longer, or move it to a file."""


def register(server: MCPServer[Any], here: Backend) -> None:
    """Add the resources. A name in an address is looked up among the versions and never used as a path."""

    @server.resource(f"{SCHEME}://models", title="Models", mime_type="application/json")
    def models() -> str:
        """All versions with their aliases; `latest` is the one that is served."""
        return _json(_versions(here.models_dir))

    @server.resource(f"{SCHEME}://models/{{version}}", title="A model's manifest", mime_type="application/json")
    def manifest(version: str) -> str:
        """Where a version comes from: base, dataset, files with their digests."""
        return _json(_manifest(here.models_dir, version))

    @server.resource(f"{SCHEME}://reports/{{version}}", title="A model's report", mime_type="text/markdown")
    def report(version: str) -> str:
        """The report of a version's training and evaluation."""
        return _report(here.models_dir, version)

    @server.resource(f"{SCHEME}://dataset-card", title="Dataset card", mime_type="text/markdown")
    def dataset_card() -> str:
        """What the served version was trained on, with the licences of its sources."""
        return _dataset_card(here)


def _json(value: Any) -> str:
    return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()


def _versions(models_dir: Path) -> dict[str, Any]:
    try:
        versions = registry.list_versions(models_dir)
        latest = registry.latest(models_dir)
    except HiveMindError as error:
        raise ResourceError(str(error)) from error
    rows = [{"name": version.name, "aliases": version.aliases, "problem": version.problem} for version in versions]
    return {"latest": latest, "versions": rows}


def _version(models_dir: Path, name: str) -> str:
    try:
        found = known(models_dir, name)
    except HiveMindError as error:
        raise ResourceError(str(error)) from error
    if found is None:
        raise ResourceNotFoundError(f"there is no version {name!r}; {SCHEME}://models lists them")
    return found


def _manifest(models_dir: Path, name: str) -> dict[str, Any]:
    version = _version(models_dir, name)
    try:
        return registry.load_manifest(models_dir / version).to_dict()
    except HiveMindError as error:
        raise ResourceError(str(error)) from error


def _report(models_dir: Path, name: str) -> str:
    from hive_mind.report.records import REPORT_FILE, reports_folder

    version = _version(models_dir, name)
    file = reports_folder(models_dir, version) / REPORT_FILE
    return _text(file, f"{version} has no report yet; `hive-mind report {version}` writes it")


def _dataset_card(here: Backend) -> str:
    from hive_mind.curation.manifest import CARD_NAME

    try:
        latest = registry.latest(here.models_dir)
        trained_on = registry.load_manifest(here.models_dir / latest).dataset["path"] if latest else None
    except HiveMindError as error:
        raise ResourceError(str(error)) from error
    folder = Path(str(trained_on)).parent if trained_on else here.data_dir
    return _text(folder / CARD_NAME, f"there is no dataset card in {folder}; `hive-mind data build` writes it")


def _text(file: Path, missing: str) -> str:
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ResourceNotFoundError(missing) from None
    except (OSError, UnicodeDecodeError) as error:
        raise ResourceError(f"{file.name} cannot be read ({error}); write it again") from error
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}\n\n(cut here: {len(text):,} characters in all)\n"
