"""Runs of agents: the real tools out of the meta-tools, and what is learnt from."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from hive_mind.catalogue import K
from hive_mind.conversation import Conversation, Reject
from hive_mind.curation.accept import accept
from hive_mind.errors import DataRefused
from hive_mind.sources import source_of, usage
from hive_mind.sources.transcripts import is_tools_file, read_turns, with_servers
from tests.raw_rows import SERVERS, mcp_repr, meta_call, run_row

RUN = run_row(0)


def converted(row: dict[str, Any]) -> Conversation:
    made = usage.convert(row)
    assert isinstance(made, Conversation), made
    accepted = accept(made)
    assert isinstance(accepted, Conversation), accepted
    return accepted


def with_call(arguments: str, result: str) -> dict[str, Any]:
    """The run with one more call before its answer."""
    call = {"id": "x", "type": "function", "function": {"name": "execute-tool", "arguments": arguments}}
    more = [
        {"role": "assistant", "content": "", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "x", "content": result},
    ]
    return {**RUN, "messages": [*RUN["messages"][:-1], *more, RUN["messages"][-1]]}


def test_a_run_is_usage() -> None:
    assert source_of(RUN) is usage
    assert source_of({"messages": []}) is not usage


def test_searches_and_the_system_text_are_left_out_and_calls_are_of_the_real_tool() -> None:
    made = converted(RUN)
    assert [message.role for message in made.messages] == ["user", *["assistant", "tool"] * 3, "assistant"]
    assert [(call.name, call.arguments["hour"]) for call in made.calls] == [("now", 0), ("now", 1), ("now", 2)]
    assert [message.content for message in made.messages if message.role == "tool"] == ["0: dry", "1: dry", "2: dry"]


def test_a_call_that_failed_inside_stands_in_the_context_and_is_not_learnt() -> None:
    answers = [message for message in converted(RUN).messages if message.role == "assistant"]
    assert [message.learn for message in answers] == [True, False, True, True]


@pytest.mark.parametrize("result", [mcp_repr("Server not found", error=True), "Tool call timed out."])
def test_a_call_that_failed_outside_or_timed_out_is_not_learnt(result: str) -> None:
    params = '{"server_name": "sky", "tool_name": "gone", "params": {}}'
    made = converted(with_call(params, result))
    assert [(call.name, turn.learn) for turn in made.messages for call in turn.tool_calls][-1] == ("gone", False)


def test_broken_arguments_stand_in_the_context_as_text() -> None:
    broken = '{"server_name": "sky", "tool_name": "now", "params": {"city": "Ro …[cut]'
    made = converted(with_call(broken, mcp_repr("dry")))
    (turn,) = [turn for turn in made.messages for call in turn.tool_calls if "unreadable" in call.arguments]
    assert (turn.learn, turn.tool_calls[0].name, turn.tool_calls[0].arguments["unreadable"]) == (False, "now", broken)


def test_a_run_that_failed_is_not_learnt_from() -> None:
    for field in ("task_success", "success"):
        row = {key: value for key, value in RUN.items() if key != "task_success"} | {field: "failure"}
        made = usage.convert(row)
        assert isinstance(made, Reject) and made.code == "not_successful"


def with_tools(number: int, others: int = 30) -> dict[str, Any]:
    """A run with more tools than a request is offered, on a server that it does not use."""
    more = {"server_name": "library", "tools": [{"name": f"book_{n}", "inputSchema": {}} for n in range(others)]}
    return {**run_row(number), "servers": [*SERVERS, more]}


def test_what_is_called_and_what_fits_the_request_is_declared_in_an_order_that_is_always_the_same() -> None:
    names = [tool.name for tool in converted(with_tools(0)).tools]
    assert len(names) == 1 + K and "now" in names
    assert names == [tool.name for tool in converted(with_tools(0)).tools]
    orders = {tuple(tool.name for tool in converted(with_tools(number)).tools) for number in range(20)}
    assert len({order.index("now") for order in orders}) > 2, "the place of the right tool must say nothing"
    asked = with_tools(0)
    asked["messages"][1]["content"] = "Which book is number 17, and is there wind or rain?"
    found = [tool.name for tool in converted(asked).tools]
    assert {"now", "wind", "rain", "book_17"} <= set(found), "what the request names, on any server"


def test_a_name_that_two_servers_use_is_written_with_the_servers() -> None:
    params = '{"server_name": "sea of maps", "tool_name": "search", "params": {}}'
    made = converted(with_call(params, mcp_repr("found")))
    assert made.calls[-1].name == "sea_of_maps__search"
    assert "sea_of_maps__search" in [tool.name for tool in made.tools]


def test_declarations_come_from_the_tools_file_beside_the_runs(tmp_path: Path) -> None:
    row = {key: value for key, value in RUN.items() if key != "servers"}
    made = usage.convert(with_servers(row, tmp_path / "runs.jsonl"))
    assert isinstance(made, Reject) and made.code == "no_tools_file"
    file = tmp_path / "my_tools.json"
    file.write_text(json.dumps([{"name": "a package", "tools": {server["server_name"]: server for server in SERVERS}}]))
    assert is_tools_file(file)
    assert usage.convert(with_servers(row, tmp_path / "runs.jsonl")) == usage.convert(RUN)
    file.write_text('[{"tools": 5}]')
    with pytest.raises(DataRefused, match=r"my_tools.json: not a list of servers"):
        with_servers(row, tmp_path / "runs.jsonl")


def test_a_run_without_meta_tools_keeps_its_system_text_and_declarations() -> None:
    call = meta_call("c0", "now", {"city": "Rome"})
    messages = [
        {"role": "system", "content": "Be brief."}, {"role": "user", "content": "Dry?"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "content": [{"type": "text", "text": "dry"}]}, {"role": "assistant", "content": "Yes."},
    ]  # fmt: skip
    made = converted({"messages": messages, "tools": SERVERS[0]["tools"], "success": True})
    assert made.messages[0].content == "Be brief." and made.messages[3].content == "dry"
    assert len(made.tools) == 7


def test_a_call_without_a_result_is_not_learnt() -> None:
    row = {**RUN, "messages": RUN["messages"][:-2]}
    last = converted(row).messages[-1]
    assert last.learn and last.tool_calls[0].arguments["hour"] == 0, "the last that went well"


@pytest.mark.real
def test_the_sixty_real_runs(real_data: Path) -> None:
    """490 calls: 182 searches and 308 calls, 6 of them unreadable, 72 failed, of 97 tools; 44 runs succeeded."""
    file = real_data / "usage" / "livemcpbench_runs_60.jsonl"
    fates: Counter[str] = Counter()
    real: set[tuple[str | None, str]] = set()
    runs: Counter[str] = Counter()
    learnt = 0
    for line in file.read_bytes().splitlines():
        row = json.loads(line)
        calls = [call for turn in read_turns(row["messages"]) for call in turn.calls]
        fates.update(call.fate for call in calls)
        real |= {(call.server, call.tool) for call in calls if call.fate not in ("searched", "unreadable")}
        made = usage.convert(with_servers(row, file))
        accepted = accept(made) if isinstance(made, Conversation) else made
        runs[accepted.code if isinstance(accepted, Reject) else "learnt from"] += 1
        if isinstance(accepted, Conversation):
            learnt += sum(message.role == "assistant" and message.learn for message in accepted.messages)
    print(f"{fates.total()} calls: {dict(fates)}; {len(real)} real tools; runs: {dict(runs)}; {learnt} turns to learn")
    assert fates.total() == 490
    assert (fates["searched"], fates.total() - fates["searched"]) == (182, 308)
    assert fates["unreadable"] == 6
    assert (fates["failed_inside"], fates["failed_outside"]) == (61, 11)
    assert fates["failed_inside"] + fates["failed_outside"] == 72
    assert (fates["timed_out"], fates["done"]) == (6, 224)
    assert len(real) == 97
    assert runs == {"learnt from": 44, "not_successful": 16}
    assert learnt == 223
