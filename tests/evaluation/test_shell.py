"""Commands judged by what they do on icalfa's file systems."""

import random
import time

import pytest

from hive_mind.conversation import Message
from hive_mind.evaluation.shell import Observed, Shell, _clock, check, check_all, disagreement, refer, tokens, unfit
from hive_mind.suites.nl2sh import ShellTask, load
from hive_mind.suites.unavailable import SuiteUnavailable

NEVER = _clock(0, 1)


@pytest.fixture(scope="module")
def shell(sandbox):
    try:
        return Shell(sandbox)
    except SuiteUnavailable as reason:
        pytest.skip(f"no fixtures: {reason}")


@pytest.fixture(autouse=True)
def no_pause(monkeypatch):
    """Nothing here prints whole seconds."""
    monkeypatch.setattr("hive_mind.evaluation.shell.CLOCK_TICK", 0.0)


def task(gold, gold2="true", image=2, name="task"):
    return ShellTask(name, "difficulty_0", name, (Message("user", "do it"),), gold, gold2, image)


def judged(shell, gold, command, gold2="true", image=2):
    asked = task(gold, gold2, image)
    return check(asked, command, refer([asked], shell), shell)


def test_the_file_systems_are_made_as_icalfa_makes_them(shell):
    assert shell.run(1, "cat /testbed/dir1/perms.txt; stat -c %a /testbed/dir1/perms.txt; echo $FILES").stdout == (
        "File with perms\n1553\n/testbed/hello.c /testbed/FooBar.html\n"
    )
    assert shell.run(2, "cat '/system/folder2/special text3.txt'").stdout == "The third file with special name\n"
    assert shell.run(3, "ls -l --time-style=+%F /workspace/old2.txt").stdout.split()[-2:] == [
        "2023-01-31", "/workspace/old2.txt",
    ]  # fmt: skip
    assert shell.run(4, "ls /setup_nl2b_fs_4.sh").exit_code == 0
    assert shell.run(5, "sh /testbed/dir2/shellscript2.sh; whoami; pwd").stdout == "Shell script 2\nroot\n/\n"


def test_every_command_finds_a_new_file_system(shell):
    removed = shell.run(2, "rm -r /system")
    assert removed.changes["/system"] is None and len(removed.changes) > 20
    assert shell.run(2, "ls /system").exit_code == 0


def test_times_are_the_same_in_every_run(shell):
    first = shell.run(3, "ls -lR --full-time /workspace").stdout
    time.sleep(1.1)
    assert first == shell.run(3, "ls -lR --full-time /workspace").stdout


def test_changes_are_kind_mode_and_content(shell):
    did = shell.run(
        2, "chmod 600 /system/a.out; ln -s /x /system/y; mkdir /new; echo a > /new/b; touch /system/text1.txt"
    )
    assert set(did.changes) == {"/system/a.out", "/system/y", "/new", "/new/b"}
    assert did.changes["/system/a.out"][:2] == ["f", 0o600] and did.changes["/system/y"] == ["l", 0o777, "/x"]
    assert did.changes["/new"][0] == "d"


@pytest.mark.parametrize(
    ("command", "changed"),
    [
        ("touch $'/bad\\xff name'", ["/bad\\xff name"]),
        ("ln -s $'\\xfe' /link", ["/link"]),
        ("mkfifo /pipe", ["/pipe"]),
        ("mkdir /locked && touch /locked/x && chmod 0 /locked", ["/locked", "/locked/x"]),
        ("touch $'/new\\nline' /é", ["/new\nline", "/é"]),
    ],
)
def test_odd_files_are_seen(shell, command, changed):
    assert sorted(shell.run(4, command).changes) == changed


def test_output_of_any_bytes_is_kept_to_its_bound(shell):
    did = shell.run(4, "head -c 3000000 /dev/urandom; head -c 3000000 /dev/urandom >&2")
    assert did is not None and did.exit_code == 0 and 50_000 < len(did.stdout) <= 1 << 17


@pytest.mark.parametrize(
    ("gold", "command"),
    [
        ("ls /system", "ls -1 /system"),
        (
            "find /system -name '*.sql'",
            "find . \\( -path ./usr -o -path ./opt -o -path ./proc \\) -prune -o -name '*.sql' -print",
        ),
        ("find /system -type f | sort", "find system -type f"),
        ("mkdir /system/new", "mkdir -v /system/new"),
        ("rm /system/*.txt", "find /system -maxdepth 1 -name '*.txt' -delete"),
        ("mv /system/a.out /system/b.out", "cp -p /system/a.out /system/b.out && rm /system/a.out"),
        ("wc -l < /system/text1.txt", "awk 'END {print NR}' /system/text1.txt"),
    ],
)
def test_the_same_by_other_means_is_right(shell, gold, command):
    assert judged(shell, gold, command).correct


@pytest.mark.parametrize(
    ("gold", "command", "why"),
    [
        ("ls /system", "", "no_command"),
        ("ls /system", "I cannot.", "no_command"),
        ("ls /system", "ls -a /system", "wrong_output"),
        ("ls /system", "ls /system; rm /system/text1.txt", "wrong_changes"),
        ("ls -a /system/folder1", "ls -a /system/folder1 | tr -d .", "wrong_output"),
        ("rm /system/text1.txt", "rm /system/text3.txt", "wrong_changes"),
        ("rm /system/text1.txt", "rm -r /system", "wrong_changes"),
        ("chmod 600 /system/a.out", "chmod 640 /system/a.out", "wrong_changes"),
        ("echo a > /system/new", "echo b > /system/new", "wrong_changes"),
        ("ln -s /system/a.out /l", "cp /system/a.out /l", "wrong_changes"),
        ("ls /system", "kill -9 $PPID", "killed"),
        ("ls /system", "ls /system; while true; do sleep 1; done", "killed"),
    ],
)
def test_what_differs_is_wrong(shell, gold, command, why):
    outcome = judged(shell, gold, command)
    assert (outcome.correct, outcome.why) == (False, why)


def test_either_reference_will_do(shell):
    assert judged(shell, "ls /system", "ls -a /system", gold2="ls -a /system").correct
    assert not judged(shell, "ls /system", "ls -a /system", gold2="ls -A /system").correct


def test_a_reference_that_cannot_judge_does_not_count(shell):
    clock = " ".join(time.strftime("%H:%M", time.gmtime(time.time() + later)) for later in (0, 60))
    golds = {
        "killed": "sleep 60",
        "program_missing": "no-such-program | cat; echo x",
        "shows_sandbox": "cat /proc/1/cmdline | tr '\\0' ' '",
        "not_deterministic": "date +%N",
        "shows_clock": f"echo {clock}",  # date would print two minutes at the turn of one
        "no_effect": "true",
    }
    tasks = [task(gold, "ls /system", name=why) for why, gold in golds.items()] + [task("ls", "date +%N", name="ls")]
    found = refer(tasks, shell)
    assert found.left_out == {why: why for why in golds}
    assert [len(each) for each in found.observed.values()] == [1]
    assert found.counts() == {"counting": 1, **dict.fromkeys(golds, 1)}


def test_unfit_by_itself():
    did = Observed(0, "x", "", {})
    assert unfit(did, did, NEVER) == "" and unfit(None, did, NEVER) == "killed"
    assert unfit(Observed(0, " \n", "", {}), Observed(0, " \n", "", {}), NEVER) == "no_effect"
    assert unfit(Observed(0, "", "", {"/x": None}), Observed(0, "", "", {"/x": None}), NEVER) == ""
    begun = 1_790_000_000.0
    shown = Observed(0, time.strftime("up since %H:%M:%S", time.gmtime(begun + 130)), "", {})
    assert unfit(shown, shown, _clock(begun, begun + 200)) == "shows_clock"
    assert unfit(shown, shown, _clock(begun - 900, begun - 300)) == ""


def test_outputs_are_compared_as_words_and_paths_from_the_root():
    assert tokens("./a/b\n/a/c/\n  d  ") == tokens("d a/c a/b")
    assert set(tokens(".hidden / . ..")) == {".hidden", "/", ".", ".."}
    assert tokens(".hidden") != tokens("hidden")
    assert disagreement(Observed(0, "a b", "", {}), Observed(1, "b\na\n", "other", {})) == ""


def test_all_on_threads_come_in_order(shell):
    tasks = [task("ls /system", name="a"), task("ls /", name="b")] * 3
    references = refer(tasks[:2], shell)
    found = check_all(tasks, ["ls /system", "ls /"] * 2 + ["ls /", "ls /system"], references, shell)
    assert [outcome.correct for outcome in found] == [True] * 4 + [False] * 2


def test_references_judge_as_people_do(real_data, shell):
    """A part of the tasks: `make bench-execution` takes them all, with 600 pairs of other tasks' commands."""
    every = [each for each in load(real_data / "eval/nl2sh_alfa") if each.gold != each.gold2]
    tasks = random.Random(5).sample(every, 60)
    references = refer(tasks, shell, gold_alone=True)
    counting = [each for each in tasks if each.id in references.observed]
    assert len(counting) >= 60 * 190 / 266 - 6
    second = check_all(counting, [each.gold2 for each in counting], references, shell)
    assert sum(outcome.correct for outcome in second) >= 0.55 * len(counting)
    others = [next(o for o in every if o.image == each.image and o.gold != each.gold) for each in counting]
    found = check_all(counting, [other.gold for other in others], references, shell)
    assert sum(outcome.correct for outcome in found) <= 1
