"""A request of the OpenAI API as an Ask: messages with parts and calls, tools, and what the reply is held to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from hive_mind.conversation import JSON, MalformedConversation, Message, Tool, ToolCall
from hive_mind.inference.tool_choice import Named, ToolChoice
from hive_mind.serving.ask import Ask
from hive_mind.serving.openai_errors import refused
from hive_mind.serving.openai_schema import Call, ChatMessage, ChatRequest, ChosenTool, CompletionRequest
from hive_mind.tool_schema import read_tool
from hive_mind.tool_schema.json_schema import problem


def read_messages(turns: Sequence[ChatMessage]) -> tuple[Message, ...]:
    """Return the messages; a tool's result gets the name of the call that it answers.

    Raises ApiError naming the message that cannot be read.
    """
    names: dict[str, str] = {}
    messages = []
    for place, turn in enumerate(turns):
        calls = tuple(_call(call, place) for call in turn.tool_calls or ())
        text = _text(turn, place)
        if turn.role == "tool":
            if turn.tool_call_id not in names:
                raise refused(f"messages.{place} is the result of no call before it", f"messages.{place}.tool_call_id")
            messages.append(Message("tool", text, (), turn.tool_call_id, names[turn.tool_call_id]))
            continue
        if calls and turn.role != "assistant":
            raise refused("only an assistant's message holds tool calls", f"messages.{place}.tool_calls")
        names |= {call.id: call.name for call in calls}
        messages.append(Message("system" if turn.role == "developer" else turn.role, text, calls))
    return tuple(messages)


def read_tools(chat: ChatRequest) -> tuple[Tool, ...]:
    """Return the tools that the client offers, schemas read as everywhere else. Raises ApiError naming the tool."""
    declared = chat.tools if isinstance(chat.tools, list) else []
    tools = []
    for place, tool in enumerate(declared):
        try:
            tools.append(read_tool(tool.function.model_dump(exclude_none=True)))
        except MalformedConversation as error:
            raise refused(str(error), f"tools.{place}.function", error.code) from None
    name, uses = Counter(tool.name for tool in tools).most_common(1)[0] if tools else ("", 0)
    if uses > 1:
        raise refused(f"the tool {name} is declared twice", "tools")
    return tuple(tools)


def chat_ask(chat: ChatRequest, messages: tuple[Message, ...], tools: tuple[Tool, ...]) -> Ask:
    """Return what is asked of the service. Raises ApiError if a tool must be called that is not offered."""
    return Ask(
        messages=messages, tools=tools, model=chat.model, tool_choice=_tool_choice(chat, tools),
        parallel_tool_calls=chat.parallel_tool_calls is not False, response_schema=_response_schema(chat),
        max_tokens=chat.max_completion_tokens or chat.max_tokens, stop=chat.stops,
        temperature=chat.temperature or 0.0, top_p=1.0 if chat.top_p is None else chat.top_p, seed=chat.seed,
    )  # fmt: skip


def completion_ask(completion: CompletionRequest) -> Ask:
    """Return what is asked of the service: to go on from a prompt."""
    prompt = completion.prompt if isinstance(completion.prompt, str) else completion.prompt[0]
    return Ask(
        prompt=prompt, model=completion.model, max_tokens=completion.max_tokens, stop=completion.stops,
        temperature=completion.temperature or 0.0, top_p=1.0 if completion.top_p is None else completion.top_p,
        seed=completion.seed,
    )  # fmt: skip


def _text(turn: ChatMessage, place: int) -> str:
    if turn.content is None:
        if turn.role in ("assistant", "tool"):
            return ""
        raise refused(f"messages.{place}: a {turn.role} message has no content", f"messages.{place}.content")
    if isinstance(turn.content, str):
        return turn.content
    texts = []
    for part, value in enumerate(turn.content):
        text = {"text": value.text, "refusal": value.refusal}.get(value.type)
        if text is None:
            raise refused(
                f"messages.{place}.content.{part} is no text: this model reads text alone",
                f"messages.{place}.content.{part}",
            )
        texts.append(text)
    return "".join(texts)


def _call(call: Call, place: int) -> ToolCall:
    function = call.function
    try:
        return ToolCall.from_dict({"id": call.id, "name": function.name, "arguments": function.arguments})
    except MalformedConversation as error:
        raise refused(str(error), f"messages.{place}.tool_calls", error.code) from None


def _tool_choice(chat: ChatRequest, tools: tuple[Tool, ...]) -> ToolChoice:
    choice = chat.tool_choice
    if choice == "required" and not tools:
        raise refused("a tool must be called and none is offered; send `tools`", "tool_choice")
    if not isinstance(choice, ChosenTool):
        return choice or "auto"
    name = choice.function.name
    if all(tool.name != name for tool in tools):
        raise refused(f"the tool {name} must be called and is not among the tools", "tool_choice")
    return Named(name)


def _response_schema(chat: ChatRequest) -> JSON | None:
    wanted = chat.response_format
    if wanted is None or wanted.type == "text":
        return None
    schema = (wanted.json_schema.schema_ if wanted.json_schema is not None else None) or {}
    fault = problem(schema, "schema")
    if fault is not None:
        raise refused(f"the schema of the answer is broken: {fault}", "response_format.json_schema.schema")
    return schema
