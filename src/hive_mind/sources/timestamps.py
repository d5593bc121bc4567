"""Every way a timestamp was ever written, to one: UTC, whole seconds, `Z`."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

_DIGITS = re.compile(r"\d{9,19}(\.\d+)?")
_EPOCH_SCALES = ((1e11, 1), (1e14, 1e3), (1e17, 1e6), (float("inf"), 1e9))
"""Numbers below the first are seconds (until the year 5138), then milli-, micro- and nanoseconds."""


def utc(value: Any) -> str | None:
    """Return `value` as 2026-02-05T22:19:35Z; None where there is none. Raises ValueError if it cannot be read.

    Read are ISO 8601 with microseconds, offsets or `Z`, epoch seconds and milliseconds as numbers or digits, and
    datetimes. One without a zone is UTC. Fractions of a second are dropped.
    """
    if value is None or value == "":
        return None
    if isinstance(value, bool):
        raise ValueError(f"{value} is not a timestamp")
    if isinstance(value, str):
        text = value.strip()
        value = float(text) if _DIGITS.fullmatch(text) else datetime.fromisoformat(text.upper())
    if isinstance(value, (int, float)):
        value = _from_epoch(value)
    if not isinstance(value, datetime):
        raise ValueError(f"{value!r} is not a timestamp")
    moment = value.replace(tzinfo=UTC) if value.tzinfo is None else value
    try:
        return moment.astimezone(UTC).replace(microsecond=0, tzinfo=None).isoformat() + "Z"
    except OverflowError:
        raise ValueError(f"{value!r} is out of range") from None


def _from_epoch(number: float) -> datetime:
    if not 0 <= number < float("inf"):
        raise ValueError(f"{number} is not a time since 1970")
    scale = next(divisor for bound, divisor in _EPOCH_SCALES if number < bound)
    try:
        return datetime.fromtimestamp(int(number // scale), UTC)
    except (OverflowError, OSError):
        raise ValueError(f"{number} is out of range") from None
