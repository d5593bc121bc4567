"""Tool names for the OpenAI API, which takes only letters, digits, _ and -, at most 64: a map there and back."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

LONGEST = 64
_LEGAL = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_ILLEGAL = re.compile(r"[^a-zA-Z0-9_-]+")


@dataclass(frozen=True)
class NameMap:
    """Names of one set of tools in both directions; `legal[name]` is what the API sees, `original[...]` undoes it."""

    legal: Mapping[str, str]
    original: Mapping[str, str]


def is_legal(name: str) -> bool:
    """Tell whether the OpenAI API takes a name as it is."""
    return _LEGAL.fullmatch(name) is not None


def legal_names(names: Iterable[str]) -> NameMap:
    """Map the names of one set of tools to distinct legal ones.

    A legal name stays as it is; in others every run of what is not allowed becomes one `_` ("math.gcd" is "math_gcd").
    Where that is too long, empty, or the same for two names, a digest of the name is added. The map depends on the set
    alone, not on its order. A name that is added to the set changes another's only where the two would be the same.
    """
    distinct = sorted(set(names))
    legal = {name: name for name in distinct if is_legal(name)}
    readable = {name: _readable(name) for name in distinct if name not in legal}
    uses = Counter([*readable.values(), *legal])
    plain = {name: short for name, short in readable.items() if is_legal(short) and uses[short] == 1}
    legal |= plain
    taken = set(legal.values())
    for name in readable:
        if name not in plain:
            legal[name] = _with_digest(name, readable[name], taken)
            taken.add(legal[name])
    return NameMap(legal, {short: name for name, short in legal.items()})


def _readable(name: str) -> str:
    """Keep what is allowed, letters without their accents; empty if nothing of it can be read."""
    ascii_only = "".join(char for char in unicodedata.normalize("NFKD", name) if not unicodedata.combining(char))
    short = _ILLEGAL.sub("_", ascii_only)
    return short if re.search(r"[a-zA-Z0-9]", short) else ""


def _with_digest(name: str, readable: str, taken: set[str]) -> str:
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()
    for length in range(8, LONGEST - 8):
        room = LONGEST - length - 1
        short = f"{(readable or 'tool')[:room]}_{digest[:length]}"
        if short not in taken:
            return short
    raise AssertionError("no two of a set's names have the same digest")
