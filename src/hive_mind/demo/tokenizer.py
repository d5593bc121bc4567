"""The tiny base's tokenizer: byte-level BPE, so that any text comes back as it went in, with Qwen2.5's special tokens.

A blank is its own piece, so a value has the same pieces after a blank, a quote or an underscore; digits and punctuation
are single, so the end of a JSON value and what follows it are separate choices. A quote may hold its blank before it.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from hive_mind.files import write_json, write_text

if TYPE_CHECKING:
    from tokenizers import Tokenizer

PIECES = r"""\p{L}+|\p{N}| ?\{"|":| ?"|[^\s\p{L}\p{N}]|\r?\n+| +|\s"""
END_OF_TEXT, TURN_START, TURN_END = "<|endoftext|>", "<|im_start|>", "<|im_end|>"
SPECIAL = (
    END_OF_TEXT, TURN_START, TURN_END, "<|object_ref_start|>", "<|object_ref_end|>", "<|box_start|>", "<|box_end|>",
    "<|quad_start|>", "<|quad_end|>", "<|vision_start|>", "<|vision_end|>", "<|vision_pad|>", "<|image_pad|>",
    "<|video_pad|>",
)  # fmt: skip
ADDED = (
    "<tool_call>", "</tool_call>", "<|fim_prefix|>", "<|fim_middle|>", "<|fim_suffix|>", "<|fim_pad|>", "<|repo_name|>",
    "<|file_sep|>",
)  # fmt: skip
"""Added tokens that Qwen2.5 does not call special: a decoder keeps their text."""
TEMPLATE_FILE = Path(__file__).with_name("chat_template.jinja")
MAX_LENGTH = 2_048


def train(texts: Iterable[str], vocab_size: int) -> Tokenizer:
    """Train on `texts`; `vocab_size` counts the special and added tokens too, which take the last ids."""
    from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(PIECES), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    made.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size - len(SPECIAL) - len(ADDED), initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )  # fmt: skip
    made.train_from_iterator(texts, trainer)
    made.add_special_tokens([AddedToken(text, special=True, normalized=False) for text in SPECIAL])
    made.add_tokens([AddedToken(text, special=False, normalized=False) for text in ADDED])
    return made


def save(tokenizer: Tokenizer, folder: Path) -> None:
    """Write tokenizer.json, tokenizer_config.json and chat_template.jinja as AutoTokenizer reads them."""
    write_text(folder / "tokenizer.json", tokenizer.to_str())
    write_text(folder / "chat_template.jinja", TEMPLATE_FILE.read_text(encoding="utf-8"))
    write_json(folder / "tokenizer_config.json", {
        "tokenizer_class": "PreTrainedTokenizerFast", "add_bos_token": False, "add_prefix_space": False,
        "additional_special_tokens": list(SPECIAL[1:]), "bos_token": None, "clean_up_tokenization_spaces": False,
        "eos_token": TURN_END, "pad_token": END_OF_TEXT, "unk_token": None, "errors": "replace",
        "model_max_length": MAX_LENGTH, "split_special_tokens": False,
    })  # fmt: skip
