"""A Conversation to tokens through the base model's own chat template: one renderer for training, tests and serving.

Labelled are the text and tool calls of the assistant turns to learn, with the end-of-turn token, and nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from hive_mind.chat.tokenizer import ChatTokenizer
from hive_mind.chat.turns import NOTHING, Piece, UnusableForTraining, rendered_pieces, special_text
from hive_mind.conversation import Conversation, Message, Tool

__all__ = ["Rendered", "UnusableForTraining", "render", "render_prompt"]

_MASK = ("\ue000", "\ue001")  # private-use characters that stand around a masked special-token text


@dataclass(frozen=True, slots=True)
class Rendered:
    """Tokens of a conversation and which of them are learnt, one flag a token."""

    input_ids: list[int]
    labelled: list[bool]


def render(conversation: Conversation, tokenizer: ChatTokenizer) -> Rendered:
    """Render a whole conversation for training or for its loss.

    Raises UnusableForTraining if a text holds a special token's text (it would be read as the token itself) or if
    nothing is labelled.
    """
    pieces = rendered_pieces(conversation, tokenizer)
    input_ids, offsets = tokenizer.encode_spans("".join(text for text, _ in pieces))
    return Rendered(input_ids, _flags(offsets, _learnt_spans(pieces)))


def render_prompt(messages: Sequence[Message], tools: Sequence[Tool], tokenizer: ChatTokenizer) -> list[int]:
    """Render a prompt that ends where the assistant's answer begins.

    Special-token text in messages or tools is encoded as plain text, so that no user or tool can forge a turn.
    """
    if special_text(messages, tools, tokenizer) is None:
        return tokenizer.encode(tokenizer.template(messages, tools, prompt=True))
    masked = tokenizer.template(
        [_mask_message(message, tokenizer) for message in messages], [_mask_tool(tool, tokenizer) for tool in tools],
        prompt=True,
    )  # fmt: skip
    ids: list[int] = []
    position = 0
    for match in tokenizer.special_text.finditer(masked):
        ids += tokenizer.encode_plain(_unmask(masked[position : match.start()]))
        ids.append(tokenizer.special_ids[match.group()])
        position = match.end()
    return ids + tokenizer.encode_plain(_unmask(masked[position:]))


def _learnt_spans(pieces: Sequence[Piece]) -> list[tuple[int, int]]:
    """(start, end) in characters of what is learnt."""
    spans = []
    position = 0
    for text, learnt_from in pieces:
        if learnt_from != NOTHING:
            spans.append((position + learnt_from, position + len(text)))
        position += len(text)
    return spans


def _flags(offsets: Sequence[tuple[int, int]], spans: Sequence[tuple[int, int]]) -> list[bool]:
    flags = [False] * len(offsets)
    token = 0
    for begin, end in spans:
        while offsets[token][0] < begin:
            token += 1
        while token < len(offsets) and offsets[token][0] < end:
            flags[token] = True
            token += 1
    return flags


def _mask(text: str, tokenizer: ChatTokenizer) -> str:
    # Every character of the text is followed by a mark, so that no special token is left to be seen in it.
    return tokenizer.special_text.sub(lambda match: _MASK[0] + _MASK[1].join(match.group()), text)


def _unmask(text: str) -> str:
    return text.replace(_MASK[0], "").replace(_MASK[1], "")


def _mask_value(value: Any, tokenizer: ChatTokenizer) -> Any:
    if isinstance(value, str):
        return _mask(value, tokenizer)
    if isinstance(value, dict):
        return {_mask(str(key), tokenizer): _mask_value(item, tokenizer) for key, item in value.items()}
    if isinstance(value, list):
        return [_mask_value(item, tokenizer) for item in value]
    return value


def _mask_message(message: Message, tokenizer: ChatTokenizer) -> Message:
    calls = tuple(
        replace(call, name=_mask(call.name, tokenizer), arguments=_mask_value(call.arguments, tokenizer))
        for call in message.tool_calls
    )
    return replace(message, content=_mask(message.content, tokenizer), tool_calls=calls)


def _mask_tool(tool: Tool, tokenizer: ChatTokenizer) -> Tool:
    return replace(
        tool, name=_mask(tool.name, tokenizer), description=_mask(tool.description, tokenizer),
        parameters=_mask_value(tool.parameters, tokenizer),
    )  # fmt: skip
