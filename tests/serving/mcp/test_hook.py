"""The hook of Claude Code: what it records, what it leaves out, and that it is quick and never fails."""

import json
import resource
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hive_mind.serving.mcp.hook import read
from tests.serving.mcp.test_proxy import HIVE_MIND, recorded

TOLD = {
    "session_id": "s1", "transcript_path": "/home/user/t.jsonl", "cwd": "/home/user", "permission_mode": "default",
    "hook_event_name": "PostToolUse", "tool_name": "Bash", "tool_input": {"command": "ls"},
    "tool_response": {"stdout": "a\nb", "stderr": "", "interrupted": False}, "tool_use_id": "toolu_1",
}  # fmt: skip
CPU_SECONDS = 0.3
HEAVY = ("torch", "transformers", "sqlalchemy", "typer", "mcp", "numpy", "rich")


def told(**changes):
    return json.dumps({**TOLD, **changes}).encode()


def test_a_call_is_read_with_its_result_and_session():
    made = read(told())
    assert (made.source, made.client, made.session, made.outcome) == ("claude_code", "claude-code", "s1", "succeeded")
    (call,) = made.answer.tool_calls
    assert (call.id, call.name, call.arguments) == ("toolu_1", "Bash", {"command": "ls"})
    assert made.results[0].content == "a\nb" and made.messages == ()


@pytest.mark.parametrize(
    ("changes", "outcome", "words"),
    [
        ({"tool_response": "plain"}, "succeeded", "plain"),
        ({"tool_response": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}, "succeeded", "a\nb"),
        ({"tool_response": {"content": [{"type": "text", "text": "no"}], "isError": True}}, "failed", "no"),
        ({"tool_response": {"stdout": "out", "stderr": "err"}}, "succeeded", "out\nerr"),
        ({"tool_response": {"filePath": "a.txt"}}, "succeeded", '{"filePath":"a.txt"}'),
        ({"tool_response": None, "hook_event_name": "PostToolUseFailure", "error": "exit 1"}, "failed", "exit 1"),
    ],
)
def test_results_of_every_layout_and_failures(changes, outcome, words):
    made = read(told(tool_name="mcp__files__read", **changes))
    assert (made.outcome, made.results[0].content) == (outcome, words)
    assert bool(made.error) == (outcome == "failed")


def test_our_own_tools_are_recorded_by_our_own_server():
    assert read(told(tool_name="mcp__hive-mind__shell_command")) is None


@given(st.dictionaries(st.sampled_from(sorted(TOLD)), st.none() | st.integers() | st.text() | st.lists(st.text())))
def test_whatever_it_is_told_it_reads_it_or_says_that_it_cannot(changes):
    try:
        read(told(**changes))
    except ValueError as error:
        assert "tool_name" in str(error)


@pytest.mark.parametrize(
    "command", [[*HIVE_MIND, "mcp", "hook", "--folder"], [sys.executable, "-m", "hive_mind.serving.mcp.hook"]]
)
def test_it_records_in_the_store_and_never_fails_the_client(tmp_path, command):
    for content, said in (
        (told(), b""),
        (b"{", b"hive-mind mcp hook: "),
        (b"[]", b"it has no tool_name"),
        (b"", b"hook: "),
    ):
        done = subprocess.run([*command, str(tmp_path)], input=content, capture_output=True, check=False)
        assert done.returncode == 0 and done.stdout == b"" and said in done.stderr and b"Traceback" not in done.stderr
        assert bool(said) == bool(done.stderr)
    (kept,) = recorded(tmp_path)
    assert kept.source == "claude_code" and kept.answer.tool_calls[0].name == "Bash"


def test_it_is_quick(tmp_path):
    """Processor time, and twice what an idle machine takes, so that a busy one does not fail it."""
    command = [sys.executable, "-m", "hive_mind.serving.mcp.hook", str(tmp_path)]
    times = []
    for number in range(5):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(command, input=told(tool_use_id=f"toolu_{number}"), check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        times.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    assert min(times) < CPU_SECONDS
    script = f"import sys, hive_mind.serving.mcp.hook; print([name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
