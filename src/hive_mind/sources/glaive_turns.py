"""Glaive's chat text, cut into turns at its role marks.

    USER: Any news?

    ASSISTANT: None today. <|endoftext|>

Rows with functions put two empty lines before a mark, rows without functions put one. Every whole turn of the assistant
ends with the end mark, save in rows that have none at all. The words of a mark occur inside texts too (a play, a quiz,
"vitamin A: ..."), so a mark counts only where the layout can put one.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, replace

from hive_mind.conversation import MalformedConversation

END_MARK = "<|endoftext|>"
ROLES = {"USER": "user", "ASSISTANT": "assistant", "A": "assistant", "FUNCTION RESPONSE": "tool"}

_WORDS = re.compile(r"(USER|ASSISTANT|A|FUNCTION RESPONSE):")
_AFTER_END = 99  # stands for any number of line ends: nothing but a mark can follow the end mark
_SENTENCE_ENDS = frozenset(".!?…。！？।॥؟۔։።")
_CLOSERS = "\"'”’»」』)]}*_`\ufe0f "
_LIST_NUMBER = re.compile(r"\d+\.")


@dataclass(frozen=True, slots=True)
class Turn:
    """What one side says, without marks. `ended` tells whether the end mark closed it."""

    role: str
    text: str
    ended: bool


@dataclass(frozen=True, slots=True)
class _Mark:
    """A place that may be a role mark: its word, where it begins and ends, and the line ends right before it."""

    word: str
    start: int
    end: int
    line_ends: int

    @property
    def role(self) -> str:
        return ROLES[self.word]


def split_turns(chat: str) -> list[Turn]:
    """Cut the chat text into turns, in order. Raises MalformedConversation where it does not begin with a mark."""
    marks = _marks(chat)
    if not marks or chat[: marks[0].start].strip():
        raise MalformedConversation("no_role_marks", "the chat does not start with USER: or ASSISTANT:")
    ends = [mark.start for mark in marks[1:]] + [len(chat)]
    bodies = [chat[mark.end : end] for mark, end in zip(marks, ends, strict=True)]
    turns = [_turn(mark.role, body) for mark, body in zip(marks[:-1], bodies[:-1], strict=True)]
    return [*turns, _last_turn(marks[-1].role, bodies[-1], any(turn.ended for turn in turns))]


def ends_sentence(text: str) -> bool:
    """Tell whether a text stops where its writer would have: after a sentence, a code block or an emoji."""
    if text.count("```") % 2:
        return False
    if text.endswith("```"):
        return True
    last = text.rstrip(_CLOSERS)[-1:]
    if last == "." and _LIST_NUMBER.fullmatch(text.rpartition("\n")[2].strip()):
        return False
    return bool(last) and (last in _SENTENCE_ENDS or unicodedata.category(last) == "So")


def _places(chat: str) -> list[_Mark]:
    """Find every word of a mark that stands at the start, after white space or after the end mark."""
    places: list[_Mark] = []
    passed = 0
    for match in _WORDS.finditer(chat):
        start = match.start()
        if start and not (chat[start - 1].isspace() or chat.endswith(END_MARK, 0, start)):
            continue
        before = passed + len(chat[passed:start].rstrip())
        after_end = before == 0 or chat.endswith(END_MARK, 0, before)
        line_ends = _AFTER_END if after_end else chat.count("\n", before, start)
        places.append(_Mark(match[1], start, match.end(), line_ends))
        passed = match.end()
    return places


def _marks(chat: str) -> list[_Mark]:
    """Choose the places that are marks; where the set's layout leaves no assistant's, narrower layouts are tried."""
    places = _places(chat)
    marks = _marks_of_layout(chat, places)
    for line_ends in (2, 1):
        if any(mark.role == "assistant" for mark in marks):
            break
        marks = [place for place in places if place.line_ends >= line_ends]
        if any(mark.word == "ASSISTANT" for mark in marks):
            marks = [mark for mark in marks if mark.word != "A"]
    return marks


def _marks_of_layout(chat: str, places: list[_Mark]) -> list[_Mark]:
    """Take the places after an end mark, after two empty lines, or that an end mark further on proves.

    The proof: only the assistant's turns end with the end mark. So where a turn that began as another's has one, the
    assistant's began inside it, after a single empty line.
    """
    marks: list[_Mark] = []
    unproven: list[_Mark] = []
    begun = False
    for place in places:
        speaker = marks[-1].role if marks else ""
        if place.line_ends >= 3:
            if place.line_ends == _AFTER_END:
                marks += _proven(unproven)
            elif place.word == "A" and (speaker == "assistant" or begun):
                continue  # the answer of a quiz
            marks.append(place)
            unproven, begun = [], False
        elif place.line_ends == 2 and speaker != "assistant" and (place.role == "assistant" or place.role == speaker):
            unproven.append(place)
            begun = begun or place.word == "ASSISTANT"
    proven = _proven(unproven)
    return marks + proven if proven and END_MARK in chat[proven[-1].end :] else marks


def _proven(places: list[_Mark]) -> list[_Mark]:
    """Return the marks among places inside a turn that holds an end mark: the assistant's begins there.

    Results before it, which follow a result, are marks too. "A:" may be part of a quiz, so ASSISTANT: is preferred.
    """
    words = [place.word for place in places]
    word = "ASSISTANT" if "ASSISTANT" in words else "A"
    if word not in words:
        return []
    first = words.index(word)
    return [place for place in places[:first] if place.role == "tool"] + [places[first]]


def _turn(role: str, body: str) -> Turn:
    text, end, after = body.partition(END_MARK)
    if after and (after := after.replace(END_MARK, "").strip()):
        raise MalformedConversation("text_after_end_mark", f"text without a role follows an end mark: {after[:60]!r}")
    return Turn(role, text.strip(), bool(end))


def _last_turn(role: str, body: str, others_ended: bool) -> Turn:
    """Read the last turn, where the row may have been cut off in the middle of a mark."""
    text, end, after = body.rpartition(END_MARK)
    if end and (cut := after.strip()) and any(f"{word}:".startswith(cut) for word in ROLES):
        return _turn(role, text + end)
    turn = _turn(role, body)
    if others_ended and not turn.ended:
        for size in range(len(END_MARK) - 1, 1, -1):
            if turn.text.endswith(END_MARK[:size]):
                return replace(turn, text=turn.text[:-size].strip(), ended=True)
    return turn
