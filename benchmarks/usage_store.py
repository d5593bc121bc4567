"""What recording adds to a request, how soon it is in the store, and how much the store takes in: usage_store.json.

Measured are small interactions (one call) and, where HIVE_MIND_REAL_DATA is set, every turn of real runs with all that
was said before it, recorded in a process that does nothing else and in one whose other thread computes all the time.
Beside it stands what a single system call takes under the same load: less is not to be had.
"""

from __future__ import annotations

import os
import platform
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from hive_mind.conversation import Conversation, Message, Tool, ToolCall
from hive_mind.files import write_json
from hive_mind.sources import transcripts
from hive_mind.sources.raw import RawRow, read_raw
from hive_mind.usage.interaction import Interaction
from hive_mind.usage.journal import memory_folder
from hive_mind.usage.moving import catch_up
from hive_mind.usage.recorder import open_recorder
from hive_mind.usage.redacting import redact_interaction
from hive_mind.usage.settings import UsageSettings
from hive_mind.usage.store import opened

RESULT = Path(__file__).parent / "results" / "usage_store.json"
SMALL = 3_000
PAUSE_SECONDS = 0.002
"""Requests do not come without a pause; in a tight loop, what is measured on a busy machine is its scheduler."""
RUNS = 60


def main() -> None:
    """Measure and write benchmarks/results/usage_store.json."""
    small = [_small(number) for number in range(SMALL)]
    figures: dict[str, Any] = {
        "machine": {
            "load": os.getloadavg(),
            "cores": os.cpu_count(),
            "python": platform.python_version(),
            "system": platform.platform(),
        },
        "small": _recorded(small, busy=False),
        "small, another thread computing": _recorded([_small(n) for n in range(SMALL, 2 * SMALL)], busy=True),
    }
    folder = os.environ.get("HIVE_MIND_REAL_DATA")
    if folder:
        real = _real(Path(folder) / "usage" / "livemcpbench_runs_60.jsonl")
        figures["turns of real runs"] = _recorded(real, busy=False)
        figures["turns of real runs"]["redacting_ms"] = _quantiles(
            [_timed(lambda s=s: redact_interaction(s)) for s in real]
        )
    write_json(RESULT, figures)
    for name, found in figures.items():
        print(name, found)


def _recorded(interactions: Sequence[Interaction], busy: bool) -> dict[str, Any]:
    """Record all, and wait until all are in the store."""
    with tempfile.TemporaryDirectory() as folder:
        settings = UsageSettings(url=str(Path(folder) / "usage.sqlite"), spool=Path(folder) / "spool", idle_seconds=2.0)
        recorder = open_recorder(settings)
        stop = threading.Event()
        other = threading.Thread(target=_compute, args=(stop,))
        if busy:
            other.start()
        begun = time.perf_counter()
        times, cpu, least = [], [], []
        nothing = os.open(os.devnull, os.O_WRONLY)
        for seen in interactions:
            used = time.thread_time()
            times.append(_timed(lambda seen=seen: recorder.record(seen)))
            cpu.append((time.thread_time() - used) * 1e3)
            time.sleep(PAUSE_SECONDS)
            least.append(_timed(lambda: os.write(nothing, b"!")))
            time.sleep(PAUSE_SECONDS)
        os.close(nothing)
        stop.set()
        recorder.close()
        catch_up(settings)  # takes its turn after the keeper, and finds what it has left
        stored = time.perf_counter() - begun
        with opened(settings) as store:
            kept = store.stats()["interactions"]
        size = sum(file.stat().st_size for file in Path(folder).glob("usage.sqlite*"))
        memory = memory_folder(settings.spool)
    sizes = [len(str(seen.messages)) for seen in interactions[:200]]
    return {
        "interactions": len(interactions), "kept": kept, "characters_median": statistics.median(sizes),
        "record_ms": _quantiles(times), "record_cpu_ms": _quantiles(cpu),
        "one_system_call_ms": _quantiles(least), 
        "stored_after_seconds": round(stored, 1), "stored_per_second": round(kept / stored),
        "store_bytes_each": round(size / kept), "journal_in_memory": memory is not None,
    }  # fmt: skip


def _compute(stop: threading.Event) -> None:
    total = 0
    while not stop.is_set():
        total += sum(range(1000))


def _timed(action: Callable[[], object]) -> float:
    begun = time.perf_counter()
    action()
    return (time.perf_counter() - begun) * 1e3


def _quantiles(times: Sequence[float]) -> dict[str, float]:
    ordered = sorted(times)
    return {
        "p50": round(statistics.median(ordered), 4), "p99": round(ordered[int(0.99 * len(ordered))], 4),
        "max": round(ordered[-1], 4),
    }  # fmt: skip


def _small(number: int) -> Interaction:
    schema = {"type": "object", "properties": {"path": {"type": "string"}}, "required": ["path"]}
    return Interaction(
        "openai_api", (Message("user", f"What does file number {number} of the project say?"),),
        Message("assistant", "", (ToolCall(f"call_{number}", "read_file", {"path": f"notes/{number}.md"}),)),
        (Tool("read_file", "Read a file.", schema),), outcome="succeeded", session=f"session-{number // 50}",
        time="2026-02-05T10:00:00Z",
    )  # fmt: skip


def _real(file: Path) -> list[Interaction]:
    """Every turn of real runs, with all that was said before it, as a gateway would see them."""
    seen: list[Interaction] = []
    runs = 0
    for raw in read_raw(file):
        if not isinstance(raw, RawRow):
            sys.exit(f"{file}, line {raw.line} cannot be read")
        run = transcripts.convert(transcripts.with_servers(raw.row, raw.file))
        if not isinstance(run, Conversation):
            continue
        for turn, message in enumerate(run.messages):
            if message.role == "assistant":
                answer = replace(message, learn=True)
                seen.append(Interaction("gateway", run.messages[:turn], answer, run.tools, session=run.id))
        runs += 1
        if runs == RUNS:
            break
    return seen


if __name__ == "__main__":
    main()
