"""A reply's tokens to events: words as soon as they cannot be anything else, calls while they are being written.

What may still become a stop text, the beginning of a call or half a character is held back, so that nothing is ever
taken back. The words of all TextDeltas joined are the Answer's text, but for a call that was cut, which only that has.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from hive_mind.chat.parse import parse_reply
from hive_mind.chat.tokenizer import ChatTokenizer
from hive_mind.conversation import ToolCall
from hive_mind.inference.call_format import CallFormat
from hive_mind.serving.ask import CallDelta, CallStart, FinishReason, TextDelta

Delta = TextDelta | CallStart | CallDelta
Ended = Literal["stop", "length", "cancelled"]

BARE_CALLS = ("{", "[", "<tools>", "```json", "```\n")
"""How words begin that chat.parse may find to be a call without its tags: they are held back until the reply ends."""


@dataclass(frozen=True, slots=True)
class Read:
    """What a whole reply says, as an Answer has it."""

    text: str
    calls: tuple[ToolCall, ...]
    repairs: tuple[str, ...]
    finish_reason: FinishReason


class ReplyReader:
    """Reads one reply. `stopped`: a stop text was found, and what comes after it is no part of the reply.

    stop: texts that end it, looked for in its words and not in calls; calls: how calls are written, None if there can
    be none; declared: the tools that words may call which turn out to be a call; raw: white space around the words is
    kept.
    """

    def __init__(
        self,
        tokenizer: ChatTokenizer,
        stop: Sequence[str] = (),
        calls: CallFormat | None = None,
        declared: Collection[str] = (),
        *,
        raw: bool = False,
    ) -> None:
        from tokenizers.decoders import DecodeStream

        self.stopped = False
        self._tokenizer, self._stop, self._format, self._declared, self._raw = tokenizer, stop, calls, declared, raw
        self._backend = tokenizer.fast.backend_tokenizer
        self._decoder = DecodeStream(skip_special_tokens=False)
        self._ids: list[int] = []
        self._text = ""  # all that was decoded
        self._waiting = ""  # the end of it, that nothing was made of yet
        self._words = ""  # what was said, up to the last word
        self._space = ""  # and the white space after that
        self._held = 0  # so many characters of the words were not yet given out
        self._ids_of_calls: list[str] = []
        self._complete = 0  # characters of the text up to the end of the last whole call
        self._state: Literal["words", "name", "arguments", "closing"] = "words"
        self._depth = 0
        self._in_string = self._escaped = False

    def feed(self, ids: Sequence[int]) -> list[Delta]:
        """Read the next tokens of the reply."""
        self._ids += ids
        events: list[Delta] = []
        for token in ids:
            piece = self._decoder.step(self._backend, token)
            if piece and not self.stopped:
                events += self._take(piece)
        return events

    def finish(self, ended: Ended) -> tuple[list[Delta], Read]:
        """End the reply; returns the last events and what all of it says."""
        events: list[Delta] = []
        if not self.stopped:
            events += self._take(self._backend.decode(self._ids, skip_special_tokens=False)[len(self._text) :])
        if not self.stopped and self._state == "words":
            events += self._end_of_words()
        if self.stopped:
            ended = "stop"
        cut = "" if self._state == "words" and not self._waiting else self._text[self._begin_of_cut() :]
        calls, repairs = self._calls()
        if ended == "stop" and not self._ids_of_calls and self._holds_back():
            calls, repairs = self._bare_calls()
            if calls:
                self._words, self._held = "", 0
                events += self._written(calls)
        events += self._give_out(everything=True)
        words = self._words + (self._space if self._raw else "")
        text = f"{words}\n{cut}" if words and cut else words + cut
        return events, Read(text, calls, repairs, "tool_calls" if calls and ended == "stop" else ended)

    def _take(self, piece: str) -> Iterator[Delta]:
        self._text += piece
        self._waiting += piece
        before = None
        while self._waiting and (self._state, len(self._waiting)) != before and not self.stopped:
            before = self._state, len(self._waiting)
            if self._state == "words":
                yield from self._take_words()
            elif self._state == "name":
                yield from self._take_name()
            elif self._state == "arguments":
                yield from self._take_arguments()
            else:
                self._take_closing()

    def _take_words(self) -> Iterator[Delta]:
        """Say what is neither a call nor a stop text and cannot become one."""
        text = self._waiting
        opening = self._format.opening if self._format is not None else ""
        call = text.find(opening) if opening else -1
        begin = call if call >= 0 else len(text) - _overlap(text, opening)
        found = self._stop_in(text, begin)
        if found is not None:
            self.stopped = True
            yield from self._say(text[:found])
            self._waiting = ""
        elif call >= 0:
            yield from self._say(text[:call])
            self._waiting, self._state = text[call + len(opening) :], "name"
        else:
            begin = min([begin, *(len(text) - _overlap(text, stop) for stop in self._stop)])
            yield from self._say(text[:begin])
            self._waiting = text[begin:]

    def _end_of_words(self) -> Iterator[Delta]:
        """Say what was held back, unless it is a call that was cut at its very beginning."""
        mark = self._format.opening.partition("{")[0].strip() if self._format is not None else ""
        if mark and self._waiting.startswith(mark):
            return
        found = self._stop_in(self._waiting, len(self._waiting))
        self.stopped = found is not None
        yield from self._say(self._waiting[:found])
        self._waiting = ""

    def _stop_in(self, text: str, before: int) -> int | None:
        """Return where the stop text begins that ends first, of those that begin before a place."""
        places = [(place + len(stop), place) for stop in self._stop if 0 <= (place := text.find(stop)) < before]
        return min(places)[1] if places else None

    def _say(self, text: str) -> Iterator[Delta]:
        if not self._raw and not self._words:
            text = text.lstrip()
        if not text:
            return
        said = self._space + text
        words = said if self._raw else said.rstrip()
        self._space = said[len(words) :]
        self._words += words
        self._held += len(words)
        yield from self._give_out()

    def _give_out(self, *, everything: bool = False) -> Iterator[Delta]:
        if self._held and (everything or not self._holds_back()):
            yield TextDelta(self._words[len(self._words) - self._held :])
            self._held = 0

    def _holds_back(self) -> bool:
        """Tell whether the words may yet turn out to be a call."""
        if not self._declared or self._held < len(self._words):
            return False
        return any(self._words.startswith(mark) or mark.startswith(self._words) for mark in BARE_CALLS)

    def _take_name(self) -> Iterator[Delta]:
        assert self._format is not None
        name, found, rest = self._waiting.partition(self._format.middle)
        if found:
            self._waiting, self._state = rest, "arguments"
            self._ids_of_calls.append(_call_id())
            yield from self._give_out(everything=True)
            yield CallStart(len(self._ids_of_calls) - 1, self._ids_of_calls[-1], name)

    def _take_arguments(self) -> Iterator[Delta]:
        """Pass on an object up to the brace that closes it."""
        end = len(self._waiting)
        for place, character in enumerate(self._waiting):
            if self._in_string:
                self._in_string = self._escaped or character != '"'
                self._escaped = character == "\\" and not self._escaped
            elif character == '"':
                self._in_string = True
            else:
                self._depth += (character in "{[") - (character in "}]")
                if not self._depth:
                    end, self._state = place + 1, "closing"
                    break
        yield CallDelta(len(self._ids_of_calls) - 1, self._waiting[:end])
        self._waiting = self._waiting[end:]

    def _take_closing(self) -> None:
        assert self._format is not None
        if self._waiting.startswith(self._format.closing):
            self._waiting = self._waiting.removeprefix(self._format.closing)
            self._state = "words"
            self._complete = len(self._text) - len(self._waiting)

    def _begin_of_cut(self) -> int:
        """Return where the call begins that is not complete."""
        assert self._format is not None
        found = self._text.find(self._format.opening, self._complete)
        return found if found >= 0 else len(self._text) - len(self._waiting)

    def _calls(self) -> tuple[tuple[ToolCall, ...], tuple[str, ...]]:
        """Return the whole calls, as chat.parse reads them, with the ids that they were begun with."""
        if not self._complete:
            return (), ()
        reply = parse_reply(self._text[: self._complete])
        calls = (replace(call, id=made) for call, made in zip(reply.calls, self._ids_of_calls, strict=False))
        return tuple(calls), reply.repairs

    def _bare_calls(self) -> tuple[tuple[ToolCall, ...], tuple[str, ...]]:
        """Return the calls that the words are, if all of them are of declared tools."""
        reply = parse_reply(self._words)
        if not reply.calls or not all(call.name in self._declared for call in reply.calls):
            return (), ()
        return tuple(replace(call, id=_call_id()) for call in reply.calls), reply.repairs

    def _written(self, calls: Sequence[ToolCall]) -> Iterator[Delta]:
        for index, call in enumerate(calls):
            yield CallStart(index, call.id, call.name)
            yield CallDelta(index, json.dumps(call.arguments, ensure_ascii=False))


def _overlap(text: str, target: str) -> int:
    """Return how many of the last characters of `text` are the beginning of `target`, but not all of it."""
    for length in range(min(len(text), len(target) - 1), 0, -1):
        if target.startswith(text[len(text) - length :]):
            return length
    return 0


def _call_id() -> str:
    """Return an id that no other call of any request has."""
    return f"call_{secrets.token_hex(12)}"
