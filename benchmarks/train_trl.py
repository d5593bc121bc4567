"""TRL's SFTTrainer as a worker of the training benchmark; runs in TRL's own environment.

    python train_trl.py BASE ROWS SCRATCH --data ids|conversations|from-list --micro-batch N [--checkpointing] ...

`ids` gives the trainer input_ids and labels, which it documents to take as they are. `conversations` is the documented
path from messages and tools: `load_dataset("json")`, the model's training template, assistant_only_loss. `from-list`
differs only in `Dataset.from_list`, whose schema fills every tool with the names of all others'.
"""

from __future__ import annotations

import json

import datasets
from peft import LoraConfig
from train_hf_steps import DTYPES, LORA, Held, parser, token_rows, trainer_settings
from train_protocol import Channel
from transformers import AutoModelForCausalLM, AutoTokenizer
from trl import SFTConfig, SFTTrainer


def rows_of(kind, folder, cache):
    """Return the rows as a dataset, made in the way that is asked for."""
    if kind == "ids":
        return datasets.Dataset.from_list(token_rows(folder))
    file = str(folder / "rows.jsonl")
    if kind == "conversations":
        return datasets.load_dataset("json", data_files=file, split="train", cache_dir=str(cache))
    with open(file, encoding="utf-8") as lines:
        return datasets.Dataset.from_list([json.loads(line) for line in lines])


def main():
    """Make the trainer and serve the driver until it ends."""
    options = parser(__doc__)
    options.add_argument("--data", choices=("ids", "conversations", "from-list"), default="ids")
    options.add_argument("--liger", action="store_true", help="Liger's kernels for the layers (a GPU is needed)")
    options.add_argument("--compile", action="store_true", help="torch.compile over the whole model")
    arguments = options.parse_args()
    channel = Channel()
    # max_length None: nothing is cut, on either side
    config = SFTConfig(
        **trainer_settings(arguments), max_length=None, packing=False, assistant_only_loss=arguments.data != "ids",
        use_liger_kernel=arguments.liger, torch_compile=arguments.compile,
    )  # fmt: skip
    trainer = SFTTrainer(
        model=AutoModelForCausalLM.from_pretrained(str(arguments.base), dtype=DTYPES[arguments.dtype]),
        args=config,
        train_dataset=rows_of(arguments.data, arguments.rows, arguments.scratch / "cache"),
        processing_class=AutoTokenizer.from_pretrained(str(arguments.base)),
        peft_config=LoraConfig(**LORA),
    )
    trainer.add_callback(Held(channel, {"data": arguments.data}))
    trainer.train()


if __name__ == "__main__":
    main()
