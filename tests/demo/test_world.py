"""The sample world: counts, formats, valid arguments, and nothing shared between what is learnt and what is asked."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from hive_mind.conversation import Conversation
from hive_mind.demo import asking, generate
from hive_mind.demo.world import ADDRESS, TOOLS, UNSEEN
from hive_mind.files import read_jsonl
from hive_mind.sources import bash_commands, code_alpaca, glaive_tools, usage

KINDS_OF_WORDS = ("cities", "people", "surnames", "nouns", "adjectives", "doings", "occasions", "rooms", "languages",
                  "currencies", "dishes", "stems", "endings", "folders", "months", "day_words", "minutes_past",
                  "numbers", "sayings")  # fmt: skip


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("raw")
    generate.write_raw(folder)
    return folder


@pytest.fixture(scope="module")
def training() -> list[Conversation]:
    return generate.training()


@pytest.fixture(scope="module")
def tiers() -> dict[str, list[Conversation]]:
    return {tier: generate.held_out(tier) for tier in generate.HELD_OUT_ROWS}


def test_the_same_seed_writes_the_same_bytes_and_another_seed_others(raw: Path, tmp_path: Path) -> None:
    generate.write_raw(tmp_path / "same")
    generate.write_raw(tmp_path / "other", seed=7)
    for file in sorted(path.relative_to(raw) for path in raw.rglob("*.json*")):
        assert (raw / file).read_bytes() == (tmp_path / "same" / file).read_bytes()
        assert (raw / file).read_bytes() != (tmp_path / "other" / file).read_bytes()


def test_every_file_is_read_by_its_source_without_a_reject_and_is_large_enough(raw: Path) -> None:
    code = json.loads((raw / "code_alpaca" / "code_alpaca_sample.json").read_text())
    files: list[tuple[Any, list[dict[str, Any]], int]] = [
        (code_alpaca, code, 500),
        (glaive_tools, [row for _, row in read_jsonl(raw / "glaive" / "glaive_sample.jsonl")], 1_500),
        (bash_commands, [row for _, row in read_jsonl(raw / "nl2bash" / "nl2bash_sample.jsonl")], 400),
        (usage, [row for _, row in read_jsonl(raw / "usage" / "training_data_sample.jsonl")], 67),
    ]
    for source, rows, least in files:
        made = [source.convert(row) for row in rows]
        assert all(isinstance(row, Conversation) for row in made), source.NAME
        assert len({row.id for row in made}) == len(made) >= least, source.NAME
    assert len(files[-1][1]) == 67


def test_glaive_text_gives_back_the_conversations_it_was_written_from(raw: Path, training: list[Conversation]) -> None:
    rows = [row for _, row in read_jsonl(raw / "glaive" / "glaive_sample.jsonl")]
    for row, conversation in zip(rows, training, strict=True):
        read = glaive_tools.convert(row)
        assert isinstance(read, Conversation)
        assert (read.messages, read.tools) == (conversation.messages, conversation.tools)


def test_training_holds_no_one_and_two_calls_and_enough_rows_without_any(training: list[Conversation]) -> None:
    calls = Counter(len(row.calls) for row in training)
    assert len(training) >= 1_500 and calls[0] > 300 and calls[1] > 400 and calls[2] > 50
    answers = [after for row in training for before, after in pairwise(row.messages) if before.role == "user"]
    without = sum(not answer.tool_calls for answer in answers)
    assert 0.4 <= without / len(answers) <= 0.6
    assert {len(row.tools) for row in training} == {0, 1, 2, 3, 4}
    assert sum(len([m for m in row.messages if m.role == "user"]) > 2 for row in training) > 800
    assert {tool.name for row in training for tool in row.tools} == {tool.name for tool in TOOLS}


def test_the_usage_log_is_in_time_order_over_several_sessions_and_a_few_tools(raw: Path) -> None:
    rows = [row for _, row in read_jsonl(raw / "usage" / "training_data_sample.jsonl")]
    assert [row["timestamp"] for row in rows] == sorted(row["timestamp"] for row in rows)
    assert all(re.fullmatch(r"2026-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}", row["timestamp"]) for row in rows)
    assert len({row["metadata"]["session_id"] for row in rows}) == 8
    assert {row["tool"] for row in rows} == {"bash", "git", "python", "code_generation", "function_calling"}
    assert sum("success" not in row for row in rows) == 10


def test_there_are_24_tools_of_every_shape() -> None:
    assert len({tool.name for tool in TOOLS}) == 24
    schemas = [parameter.schema for tool in TOOLS for parameter in tool.parameters]
    assert {len(tool.parameters) for tool in TOOLS} == {1, 2, 3, 4}
    assert {schema["type"] for schema in schemas} == {"string", "integer", "boolean", "array", "object"}
    assert any("enum" in schema for schema in schemas)
    assert ADDRESS in schemas


def test_all_arguments_are_valid_for_the_schema_that_is_offered(
    training: list[Conversation], tiers: dict[str, list[Conversation]]
) -> None:
    rows = [*training, *(row for tier in tiers.values() for row in tier)]
    for row in rows:
        offered = {tool.name: tool.parameters for tool in row.tools}
        for call in row.calls:
            schema = offered[call.name] | {"additionalProperties": False}
            jsonschema.validate(call.arguments, schema)
            assert list(call.arguments) == [name for name in schema["properties"] if name in call.arguments]


def test_tiers_hold_what_they_are_called(tiers: dict[str, list[Conversation]]) -> None:
    assert {tier: len(rows) for tier, rows in tiers.items()} == {
        "your_tools": 320,
        "unseen_tools": 160,
        "chat": 100,
        "not_offered": 160,
    }
    for tier, rows in tiers.items():
        for row in rows:
            assert row.tools and row.messages[-1].role == "assistant"
            assert len(row.messages[-1].tool_calls) == (tier in ("your_tools", "unseen_tools"))
    unseen = {tool.name for tool in UNSEEN}
    assert {tool.name for row in tiers["unseen_tools"] for tool in row.tools} == unseen
    assert {call.name for row in tiers["your_tools"] for call in row.calls} == {tool.name for tool in TOOLS}


def test_no_phrase_frame_is_shared() -> None:
    learnt, asked = (
        {_bare(frame) for frames in (*voice.by_tool.values(), *voice.shell.values()) for frame in frames}
        for voice in (asking.TRAINING, asking.HELD_OUT)
    )
    assert not learnt & asked
    assert not {_bare(said) for said, _ in asking.TRAINING.chat} & {_bare(said) for said, _ in asking.HELD_OUT.chat}
    assert not set(asking.TRAINING.openings) & set(asking.HELD_OUT.openings) - {""}


def test_no_word_list_shares_a_value() -> None:
    for kind in KINDS_OF_WORDS:
        learnt = set(getattr(asking.TRAINING.lexicon, kind))
        assert not learnt & set(getattr(asking.HELD_OUT.lexicon, kind)), kind


def test_no_argument_value_is_shared_but_those_of_enums_and_switches(
    training: list[Conversation], tiers: dict[str, list[Conversation]]
) -> None:
    enums = {option for tool in TOOLS for parameter in tool.parameters for option in parameter.schema.get("enum", ())}
    learnt = {value for row in training for call in row.calls for value in _leaves(call.arguments)}
    for tier in ("your_tools", "unseen_tools"):
        asked = {value for row in tiers[tier] for call in row.calls for value in _leaves(call.arguments)}
        assert not learnt & asked - enums


def test_unseen_tools_share_no_name_verb_noun_or_parameter_with_the_tools_that_are_learnt() -> None:
    names = {part for tool in TOOLS for part in tool.name.split("_")}
    parameters = {parameter.name for tool in TOOLS for parameter in tool.parameters}
    asked_for = {
        word.lower() for frames in asking.TRAINING.by_tool.values() for frame in frames
        for word in re.findall(r"[A-Za-z]+", re.sub(r"\{\w+\}", "", frame.partition("|")[0]))
    }  # fmt: skip
    for tool in UNSEEN:
        parts = set(tool.name.split("_"))
        assert not parts & (names | asked_for), tool.name
        assert not {parameter.name for parameter in tool.parameters} & parameters, tool.name


def test_tool_declarations_are_compact() -> None:
    for tool in (*TOOLS, *UNSEEN):
        assert len(json.dumps(tool.declaration().to_dict())) < 400, tool.name


def _bare(frame: str) -> str:
    """A frame without its values' names, capitals and punctuation: what is left must differ."""
    text = re.sub(r"\{\w+\}", "{}", frame.partition("|")[0]).lower()
    return " ".join(re.findall(r"[a-z']+|\{\}", text))


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        for item in value.values():
            yield from _leaves(item)
    elif isinstance(value, list):
        for item in value:
            yield from _leaves(item)
    elif not isinstance(value, bool):
        yield value
