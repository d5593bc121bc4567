"""Time one training step of sixteen examples here and in transformers + PEFT, alternately, on the same rows and base.

    make bench                                   the tiny base on the sample data
    .venv/bin/python benchmarks/training_step.py --base DIR --dataset FILE --steps 6

Both train the same adapter (r=16, alpha=32, seven linear layers) with the same AdamW on the same examples in the same
order. The other side pads micro-batches of two and computes all logits, as the training report's script did. What is
reported is the ratio of the two sides' seconds, step by step; absolute seconds depend on the machine. The first step's
loss is printed for both, since a faster step that computes something else would be worth nothing.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import torch

from hive_mind.chat.tokenizer import load_tokenizer
from hive_mind.config import dump
from hive_mind.device import Device, pick, versions
from hive_mind.files import write_json
from hive_mind.model.base import Base, ModelSettings, load_model, resolve_base
from hive_mind.model.lora import TARGETS, attach, lora_parameters
from hive_mind.progress import say, utc_now
from hive_mind.training.batches import Packing, Plan, Step, collate
from hive_mind.training.loss import chunk_rows, scaled_loss
from hive_mind.training.optimizer import make_optimizer
from hive_mind.training.settings import TrainingSettings
from hive_mind.training.tokens import Examples, tokenise

RESULTS = Path(__file__).parent / "results" / "training_step.json"
MICRO_BATCH = 2
IGNORED = -100


def ours(base: Base, examples: Examples, settings: TrainingSettings, device: Device) -> Callable[[Step], float]:
    """Return a function that does one step as `hive-mind train` does and returns its loss."""
    model = load_model(base, device)
    attach(model, settings.lora_r, settings.lora_alpha, settings.seed)
    parameters = lora_parameters(model)
    optimizer = make_optimizer(parameters, settings)
    chunk, packing = chunk_rows(settings.loss_chunk, model.config.vocab_size), Packing(MICRO_BATCH)

    def step(which: Step) -> float:
        total = 0.0
        for indices in packing.split(which.indices, examples.lengths[list(which.indices)].tolist()):
            batch = collate(examples, indices, model.device)
            hidden = model.hidden(batch.input_ids, batch.layout).index_select(0, batch.rows)
            loss = scaled_loss(hidden, model.output_weight, batch.targets, chunk, 1 / which.labelled_tokens)
            loss.backward()
            total += float(loss.detach())
        torch.nn.utils.clip_grad_norm_(parameters.values(), settings.max_grad_norm)
        optimizer.step()
        optimizer.zero_grad()
        return total

    return step


def theirs(base: Base, examples: Examples, settings: TrainingSettings, device: Device) -> Callable[[Step], float]:
    """Return a function that does the same step with transformers and PEFT: padded pairs, full logits."""
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    plain = AutoModelForCausalLM.from_pretrained(str(base.folder), dtype=device.dtype).to(device.torch_device)
    config = LoraConfig(r=settings.lora_r, lora_alpha=settings.lora_alpha, target_modules=list(TARGETS))
    model = get_peft_model(plain, config).train()
    trainable = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(trainable, lr=settings.learning_rate, weight_decay=0.0, fused=True)

    def step(which: Step) -> float:
        total = 0.0
        for start in range(0, len(which.indices), MICRO_BATCH):
            ids, labels, mask = padded(examples, which.indices[start : start + MICRO_BATCH], device.torch_device)
            logits = model(input_ids=ids, attention_mask=mask).logits[:, :-1].float()
            targets = labels[:, 1:].reshape(-1)
            summed = torch.nn.functional.cross_entropy(
                logits.reshape(len(targets), -1), targets, ignore_index=IGNORED, reduction="sum"
            )
            loss = summed / which.labelled_tokens
            loss.backward()
            total += float(loss.detach())
        torch.nn.utils.clip_grad_norm_(trainable, settings.max_grad_norm)
        optimizer.step()
        optimizer.zero_grad()
        return total

    return step


def padded(
    examples: Examples, indices: tuple[int, ...], device: torch.device
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return ids, labels and attention mask of a batch padded on the right to its longest row."""
    longest = max(int(examples.lengths[index]) for index in indices)
    ids = torch.zeros(len(indices), longest, dtype=torch.long)
    labels = torch.full_like(ids, IGNORED)
    mask = torch.zeros_like(ids)
    for row, index in enumerate(indices):
        begin, end = int(examples.offsets[index]), int(examples.offsets[index + 1])
        tokens = torch.from_numpy(examples.ids[begin:end].astype("int64"))
        learnt = torch.from_numpy(examples.labelled[begin:end].astype(bool))
        ids[row, : len(tokens)], mask[row, : len(tokens)] = tokens, 1
        labels[row, : len(tokens)] = torch.where(learnt, tokens, IGNORED)
    return ids.to(device), labels.to(device), mask.to(device)


def main() -> None:
    """Run both sides alternately and write the result."""
    arguments = parse()
    base = resolve_base(ModelSettings(base=arguments.base))
    settings, device = TrainingSettings(), pick()
    dataset = tokenise(arguments.dataset, load_tokenizer(base.folder), settings.max_length)
    plan = Plan(dataset.examples, settings.step_size, 1, settings.seed, arguments.steps + 1)
    steps = list(plan.steps())
    sides = {make.__name__: make(base, dataset.examples, settings, device) for make in (ours, theirs)}
    first = {name: side(steps[0]) for name, side in sides.items()}  # not timed: the first step warms up
    say("loss of the first step: " + ", ".join(f"{name} {loss:.4f}" for name, loss in first.items()))
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    for step in steps[1:]:
        for name, side in sides.items():
            began = time.perf_counter()
            side(step)
            seconds[name].append(time.perf_counter() - began)
        say(f"step {step.number}: theirs / ours = {seconds['theirs'][-1] / seconds['ours'][-1]:.2f}")
    ratios = [b / a for a, b in zip(seconds["ours"], seconds["theirs"], strict=True)]
    shape = {"base": base.id, "examples_per_step": settings.step_size, "dtype": str(device.dtype)}
    result = {
        "what": "seconds of a training step, transformers + PEFT (padded pairs, full logits) over hive-mind",
        "created": utc_now(), **shape, "tokens": [step.tokens for step in steps[1:]],
        "first_loss": first, "ratio_median": statistics.median(ratios), "ratio_min": min(ratios),
        "ratio_max": max(ratios),
        "device": device.name, "versions": versions()["libraries"], "settings": dump(settings),
    }  # fmt: skip
    write_json(arguments.output, result)
    print(
        f"transformers + PEFT takes {result['ratio_median']:.2f} times as long a step as hive-mind "
        f"({min(ratios):.2f} to {max(ratios):.2f} over {len(ratios)} steps); written to {arguments.output}"
    )


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base", default="tiny", help="tiny, a folder, or a hub model")
    parser.add_argument("--dataset", type=Path, default=Path("data/sample/training_dataset_foundation_final.jsonl"))
    parser.add_argument("--steps", type=int, default=8, help="timed steps a side")
    parser.add_argument("--output", type=Path, default=RESULTS, help="where the result goes")
    return parser.parse_args()


if __name__ == "__main__":
    main()
