"""A simulated month of daily learning with three seeds, and the same month with naive daily fine-tuning.

    make sim-month
    .venv/bin/python benchmarks/sim_month.py --seeds 42 --work runs/sim_month

docs/SIMULATED_MONTH.md tells what happens in it and what came out. With HIVE_MIND_REAL_DATA set the user's twelve tools
are real MCP tools, else stand-ins that this project declares.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

from month.foundation import foundation
from month.run import Month, Recipe
from month.shown import chart, table

from hive_mind.device import versions
from hive_mind.files import write_json
from hive_mind.progress import utc_now

RESULTS = Path(__file__).absolute().parent / "results" / "sim_month.json"


def main() -> None:
    """Live the months, print the tables, write the result and its chart."""
    arguments = parse()
    made = foundation(arguments.cache)
    recipe = Recipe()
    seeds: list[dict[str, Any]] = []
    for seed in arguments.seeds:
        began = time.monotonic()
        result = Month(arguments.work / f"seed_{seed}", seed, recipe, made).run()
        seeds.append({**result, "seconds": round(time.monotonic() - began)})
        print(table(seeds[-1]))
        write_json(
            arguments.output,
            {
                "what": "a simulated month of daily learning on the tiny base, and naive daily fine-tuning beside it",
                "created": utc_now(), "hardware": versions(), "seeds": seeds,
            },
        )  # fmt: skip
    chart(seeds, arguments.output.with_suffix(".png"))
    print(f"written to {arguments.output}")


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[42, 43, 44])
    parser.add_argument(
        "--work", type=Path, default=Path("runs/sim_month"), help="a folder a seed; what is there is gone on with"
    )
    parser.add_argument(
        "--cache",
        type=Path,
        default=Path.home() / ".cache" / "hive-mind" / "sim_month",
        help="the foundation is kept here",
    )
    parser.add_argument("--output", type=Path, default=RESULTS, help="where the result goes, and its chart beside it")
    return parser.parse_args()


if __name__ == "__main__":
    main()
