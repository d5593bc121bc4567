"""The `openai` client, the API and the real engine together, on a small random base: replies are held to schemas."""

import json

import jsonschema
import openai
import pytest
import torch

from hive_mind.model.base import ModelSettings, resolve_base
from hive_mind.serving.api_settings import ApiSettings
from hive_mind.serving.app import create_app
from hive_mind.serving.engine_settings import EngineSettings
from hive_mind.serving.service import start
from tests.serving.scripted import Keeper, running, until
from tests.tiny_models import write_base, write_version

SCHEMA = {
    "type": "object",
    "properties": {"city": {"enum": ["Bern", "Basel"]}, "days": {"type": "integer", "minimum": 1, "maximum": 9}},
    "required": ["city", "days"],
    "additionalProperties": False,
}
TOOL = {"type": "function", "function": {"name": "get_weather", "description": "Weather", "parameters": SCHEMA}}
HI = [{"role": "user", "content": "Weather?"}]


@pytest.fixture(scope="module")
def served(tmp_path_factory, tiny_folder):
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("api")
    base = write_base(folder / "base", tiny_folder)
    service = start(folder / "models", EngineSettings(base=str(base.folder), device="cpu", dtype="fp32"))
    settings, keeper = ApiSettings(rate_limit=0, tokens_file=folder / "tokens.json"), Keeper()
    with running(create_app(service, keeper, settings, folder / "models"), settings) as url:
        yield openai.OpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0), keeper, service
    service.close()


def create(client, **options):
    return client.chat.completions.create(**{"model": "base", "messages": HI, "max_tokens": 60} | options)


def test_a_call_that_must_be_made_fits_its_schema_and_streams_alike(served):
    client, keeper, _ = served
    whole = create(client, tools=[TOOL], tool_choice="required", parallel_tool_calls=False).choices[0]
    [call] = whole.message.tool_calls
    assert (whole.finish_reason, call.function.name) == ("tool_calls", "get_weather")
    jsonschema.validate(json.loads(call.function.arguments), SCHEMA)
    chunks = list(create(client, tools=[TOOL], tool_choice="required", parallel_tool_calls=False, stream=True))
    pieces = [piece for chunk in chunks for piece in chunk.choices[0].delta.tool_calls or ()]
    assert json.loads("".join(piece.function.arguments for piece in pieces)) == json.loads(call.function.arguments)
    assert (pieces[0].function.name, chunks[-1].choices[0].finish_reason) == ("get_weather", "tool_calls")
    assert pieces[0].id != call.id
    assert [kept.answer.tool_calls[0].id for kept in keeper.interactions[-2:]] == [call.id, pieces[0].id]


def test_a_result_is_answered_in_the_same_conversation(served):
    client, keeper, _ = served
    said = create(client, tools=[TOOL], tool_choice="required", parallel_tool_calls=False).choices[0].message
    result = {"role": "tool", "tool_call_id": said.tool_calls[0].id, "content": "12 degrees"}
    made = create(client, messages=[*HI, said, result], tools=[TOOL], tool_choice="none", max_tokens=8)
    assert made.choices[0].message.tool_calls is None
    assert keeper.results[-1] == (said.tool_calls[0].id, "12 degrees", "succeeded")
    assert keeper.interactions[-1].session == keeper.interactions[-2].session


def test_text_is_held_to_a_schema(served):
    client, _, _ = served
    asked = {"type": "json_schema", "json_schema": {"name": "weather", "schema": SCHEMA}}
    jsonschema.validate(json.loads(create(client, response_format=asked).choices[0].message.content), SCHEMA)


def test_a_seed_makes_an_answer_again(served):
    client, _, _ = served
    made = [create(client, temperature=1.5, seed=seed, max_tokens=12).choices[0].message.content for seed in (1, 1, 2)]
    assert made[0] == made[1] != made[2]


def test_the_length_ends_an_answer_and_is_said(served):
    client, keeper, _ = served
    made = create(client, max_tokens=3)
    assert (made.choices[0].finish_reason, made.usage.completion_tokens) == ("length", 3)
    assert keeper.interactions[-1].error == "cut off at the length limit"


def test_what_the_model_cannot_take_is_an_error_of_the_client(served):
    client, _, _ = served
    with pytest.raises(openai.BadRequestError) as raised:
        create(client, messages=[{"role": "user", "content": "word " * 6000}])
    assert raised.value.code == "context_length_exceeded"
    with pytest.raises(openai.NotFoundError) as raised:
        create(client, model="gpt-4o")
    assert raised.value.code == "model_not_found"
    with pytest.raises(openai.NotFoundError):
        create(client, model="../../etc/passwd", stream=True)


def test_a_version_whose_base_is_not_at_hand_is_no_fault_of_the_request(served, tmp_path, tiny_folder):
    client, _, service = served
    write_base(tmp_path / "lost", tiny_folder, seed=9)
    (tmp_path / "lost" / "base.json").write_text('{"id": "lost"}')
    write_version(service.models_dir, "lost_v1", resolve_base(ModelSettings(base=str(tmp_path / "lost"))))
    for streamed in (False, True):
        with pytest.raises(openai.InternalServerError, match="not at hand") as raised:
            create(client, model="lost_v1", stream=streamed)
        assert (raised.value.response.status_code, raised.value.code) == (503, "model_unavailable")


def test_a_client_that_leaves_frees_its_row(served):
    client, _, service = served
    before = service.stats()["cancelled"]
    stream = create(client, max_tokens=3000, stream=True, temperature=2.0, seed=4)
    for _, _ in zip(range(3), stream, strict=False):
        pass
    stream.close()
    until(lambda: service.stats()["cancelled"] == before + 1)
