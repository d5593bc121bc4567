"""Five cycles of daily learning over real use: the agent's 60 runs of HIVE_MIND_REAL_DATA in file order, twelve a day.

    .venv/bin/python benchmarks/real_use.py --work runs/real_use     # writes benchmarks/results/real_use.json

Three times: with the defaults, with `min_new=20`, and with a smaller own suite than the 200 turns that are asked for,
so that the gate has something to say. The foundation is the simulated month's: the sample run's, on the tiny base.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from month.foundation import CACHE, Foundation, foundation
from month.nights import told
from month.recipe import Recipe

from hive_mind import registry
from hive_mind.curation.tables import aligned
from hive_mind.device import versions
from hive_mind.files import read_json, write_json, write_jsonl
from hive_mind.learning.cycle import run_cycle
from hive_mind.learning.days import CYCLE_FILE, history
from hive_mind.learning.settings import HeldOutSettings, LearningSettings, MixSettings, TriggerSettings
from hive_mind.progress import stamp, utc_now

RESULTS = Path(__file__).absolute().parent / "results" / "real_use.json"
RUNS, TOOLS = "livemcpbench_runs_60.jsonl", "livemcpbench_tools.json"
DAYS = 5
PROBES, NOT_QUOTED = "probes", "probes are not quoted"
START = datetime(2026, 3, 2, tzinfo=UTC)
SMALL_SUITE = {"min_new": 20, "min_items": 10, "share": 0.5}
"""Own turns enough to be asked within five days; far too few to promote for anything but a large gain."""
TRIES: dict[str, dict[str, float]] = {
    "the defaults": {},
    "min_new=20": {"min_new": 20},
    ", ".join(f"{name}={value:g}" for name, value in SMALL_SUITE.items()): SMALL_SUITE,
}


def main() -> None:
    """Live the five days three times, print what came of each, write the result."""
    arguments = parse()
    data = os.environ.get("HIVE_MIND_REAL_DATA")
    if data is None:
        raise SystemExit("HIVE_MIND_REAL_DATA is not set; name the folder whose usage/ holds the real runs with it")
    made = foundation(arguments.cache)
    tries = {
        name: live(arguments.work / f"try_{number}", Path(data) / "usage", made, **changes)
        for number, (name, changes) in enumerate(TRIES.items(), 1)
    }
    for name, days in tries.items():
        print(f"{name}\n{aligned(HEAD, [line(day) for day in days])}\n")
    what = "daily learning over 60 real runs of an agent in file order, twelve a day, on the tiny base"
    write_json(arguments.output, {"what": what, "created": utc_now(), "hardware": versions(), "tries": tries})
    print(f"written to {arguments.output}")


def live(folder: Path, usage: Path, made: Foundation, **changes: float) -> list[dict[str, Any]]:
    """Import twelve runs a day and run the cycle in the night after it; returns the days."""
    if folder.exists():
        shutil.rmtree(folder)
    imports = folder / "imports"
    imports.mkdir(parents=True)
    copied = made.copy_to(folder, Recipe.tier_limit, 0)
    settings = settings_of(folder, copied, **changes)
    shutil.copyfile(usage / TOOLS, imports / TOOLS)
    runs = [json.loads(row) for row in (usage / RUNS).read_bytes().splitlines()]
    for day in range(DAYS):
        share = runs[day * len(runs) // DAYS : (day + 1) * len(runs) // DAYS]
        noon = START + timedelta(days=day, hours=12)
        # The runs have no times of their own: a quarter of an hour each.
        rows = ({**run, "timestamp": stamp(noon + timedelta(minutes=15 * n))} for n, run in enumerate(share))
        write_jsonl(imports / f"runs_{day + 1}.jsonl", rows)
        began = time.monotonic()
        run_cycle(settings, START + timedelta(days=day + 1, hours=2), "benchmarks/real_use.py")
        print(f"day {day + 1}: {time.monotonic() - began:.0f} s, {registry.latest(settings.models_dir)} is served")
    return [_day(settings, row) for row in history(settings.dir)]


def settings_of(folder: Path, made: Foundation, **changes: float) -> LearningSettings:
    """Return the defaults of daily learning with the simulated month's training, and the changes."""
    held_out, trigger, mix = HeldOutSettings(), TriggerSettings(), MixSettings()
    recipe = Recipe(
        held_out_share=changes.get("share", held_out.share), suite_days=held_out.days,
        min_items=int(changes.get("min_items", held_out.min_items)),
        min_new=int(changes.get("min_new", trigger.min_new)), replay_share=mix.replay_share,
        no_tool_share=mix.no_tool_share, per_tool=mix.per_tool, training={"max_length": 2048},
    )  # fmt: skip
    return recipe.settings(folder, made).model_copy(update={"imports": [folder / "imports"]})


def _day(settings: LearningSettings, row: dict[str, Any]) -> dict[str, Any]:
    steps = read_json(settings.dir / row["day"] / CYCLE_FILE)["steps"]
    return published(row, {name: step["result"] for name, step in steps.items()})


def published(row: dict[str, Any], done: dict[str, Any]) -> dict[str, Any]:
    """Return what may be published of a day: no words of the real runs, and no folder of this machine.

    A failure may quote a row, the check of the probes quotes one with the user's words, and files have names.
    """
    kept = ("take_in", "collect", "enough", "suite", "choose", "dataset", "train", "judge")
    wanted = ("day", "attempt", "decision", "new", "candidate", "champion", "scores")
    steps, reason = {name: dict(done[name]) for name in kept if name in done}, told(row)
    if "imported" in steps.get("take_in", {}):
        imported = steps["take_in"]["imported"]
        named = {key: len(imported[key]) for key in ("not_read", "missing") if key in imported}
        steps["take_in"]["imported"] = {**imported, **named}
    if "judge" in steps:
        quoting = [check["reason"] for check in steps["judge"]["checks"] if check["name"] == PROBES]
        for said in quoting:
            reason = reason.replace(said, NOT_QUOTED)
        steps["judge"] = {
            "decision": steps["judge"]["decision"], "scores": steps["judge"]["scores"],
            "checks": [
                {**check, "reason": NOT_QUOTED if check["name"] == PROBES else check["reason"]}
                for check in steps["judge"]["checks"]
            ],
        }  # fmt: skip
    return {**{key: row[key] for key in wanted}, "reason": reason, "steps": steps}


HEAD = ("day", "approved", "new", "own suite", "learnt", "decision", "own: candidate", "champion", "why")


def line(day: dict[str, Any]) -> list[str]:
    """Return a day's line of the table."""
    steps, scores = day["steps"], day["scores"]
    own = [_of(scores.get(day[who], {}).get("usage")) for who in ("candidate", "champion")]
    return [
        day["day"], str(steps["collect"]["states"].get("approved", 0)), str(day["new"]),
        str(steps["suite"]["items"]) if "suite" in steps else "",
        str(steps["dataset"]["parts"]["usage"]["train"]) if "dataset" in steps else "",
        day["decision"], *own, day["reason"],
    ]  # fmt: skip


def _of(tally: list[int] | None) -> str:
    return f"{tally[0]} of {tally[1]}" if tally else ""


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, default=Path("runs/real_use"), help="a folder a try; emptied first")
    parser.add_argument("--cache", type=Path, default=CACHE, help="the foundation is kept here")
    parser.add_argument("--output", type=Path, default=RESULTS, help="where the result goes")
    return parser.parse_args()


if __name__ == "__main__":
    main()
