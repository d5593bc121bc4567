"""The optional parts: a compiler, the sandbox, Node, and the hub."""

from __future__ import annotations

import os
import subprocess
import urllib.error
import urllib.request

from hive_mind.doctor.check import Check
from hive_mind.evaluation.sandbox import find_sandbox
from hive_mind.suites.unavailable import SuiteUnavailable

SECONDS = 10.0
HUB = "https://huggingface.co"


def compiler() -> Check:
    """Look for the C++ compiler that torch's Inductor would use."""
    name = os.environ.get("CXX") or "g++"
    found = first_line([name, "--version"])
    if found:
        return Check("compiler", "ok", found)
    return Check(
        "compiler", "note", f"no {name}", "training's kernels are not compiled: slower; Debian: apt install g++"
    )


def sandbox() -> Check:
    """Try the sandbox in which model output is run; without it the suites that run code are unavailable."""
    try:
        return Check("sandbox", "ok", f"{find_sandbox().version}: made and tried")
    except SuiteUnavailable as reason:
        return Check("sandbox", "note", str(reason), "suites that run a model's code or commands are unavailable")


def node() -> Check:
    """Look for Node, on which many MCP servers run."""
    found = first_line(["node", "--version"])
    if found:
        return Check("node", "ok", found)
    return Check("node", "note", "no node", "MCP servers written for Node cannot be tried here; training needs none")


def hub() -> Check:
    """Ask the hub for an answer of any kind."""
    address = os.environ.get("HF_ENDPOINT", HUB)
    if os.environ.get("HF_HUB_OFFLINE", "").upper() in ("1", "ON", "YES", "TRUE"):
        return Check("hub", "note", "HF_HUB_OFFLINE is set", "only what is in the cache or in folders can be used")
    try:
        with urllib.request.urlopen(urllib.request.Request(address, method="HEAD"), timeout=SECONDS) as answer:
            status = answer.status
    except urllib.error.HTTPError as error:
        status = error.code
    except (OSError, ValueError) as error:
        advice = "base and data sets cannot be fetched: give folders (data.raw_dir, model.base), or set HF_ENDPOINT"
        return Check("hub", "note", f"{address} cannot be reached ({getattr(error, 'reason', error)})", advice)
    return Check("hub", "ok", f"{address} answers ({status})")


def first_line(command: list[str]) -> str:
    """Return the first line that a program prints; nothing if it is not there or does not work."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    lines = done.stdout.strip().splitlines()
    return lines[0] if done.returncode == 0 and lines else ""
