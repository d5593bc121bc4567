"""The same requests answered by several models, next to each other, for people to look at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hive_mind.chat.parse import ParsedReply, parse_reply
from hive_mind.conversation import Message, Tool

if TYPE_CHECKING:
    from hive_mind.device import Device
    from hive_mind.inference.load import ModelReference


@dataclass(frozen=True, slots=True)
class Request:
    """What a person asks, with the tools that are offered."""

    messages: tuple[Message, ...]
    tools: tuple[Tool, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """A model's reply, as it was written and as it was read. `stopped`: it ended by itself within the budget."""

    model: str
    text: str
    parsed: ParsedReply
    stopped: bool


def side_by_side(
    requests: Sequence[Request], models: Sequence[ModelReference], device: Device, max_new_tokens: int = 256
) -> list[list[Answer]]:
    """Return, for every request, every model's answer in the order of `models`. Models on one base share its weights.

    Raises what loading raises (inference.load).
    """
    from hive_mind.chat.render import render_prompt
    from hive_mind.inference import request as inference
    from hive_mind.inference.load import load

    answers: dict[str, list[Answer]] = {}
    loaded = None
    for model in sorted(models, key=lambda model: model.base.digest):
        if loaded is None or loaded.base.digest != model.base.digest:
            loaded = None  # two bases are never in memory at once
            loaded = load(model.base, device)
        loaded.become(model)
        tokenizer = loaded.tokenizer
        asked = [
            inference.Request(
                render_prompt(request.messages, request.tools, tokenizer),
                max_new_tokens,
                tokenizer.stop_ids,
                adapter=loaded.adapter,
            )
            for request in requests
        ]
        replies = loaded.engine().generate(asked)
        texts = [tokenizer.decode(reply.ids) for reply in replies]
        answers[model.name] = [
            Answer(model.name, text, parse_reply(text), reply.stopped)
            for text, reply in zip(texts, replies, strict=True)
        ]
    return [[answers[model.name][number] for model in models] for number in range(len(requests))]
