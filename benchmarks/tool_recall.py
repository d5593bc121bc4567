"""How often the tool that was really used is among the k that a request is offered, on real runs of an agent.

    python benchmarks/tool_recall.py     # needs HIVE_MIND_REAL_DATA; writes benchmarks/results/tool_recall.json

Each of the runs' calls is asked for with what was said before it. Besides `catalogue.request_text`, other requests,
other texts for tools and other parameters are tried, and smaller sets of tools: those of the run's own servers, and
random ones that hold what the run used.
"""

from __future__ import annotations

import json
import os
import random
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from hive_mind.catalogue.bm25 import K1, B, Index, words
from hive_mind.catalogue.select import K, document, rank, request_text
from hive_mind.conversation import JSON, Message, Tool, ToolCall
from hive_mind.files import read_json, write_json
from hive_mind.sources.transcripts import RunTurn, read_turns

RESULTS = Path(__file__).parent / "results" / "tool_recall.json"
SIZES = (25, 50, 100, 200, 400)
DRAWS = 5

Key = tuple[str | None, str]


@dataclass(frozen=True)
class Asked:
    """A call of a real tool: the run it is of, what was said before it, and what was called in the run before."""

    run: int
    before: tuple[Message, ...]
    searched: str
    key: Key
    called: frozenset[Key]


def read_tools(file: Path) -> dict[Key, Tool]:
    """Return all declared tools by server and name."""
    servers = [server for package in read_json(file) for server in package["tools"].values()]
    return {
        (server["server_name"], tool["name"]): Tool(tool["name"], tool.get("description") or "", tool["inputSchema"])
        for server in servers
        for tool in server["tools"]
    }


def read_calls(file: Path, tools: dict[Key, Tool]) -> list[Asked]:
    """Return every call of a tool that is declared, with the messages that a model would have been shown before it."""
    asked = []
    for run, line in enumerate(file.read_bytes().splitlines()):
        before: list[Message] = []
        called: set[Key] = set()
        searched = ""
        for turn in read_turns(json.loads(line)["messages"]):
            for call in turn.calls:
                if call.search:
                    searched = str(call.arguments.get("query", "")) if isinstance(call.arguments, dict) else ""
                elif (call.server, call.tool) in tools:
                    key = (call.server, call.tool)
                    asked.append(Asked(run, tuple(before), searched, key, frozenset(called)))
            called |= {(call.server, call.tool) for call in turn.calls if not call.search}
            before.append(as_message(turn))
    return asked


def as_message(turn: RunTurn) -> Message:
    made = tuple(ToolCall("c", call.tool, {}) for call in turn.calls if not call.search)
    return Message(str(turn.message["role"]), turn.message.get("content") or "", made)


def user_words(asked: Asked) -> str:
    return " ".join(message.content for message in asked.before if message.role == "user")


def said_last(asked: Asked) -> str:
    said = [message.content for message in asked.before if message.role == "assistant" and message.content]
    return said[-1] if said else ""


REQUESTS: dict[str, Callable[[Asked], str]] = {
    "user's words": user_words,
    "user's words, called names": lambda asked: " ".join([user_words(asked), *(tool for _, tool in asked.called)]),
    "user's words, last words of the model": lambda asked: f"{user_words(asked)} {said_last(asked)}",
    "user's words, last words of the model, called names (chosen)": lambda asked: request_text(asked.before),
    "user's words, all words of the model": lambda asked: " ".join(
        message.content for message in asked.before if message.role in ("user", "assistant")
    ),
    "user's words, the agent's own search": lambda asked: f"{user_words(asked)} {asked.searched}",
}


def recall(asked: Sequence[Asked], ranked: Callable[[Asked], Sequence[Key]], k: int = K, keep: bool = True) -> float:
    """Return the share of calls whose tool is among the k best, or was called before where such are kept."""
    hits = 0
    for one in asked:
        kept = one.called if keep else frozenset()
        best = [key for key in ranked(one) if key not in kept][:k]
        hits += one.key in best or one.key in kept
    return round(hits / len(asked), 4)


def ranking(tools: dict[Key, Tool], request: Callable[[Asked], str]) -> Callable[[Asked], list[Key]]:
    """Return how the catalogue ranks tools for a call."""
    keys, listed = list(tools), list(tools.values())
    return lambda asked: [keys[place] for place in rank(request(asked), listed)]


def variant(
    tools: dict[Key, Tool], text: Callable[[Key, Tool], Sequence[str]] = lambda _, tool: document(tool), k1: float = K1,
    b: float = B, split: Callable[[str], list[str]] = words,
) -> Callable[[Asked], list[Key]]:  # fmt: skip
    """Return another ranking of the chosen request: other texts, parameters or words."""
    keys = list(tools)
    index = Index([text(key, tool) for key, tool in tools.items()], k1, b)

    def ranked(asked: Asked) -> list[Key]:
        scores = index.scores(split(request_text(asked.before)))
        return [keys[place] for place in sorted(range(len(keys)), key=lambda place: (-scores[place], keys[place][1]))]

    return ranked


def texts() -> dict[str, Callable[[Key, Tool], Sequence[str]]]:
    """Return other texts for a tool than its name, description and parameters' names."""

    def properties(tool: Tool) -> JSON:
        return tool.parameters.get("properties") or {}

    def described(tool: Tool) -> list[str]:
        parts = [part for part in properties(tool).values() if isinstance(part, dict)]
        return [word for part in parts for word in words(str(part.get("description") or ""))]

    return {
        "name alone": lambda _, tool: words(tool.name),
        "without the description": lambda _, tool: [*words(tool.name), *words(" ".join(properties(tool)))],
        "with the server's name": lambda key, tool: [*document(tool), *words(key[0] or "")],
        "with the name three times": lambda _, tool: [*document(tool), *words(tool.name) * 2],
        "with the parameters' descriptions": lambda _, tool: [*document(tool), *described(tool)],
    }  # fmt: skip


def by_size(tools: dict[Key, Tool], asked: Sequence[Asked]) -> JSON:
    """Return recall over random sets of tools that hold all that a run used, and over its own servers' tools."""
    runs = sorted({one.run for one in asked})
    used = {run: {one.key for one in asked if one.run == run} for run in runs}
    chance = random.Random(0)
    made: JSON = {}
    for size in (*SIZES, len(tools)):
        draws = []
        for _ in range(DRAWS if size < len(tools) else 1):
            hits = 0.0
            for run in runs:
                others = chance.sample([key for key in tools if key not in used[run]], max(0, size - len(used[run])))
                some = {key: tools[key] for key in sorted([*used[run], *others], key=str)}
                mine = [one for one in asked if one.run == run]
                hits += recall(mine, ranking(some, REQUESTS[CHOSEN])) * len(mine)
            draws.append(hits / len(asked))
        made[str(size)] = {"mean": round(statistics.mean(draws), 4), "draws": [round(draw, 4) for draw in draws]}
    hits, sizes = 0.0, []
    for run in runs:
        servers = {server for server, _ in used[run]}
        own = {key: tool for key, tool in tools.items() if key[0] in servers}
        mine = [one for one in asked if one.run == run]
        hits += recall(mine, ranking(own, REQUESTS[CHOSEN])) * len(mine)
        sizes.append(len(own))
    made["own servers"] = {"mean": round(hits / len(asked), 4), "median_tools": statistics.median(sizes)}
    return made


CHOSEN = "user's words, last words of the model, called names (chosen)"


def measure(folder: Path) -> JSON:
    """Measure everything; times are those of this machine."""
    tools = read_tools(folder / "livemcpbench_tools.json")
    asked = read_calls(folder / "livemcpbench_runs_60.jsonl", tools)
    first = [one for one in asked if one.key not in one.called]
    begun = time.perf_counter()
    rank("warm up", list(tools.values()))
    indexed = time.perf_counter()
    for one in asked[:100]:
        rank(request_text(one.before), list(tools.values()))
    per_request = (time.perf_counter() - indexed) / len(asked[:100])
    chosen = ranking(tools, REQUESTS[CHOSEN])
    return {
        "data": {"runs": 60, "tools": len(tools), "calls": len(asked), "first_calls_of_a_tool": len(first)},
        "recall_at_8": recall(asked, chosen), "recall_at_8_of_first_calls": recall(first, chosen),
        "by_k": {str(k): recall(asked, chosen, k) for k in (1, 3, 5, 8, 12, 20, 40)},
        "by_k_first_calls": {str(k): recall(first, chosen, k) for k in (1, 3, 5, 8, 12, 20, 40)},
        "by_request": {
            name: {"all": recall(asked, ranking(tools, request)), "first_calls": recall(first, ranking(tools, request)),
                   "called_not_kept": recall(asked, ranking(tools, request), keep=False)}
            for name, request in REQUESTS.items()
        },
        "by_text": {name: recall(asked, variant(tools, text)) for name, text in texts().items()},
        "by_parameters": {
            f"k1={k1}, b={b}": recall(asked, variant(tools, k1=k1, b=b))
            for k1, b in ((0.6, 0.75), (0.9, 0.4), (1.2, 0.4), (1.2, 0.75), (1.2, 1.0), (2.0, 0.75))
        },
        "by_number_of_tools": by_size(tools, asked),
        "seconds": {"index_of_all_tools": round(indexed - begun, 4), "a_request": round(per_request, 5)},
    }  # fmt: skip


def main() -> None:
    """Measure and write the results."""
    if "HIVE_MIND_REAL_DATA" not in os.environ:
        sys.exit("HIVE_MIND_REAL_DATA is not set: this measures real runs, which are not in the repository")
    found = measure(Path(os.environ["HIVE_MIND_REAL_DATA"]) / "usage")
    write_json(RESULTS, found)
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
