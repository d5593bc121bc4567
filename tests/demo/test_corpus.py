"""The pre-training corpus: reproducible rows, weights where they belong, and no tool calling anywhere in it."""

from __future__ import annotations

import json
import re
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from random import Random

import numpy as np
import pytest
from tokenizers import Tokenizer

from hive_mind.config import load
from hive_mind.demo import catalogue, corpus, stdlib, texts
from hive_mind.demo.corpus import KINDS, RANDOM_TOKENS, Corpus
from hive_mind.demo.documents import ANSWER, CHANCE, chat, mixed
from hive_mind.demo.settings import BaseBuildSettings
from hive_mind.demo.tokenizer import SPECIAL
from hive_mind.model.base import TINY_FOLDER

RECIPE = Path(__file__).parents[2] / "configs" / "tiny_base.yaml"
FORBIDDEN = re.compile(
    r"tool_call|tool_response|<tools>|</tools>|functioncall|\"arguments\"|\"parameters\"|\"function\"\s*:"
)
JSON_LINE = re.compile(r"\{\".*\}")


@pytest.fixture(scope="module")
def settings() -> BaseBuildSettings:
    return load(BaseBuildSettings, RECIPE)


@pytest.fixture(scope="module")
def small_corpus() -> Corpus:
    tokenizer = Tokenizer.from_file(str(TINY_FOLDER / "tokenizer.json"))
    return Corpus(tokenizer, dict.fromkeys((*KINDS, RANDOM_TOKENS), 1 / 12), seed=42)


def test_a_row_is_a_function_of_seed_step_and_index(small_corpus: Corpus) -> None:
    again = Corpus(small_corpus.tokenizer, small_corpus.shares, seed=42)
    other = Corpus(small_corpus.tokenizer, small_corpus.shares, seed=43)
    ids, weights = small_corpus.row(3, 1, 256)
    assert ids.shape == weights.shape == (257,)
    assert np.array_equal(ids, again.row(3, 1, 256)[0]) and np.array_equal(weights, again.row(3, 1, 256)[1])
    for row in (other.row(3, 1, 256), small_corpus.row(4, 1, 256), small_corpus.row(3, 2, 256)):
        assert not np.array_equal(ids, row[0])


def test_kinds_take_their_shares_of_the_tokens(small_corpus: Corpus) -> None:
    rng = Random(1)
    tokens = dict.fromkeys(small_corpus.odds, 0)
    kinds, odds = list(small_corpus.odds), list(small_corpus.odds.values())
    for _ in range(6_000):
        kind = rng.choices(kinds, odds)[0]
        tokens[kind] += len(small_corpus.draw(kind, rng)[0])
    total = sum(tokens.values())
    assert all(0.7 / 12 < count / total < 1.4 / 12 for count in tokens.values()), tokens


def test_a_token_weighs_what_the_text_it_begins_in_weighs(small_corpus: Corpus) -> None:
    made = mixed("copy", [("Say “naïve”: ", CHANCE), ("“naïve” ☃\n", ANSWER)])
    ids, weights = small_corpus.encode(made)
    answer = [number for number, weight in zip(ids.tolist(), weights.tolist(), strict=True) if weight == ANSWER]
    assert small_corpus.tokenizer.decode(answer, skip_special_tokens=False) == "“naïve” ☃\n"
    assert ids[-1] == small_corpus.end


def test_in_a_chat_only_the_assistant_is_learnt_with_its_end_mark(small_corpus: Corpus) -> None:
    ids, weights = small_corpus.encode(chat("chat", [("user", "Hi"), ("assistant", "Hello there.")]))
    answer = [number for number, weight in zip(ids.tolist(), weights.tolist(), strict=True) if weight == ANSWER]
    assert small_corpus.tokenizer.decode(answer, skip_special_tokens=False) == "Hello there.<|im_end|>"


def test_random_tokens_are_ordinary_ones_said_twice(small_corpus: Corpus) -> None:
    ids, weights = small_corpus.draw(RANDOM_TOKENS, Random(5))
    half = len(ids) // 2
    assert np.array_equal(ids[:half], ids[half:-1])
    assert ids[:-1].max() < small_corpus.ordinary
    assert (weights[half:-1] == ANSWER).all() and (weights[:half] < ANSWER).all()


def test_a_catalogue_answers_with_what_was_asked_or_says_that_nothing_fits() -> None:
    filled = unfit = 0
    for number in range(300):
        text = catalogue.catalogue(Random(number)).text
        unfit += any(reply.split("{")[0][:20] in text for reply in catalogue.NO_FIT)
        for line in re.findall(r"<\|im_start\|>assistant\n(?:<\w+>\n)?(\{.*\})", text):
            filled += 1
            json.loads(line)
    assert filled > 150 and unfit > 60


@pytest.mark.parametrize("kind", [*KINDS])
def test_no_kind_of_document_shows_tools_or_calls(kind: str) -> None:
    for number in range(1_500):
        _check(corpus.document(kind, f"scan/{number}").text)


def test_nothing_in_the_standard_library_text_shows_tools_or_calls() -> None:
    for chunk in stdlib.chunks():
        _check(chunk, of_python=True)


@pytest.mark.parametrize("every", [16, pytest.param(1, marks=pytest.mark.long)])
def test_the_corpus_shows_no_tools_and_no_calls(settings: BaseBuildSettings, every: int) -> None:
    """Rows of the recorded recipe, made again and read: of one step in sixteen, or all of them."""
    steps = range(settings.steps)[::every]
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        counts = list(pool.map(_scan, [(settings, list(steps[start::16])) for start in range(16)]))
    assert sum(counts) >= 0.9 * settings.tokens * len(steps) / settings.steps


def _scan(share: tuple[BaseBuildSettings, list[int]]) -> int:
    settings, steps = share
    tokenizer = Tokenizer.from_file(str(TINY_FOLDER / "tokenizer.json"))
    allowed = {tokenizer.token_to_id(text) for text in SPECIAL[:3]}
    corpora = [Corpus(tokenizer, phase.shares, settings.seed) for phase in settings.phases]
    count = 0
    for step in steps:
        phase, length = settings.reading(step)
        rows = [corpora[phase].row(step, i, length)[0] for i in range(settings.batch_tokens // length)]
        for row, text in zip(rows, tokenizer.decode_batch(rows, skip_special_tokens=False), strict=True):
            assert set(row[row >= corpora[phase].ordinary].tolist()) <= allowed
            _check(text, of_python=True)
            count += len(row) - 1
    return count


def _check(text: str, of_python: bool = False) -> None:
    found = FORBIDDEN.search(text)
    # the library's own code may name a key "arguments" or "parameters" of its own; nothing else may
    assert found is None or (of_python and found.group() in ('"arguments"', '"parameters"')), found.group()
    for line in JSON_LINE.findall(text):
        assert not ('"name":' in line and '"arguments":' in line), line


def test_english_is_written_in_sentences() -> None:
    text = texts.topic_text(Random(3))
    assert text[0].isupper() and text.rstrip()[-1] in ".?"
