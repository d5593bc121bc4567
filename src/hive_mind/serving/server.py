"""The socket and the process around the API: bound before anything is loaded, ended without dropping an answer."""

from __future__ import annotations

import errno
import math
import signal
import socket
from types import FrameType

import uvicorn
from starlette.types import ASGIApp

from hive_mind.errors import UsageError
from hive_mind.serving.api_settings import ApiSettings

BACKLOG = 2048
KEEP_ALIVE_SECONDS = 75
"""Longer than clients keep a connection for their next request, so that none meets one that is just being closed."""


def bind(settings: ApiSettings) -> socket.socket:
    """Return a listening socket. Raises UsageError if the port is taken or the address is not this machine's."""
    host, port = settings.host.strip("[]"), settings.port
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except socket.gaierror:
        raise UsageError(f"{host} is not an address; listen on 127.0.0.1, or on one of this machine's") from None
    listening = socket.socket(family, kind, protocol)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            # The kernel drops a client that leaves what was sent unread; its buffer would wait for it for ever.
            listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, math.ceil(settings.stall_seconds * 1000))
        listening.bind(address)
        listening.listen(BACKLOG)  # who connects from now on waits for the server to begin, and is not refused
    except OSError as error:
        listening.close()
        raise UsageError(_why(host, port, error)) from None
    return listening


def url_of(listening: socket.socket) -> str:
    """Return the address that clients on this machine reach a socket by."""
    host, port = listening.getsockname()[:2]
    if host in ("0.0.0.0", "::"):
        host = socket.gethostname()
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def serve(app: ASGIApp, listening: socket.socket, settings: ApiSettings) -> None:
    """Answer requests until SIGTERM or Ctrl-C; then take no more, and let replies finish within a bound.

    A second Ctrl-C ends it at once.
    """
    server = make_server(app, settings)
    before = {number: signal.signal(number, _ignore) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        # uvicorn puts its own handlers in the place of these, and raises the signal once more when it is done.
        server.run(sockets=[listening])
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def make_server(app: ASGIApp, settings: ApiSettings) -> uvicorn.Server:
    """Return the server, which logs through the handlers that are set up already."""
    config = uvicorn.Config(
        app, log_config=None, access_log=False, server_header=False, ws="none", http="h11", lifespan="on",
        proxy_headers=False,  # anybody can send X-Forwarded-For, and be another client to the rate limit with it
        timeout_keep_alive=KEEP_ALIVE_SECONDS, timeout_graceful_shutdown=math.ceil(settings.shutdown_seconds),
    )  # fmt: skip
    return uvicorn.Server(config)


def _ignore(number: int, frame: FrameType | None) -> None:
    pass


def _why(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"port {port} of {host} is in use; choose another with --port, or 0 for a free one"
    if error.errno == errno.EACCES:
        return f"port {port} may not be used by this user; choose one above 1023 with --port"
    return f"{host} is no address of this machine ({error.strerror}); listen on 127.0.0.1, or on one that it has"
