"""Lets the scripts run with any `python3`: they go on under the repository's .venv where hive_mind is installed."""

import importlib.util
import os
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent


def ensure() -> None:
    """Return if hive_mind can be imported; else start this script again under .venv, or say how to make one."""
    if importlib.util.find_spec("hive_mind") is not None:
        return
    python = REPOSITORY / ".venv" / "bin" / "python"
    if python.exists() and Path(sys.prefix).resolve() != python.parent.parent.resolve():
        os.execv(str(python), [str(python), *sys.argv])
    sys.exit(f"error: hive_mind is not installed; run `make setup` in {REPOSITORY} first, then this command again")
