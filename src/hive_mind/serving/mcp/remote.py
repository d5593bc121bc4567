"""A server at an address as one end of a proxy: streamable HTTP, through the official SDK's transport.

The transport wants headers that a client's session would add. They are read off the messages: the protocol's version,
and in the era of 2026-07-28 the method and the name of what is called.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from mcp.client.streamable_http import streamable_http_client
from mcp.shared._httpx_utils import create_mcp_http_client
from mcp.shared.inbound import (
    MCP_METHOD_HEADER,
    MCP_NAME_HEADER,
    MCP_PROTOCOL_VERSION_HEADER,
    NAME_BEARING_METHODS,
    encode_header_value,
    mcp_param_headers,
    x_mcp_header_map,
)
from mcp.shared.message import ClientMessageMetadata
from mcp.types import (
    PROTOCOL_VERSION_META_KEY,
    JSONRPCMessage,
    JSONRPCNotification,
    JSONRPCRequest,
    JSONRPCResponse,
)

from hive_mind.serving.mcp.streams import Streams


class RemoteServer(Streams):
    """The connection to a server, with the headers that its transport wants."""

    def __init__(self, incoming: Any, outgoing: Any) -> None:
        super().__init__(incoming, outgoing)
        self._version: str | None = None
        self._initialize: str | int | None = None
        self._listing: set[str | int] = set()
        self._parameters: dict[str, dict[tuple[str, ...], str]] = {}

    def describe(self, message: JSONRPCMessage) -> ClientMessageMetadata | None:
        if not isinstance(message, JSONRPCRequest | JSONRPCNotification):
            return None
        parameters = message.params or {}
        meta = parameters.get("_meta")
        version = meta.get(PROTOCOL_VERSION_META_KEY) if isinstance(meta, dict) else None
        if isinstance(message, JSONRPCRequest) and message.method == "initialize":
            self._initialize = message.id
        if isinstance(message, JSONRPCRequest) and message.method == "tools/list":
            self._listing.add(message.id)
        if isinstance(version, str):
            return ClientMessageMetadata(headers=self._modern(message.method, parameters, version))
        return ClientMessageMetadata(headers={MCP_PROTOCOL_VERSION_HEADER: self._version}) if self._version else None

    def look(self, message: JSONRPCMessage) -> None:
        """Read the version that was agreed on, and which parameters of tools are mirrored into headers."""
        if not isinstance(message, JSONRPCResponse):
            return
        if message.id == self._initialize:
            self._initialize, self._version = None, str(message.result.get("protocolVersion", "")) or None
        elif message.id in self._listing:
            self._listing.discard(message.id)
            for tool in message.result.get("tools") or ():
                if isinstance(tool, dict) and isinstance(tool.get("name"), str):
                    self._parameters[tool["name"]] = x_mcp_header_map(tool.get("inputSchema"))

    def _modern(self, method: str, parameters: Mapping[str, Any], version: str) -> dict[str, str]:
        headers = {MCP_PROTOCOL_VERSION_HEADER: version, MCP_METHOD_HEADER: method}
        name = parameters.get(NAME_BEARING_METHODS.get(method, ""))
        if isinstance(name, str):
            headers[MCP_NAME_HEADER] = encode_header_value(name)
            if method == "tools/call":
                headers |= mcp_param_headers(self._parameters.get(name, {}), parameters.get("arguments") or {})
        return headers


@asynccontextmanager
async def connect(url: str, headers: dict[str, str]) -> AsyncIterator[Streams]:
    """Connect to a server; `headers` go with every request, for example an Authorization."""
    async with (
        create_mcp_http_client(headers=headers) as http,
        streamable_http_client(url, http_client=http) as (incoming, outgoing),
    ):
        yield RemoteServer(incoming, outgoing)
