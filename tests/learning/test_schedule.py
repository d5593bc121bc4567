"""The timer, the line of cron, the loop, and waiting while a model answers."""

import configparser
import shlex
import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hive_mind.cli.main import _run as command_line
from hive_mind.config import load
from hive_mind.errors import HiveMindError, Interrupted, UsageError
from hive_mind.learning import schedule
from hive_mind.learning.notify import notify
from hive_mind.learning.settings import LearningSettings, NotifySettings
from tests.learning.world import START, WEATHER, World, called, interaction

ODD_WORDS = ("--config", "/srv/my files/daily 100%.yaml", "name=a$b", 'note="x"', "back\\slash")


@pytest.fixture
def job(tmp_path):
    folder = tmp_path / "hive mind"
    folder.mkdir()
    return schedule.Job(ODD_WORDS, folder)


def read_unit(text):
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    parser.optionxform = str
    parser.read_string(text)
    return parser


def test_the_units_say_what_runs_when_and_with_how_much(job):
    files = {name: read_unit(text) for name, text in schedule.units(job).items()}
    service, timer = files["hive-mind-learn.service"]["Service"], files["hive-mind-learn.timer"]["Timer"]
    assert service["Type"] == "oneshot" and service["MemoryMax"] == "75%" and service["Nice"] == "15"
    assert service["NoNewPrivileges"] == service["PrivateTmp"] == "yes" and service["SuccessExitStatus"] == "3"
    assert service["WorkingDirectory"] == str(job.folder)
    assert timer["OnCalendar"] == "*-*-* 02:00:00" and timer["Persistent"] == "true" and timer["RandomizedDelaySec"]
    assert unquoted(service["ExecStart"])[-len(ODD_WORDS) :] == list(ODD_WORDS)


def unquoted(line):
    """Read ExecStart as systemd does: quotes and backslashes as a shell's double quotes, %% and $$ doubled."""
    return [word.replace("%%", "%").replace("$$", "$") for word in shlex.split(line)]


def test_systemd_takes_the_units(tmp_path, job):
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed: the units are read by configparser alone")
    files = []
    for name, text in schedule.units(job).items():
        (tmp_path / name).write_text(text)
        files.append(tmp_path / name)
    assert schedule.verify(files) == ""
    files[1].write_text(files[1].read_text().replace("*-*-* 02:00:00", "never"))
    assert "never" in schedule.verify(files)


def test_install_and_uninstall_leave_nothing(tmp_path, job, monkeypatch):
    monkeypatch.setattr(schedule, "_systemctl", lambda *arguments: False)
    monkeypatch.setattr(schedule, "_crontab", lambda: None)
    files = schedule.install(job, tmp_path)
    assert all(file.is_file() for file in files)
    assert schedule.uninstall(tmp_path) == [str(file) for file in files]
    assert schedule.uninstall(tmp_path) == []


def test_units_that_systemd_does_not_take_are_not_left(tmp_path, job, monkeypatch):
    monkeypatch.setattr(schedule, "verify", lambda files: "line 7 is wrong")
    with pytest.raises(HiveMindError, match=r"line 7 is wrong.*--cron"):
        schedule.install(job, tmp_path)
    assert not list((tmp_path / "systemd" / "user").iterdir())


def test_the_line_of_cron_is_put_once_and_taken_out(job, monkeypatch):
    table = ["MAILTO=me\n"]
    monkeypatch.setattr(schedule, "_crontab", lambda: table[-1])
    monkeypatch.setattr(schedule, "_write_crontab", table.append)
    schedule.install_cron(job)
    line = schedule.install_cron(job)
    assert table[-1] == f"MAILTO=me\n{line}\n"
    assert r"100\%" in line and "flock -n" in line, "cron takes % for a line break"
    assert subprocess.run(["sh", "-n", "-c", line.split("* * * ")[1]], check=False).returncode == 0
    assert schedule.uninstall(job.folder) == ["the line in the crontab"] and table[-1] == "MAILTO=me\n"


def test_without_crontab_the_line_is_told(job, monkeypatch):
    monkeypatch.setattr(schedule, "_crontab", lambda: None)
    with pytest.raises(UsageError, match=r"0 2 \* \* \*"):
        schedule.install_cron(job)


class Clock:
    """A clock that goes on while somebody sleeps."""

    def __init__(self, now):
        self.now = now

    def __call__(self):
        return self.now

    def sleep(self, seconds):
        self.now += timedelta(seconds=seconds)


def test_the_loop_does_a_cycle_a_day_and_survives_failures():
    clock, done = Clock(datetime(2026, 2, 2, 17, 30, tzinfo=UTC)), []

    def work(now):
        done.append(now)
        if len(done) == 2:
            raise UsageError("a setting is wrong")

    schedule.loop(work, clock, clock.sleep, rounds=4)
    assert done[1:] == [datetime(2026, 2, day, 2, 0, tzinfo=UTC) for day in (3, 4, 5)]

    def stop(now):
        raise Interrupted("stopped")

    with pytest.raises(Interrupted):
        schedule.loop(stop, clock, clock.sleep, rounds=2)


def test_learning_waits_while_a_model_answers(tmp_path):
    world = World(tmp_path, None)
    settings = lambda **more: _settings(world, quiet_minutes=10, **more)  # noqa: E731
    world.add([interaction(called(WEATHER, "Bern", 1), "s", START, version="daily_v1")])
    clock = Clock(START + timedelta(minutes=2))
    assert schedule.wait_until_quiet(settings(), clock, clock.sleep)
    assert START + timedelta(minutes=10) <= clock.now <= START + timedelta(minutes=12)
    world.add([interaction(called(WEATHER, "Bern", 2), "s", clock.now, version="daily_v1")])
    began = clock.now
    assert not schedule.wait_until_quiet(settings(max_wait_hours=0.05), clock, clock.sleep)
    assert clock.now - began <= timedelta(minutes=5)
    world.add([interaction(called(WEATHER, "Bern", 3), "s", clock.now + timedelta(hours=1), version="upstream:big")])
    clock.sleep(3600)
    before = clock.now
    assert schedule.wait_until_quiet(settings(), clock, clock.sleep) and clock.now == before, "another's server"


def _settings(world, **changes):
    return LearningSettings.model_validate({"usage": world.settings_of_the_store().model_dump(), **changes})


def test_nobody_is_told_unless_wanted_and_no_failure_to_tell_fails_a_day(monkeypatch):
    def refuse(*arguments, **names):
        raise AssertionError("somebody was told")

    monkeypatch.setattr("httpx.post", refuse)
    monkeypatch.setattr("subprocess.run", refuse)
    assert notify(NotifySettings(), "title", "text", {}) == []
    monkeypatch.undo()
    [problem] = notify(NotifySettings(webhook="http://127.0.0.1:9/"), "title", "text", {})
    assert "learning.notify.webhook could not be told" in problem


def test_the_webhook_is_told_no_reason(monkeypatch):
    told = []

    class Taken:
        def raise_for_status(self):
            return self

    monkeypatch.setattr("httpx.post", lambda url, json, timeout: told.append(json) or Taken())
    settings = NotifySettings(webhook="http://127.0.0.1:9/")
    assert notify(settings, "Hive-Mind: rejected", "on a probe: 'xyzzy ...'", {"day": "2026-02-02"}) == []
    assert told == [{"title": "Hive-Mind: rejected", "day": "2026-02-02"}]


def test_the_config_that_is_given_is_valid():
    settings = load(LearningSettings, Path("configs/daily.yaml"))
    assert settings.name == "daily" and settings.days_gate().guards.keys() >= {"no_tool", "format"}


def test_the_commands(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    store = ["usage.url=u.sqlite", "usage.spool=spool", "usage.idle_seconds=1"]
    assert command_line(["learn", "status", *store]) == 0
    assert "queue: 0 new of 50" in capsys.readouterr().out
    assert command_line(["learn", "run", *store]) == 0
    assert "declined: 0 new approved interactions of 50" in capsys.readouterr().out
    assert command_line(["learn", "status", "--json", *store]) == 0
    assert '"decision":"declined"' in capsys.readouterr().out.splitlines()[-1]
    assert command_line(["learn", "install", "--print", *store]) == 0
    assert "OnCalendar" in capsys.readouterr().out
    assert command_line(["learn", "run", "trigger.min_nwe=3"]) == 2
