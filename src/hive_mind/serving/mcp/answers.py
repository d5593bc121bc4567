"""The tools that ask the model: a tool call, a shell command, code, an explanation, a plain reply.

What is put to the model has the form that it was trained on and is evaluated with: a command is a call of `bash`, code
and explanations are plain requests with the material below a blank line, and tools are read by the same normaliser.
"""

from __future__ import annotations

from typing import Annotated, Any

import anyio.to_thread
from mcp.server import MCPServer
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ToolError
from mcp.types import ToolAnnotations
from pydantic import BaseModel, Field

from hive_mind.catalogue import offer
from hive_mind.conversation import Message
from hive_mind.serving.ask import Answer, Ask
from hive_mind.serving.mcp.backend import ask, backend, declared
from hive_mind.sources.bash_commands import BASH
from hive_mind.suites.fences import blocks, widest

EXPLAIN = "Explain what the following does."
MOST_TOKENS = 4096
ANSWERS = ToolAnnotations(read_only_hint=True, destructive_hint=False, idempotent_hint=False, open_world_hint=False)

Model = Annotated[str, Field(description="`latest`, `base`, an alias or a version, as list_models names them")]
MaxTokens = Annotated[int, Field(description="the longest reply, in tokens", ge=1, le=MOST_TOKENS)]


class Reply(BaseModel):
    """What every answer says about itself."""

    version: str = Field(description="the model that wrote this: a version, or `base`")
    interaction_id: str = Field(description="names this answer for give_feedback")


class SuggestedCall(BaseModel):
    """One call of one of the offered tools."""

    name: str = Field(description="the tool to call")
    arguments: dict[str, Any] = Field(description="its arguments, valid under the tool's schema")


class Suggestion(Reply):
    """The calls to make, in order; none if the model would rather answer in words."""

    calls: list[SuggestedCall] = Field(description="the calls to make, in order; nothing was called yet")
    text: str = Field(description="what the model says beside the calls, or instead of one")
    offered: list[str] = Field(description="the names of the tools that the model chose from")
    problems: list[str] = Field(description="what is wrong with the calls; check the arguments before you call")


class Command(Reply):
    """A command that was not run."""

    command: str = Field(description="one bash command; it was not run")
    danger: str = Field(description="what is dangerous about it; empty if nothing is known to be")


class Code(Reply):
    """Code that was not run."""

    code: str = Field(description="the code alone, without fences; it was not run")
    text: str = Field(description="the whole reply")
    complete: bool = Field(description="false if the reply was cut off at max_tokens")


class Text(Reply):
    """A reply in words."""

    text: str = Field(description="the reply")
    complete: bool = Field(description="false if the reply was cut off at max_tokens")


async def suggest_tool_call(
    context: Context[Any, Any],
    request: Annotated[str, Field(description="what is to be done, in words", min_length=1)],
    tools: Annotated[
        list[dict[str, Any]],
        Field(description="declarations in MCP's, OpenAI's or Anthropic's layout; none: the known tools that fit best"),
    ] = [],  # noqa: B006  (a default that pydantic copies)
    must_call: Annotated[bool, Field(description="true: a call in any case; false: words if no tool fits")] = False,
    model: Model = "latest",
    max_tokens: MaxTokens = 512,
) -> Suggestion:
    """Say which tool to call for a request, and with which arguments. Nothing is called."""
    known = declared(tools) if tools else await anyio.to_thread.run_sync(backend(context).known_tools)
    if not known:
        raise ToolError("no tools are known yet; give them as `tools`, or let `hive-mind tools sync` read your servers")
    messages = (Message("user", request),)
    offered = tuple(offer(messages, known))
    question = Ask(
        messages=messages, tools=offered, model=model, max_tokens=max_tokens,
        tool_choice="required" if must_call else "auto",
    )  # fmt: skip
    answer, interaction_id = await ask(context, question)
    if answer.finish_reason == "length" and not answer.calls:
        raise ToolError(_cut(answer, "call"))
    return Suggestion(
        calls=[SuggestedCall(name=call.name, arguments=call.arguments) for call in answer.calls],
        text=answer.text,
        offered=[tool.name for tool in offered],
        problems=list(answer.problems),
        version=answer.version,
        interaction_id=interaction_id,
    )


async def shell_command(
    context: Context[Any, Any],
    request: Annotated[str, Field(description="what the command is to do, in words", min_length=1)],
    model: Model = "latest",
    max_tokens: MaxTokens = 256,
) -> Command:
    """Write one bash command for a request. It is not run: show it to the user before you run it."""
    from hive_mind.usage.dangerous import danger

    question = Ask(
        messages=(Message("user", request.strip()),), tools=(BASH,), model=model, max_tokens=max_tokens,
        tool_choice="required", parallel_tool_calls=False,
    )  # fmt: skip
    answer, interaction_id = await ask(context, question)
    if not answer.calls:
        raise ToolError(_cut(answer, "command"))
    command = str(answer.calls[0].arguments["command"])
    warning = danger(command) or ""
    return Command(command=command, danger=warning, version=answer.version, interaction_id=interaction_id)


async def write_code(
    context: Context[Any, Any],
    request: Annotated[str, Field(description="what the code is to do, and in which language", min_length=1)],
    material: Annotated[str, Field(description="code or data to work on; empty if there is none")] = "",
    model: Model = "latest",
    max_tokens: MaxTokens = 512,
) -> Code:
    """Write a short piece of code. It is not run."""
    answer, interaction_id = await ask(context, _plain(request, material, model, max_tokens))
    found = widest(answer.text) if len(blocks(answer.text)) == 1 else None
    return Code(
        code=found.text.strip("\n") if found else answer.text.strip("\n"),
        text=answer.text,
        complete=answer.finish_reason != "length",
        version=answer.version,
        interaction_id=interaction_id,
    )


async def explain(
    context: Context[Any, Any],
    material: Annotated[str, Field(description="the code, command or text to explain", min_length=1)],
    question: Annotated[str, Field(description="what to explain about it")] = EXPLAIN,
    model: Model = "latest",
    max_tokens: MaxTokens = 512,
) -> Text:
    """Explain a piece of code, a command or a text in words."""
    return await _text(context, _plain(question, material, model, max_tokens))


async def generate(
    context: Context[Any, Any],
    prompt: Annotated[str, Field(description="what to ask the model", min_length=1)],
    system: Annotated[str, Field(description="a system text; empty: the model's own")] = "",
    temperature: Annotated[float, Field(description="0 takes the likeliest token each time", ge=0, le=2)] = 0.0,
    stop: Annotated[list[str], Field(description="texts that end the reply", max_length=8)] = [],  # noqa: B006
    model: Model = "latest",
    max_tokens: MaxTokens = 512,
) -> Text:
    """Ask the model anything, without tools."""
    before = (Message("system", system),) if system else ()
    question = Ask(
        messages=(*before, Message("user", prompt)), model=model, max_tokens=max_tokens, temperature=temperature,
        stop=tuple(stop),
    )  # fmt: skip
    return await _text(context, question)


def register(server: MCPServer[Any]) -> None:
    """Add these tools to the server."""
    server.add_tool(suggest_tool_call, title="Suggest a tool call", annotations=ANSWERS)
    server.add_tool(shell_command, title="Write a shell command", annotations=ANSWERS)
    server.add_tool(write_code, title="Write code", annotations=ANSWERS)
    server.add_tool(explain, title="Explain", annotations=ANSWERS)
    server.add_tool(generate, title="Generate text", annotations=ANSWERS)


def _plain(request: str, material: str, model: str, max_tokens: int) -> Ask:
    """A request with its material below, as Code Alpaca's rows are rendered."""
    text = f"{request.strip()}\n\n{material.strip()}" if material.strip() else request.strip()
    return Ask(messages=(Message("user", text),), model=model, max_tokens=max_tokens)


async def _text(context: Context[Any, Any], question: Ask) -> Text:
    answer, interaction_id = await ask(context, question)
    complete = answer.finish_reason != "length"
    return Text(text=answer.text, complete=complete, version=answer.version, interaction_id=interaction_id)


def _cut(answer: Answer, what: str) -> str:
    if answer.finish_reason == "length":
        cut = f"{answer.version} was cut off at {answer.completion_tokens} tokens before its {what} was whole"
        return f"{cut}; raise max_tokens"
    return f"{answer.version} wrote no {what}; put the request in other words"
