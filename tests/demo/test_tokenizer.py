"""The tiny base's tokenizer: any text comes back, and what must not merge does not."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer

from hive_mind.demo import tokenizer as tiny
from hive_mind.demo.corpus import sample
from hive_mind.model.base import TINY_FOLDER


@pytest.fixture(scope="module")
def trained() -> Tokenizer:
    shares = {"english": 0.5, "json": 0.2, "chat": 0.3}
    return tiny.train((document.text for document in sample(300, 0, shares)), 700)


PACKAGED = Tokenizer.from_file(str(TINY_FOLDER / "tokenizer.json"))


@given(st.text())
def test_any_text_comes_back_as_it_went_in(text: str) -> None:
    assert PACKAGED.decode(PACKAGED.encode(text).ids, skip_special_tokens=False) == text


def test_training_gives_the_size_asked_for_and_puts_special_tokens_last(trained: Tokenizer) -> None:
    assert trained.get_vocab_size() == 700
    ids = [trained.token_to_id(text) for text in (*tiny.SPECIAL, *tiny.ADDED)]
    assert ids == list(range(700 - len(ids), 700))


def test_training_is_reproducible(trained: Tokenizer) -> None:
    shares = {"english": 0.5, "json": 0.2, "chat": 0.3}
    again = tiny.train((document.text for document in sample(300, 0, shares)), 700)
    assert again.to_str() == trained.to_str()


def test_a_value_has_the_same_pieces_after_a_blank_a_quote_or_an_underscore(trained: Tokenizer) -> None:
    alone = trained.encode("calendar").ids
    for before in (" ", '"', "_", ' "'):
        assert trained.encode(before + "calendar").ids[-len(alone) :] == alone


def test_digits_are_single_and_closing_marks_never_merge(trained: Tokenizer) -> None:
    assert len(trained.encode("20451").ids) == 5
    closing = trained.encode('"}}, "').tokens
    assert closing[:4] == ['"', "}", "}", ","]


def test_the_saved_folder_loads_in_transformers_with_the_same_ids(trained: Tokenizer, tmp_path: Path) -> None:
    from transformers import AutoTokenizer

    tiny.save(trained, tmp_path)
    (tmp_path / "config.json").write_text('{"model_type": "qwen2"}')
    loaded = AutoTokenizer.from_pretrained(str(tmp_path))
    text = 'Schedule "tea" at 14:30,\n\tthen {"a": [1, 2]} <tool_call> ☃'
    assert loaded.encode(text) == trained.encode(text).ids
    assert (loaded.eos_token, loaded.pad_token, len(loaded)) == ("<|im_end|>", "<|endoftext|>", 700)
    assert "<tool_call>" in loaded.decode(loaded.encode(text), skip_special_tokens=True)


@pytest.mark.real
def test_the_chat_template_is_qwens_but_for_the_default_system_text(real_data: Path) -> None:
    qwen = (real_data / "qwen2.5-0.5b" / "chat_template.jinja").read_text()
    default = "You are Qwen, created by Alibaba Cloud. You are a helpful assistant."
    assert tiny.TEMPLATE_FILE.read_text() == qwen.replace(default, "You are a helpful assistant.")
