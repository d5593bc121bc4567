"""Node 22 and the protocol's own tools and servers, from npm into a cache outside of the repository."""

import hashlib
import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

PACKAGES = {
    "node": "22.23.3",  # the inspector needs 22.19 or later, which most systems' node is not yet
    "@modelcontextprotocol/inspector": "2.12.0",
    "@modelcontextprotocol/conformance": "0.2.0-alpha.12",  # the stable 0.1.16 lacks the scenarios since 2026
    "@modelcontextprotocol/server-everything": "2026.8.31",
    "@modelcontextprotocol/server-filesystem": "2026.8.31",
}
INSTALL_SECONDS = 600


def install() -> Path:
    """Return the folder of the packages' commands, installed once for these versions; skips where it cannot be."""
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("there is no npm: install Node.js to test with the protocol's inspector and conformance suite")
    root = Path(os.environ.get("HIVE_MIND_TEST_CACHE") or Path.home() / ".cache" / "hive-mind-tests")
    manifest = json.dumps({"private": True, "dependencies": PACKAGES})
    folder = root / f"npm-{hashlib.sha256(manifest.encode()).hexdigest()[:16]}"
    commands = folder / "node_modules" / ".bin"
    if not (folder / "done").exists():
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "package.json").write_text(manifest)
        command = [npm, "install", "--no-audit", "--no-fund", "--loglevel=error"]
        made = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=INSTALL_SECONDS)
        if made.returncode:
            pytest.skip(f"npm could not install them: {made.stderr.strip().splitlines()[:1]}")
        (folder / "done").touch()
    return commands


def environment(commands: Path) -> dict[str, str]:
    """Return this process's environment with the installed commands first."""
    return {**os.environ, "PATH": f"{commands}{os.pathsep}{os.environ['PATH']}"}
