"""The training report's recipe as a worker: transformers' Trainer and PEFT, padded micro-batches, all logits.

    python train_report_recipe.py BASE ROWS SCRATCH --micro-batch 2 [--checkpointing]

The rows come as token ids with their labels, padded to the longest of a micro-batch; the loss is the model's own.
"""

from __future__ import annotations

from peft import LoraConfig, get_peft_model
from train_hf_steps import DTYPES, LORA, Held, parser, token_rows, trainer_settings
from train_protocol import Channel
from transformers import AutoModelForCausalLM, AutoTokenizer, DataCollatorForSeq2Seq, Trainer, TrainingArguments


def main():
    """Make the trainer and serve the driver until it ends."""
    arguments = parser(__doc__).parse_args()
    channel = Channel()
    model = AutoModelForCausalLM.from_pretrained(str(arguments.base), dtype=DTYPES[arguments.dtype])
    if arguments.checkpointing:
        model.enable_input_require_grads()  # else no gradient reaches the adapters through a checkpointed layer
    trainer = Trainer(
        model=get_peft_model(model, LoraConfig(**LORA)),
        args=TrainingArguments(**trainer_settings(arguments)),
        train_dataset=token_rows(arguments.rows),
        data_collator=DataCollatorForSeq2Seq(AutoTokenizer.from_pretrained(str(arguments.base)), padding=True),
        callbacks=[Held(channel)],
    )
    trainer.train()


if __name__ == "__main__":
    main()
