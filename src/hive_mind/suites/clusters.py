"""Which tasks depend on each other, for statistics that count independent ones."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable


def tool_set(names: Iterable[str], alone: str) -> str:
    """Return one name for tasks that offer the same tools; a task without tools stands `alone`, under its own id."""
    joined = "\n".join(sorted(names))
    return hashlib.sha256(joined.encode()).hexdigest()[:16] if joined else alone
