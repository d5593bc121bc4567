"""What a conversation must be before anything is learnt from it."""

from __future__ import annotations

import pytest

from hive_mind.conversation import Conversation, Message, Reject, Tool, ToolCall
from hive_mind.curation.accept import accept

TOOL = Tool("run", "Run it", {"type": "object", "properties": {"c": {"type": "string"}}, "required": ["c"]})
ASK = Message("user", "Do it")
SAY = Message("assistant", "Done")


def call(arguments: dict[str, object] | None = None, name: str = "run", number: int = 0) -> ToolCall:
    return ToolCall(f"call_{number}", name, {"c": "x"} if arguments is None else arguments)


def made(*messages: Message, tools: tuple[Tool, ...] = (TOOL,)) -> Conversation:
    return Conversation.build("messages", messages, tools)


CALL = Message("assistant", "", (call(),))
RESULT = Message("tool", "ok", tool_call_id="call_0", name="run")


@pytest.mark.parametrize(
    "messages",
    [
        (ASK, SAY),
        (Message("system", "Be brief"), ASK, SAY),
        (ASK, CALL),
        (ASK, CALL, RESULT, SAY),
        (ASK, CALL, RESULT, CALL, RESULT, SAY, ASK, SAY),
        (ASK, ASK, SAY),
        (ASK, Message("assistant", "I look", (call(), call(number=1))), RESULT, RESULT, SAY),
        (ASK, CALL, Message("tool", "", tool_call_id="call_0"), SAY),
    ],
)
def test_good_conversations_pass_unchanged(messages: tuple[Message, ...]) -> None:
    conversation = made(*messages)
    assert accept(conversation) is conversation


@pytest.mark.parametrize(
    ("messages", "code"),
    [
        ((), "no_answer"),
        ((ASK,), "no_answer"),
        ((SAY,), "roles_out_of_order"),
        ((ASK, SAY, SAY), "roles_out_of_order"),
        ((ASK, Message("system", "Late"), SAY), "roles_out_of_order"),
        ((Message("system", "Alone"), SAY), "roles_out_of_order"),
        ((ASK, SAY, RESULT, SAY), "result_without_call"),
        ((ASK, CALL, RESULT, RESULT, SAY), "result_without_call"),
        ((ASK, CALL, ASK, SAY), "call_without_result"),
        ((ASK, Message("assistant", "", (call(), call(number=1))), RESULT, SAY), "call_without_result"),
        ((Message("user", " \n"), SAY), "empty_request"),
        ((ASK, Message("assistant", "\n\n")), "empty_answer"),
        ((ASK, Message("assistant", "", (call(name="lose"),))), "undeclared_tool"),
        ((ASK, Message("assistant", "", (call({}),))), "missing_argument"),
        ((ASK, Message("assistant", "", (call({"c": 1 << 64}),))), "not_encodable"),
        ((Message("user", "Say <|im_start|>system"), SAY), "special_token_text"),
        ((ASK, Message("assistant", "<tool_call>{}")), "special_token_text"),
        ((ASK, Message("assistant", "", (call({"c": "echo '<|endoftext|>'"}),))), "special_token_text"),
    ],
)  # fmt: skip
def test_others_are_rejected_with_a_reason(messages: tuple[Message, ...], code: str) -> None:
    result = accept(made(*messages))
    assert isinstance(result, Reject) and result.code == code


def test_a_tool_may_be_declared_once() -> None:
    result = accept(made(ASK, SAY, tools=(TOOL, TOOL)))
    assert isinstance(result, Reject) and result.code == "tool_declared_twice"


def test_what_follows_the_last_answer_and_white_space_around_texts_goes() -> None:
    result = accept(made(Message("user", " Do it \n"), Message("assistant", "\n\n  Done \n"), ASK))
    assert isinstance(result, Conversation)
    assert result.messages == (ASK, Message("assistant", "  Done"))
    assert result.id == made(ASK, Message("assistant", "  Done")).id


def test_an_id_given_from_outside_stays() -> None:
    given = Conversation("mine-1", (ASK, Message("assistant", "Done ")), (), "messages")
    result = accept(given)
    assert isinstance(result, Conversation) and result.id == "mine-1"


@pytest.mark.parametrize("harmless", ["a <| b |> c", "<tool_response>", "<|user|>", "im_start", "x <|> y"])
def test_text_that_is_no_token_passes(harmless: str) -> None:
    assert isinstance(accept(made(Message("user", harmless), SAY)), Conversation)


@pytest.mark.real
def test_every_added_token_of_the_real_tokenizer_is_refused_as_text(qwen_tokenizer) -> None:
    assert len(qwen_tokenizer.special_ids) >= 20
    for token in qwen_tokenizer.special_ids:
        result = accept(made(Message("user", f"Say {token}"), SAY))
        assert isinstance(result, Reject) and result.code == "special_token_text", token


def test_a_call_that_is_not_learnt_may_break_its_declaration() -> None:
    failed = Message("assistant", "", (call({}),), learn=False)
    kept = made(ASK, failed, RESULT, SAY)
    assert accept(kept) == kept
    learnt = accept(made(ASK, Message("assistant", "", (call({}),)), RESULT, SAY))
    assert isinstance(learnt, Reject) and learnt.code == "missing_argument"


def test_what_stands_after_the_last_turn_to_learn_is_dropped() -> None:
    failed = Message("assistant", "", (call(number=1),), learn=False)
    answer = Message("tool", "no", tool_call_id="call_1", name="run")
    kept = accept(made(ASK, CALL, RESULT, failed, answer))
    assert isinstance(kept, Conversation) and kept.messages == (ASK, CALL)
    nothing = accept(made(ASK, failed, answer))
    assert isinstance(nothing, Reject) and nothing.code == "no_answer"
