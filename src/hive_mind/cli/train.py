"""`hive-mind train`: train an adapter on a dataset file; started again, it continues or finds its work done."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hive_mind.cli.output import print_json

if TYPE_CHECKING:
    from hive_mind.pipeline import RunSettings
    from hive_mind.training import TrainRequest, TrainResult


def train(
    overrides: Annotated[list[str] | None, typer.Argument(help="section.key=value settings that win")] = None,
    config: Annotated[
        Path | None, typer.Option("--config", help="a settings file, e.g. configs/foundation.yaml")
    ] = None,
    dataset: Annotated[Path | None, typer.Option("--dataset", help="the JSONL file to train on")] = None,
    output: Annotated[Path | None, typer.Option("--output", help="the version's folder, e.g. models/mine_v1")] = None,
    max_steps: Annotated[int | None, typer.Option("--max-steps", help="stop after so many steps", min=1)] = None,
    json_output: Annotated[bool, typer.Option("--json", help="print one JSON object last on standard output")] = False,
) -> None:
    """Train a LoRA adapter. Without --dataset: the one that `hive-mind data build` made; without --output: the next
    free version of the config's name, or the folder where this same run was interrupted.

    Exit codes: 0 done (also when it was done before), 4 data refused, 130 interrupted (run it again to continue).
    """
    from hive_mind.config import load
    from hive_mind.pipeline import RunSettings
    from hive_mind.training import train as run_training

    given = [] if config is not None else ["name=foundation"]
    steps = [f"training.max_steps={max_steps}"] if max_steps is not None else []
    settings = load(RunSettings, config, [*given, *(overrides or ()), *steps])
    result = run_training(_request(settings, dataset, output))
    print_result(result)
    if json_output:
        print_json({"version": result.version, "folder": str(result.folder), "metrics": result.metrics})


def _request(settings: RunSettings, dataset: Path | None, output: Path | None) -> TrainRequest:
    from dataclasses import replace

    from hive_mind.curation.manifest import TRAIN_NAME
    from hive_mind.model.base import resolve_base
    from hive_mind.training import TrainRequest
    from hive_mind.training.run import choose_output

    dataset = dataset or settings.data.dir / TRAIN_NAME
    command = shlex.join(["hive-mind", *sys.argv[1:]])
    request = TrainRequest(
        dataset, resolve_base(settings.model), settings.training, output or Path(), validation_of(dataset), command
    )
    return request if output else replace(request, output=choose_output(settings.models_dir, settings.name, request))


def validation_of(dataset: Path) -> Path | None:
    """The validation split beside a built dataset; rows of any other file may themselves be in that split."""
    from hive_mind.curation.manifest import SPLIT_FILES

    beside = dataset.with_name(SPLIT_FILES["validation"])
    return beside if dataset.name == SPLIT_FILES["train"] and beside.is_file() else None


def print_result(result: TrainResult) -> None:
    """Print what a finished run came to, where it lies, and the next commands."""
    from hive_mind.progress import clock

    metrics, lora = result.metrics, result.run["lora"]
    print(
        f"{result.folder}: {metrics['steps']:,} steps in {clock(metrics['seconds'])}, "
        f"{metrics['tokens_per_second']:,.0f} tokens/s, peak memory {metrics['peak_memory_bytes'] / 2**30:.1f} GiB"
    )
    print(f"loss {metrics['first_loss']:.3f} at the first step, {metrics['final_loss']:.3f} over the last epoch")
    if metrics["validation_loss"] is not None:
        print(f"validation loss {metrics['first_validation_loss']:.3f} before, {metrics['validation_loss']:.3f} after")
    print(f"{lora['trainable']:,} trained parameters, adapter file of {metrics['adapter_bytes'] / 1e6:.1f} MB")
    for issue in result.run["issues"]:
        print(f"note: {issue}")
    print(f"next: hive-mind evaluate {result.folder}")
