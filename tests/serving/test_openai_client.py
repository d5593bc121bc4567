"""The real `openai` client against the API: what it sends arrives, what it gets it can read."""

import json
from dataclasses import replace

import openai
import pytest

from hive_mind.conversation import Message, ToolCall
from hive_mind.errors import HiveMindError, UsageError
from hive_mind.inference.tool_choice import Named
from hive_mind.serving.ask import Busy, ContextExceeded, Unavailable, UnknownModel
from tests.serving.scripted import HELLO, ScriptedService, calling, serving

WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
HI = [{"role": "user", "content": "Hi"}]


class Answers:
    """What the scripted service answers next."""

    def __init__(self):
        self.next = HELLO

    def __call__(self, ask):
        if isinstance(self.next, Exception):
            raise self.next
        return self.next


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    answers = Answers()
    with serving(tmp_path_factory.mktemp("api"), ScriptedService(answers)) as (url, service, keeper):
        client = openai.OpenAI(base_url=f"{url}/v1", api_key="unused", max_retries=0)
        yield client, service, keeper, answers
        client.close()


@pytest.fixture
def api(served):
    client, service, keeper, answers = served
    answers.next = HELLO
    service.breaks_after = None
    service.asked.clear()
    keeper.interactions.clear()
    keeper.results.clear()
    return client, service, keeper, answers


def test_every_parameter_arrives(api):
    client, service, _, _ = api
    made = client.chat.completions.create(
        model="mine_v1",
        messages=[
            {"role": "system", "content": "Be brief."},
            {"role": "developer", "content": [{"type": "text", "text": "Be "}, {"type": "text", "text": "kind."}]},
            {"role": "user", "content": "Weather?"},
        ],
        tools=[WEATHER],
        tool_choice={"type": "function", "function": {"name": "get_weather"}},
        parallel_tool_calls=False,
        temperature=0.7,
        top_p=0.9,
        max_completion_tokens=64,
        max_tokens=32,
        stop=["END", "STOP"],
        seed=7,
        user="alex",
        metadata={"a": "b"},
        store=False,
    )
    [ask] = service.asked
    assert [(message.role, message.content) for message in ask.messages] == [
        ("system", "Be brief."), ("system", "Be kind."), ("user", "Weather?"),
    ]  # fmt: skip
    assert ask.model == "mine_v1"
    assert [tool.name for tool in ask.tools] == ["get_weather"]
    assert ask.tool_choice == Named("get_weather")
    assert (ask.parallel_tool_calls, ask.temperature, ask.top_p) == (False, 0.7, 0.9)
    assert (ask.max_tokens, ask.stop, ask.seed, ask.response_schema) == (64, ("END", "STOP"), 7, None)
    assert made.id.startswith("chatcmpl-")
    assert (made.object, made.model, made.choices[0].finish_reason) == ("chat.completion", "mine_v1", "stop")
    assert (made.choices[0].message.role, made.choices[0].message.content) == ("assistant", "Hello there.")
    assert (made.usage.prompt_tokens, made.usage.completion_tokens, made.usage.total_tokens) == (12, 3, 15)
    assert made.usage.prompt_tokens_details.cached_tokens == 4


def test_what_is_left_out_has_its_default(api):
    client, service, _, _ = api
    client.chat.completions.create(model="latest", messages=HI)
    [ask] = service.asked
    assert (ask.tools, ask.tool_choice, ask.parallel_tool_calls) == ((), "auto", True)
    assert (ask.temperature, ask.top_p, ask.max_tokens, ask.stop, ask.seed) == (0.0, 1.0, None, (), None)


@pytest.mark.parametrize("choice", ["none", "auto", "required"])
def test_tool_choices_arrive(api, choice):
    client, service, _, _ = api
    client.chat.completions.create(model="latest", messages=HI, tools=[WEATHER], tool_choice=choice)
    assert service.asked[0].tool_choice == choice


def test_a_call_comes_back_and_its_result_goes_on(api):
    client, service, keeper, answers = api
    answers.next = calling(arguments={"city": "Zürich", "days": 3})
    made = client.chat.completions.create(model="latest", messages=HI, tools=[WEATHER])
    [choice] = made.choices
    [call] = choice.message.tool_calls
    assert (choice.finish_reason, choice.message.content, call.type) == ("tool_calls", None, "function")
    assert (call.id, call.function.name) == ("call_abc", "get_weather")
    assert json.loads(call.function.arguments) == {"city": "Zürich", "days": 3}
    answers.next = HELLO
    result = {"role": "tool", "tool_call_id": call.id, "content": "12 degrees"}
    client.chat.completions.create(model="latest", messages=[*HI, choice.message, result], tools=[WEATHER])
    asked = service.asked[-1].messages
    assert asked[1] == Message("assistant", "", (ToolCall("call_abc", "get_weather", {"city": "Zürich", "days": 3}),))
    assert asked[2] == Message("tool", "12 degrees", (), "call_abc", "get_weather")
    assert keeper.results == [("call_abc", "12 degrees", "succeeded")]


def test_words_are_streamed_as_they_come(api):
    client, _, _, _ = api
    chunks = list(client.chat.completions.create(model="latest", messages=HI, stream=True))
    assert chunks[0].choices[0].delta.role == "assistant"
    assert [chunk.choices[0].delta.content for chunk in chunks] == ["", "Hello", " there.", None]
    assert [chunk.choices[0].finish_reason for chunk in chunks] == [None, None, None, "stop"]
    assert {chunk.model for chunk in chunks} == {"mine_v1"}
    assert len({chunk.id for chunk in chunks}) == 1
    assert all(chunk.usage is None for chunk in chunks)


def test_a_stream_ends_with_the_usage_where_it_is_asked_for(api):
    client, _, _, _ = api
    options = {"include_usage": True}
    chunks = list(client.chat.completions.create(model="latest", messages=HI, stream=True, stream_options=options))
    assert [bool(chunk.choices) for chunk in chunks] == [True, True, True, True, False]
    assert chunks[-1].usage.total_tokens == 15


def test_calls_are_streamed_by_index_name_first(api):
    client, _, _, answers = api
    second = ToolCall("call_def", "get_weather", {"city": "Basel"})
    answers.next = replace(calling(), calls=(*calling().calls, second))
    chunks = list(client.chat.completions.create(model="latest", messages=HI, tools=[WEATHER], stream=True))
    pieces = [call for chunk in chunks for call in chunk.choices[0].delta.tool_calls or ()]
    assert [(piece.index, piece.id, piece.function.name) for piece in pieces] == [
        (0, "call_abc", "get_weather"), (0, None, None), (0, None, None),
        (1, "call_def", "get_weather"), (1, None, None), (1, None, None),
    ]  # fmt: skip
    arguments = ["".join(piece.function.arguments for piece in pieces if piece.index == index) for index in (0, 1)]
    assert [json.loads(text) for text in arguments] == [{"city": "Bern"}, {"city": "Basel"}]
    assert chunks[-1].choices[0].finish_reason == "tool_calls"


def test_the_client_puts_a_streamed_call_together(api):
    client, _, _, answers = api
    answers.next = calling()
    with client.chat.completions.stream(model="latest", messages=HI, tools=[WEATHER]) as stream:
        made = stream.get_final_completion()
    [call] = made.choices[0].message.tool_calls
    assert (call.function.name, json.loads(call.function.arguments)) == ("get_weather", {"city": "Bern"})


def test_a_schema_for_the_answer_arrives(api):
    client, service, _, answers = api
    answers.next = replace(HELLO, text='{"a": 1}')
    schema = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
    asked = {"type": "json_schema", "json_schema": {"name": "it", "strict": True, "schema": schema}}
    made = client.chat.completions.create(model="latest", messages=HI, response_format=asked)
    assert json.loads(made.choices[0].message.content) == {"a": 1}
    client.chat.completions.create(model="latest", messages=HI, response_format={"type": "json_object"})
    client.chat.completions.create(model="latest", messages=HI, response_format={"type": "text"})
    assert [ask.response_schema for ask in service.asked] == [schema, {}, None]


def test_a_text_is_gone_on_from(api):
    client, service, _, _ = api
    made = client.completions.create(model="base", prompt="Once", max_tokens=5, stop="\n", seed=1)
    assert (made.object, made.choices[0].text, made.choices[0].finish_reason) == (
        "text_completion", "Hello there.", "stop",
    )  # fmt: skip
    chunks = list(client.completions.create(model="base", prompt=["Once"], stream=True))
    assert "".join(chunk.choices[0].text for chunk in chunks) == "Hello there."
    first, second = service.asked
    assert (first.prompt, first.max_tokens, first.stop, first.messages) == ("Once", 5, ("\n",), ())
    assert (second.prompt, second.max_tokens) == ("Once", 16)


@pytest.mark.parametrize(
    ("wrong", "kind", "code", "param"),
    [
        (UnknownModel("there is no version x"), openai.NotFoundError, "model_not_found", "model"),
        (ContextExceeded("9,000 tokens are too many"), openai.BadRequestError, "context_length_exceeded", "messages"),
        (UsageError("that cannot be asked"), openai.BadRequestError, "invalid_value", None),
        (HiveMindError("the row was lost"), openai.InternalServerError, "answer_failed", None),
    ],
)
def test_errors_of_the_service_are_the_clients(api, wrong, kind, code, param):
    client, _, _, answers = api
    answers.next = wrong
    with pytest.raises(kind) as raised:
        client.chat.completions.create(model="latest", messages=HI)
    assert (raised.value.body["message"], raised.value.code, raised.value.param) == (str(wrong), code, param)


def test_a_model_that_cannot_be_served_is_no_fault_of_the_request(api):
    client, _, _, answers = api
    answers.next = Unavailable("the base of mine_v1 is not at hand")
    with pytest.raises(openai.InternalServerError) as raised:
        client.chat.completions.create(model="latest", messages=HI)
    assert (raised.value.response.status_code, raised.value.code) == (503, "model_unavailable")
    assert int(raised.value.response.headers["retry-after"]) > 0


def test_a_full_queue_says_when_to_come_again(api):
    client, _, _, answers = api
    answers.next = Busy("8 requests wait already; ask again", 2.5)
    with pytest.raises(openai.InternalServerError) as raised:
        client.chat.completions.create(model="latest", messages=HI)
    assert raised.value.response.status_code == 503
    assert raised.value.response.headers["retry-after"] == "3"


@pytest.mark.parametrize(
    ("given", "param"),
    [
        ({"n": 2}, "n"),
        ({"logprobs": True}, "logprobs"),
        ({"top_logprobs": 3}, "top_logprobs"),
        ({"logit_bias": {"5": 1}}, "logit_bias"),
        ({"frequency_penalty": 0.5}, "frequency_penalty"),
        ({"presence_penalty": 0.5}, "presence_penalty"),
        ({"modalities": ["text", "audio"]}, "modalities"),
        ({"audio": {"voice": "a", "format": "wav"}}, "audio"),
        ({"functions": [{"name": "f"}]}, "functions"),
        ({"temperature": 3}, "temperature"),
        ({"top_p": 0}, "top_p"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"stop": [""]}, "stop.0"),
        ({"tools": [WEATHER, WEATHER]}, "tools"),
        ({"tools": [{"type": "web_search"}]}, "tools.0.type"),
        ({"tools": [WEATHER], "tool_choice": {"type": "function", "function": {"name": "x"}}}, "tool_choice"),
        ({"tool_choice": "required"}, "tool_choice"),
        ({"response_format": {"type": "json_schema", "json_schema": {"name": "x"}}}, "response_format"),
        (
            {"response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "dict"}}}},
            "response_format.json_schema.schema",
        ),
        ({"stream_options": {"include_usage": True}}, None),
        ({"messages": []}, "messages"),
        ({"messages": [{"role": "user"}]}, "messages.0.content"),
        ({"messages": [{"role": "function", "name": "f", "content": "x"}]}, "messages.0.role"),
        ({"messages": [{"role": "assistant", "function_call": {"name": "f"}}]}, "messages.0.function_call"),
        ({"messages": [{"role": "tool", "tool_call_id": "x", "content": "x"}]}, "messages.0.tool_call_id"),
        (
            {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}]},
            "messages.0.content.0",
        ),
    ],
    ids=str,
)
def test_what_cannot_be_done_is_refused_by_name(api, given, param):
    client, service, _, _ = api
    with pytest.raises(openai.BadRequestError) as raised:
        client.chat.completions.create(**{"model": "latest", "messages": HI} | given)
    assert raised.value.param == param
    assert raised.value.type == "invalid_request_error"
    assert service.asked == []


def test_what_means_nothing_new_is_taken(api):
    client, service, _, _ = api
    neutral = {"n": 1, "logprobs": False, "frequency_penalty": 0, "presence_penalty": 0.0, "logit_bias": {}}
    client.chat.completions.create(
        model="latest", messages=HI, **neutral, extra_body={"top_k": 5, "cache": True}, service_tier="auto"
    )
    assert len(service.asked) == 1


def test_a_stream_that_breaks_off_is_an_error_of_the_client(api):
    client, service, _, _ = api
    service.breaks_after = 2
    got = []
    with pytest.raises(openai.APIError, match="the row was lost"):
        for chunk in client.chat.completions.create(model="latest", messages=HI, stream=True):
            got.append(chunk)
    assert len(got) == 2


def test_models_are_listed(api):
    client, _, _, _ = api
    assert [model.id for model in client.models.list()] == ["base"]
    assert client.models.retrieve("base").owned_by == "hive-mind"
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("gpt-4o")


def test_a_route_that_there_is_not(api):
    client, _, _, _ = api
    with pytest.raises(openai.NotFoundError) as raised:
        client.embeddings.create(model="latest", input="x")
    assert raised.value.code == "not_found"
    assert "/v1/embeddings" in raised.value.body["message"]
