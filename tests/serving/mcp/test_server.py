"""The server as a client sees it, in memory and in both eras of the protocol."""

import re

import pytest

from hive_mind.serving.mcp.server import INSTRUCTIONS, LONGEST_INSTRUCTIONS, NAME

TOOLS = [
    "suggest_tool_call", "shell_command", "write_code", "explain", "generate", "record_interaction", "give_feedback",
    "usage_stats", "list_models", "model_status", "promote_model", "rollback_model",
]  # fmt: skip
CHANGES = {"record_interaction", "give_feedback", "promote_model", "rollback_model"}
LONGEST_NAME = 40


def test_it_says_who_it_is_and_what_it_is_for(ask):
    async def use(client):
        return client.server_info, client.instructions

    info, instructions = ask(use)
    assert (info.name, info.title) == (NAME, "Hive-Mind") and info.version
    assert instructions == INSTRUCTIONS and len(instructions) <= LONGEST_INSTRUCTIONS
    assert [name for name in TOOLS if name not in instructions and name not in ("usage_stats",)] == []


def test_every_tool_has_a_title_annotations_and_schemas_that_describe_each_field(ask):
    async def use(client):
        return (await client.list_tools()).tools

    tools = ask(use)
    assert [tool.name for tool in tools] == TOOLS
    for tool in tools:
        assert re.fullmatch(rf"[a-z_]{{1,{LONGEST_NAME}}}", tool.name)
        assert tool.title and tool.description
        assert tool.annotations.read_only_hint is (tool.name not in CHANGES)
        assert tool.annotations.open_world_hint is False
        assert tool.annotations.destructive_hint is (tool.name in ("promote_model", "rollback_model"))
        for schema in (tool.input_schema, tool.output_schema):
            undescribed = [name for name, field in schema["properties"].items() if not field.get("description")]
            assert (tool.name, undescribed) == (tool.name, [])


def test_the_confirmation_is_no_argument_that_a_model_could_fill_in(ask):
    async def use(client):
        return {tool.name: tool for tool in (await client.list_tools()).tools}

    tools = ask(use)
    assert list(tools["promote_model"].input_schema["properties"]) == ["version"]
    assert tools["rollback_model"].input_schema["properties"] == {}


def test_prompts_name_the_tools_that_there_are(ask):
    async def use(client):
        listed = (await client.list_prompts()).prompts
        assert [prompt.name for prompt in listed] == ["shell", "tool_call", "code", "review_model"]
        assert all(prompt.title and prompt.description for prompt in listed)
        texts = []
        for prompt in listed:
            arguments = {argument.name: "count the lines of a.txt" for argument in prompt.arguments}
            made = await client.get_prompt(prompt.name, arguments)
            texts.append(made.messages[0].content.text)
            assert all(value in texts[-1] for value in arguments.values())
        return texts

    named = {word for text in ask(use) for word in re.findall(r"\b[a-z]+_[a-z_]+\b", text)} - {"interaction_id"}
    assert named <= set(TOOLS)


@pytest.mark.parametrize("name", ["no_such_tool", "../shell_command", ""])
def test_a_tool_that_does_not_exist_is_an_error_and_no_crash(ask, name):
    async def use(client):
        return await client.call_tool(name, {})

    assert ask(use).is_error
