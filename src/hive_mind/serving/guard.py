"""What every request goes through first: its id, who sends it, how much of it there is; and what is logged of it."""

from __future__ import annotations

import asyncio
import logging
import re
import time
import uuid
from dataclasses import dataclass, field
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hive_mind.errors import HiveMindError
from hive_mind.serving.access import Names, RateLimit, is_loopback
from hive_mind.serving.api_settings import ApiSettings
from hive_mind.serving.json_log import LOG, log
from hive_mind.serving.metrics import Metrics
from hive_mind.serving.openai_errors import ApiError, of_service, retry_later
from hive_mind.serving.openai_stream import ClientLeft
from hive_mind.serving.tokens import Tokens, bearer

FACTS = "hive_mind.facts"
CLIENT_LEFT = 499
"""The status that is logged where nobody waited for one, as in nginx."""

REQUEST_ID = "x-request-id"

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_OPEN_TO_ALL = ("/health",)


@dataclass
class Facts:
    """One request: its id, whose it is, its body, and what is to be logged of it."""

    request_id: str
    client: str = ""
    body: bytes = b""
    fields: dict[str, Any] = field(default_factory=dict)
    status: int = 0
    started: bool = False


class Guard:
    """Lets through, as ASGI, the requests that may be answered, and logs and counts all."""

    def __init__(self, app: ASGIApp, settings: ApiSettings, tokens: Tokens, metrics: Metrics) -> None:
        self.app, self.settings, self.tokens, self.metrics = app, settings, tokens, metrics
        self.names = Names(settings.host, settings.allowed_hosts, settings.allowed_origins)
        self.rate_limit = RateLimit(settings.rate_limit)
        self.needs_token = settings.require_token or not is_loopback(settings.host)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers, begun = Headers(scope=scope), time.monotonic()
        facts = scope[FACTS] = Facts(_request_id(headers.get(REQUEST_ID)))
        with self.metrics.open.track_inprogress():
            try:
                await self._answer(scope, headers, facts, receive, _told(send, facts))
            finally:
                self._tell(scope, facts, time.monotonic() - begun)

    async def _answer(self, scope: Scope, headers: Headers, facts: Facts, receive: Receive, send: Send) -> None:
        try:
            self._admit(scope, headers, facts)
            facts.body = await self._read(headers, receive)
        except (ApiError, HiveMindError) as error:  # the latter: a file of tokens that cannot be read lets nobody in
            fault = error if isinstance(error, ApiError) else of_service(error)
            facts.fields["code"] = fault.code
            await fault.response()(scope, receive, send)
            return
        try:
            await self.app(scope, receive, send)
        except ClientLeft:
            facts.status = CLIENT_LEFT
        except Exception:
            # The outermost place that can still answer; once a response has begun only the connection can be closed.
            LOG.exception("a request failed unexpectedly", extra={"fields": {"request_id": facts.request_id}})
            if facts.started:
                raise
            broken = ApiError(500, f"this server failed; its log says more at request {facts.request_id}", "internal")
            await broken.response()(scope, receive, send)

    def _admit(self, scope: Scope, headers: Headers, facts: Facts) -> None:
        """Find out whose request this is. Raises ApiError if it may not be answered."""
        address = scope["client"][0] if scope.get("client") else "local"
        host = headers.get("host")
        if not self.names.knows_host(host):
            raise ApiError(
                403, "this server does not go by that name; list it in serving.allowed_hosts", "unknown_host"
            )
        if not self.names.knows_origin(headers.get("origin"), host):
            raise ApiError(
                403, "web pages may not call this server; list the page in serving.allowed_origins", "unknown_origin"
            )
        given = bearer(headers.get("authorization"))
        name = self.tokens.whose(given) if given else None
        wait = self.rate_limit.wait(name or address) if scope["path"] not in _OPEN_TO_ALL else 0.0
        if wait:
            message = f"more than {self.settings.rate_limit} requests a minute; wait a little"
            raise retry_later(429, message, "rate_limit_exceeded", wait)
        if name is None and self.needs_token and scope["path"] not in _OPEN_TO_ALL:
            raise ApiError(
                401, "this server needs a token: send it as `Authorization: Bearer ...` (the client's API key)",
                "invalid_api_key", headers={"WWW-Authenticate": "Bearer"},
            )  # fmt: skip
        facts.client = name or headers.get("user-agent", address)[:128]

    async def _read(self, headers: Headers, receive: Receive) -> bytes:
        """Read the body. Raises ApiError if it is too long or does not come; uvicorn throws away what is left of it."""
        limit, body = self.settings.max_body_bytes, bytearray()
        too_long = ApiError(
            413, f"the request is longer than {limit:,} bytes; send less, or raise serving.max_body_bytes",
            "body_too_long",
        )  # fmt: skip
        announced = headers.get("content-length", "")
        if announced.isdecimal() and len(announced) < 20 and int(announced) > limit:
            raise too_long
        more = True
        try:
            async with asyncio.timeout(self.settings.body_seconds):
                while more:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        raise ApiError(400, "the request broke off", "incomplete_body")
                    body += message.get("body", b"")
                    more = message.get("more_body", False)
                    if len(body) > limit:
                        raise too_long
        except TimeoutError:
            seconds = self.settings.body_seconds
            raise ApiError(
                408, f"the request did not come within {seconds:g} s", "slow_request", headers={"Connection": "close"}
            ) from None
        return bytes(body)

    def _tell(self, scope: Scope, facts: Facts, seconds: float) -> None:
        route = getattr(scope.get("route"), "path", "other")
        self.metrics.request(route, facts.status, seconds)
        log(
            "request", logging.INFO, request_id=facts.request_id, method=scope["method"], route=route,
            status=facts.status, milliseconds=round(seconds * 1000, 1), client=facts.client, **facts.fields,
        )  # fmt: skip


def _told(send: Send, facts: Facts) -> Send:
    """Return a `send` that adds the request's id and notes the status."""

    async def told(message: Message) -> None:
        if message["type"] == "http.response.start":
            facts.started, facts.status = True, message["status"]
            MutableHeaders(scope=message)[REQUEST_ID] = facts.request_id
        await send(message)

    return told


def _request_id(given: str | None) -> str:
    return given if given is not None and _REQUEST_ID.fullmatch(given) else uuid.uuid4().hex
