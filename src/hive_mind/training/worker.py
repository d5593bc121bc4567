"""The process that trains, started by supervisor.py: `python -m hive_mind.training.worker`.

Its first line of standard input is what to do, as JSON; standard input then stays open for as long as the supervisor
lives. Narration goes to the supervisor's own standard error, so that a terminal stays one; what libraries and drivers
write to file descriptor 2 goes to the supervisor, who passes it on and keeps the end of it.
"""

from __future__ import annotations

import faulthandler
import os
import signal
import sys
import threading
import traceback
from contextlib import suppress
from typing import Any

import orjson

from hive_mind.device import is_out_of_memory
from hive_mind.errors import EXIT_FAILED, EXIT_INTERRUPTED, HiveMindError
from hive_mind.progress import say
from hive_mind.training.attempt import Attempt
from hive_mind.training.pulse import Pulse
from hive_mind.training.request import TrainRequest


def main() -> int:
    """Train as told and return the exit status; the pulse tells the supervisor more than that."""
    faulthandler.enable(file=2, all_threads=True)
    faulthandler.register(signal.SIGUSR1, file=2, all_threads=True)
    order: dict[str, Any] = orjson.loads(sys.stdin.buffer.readline())
    sys.stderr = os.fdopen(order["terminal"], "w", buffering=1, errors="backslashreplace")
    pulse = Pulse(os.fdopen(order["pulse"], "wb", buffering=0))
    threading.Thread(target=_stop_when_alone, daemon=True).start()
    return _train(order, pulse)


def _train(order: dict[str, Any], pulse: Pulse) -> int:
    from hive_mind.training import run

    request, attempt = TrainRequest.from_dict(order["request"]), Attempt.from_dict(order["attempt"])
    try:
        run.train(request, attempt, pulse)
    except KeyboardInterrupt:  # the second Ctrl-C, or one before there is anything to save
        return EXIT_INTERRUPTED
    except HiveMindError as error:
        pulse.ended("error", message=str(error), exit_code=error.exit_code)
        return error.exit_code
    except Exception as error:  # reported, not hidden: the supervisor decides, and keeps the traceback
        text = traceback.format_exc()
        os.write(2, text.encode())
        pulse.ended(
            "memory" if is_out_of_memory(error) else "crash", message=f"{type(error).__name__}: {error}"
        )  # fmt: skip
        return EXIT_FAILED
    pulse.ended("done")
    return 0


def _stop_when_alone() -> None:
    """Ask this process to save and stop once the supervisor has gone: nobody is left to see it train."""
    while os.read(0, 1):  # past Python's buffer, whose lock a thread must not hold when the interpreter ends
        pass
    with suppress(OSError):
        say("the supervising process has gone; saving and stopping")
    sys.stderr = open(os.devnull, "w")  # noqa: SIM115  the terminal may be gone too, and saving must not fail of that
    os.dup2(sys.stderr.fileno(), 2)
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    sys.exit(main())
