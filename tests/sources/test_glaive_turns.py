"""Role marks are told from the same words inside texts, in every layout that the set has."""

from __future__ import annotations

import time

import pytest

from hive_mind.conversation import MalformedConversation
from hive_mind.sources.glaive_turns import Turn, ends_sentence, split_turns

END = "<|endoftext|>"


def said(chat: str) -> list[tuple[str, str]]:
    return [(turn.role, turn.text) for turn in split_turns(chat)]


def test_turns_and_their_end_marks() -> None:
    chat = f"USER: a\n\n\nASSISTANT: b {END}\n\n\nFUNCTION RESPONSE: {{}}\n\n\nA: c"
    assert split_turns(chat) == [
        Turn("user", "a", False),
        Turn("assistant", "b", True),
        Turn("tool", "{}", False),
        Turn("assistant", "c", False),
    ]


@pytest.mark.parametrize("line_ends", ["\n\n\n", "\n\n", "\n", "\n \n\n", "\r\n\r\n", "\n\n\n\n\n"])
@pytest.mark.parametrize("end", [f" {END}", "", f" {END} {END}", f"{END}\n{END}"])
@pytest.mark.parametrize("assistant", ["ASSISTANT", "A"])
def test_however_turns_are_set_apart(line_ends: str, end: str, assistant: str) -> None:
    turns = ["USER: a", f"{assistant}: b{end}", "USER: c\nd", f"{assistant}:e.{end}"]
    assert said(line_ends.join(turns)) == [("user", "a"), ("assistant", "b"), ("user", "c\nd"), ("assistant", "e.")]


def test_line_ends_may_differ_within_a_row() -> None:
    chat = (
        f"USER: a\n\nASSISTANT: b {END}\n\n\nFUNCTION RESPONSE: 1\n\nASSISTANT: c {END} USER: d\n\n\nASSISTANT: e {END}"
    )
    assert [text for _, text in said(chat)] == ["a", "b", "1", "c", "d", "e"]


@pytest.mark.parametrize(
    ("asked", "answered"),
    [
        ("Write a play.\nUSER: Hello\n\nASSISTANT: Good day. A: yes", "I see: USER: wrote A: and B."),
        ("Q: x\n\nA: y\n\nFUNCTION RESPONSE: z", "Vitamin A: carrots"),
        ("My JSON says USER: me", "A: is not B:\n\nUSER: is a word\n\nASSISTANT: too"),
        ("USER: twice", "FUNCTION RESPONSE:"),
        ("What does SUPERUSER: mean", "Q: 1\n\n\nA: 2"),
        ("Hi\n\nA: x\n\nUSER: y", "Yes"),
    ],
)
def test_marks_inside_texts_are_text(asked: str, answered: str) -> None:
    first, last = [("user", asked), ("assistant", answered)], [("user", "b"), ("assistant", "c.")]
    chat = f"USER: {asked}\n\n\nASSISTANT: {answered} {END}\n\n\nUSER: b\n\n\nASSISTANT: c. {END}\n\n\n"
    assert said(chat) == first + last
    if "\n\nASSISTANT:" not in asked:
        assert said(chat.replace("\n\n\nASSISTANT", "\n\nASSISTANT").replace("\n\n\nUSER", "\n\nUSER")) == first + last


def test_a_mark_in_a_result_is_text() -> None:
    result = '{"title": "The next big thing in \nASSISTANT: trends"}'
    chat = f"USER: a\n\n\nA: b{END}\n\n\nFUNCTION RESPONSE: {result} {END}\n\n\nASSISTANT: c {END}"
    assert said(chat)[2] == ("tool", result)


@pytest.mark.parametrize("cut", ["U", "USER", "USER:", "ASSIS", "FUNCTION RESP", "A"])
def test_a_mark_that_is_cut_off_is_no_text(cut: str) -> None:
    turns = said(f"USER: a\n\n\nASSISTANT: b. {END}\n\n\n{cut}")
    assert [turn for turn in turns if turn[1]] == [("user", "a"), ("assistant", "b.")]


@pytest.mark.parametrize("size", range(2, len(END)))
def test_an_end_mark_that_is_cut_off_is_one(size: int) -> None:
    turns = split_turns(f"USER: a\n\n\nASSISTANT: b {END}\n\n\nUSER: c\n\n\nASSISTANT: d {END[:size]}")
    assert turns[-1] == Turn("assistant", "d", True)


@pytest.mark.parametrize("chat", ["", " \n", "Hello", "Hello\n\n\nUSER: a\n\n\nASSISTANT: b", "user: a", "USERS: a"])
def test_a_chat_begins_with_a_mark(chat: str) -> None:
    with pytest.raises(MalformedConversation, match="does not start"):
        split_turns(chat)


def test_text_without_a_role_is_refused() -> None:
    for between in ("more text", "SYSTEM: x", f"more {END}"):
        with pytest.raises(MalformedConversation, match="without a role"):
            split_turns(f"USER: a\n\n\nASSISTANT: b {END}\n\n\n{between}\n\n\nUSER: c")


@pytest.mark.parametrize(
    "text",
    ["Yes.", "Yes!", 'He said "yes."', "(Yes.)", "**Done.**", "Really?", "Nice 👍", "Nice ❤️", "好的。", "なるほど！",
     "हाँ।", "نعم؟", "```\ncode\n```", "…", "It costs 3.50 dollars.", "1. One.\n2. Two."],
)  # fmt: skip
def test_texts_that_end(text: str) -> None:
    assert ends_sentence(text)


@pytest.mark.parametrize(
    "text",
    ["", "Here is", "Here is:", "one, two,", "(a", '"', "1. One.\n2.", "```\nprint('a').", "it costs 3", "そして"],
)
def test_texts_that_break_off(text: str) -> None:
    assert not ends_sentence(text)


@pytest.mark.parametrize(
    "chat",
    [
        "USER: " + "\n" * 400_000 + "x",
        "USER: a" + "\n\nASSISTANT: " * 40_000,
        "USER: a\n\n\n" + f"ASSISTANT: b. {END}\n\n\n" * 20_000,
        "USER: " + " A: x" * 100_000,
        "USER: a\n\n\nASSISTANT: " + "<|endoftext|" * 40_000,
        "USER: " + "\n\nASSISTANT: x\n\n\nA: y" * 20_000,
        "USER: a\n\n\nFUNCTION RESPONSE:" + "\n\nFUNCTION RESPONSE: x\n\n\nA: y" * 20_000,
    ],
)
def test_long_rows_are_read_in_linear_time(chat: str) -> None:
    started = time.process_time()
    split_turns(chat)
    assert time.process_time() - started < 2, "half a megabyte takes well under a second"
