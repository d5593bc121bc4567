"""When the cycle runs by itself: a systemd user timer, a line of cron, or a loop in a container."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hive_mind.conversation import JSON
from hive_mind.errors import HiveMindError, Interrupted, UsageError
from hive_mind.files import write_text
from hive_mind.learning.settings import LearningSettings
from hive_mind.progress import say, stamp
from hive_mind.usage.database import StoreAway
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
{environment}ExecStart={command}
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
# All is read-only but for the folders that a cycle writes to.
ProtectSystem=strict
{writable}RestrictSUIDSGID=yes
RestrictRealtime=yes
LockPersonality=yes
# AF_NETLINK: the sandbox sets up the loopback of its own empty network with it.
RestrictAddressFamilies=AF_UNIX AF_NETLINK AF_INET AF_INET6
{network}UMask=0077
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
    """What is to run: the arguments of `hive-mind learn run`, in which folder, with how much memory at most.

    `environment`, `writable` and `network` are what it gets of the machine (see `service`).
    """

    arguments: tuple[str, ...]
    folder: Path
    memory: str = "75%"
    environment: Mapping[str, str] = field(default_factory=dict)
    writable: tuple[Path, ...] = ()
    network: bool = True

    @property
    def command(self) -> list[str]:
        script = Path(sys.executable).with_name("hive-mind")
        start = [str(script)] if script.is_file() else [sys.executable, "-c", RUN_MAIN]
        return [*start, "learn", "run", *self.arguments]


def units(job: Job) -> dict[str, str]:
    """Return the unit files of a job by name."""
    service = SERVICE.format(
        command=" ".join(_systemd_quoted(word).replace("$", "$$") for word in job.command),
        folder=str(job.folder).replace("%", "%%"),
        memory=job.memory,
        environment="".join(
            f"Environment={_systemd_quoted(f'{name}={value}')}\n" for name, value in job.environment.items()
        ),
        writable="".join(f"ReadWritePaths={_systemd_quoted(str(path))}\n" for path in job.writable),
        network="" if job.network else "# It talks to files alone.\nPrivateNetwork=yes\n",
    )
    return {f"{UNIT}.service": service, f"{UNIT}.timer": TIMER.format(hour=HOUR)}


def install(job: Job, config_home: Path) -> list[Path]:
    """Write the units for systemd's user manager, have them checked, and start the timer where there is a manager.

    Folders that it may write to are made, for systemd starts nothing where one is missing. Raises HiveMindError if
    systemd-analyze finds fault with the units; none is left then.
    """
    for path in job.writable:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
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
    variables = ["env", *(f"{name}={value}" for name, value in job.environment.items())] if job.environment else []
    command = shlex.join([*variables, "flock", "-n", str(job.folder / f".{UNIT}.lock"), *job.command])
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


@dataclass(frozen=True)
class Scheduled:
    """Who starts the next cycle (`systemd`, `cron`, None for nobody that is seen), and when by this machine's clock.

    `note` says what is amiss, or what cannot be seen from here.
    """

    by: str | None
    next: str | None
    note: str = ""

    def to_dict(self) -> JSON:
        return asdict(self)


def scheduled(config_home: Path, now: datetime) -> Scheduled:
    """Look for the timer and the line of cron. Where systemd's user manager answers, it says itself when it fires."""
    at_two = next_local(now).isoformat(timespec="minutes")
    if (config_home / "systemd" / "user" / f"{UNIT}.timer").is_file():
        answer = _timer()
        if answer is None:
            return Scheduled("systemd", at_two, "no user manager of systemd answers here, so the timer may not be on")
        if not answer:
            return Scheduled("systemd", None, f"the timer is not on: systemctl --user enable --now {UNIT}.timer")
        return Scheduled("systemd", answer)
    try:
        table = _crontab() or ""
    except HiveMindError as error:
        return Scheduled(None, None, str(error))
    if CRON_MARK in table:
        return Scheduled("cron", at_two)
    return Scheduled(None, None, "`hive-mind learn install` schedules it; a `learn run --loop` is not seen from here")


def next_local(now: datetime) -> datetime:
    """Return when a timer or cron begins the next cycle: at two by this machine's clock, summer time or not."""
    here = now.astimezone().replace(tzinfo=None)
    today = here.replace(hour=HOUR, minute=0, second=0, microsecond=0)
    return (today if here < today else today + timedelta(days=1)).astimezone()


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
        except Interrupted:
            raise
        except (HiveMindError, OSError) as error:
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

    since = stamp(now - timedelta(minutes=settings.quiet_minutes))
    try:
        catch_up(settings.usage)
        with opened(settings.usage) as store:
            by_version = store.stats(Filters(since=since))["by_version"]
    except (StoreAway, UsageError) as error:
        say(f"whether a model is answering cannot be told ({error}); the cycle begins, and will say the same")
        return False
    return any(not version.startswith("upstream:") for version in by_version)


def _systemctl(*arguments: str) -> bool:
    program = shutil.which("systemctl")
    if program is None:
        return False
    done = subprocess.run([program, "--user", *arguments], capture_output=True, timeout=60, check=False)
    return done.returncode == 0


def _timer() -> str | None:
    """Return when systemd fires the timer next, "" if it is not on; None where no user manager answers."""
    program = shutil.which("systemctl")
    if program is None:
        return None
    ask = [program, "--user", "show", f"{UNIT}.timer", "-p", "NextElapseUSecRealtime", "--value"]
    done = subprocess.run(ask, capture_output=True, text=True, timeout=60, check=False)
    answer = done.stdout.strip()
    return None if done.returncode else "" if answer == "n/a" else answer


def _crontab() -> str | None:
    """Return the user's crontab, "" for none yet; None without the program. Raises HiveMindError if it cannot be read.

    What cannot be read must not be taken for an empty one, for the table is written anew as a whole.
    """
    program = shutil.which("crontab")
    if program is None:
        return None
    english = {**os.environ, "LC_ALL": "C"}
    done = subprocess.run([program, "-l"], capture_output=True, text=True, timeout=60, check=False, env=english)
    if done.returncode and "no crontab for" not in done.stderr:
        raise HiveMindError(f"`crontab -l` failed ({_why(done)}); see that you may use cron, and try again")
    return done.stdout if not done.returncode else ""


def _write_crontab(text: str) -> None:
    done = subprocess.run(["crontab", "-"], input=text, capture_output=True, text=True, timeout=60, check=False)
    if done.returncode:
        raise HiveMindError(f"`crontab -` failed ({_why(done)}); the table is as it was")


def _why(done: subprocess.CompletedProcess[str]) -> str:
    return " ".join(done.stderr.split()) or f"exit code {done.returncode}"


def _systemd_quoted(word: str) -> str:
    """Quote one word of a unit file: specifiers are not to be expanded."""
    plain = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'"{plain}"' if plain != word or any(letter.isspace() or letter in "'\"" for letter in word) else word


def utc_clock() -> datetime:
    """Return the present moment."""
    return datetime.now(UTC)
