"""Two ends of a proxy that speak in lines: this process's standard streams, and a server that it starts."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from typing import Protocol

from hive_mind.errors import UsageError

CHUNK_BYTES = 1 << 16
LEAVE_SECONDS = 5.0
"""How long a server may take to end by itself once its input was closed, as the protocol asks."""
TERMINATE_SECONDS = 2.0


class End(Protocol):
    """One side of a proxy. A message is one JSON-RPC text without line breaks."""

    def messages(self) -> AsyncIterator[bytes]:
        """Yield what this side says until it has no more to say."""
        ...

    def write(self, message: bytes) -> None:
        """Pass a message to this side, at once where there is room."""
        ...

    async def flush(self) -> None:
        """Wait while this side has more to read than it keeps up with."""
        ...

    async def finish(self) -> None:
        """Tell this side that nothing more comes, and wait for its end."""
        ...


class StandardStreams:
    """The client: it talks to this process through standard input and output."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    @classmethod
    async def open(cls) -> StandardStreams:
        """Take over standard input and output; what is printed from now on goes to standard error.

        Raises UsageError if one of them is a file, which cannot be waited on.
        """
        loop = asyncio.get_running_loop()
        source, sink = (os.fdopen(os.dup(number), mode, 0) for number, mode in ((0, "rb"), (1, "wb")))
        sys.stdout.flush()
        os.dup2(2, 1)
        reader = asyncio.StreamReader()
        try:
            await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), source)
            transport, protocol = await loop.connect_write_pipe(
                lambda: asyncio.streams.FlowControlMixin(loop=loop), sink
            )
        except ValueError as error:
            raise UsageError(
                f"an MCP client talks through pipes ({error}); let the client start this command"
            ) from None
        return cls(reader, asyncio.StreamWriter(transport, protocol, reader, loop))

    def messages(self) -> AsyncIterator[bytes]:
        return lines(self._reader)

    def write(self, message: bytes) -> None:
        self._writer.write(message + b"\n")

    async def flush(self) -> None:
        with suppress(ConnectionError):  # it has gone, which its input tells too
            await self._writer.drain()

    async def finish(self) -> None:
        """Let the client read what was written."""
        self._writer.close()


class Child:
    """A server in a process of its own, with this one's environment; its standard error is this one's."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdin is not None and process.stdout is not None
        self._process, self._writer, self._reader = process, process.stdin, process.stdout

    @classmethod
    async def start(cls, command: Sequence[str]) -> Child:
        """Start the server. Raises UsageError if there is no such command or it may not be run."""
        pipe = asyncio.subprocess.PIPE
        try:
            return cls(await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe))
        except OSError as error:
            why = error.strerror or error
            raise UsageError(f"the server {command[0]!r} could not be started: {why}; check its command") from error

    def messages(self) -> AsyncIterator[bytes]:
        return lines(self._reader)

    def write(self, message: bytes) -> None:
        if not self._writer.is_closing():
            self._writer.write(message + b"\n")

    async def flush(self) -> None:
        with suppress(ConnectionError):  # it ends, which its output tells too
            await self._writer.drain()

    async def finish(self) -> None:
        """Close its input; if it does not end then, ask it to, and at last make it. Harmless once it has ended."""
        self._writer.close()
        for wait, insist in ((LEAVE_SECONDS, signal.SIGTERM), (TERMINATE_SECONDS, signal.SIGKILL)):
            try:
                await asyncio.wait_for(self._process.wait(), wait)
                return
            except TimeoutError:
                self.signal(insist)
        await self._process.wait()

    def signal(self, number: int) -> None:
        """Send it a signal, if it still runs."""
        if self._process.returncode is None:
            self._process.send_signal(number)

    async def code(self) -> int:
        """Wait for its end; returns its exit code, 128 + the signal's number if one ended it."""
        code = await self._process.wait()
        return code if code >= 0 else 128 - code


async def lines(reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    """Yield the lines of a stream without their ends, however long; not blank ones, nor a last one cut short."""
    held = bytearray()
    while chunk := await reader.read(CHUNK_BYTES):
        start = len(held)
        held += chunk
        begin = 0
        while (end := held.find(b"\n", max(begin, start))) >= 0:
            line = bytes(held[begin:end]).rstrip(b"\r")
            begin = end + 1
            if line:
                yield line
        del held[:begin]
