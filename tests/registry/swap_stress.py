"""Promotions and rollbacks by several processes while others load what is served: `make swap-stress`.

Readers resolve `latest` once, then read every file of that version and compare it with its manifest. Writers and
readers are killed at any moment, as a power cut would. Run as a module it makes 3,000 changes.
"""

from __future__ import annotations

import argparse
import json
import random
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from hive_mind import registry
from tests.registry.versions import PROMOTE, sealed

VERSIONS = ("a_v1", "b_v1", "c_v1", "d_v1")

WRITER = """
import random, sys
from pathlib import Path
from hive_mind import registry
from hive_mind.errors import UsageError
models, seed, changes = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
choose = random.Random(seed)
done = 0
while done < changes:
    if choose.random() < 0.5:
        try:
            registry.rollback(models)
        except UsageError as error:
            assert "no earlier version" in str(error), error
            continue
    elif registry.promote(models, choose.choice(sys.argv[4:]), {"decision": "promote"}) is None:
        continue
    done += 1
    print(done, flush=True)
"""

READER = """
import hashlib, json, sys
from pathlib import Path
from safetensors.numpy import load_file
from hive_mind import registry
models = Path(sys.argv[1])
while True:
    folder = registry.resolve(models, "latest")
    weights = load_file(folder / "adapter_model.safetensors")
    manifest = json.loads((folder / "manifest.json").read_bytes())
    run = json.loads((folder / "run.json").read_bytes())
    assert weights and manifest["version"] == run["version"] == folder.name, f"{folder.name} is mixed"
    for name, sealed in manifest["files"].items():
        content = (folder / name).read_bytes()
        assert hashlib.sha256(content).hexdigest() == sealed["sha256"], f"{folder.name}/{name} is another's"
    print(folder.name, flush=True)
"""

PLAIN_READER = """
import sys
from pathlib import Path
from safetensors.numpy import load_file
link = Path(sys.argv[1]) / "latest"
while True:
    folder = link.resolve(strict=True)
    load_file(folder / "adapter_model.safetensors")
    print(folder.name, flush=True)
"""
"""Reads as PEFT does, knowing nothing of the registry."""


@dataclass
class Outcome:
    """What happened: changes made, loads by version, processes killed, and everything that went wrong."""

    changes: int = 0
    loads: dict[str, int] = field(default_factory=dict)
    killed: int = 0
    wrong: list[str] = field(default_factory=list)


def stress(models: Path, changes: int, readers: int = 3, kills: int = 10, seed: int = 0) -> Outcome:
    """Make at least so many changes with two writers at a time; `kills` processes are killed and replaced meanwhile."""
    choose = random.Random(seed)
    for number, version in enumerate(VERSIONS):
        sealed(models, version, seed=number)
    registry.promote(models, VERSIONS[0], PROMOTE)
    outcome = Outcome()
    readings = [_Process(PLAIN_READER if number == 0 else READER, models) for number in range(readers)]
    per_writer = max(20, changes // (kills + 2))
    writers: list[_Process] = []
    while outcome.changes < changes or outcome.killed < kills or writers:
        time.sleep(0.05)
        if outcome.killed < kills and outcome.changes >= (outcome.killed + 1) * changes // (kills + 1):
            outcome.killed += 1
            where = readings if choose.random() < 0.5 or not writers else writers
            victim = where.pop(choose.randrange(len(where)))
            victim.kill()
            _count(outcome, victim, expected=-signal.SIGKILL)
            if where is readings:
                readings.append(_Process(victim.script, models))
        for writer in [writer for writer in writers if writer.process.poll() is not None]:
            writers.remove(writer)
            _count(outcome, writer, expected=0)
        made = len(registry.history(models)) - 1
        outcome.changes = made
        while len(writers) < 2 and (made < changes or outcome.killed < kills):
            writers.append(_Process(WRITER, models, choose.randrange(1 << 30), per_writer, *VERSIONS))
    for reader in readings:
        if reader.process.poll() is not None:
            outcome.wrong.append(f"a reader ended: {reader.errors()}")
        reader.kill()
        _count(outcome, reader, expected=-signal.SIGKILL)
    _check_log(models, outcome)
    return outcome


def _check_log(models: Path, outcome: Outcome) -> None:
    """The link, the history and the audit log tell one story, without a gap."""
    current = registry.latest(models)
    history = registry.history(models)
    outcome.changes = len(history) - 1
    if [entry.previous for entry in history[1:]] != [entry.version for entry in history[:-1]]:
        outcome.wrong.append("a change is missing in the history")
    if history[-1].version != current:
        outcome.wrong.append(f"the history ends at {history[-1].version}, the link at {current}")
    if {entry.by for entry in history} - {"gate", "rollback"}:
        outcome.wrong.append("a change of ours was taken for one by hand")
    audited = [entry for entry in registry.audit.read(models) if entry["event"] == "promotion"]
    if [entry["version"] for entry in audited] != [entry.version for entry in history]:
        outcome.wrong.append("the audit log and the history differ")
    outcome.wrong += [f"{version} was changed" for version in VERSIONS if registry.verify(models / version)]
    outcome.wrong += [f"{file.name} was left behind" for file in models.glob(".*.part")]


class _Process:
    """A script on the registry, its output in files so that no pipe can fill."""

    def __init__(self, script: str, models: Path, *arguments: object) -> None:
        self.script = script
        self.output, self.error = tempfile.TemporaryFile("w+"), tempfile.TemporaryFile("w+")  # noqa: SIM115
        command = [sys.executable, "-c", script, *map(str, (models, *arguments))]
        self.process = subprocess.Popen(command, stdout=self.output, stderr=self.error, text=True)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def lines(self) -> list[str]:
        self.output.seek(0)
        return self.output.read().split()

    def errors(self) -> str:
        self.error.seek(0)
        return self.error.read()[-500:]


def _count(outcome: Outcome, process: _Process, expected: int) -> None:
    if process.process.returncode not in (expected, 0):
        outcome.wrong.append(f"a process ended with {process.process.returncode}: {process.errors()}")
    if process.script != WRITER:
        for version in process.lines():
            outcome.loads[version] = outcome.loads.get(version, 0) + 1


def main() -> None:
    """Make 3,000 changes and say what readers saw."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--changes", type=int, default=3000)
    with tempfile.TemporaryDirectory() as folder:
        started = time.monotonic()
        outcome = stress(Path(folder), parser.parse_args().changes, kills=80)
        seconds = time.monotonic() - started
    print(
        f"{outcome.changes:,} promotions and rollbacks in {seconds:.0f} s, {outcome.killed} processes killed, "
        f"{sum(outcome.loads.values()):,} loads {json.dumps(outcome.loads)}, {len(outcome.wrong)} of them wrong"
    )
    if outcome.wrong:
        sys.exit("\n".join(outcome.wrong))


if __name__ == "__main__":
    main()
