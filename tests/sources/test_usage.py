"""Usage rows as the training report's MCP server logged them."""

from __future__ import annotations

import pytest

from hive_mind.conversation import Conversation, Reject
from hive_mind.sources import bash_commands
from hive_mind.sources.usage import convert, understands

ROW = {
    "user_request": "List the files", "tool": "bash", "command": "ls -la", "output": "a.txt", "success": True,
    "timestamp": "2026-02-05T22:19:35.585826",
    "metadata": {"session_id": "s1", "complexity": "low", "model": "any", "performance": {"seconds": 0.1}},
}  # fmt: skip


def converted(**change: object) -> Conversation:
    made = convert({**ROW, **change})
    assert isinstance(made, Conversation), made
    return made


def test_a_tools_command_becomes_a_call_of_that_tool() -> None:
    made = converted(tool="git", command="git status ")
    assert [(m.role, m.content) for m in made.messages] == [("user", "List the files"), ("assistant", "")]
    assert [(c.name, c.arguments) for c in made.calls] == [("git", {"command": "git status"})]
    (tool,) = made.tools
    assert tool.name == "git"
    assert tool.parameters["properties"]["command"]["type"] == "string"
    assert tool.parameters["required"] == ["command"]


def test_bash_is_declared_as_the_shell_pairs_declare_it() -> None:
    assert converted().tools == (bash_commands.BASH,)


@pytest.mark.parametrize("kind", ["code_generation", "function_calling", "Code_Generation ", "", None])
def test_kinds_of_answers_are_no_tools(kind: str | None) -> None:
    made = converted(tool=kind, output="print('hi')\n")
    assert made.messages[1].content == "print('hi')"
    assert made.tools == () and made.calls == ()


def test_timestamp_and_metadata_are_brought_to_one_form() -> None:
    row = converted().to_dict()
    assert row["timestamp"] == "2026-02-05T22:19:35Z"
    assert row["metadata"] == {"source": "usage"}


@pytest.mark.parametrize("success", [True, None, 1, "true", "yes"])
def test_successes_train(success: object) -> None:
    assert converted(success=success)


def test_a_row_that_does_not_say_counts_as_a_success() -> None:
    assert isinstance(convert({key: value for key, value in ROW.items() if key != "success"}), Conversation)


@pytest.mark.parametrize("success", [False, 0, "false", "False", "failed", "no"])
def test_failures_do_not_train(success: object) -> None:
    result = convert({**ROW, "success": success})
    assert isinstance(result, Reject) and result.code == "not_successful"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"user_request": " "}, "empty_request"),
        ({"user_request": ["a"]}, "not_text"),
        ({"tool": 5}, "not_text"),
        ({"command": ""}, "empty_command"),
        ({"command": {"cmd": "ls"}}, "empty_command"),
        ({"tool": "code_generation", "output": ""}, "empty_answer"),
        ({"tool": "code_generation", "output": {"code": "x"}}, "empty_answer"),
        ({"timestamp": "yesterday"}, "unreadable_timestamp"),
    ],
)
def test_unusable_rows_are_rejected_with_a_reason(change: dict[str, object], code: str) -> None:
    result = convert({**ROW, **change})
    assert isinstance(result, Reject) and (result.source, result.code) == ("usage", code)


def test_a_row_without_timestamp_has_none() -> None:
    assert converted(timestamp=None).timestamp is None


def test_rows_that_the_store_exported_are_read_back_as_they_are() -> None:
    made = converted()
    assert understands(made.to_dict())
    assert convert(made.to_dict()) == made
    assert not understands({"messages": [], "metadata": {"source": "messages"}})
