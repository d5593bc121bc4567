"""When the cycle runs by itself: a systemd user timer, a line of cron, or a loop in a container."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hive_mind.errors import HiveMindError, UsageError
from hive_mind.files import write_text
from hive_mind.learning.settings import LearningSettings
from hive_mind.progress import say, stamp
from hive_mind.usage.query import Filters
from hive_mind.usage.store import opened

UNIT = "hive-mind-learn"
CRON_MARK = "# hive-mind daily learning"
RUN_MAIN = "from hive_mind.cli.main import main; main()"
HOUR = 2
LOOK_EVERY = 60.0
"""Seconds between two looks at whether a model here is answering."""

SERVICE = """\
[Unit]
Description=Hive-Mind: learn from what was used since yesterday

[Service]
Type=oneshot
WorkingDirectory={folder}
ExecStart={command}
# 3: a candidate was trained and not promoted, which is no failure of the service.
SuccessExitStatus=3
Nice=15
IOSchedulingClass=idle
CPUSchedulingPolicy=batch
MemoryMax={memory}
TimeoutStartSec=12h
KillSignal=SIGINT
TimeoutStopSec=120
NoNewPrivileges=yes
PrivateTmp=yes
ProtectSystem=full
RestrictSUIDSGID=yes
RestrictRealtime=yes
LockPersonality=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6
UMask=0077
"""

TIMER = """\
[Unit]
Description=Hive-Mind: daily learning at two in the morning

[Timer]
OnCalendar=*-*-* {hour:02d}:00:00
# A machine that was off at that time catches up when it is on again.
Persistent=true
RandomizedDelaySec=20min

[Install]
WantedBy=timers.target
"""


@dataclass(frozen=True)
class Job:
    """What is to run: the arguments of `hive-mind learn run`, in which folder, with how much memory at most."""

    arguments: tuple[str, ...]
    folder: Path
    memory: str = "75%"

    @property
    def command(self) -> list[str]:
        script = Path(sys.executable).with_name("hive-mind")
        start = [str(script)] if script.is_file() else [sys.executable, "-c", RUN_MAIN]
        return [*start, "learn", "run", *self.arguments]


def units(job: Job) -> dict[str, str]:
    """Return the unit files of a job by name."""
    quoted = " ".join(_systemd_quoted(word) for word in job.command)
    service = SERVICE.format(command=quoted, folder=str(job.folder).replace("%", "%%"), memory=job.memory)
    return {f"{UNIT}.service": service, f"{UNIT}.timer": TIMER.format(hour=HOUR)}


def install(job: Job, config_home: Path) -> list[Path]:
    """Write the units for systemd's user manager, have them checked, and start the timer where there is a manager.

    Raises HiveMindError if systemd-analyze finds fault with them; nothing is left then.
    """
    folder = config_home / "systemd" / "user"
    files = [folder / name for name in units(job)]
    for file, text in zip(files, units(job).values(), strict=True):
        write_text(file, text)
    if problem := verify(files):
        for file in files:
            file.unlink()
        raise HiveMindError(f"systemd does not take the units ({problem}); use `hive-mind learn install --cron`")
    _systemctl("daemon-reload")
    if _systemctl("enable", "--now", f"{UNIT}.timer"):
        say(f"the timer is on; `systemctl --user list-timers {UNIT}.timer` shows when it fires next")
        say("so that it fires while you are not logged in: loginctl enable-linger")
    else:
        say(f"no user manager of systemd answers; once one does: systemctl --user enable --now {UNIT}.timer")
    return files


def uninstall(config_home: Path) -> list[str]:
    """Stop the timer, remove the units and the line of cron; returns what was removed."""
    removed = []
    folder = config_home / "systemd" / "user"
    files = [file for file in (folder / f"{UNIT}.service", folder / f"{UNIT}.timer") if file.is_file()]
    if files:
        _systemctl("disable", "--now", f"{UNIT}.timer")
        for file in files:
            file.unlink()
            removed.append(str(file))
        _systemctl("daemon-reload")
    table = _crontab()
    if table is not None and CRON_MARK in table:
        _write_crontab("\n".join(line for line in table.splitlines() if CRON_MARK not in line) + "\n")
        removed.append("the line in the crontab")
    return removed


def verify(files: list[Path]) -> str:
    """Return what systemd-analyze finds wrong with unit files, "" for nothing or where it is not installed."""
    program = shutil.which("systemd-analyze")
    if program is None:
        return ""
    with tempfile.TemporaryDirectory() as runtime:  # which it wants, and nobody has who is not logged in
        done = subprocess.run(
            [program, "verify", "--user", "--man=no", *map(str, files)], capture_output=True, text=True, timeout=60,
            env={"XDG_RUNTIME_DIR": runtime, **os.environ}, check=False,
        )  # fmt: skip
    about = [line for line in done.stderr.splitlines() if UNIT in line]
    return "; ".join(about or done.stderr.splitlines()) if done.returncode or about else ""


def cron_line(job: Job) -> str:
    """Return the line of a crontab: at two, under a lock of its own, for cron starts a job that still runs again."""
    command = shlex.join(["flock", "-n", str(job.folder / f".{UNIT}.lock"), *job.command])
    line = f"0 {HOUR} * * * cd {shlex.quote(str(job.folder))} && nice -n 15 {command} {CRON_MARK}"
    return line.replace("%", r"\%")


def install_cron(job: Job) -> str:
    """Put the line into the user's crontab, in the place of an earlier one. Raises UsageError without crontab."""
    table = _crontab()
    if table is None:
        raise UsageError(f"there is no crontab program; add this line to your scheduler yourself: {cron_line(job)}")
    kept = [line for line in table.splitlines() if CRON_MARK not in line]
    _write_crontab("\n".join([*kept, cron_line(job)]) + "\n")
    return cron_line(job)


def next_run(now: datetime) -> datetime:
    """Return when the loop begins the next cycle: at two o'clock (UTC)."""
    today = now.replace(hour=HOUR, minute=0, second=0, microsecond=0)
    return today if now < today else today + timedelta(days=1)


def loop(
    work: Callable[[datetime], object], clock: Callable[[], datetime], sleep: Callable[[float], None] = time.sleep,
    rounds: int | None = None,
) -> None:  # fmt: skip
    """Do `work` at once and then every day, for containers; a cycle that fails is told and the loop goes on."""
    done = 0
    while rounds is None or done < rounds:
        try:
            work(clock())
        except HiveMindError as error:
            if error.exit_code == 130:
                raise
            say(f"error: {error}")
        done += 1
        while rounds is None or done < rounds:
            left = (next_run(clock()) - clock()).total_seconds()
            sleep(min(left, 3600.0))  # a machine that slept meanwhile has another time than it reckoned with
            if left <= 3600.0:
                break


def wait_until_quiet(
    settings: LearningSettings, clock: Callable[[], datetime], sleep: Callable[[float], None] = time.sleep
) -> bool:
    """Wait until no model here has answered for `quiet_minutes`; returns False if `max_wait_hours` were over first.

    Training and serving share the GPU, and whoever is at work now should not feel the training.
    """
    if not settings.quiet_minutes:
        return True
    until = clock() + timedelta(hours=settings.max_wait_hours)
    told = False
    while _is_serving(settings, clock()):
        if clock() >= until:
            say("a model is answering still; learning begins all the same, as learning.max_wait_hours says")
            return False
        if not told:
            told = True
            say("a model is answering; waiting until it has been quiet for a while")
        sleep(LOOK_EVERY)
    return True


def _is_serving(settings: LearningSettings, now: datetime) -> bool:
    from hive_mind.usage.moving import catch_up

    catch_up(settings.usage)
    since = stamp(now - timedelta(minutes=settings.quiet_minutes))
    with opened(settings.usage) as store:
        by_version = store.stats(Filters(since=since))["by_version"]
    return any(not version.startswith("upstream:") for version in by_version)


def _systemctl(*arguments: str) -> bool:
    program = shutil.which("systemctl")
    if program is None:
        return False
    done = subprocess.run([program, "--user", *arguments], capture_output=True, timeout=60, check=False)
    return done.returncode == 0


def _crontab() -> str | None:
    program = shutil.which("crontab")
    if program is None:
        return None
    return subprocess.run([program, "-l"], capture_output=True, text=True, timeout=60, check=False).stdout


def _write_crontab(text: str) -> None:
    subprocess.run(["crontab", "-"], input=text, text=True, timeout=60, check=True)


def _systemd_quoted(word: str) -> str:
    """Quote one word of ExecStart: specifiers and variables are not to be expanded."""
    plain = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return f'"{plain}"' if plain != word or any(letter.isspace() or letter in "'\"" for letter in word) else word


def utc_clock() -> datetime:
    """Return the present moment."""
    return datetime.now(UTC)
