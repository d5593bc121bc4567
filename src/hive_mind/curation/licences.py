"""Licences of rows: what the hub calls them, and which are known to allow commercial use.

Names are those of the SPDX list. Two are not licences: `private` are a person's own rows, which they may use as they
like and nobody else; `unknown` allows nothing.
"""

from __future__ import annotations

PRIVATE, UNKNOWN = "private", "unknown"

_COMMERCIAL = {
    "Apache-2.0": "apache-2.0", "BSD-2-Clause": "bsd-2-clause", "BSD-3-Clause": "bsd-3-clause", "CC0-1.0": "cc0-1.0",
    "CC-BY-4.0": "cc-by-4.0", "CC-BY-SA-4.0": "cc-by-sa-4.0", "CDLA-Permissive-2.0": "cdla-permissive-2.0",
    "MIT": "mit", "ODC-By-1.0": "odc-by",
}  # fmt: skip
_NON_COMMERCIAL = {
    "CC-BY-NC-4.0": "cc-by-nc-4.0", "CC-BY-NC-ND-4.0": "cc-by-nc-nd-4.0", "CC-BY-NC-SA-4.0": "cc-by-nc-sa-4.0",
}  # fmt: skip
_SPDX = _COMMERCIAL | _NON_COMMERCIAL
_ON_THE_HUB = {**_SPDX, UNKNOWN: "unknown"}
_SPELLINGS = {name.lower(): name for name in (*_SPDX, PRIVATE, UNKNOWN)}


def spelled(licence: str) -> str:
    """Return a licence as the SPDX list spells it, one that is not known here as it is."""
    return _SPELLINGS.get(licence.lower(), licence)


def hub_licence(licence: str) -> str:
    """Return what the hub's front matter calls a licence; what it has no name for is `other`."""
    return _ON_THE_HUB.get(licence, "other")


def licence_url(licence: str) -> str | None:
    """Return the address of a licence's text, None for what is not on the SPDX list."""
    return f"https://spdx.org/licenses/{licence}.html" if licence in _SPDX else None


def not_commercial(licence: str) -> str | None:
    """Say why rows under a licence cannot be used commercially; None if they can."""
    if licence in _COMMERCIAL or licence == PRIVATE:
        return None
    if licence == UNKNOWN:
        return "its licence is unknown, so nothing allows commercial use"
    if "nc" in licence.lower().split("-"):
        return f"its licence, {licence}, does not allow commercial use"
    return f"its licence, {licence}, is none that is known here to allow commercial use"
