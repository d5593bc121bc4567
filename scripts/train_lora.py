"""Train a LoRA adapter on a dataset file, with the training report's own flags.

python3 scripts/train_lora.py --model "Qwen/Qwen2.5-0.5B" --dataset data/training_dataset_foundation_final.jsonl \\
    --output models/foundation_v1 --epochs 3 --batch-size 2 --grad-accum 8 --lora-r 16 --lora-alpha 32

The same as `hive-mind train`. Started again, it continues an interrupted run or finds it done.
"""

import argparse
import shlex
import sys
from pathlib import Path

from _environment import ensure

# flag -> the setting of the training stage that it stands for
FLAGS = {
    "epochs": int, "batch_size": str, "grad_accum": int, "lora_r": int, "lora_alpha": float, "learning_rate": float,
    "warmup_share": float, "max_length": int, "max_steps": int, "seed": int, "device": str, "dtype": str,
}  # fmt: skip


def main() -> int:
    arguments = _arguments()
    from hive_mind.cli.train import print_result, validation_of
    from hive_mind.config import check
    from hive_mind.errors import HiveMindError
    from hive_mind.model.base import ModelSettings, resolve_base
    from hive_mind.training import TrainingSettings, TrainRequest, train

    given = {name: getattr(arguments, name) for name in FLAGS if getattr(arguments, name) is not None}
    try:
        settings = check(TrainingSettings, given, "the command line")
        base = resolve_base(ModelSettings(base=arguments.model))
        command = shlex.join(["python3", *sys.argv])
        result = train(
            TrainRequest(arguments.dataset, base, settings, arguments.output, validation_of(arguments.dataset), command)
        )
    except HiveMindError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("interrupted; run the same command again to continue", file=sys.stderr)
        return 130
    print_result(result)
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="Qwen/Qwen2.5-0.5B", help="a model on the hub, a folder, or tiny")
    parser.add_argument("--dataset", type=Path, required=True, help="the JSONL file to train on")
    parser.add_argument("--output", type=Path, required=True, help="the version's folder, e.g. models/foundation_v1")
    for name, kind in FLAGS.items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=kind, metavar=name.rpartition("_")[2].upper())
    return parser.parse_args()


if __name__ == "__main__":
    ensure()
    sys.exit(main())
