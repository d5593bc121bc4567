"""Shell pairs become a call of the bash tool."""

from __future__ import annotations

import pytest

from hive_mind.conversation import Conversation, Reject
from hive_mind.sources.bash_commands import HUB, convert, understands


def test_a_pair_is_one_call_of_bash_with_one_required_text_parameter() -> None:
    made = convert({"nl": " List all files ", "bash": "ls -la\n"})
    assert isinstance(made, Conversation)
    assert [(m.role, m.content) for m in made.messages] == [("user", "List all files"), ("assistant", "")]
    (call,) = made.messages[1].tool_calls
    assert (call.name, call.arguments) == ("bash", {"command": "ls -la"})
    (tool,) = made.tools
    assert tool.name == "bash"
    assert tool.parameters["required"] == ["command"]
    assert tool.parameters["properties"]["command"]["type"] == "string"


@pytest.mark.parametrize(
    ("row", "code"),
    [
        ({"nl": "", "bash": "ls"}, "empty_request"),
        ({"nl": "List", "bash": " "}, "empty_command"),
        ({"nl": "List", "bash": None}, "empty_command"),
        ({"nl": 3, "bash": "ls"}, "not_text"),
        ({"nl": "ERROR - this is for DOS", "bash": "ping -n 1 %ip%"}, "annotators_note"),
    ],
)
def test_unusable_rows_are_rejected_with_a_reason(row: dict[str, object], code: str) -> None:
    result = convert(row)
    assert isinstance(result, Reject) and (result.source, result.code) == ("bash_commands", code)


def test_the_test_split_is_never_fetched() -> None:
    assert HUB is not None and "*test*" in HUB.exclude


def test_layouts_are_told_apart() -> None:
    assert understands({"nl": "List", "bash": "ls", "extra": 1})
    assert not understands({"query": "List", "gold": "ls"})
