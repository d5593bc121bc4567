"""The tools that keep a record."""

import pytest

from hive_mind.errors import HiveMindError
from tests.serving.mcp.conftest import STATS

TOOL = {"name": "get_weather", "description": "Weather", "inputSchema": {"type": "object", "properties": {"place": {}}}}


def test_an_interaction_from_elsewhere_is_kept_whole(ask, recorder):
    given = {"request": "Weather in Bern?", "tool": "get_weather", "arguments": {"place": "Bern"}, "result": "sunny",
             "outcome": "succeeded", "tools": [TOOL]}  # fmt: skip

    async def use(client):
        return await client.call_tool("record_interaction", given)

    assert ask(use).structured_content == {"interaction_id": f"{1:032x}"}
    (kept,) = recorder.interactions
    assert (kept.source, kept.outcome, kept.version) == ("manual", "succeeded", None)
    assert [message.content for message in (*kept.messages, *kept.results)] == ["Weather in Bern?", "sunny"]
    (call,) = kept.answer.tool_calls
    assert (call.name, call.arguments) == ("get_weather", {"place": "Bern"}) and kept.results[0].tool_call_id == call.id
    assert [tool.name for tool in kept.tools] == ["get_weather"]


def test_an_answer_in_words_needs_no_tool_and_a_request_alone_is_nothing(ask, recorder):
    async def use(client):
        said = await client.call_tool("record_interaction", {"request": "Hello", "answer": "Hi"})
        nothing = await client.call_tool("record_interaction", {"request": "Hello"})
        return said, nothing

    said, nothing = ask(use)
    assert not said.is_error and recorder.interactions[0].answer.content == "Hi"
    assert nothing.is_error and "nothing to learn" in nothing.content[0].text


@pytest.mark.parametrize(("thumb", "kept"), [("up", "up"), ("down", "down"), ("none", None)])
def test_feedback_goes_to_the_record_of_the_answer(ask, recorder, thumb, kept):
    async def use(client):
        return await client.call_tool("give_feedback", {"interaction_id": "abc", "thumb": thumb, "comment": "too long"})

    assert ask(use).structured_content == {"interaction_id": "abc", "thumb": thumb}
    assert recorder.told == [("abc", kept, "too long")]


def test_empty_feedback_is_refused(ask, recorder):
    async def use(client):
        return await client.call_tool("give_feedback", {"interaction_id": "abc", "thumb": "none"})

    assert ask(use).is_error and recorder.told == []


def test_statistics_are_counts_and_a_store_that_is_away_is_said(ask, here):
    async def use(client):
        return await client.call_tool("usage_stats", {})

    assert ask(use).structured_content == STATS

    def away():
        raise HiveMindError("the store cannot be reached; start it")

    here.stats = away
    result = ask(use)
    assert result.is_error and "the store cannot be reached" in result.content[0].text
