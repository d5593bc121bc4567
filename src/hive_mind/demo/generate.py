"""The sample world written down: raw files in every source's own format, and the three held-out tiers.

Everything is drawn from one seed, file by file, so that a change in one file moves no row of another.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

from hive_mind.conversation import Conversation, Message, ToolCall
from hive_mind.demo import code_rows, conversations, shell_frames, usage_rows
from hive_mind.demo.asking import HELD_OUT, TRAINING, Voice
from hive_mind.files import atomic_write, write_jsonl

SEED = 42
GLAIVE_ROWS, CODE_ROWS, SHELL_ROWS = 3_600, 620, 560
HELD_OUT_ROWS = {"your_tools": 320, "unseen_tools": 160, "chat": 100, "not_offered": 160}
_HELD_OUT_MAKERS: dict[str, Callable[[Voice, Random], Conversation]] = {
    "your_tools": conversations.held_out_call,
    "unseen_tools": conversations.unseen_call,
    "chat": conversations.chat,
    "not_offered": conversations.not_offered,
}
_WITH_TOOLS = "SYSTEM: You are a helpful assistant with access to the following functions. Use them if required -\n"
_WITHOUT_TOOLS = "SYSTEM: You are a helpful assistant, with no access to external functions.\n"
_END = " <|endoftext|>"


def write_raw(folder: Path, seed: int = SEED) -> None:
    """Write the sample world under `folder`; the same seed writes the same bytes."""
    with atomic_write(folder / "code_alpaca" / "code_alpaca_sample.json") as file:
        tasks = code_rows.rows(CODE_ROWS, TRAINING.lexicon, Random(f"{seed}/code"))
        file.write(json.dumps(tasks, indent=1, ensure_ascii=False).encode() + b"\n")
    write_jsonl(folder / "glaive" / "glaive_sample.jsonl", [to_glaive(row) for row in training(seed)])
    write_jsonl(folder / "nl2bash" / "nl2bash_sample.jsonl", shell_pairs(seed))
    write_jsonl(folder / "usage" / "training_data_sample.jsonl", usage_rows.rows(TRAINING, Random(f"{seed}/usage")))
    for tier in HELD_OUT_ROWS:
        write_jsonl(folder / "held_out" / f"{tier}.jsonl", [row.to_dict() for row in held_out(tier, seed)])


def training(seed: int = SEED) -> list[Conversation]:
    """The conversations that the Glaive-layout file holds, no two alike."""
    makers = [maker for maker, _ in conversations.TRAINING_MIX]
    shares = [share for _, share in conversations.TRAINING_MIX]
    rng = Random(f"{seed}/glaive")
    return _distinct(GLAIVE_ROWS, lambda: rng.choices(makers, shares)[0](TRAINING, rng))


def held_out(tier: str, seed: int = SEED) -> list[Conversation]:
    """The conversations of one held-out tier. Raises KeyError for a tier that there is not."""
    rng = Random(f"{seed}/{tier}")
    return _distinct(HELD_OUT_ROWS[tier], lambda: _HELD_OUT_MAKERS[tier](HELD_OUT, rng))


def shell_pairs(seed: int = SEED) -> list[dict[str, str]]:
    """Requests with their shell command, in the layout of NL2Bash."""
    rng = Random(f"{seed}/shell")
    made = {request: command for command, request in shell_frames.EVERYWHERE}
    while len(made) < SHELL_ROWS:
        request, command = TRAINING.ask_shell(rng)
        made.setdefault(request, command)
    return [{"nl": request, "bash": command} for request, command in made.items()]


def to_glaive(conversation: Conversation) -> dict[str, str]:
    """Write a conversation as Glaive's two raw texts, calls and their quoting included."""
    system = _WITHOUT_TOOLS
    if conversation.tools:
        shown = [json.dumps(tool.to_dict()["function"], indent=4, ensure_ascii=False) for tool in conversation.tools]
        system = _WITH_TOOLS + "\n\n".join(shown) + "\n"
    return {"system": system, "chat": "".join(_turn(message) for message in conversation.messages)}


def _turn(message: Message) -> str:
    if message.role == "user":
        return f"USER: {message.content}\n\n\n"
    if message.role == "tool":
        return f"FUNCTION RESPONSE: {message.content}\n\n\n"
    said = " ".join(part for part in (message.content, *map(_call, message.tool_calls)) if part)
    return f"ASSISTANT: {said}{_END}\n\n\n"


def _call(call: ToolCall) -> str:
    arguments = json.dumps(call.arguments, ensure_ascii=False)
    return f'<functioncall> {{"name": "{call.name}", "arguments": \'{arguments}\'}}'


def _distinct(count: int, make: Callable[[], Conversation]) -> list[Conversation]:
    made: dict[Any, Conversation] = {}
    while len(made) < count:
        conversation = make()
        made.setdefault(conversation.id, conversation)
    return list(made.values())
