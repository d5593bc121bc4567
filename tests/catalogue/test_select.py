"""Which tools a request is offered."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hive_mind.catalogue import K, offer, request_text, select
from hive_mind.conversation import Message, Tool, ToolCall

NAMES = ["create_issue", "list_issues", "read_file", "write_file", "search_papers", "get_weather", "send_mail",
         "play_song", "query_table", "add_row", "resize_image", "translate_text"]  # fmt: skip
TOOLS = [Tool(name, name.replace("_", " "), {"type": "object", "properties": {"path": {}}}) for name in NAMES]


def names(tools: list[Tool]) -> list[str]:
    return [tool.name for tool in tools]


def test_what_the_request_names_is_among_them() -> None:
    assert {"create_issue", "list_issues"} <= set(names(select("Which issues are open?", TOOLS, 3)))
    assert "get_weather" in names(select("How is the weather in Rome?", TOOLS, 1))
    assert "translate_text" in names(select("translateText", TOOLS, 1))


def test_no_more_than_k_come_back_as_they_are() -> None:
    assert select("anything", TOOLS[:K]) == TOOLS[:K]
    assert len(select("anything", TOOLS)) == K
    assert select("anything", []) == []


@given(st.permutations(TOOLS), st.text(max_size=40), st.integers(1, 12))
def test_the_order_is_kept_and_decides_nothing(tools: list[Tool], request: str, k: int) -> None:
    chosen = select(request, tools, k)
    assert [tool for tool in tools if tool in chosen] == chosen and len(chosen) == k
    assert sorted(names(chosen)) == sorted(names(select(request, TOOLS, k)))


def test_where_nothing_speaks_for_a_tool_none_is_favoured() -> None:
    first = {names(select(f"nothing {number} fits", TOOLS, 1))[0] for number in range(100)}
    assert len(first) == len(TOOLS)


def test_what_was_called_stays_and_what_was_said_last_counts() -> None:
    asked = [Message("system", "Speak of papers."), Message("user", "Old request: play a song"), Message("user", "Go")]
    call = Message("assistant", "First a mail.", (ToolCall("c", "add_row", {}),))
    result = Message("tool", "done", (), "c", "add_row")
    said = [Message("assistant", "Now I translate text.")]
    assert request_text([*asked, call, result]) == "Go\nFirst a mail.\nadd_row"
    assert request_text([*asked, call, result, *said]) == "Go\nNow I translate text.\nadd_row"
    assert request_text([]) == "" and request_text(asked[:1]) == "Speak of papers."
    offered = names(offer([*asked, call, result, *said], TOOLS, 1))
    assert offered == ["add_row", "translate_text"], "the one called besides the best one"
    assert names(offer([Message("user", "weather")], TOOLS, 1)) == ["get_weather"]
