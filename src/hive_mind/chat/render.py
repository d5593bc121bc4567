"""A Conversation to tokens through the base model's own chat template: one renderer for training, tests and serving.

Labelled are the text and tool calls of the assistant turns to learn, with the end-of-turn token, and nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from hive_mind.chat.tokenizer import ChatTokenizer
from hive_mind.conversation import Conversation, Message, Tool

_MASK = ("\ue000", "\ue001")  # private-use characters that stand around a masked special-token text


class UnusableForTraining(ValueError):
    """A conversation that cannot become a training example; `code` is a short reason code."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code


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
    found = _special_text(conversation.messages, conversation.tools, tokenizer)
    if found is not None:
        raise UnusableForTraining("special_token_text", f"the text of special token {found} stands in the content")
    text = tokenizer.template(conversation.messages, conversation.tools, prompt=False)
    spans = _assistant_spans(text, tokenizer)
    answers = [message for message in conversation.messages if message.role == "assistant"]
    if len(spans) != len(answers):
        raise UnusableForTraining("turns_not_found", "the chat template does not show every assistant turn of this row")
    learnt = [span for span, message in zip(spans, answers, strict=True) if message.learn]
    if not learnt:
        raise UnusableForTraining("nothing_to_learn", "the row has no assistant turn to learn")
    input_ids, offsets = tokenizer.encode_spans(text)
    return Rendered(input_ids, _flags(offsets, learnt))


def render_prompt(messages: Sequence[Message], tools: Sequence[Tool], tokenizer: ChatTokenizer) -> list[int]:
    """Render a prompt that ends where the assistant's answer begins.

    Special-token text in messages or tools is encoded as plain text, so that no user or tool can forge a turn.
    """
    if _special_text(messages, tools, tokenizer) is None:
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


def _assistant_spans(text: str, tokenizer: ChatTokenizer) -> list[tuple[int, int]]:
    """(start, end) in characters of every assistant turn, end-of-turn token included."""
    end_text = tokenizer.fast.convert_ids_to_tokens(tokenizer.end_of_turn)
    spans = []
    start = text.find(tokenizer.generation_prompt)
    while start >= 0:
        begin = start + len(tokenizer.generation_prompt)
        end = text.index(end_text, begin) + len(end_text)
        spans.append((begin, end))
        start = text.find(tokenizer.generation_prompt, end)
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


def _special_text(messages: Sequence[Message], tools: Sequence[Tool], tokenizer: ChatTokenizer) -> str | None:
    """Return the first special token's text found in what people, tools or schemas say."""
    for message in messages:
        for text in (message.content, *(str(call.to_dict()) for call in message.tool_calls)):
            match = tokenizer.special_text.search(text)
            if match:
                return match.group()
    for tool in tools:
        match = tokenizer.special_text.search(str(tool.to_dict()))
        if match:
            return match.group()
    return None


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
