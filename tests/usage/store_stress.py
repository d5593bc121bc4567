"""Writers that record as fast as they can while they, and the keeper, are killed at any moment: `make test-store`.

Every id that a writer has printed was acknowledged; in the end each must be in the store, once. The last kill takes the
keeper and all writers together. Run as a module it records 10,000 interactions by 8 writers, on SQLite and PostgreSQL.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

from hive_mind.files import write_json
from hive_mind.usage.journal import memory_folder
from hive_mind.usage.keeper import LOCK
from hive_mind.usage.moving import catch_up
from hive_mind.usage.settings import UsageSettings
from hive_mind.usage.store import opened

RESULT = Path(__file__).resolve().parents[2] / "benchmarks" / "results" / "usage_store_kills.json"

WRITER = """
import sys
from hive_mind.usage.recorder import open_recorder
from hive_mind.usage.settings import UsageSettings
from tests.usage.making import interaction
settings, begin, end = UsageSettings.model_validate_json(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
recorder = open_recorder(settings)
for number in range(begin, end):
    print(number, recorder.record(interaction(number, session=f"session-{number}")), flush=True)
"""


@dataclass
class Outcome:
    """What a stress test came to."""

    acknowledged: int = 0
    stored: int = 0
    killed: int = 0
    keepers_killed: int = 0
    lost: list[str] = field(default_factory=list)
    doubled: int = 0
    seconds: float = 0.0


@dataclass
class Writer:
    """A writer's process, the numbers it is to record, and the file that it prints to."""

    begin: int
    end: int
    output: Path
    process: subprocess.Popen[bytes] | None = None

    def start(self, settings: UsageSettings) -> None:
        begin = max([self.begin, *(number + 1 for number, _ in self.printed())])
        command = [sys.executable, "-c", WRITER, settings.model_dump_json(), str(begin), str(self.end)]
        with open(self.output, "ab") as output:
            output.write(b"\n")  # after the half line of one that was killed
            output.flush()
            self.process = subprocess.Popen(command, stdout=output)

    def printed(self) -> list[tuple[int, str]]:
        """The numbers and ids that were acknowledged; the last line may be cut off."""
        lines = self.output.read_text().splitlines() if self.output.exists() else []
        words = [line.split() for line in lines]
        return [(int(parts[0]), parts[1]) for parts in words if len(parts) == 2 and len(parts[1]) == 32]


def stress(settings: UsageSettings, interactions: int, writers: int, kills: int, seed: int = 0) -> Outcome:
    """Record, kill, start again, and count what is there."""
    choose = random.Random(seed)
    started = time.monotonic()
    each = -(-interactions // writers)
    outcome = Outcome()
    with tempfile.TemporaryDirectory() as folder:
        crew = [Writer(i * each, (i + 1) * each, Path(folder) / f"{i}.txt") for i in range(writers)]
        for writer in crew:
            writer.start(settings)
        while outcome.killed < kills:
            alive = any(writer.process.poll() is None for writer in crew)
            wanted = interactions * (outcome.killed + 1) / (kills + 1)
            if sum(len(writer.printed()) for writer in crew) < wanted:
                assert alive, "the writers ended before they had recorded all"
                time.sleep(0.005)
                continue
            outcome.killed += 1
            if outcome.killed % 2 or outcome.killed == kills:
                outcome.keepers_killed += kill_keeper(settings)
            victims = crew if outcome.killed == kills else [choose.choice(crew)]
            for writer in victims:
                writer.process.send_signal(signal.SIGKILL)
            for writer in victims:
                writer.process.wait()
                writer.start(settings)
        assert [writer.process.wait() for writer in crew] == [0] * writers
        ids = [identity for writer in crew for _, identity in writer.printed()]
    kill_keeper(settings)
    moved = catch_up(settings)
    assert not moved.away, moved.away
    with opened(settings) as store:
        records = [record for page in store.pages() for record in page]
    there = {record.id for record in records}
    outcome.acknowledged, outcome.stored = len(set(ids)), len(records)
    outcome.lost = sorted(set(ids) - there)
    outcome.doubled = len(records) - len({record.interaction.answer.tool_calls[0].id for record in records})
    outcome.seconds = round(time.monotonic() - started, 1)
    return outcome


def kill_keeper(settings: UsageSettings) -> int:
    """Kill the process that holds the keeper's lock of this spool; returns how many were killed."""
    folder = memory_folder(settings.spool)
    if folder is None or not (folder / LOCK).exists():
        return 0
    killed = 0
    for entry in Path("/proc").iterdir():
        try:
            words = (entry / "cmdline").read_bytes().split(b"\0") if entry.name.isdigit() else []
            if os.fsencode(folder) in words:
                os.kill(int(entry.name), signal.SIGKILL)
                killed += 1
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue
    return killed


def main() -> None:
    """Run it on both databases and print what it came to, as JSON."""
    from tests.usage import postgres
    from tests.usage.making import settings_in

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--interactions", type=int, default=10_000)
    parser.add_argument("--writers", type=int, default=8)
    parser.add_argument("--kills", type=int, default=20)
    given = parser.parse_args()
    results = {}
    with tempfile.TemporaryDirectory() as folder, postgres.server() as url:
        sqlite = settings_in(Path(folder) / "sqlite")
        postgresql = settings_in(Path(folder) / "postgresql", url=postgres.new_database(url, "stress"))
        for name, settings in (("sqlite", sqlite), ("postgresql", postgresql)):
            outcome = stress(settings, given.interactions, given.writers, given.kills)
            results[name] = asdict(outcome)
            print(name, json.dumps(results[name]), flush=True)
    write_json(RESULT, {"machine": {"cores": os.cpu_count(), "system": platform.platform()}, **results})
    if any(outcome["lost"] or outcome["doubled"] for outcome in results.values()):
        sys.exit("something was lost or is there twice")


if __name__ == "__main__":
    main()
