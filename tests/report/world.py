"""A models folder with a baseline and a foundation version, every record written by the code that owns its format."""

import math
import random
from collections import Counter
from pathlib import Path

from hive_mind import registry
from hive_mind.curation.ingest import SourceCounts
from hive_mind.curation.manifest import SPLIT_FILES, CompositionRow, DatasetManifest, WrittenFile
from hive_mind.evaluation.outcomes import Outcomes, SuiteResult, Task
from hive_mind.evaluation.paired import wilson
from hive_mind.evaluation.records import Asked, Evaluation, Loss, ModelResult, Score
from hive_mind.files import write_json, write_jsonl
from hive_mind.gate.verdict import Check, Verdict
from hive_mind.report.records import reports_folder
from tests.registry.versions import BASE, adapter

STEPS, STEPS_PER_EPOCH = 90, 30
TRAIN = WrittenFile(rows=470, size=512_000, sha256="a" * 64)
TIERS = {"usage": 20, "unseen_tools": 10}


def trainer_log(steps: int = STEPS, seed: int = 7) -> list[dict]:
    """A loss that falls with noise, a validation point at the start and after every epoch, one skipped step."""
    noise = random.Random(seed)
    rows = [{"step": 0, "epoch": 0.0, "validation_loss": 3.0}]
    for step in range(1, steps + 1):
        loss = 0.5 + 2.6 * math.exp(-step / 20) + noise.uniform(-0.15, 0.15)
        rows.append({
            "step": step, "epoch": round(step / STEPS_PER_EPOCH, 4), "loss": None if step == 40 else loss,
            "learning_rate": 2e-4, "grad_norm": 1.0, "tokens": 1000, "tokens_per_second": 900.0,
            "memory_bytes": 10**9, "seconds": 1.1,
        })  # fmt: skip
        if step % STEPS_PER_EPOCH == 0:
            rows.append({
                "step": step, "epoch": round(step / STEPS_PER_EPOCH, 4),
                "validation_loss": 0.6 + 2.4 * math.exp(-step / 20),
            })  # fmt: skip
    return rows


def dataset() -> DatasetManifest:
    """500 rows read: 10 rejected, 5 duplicates, the rest in the splits."""
    code = SourceCounts("CC-BY-NC-4.0", read=310, rejects=Counter(empty_answer=10), train=280, validation=10, test=10)
    usage = SourceCounts("own", read=205, duplicates=5, train=190, validation=5, test=5)
    return DatasetManifest(
        folder=Path("data"), fingerprint="f", settings={"seed": 42}, sources={"code_alpaca": code, "usage": usage},
        composition=[
            CompositionRow("code_alpaca", 280, 280 / 470, 400_000, "CC-BY-NC-4.0"),
            CompositionRow("usage", 190, 190 / 470, 112_000, "own"),
        ],
        files={SPLIT_FILES["train"]: TRAIN, **{SPLIT_FILES[split]: WrittenFile(15, 20_000, "c" * 64)
                                               for split in ("validation", "test")}},
        inputs={}, skipped={"xlam": "gated: accept its terms on the hub"},
    )  # fmt: skip


def run_record(version: str, examples: int, tool_types: int) -> dict:
    """run.json as training writes it, in the keys that reports read."""
    return {
        "version": version, "name": version.partition("_v")[0], "started": "2026-02-05T22:00:00Z",
        "finished": "2026-02-05T22:19:35Z", "seconds": 1175.0, "command": "hive-mind run configs/foundation.yaml",
        "base": {**BASE, "parameters": 4_400_000},
        "dataset": {
            "path": f"data/{SPLIT_FILES['train']}", "digest": TRAIN.sha256, "examples": examples, "tokens": 90_000,
            "labelled_tokens": 45_000, "rows": examples + 3, "dropped": {"too_long": 3},
            "sources": {"code_alpaca": 280, "usage": examples - 280}, "tool_types": tool_types,
            "lengths": [{"up_to": 128, "examples": 300}, {"up_to": 256, "examples": examples - 300}],
        },
        "validation": {"path": "data/validation.jsonl", "examples": 15},
        "settings": {"epochs": 3, "learning_rate": 2e-4, "seed": 42},
        "lora": {"r": 16, "alpha": 32.0, "trainable": 123_456, "share": 0.0175},
        "batch": {"micro": 2, "micro_tokens": None, "accumulation": 8, "effective": 16},
        "device": "Some CPU, 2 cores", "dtype": "bfloat16",
        "hardware": {"python": "3.11.7", "system": "Linux 6.1", "cpu": "Some CPU", "cores": 2, "gpu": None,
                     "libraries": {"torch": "2.13.0", "numpy": "2.4.6"}},
        "issues": ["step 40 was skipped: its loss or gradient was not finite (rows 7, 9 of the dataset)"],
        "resumed_from": [30],
    }  # fmt: skip


def metrics(final: float) -> dict:
    """training_metrics.json."""
    return {
        "steps": STEPS, "epochs": 3, "examples_seen": 1410, "first_loss": 3.05, "final_loss": final,
        "loss_by_epoch": [1.9, 0.9, final], "first_validation_loss": 3.0, "validation_loss": 0.63, "tokens": 270_000,
        "labelled_tokens": 135_000, "tokens_per_second": 812.4, "peak_memory_bytes": 1_500_000_000, "seconds": 1175.0,
    }  # fmt: skip


def version(models: Path, name: str, *, examples: int, tool_types: int, final: float, seed: int) -> Path:
    """A sealed version with all of its training records."""
    folder = adapter(models / name, seed)
    write_json(folder / "run.json", run_record(name, examples, tool_types))
    write_json(folder / "training_metrics.json", metrics(final))
    write_jsonl(folder / "trainer_log.jsonl", trainer_log())
    registry.seal(folder, base=BASE, dataset={"path": "data/x.jsonl", "digest": "d" * 64, "examples": examples})
    return folder


def evaluation(right: dict[str, dict[str, int]]) -> Evaluation:
    """Models by name with their right calls in each tier; every model answers 8 of 10 no-tool questions."""
    items = [Asked(f"{tier}-{i}", tier, "usage", "call") for tier, count in TIERS.items() for i in range(count)]
    items += [Asked(f"no_tool-{i}", "no_tool", "chat", "no_tool") for i in range(10)]
    models = []
    for name, calls in right.items():
        flags = [i < calls[tier] for tier, count in TIERS.items() for i in range(count)] + [i < 8 for i in range(10)]
        scores = [_score(tier, "usage", "call", calls[tier], count) for tier, count in TIERS.items()]
        scores.append(_score("no_tool", "chat", "no_tool", 8, 10))
        role = {"base": "base", "baseline_v1": "baseline"}.get(name, "candidate")
        models.append(ModelResult(
            name=name, role=role, base=BASE, adapter=None if name == "base" else {"digest": "e", "logit_change": 2.5},
            device="Some CPU", dtype="torch.bfloat16", seconds=12.5, repairs={},
            losses=(Loss("usage", "usage", 3.0 - len(models), 1000, 20), Loss("no_tool", "chat", 2.0, 500, 10)),
            scores=tuple(scores), format_given=(_score("usage", "usage", "call", 1, 30),) if name == "base" else None,
            outcomes=Outcomes(*(tuple(flags),) * 4), served=Outcomes(*(tuple(not flag for flag in flags),) * 4),
            suites=(SuiteResult.missing("bfcl", "no bwrap"), _code(len(models))),
        ))  # fmt: skip
    return Evaluation("2026-02-05T22:30:00Z", {"digest": "s"}, {}, tuple(items), {"items": 2, "conversations": 0},
                      tuple(models))  # fmt: skip


def verdict(decision: str = "promote") -> Verdict:
    """A verdict on foundation_v1 against the base."""
    check = Check("tool calls", "pass", "better: 17 against 0 of 30 | p 1e-05", {})
    return Verdict(
        decision, "foundation_v1", None, False, (check.reason,), (check,), {"held_out": "s"}, {}, "2026-02-05T22:31:00Z"
    )


def whole_world(models: Path) -> Path:
    """A run as it is when nothing is missing; returns the models folder."""
    version(models, "baseline_v1", examples=301, tool_types=4, final=1.2, seed=1)
    version(models, "foundation_v1", examples=470, tool_types=27, final=0.51, seed=2)
    reports = reports_folder(models, "foundation_v1")
    write_json(reports / "dataset.json", dataset().to_dict())
    evaluation(
        {"base": {"usage": 0, "unseen_tools": 0}, "baseline_v1": {"usage": 3, "unseen_tools": 0},
         "foundation_v1": {"usage": 15, "unseen_tools": 2}}
    ).write(reports / "evaluation.json")  # fmt: skip
    verdict().write(reports / "verdict.json")
    registry.promote(models, "foundation_v1", verdict().to_dict())
    return models


def _code(right: int) -> SuiteResult:
    """Four tasks, so many of them right."""
    tasks = tuple(Task(f"HumanEval/{n}", "humaneval", str(n)) for n in range(4))
    return SuiteResult("code", "c", tasks, free=Outcomes(*(tuple(n < right for n in range(4)),) * 4))


def _score(tier: str, source: str, kind: str, correct: int, count: int) -> Score:
    return Score(tier, source, kind, count, correct, correct / count, *wilson(correct, count), correct, 0, count)
