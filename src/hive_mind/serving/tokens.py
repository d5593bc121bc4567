"""Named tokens, one a person: random, shown once, and kept as digests in a file that only its owner reads."""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
from dataclasses import dataclass
from pathlib import Path

import orjson

from hive_mind.errors import DataRefused, HiveMindError, UsageError
from hive_mind.files import atomic_write
from hive_mind.progress import utc_now

PREFIX = "hm-"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True, slots=True)
class Token:
    """What the file keeps of a token: whose it is, its sha256 and when it was made.

    A token is 256 random bits, so that a plain digest of it cannot be searched: no slow password hash is needed.
    """

    name: str
    sha256: str
    created: str


class Tokens:
    """The tokens of one file. A running server sees tokens that are added and removed, at the next request."""

    def __init__(self, file: Path) -> None:
        self.file = Path(file)
        self._read: tuple[tuple[int, int, int], tuple[Token, ...]] | None = None

    def all(self) -> tuple[Token, ...]:
        """Return every token, in the order they were made; none without the file.

        Raises DataRefused if the file is not one of tokens: a damaged file must not let anybody in.
        """
        try:
            status = self.file.stat()
        except FileNotFoundError:
            self._read = None
            return ()
        # A new file under the name has another inode, even within one tick of the clock.
        stamp = (status.st_mtime_ns, status.st_size, status.st_ino)
        if self._read is None or self._read[0] != stamp:
            self._read = (stamp, _read(self.file))
        return self._read[1]

    def add(self, name: str) -> str:
        """Make a token for `name` and return it, the only time that it is known. Raises UsageError for a bad name."""
        if not _NAME.fullmatch(name):
            raise UsageError(
                f"{name!r} cannot name a token; use up to 64 letters, digits, dots, dashes and underscores"
            )
        known = self.all()
        if any(token.name == name for token in known):
            raise UsageError(f"{name} has a token already; remove it first: hive-mind serve token remove {name}")
        made = PREFIX + secrets.token_urlsafe(32)
        self._write((*known, Token(name, _digest(made), utc_now())))
        return made

    def remove(self, name: str) -> None:
        """Make the token of `name` worthless. Raises UsageError if there is none."""
        known = self.all()
        left = tuple(token for token in known if token.name != name)
        if len(left) == len(known):
            raise UsageError(f"{name} has no token in {self.file}; `hive-mind serve token list` shows the names")
        self._write(left)

    def whose(self, given: str) -> str | None:
        """Return the name whose token this is, None for nobody's. Takes as long whichever token it is, or none."""
        digest, found = _digest(given), None
        for token in self.all():
            if hmac.compare_digest(token.sha256, digest):
                found = token.name
        return found

    def _write(self, tokens: tuple[Token, ...]) -> None:
        row = {token.name: {"sha256": token.sha256, "created": token.created} for token in tokens}
        with atomic_write(self.file) as file:
            os.fchmod(file.fileno(), 0o600)
            file.write(orjson.dumps(row, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))


def bearer(authorization: str | None) -> str | None:
    """Return the token of an Authorization header, None if it holds none."""
    scheme, _, token = (authorization or "").strip().partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def _read(file: Path) -> tuple[Token, ...]:
    try:
        content = file.read_bytes()
        rows = orjson.loads(content)
        return tuple(Token(name, str(row["sha256"]), str(row["created"])) for name, row in rows.items())
    except OSError as error:
        raise HiveMindError(
            f"the tokens in {file} could not be read: {error.strerror}; check its permissions"
        ) from None
    except (ValueError, TypeError, KeyError, AttributeError):
        raise DataRefused(f"{file} is not a file of tokens; move it away and make the tokens again") from None
