"""The official SDK's message streams, which its HTTP transports speak, as an end of a proxy."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import anyio
from mcp.shared.message import ClientMessageMetadata, ServerMessageMetadata, SessionMessage
from mcp.types import JSONRPCMessage, jsonrpc_message_adapter
from pydantic import ValidationError

_LOG = logging.getLogger(__name__)


class Streams:
    """A pair of streams. Here messages are read and written anew, so that their white space may change."""

    def __init__(self, incoming: Any, outgoing: Any) -> None:
        self._incoming, self._outgoing = incoming, outgoing
        self._written: deque[SessionMessage] = deque()

    def describe(self, message: JSONRPCMessage) -> ClientMessageMetadata | ServerMessageMetadata | None:
        """Return what the transport must know of a message that is passed to this side."""
        return None

    def look(self, message: JSONRPCMessage) -> None:
        """Note what this side says."""

    async def messages(self) -> AsyncIterator[bytes]:
        """Yield what this side says."""
        with suppress(anyio.ClosedResourceError):  # the transport was ended from outside
            async for item in self._incoming:
                if isinstance(item, Exception):
                    _LOG.warning("a message could not be read and was not passed on: %s", item)
                    continue
                self.look(item.message)
                yield item.message.model_dump_json(by_alias=True, exclude_unset=True).encode()

    def write(self, message: bytes) -> None:
        """Take a message for this side; what is no JSON-RPC is said and left out."""
        try:
            read = jsonrpc_message_adapter.validate_json(message, by_name=False)
        except ValidationError as error:
            _LOG.warning("a message is no JSON-RPC and was not passed on: %s", error)
            return
        self._written.append(SessionMessage(read, self.describe(read)))

    async def flush(self) -> None:
        """Hand over what was written."""
        with suppress(anyio.ClosedResourceError, anyio.BrokenResourceError):  # it has gone, which its input tells too
            while self._written:
                await self._outgoing.send(self._written.popleft())

    async def finish(self) -> None:
        """Say that nothing more comes."""
        await self._outgoing.aclose()
