"""Sessions of Claude Code: what is said and called, what came of it, and what a session may hold besides."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from hive_mind.interaction import Interaction
from hive_mind.sources import claude_code
from hive_mind.sources.layout import layout_of
from hive_mind.sources.recorded import CONTEXT_CHARACTERS, Tally
from tests.sources.claude_session import Session, shop, use, words
from tests.sources.test_never_raise import JSON_VALUES


def read(folder: Path, lines: list[Any]) -> tuple[list[Interaction], Tally]:
    file = folder / "session.jsonl"
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    tally = Tally()
    return list(claude_code.read(file, tally)), tally


def said(interaction: Interaction) -> list[tuple[str, str]]:
    return [(message.role, message.content) for message in interaction.messages]


def test_every_reply_is_an_interaction_with_its_request_results_and_outcome(tmp_path: Path) -> None:
    made, _ = read(tmp_path, shop().lines)
    outcomes = [(one.outcome, [call.name for call in one.answer.tool_calls]) for one in made]
    assert outcomes == [
        ("failed", ["Bash"]), ("succeeded", ["Read", "Read"]), ("unknown", []), ("failed", ["mcp__files__write_file"]),
        ("unknown", ["Bash"]),
    ]  # fmt: skip
    first, second, third, fourth, _ = made
    assert said(first) == [("user", "Why do the shop's tests fail?")]
    assert (first.answer.content, first.answer.tool_calls[0].arguments["command"]) == ("I will run them.", "pytest -q")
    assert (first.error, first.time, first.session) == ("1 failed", "2026-03-02T09:00:05Z", "5e55")
    assert (first.client, first.version, first.request_id) == ("claude-code 2.1.17", "upstream:claude-x-1", "req_m1")
    assert [result.content for result in second.results] == ["def a(): ...\n[image]", "def b(): ..."]
    assert [role for role, _ in said(third)] == ["user", "assistant", "tool", "assistant", "tool", "tool"]
    assert said(fourth)[-1] == ("user", "Then mend b.") and fourth.error.startswith("The user doesn't want")
    assert {tool.name for tool in first.tools} == {"Bash", "Read", "mcp__files__write_file"}
    (bash,) = [tool for tool in first.tools if tool.name == "Bash"]
    assert bash.parameters["properties"]["timeout"] == {"type": "integer"}


def test_calls_are_counted_by_fate_and_lines_that_say_nothing_by_reason(tmp_path: Path) -> None:
    _, tally = read(tmp_path, [*shop().lines, "no object", {"type": "tomorrow's invention"}])
    assert tally.calls == {
        ("Bash", "failed"): 1, ("Read", "done"): 2, ("mcp__files__write_file", "refused"): 1, ("Bash", "unanswered"): 1,
    }  # fmt: skip
    assert tally.passed_over == {
        "line of type summary": 1, "line of type file-history-snapshot": 1, "line of type system": 1, "meta line": 1,
        "command, interruption or reminder": 2, "reply without words or calls": 1, "error of the API": 1,
        "line that is no object": 1, "line of type tomorrow's invention": 1,
    }  # fmt: skip


def test_a_session_that_was_wound_back_has_two_branches(tmp_path: Path) -> None:
    made = Session()
    asked = made.user("Name a colour.")
    made.reply("m1", words("Red."))
    made.user("Another.")
    made.reply("m2", words("Blue."))
    made.user("A darker one.", parentUuid=made.lines[1]["uuid"])
    made.reply("m3", words("Maroon."))
    assert asked == made.lines[0]["uuid"]
    interactions, _ = read(tmp_path, made.lines)
    assert [content for _, content in said(interactions[2])] == ["Name a colour.", "Red.", "A darker one."]


def test_after_a_compaction_the_context_is_what_was_said_before_it(tmp_path: Path) -> None:
    made = Session()
    made.user("Count to three.")
    before = made.reply("m1", words("One."))[-1]
    made.line("system", subtype="compact_boundary", parentUuid=None, logicalParentUuid=before)
    made.user("This session is being continued from a previous one.", isCompactSummary=True)
    made.user("Go on.")
    made.reply("m2", words("Two."))
    interactions, tally = read(tmp_path, made.lines)
    assert [content for _, content in said(interactions[1])] == ["Count to three.", "One.", "Go on."]
    assert tally.passed_over["summary of a compacted session"] == 1


def test_the_file_of_a_sub_agent_is_a_conversation_of_its_own_in_the_same_session(tmp_path: Path) -> None:
    agent = Session(isSidechain=True, agentId="a1")
    agent.user("Find where prices are rounded.")
    agent.reply("m1", use("toolu_9", "Grep", pattern="round("))
    agent.result("toolu_9", "price.py:3")
    (interaction,), _ = read(tmp_path, agent.lines)
    assert said(interaction) == [("user", "Find where prices are rounded.")] and interaction.session == "5e55"


def test_the_context_is_bounded_and_holds_the_request_and_the_last_result(tmp_path: Path) -> None:
    made = Session()
    made.user("Read every page.")
    for page in range(30):
        made.reply(f"m{page}", use(f"toolu_{page}", "Read", page=page))
        made.result(f"toolu_{page}", f"page {page} " + "x" * 3000)
    made.result("toolu_29", "a very long last page " + "y" * 2 * CONTEXT_CHARACTERS)
    made.reply("last", words("Done."))
    interactions, _ = read(tmp_path, made.lines)
    assert len(interactions) == 31
    for interaction in interactions[20:-1]:
        assert said(interaction)[0] == ("user", "Read every page.")
        assert sum(len(content) for _, content in said(interaction)) <= CONTEXT_CHARACTERS + 100
        assert interaction.messages[-1].content.startswith("page")
    assert [role for role, _ in said(interactions[-1])] == ["user", "assistant", "tool"]


def test_a_line_that_is_cut_and_lines_written_twice(tmp_path: Path) -> None:
    file = tmp_path / "s.jsonl"
    text = "".join(json.dumps(line) + "\n" for line in [*shop().lines, *shop().lines[2:]])
    file.write_bytes(text.encode() + b'{"type": "user", "mess' + b"\n\xff\xfe\n")
    tally = Tally()
    assert len(list(claude_code.read(file, tally))) == 5
    assert tally.passed_over["line that is not JSON"] == 2
    assert tally.passed_over["line that stands there twice"] == len(shop().lines) - 2


def test_lines_that_name_each_other_do_not_go_on_for_ever(tmp_path: Path) -> None:
    made = Session()
    made.user("a", parentUuid="5e55-1")
    made.reply("m1", words("b"))
    interactions, _ = read(tmp_path, made.lines)
    assert said(interactions[0]) == [("user", "a")]


@given(data=st.data())
def test_any_value_anywhere(data: st.DataObject, tmp_path_factory: Any) -> None:
    """Whatever stands in whatever place of however many lines, reading goes through."""
    lines: list[Any] = json.loads(json.dumps(shop().lines))
    for _ in range(data.draw(st.integers(1, 5))):
        place: Any = lines
        while isinstance(place, (dict, list)) and place:
            key = data.draw(st.sampled_from(sorted(place) if isinstance(place, dict) else range(len(place))))
            if not isinstance(place[key], (dict, list)) or not place[key] or data.draw(st.integers(0, 4)) == 0:
                place[key] = data.draw(JSON_VALUES)
                break
            place = place[key]
    folder = tmp_path_factory.mktemp("any")
    for interaction in read(folder, lines)[0]:
        assert interaction.messages and interaction.answer.role == "assistant"
        json.dumps([message.to_dict() for message in interaction.messages])
    layout_of(folder / "session.jsonl")
