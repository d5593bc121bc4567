"""Every error a user can meet, each with the exit code it ends the command with.

The message is one sentence that says what happened, where, and what to do next.
"""

EXIT_DONE = 0
EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_NOT_PROMOTED = 3
EXIT_DATA_REFUSED = 4
EXIT_INTERRUPTED = 130


class HiveMindError(Exception):
    """Something failed that the user can act on; the command ends with exit code 1."""

    exit_code = EXIT_FAILED


class UsageError(HiveMindError):
    """A wrong argument, setting or path (exit code 2)."""

    exit_code = EXIT_USAGE


class NotPromoted(HiveMindError):
    """A candidate was trained but the gate did not promote it (exit code 3)."""

    exit_code = EXIT_NOT_PROMOTED


class DataRefused(HiveMindError):
    """Input data is unusable: broken lines, no usable rows, or too many rejects (exit code 4)."""

    exit_code = EXIT_DATA_REFUSED


class Interrupted(HiveMindError):
    """The user stopped the work; what was done is saved and can be continued (exit code 130)."""

    exit_code = EXIT_INTERRUPTED


def of_exit_code(code: int, message: str) -> HiveMindError:
    """Return the error that another process ended with, told by its exit code."""
    kinds = (UsageError, NotPromoted, DataRefused, Interrupted)
    return next((kind for kind in kinds if kind.exit_code == code), HiveMindError)(message)
