"""Rendering in batches gives the tokens and labels of rendering one by one, which are the chat template's own."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hive_mind.chat import batch
from hive_mind.chat.batch import Tokens, render_all
from hive_mind.chat.render import UnusableForTraining, render
from hive_mind.chat.tokenizer import _cuts_exactly
from hive_mind.conversation import Conversation, Message
from tests.chat.test_render import CONVERSATIONS, WEATHER, by_template

TEXT = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="<|>"), max_size=60)
EDGES = st.text(" \n\r\t\u0301\u00a0a'1{}\"", max_size=8)  # white space and marks that join what stands before them


@pytest.fixture(scope="module", params=["tiny", "qwen"])
def tokenizer(request):
    return request.getfixturevalue(f"{request.param}_tokenizer")


def rendered(conversations, tokenizer):
    return [tokens for _, tokens in render_all(((None, each) for each in conversations), tokenizer)]


def assert_same(conversation, tokens, tokenizer):
    expected = render(conversation, tokenizer)
    assert np.frombuffer(tokens.ids, dtype=np.int32).tolist() == expected.input_ids
    assert [bool(flag) for flag in tokens.labelled] == expected.labelled


def test_a_batch_is_its_rows_one_by_one(tokenizer):
    rows = [Conversation.build("test", messages, (WEATHER,)) for messages in CONVERSATIONS.values()]
    for conversation, tokens in zip(rows, rendered(rows, tokenizer), strict=True):
        assert_same(conversation, tokens, tokenizer)


@settings(max_examples=60, deadline=None)
@given(turns=st.lists(st.tuples(TEXT, EDGES | TEXT), min_size=1, max_size=4))
def test_cutting_at_special_tokens_is_exact_for_any_text(tokenizer, turns):
    messages = [Message(role, text) for pair in turns for role, text in zip(("user", "assistant"), pair, strict=True)]
    conversation = Conversation.build("test", messages)
    (tokens,) = rendered([conversation], tokenizer)
    assert_same(conversation, tokens, tokenizer)
    assert np.frombuffer(tokens.ids, dtype=np.int32).tolist() == by_template(tokenizer, conversation)


@settings(max_examples=60, deadline=None)
@given(turns=st.lists(st.tuples(TEXT, EDGES | TEXT, st.booleans()), min_size=1, max_size=5))
def test_turns_that_are_not_learnt_are_labelled_by_neither(tokenizer, turns):
    messages = []
    for asked, answer, learn in turns:
        messages += [Message("user", asked), Message("assistant", answer, learn=learn)]
    conversation = Conversation.build("test", messages)
    (tokens,) = rendered([conversation], tokenizer)
    learnt = sum(learn for _, _, learn in turns)
    if not learnt:
        assert isinstance(tokens, UnusableForTraining) and tokens.code == "nothing_to_learn"
        with pytest.raises(UnusableForTraining) as raised:
            render(conversation, tokenizer)
        assert raised.value.code == "nothing_to_learn"
        return
    assert_same(conversation, tokens, tokenizer)
    ids = np.frombuffer(tokens.ids, dtype=np.int32).tolist()
    assert ids == by_template(tokenizer, conversation), "what is learnt is no part of what is read"
    ends = [token for token, flag in zip(ids, tokens.labelled, strict=True) if flag]
    assert ends.count(tokenizer.end_of_turn) == learnt


ASCII = st.text(st.characters(min_codepoint=0, max_codepoint=127), max_size=80)
PROSE = st.text(" \n\r\t'sStTrRvVeElLmMdD0.,:{}\"_-\x0b\x0c\x1c\x1f\x7f", max_size=40)


@settings(max_examples=150, deadline=None)
@given(texts=st.lists(ASCII | PROSE, min_size=1, max_size=8))
def test_ascii_text_is_the_tokens_of_its_words(tokenizer, texts):
    texts = {text for text in texts if not tokenizer.special_text.search(text)}
    assert tokenizer.words is not None
    for text, ids in batch.Memory(tokenizer).ids(texts).items():
        assert np.frombuffer(ids, dtype=np.int32).tolist() == tokenizer.encode(text)


def test_an_answer_that_joins_the_prompts_line_break_is_learnt_after_it(qwen_tokenizer):
    """White space and a line break after the prompt's own are one token, which no prompt ends in and nobody learns."""
    conversation = Conversation.build("test", [Message("user", "?"), Message("assistant", "  \nyes")])
    (tokens,) = rendered([conversation], qwen_tokenizer)
    assert_same(conversation, tokens, qwen_tokenizer)
    learnt = [
        id for id, flag in zip(np.frombuffer(tokens.ids, np.int32).tolist(), tokens.labelled, strict=True) if flag
    ]
    assert qwen_tokenizer.decode(learnt) == "yes<|im_end|>"


def test_rows_keep_their_order_and_keys_whatever_becomes_of_them(tiny_tokenizer, monkeypatch):
    monkeypatch.setattr(batch, "CHUNK_ROWS", 3)
    good = Conversation.build("test", CONVERSATIONS["plain"])
    forged = Conversation.build("test", [Message("user", "<|im_end|>"), Message("assistant", "x")])
    silent = Conversation.build("test", [Message("user", "x")])
    rows = [good, None, forged, silent] * 4
    out = list(render_all(enumerate(rows), tiny_tokenizer))
    assert [key for key, _ in out] == list(range(16))
    for row, (_, made) in zip(rows, out, strict=True):
        if row is good:
            assert isinstance(made, Tokens)
        elif row is None:
            assert made is None
        else:
            assert isinstance(made, UnusableForTraining)
            assert made.code == ("special_token_text" if row is forged else "nothing_to_learn")


def test_what_is_forgotten_is_encoded_again(tiny_tokenizer, monkeypatch):
    monkeypatch.setattr(batch, "CHUNK_ROWS", 2)
    monkeypatch.setattr(batch, "REMEMBERED_TOKENS", 40)
    monkeypatch.setattr(batch, "REMEMBERED_WORDS", 6)
    rows = [
        Conversation.build("test", [Message("user", f"say {number % 5}"), Message("assistant", f"word {number}")])
        for number in range(25)
    ]
    for conversation, tokens in zip(rows, rendered(rows, tiny_tokenizer), strict=True):
        assert_same(conversation, tokens, tiny_tokenizer)


def test_a_tokenizer_that_cannot_be_cut_is_used_row_by_row(tiny_tokenizer):
    rows = [Conversation.build("test", messages, (WEATHER,)) for messages in CONVERSATIONS.values()]
    for less in ({"cuts_exactly": False}, {"words": None}):
        assert rendered(rows, dataclasses.replace(tiny_tokenizer, **less)) == rendered(rows, tiny_tokenizer)


@pytest.mark.parametrize(
    "change",
    [
        {"added": {"normalized": True}}, {"added": {"lstrip": True}}, {"added": {"rstrip": True}},
        {"normalizer": {"type": "Prepend", "prepend": "▁"}},
        {"pre_tokenizer": {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "first"}},
        {"pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": True}},
    ],
)  # fmt: skip
def test_tokenizers_whose_special_tokens_do_not_separate_are_known(tiny_tokenizer, change):
    backend = json.loads(tiny_tokenizer.fast.backend_tokenizer.to_str())
    assert _cuts_exactly(backend["added_tokens"], backend)
    backend["added_tokens"][0].update(change.pop("added", {}))
    assert not _cuts_exactly(backend["added_tokens"], {**backend, **change})


REAL = {
    "code_alpaca": ("code_alpaca/code_alpaca_20k.json", 2_000),
    "glaive_tools": ("glaive/glaive_conversations_220.jsonl", None),
    "bash_commands": ("nl2bash/nl2bash.jsonl", 2_000),
    "xlam": ("xlam/xlam_700.jsonl", None),
}


@pytest.mark.real
@pytest.mark.parametrize("name", REAL)
def test_real_rows_have_the_templates_tokens(real_data, qwen_tokenizer, name):
    """Every convertible row without special-token text; of the two large sets every n-th, 2,000 in all."""
    from hive_mind.sources import SOURCES
    from hive_mind.sources.raw import RawRow, read_raw

    file, sample = REAL[name]
    raw = [row for row in read_raw(real_data / file) if isinstance(row, RawRow)]
    made = [SOURCES[name].convert(row.row) for row in raw[:: max(1, len(raw) // sample) if sample else 1]]
    rows = [row for row in made if isinstance(row, Conversation)]
    checked = 0
    for row, tokens in render_all(((row, row) for row in rows), qwen_tokenizer):
        if isinstance(tokens, Tokens):
            assert np.frombuffer(tokens.ids, dtype=np.int32).tolist() == by_template(qwen_tokenizer, row)
            checked += 1
        else:
            assert tokens is not None and tokens.code == "special_token_text"
    assert checked > 0.99 * len(rows) and checked > 200
