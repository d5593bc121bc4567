"""Claude Code's hook after a tool call: it hands over what was called with what and what came back; that is recorded.

It runs after every call, so it must be quick and must never get in the client's way: what cannot be read is left out.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import orjson

from hive_mind.conversation import JSON, Message, ToolCall
from hive_mind.errors import HiveMindError
from hive_mind.interaction import Interaction, Outcome
from hive_mind.progress import utc_now
from hive_mind.serving.mcp.places import placed
from hive_mind.usage.recorder import open_recorder
from hive_mind.usage.settings import UsageSettings

OWN_TOOLS = "mcp__hive-mind__"
"""Calls of this package's own server, which records them itself."""
FAILED = "PostToolUseFailure"
LONGEST_RESULT = 20_000


def read(text: bytes) -> Interaction | None:
    """Return what the hook's JSON tells of a call; None for calls of our own tools. Raises ValueError if it is none."""
    told = orjson.loads(text)
    if not isinstance(told, dict) or not isinstance(told.get("tool_name"), str):
        raise ValueError("it has no tool_name; this command is for the hooks PostToolUse and PostToolUseFailure")
    name = told["tool_name"]
    if name.startswith(OWN_TOOLS):
        return None
    arguments = told.get("tool_input")
    call = ToolCall(str(told.get("tool_use_id") or "call_0"), name, arguments if isinstance(arguments, dict) else {})
    outcome, error = _outcome(told)
    result = _text(told.get("tool_response")) or error
    return Interaction(
        source="claude_code",
        messages=(),
        answer=Message("assistant", "", (call,)),
        results=(Message("tool", result, tool_call_id=call.id, name=name),) if result else (),
        outcome=outcome,
        error=error,
        client="claude-code",
        session=str(told.get("session_id") or ""),
        time=utc_now(),
    )


def _outcome(told: JSON) -> tuple[Outcome, str]:
    response = told.get("tool_response")
    if told.get("hook_event_name") == FAILED:
        return "failed", str(told.get("error") or "the tool failed")
    if isinstance(response, dict) and (response.get("isError") is True or response.get("is_error") is True):
        return "failed", _text(response)[:500]
    return "succeeded", ""


def _text(response: Any) -> str:
    """Return a tool's response as text; it has another layout for every kind of tool."""
    if response is None:
        return ""
    if isinstance(response, str):
        text = response
    elif isinstance(response, list):
        text = "\n".join(_text(part) for part in response)
    elif isinstance(response, Mapping) and isinstance(response.get("content"), list):
        text = _text(response["content"])
    elif isinstance(response, Mapping) and isinstance(response.get("text"), str):
        text = response["text"]
    elif isinstance(response, Mapping) and isinstance(response.get("stdout"), str):
        text = "\n".join(
            part for part in (response["stdout"], response.get("stderr")) if isinstance(part, str) and part
        )
    else:
        text = orjson.dumps(response).decode()
    return text[:LONGEST_RESULT]


def main() -> None:
    """Record what stands on standard input, in the folder that is the only argument; without the command line's parser.

    That takes as long to import as all the rest here (`python -m hive_mind.serving.mcp.hook FOLDER`).
    """
    problem = record(sys.stdin.buffer.read(), placed(UsageSettings(), Path(sys.argv[1])))
    if problem:
        print(f"hive-mind mcp hook: {problem}", file=sys.stderr)


def record(text: bytes, settings: UsageSettings) -> str:
    """Record what the hook tells; returns what is wrong with it, empty if nothing is."""
    try:
        interaction = read(text)
        if interaction is not None:
            with closing(open_recorder(settings)) as recorder:
                recorder.record(interaction)
    except (ValueError, HiveMindError) as error:
        return str(error)
    return ""


if __name__ == "__main__":
    main()
