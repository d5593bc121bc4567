"""The models that can be asked for by name: `latest`, `base`, the aliases, and every sealed version."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from hive_mind import registry
from hive_mind.conversation import JSON
from hive_mind.serving.ask import UnknownModel
from hive_mind.serving.names import BASE, check_name


def is_own(models_dir: Path, name: str) -> bool:
    """Tell whether a name is one of ours: a version, or a name that may mean one, whether it does at present or not."""
    if name in (BASE, registry.LATEST, *registry.ALIASES):
        return True
    try:
        check_name(models_dir, name)
    except UnknownModel:
        return False
    return True


def listed(models_dir: Path) -> list[JSON]:
    """Return the models as OpenAI's API lists them, `latest` first; `hive_mind` says what an alias means.

    Raises HiveMindError if the registry is damaged.
    """
    versions = {version.name: version for version in registry.list_versions(models_dir) if version.manifest}
    made = {name: _seconds(version.manifest.created) for name, version in versions.items() if version.manifest}
    current = registry.latest(models_dir)
    rows = [_row(registry.LATEST, made.get(current, 0), current)] if current else []
    rows.append(_row(BASE, 0, None))
    rows += [_row(alias, made.get(name, 0), name) for alias, name in registry.aliases(models_dir).items()]
    return rows + [_row(name, made[name], name) for name in versions]


def _row(id: str, created: int, version: str | None) -> JSON:
    return {
        "id": id, "object": "model", "created": created, "owned_by": "hive-mind", "hive_mind": {"version": version},
    }  # fmt: skip


def _seconds(moment: str) -> int:
    return int(datetime.fromisoformat(moment).timestamp())
