"""LLaMA-Factory's LoRA fine-tuning as a worker of the training benchmark; runs in LLaMA-Factory's own environment.

    python train_llama_factory.py BASE ROWS SCRATCH --data ids|conversations --micro-batch N [--checkpointing]

`ids` hands over a tokenised dataset folder (`tokenized_path`), `conversations` its ShareGPT layout with tools and calls
as JSON strings, which is what its documentation describes and what Arrow's types cannot change. A callback given to
`run_exp` holds the training up before each step.
"""

from __future__ import annotations

import json
import shutil

from datasets import Dataset, DatasetDict
from llamafactory.train.tuner import run_exp
from train_hf_steps import Held, parser, token_rows, trainer_settings
from train_protocol import Channel

CUTOFF = 8192
DATASET_INFO = {
    "rows": {
        "file_name": "rows.json",
        "formatting": "sharegpt",
        "columns": {"messages": "conversations", "system": "system", "tools": "tools"},
    }
}


def sharegpt(row):
    """Return a row in the ShareGPT layout; calls of one turn become one JSON value, results of one turn one text."""
    turns, system = [], ""
    for message in row["messages"]:
        if message["role"] == "system":
            system = message["content"]
        elif message.get("tool_calls"):
            calls = [call["function"] for call in message["tool_calls"]]
            value = json.dumps(calls[0] if len(calls) == 1 else calls, ensure_ascii=False)
            turns.append({"from": "function_call", "value": value})
        else:
            name = {"user": "human", "assistant": "gpt", "tool": "observation"}[message["role"]]
            turns.append({"from": name, "value": message["content"]})
    tools = [tool["function"] for tool in row["tools"]]
    return {"conversations": turns, "system": system, "tools": json.dumps(tools, ensure_ascii=False) if tools else ""}


def data_arguments(arguments):
    """Write the rows as LLaMA-Factory reads them, and return the arguments that name them."""
    folder = arguments.scratch / "data"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    if arguments.data == "ids":
        rows = [{**row, "attention_mask": [1] * len(row["input_ids"])} for row in token_rows(arguments.rows)]
        DatasetDict({"train": Dataset.from_list(rows)}).save_to_disk(str(folder / "tokens"))
        return {"dataset": "rows", "tokenized_path": str(folder / "tokens")}
    with open(arguments.rows / "rows.jsonl", encoding="utf-8") as lines:
        rows = [sharegpt(json.loads(line)) for line in lines]
    (folder / "rows.json").write_text(json.dumps(rows, ensure_ascii=False), encoding="utf-8")
    (folder / "dataset_info.json").write_text(json.dumps(DATASET_INFO), encoding="utf-8")
    return {"dataset": "rows", "dataset_dir": str(folder), "overwrite_cache": True}


def main():
    """Run the training, held up before each step, until the driver ends."""
    options = parser(__doc__)
    options.add_argument("--data", choices=("ids", "conversations"), default="ids")
    arguments = options.parse_args()
    channel = Channel()
    settings = trainer_settings(arguments)
    settings["output_dir"] = str(arguments.scratch / "output")
    settings.pop("gradient_checkpointing")  # it has a switch of its own
    run_exp(
        {
            **settings, **data_arguments(arguments), "stage": "sft", "do_train": True, "finetuning_type": "lora",
            "model_name_or_path": str(arguments.base), "template": "qwen", "cutoff_len": CUTOFF, "lora_rank": 16,
            "lora_alpha": 32, "lora_dropout": 0.0, "lora_target": "all", "disable_shuffling": True,
            "disable_gradient_checkpointing": not arguments.checkpointing,
        },
        [Held(channel, {"data": arguments.data, "checkpointing": arguments.checkpointing})],
    )  # fmt: skip


if __name__ == "__main__":
    main()
