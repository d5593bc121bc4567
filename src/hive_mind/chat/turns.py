"""The rendered template's text cut at its special tokens, with what of each piece is learnt.

Only the template writes special tokens (a text that holds one is refused before), so the cuts are the template's own:
an assistant turn is what stands between the generation prompt's pieces and the next end-of-turn token. Turns that only
stand in the context (`Message.learn` false) are not learnt.
"""

from __future__ import annotations

from collections.abc import Sequence

from hive_mind.chat.tokenizer import ChatTokenizer
from hive_mind.conversation import Conversation, Message, Tool

NOTHING = -1

Piece = tuple[str, int]
"""A special token's text or the text between two, and the character from which on it is learnt (or NOTHING)."""


class UnusableForTraining(ValueError):
    """A conversation that cannot become a training example; `code` is a short reason code."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code


def rendered_pieces(conversation: Conversation, tokenizer: ChatTokenizer) -> list[Piece]:
    """Apply the chat template and cut its text; the pieces' texts joined are the template's output.

    Raises UnusableForTraining if a text of the conversation holds a special token's text, or nothing is learnt.
    """
    found = special_text(conversation.messages, conversation.tools, tokenizer)
    if found is not None:
        raise UnusableForTraining("special_token_text", f"the text of special token {found} stands in the content")
    parts = tokenizer.special_cut.split(tokenizer.template(conversation.messages, conversation.tools, prompt=False))
    turns = _turns(parts, tokenizer)
    answers = [message for message in conversation.messages if message.role == "assistant"]
    if len(turns) != len(answers):
        raise UnusableForTraining("turns_not_found", "the chat template does not show every assistant turn of this row")
    learnt = [turn for turn, message in zip(turns, answers, strict=True) if message.learn]
    if not learnt:
        raise UnusableForTraining("nothing_to_learn", "the row has no assistant turn to learn")
    return _label(parts, learnt, prompt_length=len(tokenizer.prompt_parts[-1]))


def _turns(parts: Sequence[str], tokenizer: ChatTokenizer) -> list[tuple[int, int]]:
    """Return the first and the last part of every assistant turn; texts stand at even places, special tokens at odd."""
    prompt = tokenizer.prompt_parts
    turns: list[tuple[int, int]] = []
    for begin in range(len(prompt) - 1, len(parts), 2):
        if parts[begin - 1] == prompt[-2] and parts[begin].startswith(prompt[-1]) and _follows(parts, begin, prompt):
            end = _end_of_turn(parts, begin, tokenizer.end_of_turn_text)
            if end is None:
                break
            turns.append((begin, end))
    return turns


def _label(parts: Sequence[str], learnt: Sequence[tuple[int, int]], prompt_length: int) -> list[Piece]:
    """Return the parts that hold text as pieces; of a turn to learn all is learnt but the end of the prompt."""
    pieces: list[Piece] = [(part, NOTHING) for part in parts]
    for begin, end in learnt:
        pieces[begin] = (parts[begin], prompt_length)
        for inside in range(begin + 1, end + 1):
            pieces[inside] = (parts[inside], 0)
    return [piece for piece in pieces if piece[0]]


def special_text(messages: Sequence[Message], tools: Sequence[Tool], tokenizer: ChatTokenizer) -> str | None:
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


def _follows(parts: Sequence[str], begin: int, prompt: Sequence[str]) -> bool:
    """Tell whether the pieces before `begin` are those of the generation prompt."""
    first = begin - len(prompt) + 1
    return parts[first].endswith(prompt[0]) and parts[first + 1 : begin] == prompt[1:-1]


def _end_of_turn(parts: Sequence[str], begin: int, end_text: str) -> int | None:
    return next((place for place in range(begin + 1, len(parts), 2) if parts[place] == end_text), None)
