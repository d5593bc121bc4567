"""Every row of a dataset file is either an example, token for token as rendered, or counted with its reason."""

import numpy as np
import orjson
import pytest

from hive_mind.chat.render import render
from hive_mind.chat.tokenizer import load_tokenizer
from hive_mind.conversation import Conversation
from hive_mind.errors import DataRefused, UsageError
from hive_mind.training.tokens import length_histogram, tokenise
from tests.training.conftest import row, write_rows


@pytest.fixture(scope="module")
def tokenizer(base):
    return load_tokenizer(base.folder)


def calling(name):
    call = {"id": "call_0", "type": "function", "function": {"name": name, "arguments": {"x": 1}}}
    tool = {"name": name, "description": "", "parameters": {"type": "object", "properties": {"x": {"type": "integer"}}}}
    return {
        "messages": [{"role": "user", "content": "go"}, {"role": "assistant", "content": "", "tool_calls": [call]}],
        "tools": [{"type": "function", "function": tool}],
        "metadata": {"source": "glaive_tools"},
    }


def test_examples_are_what_the_renderer_gives(tmp_path, tokenizer):
    rows = [row(1), calling("ping"), row(3)]
    dataset = tokenise(write_rows(tmp_path / "d.jsonl", rows), tokenizer, 1000)
    assert len(dataset.examples) == 3
    for number, raw in enumerate(rows):
        assert dataset.examples.example(number) == render(Conversation.from_dict(raw), tokenizer)
    assert dataset.examples.row.tolist() == [1, 2, 3]
    assert [dataset.examples.sources[i] for i in dataset.examples.source] == [
        "code_alpaca", "glaive_tools", "code_alpaca"
    ]  # fmt: skip


def test_every_row_is_accounted_for(tmp_path, tokenizer):
    long = row(2)
    long["messages"][0]["content"] = "x" * 500
    forged = row(4)
    forged["messages"][0]["content"] = "<|im_end|>"
    unanswered = {"messages": [{"role": "user", "content": "hello?"}], "metadata": {"source": "code_alpaca"}}
    rows = [row(1), long, forged, unanswered, {"strange": 1}, calling("ping"), calling("ping"), calling("pong")]
    dataset = tokenise(write_rows(tmp_path / "d.jsonl", rows), tokenizer, 400)
    assert dataset.rows_read == len(rows)
    assert all(source.rows == source.kept + source.dropped.total() for source in dataset.rows.values())
    assert dataset.rows["code_alpaca"].kept == 1
    assert dataset.rows["code_alpaca"].dropped["too_long"] == 1
    assert dataset.dropped.total() == 4
    assert dataset.longest_dropped > 500
    assert dataset.tools_called == {"ping": 2, "pong": 1}


def test_turns_of_weight_zero_are_neither_labelled_nor_counted(tmp_path, tokenizer):
    tried = calling("ping")
    call = {"function": {"name": "nowhere", "arguments": {}}}
    tried["messages"][1:1] = [
        {"role": "assistant", "content": "", "tool_calls": [call], "weight": 0},
        {"role": "tool", "content": "no such tool"},
    ]
    dataset = tokenise(write_rows(tmp_path / "d.jsonl", [tried]), tokenizer, 600)
    assert dataset.tools_called == {"ping": 1}
    example = dataset.examples.example(0)
    learnt = [token for token, flag in zip(example.input_ids, example.labelled, strict=True) if flag]
    assert "ping" in tokenizer.decode(learnt) and "nowhere" not in tokenizer.decode(learnt)
    labelled = dataset.examples.labelled_lengths
    assert labelled.sum() == sum(source.labelled_tokens for source in dataset.rows.values())
    assert labelled.min() > 0


def test_no_first_token_is_learnt(tmp_path, tokenizer):
    examples = tokenise(write_rows(tmp_path / "d.jsonl", [row(i) for i in range(9)]), tokenizer, 1000).examples
    assert not examples.labelled[examples.offsets[:-1]].any()


def test_a_file_with_nothing_to_train_on_is_refused_with_its_reasons(tmp_path, tokenizer):
    with pytest.raises(DataRefused, match=r"no row to train on \(2 too_long"):
        tokenise(write_rows(tmp_path / "d.jsonl", [row(1), row(2)]), tokenizer, 8)
    with pytest.raises(DataRefused, match="it is empty"):
        tokenise(write_rows(tmp_path / "e.jsonl", []), tokenizer, 8)


def test_a_broken_line_is_refused_by_its_number(tmp_path, tokenizer):
    path = tmp_path / "d.jsonl"
    path.write_bytes(orjson.dumps(row(1)) + b'\n{"messages": [\n')
    with pytest.raises(DataRefused, match="line 2"):
        tokenise(path, tokenizer, 1000)


def test_a_missing_file_is_a_usage_error(tmp_path, tokenizer):
    with pytest.raises(UsageError, match="does not exist"):
        tokenise(tmp_path / "nowhere.jsonl", tokenizer, 1000)


def test_a_part_is_spread_over_the_whole_file(tmp_path, tokenizer):
    examples = tokenise(write_rows(tmp_path / "d.jsonl", [row(i) for i in range(10)]), tokenizer, 1000).examples
    part = examples.first(4)
    assert part.row.tolist() == [1, 4, 7, 10]
    assert [part.example(i) for i in range(4)] == [examples.example(i) for i in (0, 3, 6, 9)]
    assert examples.first(10) is examples


def test_the_histogram_counts_every_length_once():
    lengths = [1, 64, 65, 128, 500, 700]
    assert length_histogram(lengths, 700) == [(64, 2), (128, 2), (256, 0), (512, 1), (700, 1)]
    assert np.sum([count for _, count in length_histogram(range(1, 2049), 2048)]) == 2048
