"""What every Conversation must be before anything is learnt from it, whatever source it came from."""

from __future__ import annotations

import re
from dataclasses import replace

from hive_mind.conversation import Conversation, Message, Reject
from hive_mind.curation.call_check import Problem, call_problem
from hive_mind.files import json_line

SPECIAL_TOKEN_TEXT = re.compile(
    rb"<\|(?:endoftext|im_(?:start|end)|(?:object_ref|box|quad|vision)_(?:start|end)|(?:vision|image|video)_pad"
    rb"|fim_(?:prefix|middle|suffix|pad)|repo_name|file_sep)\|>|</?tool_call>"
)
"""Text that the Qwen2.5 tokenizer reads as one of its control tokens, which would end a turn or begin a call."""


def accept(conversation: Conversation) -> Conversation | Reject:
    """Return the conversation in its final form, or a Reject that says why nothing can be learnt from it.

    Messages after the last turn to learn are dropped (there is nothing to learn after it), and white space around
    texts, because a line break at the start of an answer would merge with the template's own.
    """
    problem = _text_problem(conversation)
    if problem is None:
        conversation = _tidy(conversation)
        problem = _order_problem(conversation.messages) or call_problem(conversation)
    return conversation if problem is None else Reject(conversation.source, *problem, raw="")


def _tidy(conversation: Conversation) -> Conversation:
    messages = list(conversation.messages)
    while messages and not (messages[-1].role == "assistant" and messages[-1].learn):
        messages.pop()
    tidied = [_tidy_message(message) for message in messages]
    if len(tidied) == len(conversation.messages) and all(a is b for a, b in zip(tidied, messages, strict=True)):
        return conversation
    return conversation.changed(messages=tidied)


def _tidy_message(message: Message) -> Message:
    text = message.content
    tidy = text.lstrip("\r\n").rstrip() if message.role == "assistant" else text.strip()
    return message if tidy == text else replace(message, content=tidy)


def _order_problem(messages: tuple[Message, ...]) -> Problem | None:
    """Check that turns follow each other as they do when the model is used."""
    if not messages:
        return "no_answer", "no assistant turn to learn"
    before = ""
    waiting = 0
    for position, message in enumerate(messages):
        role = message.role
        if role == "system" and position > 0:
            return "roles_out_of_order", "a system message stands after the first place"
        if role == "tool":
            if waiting == 0:
                return "result_without_call", "a tool result answers no call"
            waiting -= 1
        elif waiting:
            return "call_without_result", f"{waiting} call(s) have no result, but the conversation goes on"
        if role == "assistant" and before not in ("user", "tool"):
            return "roles_out_of_order", f"an assistant turn follows {before or 'nothing'}"
        if role == "user" and not message.content:
            return "empty_request", "a user message is empty"
        if role == "assistant":
            if not message.content and not message.tool_calls:
                return "empty_answer", "an assistant turn has neither text nor calls"
            waiting = len(message.tool_calls)
        before = role
    return None


def _text_problem(conversation: Conversation) -> Problem | None:
    """Check what only the written row shows: control-token text, and values that JSON cannot hold."""
    try:
        line = json_line(conversation.to_dict())
    except TypeError as error:
        return "not_encodable", f"the row cannot be written as JSON: {error}"
    if found := SPECIAL_TOKEN_TEXT.search(line):
        return "special_token_text", f"the text holds {found[0].decode()}, which the model reads as a control token"
    return None
