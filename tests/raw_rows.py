"""Generated raw rows in the layout of every source, all distinct, for tests that need many."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

Row = dict[str, Any]
_START = datetime(2026, 2, 5, 22, 19, 35, 585826)


def code_row(number: int) -> Row:
    return {
        "instruction": f"Write a function that adds {number} to its argument.",
        "input": "" if number % 2 else f"x = {number}",
        "output": f"def add_{number}(x):\n    return x + {number}",
    }


def glaive_row(number: int) -> Row:
    """Every third row has no tools; the others call one of many tools, so that their tool sets differ."""
    if number % 3 == 0:
        return {
            "system": "SYSTEM: You are a helpful assistant, with no access to external functions.\n",
            "chat": f"USER: What comes after {number}?\n\n\nASSISTANT: {number + 1} comes next. <|endoftext|>\n\n\n",
        }
    tool = {
        "name": f"lookup_{number % 97}",
        "description": f"Look up entry {number % 97}",
        "parameters": {"type": "object", "properties": {"key": {"type": "string"}}, "required": ["key"]},
    }
    system = (
        "SYSTEM: You are a helpful assistant with access to the following functions. Use them if required -\n"
        f"{json.dumps(tool, indent=4)}\n"
    )
    call = f'{{"name": "{tool["name"]}", "arguments": \'{{"key": "it\'s {number}"}}\'}}'
    chat = (
        f"USER: Look up {number} for me.\n\n\nASSISTANT: <functioncall> {call} <|endoftext|>\n\n\n"
        f'FUNCTION RESPONSE: {{"value": {number}}}\n\n\nASSISTANT: The value is {number}. <|endoftext|>\n\n\n'
    )
    return {"system": system, "chat": chat}


def shell_row(number: int) -> Row:
    return {"nl": f"List the {number} newest files", "bash": f"ls -t | head -n {number}"}


def run_row(number: int, steps: int = 3, result: str = "dry") -> Row:
    """A run of an agent with two meta-tools: a search, then `steps` calls, the second of which fails inside."""
    asked = {"query": "weather"}
    messages: list[Row] = [
        {"role": "system", "content": "You have two tools, route and execute-tool."},
        {"role": "user", "content": f"Is it dry in town {number}?"},
        {"role": "assistant", "content": "Let me search.", "tool_calls": [meta_call("s0", "route", asked)]},
        {"role": "tool", "tool_call_id": "s0", "content": mcp_repr("matched_tools: now")},
    ]
    for step in range(steps):
        params = {"city": f"town {number}", "hour": step}
        call = meta_call(f"c{step}", "execute-tool", {"server_name": "sky", "tool_name": "now", "params": params})
        inner = {
            "_meta": None, "content": [{"type": "text", "text": f"{step}: {result}"}], "isError": step == 1,
        }  # fmt: skip
        messages += [
            {"role": "assistant", "content": f"Step {step}.", "tool_calls": [call]},
            {"role": "tool", "tool_call_id": f"c{step}", "content": mcp_repr(json.dumps(inner))},
        ]
    messages.append({"role": "assistant", "content": f"Yes, it is dry in town {number}."})
    return {"task_id": f"run-{number}", "messages": messages, "task_success": "success", "servers": SERVERS}


def meta_call(name: str, tool: str, arguments: Row) -> Row:
    return {"id": name, "type": "function", "function": {"name": tool, "arguments": json.dumps(arguments)}}


def mcp_repr(text: str, error: bool = False) -> str:
    """A result as the Python SDK of MCP writes it."""
    return f"meta=None content=[TextContent(type='text', text={text!r}, annotations=None)] isError={error}"


_CITY = {"type": "object", "properties": {"city": {"type": "string"}, "hour": {"type": "integer"}}}
SERVERS: list[Row] = [
    {"server_name": "sky", "tools": [
        {"name": name, "description": f"Tell {name}", "inputSchema": {**_CITY, "required": ["city"]}}
        for name in ("now", "later", "rain", "wind", "sun", "moon", "search")
    ]},
    {"server_name": "sea of maps", "tools": [{"name": "search", "inputSchema": _CITY}]},
]  # fmt: skip


def xlam_row(number: int) -> Row:
    name = f"service_{number % 50}"
    tools = [{
        "name": name, "description": "A service.",
        "parameters": {
            "query": {"type": "str", "description": "What to look for."},
            "limit": {"type": "int, optional", "description": "How many.", "default": 10},
        },
    }]  # fmt: skip
    answers = [{"name": name, "arguments": {"query": f"item {number}"}}]
    return {
        "id": number, "query": f"Find item {number}.", "tools": json.dumps(tools), "answers": json.dumps(answers),
    }  # fmt: skip


def usage_row(number: int, rows_in_session: int = 5) -> Row:
    """As the training report's MCP server logged them, in time order, some as plain answers and some as commands."""
    moment = _START + timedelta(hours=number)
    tool = ("bash", "code_generation", "git")[number % 3]
    return {
        "user_request": f"Do job number {number}", "tool": tool, "command": f"run --job {number}",
        "output": f"job {number} is done", "success": True, "timestamp": moment.isoformat(),
        "metadata": {
            "session_id": f"s{number // rows_in_session}", "complexity": "low", "model": "any",
            "performance": {"seconds": number / 7},
        },
    }  # fmt: skip


def write_array(path: Path, rows: list[Row]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(rows), encoding="utf-8")


def write_lines(path: Path, rows: list[Row]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def write_raw_folder(
    folder: Path, code: int = 0, glaive: int = 0, shell: int = 0, xlam: int = 0, usage: int = 0
) -> Path:
    """Write so many raw rows of each source into a folder laid out for `data.raw_dir`."""
    if code:
        write_array(folder / "code_alpaca" / "code_alpaca_20k.json", [code_row(n) for n in range(code)])
    if glaive:
        write_array(folder / "glaive" / "glaive-function-calling-v2.json", [glaive_row(n) for n in range(glaive)])
    if shell:
        write_lines(folder / "nl2bash" / "nl2bash.jsonl", [shell_row(n) for n in range(shell)])
    if xlam:
        write_array(folder / "xlam" / "xlam_function_calling_60k.json", [xlam_row(n) for n in range(xlam)])
    if usage:
        write_lines(folder / "usage" / "training_data_1.jsonl", [usage_row(n) for n in range(usage)])
    return folder
