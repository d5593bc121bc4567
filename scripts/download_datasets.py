"""Fetch the public data sets, convert them and write data/external/*.jsonl and the training dataset.

python3 scripts/download_datasets.py --max-per-dataset 5000 --datasets all
python3 scripts/download_datasets.py --max-per-dataset 5000 --from DIR      (raw files from a folder instead)

The same as `hive-mind data build`, with the training report's own flags.
"""

import argparse
import sys
from pathlib import Path

from _environment import ensure

PUBLIC = ("code_alpaca", "glaive_tools", "bash_commands", "xlam")


def main() -> int:
    arguments = _arguments()
    from hive_mind.curation import DataSettings, SourceSettings, build
    from hive_mind.curation.tables import accounting_table, composition_table
    from hive_mind.errors import HiveMindError

    chosen = PUBLIC if "all" in arguments.datasets else arguments.datasets
    sources = {name: SourceSettings(include=name in chosen, cap=arguments.max_per_dataset) for name in PUBLIC} | {
        "messages": SourceSettings(include=False)
    }
    settings = DataSettings(dir=arguments.output, raw_dir=arguments.folder, sources=sources)
    try:
        manifest = build(settings)
    except HiveMindError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    print(accounting_table(manifest), composition_table(manifest), sep="\n\n")
    print(f"\n{manifest.folder / 'external'}/ holds each source's training rows and merged_dataset.jsonl")
    print(f"next: python3 scripts/train_lora.py --dataset {manifest.train} --output models/foundation_v1")
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--max-per-dataset", type=positive, metavar="N", help="at most N training rows of each")
    parser.add_argument("--datasets", nargs="+", default=["all"], choices=["all", *PUBLIC], metavar="NAME",
                        help=f"all, or some of {', '.join(PUBLIC)}")  # fmt: skip
    parser.add_argument("--from", dest="folder", type=Path, metavar="DIR", help="read raw files from DIR, not the hub")
    parser.add_argument("--output", type=Path, default=Path("data"), metavar="DIR", help="write to DIR (default: data)")
    return parser.parse_args()


def positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError(text)
    return number


if __name__ == "__main__":
    ensure()
    sys.exit(main())
