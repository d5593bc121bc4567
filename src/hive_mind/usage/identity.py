"""What makes two sightings one interaction: a keyed digest of what was asked and answered.

The digest is taken before redaction, so that it costs the caller next to nothing. A plain digest would give away what
redaction took out, where that is short enough to be guessed (a number, an address): hence the key, which lies beside
the store and goes nowhere with an exported file.
"""

from __future__ import annotations

import os
import re
import secrets
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path

from hive_mind.conversation import JSON, Message
from hive_mind.errors import HiveMindError
from hive_mind.usage.interaction import Interaction
from hive_mind.usage.wire import encode

KEY_FILE = "identity.key"
KEY_BYTES = 32
_MCP_NAME = re.compile(r"mcp__[^_]+(?:_[^_]+)*__(?=.)")


def load_key(folder: Path) -> bytes:
    """Return the key of this folder's identities, made when there is none yet; processes may race for it."""
    file = folder / KEY_FILE
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not file.exists():
            mine = folder / f".{KEY_FILE}.{os.getpid()}"
            handle = os.open(mine, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            os.write(handle, secrets.token_bytes(KEY_BYTES))
            os.fsync(handle)
            os.close(handle)
            with suppress(FileExistsError):
                os.link(mine, file)  # whole, or not at all, and never over another's
            mine.unlink()
        key = file.read_bytes()
    except OSError as error:
        raise HiveMindError(
            f"could not read or make {file}: {error.strerror}; free space or check permissions"
        ) from error
    if len(key) != KEY_BYTES:
        raise HiveMindError(f"{file} is damaged; restore it from a backup, or delete it to begin new identities")
    return key


def identity(interaction: Interaction, key: bytes) -> str:
    """Return 32 hex digits that two sightings of the same interaction share, whoever saw them.

    System texts, ids of calls and white space around texts differ between those who look on and are left out, and so
    are the tools that were offered: a transcript names none.
    """
    turns = [message for message in interaction.messages if message.role != "system"]
    return _digest([_said(message) for message in (*turns, interaction.answer)], key)


def call_key(answer: Message, key: bytes) -> str | None:
    """Return 32 hex digits of the calls alone, None where nothing is called.

    A proxy sees a call and not the request that led to it; by this its sighting is joined with a transcript's.
    """
    calls = _calls(answer)
    return _digest(calls, key) if calls else None


def plain_name(name: str) -> str:
    """Return a tool's name without the server's that clients put before it (`mcp__files__read` is `read`)."""
    return _MCP_NAME.sub("", name, count=1)


def _said(message: Message) -> JSON:
    return {"role": message.role, "content": message.content.strip(), "calls": _calls(message)}


def _calls(message: Message) -> list[JSON]:
    return [{"name": plain_name(call.name), "arguments": call.arguments} for call in message.tool_calls]


def _digest(value: object, key: bytes) -> str:
    return blake2b(encode(value, sort=True), key=key, digest_size=16).hexdigest()
