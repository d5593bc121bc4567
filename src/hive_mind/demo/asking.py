"""Requests of the sample world: a tool, the words that ask for it, and the call that answers them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from random import Random
from typing import Any

from hive_mind.demo import lexicon_held_out, lexicon_training, phrases, phrases_held_out, shell_frames, talk
from hive_mind.demo.lexicon import Lexicon
from hive_mind.demo.world import WorldTool, arguments_in_order
from hive_mind.sources.bash_commands import BASH

_SLOT = re.compile(r"\{(\w+)\}")
_OPEN_END = re.compile(r"\{(\w+)\}$")
FREE_TEXT = ("saying", "doing", "change", "heading", "occasion", "song", "artist")
"""Slots whose values are words without an end of their own."""


@dataclass(frozen=True)
class Asked:
    """A request for a tool and the arguments that it gives."""

    text: str
    tool: WorldTool
    arguments: dict[str, Any]


@dataclass(frozen=True)
class Voice:
    """One side's way of asking: its words, frames and chat. Training and held-out voices share none of them."""

    lexicon: Lexicon
    frames: Mapping[str, str]
    openings: tuple[str, ...]
    closings: tuple[str, ...]
    shell: Mapping[str, tuple[str, ...]]
    chat: tuple[tuple[str, str], ...]

    @cached_property
    def by_tool(self) -> dict[str, tuple[str, ...]]:
        """Tool -> its frames."""
        return {tool: tuple(_frames(text)) for tool, text in self.frames.items()}

    def ask(self, tool: WorldTool, rng: Random) -> Asked:
        """Ask for a tool in words of this voice."""
        if tool.name == BASH.name:
            text, command = self.ask_shell(rng)
            return Asked(self.dress(text, rng), tool, {"command": command})
        frame, _, implied = rng.choice(self.by_tool[tool.name]).partition("|")
        arguments = _implied(implied)
        said: dict[str, str] = {}
        for parameter in tool.parameters:
            if parameter.slot == "address" and "{street}" in frame:
                arguments["address"] = {
                    "street": self.lexicon.draw("street", rng),
                    "city": self.lexicon.draw("city", rng),
                }
                said |= arguments["address"]
            elif "{" + parameter.name + "}" in frame:
                value = self._value(parameter.schema, parameter.slot, rng)
                arguments[parameter.name] = value
                said[parameter.name] = _spoken(value)
        open_end = _OPEN_END.search(frame.strip())
        last = next((p.slot for p in tool.parameters if open_end and p.name == open_end[1]), "")
        text = self.dress(frame.strip().format(**said), rng, plainly=last in FREE_TEXT)
        return Asked(text, tool, arguments_in_order(tool, arguments))

    def ask_shell(self, rng: Random) -> tuple[str, str]:
        """(request, command), not dressed up."""
        command = rng.choice(list(self.shell))
        frame = rng.choice(self.shell[command])
        said = {slot: self._shell_slot(slot, rng) for slot in _SLOT.findall(command + frame)}
        return frame.format(**said), command.format(**said)

    def talk(self, rng: Random) -> tuple[str, str]:
        """(something said, a fitting answer) that needs no tool."""
        said, answer = rng.choice(self.chat)
        words = {slot: self.lexicon.draw(slot, rng) for slot in ("city", "person", "noun", "adjective")}
        return said.format(**words), answer.format(**words)

    def _shell_slot(self, slot: str, rng: Random) -> str | int:
        return rng.randint(1, 9) if slot == "digit" else self.lexicon.draw(slot, rng)

    def _value(self, schema: Mapping[str, Any], slot: str, rng: Random) -> Any:
        if "enum" in schema:
            return rng.choice(schema["enum"])
        if schema["type"] == "array":
            return [self.lexicon.draw(slot, rng) for _ in range(rng.randint(2, 3))]
        return self.lexicon.draw(slot, rng)

    def dress(self, text: str, rng: Random, plainly: bool = False) -> str:
        """Put an opening before an order and a closing behind it; a sentence of its own stays as it is.

        `plainly`: only a mark behind it, because words would read as part of the text that the order ends with.
        """
        if text[0].islower():
            text = rng.choice(self.openings) + text
            closing = rng.choice([mark for mark in self.closings if len(mark) < 2] if plainly else self.closings)
            if text[-1] not in ".?!" and (closing != "?" or text.lower().startswith(("can", "could", "would"))):
                text += closing
        return text[0].upper() + text[1:] if rng.random() < 0.8 else text


def _frames(text: str) -> Iterator[str]:
    return (line.strip() for line in text.strip().splitlines())


def _implied(text: str) -> dict[str, Any]:
    key, _, value = text.strip().partition("=")
    return {key: value == "true"} if key else {}


def _spoken(value: Any) -> str:
    return ", ".join(value[:-1]) + f" and {value[-1]}" if isinstance(value, list) else str(value)


TRAINING = Voice(
    lexicon_training.TRAINING, phrases.FRAMES, phrases.OPENINGS, phrases.CLOSINGS, shell_frames.TRAINING, talk.CHAT
)
HELD_OUT = Voice(
    lexicon_held_out.HELD_OUT, phrases_held_out.FRAMES, phrases_held_out.OPENINGS, phrases_held_out.CLOSINGS,
    shell_frames.HELD_OUT, phrases_held_out.CHAT,
)  # fmt: skip
