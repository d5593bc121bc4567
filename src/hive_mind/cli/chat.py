"""`hive-mind chat`: ask a model one request or talk to it. Tool calls are shown, no tool is run."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hive_mind.cli.output import print_json

if TYPE_CHECKING:
    from hive_mind.chat.parse import ParsedReply
    from hive_mind.conversation import Message, Tool
    from hive_mind.inference.engine import Engine
    from hive_mind.inference.load import Loaded, ModelReference

HELP = "Ctrl-D or /quit ends, /new forgets what was said; tool calls are shown, no tool is run"


def chat(
    request: Annotated[str | None, typer.Argument(help="one request; without it a conversation begins")] = None,
    model: Annotated[str, typer.Option(help="`latest`, `base`, a version or a version's folder")] = "latest",
    tools: Annotated[Path | None, typer.Option(help="JSON file with a list of tools (OpenAI or MCP layout)")] = None,
    base: Annotated[
        str | None, typer.Option(help="tiny, a folder or a hub model; left out, the base under `latest`, else tiny")
    ] = None,
    models_dir: Annotated[Path, typer.Option("--models-dir", help="where versions and `latest` live")] = Path("models"),
    max_new_tokens: Annotated[int, typer.Option(min=1, help="a reply's budget in tokens")] = 512,
    json_output: Annotated[bool, typer.Option("--json", help="print one JSON object last")] = False,
) -> None:
    """Ask a model, with or without tools: it answers in words or with the calls that it would make."""
    from hive_mind.conversation import Message
    from hive_mind.device import pick
    from hive_mind.errors import UsageError
    from hive_mind.inference.load import load

    if request is None and json_output:
        raise UsageError('--json needs a request: hive-mind chat "your request" --json')
    declared = read_tools(tools) if tools else ()
    reference = _refer(models_dir, model, base)
    loaded = load(reference.base, pick())
    loaded.become(reference)
    engine = loaded.engine()
    if request is None:
        _converse(loaded, engine, declared, max_new_tokens)
        return
    text, reply, stopped = _answer(loaded, engine, [Message("user", request)], declared, max_new_tokens)
    _show(reply, stopped)
    if json_output:
        calls = [call.to_dict() for call in reply.calls]
        print_json({"model": reference.name, "reply": text, "text": reply.text, "tool_calls": calls,
                    "repairs": list(reply.repairs), "stopped": stopped})  # fmt: skip


def read_tools(file: Path) -> tuple[Tool, ...]:
    """Read a JSON list of tools, or one tool. Raises UsageError naming the file if it holds anything else."""
    from hive_mind.conversation import Conversation
    from hive_mind.errors import UsageError
    from hive_mind.files import read_json
    from hive_mind.sources import messages

    listed = read_json(file)
    listed = listed.get("tools", [listed]) if isinstance(listed, dict) else listed
    made = messages.convert({"messages": [{"role": "user", "content": ""}], "tools": listed})
    if not isinstance(made, Conversation):
        raise UsageError(f"{file} is not a list of tools: {made.detail}; write them as OpenAI or MCP declares tools")
    return made.tools


def _refer(models_dir: Path, model: str, base: str | None) -> ModelReference:
    from hive_mind import registry
    from hive_mind.inference.load import BASE, ModelReference, refer
    from hive_mind.model.base import TINY, ModelSettings

    settings = ModelSettings(base=base or TINY)
    if model == BASE and base is None and registry.latest(models_dir) is not None:
        return ModelReference(BASE, refer(models_dir, registry.LATEST, settings).base)
    return refer(models_dir, model, settings)


def _converse(loaded: Loaded, engine: Engine, tools: tuple[Tool, ...], max_new_tokens: int) -> None:
    from hive_mind.conversation import Message
    from hive_mind.errors import UsageError
    from hive_mind.progress import say

    say(f"talking to {loaded.name} on {loaded.device.name}, {len(tools)} tools; {HELP}")
    messages: list[Message] = []
    while True:
        try:
            request = input("> " if sys.stdin.isatty() else "").strip()
        except EOFError:
            return
        if request in ("/quit", "/exit"):
            return
        if request == "/new":
            messages = []
        elif request:
            messages.append(Message("user", request))
            try:
                _, reply, stopped = _answer(loaded, engine, messages, tools, max_new_tokens)
            except UsageError as error:
                say(f"{error} (/new)")
                messages.pop()
                continue
            _show(reply, stopped)
            messages.append(Message("assistant", reply.text, reply.calls))


def _answer(
    loaded: Loaded, engine: Engine, messages: list[Message], tools: tuple[Tool, ...], max_new_tokens: int
) -> tuple[str, ParsedReply, bool]:
    from hive_mind.chat.parse import parse_reply
    from hive_mind.chat.render import render_prompt
    from hive_mind.errors import UsageError
    from hive_mind.inference.request import Request

    prompt = render_prompt(messages, tools, loaded.tokenizer)
    context = loaded.model.config.max_position_embeddings
    if len(prompt) + max_new_tokens > context:
        raise UsageError(
            f"the conversation has {len(prompt):,} tokens and {loaded.base.id} reads {context:,} with the reply; "
            "begin anew, offer fewer tools or give a smaller --max-new-tokens"
        )
    request = Request(prompt, max_new_tokens, loaded.tokenizer.stop_ids, adapter=loaded.adapter, remember=len(prompt))
    made = engine.generate([request])[0]
    text = loaded.tokenizer.decode(made.ids)
    return text, parse_reply(text), made.stopped


def _show(reply: ParsedReply, stopped: bool) -> None:
    import json

    from hive_mind.progress import say

    if reply.text:
        print(reply.text)
    for call in reply.calls:
        print(f"call {call.name} {json.dumps(call.arguments, ensure_ascii=False)}")
    if reply.repairs:
        say(f"mended to be read: {', '.join(reply.repairs)}")
    if not stopped:
        say("cut off at the budget of --max-new-tokens")
