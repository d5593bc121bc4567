"""What a run leaves for reports and the registry: run.json and training_metrics.json, measured values only."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hive_mind.config import dump
from hive_mind.device import versions
from hive_mind.model.lora import WEIGHTS_FILE
from hive_mind.progress import utc_now
from hive_mind.training.batches import Packing
from hive_mind.training.job import Progress
from hive_mind.training.loop import Trainer
from hive_mind.training.request import TrainRequest
from hive_mind.training.settings import TrainingSettings
from hive_mind.training.tokens import TokenisedDataset, length_histogram

RUN_FILE = "run.json"
METRICS_FILE = "training_metrics.json"


@dataclass(frozen=True)
class Parameters:
    """How many parameters are trained, of how many in all."""

    trainable: int
    base: int

    @property
    def share(self) -> float:
        return self.trainable / (self.trainable + self.base)


def run_record(
    request: TrainRequest,
    identity: dict[str, Any],
    dataset: TokenisedDataset,
    validation: TokenisedDataset | None,
    parameters: Parameters,
    trainer: Trainer,
    progress: Progress,
) -> dict[str, Any]:
    """Return run.json: what was asked for, what it ran on and what came in the way."""
    settings, version = request.settings, request.output.resolve().name
    footprint = trainer.gradient.footprint
    device, attempt, plan = trainer.job.device, trainer.job.attempt, trainer.job.plan
    return {
        "version": version, "name": version_name(version), "started": progress.started, "finished": utc_now(),
        "seconds": round(progress.seconds, 3), "command": request.command, "identity": identity,
        "base": {**request.base.identity(), "parameters": parameters.base},
        "dataset": _dataset_record(dataset, settings.max_length),
        "validation": validation and {
            "path": str(validation.path), "digest": validation.digest, "examples": len(validation.examples)
        },
        **({"initial": request.initial.resolve().name} if request.initial is not None else {}),
        "settings": dump(settings),
        "lora": {
            "r": settings.lora_r, "alpha": settings.lora_alpha, "trainable": parameters.trainable,
            "share": round(parameters.share, 6),
        },
        "batch": _batch_record(settings, footprint.packing),
        "memory": {"recompute": footprint.recompute, "loss_chunk": footprint.loss_chunk}, "device": device.name,
        "dtype": str(device.dtype).removeprefix("torch."), "hardware": versions(),
        "issues": progress.issues, "resumed_from": progress.resumed_from, "restarts": attempt.number,
        "measures": list(attempt.measures),
        "quarantined": [int(plan.examples.row[index]) for index in progress.quarantined],
    }  # fmt: skip


def metrics_record(
    log: Sequence[dict[str, Any]], progress: Progress, epochs: int, steps_per_epoch: int, folder: Path
) -> dict[str, Any]:
    """Return training_metrics.json, from the run's own log. Losses are means per labelled token."""
    steps = [row for row in log if row.get("loss") is not None]
    validations = [row for row in log if "validation_loss" in row]
    by_epoch = [
        _mean_loss([row for row in steps if (row["step"] - 1) // steps_per_epoch == epoch]) for epoch in range(epochs)
    ]
    measured = [loss for loss in by_epoch if loss is not None]
    return {
        "steps": progress.step, "epochs": epochs, "examples_seen": progress.consumed,
        "first_loss": steps[0]["loss"], "final_loss": measured[-1], "last_step_loss": steps[-1]["loss"],
        "loss_by_epoch": measured,
        "first_validation_loss": validations[0]["validation_loss"] if validations else None,
        "validation_loss": validations[-1]["validation_loss"] if validations else None,
        "validation_loss_by_source": validations[-1]["validation_loss_by_source"] if validations else None,
        "tokens": progress.tokens, "labelled_tokens": progress.labelled_tokens,
        "tokens_per_second": round(progress.tokens / sum(row["seconds"] for row in log if "loss" in row), 1),
        "peak_memory_bytes": progress.peak_memory, "seconds": round(progress.seconds, 3),
        "skipped_steps": progress.skipped, "adapter_bytes": (folder / WEIGHTS_FILE).stat().st_size,
    }  # fmt: skip


def version_name(version: str) -> str:
    """Return the name that a version is one of: foundation for foundation_v3."""
    return re.sub(r"_v\d+$", "", version)


def _mean_loss(rows: Sequence[dict[str, Any]]) -> float | None:
    tokens = sum(row["labelled_tokens"] for row in rows)
    return sum(row["loss"] * row["labelled_tokens"] for row in rows) / tokens if tokens else None


def _dataset_record(dataset: TokenisedDataset, max_length: int) -> dict[str, Any]:
    examples = dataset.examples
    return {
        "path": str(dataset.path), "digest": dataset.digest, "examples": len(examples),
        "tokens": len(examples.ids), "labelled_tokens": int(examples.labelled.sum()),
        "rows": dataset.rows_read, "dropped": dict(dataset.dropped),
        "sources": {name: rows.kept for name, rows in dataset.rows.items() if rows.kept},
        "tool_types": len(dataset.tools_called),
        "tool_calls": sum(dataset.tools_called.values()),
        "lengths": [
            {"up_to": bound, "examples": count}
            for bound, count in length_histogram(examples.lengths.tolist(), max_length)
        ],
    }  # fmt: skip


def _batch_record(settings: TrainingSettings, packing: Packing) -> dict[str, Any]:
    by_tokens = packing.tokens is not None
    return {
        "micro": None if by_tokens else packing.examples,
        "micro_tokens": packing.tokens,
        "accumulation": None if by_tokens else -(-settings.step_size // packing.examples),
        "effective": settings.step_size,
    }
