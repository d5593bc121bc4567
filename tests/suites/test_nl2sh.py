"""Reading NL2SH-ALFA and icalfa's fixtures, and finding the command in what a model says."""

import json
from importlib import metadata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hive_mind.files import write_jsonl
from hive_mind.suites import nl2sh
from hive_mind.suites.nl2sh import extract_command, fixture, load, normalised, parses, same_text
from hive_mind.suites.unavailable import SuiteUnavailable

ROW = {"query": "list files", "gold": "ls -a", "gold2": "find . -maxdepth 1", "difficulty": 0, "image": 1}
COMMAND = "ls -la /testbed | wc -l"


def call(name="bash", **arguments):
    return "<tool_call>\n" + json.dumps({"name": name, "arguments": arguments}) + "\n</tool_call>"


def write(folder, *rows):
    write_jsonl(folder / "tasks.jsonl", rows)
    return folder / "tasks.jsonl"


def test_a_task(tmp_path):
    [task] = load(write(tmp_path, ROW))
    assert task.messages[0].content == "list files" and task.tools[0].name == "bash"
    assert (task.id, task.category, task.cluster, task.image) == ("nl2sh/1", "difficulty_0", "ls -a", 1)


def test_limit_keeps_the_share_of_every_difficulty(tmp_path):
    file = write(tmp_path, *({**ROW, "difficulty": n % 3} for n in range(30)))
    assert sorted(task.category for task in load(file, 6)) == sorted(f"difficulty_{n % 3}" for n in range(6))


@pytest.mark.parametrize("wrong", [{"gold": ""}, {"gold2": None}, {"image": 6}, {"query": 3}])
def test_a_row_in_another_layout_makes_the_suite_unavailable(tmp_path, wrong):
    with pytest.raises(SuiteUnavailable, match="line 2"):
        load(write(tmp_path, ROW, {**ROW, **wrong}))


def test_a_missing_path_makes_the_suite_unavailable(tmp_path):
    with pytest.raises(SuiteUnavailable, match="does not exist"):
        load(tmp_path / "none.jsonl")
    with pytest.raises(SuiteUnavailable, match="must hold one"):
        load(tmp_path)


def test_the_fixtures_come_with_icalfa():
    found = [fixture(image) for image in nl2sh.IMAGES]
    assert [made.path for made in found] == [f"/setup_nl2b_fs_{image}.sh" for image in nl2sh.IMAGES]
    assert all(made.script.startswith("#!/bin/") for made in found)
    assert found[0].environment == {"FILES": "/testbed/hello.c /testbed/FooBar.html"}


def test_without_icalfa_the_suite_is_unavailable(monkeypatch):
    def absent(name):
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(nl2sh.metadata, "distribution", absent)
    with pytest.raises(SuiteUnavailable, match="pip install --no-deps icalfa"):
        fixture(1)


@pytest.mark.parametrize(
    ("reply", "repairs"),
    [
        (call(command=COMMAND), ()),
        (json.dumps({"name": "bash", "arguments": {"command": COMMAND}}), ("bare_json",)),
        (call("run_shell", cmd=COMMAND), ("other_tool",)),
        (COMMAND, ()),
        (f"```bash\n{COMMAND}\n```", ("fenced",)),
        (f"You can use this:\n\n```\n$ {COMMAND}\n```\nIt counts.", ("fenced", "prompt_sign")),
        (f"```sh\n# count the files\n{COMMAND}\n", ("fenced", "unclosed_fence")),
        (f"`{COMMAND}`", ("inline",)),
        (f"You can count them with `{COMMAND}`, which prints one number.", ("inline",)),
        (f"To count the files, run:\n{COMMAND}", ("prose",)),
        (f"{COMMAND}\n\nThis counts the files.", ("prose",)),
        (f"$ {COMMAND}", ("prompt_sign",)),
        (f"$ {COMMAND}\n12", ("prompt_sign",)),
    ],
)
def test_the_command_is_found_and_the_help_is_named(reply, repairs):
    found = extract_command(reply)
    assert (found.text, found.repairs) == (COMMAND, repairs)


@pytest.mark.parametrize(
    "command",
    [
        "ls -ald `which grep`",
        "for f in *; do\n  echo $f\ndone",
        "cat << EOF\nhello\nEOF",
        "find . -name '*.txt' \\\n  -delete",
        "> /testbed/test.txt",
        "FOO=1 env",
        "PATH=/bin ls",
    ],
)
def test_what_is_a_command_already_stays(command):
    assert extract_command(command) == nl2sh.Extracted(command)


@pytest.mark.parametrize("reply", ["", "I cannot do that.", "```\n```", call(), call("bash", command=3)])
def test_where_there_is_no_command_there_is_none(reply):
    assert extract_command(reply).text == ""


@given(st.text(alphabet="`$#> \nlscat-/.{}[]\"'YouI", max_size=80))
def test_no_reply_is_too_odd(reply):
    assert isinstance(extract_command(reply).text, str)
    normalised(reply)


@pytest.mark.parametrize(
    ("command", "right"),
    [
        ('ls -a | grep x && echo "$(date)"', True),
        ("diff <(ls a) <(ls b)", True),
        ("for f in *; do echo $f; done", True),
        ("echo 'open", False),
        ("for f in *; do echo", False),
        ("ls | | wc", False),
        ("", False),
    ],
)
def test_parses(command, right):
    assert parses(command) == right


def test_normalised_texts(tmp_path):
    [task] = load(write(tmp_path, {**ROW, "gold": "grep -l 'a b'  x.txt", "gold2": "awk '/a b/' x.txt"}))
    assert same_text(task, 'grep -l "a b" x.txt;') and same_text(task, "awk '/a b/' x.txt")
    assert not same_text(task, "grep -l a b x.txt") and not same_text(task, "")


def test_real_tasks(real_data):
    tasks = load(real_data / "eval/nl2sh_alfa")
    assert len(tasks) == 300 and sum(task.gold == task.gold2 for task in tasks) == 34
    for task in tasks:
        for command in (task.gold, task.gold2):
            assert extract_command(command).text == command.strip(), command
            assert extract_command(f"```bash\n{command}\n```").text == command.strip()
            assert extract_command(call(command=command)).text == command.strip()
    assert sum(parses(task.gold) for task in tasks) >= 297
