"""The tools that ask the model: what is put to it, what comes back, what is recorded."""

import json

import anyio
import pytest
from mcp.types import Implementation

from hive_mind.conversation import Message
from hive_mind.serving.ask import Busy, TextDelta, UnknownModel
from hive_mind.sources.bash_commands import BASH, convert
from hive_mind.sources.code_alpaca import convert as convert_code
from tests.serving.mcp.conftest import WEATHER
from tests.serving.mcp.fakes import answer, call, deltas


def test_a_command_is_asked_for_as_rows_of_shell_commands_are_trained(ask, service, recorder):
    service.waiting = [answer(calls=[call("bash", command="ls -S")])]

    async def use(client):
        return await client.call_tool("shell_command", {"request": " List files by size. "})

    result = ask(use)
    said = {"command": "ls -S", "danger": "", "version": "a_v1", "interaction_id": f"{1:032x}"}
    assert result.structured_content == said
    assert json.loads(result.content[0].text) == result.structured_content
    (asked,) = service.asked
    trained = convert({"nl": "List files by size.", "bash": "ls -S"})
    assert asked.messages == trained.messages[:1] and asked.tools == trained.tools == (BASH,)
    assert (asked.tool_choice, asked.parallel_tool_calls, asked.temperature) == ("required", False, 0.0)
    (kept,) = recorder.interactions
    assert (kept.source, kept.version, kept.outcome, kept.tools) == ("mcp_server", "a_v1", "unknown", (BASH,))
    assert kept.messages == asked.messages and kept.answer.tool_calls[0].arguments == {"command": "ls -S"}
    assert kept.latency_ms == pytest.approx(20) and kept.session and kept.time.endswith("Z")


def test_a_dangerous_command_comes_with_a_warning(ask, service):
    service.waiting = [answer(calls=[call("bash", command="rm -rf ~/")])]

    async def use(client):
        return await client.call_tool("shell_command", {"request": "Clean up."})

    assert ask(use).structured_content["danger"]


def test_code_is_asked_for_as_rows_of_code_are_trained(ask, service):
    service.waiting = [answer("Here:\n```python\nprint(1)\n```\nDone.")]

    async def use(client):
        return await client.call_tool("write_code", {"request": "Print it.", "material": "1"})

    result = ask(use).structured_content
    trained = convert_code({"instruction": "Print it.", "input": "1", "output": "print(1)"})
    assert service.asked[0].messages == trained.messages[:1] and service.asked[0].tools == ()
    assert result["code"] == "print(1)" and result["text"].startswith("Here:") and result["complete"] is True


def test_a_reply_without_a_fence_or_with_several_is_code_as_it_stands(ask, service):
    several = "```\na\n```\nand\n```\nb\n```"
    service.waiting = [answer("print(1)\n"), answer(several)]

    async def use(client):
        return [(await client.call_tool("write_code", {"request": "x"})).structured_content["code"] for _ in range(2)]

    assert ask(use) == ["print(1)", several]


def test_a_tool_call_is_chosen_among_the_tools_that_are_given(ask, service, recorder):
    service.waiting = [answer("Sure.", calls=[call("get_time", zone="UTC")], problems=("zone is no pattern",))]
    zone = {"type": "object", "properties": {"zone": {"type": "string"}}}
    stop = {"name": "stop", "description": "Stop", "parameters": {"type": "object", "properties": {}}}
    mcp_layout, openai_layout = {"name": "get_time", "inputSchema": zone}, {"type": "function", "function": stop}
    tools = [mcp_layout, openai_layout]

    async def use(client):
        return await client.call_tool("suggest_tool_call", {"request": "What time is it?", "tools": tools})

    result = ask(use).structured_content
    assert result["calls"] == [{"name": "get_time", "arguments": {"zone": "UTC"}}]
    assert (result["offered"], result["problems"], result["text"]) == (
        ["get_time", "stop"],
        ["zone is no pattern"],
        "Sure.",
    )
    assert service.asked[0].tool_choice == "auto"
    assert recorder.interactions[0].outcome == "failed"


def test_without_tools_the_known_ones_are_offered(ask, service):
    async def use(client):
        return await client.call_tool("suggest_tool_call", {"request": "Weather in Bern?", "must_call": True})

    result = ask(use).structured_content
    assert result["calls"] == [{"name": "get_weather", "arguments": {"place": "Weather in Bern?"}}]
    assert service.asked[0].tools == (WEATHER,) and service.asked[0].tool_choice == "required"


def test_of_many_tools_the_best_few_are_offered(ask, service):
    many = [
        {"name": f"tool_{n}", "description": f"Do number {n}", "inputSchema": {"type": "object"}} for n in range(40)
    ]
    many.append({"name": "send_mail", "description": "Send a mail to a person", "inputSchema": {"type": "object"}})

    async def use(client):
        return await client.call_tool("suggest_tool_call", {"request": "Send a mail to Ann", "tools": many})

    offered = ask(use).structured_content["offered"]
    assert len(offered) == 8 and "send_mail" in offered


def test_where_no_tool_is_known_the_error_says_what_to_do(ask, here):
    here.known_tools = lambda: ()

    async def use(client):
        return await client.call_tool("suggest_tool_call", {"request": "x"})

    result = ask(use)
    assert result.is_error and "hive-mind tools sync" in result.content[0].text


@pytest.mark.parametrize(
    "arguments",
    [
        {"tools": [{"description": "no name"}]},
        {"tools": ["a"]},
        {"max_tokens": 0},
        {"max_tokens": 10**9},
        {"request": ""},
    ],
)
def test_what_cannot_be_asked_is_refused_with_the_reason_before_the_model_is_asked(ask, service, arguments):
    async def use(client):
        return await client.call_tool("suggest_tool_call", {"request": "x", **arguments})

    result = ask(use)
    assert result.is_error and len(result.content[0].text) > 40
    assert service.asked == []


def test_a_command_or_call_that_was_cut_off_is_an_error_that_names_the_way_out(ask, service, recorder):
    service.waiting = [answer("<tool_call>", finish_reason="length"), answer("", finish_reason="length"), answer("no")]

    async def use(client):
        return [
            await client.call_tool("shell_command", {"request": "x"}),
            await client.call_tool("suggest_tool_call", {"request": "x"}),
            await client.call_tool("shell_command", {"request": "x"}),
        ]

    cut, cut_too, none = ask(use)
    assert cut.is_error and cut_too.is_error and none.is_error
    assert "raise max_tokens" in cut.content[0].text and "raise max_tokens" in cut_too.content[0].text
    assert "no command" in none.content[0].text
    assert [kept.outcome for kept in recorder.interactions] == ["failed", "failed", "unknown"]


def test_text_that_was_cut_off_says_so(ask, service):
    service.waiting = [answer("It is", finish_reason="length")]

    async def use(client):
        return await client.call_tool("explain", {"material": "ls"})

    result = ask(use).structured_content
    assert (result["text"], result["complete"]) == ("It is", False)
    assert service.asked[0].messages[0].content == "Explain what the following does.\n\nls"


def test_generate_passes_its_settings_on(ask, service):
    async def use(client):
        given = {
            "prompt": "Hi",
            "system": "Be brief.",
            "temperature": 0.5,
            "stop": ["\n"],
            "model": "base",
            "max_tokens": 7,
        }
        return await client.call_tool("generate", given)

    assert ask(use).structured_content["text"] == "You said: Hi"
    (asked,) = service.asked
    assert asked.messages == (Message("system", "Be brief."), Message("user", "Hi"))
    assert (asked.temperature, asked.stop, asked.model, asked.max_tokens) == (0.5, ("\n",), "base", 7)


@pytest.mark.parametrize(
    "error", [Busy("the queue is full; ask again in 2 s"), UnknownModel("there is no version 'x'")]
)
def test_what_the_service_has_to_say_reaches_the_client(ask, service, recorder, error):
    service.waiting = [error, [error]]

    async def use(client):
        return [await client.call_tool("generate", {"prompt": "Hi"}) for _ in range(2)]

    for result in ask(use):
        assert result.is_error and str(error) in result.content[0].text
    assert recorder.interactions == []


def test_a_crash_is_told_without_its_text(ask, service):
    service.waiting = [RuntimeError("secret inside")]

    async def use(client):
        return await client.call_tool("generate", {"prompt": "Hi"})

    result = ask(use)
    assert result.is_error and "secret" not in result.content[0].text


def test_the_client_is_named_in_the_record(ask, recorder):
    async def use(client):
        return await client.call_tool("generate", {"prompt": "Hi"})

    ask(use, client_info=Implementation(name="some-client", version="3.1"))
    assert recorder.interactions[0].client == "some-client 3.1"


def test_progress_is_told_and_only_grows(ask, service, monkeypatch):
    monkeypatch.setattr("hive_mind.serving.mcp.backend.PROGRESS_SECONDS", 0.0)
    service.waiting = [[*deltas("a", "b", "c"), answer("abc")]]
    told = []

    async def note(progress, total, message):
        told.append((progress, total, message))

    async def use(client):
        return await client.call_tool("generate", {"prompt": "Hi", "max_tokens": 9}, progress_callback=note)

    ask(use)
    assert told == [(0, 9, "starting the model"), (1, 9, "writing"), (2, 9, "writing"), (3, 9, "writing")]


def test_a_call_that_the_client_gives_up_frees_the_model(ask, service):
    writing = anyio.Event()

    async def forever():
        writing.set()
        await anyio.sleep_forever()

    service.waiting = [[TextDelta("a"), forever]]

    async def use(client):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(client.call_tool, "generate", {"prompt": "Hi"})
            with anyio.fail_after(60):
                await writing.wait()
            tasks.cancel_scope.cancel()
        with anyio.fail_after(60):
            while not service.pending[0].cancelled:
                await anyio.sleep(0.01)

    ask(use)


def test_the_service_starts_once_for_many_that_ask_at_once(ask, here, service):
    starts = []
    here.start = lambda: starts.append(1) or service

    async def use(client):
        async with anyio.create_task_group() as tasks:
            for _ in range(5):
                tasks.start_soon(client.call_tool, "generate", {"prompt": "Hi"})

    ask(use)
    assert starts == [1] and len(service.asked) == 5
    here.close()
    assert service.closed and not here.started
