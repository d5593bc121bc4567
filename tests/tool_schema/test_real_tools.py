"""Declarations of public sets and servers: all of them become JSON Schema, and the calls made of them fit."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from hive_mind.conversation import JSON, Conversation
from hive_mind.sources import SOURCES
from hive_mind.sources.raw import RawRow, read_raw
from hive_mind.tool_schema import legal_names, normalise
from hive_mind.tool_schema.arguments import argument_problems

pytestmark = pytest.mark.real


def rows(file: Path) -> Iterator[JSON]:
    for item in read_raw(file):
        assert isinstance(item, RawRow)
        yield item.row


def bfcl_files(real_data: Path) -> list[Path]:
    return sorted((real_data / "eval" / "bfcl").glob("BFCL_v4_*.json"))


def mcp_tools(real_data: Path) -> list[JSON]:
    servers = json.loads((real_data / "usage" / "livemcpbench_tools.json").read_bytes())
    return [tool for entry in servers for server in entry["tools"].values() for tool in server["tools"]]


def test_every_tool_of_real_servers_is_valid_and_all_but_openapis_ways_are_unchanged(real_data: Path) -> None:
    tools = mcp_tools(real_data)
    assert len(tools) == 527
    changed = 0
    for tool in tools:
        made = normalise(tool)
        Draft202012Validator.check_schema(made.tool.parameters)
        assert made.notes == ()
        changed += json.dumps(made.tool.parameters) != json.dumps(tool["inputSchema"])
    assert changed == 1, "one tool has exclusiveMinimum: true"


def test_every_tool_of_bfcl_is_valid_and_no_type_is_unknown(real_data: Path) -> None:
    tools = [tool for file in bfcl_files(real_data) for row in rows(file) for tool in row["function"]]
    assert len(tools) == 4330
    for tool in tools:
        made = normalise(tool)
        Draft202012Validator.check_schema(made.tool.parameters)
        assert not [note for note in made.notes if "not known" in note.text]
        assert normalise(made.tool.to_dict()).tool == made.tool


def accepted(value: Any) -> Any:
    """The first accepted value of BFCL's answers, inside of objects too; an option that may be left out is."""
    if isinstance(value, list):
        return [accepted(part) for part in value]
    if not isinstance(value, dict):
        return value
    if not all(isinstance(options, list) for options in value.values()):
        return value
    return {key: accepted(options[0] if options else options) for key, options in value.items() if options[:1] != [""]}


def test_bfcls_own_answers_fit_the_schemas(real_data: Path) -> None:
    """All but a dozen, which break their declarations; Java and JavaScript answers are source text, not JSON."""
    calls = wrong = 0
    for file in bfcl_files(real_data):
        answers = file.parent / "possible_answer" / file.name
        if not answers.exists() or "java" in file.name:
            continue
        declared = {row["id"]: {tool["name"]: normalise(tool).tool for tool in row["function"]} for row in rows(file)}
        for row in rows(answers):
            for call in row["ground_truth"]:
                [(name, arguments)] = call.items()
                calls += 1
                wrong += bool(argument_problems(declared[row["id"]][name], accepted(arguments)))
    assert calls > 1500 and wrong <= 0.01 * calls


def test_names_of_real_tools_come_back(real_data: Path) -> None:
    names = {tool["name"] for file in bfcl_files(real_data) for row in rows(file) for tool in row["function"]}
    made = legal_names(names)
    assert sum("." in name for name in names) > 500
    assert {made.original[made.legal[name]] for name in names} == names


def test_glaives_tools_pass_through_their_source_unchanged(real_data: Path) -> None:
    seen = 0
    for row in rows(real_data / "glaive" / "glaive_conversations_220.jsonl"):
        made = SOURCES["glaive_tools"].convert(row)
        written = list(declarations(row["system"]))
        for tool in made.tools if isinstance(made, Conversation) else ():
            Draft202012Validator.check_schema(tool.parameters)
            assert json.dumps(tool.parameters) in [json.dumps(item["parameters"]) for item in written]
            seen += 1
    assert seen > 150


def declarations(system: str) -> Iterator[JSON]:
    """The JSON declarations in Glaive's system text."""
    start = system.find("{")
    while start >= 0:
        declaration, end = json.JSONDecoder().raw_decode(system, start)
        yield declaration
        start = system.find("{", end)
