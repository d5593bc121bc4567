"""Transcripts turn by turn, log rows, and telling layouts apart."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hive_mind.interaction import Interaction
from hive_mind.sources import chat_logs, usage
from hive_mind.sources.chat_logs import JUDGED_A_FAILURE
from hive_mind.sources.layout import layout_of
from hive_mind.sources.recorded import Tally
from tests.raw_rows import run_row, usage_row
from tests.sources.test_messages import LAYOUTS
from tests.sources.test_never_raise import EXAMPLES, JSON_VALUES


def read(row: dict[str, Any]) -> tuple[list[Interaction], Tally]:
    tally = Tally()
    return chat_logs.interactions(row, tally), tally


CALL = {"id": "c1", "type": "function", "function": {"name": "look", "arguments": '{"at": "sky"}'}}
CHAT = [
    {"role": "system", "content": "Be brief."}, {"role": "user", "content": "Is it blue?"},
    {"role": "assistant", "content": None, "tool_calls": [CALL]},
    {"role": "tool", "tool_call_id": "c1", "content": "blue"},
    {"role": "assistant", "content": "Yes."}, {"role": "user", "content": "Thanks"},
    {"role": "assistant", "content": "Welcome."},
]  # fmt: skip
LOOK = {"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {}}}}


def test_a_run_gives_its_real_calls_with_their_outcomes() -> None:
    made, tally = read(run_row(0))
    assert [(one.outcome, [call.name for call in one.answer.tool_calls]) for one in made] == [
        ("succeeded", ["now"]), ("failed", ["now"]), ("succeeded", ["now"]), ("succeeded", []),
    ]  # fmt: skip
    assert tally.calls == {("route", "searched"): 1, ("sky: now", "done"): 2, ("sky: now", "failed_inside"): 1}
    assert made[1].error == "1: dry" and made[1].results[0].content == "1: dry"
    assert {one.session for one in made} == {"run-0"} and {one.thumb for one in made} == {None}
    assert [len(one.messages) for one in made] == [1, 3, 5, 7]
    assert {"now"} <= {tool.name for tool in made[0].tools}


def test_of_a_run_that_failed_no_turn_is_liked() -> None:
    made, _ = read({**run_row(0), "task_success": "failure"})
    assert {(one.thumb, one.comment) for one in made} == {("down", JUDGED_A_FAILURE)}
    assert [one.outcome for one in made] == ["succeeded", "failed", "succeeded", "failed"]


def test_where_nothing_says_what_came_of_a_call_its_outcome_is_unknown() -> None:
    made, tally = read({"messages": CHAT, "tools": [LOOK], "timestamp": "2026-02-05T22:19:35+01:00", "id": "chat-7"})
    assert [one.outcome for one in made] == ["unknown"] * 3
    assert [message.role for message in made[2].messages] == [
        "system",
        "user",
        "assistant",
        "tool",
        "assistant",
        "user",
    ]
    assert (made[0].session, made[0].time, made[0].results[0].content) == ("chat-7", "2026-02-05T21:19:35Z", "blue")
    assert tally.calls == {("look", "unknown"): 1}
    failed = json.dumps({"content": [{"type": "text", "text": "no sky"}], "isError": True})
    made, tally = read({"messages": [*CHAT[:3], {**CHAT[3], "content": failed}], "tools": [LOOK]})
    assert made[0].outcome == "failed" and tally.calls == {("look", "failed_inside"): 1}


def test_log_rows_come_with_what_the_tool_gave_and_those_that_failed_too() -> None:
    tally = Tally()
    (made,) = usage.interactions(usage_row(0), tally)
    assert (made.source, made.outcome, made.session) == ("log", "succeeded", "s0")
    assert (made.answer.tool_calls[0].name, made.results[0].content) == ("bash", "job 0 is done")
    (made,) = usage.interactions({**usage_row(0), "success": False, "output": "no such job\nat all"}, tally)
    assert (made.outcome, made.error) == ("failed", "no such job")
    (made,) = usage.interactions(usage_row(1), tally)
    assert made.answer.content == "job 1 is done" and not made.results
    assert usage.interactions({**usage_row(0), "user_request": 5}, tally) == []
    assert tally.calls == {("bash", "done"): 1, ("bash", "failed"): 1}
    assert tally.passed_over == {"user_request or tool is not text": 1}


def test_layouts_are_told_apart_by_content(tmp_path: Path) -> None:
    def found(name: str, text: str) -> tuple[str | None, int]:
        file = tmp_path / name
        file.write_text(text)
        layout = layout_of(file)
        return (layout.name, len(list(layout.read(file, Tally())))) if layout else (None, 0)

    lines = [json.dumps(message) for message in CHAT]
    row = {"messages": CHAT, "tools": [LOOK]}
    assert found("a.jsonl", "\n".join(lines)) == ("messages, one a line", 3)
    assert found("b.json", json.dumps(CHAT, indent=1)) == ("one list of messages", 3)
    assert found("c.json", json.dumps(row, indent=1)) == ("one transcript", 3)
    assert found("d.jsonl", json.dumps(row) + "\n" + json.dumps(run_row(0))) == ("rows of use", 7)
    assert found("e.json", json.dumps([row, usage_row(0)], indent=1)) == ("rows of use", 4)
    assert found("f.jsonl", json.dumps(usage_row(0)) + "\nbroken\n") == ("rows of use", 1)
    assert found("g.json", "\ufeff" + json.dumps([usage_row(0)])) == ("rows of use", 1)
    for name, text in {"h.json": '{"a": 1}', "i.json": "[]", "j.json": "[1]", "k.json": "{", "l.txt": "hello"}.items():
        assert found(name, text) == (None, 0)


def test_broken_lines_among_good_ones_are_counted(tmp_path: Path) -> None:
    file = tmp_path / "log.jsonl"
    file.write_text(json.dumps(usage_row(0)) + '\n{"user_re\n[]\n' + json.dumps({"other": 1}))
    tally = Tally()
    layout = layout_of(file)
    assert layout is not None and len(list(layout.read(file, tally))) == 1
    assert tally.passed_over == {"broken_json": 1, "not_an_object": 1, "row in no known layout": 1}


ROWS = [*LAYOUTS.values(), *EXAMPLES["usage"], {"messages": CHAT, "tools": [LOOK]}]


@given(data=st.data())
def test_any_value_anywhere(data: st.DataObject) -> None:
    row = json.loads(json.dumps(data.draw(st.sampled_from(ROWS))))
    place: Any = row
    while isinstance(place, (dict, list)) and place:
        key = data.draw(st.sampled_from(sorted(place) if isinstance(place, dict) else range(len(place))))
        if not isinstance(place[key], (dict, list)) or not place[key] or data.draw(st.integers(0, 4)) == 0:
            place[key] = data.draw(JSON_VALUES)
            break
        place = place[key]
    tally = Tally()
    made = usage.interactions(row, tally) if "user_request" in row else chat_logs.interactions(row, tally)
    for interaction in made:
        assert interaction.answer.role == "assistant"
        assert any(message.role == "user" for message in interaction.messages)


def test_a_value_that_cannot_be_written_is_passed_over() -> None:
    deep: Any = 1
    for _ in range(400):
        deep = [deep]
    call = {"id": "c1", "function": {"name": "look", "arguments": {"at": deep}}}
    made, tally = read({"messages": [CHAT[1], {"role": "assistant", "tool_calls": [call]}], "tools": [LOOK]})
    assert made == [] and tally.passed_over == {"messages: a value in it cannot be written as JSON": 1}


@pytest.mark.real
def test_the_sixty_real_runs_turn_by_turn(real_data: Path) -> None:
    """182 searches and 308 calls of 97 tools, of which 61 failed inside, 11 outside, 6 timed out, 6 are unreadable."""
    file = real_data / "usage" / "livemcpbench_runs_60.jsonl"
    tally, layout = Tally(), layout_of(file)
    assert layout is not None
    made = list(layout.read(file, tally))
    fates: Counter[str] = Counter()
    for (_, fate), count in tally.calls.items():
        fates[fate] += count
    assert fates == {
        "searched": 182, "done": 224, "failed_inside": 61, "failed_outside": 11, "timed_out": 6, "unreadable": 6,
    }  # fmt: skip
    assert len({tool for tool, fate in tally.calls if fate not in ("searched", "unreadable")}) == 97
    sessions = {one.session: one.thumb for one in made}
    assert (len(made), Counter(sessions.values())) == (366, {None: 44, "down": 16})
    assert not tally.passed_over
