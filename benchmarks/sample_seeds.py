"""Train the sample run's foundation adapter with several seeds and ask each, and the base, the same questions.

    make bench-sample
    .venv/bin/python benchmarks/sample_seeds.py --seeds 42 43 44 training.epochs=1

One run of so small a base says little: the same recipe moves by several points with its seed. Reported is each seed's
score on every tier by free greedy decoding, the base's (also with the beginning of a call given), the held-out loss of
every source, and what training took. With HIVE_MIND_REAL_DATA set, real Glaive and xLAM rows stand in the same table.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

from hive_mind import registry
from hive_mind.cli.outcome import comparison
from hive_mind.config import dump, load
from hive_mind.conversation import Conversation
from hive_mind.curation import DatasetManifest
from hive_mind.curation.tables import aligned
from hive_mind.device import versions
from hive_mind.evaluation import EvaluationRequest, ModelResult, evaluate
from hive_mind.files import read_json, read_jsonl, write_json, write_jsonl
from hive_mind.inference.load import BASE, ModelReference, refer
from hive_mind.model.base import Base, resolve_base
from hive_mind.pipeline import RunSettings, prepare_data
from hive_mind.progress import say, utc_now
from hive_mind.sources import glaive_tools, xlam
from hive_mind.training import TrainRequest, train

RESULTS = Path(__file__).absolute().parent / "results" / "sample_seeds.json"
CONFIG = Path(__file__).absolute().parents[1] / "configs" / "sample.yaml"
REAL_ROWS = 100
TRAINING_FIGURES = ("steps", "seconds", "tokens", "tokens_per_second", "peak_memory_bytes", "final_loss")


def real_tiers(folder: Path) -> dict[str, Path]:
    """Write the first usable real Glaive and xLAM rows under `folder`; none where there is no real data at hand."""
    real = os.environ.get("HIVE_MIND_REAL_DATA")
    if real is None:
        say("HIVE_MIND_REAL_DATA is not set: real rows are left out of the table")
        return {}
    tiers = {}
    for source, name in ((glaive_tools, "glaive/glaive_conversations_220.jsonl"), (xlam, "xlam/xlam_700.jsonl")):
        made = (source.convert(row) for _, row in read_jsonl(Path(real) / name))
        rows = [row for row in made if isinstance(row, Conversation)][:REAL_ROWS]
        tiers[f"real_{source.NAME}"] = folder / f"real_{source.NAME}.jsonl"
        write_jsonl(tiers[f"real_{source.NAME}"], (row.to_dict() for row in rows))
    return tiers


def train_seed(settings: RunSettings, base: Base, dataset: DatasetManifest, seed: int) -> tuple[str, dict[str, Any]]:
    """Train one adapter exactly as the sample run does, or find it trained; its version and training's own figures."""
    folder = settings.models_dir / f"{settings.name}_seed{seed}_v1"
    if not registry.is_sealed(folder):
        training = settings.training.model_copy(update={"seed": seed})
        train(TrainRequest(dataset.train, base, training, folder, dataset.validation, f"sample_seeds --seeds {seed}"))
    metrics = read_json(folder / "training_metrics.json")
    return folder.name, {key: metrics[key] for key in TRAINING_FIGURES}


def scores(model: ModelResult) -> dict[str, Any]:
    """A model's shares and losses, by tier."""
    found = {
        "right": {f"{s.tier}/{s.kind}": round(s.share, 4) for s in model.scores},
        "items": {f"{s.tier}/{s.kind}": s.items for s in model.scores},
        "loss": {loss.tier: round(loss.loss, 4) for loss in model.losses},
    }
    if model.format_given is not None:
        found["right_with_the_beginning_given"] = {f"{s.tier}/{s.kind}": round(s.share, 4) for s in model.format_given}
    return found


def main() -> None:
    """Train, evaluate, print and write."""
    arguments = parse()
    output = arguments.output.absolute()
    arguments.work.mkdir(parents=True, exist_ok=True)
    os.chdir(arguments.work)  # the sample's settings name their files relative to where they run
    settings = load(RunSettings, CONFIG, arguments.overrides)
    base, dataset = resolve_base(settings.model), prepare_data(settings)
    training = dict(train_seed(settings, base, dataset, seed) for seed in arguments.seeds)
    tiers = settings.evaluation.held_out | real_tiers(Path())
    models = [ModelReference(BASE, base), *(refer(settings.models_dir, v, settings.model, [base]) for v in training)]
    evaluation = evaluate(
        EvaluationRequest(models, dataset.test, settings.evaluation.model_copy(update={"held_out": tiers}))
    )
    print(aligned(*comparison(evaluation)))
    result = {
        "what": "the sample run's training with several seeds; free greedy decoding", "created": utc_now(),
        "base": dict(base.identity()), "seeds": arguments.seeds, "training": training,
        "models": {model.name: scores(model) for model in evaluation.models},
        "device": evaluation.models[0].device, "hardware": versions(), "settings": dump(settings.training),
    }  # fmt: skip
    write_json(output, result)
    print(f"written to {output}")


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("overrides", nargs="*", help="section.key=value settings of the sample run that win")
    parser.add_argument("--seeds", type=int, nargs="+", default=[42, 43, 44])
    parser.add_argument("--work", type=Path, default=Path("runs/sample_seeds"), help="data, versions and measurements")
    parser.add_argument("--output", type=Path, default=RESULTS, help="where the result goes")
    return parser.parse_args()


if __name__ == "__main__":
    main()
