"""What the server's tools stand on: the service, which is started when it is first asked, and the record of use."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio.to_thread
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ToolError

from hive_mind.conversation import JSON, MalformedConversation, Message, Tool
from hive_mind.errors import HiveMindError
from hive_mind.interaction import Interaction
from hive_mind.progress import utc_now
from hive_mind.serving.ask import Answer, Ask, CallDelta, Service, TextDelta
from hive_mind.tool_schema import read_tool
from hive_mind.usage.interaction import Recorder

PROGRESS_SECONDS = 0.25
SOURCE = "mcp_server"
PERSON = "hive_mind.person"
"""Where an HTTP request's scope names the owner of its token."""


@dataclass
class Backend:
    """One for the process. Tools find it as the lifespan's state: `backend(context)`.

    `start` makes the service, `known_tools` reads the catalogue and `stats` counts what was recorded, each called in a
    thread. `data_dir` is where the dataset lies whose card is shown.
    """

    models_dir: Path
    start: Callable[[], Service]
    recorder: Recorder
    known_tools: Callable[[], Sequence[Tool]]
    stats: Callable[[], JSON]
    data_dir: Path = Path("data")
    session: str = field(default_factory=lambda: uuid.uuid4().hex)
    _service: Service | None = None
    _starting: threading.Lock = field(default_factory=threading.Lock)

    @property
    def started(self) -> bool:
        """Whether the service runs; it does from the first request on."""
        return self._service is not None

    def service(self) -> Service:
        """Return the service, started by the first caller; the others wait for it."""
        with self._starting:
            if self._service is None:
                self._service = self.start()
            return self._service

    def close(self) -> None:
        """End the service, if it was started, at once: who asked has gone."""
        with self._starting:
            if self._service is not None:
                self._service.close(wait=0.0)
                self._service = None


def backend(context: Context[Any, Any]) -> Backend:
    """Return what the tool that runs in this context stands on."""
    found = context.request_context.lifespan_context
    assert isinstance(found, Backend)
    return found


async def ask(context: Context[Any, Any], request: Ask) -> tuple[Answer, str]:
    """Put a request to the service and record it; returns the answer and the interaction's id.

    The client is told how far the reply is, and a call that it cancels frees the model. Raises ToolError.
    """
    here = backend(context)
    try:
        answer = await _answer(context, here, request)
    except HiveMindError as error:
        raise ToolError(str(error)) from error
    wrong = "; ".join(answer.problems) or ("cut off at max_tokens" if answer.finish_reason == "length" else "")
    interaction = Interaction(
        source=SOURCE,
        messages=request.messages,
        answer=Message("assistant", answer.text, answer.calls),
        tools=request.tools,
        outcome="failed" if wrong else "unknown",
        error=wrong,
        client=client_name(context),
        session=session_of(context),
        time=utc_now(),
        version=answer.version,
        latency_ms=answer.seconds * 1000,
    )
    return answer, here.recorder.record(interaction)


async def _answer(context: Context[Any, Any], here: Backend, request: Ask) -> Answer:
    if not here.started:
        await context.report_progress(0, request.max_tokens, "starting the model")
    service = await anyio.to_thread.run_sync(here.service)
    pending = await anyio.to_thread.run_sync(service.submit, request)
    pieces, told = 0, time.monotonic()
    try:
        async for event in pending.stream():
            if isinstance(event, Answer):
                return event
            pieces += isinstance(event, TextDelta | CallDelta)
            if pieces and time.monotonic() - told >= PROGRESS_SECONDS:
                told = time.monotonic()
                await context.report_progress(pieces, request.max_tokens, "writing")
    except BaseException:
        pending.cancel()
        raise
    raise HiveMindError("the model's reply ended without an answer; ask again")


def declared(tools: Sequence[JSON]) -> tuple[Tool, ...]:
    """Read the tool declarations that a client gave. Raises ToolError."""
    try:
        return tuple(read_tool(tool) for tool in tools)
    except MalformedConversation as error:
        raise ToolError(f"{error}; declare tools as MCP or OpenAI does: name, description, inputSchema") from error


def client_name(context: Context[Any, Any]) -> str:
    """Return the name and version that the client gives itself, after the owner of its token if it came with one."""
    parameters, request = context.session.client_params, context.request_context.request
    person = request.scope.get(PERSON) if request is not None else None
    told = f"{parameters.client_info.name} {parameters.client_info.version}".strip() if parameters else ""
    return ", ".join(part for part in (person, told) if part)


def session_of(context: Context[Any, Any]) -> str:
    """Return what tells one client's session from another's: HTTP's session id, else this process."""
    headers = context.headers
    return (headers or {}).get("mcp-session-id") or backend(context).session
