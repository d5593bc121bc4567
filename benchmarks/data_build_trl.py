"""TRL's preparation of a JSON Lines file of conversations, timed; data_build.py runs it in TRL's own environment.

    python data_build_trl.py ROWS TOKENIZER MAX_LENGTH PROCESSES

Timed are `load_dataset` and `SFTTrainer`'s preparation (chat template, tokens, labels on the assistant's turns, cut to
MAX_LENGTH), not imports and not the making of the trainer's model, which is tiny. With one process, the tokens of the
first rows with tools are counted as well once they have gone through Arrow's own types (`Dataset.from_list`), which
fill up every tool's schema and every call's arguments with the names of all others'. Printed last is one JSON object.
"""

from __future__ import annotations

import json
import resource
import sys
import tempfile
import time

import datasets
import torch
import transformers
import trl
from transformers import AutoTokenizer, Qwen2Config, Qwen2ForCausalLM
from trl import SFTConfig, SFTTrainer

PADDED_ROWS = 100


class Timed(SFTTrainer):
    """The trainer with a clock around its preparation of the dataset."""

    def _prepare_dataset(self, *arguments, **named):
        began, used = time.perf_counter(), processor_seconds()
        prepared = super()._prepare_dataset(*arguments, **named)
        self.seconds, self.processor_seconds = time.perf_counter() - began, processor_seconds() - used
        return prepared


def processor_seconds():
    """Return what this process and the children that have ended used so far."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def prepare(dataset, tokenizer, max_length, processes, scratch):
    """Return the trainer after its preparation of the dataset."""
    shape = {"hidden_size": 8, "intermediate_size": 8, "num_attention_heads": 1, "num_key_value_heads": 1}
    model = Qwen2ForCausalLM(Qwen2Config(vocab_size=len(tokenizer), num_hidden_layers=1, **shape))
    config = SFTConfig(
        output_dir=scratch, max_length=max_length, assistant_only_loss=True, use_cpu=True, report_to="none",
        dataset_num_proc=processes if processes > 1 else None, bf16=False,
    )  # fmt: skip
    return Timed(model=model, args=config, train_dataset=dataset, processing_class=tokenizer)


def tokens_of(trainer):
    """Return how many tokens the trainer's dataset has."""
    return sum(map(len, trainer.train_dataset["input_ids"]))


def through_arrow(rows):
    """Return the first rows with tools whose values agree in their types: others Arrow refuses to hold together."""
    kept, types = [], {}
    for row in rows:
        found = dict(kinds({"messages": row["messages"], "tools": row.get("tools")}))
        if row.get("tools") and all(types.get(path, kind) == kind for path, kind in found.items()):
            types.update(found)
            kept.append({"messages": row["messages"], "tools": row["tools"]})
        if len(kept) == PADDED_ROWS:
            break
    return kept


def kinds(value, path=""):
    """Yield the path and the type of every value that is not null."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from kinds(item, f"{path}.{key}")
    elif isinstance(value, list):
        for item in value:
            yield from kinds(item, f"{path}[]")
    if value is not None:
        yield path, "number" if isinstance(value, int | float) and not isinstance(value, bool) else type(value).__name__


def main():
    """Prepare the file, count what Arrow's types add, and print the figures."""
    file, folder, max_length, processes = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    tokenizer = AutoTokenizer.from_pretrained(folder)
    with tempfile.TemporaryDirectory() as scratch:
        began, used = time.perf_counter(), processor_seconds()
        dataset = datasets.load_dataset("json", data_files=file, split="train", cache_dir=scratch)
        loading, used = time.perf_counter() - began, processor_seconds() - used
        trainer = prepare(dataset, tokenizer, max_length, processes, scratch)
        result = {
            "seconds": loading + trainer.seconds, "loading_seconds": loading,
            "processor_seconds": used + trainer.processor_seconds, "rows": len(dataset),
            "examples": len(trainer.train_dataset), "tokens": tokens_of(trainer),
            "types": str(dataset.features),
            "versions": {module.__name__: module.__version__ for module in (trl, transformers, datasets, torch)},
        }  # fmt: skip
        if processes == 1:
            with open(file, encoding="utf-8") as lines:
                rows = through_arrow(map(json.loads, lines))
            plain = [tokenizer.apply_chat_template(row["messages"], tools=row["tools"])["input_ids"] for row in rows]
            padded = prepare(datasets.Dataset.from_list(rows), tokenizer, None, 1, scratch)
            tokens = {"rows": len(rows), "tokens": sum(map(len, plain)), "tokens_through_arrow": tokens_of(padded)}
            result["null_padding"] = tokens
    print(json.dumps(result))


if __name__ == "__main__":
    main()
