"""The sample user's own log: exactly 67 interactions in the layout in which the training report's server kept them."""

from __future__ import annotations

from datetime import datetime, timedelta
from random import Random
from typing import Any

from hive_mind.demo.asking import Voice

COUNT = 67
START = datetime(2026, 2, 5, 9, 12, 4, 585826)
SESSION_ROWS = (9, 7, 12, 5, 8, 11, 6, 9)
ROWS_WITHOUT_SUCCESS = 10  # the report's first rows had no such field; a missing one counts as a success

_GIT = (
    ("show the state of the repository", "status --short"),
    ("show what I changed", "diff"),
    ("stage all changes", "add --all"),
    ("list the branches", "branch --list"),
    ("push my commits", "push"),
    ("get the newest commits from the server", "pull --rebase"),
    ("undo the last commit but keep its changes", "reset --soft HEAD~1"),
    ("show the tags", "tag --list"),
    ("put my changes aside", "stash"),
    ("bring my stashed changes back", "stash pop"),
)
_CODE = (
    ("write a function that returns the mean of a list", "def mean(values):\n    return sum(values) / len(values)"),
    ("write a function that reverses a text", "def reverse(text):\n    return text[::-1]"),
    ("write a loop that prints the numbers up to 10", "for number in range(1, 11):\n    print(number)"),
    ("write a function that tells if a number is even", "def even(number):\n    return number % 2 == 0"),
    ("write a query for all customers in Berlin", "SELECT * FROM customers WHERE city = 'Berlin';"),
    (
        "write a function that reads a JSON file",
        "import json\n\n\ndef read(path):\n    with open(path) as file:\n        return json.load(file)",
    ),
    (
        "write a class for a point",
        "class Point:\n    def __init__(self, x, y):\n        self.x = x\n        self.y = y",
    ),
)
_TALK = (
    ("which tool lists my files?", "The tool bash lists your files, for instance with ls."),
    ("can you commit without a message?", "No, every commit needs a message."),
    ("what does the tool git do?", "It runs a git command in your repository."),
    ("can you see my calendar?", "Only if a calendar tool is connected."),
    ("what do you do when a tool fails?", "I tell you what it said and ask how to go on."),
)


def rows(voice: Voice, rng: Random) -> list[dict[str, Any]]:
    """Make the log, in time order; every row is of use for training and no two are alike."""
    made: dict[str, dict[str, Any]] = {}
    moment = START
    for session, length in enumerate(SESSION_ROWS, 1):
        moment += timedelta(days=1, minutes=rng.randint(1, 400))
        for _ in range(length):
            moment += timedelta(seconds=rng.randint(20, 900), microseconds=rng.randint(1, 999_999))
            row = _interaction(voice, rng)
            while row["user_request"] in made:
                row = _interaction(voice, rng)
            if len(made) >= ROWS_WITHOUT_SUCCESS:
                row["success"] = True
            row["timestamp"] = moment.isoformat()
            row["metadata"] = {
                "session_id": f"session_{session:02d}",
                "complexity": rng.choice(("simple", "simple", "medium", "complex")),
                "model": "assistant-large",
                "performance": {"duration_ms": rng.randint(40, 4_000)},
            }
            made[row["user_request"]] = row
    return list(made.values())


def _interaction(voice: Voice, rng: Random) -> dict[str, Any]:
    chance = rng.random()
    if chance < 0.5:
        request, command = voice.ask_shell(rng)
        return _row(request, "bash", command, f"exit 0, {rng.randint(0, 40)} lines")
    if chance < 0.62:
        request, command = rng.choice(_GIT)
        return _row(request, "git", command, "ok")
    if chance < 0.76:
        script = voice.lexicon.draw("stem", rng)
        request = rng.choice(("run the script {s}", "start {s} with python", "execute my script {s}")).format(s=script)
        return _row(request, "python", f"{script}.py", "finished")
    if chance < 0.9:
        request, output = rng.choice(_CODE)
        return _row(request, "code_generation", "", output)
    request, output = rng.choice(_TALK)
    return _row(request, "function_calling", "", output)


def _row(request: str, tool: str, command: str, output: str) -> dict[str, Any]:
    return {"user_request": request, "tool": tool, "command": command, "output": output}
