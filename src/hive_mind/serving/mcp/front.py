"""The proxy's client side over streamable HTTP: every session gets a connection of its own to the server behind.

It speaks the revisions that begin with `initialize`. A client of the era without sessions is told so and falls back, as
the protocol foresees: one server behind cannot serve requests that belong to nobody.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import anyio
import orjson
from anyio.abc import TaskGroup, TaskStatus
from mcp.server.streamable_http import StreamableHTTPServerTransport
from mcp.server.transport_security import TransportSecuritySettings
from mcp.shared.message import ServerMessageMetadata
from mcp.types import (
    UNSUPPORTED_PROTOCOL_VERSION,
    JSONRPCError,
    JSONRPCMessage,
    JSONRPCNotification,
    JSONRPCRequest,
    JSONRPCResponse,
)
from mcp.types.version import HANDSHAKE_PROTOCOL_VERSIONS
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Message, Receive, Scope, Send

from hive_mind.errors import HiveMindError
from hive_mind.serving.mcp.pipes import End
from hive_mind.serving.mcp.proxy import relay
from hive_mind.serving.mcp.streams import Streams
from hive_mind.serving.mcp.watch import Watch
from hive_mind.usage.interaction import Recorder

_LOG = logging.getLogger(__name__)
IDLE_SECONDS = 1800.0
"""A session without a request for so long is ended, and its server with it."""
MOST_SESSIONS = 64

Open = Callable[[], AbstractAsyncContextManager[End]]


class ClientSide(Streams):
    """One client's session. What the server says of a request goes out with that request's answer."""

    def __init__(self, incoming: Any, outgoing: Any) -> None:
        super().__init__(incoming, outgoing)
        self._asked: dict[str | int, Any] = {}

    def look(self, message: JSONRPCMessage) -> None:
        if isinstance(message, JSONRPCRequest):
            meta = (message.params or {}).get("_meta")
            self._asked[message.id] = meta.get("progressToken") if isinstance(meta, dict) else None
        elif isinstance(message, JSONRPCNotification) and message.method == "notifications/cancelled":
            cancelled = (message.params or {}).get("requestId")
            if isinstance(cancelled, str | int):
                self._asked.pop(cancelled, None)

    def describe(self, message: JSONRPCMessage) -> ServerMessageMetadata | None:
        if isinstance(message, JSONRPCResponse | JSONRPCError):
            if message.id is not None:
                self._asked.pop(message.id, None)
            return None
        token = (message.params or {}).get("progressToken")
        related = [key for key, its in self._asked.items() if token is not None and its == token]
        if not related and len(self._asked) == 1 and not _is_news(message):
            related = list(self._asked)
        return ServerMessageMetadata(related_request_id=related[0]) if related else None


def _is_news(message: JSONRPCRequest | JSONRPCNotification) -> bool:
    """Tell whether this belongs to no request: changed lists, updated resources."""
    return message.method.endswith(("/list_changed", "/updated"))


class Front:
    """The HTTP side. `open_server` connects to the server behind, for one session."""

    def __init__(self, open_server: Open, recorder: Recorder, security: TransportSecuritySettings | None) -> None:
        self._open, self._recorder, self._security = open_server, recorder, security
        self._sessions: dict[str, StreamableHTTPServerTransport] = {}
        self._tasks: TaskGroup | None = None

    @asynccontextmanager
    async def run(self, _: Starlette) -> AsyncIterator[None]:
        """Keep sessions while the application runs, and end them with it."""
        async with anyio.create_task_group() as self._tasks:
            yield
            self._tasks.cancel_scope.cancel()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        version, session = headers.get("mcp-protocol-version"), headers.get("mcp-session-id")
        if version is not None and version not in HANDSHAKE_PROTOCOL_VERSIONS:
            told = {"supported": list(HANDSHAKE_PROTOCOL_VERSIONS), "requested": version}
            why = "this proxy speaks the revisions that begin with initialize"
            await _error(why, 400, UNSUPPORTED_PROTOCOL_VERSION, told)(scope, receive, send)
        elif session is None:
            await self._begin(scope, receive, send)
        elif session in self._sessions:
            transport = self._sessions[session]
            await transport.handle_request(scope, receive, send)
            if transport.is_terminated:
                self._sessions.pop(session, None)
        else:
            await _error("Session not found", 404)(scope, receive, send)

    async def _begin(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] != "POST":
            await _error("a session begins with a POST of initialize", 400)(scope, receive, send)
            return
        if len(self._sessions) >= MOST_SESSIONS:
            await _error(f"{MOST_SESSIONS} sessions are open; end one", 503)(scope, receive, send)
            return
        transport = StreamableHTTPServerTransport(
            uuid.uuid4().hex, security_settings=self._security, idle_timeout=IDLE_SECONDS
        )
        assert self._tasks is not None
        problem = await self._tasks.start(self._session, transport)
        if problem is not None:
            await _error(problem, 502)(scope, receive, send)
            return
        status = 0

        async def note(message: Message) -> None:
            nonlocal status
            status = message.get("status", status)
            await send(message)

        try:
            await transport.handle_request(scope, receive, note)
        finally:
            if not 200 <= status < 300:
                with anyio.CancelScope(shield=True):
                    await transport.terminate()

    async def _session(self, transport: StreamableHTTPServerTransport, *, task_status: TaskStatus[str | None]) -> None:
        """Serve one session; the status is None once it stands, else why it does not."""
        name = transport.mcp_session_id
        assert name is not None
        try:
            async with self._open() as server, transport.connect() as (incoming, outgoing):
                self._sessions[name] = transport
                task_status.started(None)
                with transport.idle_scope or anyio.CancelScope():
                    await relay(ClientSide(incoming, outgoing), server, Watch(self._recorder, session=name))
        except HiveMindError as error:
            _LOG.error("%s", error)
            if name not in self._sessions:
                task_status.started(str(error))
        except Exception:
            # One session's failure is not the others'; without a status its client is told that nothing was begun.
            _LOG.exception("session %s of the proxy broke down", name)
            if name not in self._sessions:
                raise
        finally:
            self._sessions.pop(name, None)
            if not transport.is_terminated:
                with anyio.CancelScope(shield=True):
                    await transport.terminate()


def create_front(open_server: Open, recorder: Recorder, security: TransportSecuritySettings | None) -> Starlette:
    """Return the application that stands before a server, at /mcp."""
    front = Front(open_server, recorder, security)
    return Starlette(routes=[Route("/mcp", endpoint=front)], lifespan=front.run)


def _error(message: str, status: int, code: int = -32600, data: Any = None) -> Response:
    error = {"code": code, "message": message, **({"data": data} if data is not None else {})}
    body = orjson.dumps({"jsonrpc": "2.0", "id": None, "error": error})
    return Response(body, status_code=status, media_type="application/json")
