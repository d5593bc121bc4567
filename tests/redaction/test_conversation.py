"""A conversation is redacted as a whole: what is said, called with, returned and declared stays of one piece."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hive_mind.conversation import Conversation, Message, Tool, ToolCall, content_digest
from hive_mind.redaction import find_in_conversation, redact_conversation
from tests.redaction.corpus import CASES

KNOWN = [case.filled for case in CASES]
texts = st.integers(0, len(KNOWN) - 1).map(lambda number: KNOWN[number]) | st.text(max_size=30)
fields = st.dictionaries(
    st.sampled_from(["password", "to", "value", "name", "argv"]), st.lists(texts, max_size=3) | texts
)

TOKEN = "glpat-" + "Zx81KqPm37LtVw92Rb54"
MAIL = "marta@firma-kolbe.de"


def conversation(
    user: str = "hi", arguments: dict[str, Any] | None = None, result: str = "ok", answer: str = "done",
    schema: dict[str, Any] | None = None,
) -> Conversation:  # fmt: skip
    call = ToolCall("call_0", "send", {"text": "x"} if arguments is None else arguments)
    return Conversation.build(
        "usage",
        [
            Message("user", user),
            Message("assistant", "", (call,)),
            Message("tool", result, tool_call_id="call_0", name="send"),
            Message("assistant", answer),
        ],
        [Tool("send", "Sends.", schema or {"type": "object", "properties": {"text": {"type": "string"}}})],
    )


def test_an_ordinary_conversation_comes_back_as_it_is() -> None:
    given = conversation("write to john@example.com", {"to": "john@example.com", "password": "changeme"})
    redacted, counts = redact_conversation(given)
    assert redacted is given and not counts


def test_a_value_that_a_call_copies_from_the_request_stays_a_copy() -> None:
    given = conversation(
        f"send {TOKEN} to {MAIL}",
        {"to": MAIL, "body": {"lines": [f"token {TOKEN}", "bye"]}, "copies": 2},
        json.dumps({"to": MAIL, "echo": TOKEN}),
        f"I sent {TOKEN} to {MAIL}.",
    )
    redacted, counts = redact_conversation(given)
    token, mail = "<SECRET:gitlab_token:1>", "<SECRET:email:1>"
    user, call, result, answer = redacted.messages
    assert user.content == f"send {token} to {mail}"
    assert call.tool_calls[0].arguments == {"to": mail, "body": {"lines": [f"token {token}", "bye"]}, "copies": 2}
    assert json.loads(result.content) == {"to": mail, "echo": token}
    assert answer.content == f"I sent {token} to {mail}."
    assert counts == {"gitlab_token": 1, "email": 1}
    assert find_in_conversation(given) and not find_in_conversation(redacted)


def test_a_password_that_only_an_argument_names_goes_from_the_request_too() -> None:
    given = conversation("log me in as marta with Kies-Weg_52 please", {"user": "marta", "password": "Kies-Weg_52"})
    redacted, counts = redact_conversation(given)
    assert redacted.messages[0].content == "log me in as marta with <SECRET:password:1> please"
    assert redacted.calls[0].arguments == {"user": "marta", "password": "<SECRET:password:1>"}
    assert counts == {"password": 1}


def test_a_password_that_is_also_the_name_of_a_home_folder_goes_too() -> None:
    redacted, _ = redact_conversation(conversation("ls /home/u20806x", {"password": "u20806x"}))
    assert redacted.messages[0].content == "ls /home/<SECRET:user:1>"
    assert redacted.calls[0].arguments == {"password": "<SECRET:user:1>"}


def test_names_beside_and_before_a_value_count() -> None:
    arguments = {
        "env": [{"name": "DB_PASSWORD", "value": "Kies-Weg_52"}, {"name": "TZ", "value": "Kies-Weg_53"}],
        "argv": ["psql", "--password", "Moos-Bach_71", "--list"],
    }
    redacted, _ = redact_conversation(conversation(arguments=arguments))
    assert redacted.calls[0].arguments == {
        "env": [{"name": "DB_PASSWORD", "value": "<SECRET:password:1>"}, {"name": "TZ", "value": "Kies-Weg_53"}],
        "argv": ["psql", "--password", "<SECRET:password:2>", "--list"],
    }


def test_tools_are_redacted_with_their_names_and_required_fields_left() -> None:
    schema = {
        "type": "object",
        "properties": {"to": {"type": "string", "default": MAIL, "enum": [MAIL, "x"]}, "password": {"type": "string"}},
        "required": ["to"],
    }
    redacted, _ = redact_conversation(conversation(f"to {MAIL}", {"to": MAIL}, schema=schema))
    parameters = redacted.tools[0].parameters
    assert parameters["properties"]["to"] == {
        "type": "string", "default": "<SECRET:email:1>", "enum": ["<SECRET:email:1>", "x"],
    }  # fmt: skip
    assert parameters["required"] == ["to"] and list(parameters["properties"]) == ["to", "password"]
    assert redacted.calls[0].arguments["to"] in parameters["properties"]["to"]["enum"]


def test_a_field_that_is_an_address_itself_is_the_same_in_schema_and_call() -> None:
    schema = {"type": "object", "properties": {MAIL: {"type": "number"}}, "required": [MAIL]}
    redacted, _ = redact_conversation(conversation(arguments={MAIL: 3}, schema=schema))
    assert redacted.calls[0].arguments == {"<SECRET:email:1>": 3}
    assert redacted.tools[0].parameters["required"] == ["<SECRET:email:1>"]


def test_a_number_where_the_schema_asks_for_one_stays_a_number() -> None:
    redacted, counts = redact_conversation(conversation(arguments={"pan": 4929262589694831, "n": 12345, "ok": True}))
    assert redacted.calls[0].arguments == {"pan": 1000000000000001, "n": 12345, "ok": True}
    assert counts == {"card": 1}


def test_the_id_is_that_of_the_redacted_content() -> None:
    redacted, _ = redact_conversation(conversation(f"mail {MAIL}"))
    assert redacted.id == f"usage-{content_digest(redacted)[:16]}"


def test_redacting_again_changes_nothing_and_keeps_the_numbers() -> None:
    once, _ = redact_conversation(conversation(f"from {MAIL}", {"token": TOKEN}))
    again, counts = redact_conversation(once)
    assert again is once and not counts
    more = Conversation.build("usage", [*once.messages, Message("user", "and ivo@firma-kolbe.de")], once.tools)
    assert redact_conversation(more)[0].messages[-1].content == "and <SECRET:email:2>"


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(texts, fields, texts, texts)
def test_what_is_redacted_is_clean_whatever_it_was(
    user: str, arguments: dict[str, Any], result: str, answer: str
) -> None:
    once, counts = redact_conversation(conversation(user, arguments, result, answer))
    assert not find_in_conversation(once)
    assert redact_conversation(once) == (once, {})
    assert [*once.calls[0].arguments] == [*arguments] and sum(counts.values()) >= bool(counts)
