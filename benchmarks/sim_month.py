"""A simulated month of daily learning with three seeds, and the same month with naive daily fine-tuning.

    make sim-month
    .venv/bin/python benchmarks/sim_month.py --seeds 42 --work runs/sim_month

docs/SIMULATED_MONTH.md tells what happens in it and what came out. With HIVE_MIND_REAL_DATA set the user's twelve tools
are real MCP tools, else stand-ins that this project declares. Exits with 1 if a month does not show what it must.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from month.drawn import chart
from month.foundation import CACHE, foundation
from month.promises import broken
from month.recipe import Recipe
from month.run import Month
from month.shown import page

from hive_mind.files import read_json, write_json

RESULTS = Path(__file__).absolute().parent / "results" / "sim_month.json"
WHAT = "a simulated month of daily learning on the tiny base, and naive daily fine-tuning beside it"


def main() -> None:
    """Live the months, print them, write the result and its chart, and say which promises were broken."""
    arguments = parse()
    made = foundation(arguments.cache)
    seeds: list[dict[str, Any]] = []
    for seed in arguments.seeds:
        seeds.append(Month(arguments.work / f"seed_{seed}", seed, Recipe(), made).run())
        began = {key: seeds[0][key] for key in ("created", "hardware")}
        write_json(arguments.output, {"what": WHAT, **began, "seeds": seeds})
    months = read_json(arguments.output)["seeds"]
    print("\n\n".join(page(month) for month in months))
    chart(months, arguments.output.with_suffix(".png"))
    print(f"written to {arguments.output}")
    sys.exit(1 if said_broken(months) else 0)


def said_broken(months: list[dict[str, Any]]) -> bool:
    """Say which promises were broken, and tell if there is one."""
    found = [(month["seed"], promise) for month in months for promise in broken(month)]
    for seed, promise in found:
        print(f"seed {seed}: not kept: {promise.asked}; measured: {promise.measured}", file=sys.stderr)
    return bool(found)


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[42, 43, 44])
    parser.add_argument(
        "--work", type=Path, default=Path("runs/sim_month"), help="a folder a seed; what is there is gone on with"
    )
    parser.add_argument("--cache", type=Path, default=CACHE, help="the foundation is kept here")
    parser.add_argument("--output", type=Path, default=RESULTS, help="where the result goes, and its chart beside it")
    return parser.parse_args()


if __name__ == "__main__":
    main()
