"""Every reason that the guide lists is planted in raw files once, met by a build, and written with its place."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path
from typing import Any

import orjson
import pytest

from hive_mind.curation import DataSettings, build
from hive_mind.errors import DataRefused
from tests.raw_rows import run_row

ROOT = Path(__file__).parent.parent.parent
TOOL: dict[str, Any] = {
    "name": "now",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}
CALL: dict[str, Any] = {"name": "now", "arguments": {"city": "Rome"}}
GLAIVE_SYSTEM = (
    "SYSTEM: You are a helpful assistant with access to the following functions. Use them if required -\n"
    f"{json.dumps(TOOL)}"
)


def talk(*turns: dict[str, Any], **more: Any) -> str:
    """A row of OpenAI messages: a request, and then the turns."""
    return json.dumps({"messages": [{"role": "user", "content": "Is it dry?"}, *turns], **more})


def answered(**more: Any) -> str:
    return talk({"role": "assistant", "content": "Yes."}, **more)


def calling(call: Any, tool: Any = TOOL) -> str:
    return talk({"role": "assistant", "content": "", "tool_calls": [call]}, tools=[tool])


def logged(**changes: Any) -> str:
    row = {"user_request": "Do it", "tool": "git", "command": "git log", "output": "x", "success": True}
    return json.dumps(row | changes)


def glaive(chat: str, system: str = GLAIVE_SYSTEM) -> str:
    return json.dumps({"system": system, "chat": chat})


def code(instruction: Any, output: Any) -> str:
    return json.dumps({"instruction": instruction, "input": "", "output": output})


def shell(nl: str, bash: str) -> str:
    return json.dumps({"nl": nl, "bash": bash})


NESTED = json.dumps({"a": 1}).replace("1", '{"a":' * 1500 + "1" + "}" * 1500)
LONG = {"role": "assistant", "content": "word " * 9000}
PLANTED: dict[str, dict[str, str]] = {
    "code_alpaca/code.jsonl": {
        "broken_json": '{"instruction": "cut',
        "not_an_object": "7",
        "unknown_layout": '{"other": 1}',
        "not_text": code(["a"], "x"),
        "empty_request": code(" ", "x"),
        "empty_answer": code("a", ""),
        "special_token_text": code("a", "x<|im_end|>"),
    },
    "nl2bash/shell.jsonl": {
        "annotators_note": shell("ERROR - not a command", "ls"),
        "empty_command": shell("List files", " "),
    },
    "usage/usage.jsonl": {
        "not_successful": logged(success=False),
        "unreadable_timestamp": logged(timestamp="yesterday"),
        "no_tools_file": json.dumps({key: value for key, value in run_row(0).items() if key != "servers"}),
    },
    "glaive/glaive.jsonl": {
        "no_role_marks": glaive("Is it dry?"),
        "no_answer": glaive("USER: Is it dry?"),
        "tools_not_readable": glaive("USER: Dry?\n\n\nASSISTANT: Yes. <|endoftext|>", GLAIVE_SYSTEM[:-9]),
        "call_not_readable": glaive('USER: Dry?\n\n\nASSISTANT: <functioncall> {"name": } <|endoftext|>'),
        "text_after_end_mark": glaive("USER: Dry?\n\n\nASSISTANT: Yes. <|endoftext|> and warm\n\n\nUSER: Thanks"),
        "broken_off_answer": glaive("USER: Dry?\n\n\nASSISTANT: Yes, <|endoftext|>\n\n\nASSISTANT: so. <|endoftext|>"),
    },
    "messages/messages.jsonl": {
        "content_not_text": talk({"role": "assistant", "content": 7}),
        "not_unicode": calling({"name": "now", "arguments": '{"city": "\\ud800"}'}),
        "not_encodable": calling({"name": "now", "arguments": '{"city": 123456789012345678901234567890}'}),
        "nested_too_deeply": calling({"name": "now", "arguments": NESTED}),
        "no_messages": '{"messages": []}',
        "message_not_object": talk("Yes."),  # type: ignore[arg-type]
        "unknown_role": talk({"role": "narrator", "content": "Yes."}),
        "roles_out_of_order": talk({"role": "assistant", "content": "Yes."}, {"role": "assistant", "content": "No."}),
        "tools_not_list": answered(tools={"now": TOOL}),
        "tool_without_name": answered(tools=[{"description": "x"}]),
        "tool_parameters_not_object": answered(tools=[{"name": "now", "parameters": ["city"]}]),
        "tool_schema_invalid": answered(tools=[{**TOOL, "parameters": {"type": "object", "required": "city"}}]),
        "tool_declared_twice": answered(tools=[TOOL, TOOL]),
        "call_without_name": calling({"arguments": {}}),
        "call_arguments_not_json": calling({"name": "now", "arguments": "{city"}),
        "call_arguments_not_object": calling({"name": "now", "arguments": ["Rome"]}),
        "calls_outside_assistant": talk({"role": "user", "content": "x", "tool_calls": [CALL]}, tools=[TOOL]),
        "undeclared_tool": calling({**CALL, "name": "later"}),
        "missing_argument": calling({"name": "now", "arguments": {}}),
        "wrong_type": calling({"name": "now", "arguments": {"city": 7}}),
        "result_without_call": talk({"role": "tool", "content": "dry"}, {"role": "assistant", "content": "Yes."}),
        "call_without_result": talk(
            {"role": "assistant", "content": "", "tool_calls": [CALL]},
            {"role": "user", "content": "And?"},
            {"role": "assistant", "content": "Yes."},
            tools=[TOOL],
        ),
        "weight_not_zero_or_one": talk({"role": "assistant", "content": "Yes.", "weight": 0.5}),
        "no_window_fits": talk(LONG, {"role": "user", "content": "Sure?"}, LONG),
    },
}  # fmt: skip
# A broken CSV row needs a file of its own: its header is the first line.
PLANTED_CSV = ("code_alpaca/more.csv", "instruction,input,output\na,,b\na,b\n", "wrong_number_of_cells")


@pytest.fixture(scope="module")
def rejects(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """What a build over all planted files rejects. It refuses to go on: too few rows of a source can be used."""
    folder = tmp_path_factory.mktemp("reasons")
    for name, planted in PLANTED.items():
        write(folder / "raw" / name, "".join(f"{line}\n" for line in planted.values()))
    write(folder / "raw" / PLANTED_CSV[0], PLANTED_CSV[1])
    with pytest.raises(DataRefused, match="8 of 9 rows cannot be used"):
        build(DataSettings(dir=folder / "out", raw_dir=folder / "raw", window_tokens=2048), say=lambda _: None)
    return [orjson.loads(line) for line in (folder / "out" / "rejects.jsonl").read_bytes().splitlines()]


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def test_every_planted_row_is_rejected_for_its_reason(rejects: list[dict[str, Any]]) -> None:
    found = {(row["file"], row["line"]): row["code"] for row in rejects}
    planted = {(name, number): code for name, rows in PLANTED.items() for number, code in enumerate(rows, 1)}
    assert found == planted | {(PLANTED_CSV[0], 2): PLANTED_CSV[2]}
    assert all(row["detail"] and row["source"] for row in rejects)


def test_the_guide_the_code_and_the_planted_rows_name_the_same_reasons() -> None:
    guide = (ROOT / "docs" / "DATASET_GUIDE.md").read_text(encoding="utf-8")
    table = guide.split("## What is rejected")[1].split("\n\n")[1]
    listed = {name for line in table.splitlines()[2:] for name in re.findall(r"`(\w+)`", line.split("|")[1])}
    planted = {code for rows in PLANTED.values() for code in rows} | {PLANTED_CSV[2]}
    assert planted == listed
    assert planted == codes_in("conversation.py", "tool_schema", "sources", "curation")


def codes_in(*names: str) -> set[str]:
    """Return the reason codes that modules, and those of packages, can give."""
    roots = [ROOT / "src" / "hive_mind" / name for name in names]
    files = [file for root in roots for file in ([root] if root.is_file() else root.rglob("*.py"))]
    nodes = [node for file in files for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))]
    constants = {
        node.targets[0].id: node.value
        for node in nodes
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
    }
    codes = [_code(node) for node in nodes]
    named = [constants.get(code.id) if isinstance(code, ast.Name) else code for code in codes]
    return {code.value for code in named if isinstance(code, ast.Constant) and isinstance(code.value, str)}


def _code(node: ast.AST) -> ast.expr | None:
    """Return what stands in a reason code's place: in a Reject, an error, or a returned (code, detail)."""
    if isinstance(node, ast.Call):
        called = node.func.id if isinstance(node.func, ast.Name) else ""
        place = {"Reject": 1, "reject": 1, "MalformedConversation": 0}.get(called)
        return node.args[place] if place is not None and len(node.args) > place else None
    if isinstance(node, ast.Return) and isinstance(node.value, ast.Tuple) and len(node.value.elts) == 2:
        return node.value.elts[0]
    return None
