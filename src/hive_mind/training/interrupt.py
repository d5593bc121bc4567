"""Ctrl-C and SIGTERM as a wish to stop: the loop sees it between micro-batches, saves, and ends in good order."""

from __future__ import annotations

import os
import signal
import threading
import time
from contextlib import suppress
from types import FrameType, TracebackType
from typing import Any

SIGNALS = (signal.SIGINT, signal.SIGTERM)
SAME_WISH = 1.0
"""Seconds within which a further signal says the same: a service manager signals every process of a run by itself, and
the supervising one passes its own on."""


class StopRequest:
    """While entered, the first signal sets `wanted`; a second one stops at once, as it would without this.

    Outside the main thread no signal can be caught, and `wanted` stays false unless someone sets it.
    """

    def __init__(self) -> None:
        self.wanted = False
        self._asked = 0.0
        self._before: dict[int, Any] = {}

    def __enter__(self) -> StopRequest:
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._receive) for number in SIGNALS}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._restore()

    def _receive(self, number: int, frame: FrameType | None) -> None:
        if self.wanted and time.monotonic() - self._asked < SAME_WISH:
            return
        if self.wanted:
            self._restore()
            signal.raise_signal(number)
            return
        self.wanted, self._asked = True, time.monotonic()
        # Written past Python's buffers, which the interrupted code may be in the middle of using.
        with suppress(OSError):  # nobody may be listening any more
            os.write(2, b"\nstopping after this micro-batch and saving; press Ctrl-C again to stop at once\n")

    def _restore(self) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before = {}
