"""A suite that cannot be run: reported as unavailable with its reason, never as a score of zero."""

from __future__ import annotations

from hive_mind.errors import HiveMindError


class SuiteUnavailable(HiveMindError):
    """The data, a program or a sandbox that a suite needs is missing or unusable; the text says what to do about it."""
