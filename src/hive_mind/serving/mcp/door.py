"""MCP over HTTP: who may come in, and the server's life. Loopback by default; any other address needs a token."""

from __future__ import annotations

import signal
import socket

import uvicorn
from mcp.server.transport_security import TransportSecuritySettings
from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from hive_mind.errors import HiveMindError
from hive_mind.progress import say
from hive_mind.serving.access import Names, is_loopback, refuse_open_address
from hive_mind.serving.mcp.backend import PERSON
from hive_mind.serving.mcp.settings import HttpSettings
from hive_mind.serving.tokens import Tokens, bearer

PATH = "/mcp"


class Door:
    """Lets through, as ASGI, requests that call this server by a name of its own, with a token where one is due."""

    def __init__(self, app: ASGIApp, settings: HttpSettings) -> None:
        self.app, self.tokens = app, Tokens(settings.tokens_file)
        self.names = Names(settings.host, settings.allowed_hosts)
        self.needs_token = not is_loopback(settings.host)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer that it may not come in."""
        if scope["type"] == "http":
            headers = Headers(scope=scope)
            given = bearer(headers.get("authorization"))
            person = self.tokens.whose(given) if given else None
            refusal = self._refusal(headers, person)
            if refusal is not None:
                await refusal(scope, receive, send)
                return
            scope[PERSON] = person
        await self.app(scope, receive, send)

    def _refusal(self, headers: Headers, person: str | None) -> JSONResponse | None:
        host = headers.get("host")
        if not self.names.knows_host(host):
            return JSONResponse({"error": "this server does not go by that name; list it in http.allowed_hosts"}, 421)
        if not self.names.knows_origin(headers.get("origin"), host):
            return JSONResponse({"error": "web pages may not call this server"}, 403)
        if self.needs_token and person is None:
            told = {"error": "this server needs a token: send it as `Authorization: Bearer ...`"}
            return JSONResponse(told, 401, {"WWW-Authenticate": "Bearer"})
        return None


def transport_security(settings: HttpSettings) -> TransportSecuritySettings | None:
    """Return the SDK's own checks: its default on loopback; elsewhere the door's, which knows the machine's names."""
    return None if is_loopback(settings.host) else TransportSecuritySettings(enable_dns_rebinding_protection=False)


async def serve(app: ASGIApp, settings: HttpSettings) -> None:
    """Listen until a signal ends it. Raises UsageError if it needs a token, HiveMindError if the port is taken."""
    refuse_open_address(settings.host, Tokens(settings.tokens_file))
    try:
        family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
        listening = socket.create_server((settings.host, settings.port), family=family)
    except OSError as error:
        where = f"{settings.host} port {settings.port}"
        raise HiveMindError(f"could not listen on {where}: {error.strerror}; choose another with --port") from error
    host, port = listening.getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host
    say(f"MCP at http://{shown}:{port}{PATH}; Ctrl-C ends it")
    config = uvicorn.Config(Door(app, settings), log_level="warning", timeout_graceful_shutdown=5, lifespan="on")
    for number in (signal.SIGINT, signal.SIGTERM):  # uvicorn ends cleanly, and then hands the signal on to this
        signal.signal(number, lambda *_: None)
    await uvicorn.Server(config).serve(sockets=[listening])
