"""Which tools a request is answered with: its own, the catalogue's where that is wanted, and of many the best few."""

import pytest

from hive_mind.conversation import Tool
from hive_mind.serving.api_settings import ApiSettings
from hive_mind.serving.offered_tools import Offering
from hive_mind.serving.openai_errors import ApiError
from hive_mind.serving.openai_schema import ChatRequest

THINGS = ("weather", "mail", "calendar", "music", "stocks", "maps", "recipes", "news", "lights", "files", "jokes")
CATALOGUE = tuple(Tool(f"get_{thing}", f"Look up {thing}.", {"type": "object", "properties": {}}) for thing in THINGS)


def offered(tmp_path, settings=None, catalogue=(), **request):
    asked = {"messages": [{"role": "user", "content": "Any new mail?"}]} | request
    chat = ChatRequest.model_validate(asked)
    made = Offering(ApiSettings(**settings or {}), tmp_path, lambda: catalogue).offered(chat)
    return [tool.name for tool in made.tools], made.of


def declared(tools):
    return [tool.to_dict() for tool in tools]


def test_few_tools_are_all_offered_in_their_order(tmp_path):
    names, of = offered(tmp_path, tools=declared(CATALOGUE[:8]))
    assert (names, of) == ([tool.name for tool in CATALOGUE[:8]], 8)


def test_of_many_the_best_are_offered(tmp_path):
    names, of = offered(tmp_path, {"tools_in_prompt": 3}, tools=declared(CATALOGUE))
    assert (len(names), of, "get_mail" in names) == (3, 11, True)
    assert names == [tool.name for tool in CATALOGUE if tool.name in names]
    assert offered(tmp_path, {"tools_in_prompt": 0}, tools=declared(CATALOGUE)) == ([t.name for t in CATALOGUE], 11)


def test_what_must_be_called_and_what_was_called_stays(tmp_path):
    call = {"id": "call_1", "type": "function", "function": {"name": "get_jokes", "arguments": "{}"}}
    names, _ = offered(
        tmp_path, {"tools_in_prompt": 2}, tools=declared(CATALOGUE),
        tool_choice={"type": "function", "function": {"name": "get_lights"}},
        messages=[
            {"role": "user", "content": "A joke"}, {"role": "assistant", "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "call_1", "content": "ha"}, {"role": "user", "content": "Any new mail?"},
        ],
    )  # fmt: skip
    assert {"get_jokes", "get_lights", "get_mail"} <= set(names)
    assert len(names) <= 4


def test_the_catalogue_is_offered_only_where_it_is_wanted(tmp_path):
    assert offered(tmp_path, catalogue=CATALOGUE) == ([], 0)
    names, of = offered(tmp_path, catalogue=CATALOGUE, tools="catalogue")
    assert (len(names), of, "get_mail" in names) == (8, 11, True)
    assert offered(tmp_path, {"offer_catalogue": True}, CATALOGUE)[1] == 11
    assert offered(tmp_path, {"offer_catalogue": True}, CATALOGUE, tool_choice="none") == ([], 0)
    assert offered(tmp_path, {"offer_catalogue": True}, CATALOGUE, tools=declared(CATALOGUE[:1])) == (
        ["get_weather"],
        1,
    )


def test_an_empty_catalogue_is_said_to_be(tmp_path):
    with pytest.raises(ApiError, match="tools sync"):
        offered(tmp_path, tools="catalogue")
    assert offered(tmp_path, {"offer_catalogue": True}) == ([], 0)


def test_names_with_dots_are_taken_as_they_are(tmp_path):
    assert offered(tmp_path, tools=declared([Tool("math.gcd", "", {"type": "object"})]))[0] == ["math.gcd"]
