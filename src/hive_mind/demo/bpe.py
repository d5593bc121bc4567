"""The tiny base's tokenizer: byte-level BPE, with the special tokens and chat template of Qwen2.5.

Pieces are cut so that a value has the same tokens wherever it stands: a blank, a digit and a punctuation mark are pieces of
their own. Only the openers of JSON members merge, never the closers, so that "where does the value end" and "what comes
next" stay two separate choices for the model.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from hive_mind.files import write_json, write_text

SPECIAL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
MARKS = ("<tool_call>", "</tool_call>")  # added but not special in Qwen2.5: they are shown when text is decoded
PIECES = r"""\{"|": \{"|": "|": |\p{L}+|\p{N}|[^\s\p{L}\p{N}]|\r?\n|\s"""
CHAT_TEMPLATE = Path(__file__).with_name("chat_template.jinja")


def train(texts: Iterator[str], vocab_size: int, folder: Path) -> None:
    """Train the tokenizer on `texts` and write its files into `folder`, as AutoTokenizer loads them."""
    from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(PIECES), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size - len(SPECIAL) - len(MARKS), initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False, min_frequency=2,
    )  # fmt: skip
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.add_special_tokens([AddedToken(text, special=True, normalized=False) for text in SPECIAL])
    tokenizer.add_tokens([AddedToken(text, special=False, normalized=False) for text in MARKS])
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    endoftext, _, im_end = (tokenizer.token_to_id(text) for text in SPECIAL)
    write_json(
        folder / "tokenizer_config.json",
        {
            "tokenizer_class": "PreTrainedTokenizerFast", "eos_token": SPECIAL[2], "pad_token": SPECIAL[0],
            "model_max_length": 2048, "clean_up_tokenization_spaces": False,
        },
    )  # fmt: skip
    write_json(
        folder / "generation_config.json",
        {"do_sample": False, "eos_token_id": [im_end, endoftext], "pad_token_id": endoftext},
    )
    write_text(folder / "chat_template.jinja", CHAT_TEMPLATE.read_text(encoding="utf-8"))
