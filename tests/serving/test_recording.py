"""What is kept of requests: one session for the turns of one conversation, what calls came to, and feedback."""

import json
from dataclasses import replace

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hive_mind.conversation import Message, ToolCall
from hive_mind.serving import recording
from hive_mind.serving.recording import Answered, outcome_of, report_results, session_of, shortcoming
from tests.serving.scripted import HELLO, Keeper, ScriptedService, calling, serving

CHAT = "/v1/chat/completions"
TOOL = {"type": "function", "function": {"name": "get_weather", "parameters": {"type": "object", "properties": {}}}}
SYSTEM, FIRST = Message("system", "Be brief."), Message("user", "Hi")


def test_turns_of_one_conversation_share_a_session():
    began = session_of("chat/1", [SYSTEM, FIRST], None, None)
    later = [SYSTEM, FIRST, Message("assistant", "Hello"), Message("user", "And?")]
    assert session_of("chat/1", later, None, None) == began
    assert len({began, session_of("chat/2", later, None, None), session_of("chat/1", [FIRST], None, None)}) == 3


def test_a_client_may_name_the_session():
    assert session_of("chat/1", [FIRST], "mine", "alex") == "mine"
    assert session_of("chat/1", [FIRST], None, "alex") == "alex"


@pytest.mark.parametrize(
    ("result", "outcome"),
    [
        ("12 degrees", "succeeded"), ("", "succeeded"), ('{"temperature": 12}', "succeeded"),
        ('{"error": null, "a": 1}', "succeeded"), ("{not json", "succeeded"), ("No errors were found", "succeeded"),
        ("Error: no such city", "failed"), ("error reading file", "failed"), ('{"error": "no such city"}', "failed"),
        ("Traceback (most recent call last):\n  File", "failed"), ("Tool call timed out.", "failed"),
        ('{"content": [{"type": "text", "text": "no"}], "isError": true}', "failed"),
        ('{"content": [{"type": "text", "text": "yes"}], "isError": false}', "succeeded"),
    ],
)  # fmt: skip
def test_whether_a_call_went_well_is_read_from_its_result(result, outcome):
    assert outcome_of(result) == outcome


@given(st.text())
def test_any_result_has_an_outcome(result):
    assert outcome_of(result) in ("succeeded", "failed")


def test_only_the_results_that_a_request_adds_are_reported():
    keeper = Keeper()
    calls = [Message("assistant", "", (ToolCall(f"call_{place}", "f", {}),)) for place in range(3)]
    results = [Message("tool", f"result {place}", (), f"call_{place}", "f") for place in range(3)]
    report_results(keeper, [FIRST, calls[0], results[0], replace(calls[1], tool_calls=()), FIRST])
    assert keeper.results == []
    report_results(keeper, [FIRST, calls[0], results[0], calls[1], results[1], results[2], FIRST])
    assert [call for call, _, _ in keeper.results] == ["call_1", "call_2"]


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (HELLO, ""), (replace(HELLO, finish_reason="length"), "cut off at the length limit"),
        (replace(HELLO, finish_reason="cancelled"), "the client left before the answer was whole"),
        (replace(HELLO, problems=("$.a: too long",)), "$.a: too long"),
    ],
)  # fmt: skip
def test_what_is_not_to_be_learnt_says_why(answer, why):
    assert shortcoming(answer) == why


def test_the_oldest_of_many_answers_is_forgotten(monkeypatch):
    monkeypatch.setattr(recording, "REMEMBERED_ANSWERS", 2)
    answered = Answered()
    for place in range(3):
        answered.add(f"chatcmpl-{place}", f"i{place}")
    assert [answered.interaction(f"chatcmpl-{place}") for place in range(3)] == [None, "i1", "i2"]


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    service = ScriptedService(lambda ask: calling() if ask.tools else HELLO)
    with (
        serving(tmp_path_factory.mktemp("api"), service) as (url, service, keeper),
        httpx.Client(base_url=url, trust_env=False, timeout=30) as client,
    ):
        yield client, service, keeper


def test_a_request_becomes_an_interaction(served):
    client, _, keeper = served
    body = {"messages": [{"role": "user", "content": "Weather?"}], "tools": [TOOL], "user": "alex"}
    made = client.post(CHAT, json=body, headers={"User-Agent": "chat/1", "X-Request-Id": "r1"}).json()
    kept = keeper.interactions[-1]
    assert (kept.source, kept.client, kept.session, kept.request_id) == ("openai_api", "chat/1", "alex", "r1")
    assert (kept.version, kept.outcome, kept.error, kept.latency_ms) == ("mine_v1", "unknown", "", 3.0)
    assert kept.messages == (Message("user", "Weather?"),)
    assert kept.answer == Message("assistant", "", (ToolCall("call_abc", "get_weather", {"city": "Bern"}),))
    assert [tool.name for tool in kept.tools] == ["get_weather"]
    assert made["hive_mind"]["interaction"] == f"interaction-{len(keeper.interactions)}"


def test_a_streamed_answer_is_recorded_and_its_last_chunk_says_where(served):
    client, _, keeper = served
    lines = client.post(CHAT, json={"messages": [{"role": "user", "content": "Hi"}], "stream": True}).text.split("\n\n")
    chunks = [json.loads(line.removeprefix("data: ")) for line in lines if line.startswith("data: {")]
    assert chunks[-1]["hive_mind"] == {"interaction": f"interaction-{len(keeper.interactions)}"}
    assert keeper.interactions[-1].answer.content == "Hello there."


def test_a_completion_is_recorded(served):
    client, _, keeper = served
    client.post("/v1/completions", json={"prompt": "Once upon"})
    assert keeper.interactions[-1].messages == (Message("user", "Once upon"),)


def test_feedback_finds_the_answer(served):
    client, _, keeper = served
    made = client.post(CHAT, json={"messages": [{"role": "user", "content": "Hi"}]}).json()
    here = made["hive_mind"]["interaction"]
    said = client.post("/v1/feedback", json={"id": made["id"], "thumb": "down", "comment": "too short"})
    assert said.json() == {"object": "feedback", "id": made["id"], "interaction": here}
    client.post("/v1/feedback", json={"id": here, "thumb": "up"})
    assert keeper.thumbs[-2:] == [(here, "down", "too short"), (here, "up", "")]
    assert client.post("/v1/feedback", json={"id": "chatcmpl-unknown", "thumb": "up"}).status_code == 404
    for wrong in ({"id": here}, {"id": here, "thumb": "sideways"}, {"thumb": "up"}):
        assert client.post("/v1/feedback", json=wrong).status_code == 400


def test_what_the_grammar_could_not_hold_is_told(served):
    client, service, keeper = served
    service.script, before = (
        (lambda ask: replace(calling(), problems=("$.city: too long",), not_enforced={"get_weather": ("pattern",)})),
        service.script,
    )
    try:
        made = client.post(CHAT, json={"messages": [{"role": "user", "content": "Hi"}], "tools": [TOOL]}).json()
    finally:
        service.script = before
    assert made["hive_mind"]["problems"] == ["$.city: too long"]
    assert made["hive_mind"]["not_enforced"] == {"get_weather": ["pattern"]}
    assert (keeper.interactions[-1].outcome, keeper.interactions[-1].error) == ("failed", "$.city: too long")
