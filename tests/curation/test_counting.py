"""Tokens without a tokenizer: the estimate is not below the true count of a large vocabulary."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hive_mind.conversation import Conversation, Message
from hive_mind.curation.counting import estimate, estimate_text, token_counter
from hive_mind.errors import UsageError
from hive_mind.sources import glaive_tools


@pytest.mark.parametrize(
    ("text", "tokens"),
    [("", 0), ("a word", 2), ("2026", 4), ("internationalisation", 4), ("HTTP", 2), ("x  y\n\n z", 5), ("é", 2)],
)
def test_words_digits_and_marks(text: str, tokens: int) -> None:
    assert estimate_text(text) == tokens


def test_with_a_tokenizer_tokens_are_counted(tiny_folder: Path, tiny_tokenizer) -> None:
    from hive_mind.chat.render import render

    row = Conversation.build("usage", [Message("user", "Hello?"), Message("assistant", "Hello.")])
    assert token_counter(tiny_folder)(row) == len(render(row, tiny_tokenizer).input_ids)
    assert token_counter(None) is estimate


def test_a_folder_without_a_tokenizer_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"holds no tokenizer.json"):
        token_counter(tmp_path)


@pytest.mark.real
def test_the_estimate_is_not_below_the_count(real_data: Path) -> None:
    count = token_counter(real_data / "qwen2.5-0.5b")
    lines = (real_data / "glaive" / "glaive_conversations_220.jsonl").read_bytes().splitlines()
    rows = [row for line in lines if isinstance(row := glaive_tools.convert(json.loads(line)), Conversation)]
    shares = sorted(count(row) / estimate(row) for row in rows)
    print(f"count / estimate of {len(rows)} conversations: {shares[0]:.2f} to {shares[-1]:.2f}")
    assert shares[-1] <= 1
