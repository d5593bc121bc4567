"""Requests passed on to another OpenAI-compatible server, and its answer back, byte for byte.

A large model's good calls teach the small one: what went through is handed over to be recorded.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx
import orjson
from starlette.types import Receive

from hive_mind.conversation import JSON
from hive_mind.errors import UsageError
from hive_mind.serving.access import is_loopback
from hive_mind.serving.api_settings import ApiSettings
from hive_mind.serving.json_log import log
from hive_mind.serving.openai_errors import ApiError
from hive_mind.serving.openai_stream import Stream, while_connected
from hive_mind.serving.upstream_answer import UpstreamAnswer

CONNECT_SECONDS = 10.0
LIST_SECONDS = 5.0
_PASSED_BACK = ("content-type", "content-encoding", "retry-after", "x-should-retry")
_PASSED_BACK_BEGINNINGS = ("x-ratelimit-", "openai-")


@dataclass
class Passed:
    """What came back from the upstream server: its status, its bytes, after how long, and whether all of them."""

    status: int
    answer: UpstreamAnswer
    seconds: float = 0.0
    whole: bool = False


class Gateway:
    """Another server that requests are passed on to: its address, its key, and which model of it. `close` when done."""

    def __init__(self, settings: ApiSettings) -> None:
        if settings.upstream is None:
            raise UsageError("no upstream server was named; give its address with --upstream URL")
        self.url, self.model, self.stall = (
            settings.upstream.rstrip("/"),
            settings.upstream_model,
            settings.stall_seconds,
        )
        self._client = httpx.AsyncClient(
            headers={"Accept-Encoding": "identity"} | _authorization(settings.upstream_key_env),
            timeout=httpx.Timeout(settings.upstream_seconds, connect=CONNECT_SECONDS),
            limits=httpx.Limits(max_connections=None),
            # A proxy of the environment is for what is not on this machine.
            trust_env=not is_loopback(urlsplit(self.url).hostname or ""),
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def models(self) -> list[JSON]:
        """Return the upstream server's models; none, and a line in the log, if it does not say."""
        try:
            response = await self._client.get(f"{self.url}/models", timeout=LIST_SECONDS)
            listed = response.raise_for_status().json()["data"]
            return [row for row in listed if isinstance(row, dict) and isinstance(row.get("id"), str)]
        except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
            log("the upstream server lists no models", logging.WARNING, error=type(error).__name__)
            return []

    async def forward(
        self, path: str, body: bytes, row: JSON, request_id: str, receive: Receive,
        after: Callable[[Passed], Awaitable[None]],
    ) -> Stream:  # fmt: skip
        """Pass a request on and its answer back, errors too; `after` gets what it was when the last byte is through.

        The body goes as it came, but for the model's name where the settings give one. Raises ApiError (502, 504) if
        the upstream server cannot be reached, ClientLeft if nobody waits for the answer any more.
        """
        if self.model is not None:
            body = orjson.dumps(row | {"model": self.model})
        headers = {"Content-Type": "application/json", "X-Request-Id": request_id}
        request = self._client.build_request("POST", f"{self.url}{path}", content=body, headers=headers)
        begun = time.monotonic()
        response = await while_connected(receive, self._send(request))
        streamed = response.headers.get("content-type", "").startswith("text/event-stream")
        passed = Passed(response.status_code, UpstreamAnswer(streamed))

        async def pieces() -> AsyncGenerator[bytes]:
            try:
                async for piece in response.aiter_raw():
                    passed.answer.feed(piece)
                    yield piece
                passed.whole = True
            finally:
                passed.seconds = time.monotonic() - begun
                await response.aclose()

        back = {name: value for name, value in response.headers.items() if _goes_back(name)}
        return Stream(
            pieces(), self.stall, status=response.status_code, headers=back, media_type=None,
            after=lambda: after(passed),
        )  # fmt: skip

    async def _send(self, request: httpx.Request) -> httpx.Response:
        try:
            return await self._client.send(request, stream=True)
        except httpx.TimeoutException:
            raise ApiError(504, f"the upstream server at {self.url} does not answer", "upstream_timeout") from None
        except httpx.HTTPError as error:
            why = type(error).__name__
            raise ApiError(
                502, f"the upstream server at {self.url} cannot be reached ({why}); is it running?",
                "upstream_unreachable",
            ) from None  # fmt: skip


def _goes_back(header: str) -> bool:
    name = header.lower()
    return name in _PASSED_BACK or name.startswith(_PASSED_BACK_BEGINNINGS)


def _authorization(key_env: str | None) -> dict[str, str]:
    if key_env is None:
        return {}
    key = os.environ.get(key_env, "").strip()
    if not key:
        raise UsageError(f"the environment variable {key_env} holds no key for the upstream server; export it first")
    return {"Authorization": f"Bearer {key}"}
