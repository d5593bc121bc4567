"""The process that brings journals and spool to the store, beside whatever records; one for a spool folder.

A process and not a thread, because redaction is much Python, which would hold up the threads that answer requests. It
is started by whoever records and finds none, woken through a named pipe, and ends when it has had nothing to do for
`usage.idle_seconds`.
"""

from __future__ import annotations

import fcntl
import os
import select
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from hive_mind.progress import say, utc_now

if TYPE_CHECKING:
    from hive_mind.usage.moving import Mover
    from hive_mind.usage.settings import UsageSettings

PIPE, LOCK, LOG = "wake", "keeper.lock", "keeper.log"
START_SECONDS = 10.0
"""A keeper that was started is given so long to open its pipe before another is tried."""
RETRY_SECONDS = 1.0
LONGEST_RETRY_SECONDS = 30.0
PATIENCE_SECONDS = 3600.0
"""How long a keeper stays for entries that wait while the store is away; the next one that records starts another."""


class Bell:
    """Wakes the keeper, and starts one where there is none."""

    def __init__(self, folder: Path, settings: str, log: Path) -> None:
        """`folder` holds pipe and lock; `settings` are the usage settings as JSON."""
        self.folder, self.settings, self.log = folder, settings, log
        self._pipe: int | None = None
        self._keeper: subprocess.Popen[bytes] | None = None
        self._started = 0.0

    def ring(self) -> None:
        """Wake the keeper; where there is none, one is started meanwhile."""
        if self._pipe is None:
            self._pipe = _open_pipe(self.folder)
        if self._pipe is not None:
            try:
                os.write(self._pipe, b"!")
                return
            except BlockingIOError:
                return  # it has been woken often enough
            except BrokenPipeError:
                self.close()
        if time.monotonic() - self._started > START_SECONDS or self._has_ended():
            self._started = time.monotonic()
            try:
                threading.Thread(target=self._start).start()  # which takes longer than a caller may be kept
            except RuntimeError:  # the interpreter is about to end, and nobody waits any more
                self._start()

    def close(self) -> None:
        """Let go of the pipe; the keeper goes on."""
        if self._pipe is not None:
            os.close(self._pipe)
            self._pipe = None

    def _has_ended(self) -> bool:
        """Tell whether the keeper that we started is done or was killed; one that failed is not tried again at once."""
        return self._keeper is not None and self._keeper.poll() is not None and self._keeper.returncode <= 0

    def _start(self) -> None:
        try:
            with open(self.log, "ab") as log:
                self._keeper = subprocess.Popen(
                    [sys.executable, "-m", __name__, str(self.folder)],
                    stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=log, start_new_session=True,
                )  # fmt: skip
            assert self._keeper.stdin is not None
            with self._keeper.stdin as given:  # not on the command line, where all would see a database's password
                given.write(self.settings.encode())
        except OSError as error:
            say(f"usage: what is recorded waits in memory, for no process to store it can be started ({error})")


def main(folder: Path) -> None:
    """Be the keeper, unless there is one."""
    given = sys.stdin.buffer.read()
    if not given:
        return  # whoever started us was killed before it could say anything
    handle = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            break
        except BlockingIOError:
            there = _open_pipe(folder)
            if there is not None:
                os.close(there)
                return  # it is awake and will see what there is
            time.sleep(0.02)  # it is just starting, or just ending
    pipe = _listen(folder)

    from hive_mind.usage.moving import Mover
    from hive_mind.usage.settings import UsageSettings

    settings = UsageSettings.model_validate_json(given)
    mover = Mover(settings)
    # Told to end, as when the machine is switched off, it brings what lies in memory to a disk first.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    with suppress(SystemExit):
        _work(mover, pipe, settings)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    mover.close()
    os.close(pipe)  # from here on whoever records starts another keeper, which waits for our lock
    with suppress(OSError):
        mover.run()
    mover.close()


def _work(mover: Mover, pipe: int, settings: UsageSettings) -> None:
    busy = time.monotonic()
    pause, away = RETRY_SECONDS, ""
    while settings.spool.is_dir():
        try:
            moved = mover.run()
        except OSError as error:
            say(f"{utc_now()} usage: {error}; what was recorded stays in memory until there is room")
            time.sleep(RETRY_SECONDS)
            continue
        if moved.stored or moved.spooled:
            busy = time.monotonic()
        if moved.away and moved.away != away:
            say(f"{utc_now()} {moved.away}; entries wait in {settings.spool}")
        away = moved.away
        pause = min(2 * pause, LONGEST_RETRY_SECONDS) if away else RETRY_SECONDS
        idle = time.monotonic() - busy
        if idle > (PATIENCE_SECONDS if away else settings.idle_seconds):
            return
        _wait(pipe, pause if away else max(0.01, settings.idle_seconds - idle))


def _wait(pipe: int, seconds: float) -> None:
    """Wait to be woken, at most so long; what was rung meanwhile counts once."""
    if select.select([pipe], [], [], seconds)[0]:
        with suppress(BlockingIOError):
            os.read(pipe, 1 << 16)


def _listen(folder: Path) -> int:
    """Open the pipe to read. It is opened to write too, so that it does not end when the last writer has gone."""
    with suppress(FileExistsError):
        os.mkfifo(folder / PIPE, 0o600)
    return os.open(folder / PIPE, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)


def _open_pipe(folder: Path) -> int | None:
    """Open the pipe to write, None if nobody listens."""
    try:
        return os.open(folder / PIPE, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None


if __name__ == "__main__":
    main(Path(sys.argv[1]))
