"""The registry: sealed versions, which of them is served, and how it came to be."""

from __future__ import annotations

from hive_mind.registry import audit
from hive_mind.registry.audit import AUDIT_FILE
from hive_mind.registry.history import REGISTRY_FILE, Promotion, history
from hive_mind.registry.manifest import (
    MANIFEST_FILE,
    Manifest,
    SealedFile,
    is_sealed,
    load_manifest,
    manifest_digest,
    refuse_sealed,
    seal,
    verify,
)
from hive_mind.registry.names import ALIASES, aliases, nominate, remove
from hive_mind.registry.promotion import LATEST, latest, promote, rollback
from hive_mind.registry.versions import REPORTS, Version, list_versions, name_of, next_version, resolve

__all__ = [
    "ALIASES",
    "AUDIT_FILE",
    "LATEST",
    "MANIFEST_FILE",
    "REGISTRY_FILE",
    "REPORTS",
    "Manifest",
    "Promotion",
    "SealedFile",
    "Version",
    "aliases",
    "audit",
    "history",
    "is_sealed",
    "latest",
    "list_versions",
    "load_manifest",
    "manifest_digest",
    "name_of",
    "next_version",
    "nominate",
    "promote",
    "refuse_sealed",
    "remove",
    "resolve",
    "rollback",
    "seal",
    "verify",
]
