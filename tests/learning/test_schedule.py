"""The timer, the line of cron, the loop, and waiting while a model answers."""

import configparser
import os
import shlex
import shutil
import subprocess
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hive_mind.cli.main import _run as command_line
from hive_mind.config import load
from hive_mind.errors import HiveMindError, Interrupted, UsageError
from hive_mind.learning import schedule, service
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


def confined(folder, **more):
    """A job with all that it may get of a machine, in words that are hard to quote."""
    variables = {"HF_HOME": '/srv/a "b" 100% $x', "HIVE_MIND_CACHE": "/srv/cache"}
    return schedule.Job(ODD_WORDS, folder, "75%", variables, (folder / "my models", folder / "100%"), **more)


def test_the_service_gets_variables_and_may_write_to_its_folders_alone(job):
    service = schedule.units(confined(job.folder, network=False))["hive-mind-learn.service"].splitlines()
    assert (
        r'Environment="HF_HOME=/srv/a \"b\" 100%% $x"' in service
        and "Environment=HIVE_MIND_CACHE=/srv/cache" in service
    )
    assert "ProtectSystem=strict" in service and "PrivateNetwork=yes" in service
    assert f'ReadWritePaths="{job.folder}/my models"' in service and f'ReadWritePaths="{job.folder}/100%%"' in service
    assert "PrivateNetwork=yes" not in schedule.units(confined(job.folder))["hive-mind-learn.service"]
    assert "AF_NETLINK" in "".join(service), "the sandbox needs it"


def test_what_the_job_gets_of_this_machine(tmp_path, monkeypatch):
    for name in service.CARRIED:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_HOME", "/srv/hub")
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    monkeypatch.setenv("HF_ENDPOINT", "https://me:word@mirror.example")
    monkeypatch.setenv("HIVE_MIND_FAULTS", "kill:at=end")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert service.environment() == {"HF_HOME": "/srv/hub", "XDG_CACHE_HOME": str(tmp_path / "cache")}
    found = service.writable(LearningSettings(), tmp_path)
    assert found == tuple(sorted([Path("/srv/hub/hub"), tmp_path / "cache", tmp_path / "data", tmp_path / "models"]))


@pytest.mark.parametrize(
    ("changes", "needed"),
    [
        ({}, False),
        ({"notify": {"webhook": "http://127.0.0.1:9/"}}, True),
        ({"model": {"base": "some/base"}}, True),
        ({"usage": {"url": "postgresql+psycopg://me@localhost/x"}}, True),
        ({"usage": {"url": "postgresql+psycopg:///x?host=/run/postgresql"}}, False),
        ({"usage": {"url": "sqlite:////srv/x.sqlite"}}, False),
        ({"evaluation": {"suites": {"bfcl": "hub"}}}, True),
    ],
)
def test_who_needs_a_network(changes, needed):
    assert service.needs_network(LearningSettings.model_validate({"model": {"base": "tiny"}, **changes})) is needed


def test_systemd_takes_the_units(tmp_path, job):
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed: the units are read by configparser alone")
    files = []
    for name, text in schedule.units(confined(job.folder, network=False)).items():
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


def program(folder, name, script):
    """A program of one's own before the system's."""
    file = folder / "bin" / name
    file.parent.mkdir(exist_ok=True)
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)
    return str(file.parent)


def test_only_no_crontab_yet_is_an_empty_one(tmp_path, job, monkeypatch):
    written = tmp_path / "written"
    monkeypatch.setenv("PATH", str(tmp_path / "bin"), prepend=os.pathsep)
    for said, expected in (("no crontab for me", ""), ("You are not allowed to use this program", None)):
        program(tmp_path, "crontab", f'[ "$1" = -l ] && {{ echo "{said}" >&2; exit 1; }}; cat > {written}')
        if expected is None:
            written.unlink()
            with pytest.raises(HiveMindError, match=r"`crontab -l` failed \(You are not allowed .*see that you may"):
                schedule.install_cron(job)
            assert not written.exists(), "the table that could not be read is left alone"
        else:
            line = schedule.install_cron(job)
            assert written.read_text() == f"{line}\n"


def test_the_variables_reach_a_line_of_cron(job):
    line = schedule.cron_line(confined(job.folder)).replace(r"\%", "%")
    words = shlex.split(line.removesuffix(schedule.CRON_MARK))
    assert words[words.index("env") + 1 :][:2] == ['HF_HOME=/srv/a "b" 100% $x', "HIVE_MIND_CACHE=/srv/cache"]


@pytest.fixture
def berlin(monkeypatch):
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def test_the_next_cycle_is_told_by_the_clock_that_starts_it(tmp_path, job, monkeypatch, berlin):
    now = datetime(2026, 1, 5, 0, 30, tzinfo=UTC)
    monkeypatch.setattr(schedule, "_crontab", lambda: None)
    nobody = schedule.scheduled(tmp_path, now)
    assert (nobody.by, nobody.next) == (None, None) and "learn install" in nobody.note
    monkeypatch.setattr(schedule, "_crontab", lambda: f"0 2 * * * true {schedule.CRON_MARK}\n")
    assert schedule.scheduled(tmp_path, now).to_dict() == {"by": "cron", "next": "2026-01-05T02:00+01:00", "note": ""}
    assert schedule.scheduled(tmp_path, now.replace(month=7)).next == "2026-07-06T02:00+02:00"
    monkeypatch.setattr(schedule, "_systemctl", lambda *arguments: False)
    schedule.install(job, tmp_path)
    for answer, expected in (
        (None, ("systemd", "2026-01-05T02:00+01:00")),
        ("", ("systemd", None)),
        ("Mon 2026-01-05 02:07:11 CET", ("systemd", "Mon 2026-01-05 02:07:11 CET")),
    ):
        monkeypatch.setattr(schedule, "_timer", lambda answer=answer: answer)
        found = schedule.scheduled(tmp_path, now)
        assert (found.by, found.next) == expected and bool(found.note) == (answer in (None, ""))


def test_a_store_that_is_away_does_not_hide_its_error_in_the_waiting(tmp_path, monkeypatch, capsys):
    (tmp_path / "file").write_text("")
    settings = LearningSettings.model_validate({"quiet_minutes": 10, "usage": {
        "url": str(tmp_path / "file" / "u.sqlite"), "spool": tmp_path / "spool"}})  # fmt: skip
    assert schedule.wait_until_quiet(settings, Clock(START))
    assert "whether a model is answering cannot be told" in capsys.readouterr().err


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
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setattr(schedule, "_crontab", lambda: None)
    assert command_line(["learn", "status", *store]) == 0
    said = capsys.readouterr().out
    assert "queue: 0 new of 50" in said and "next: not scheduled; `hive-mind learn install`" in said
    assert command_line(["learn", "run", *store]) == 2
    assert "there is no foundation to learn from" in capsys.readouterr().err
    assert command_line(["learn", "status", "--json", *store]) == 0
    assert '"decision":"failed"' in capsys.readouterr().out.splitlines()[-1]
    assert command_line(["learn", "install", "--print", *store]) == 0
    said = capsys.readouterr()
    assert "every night will fail until this is mended: nothing was promoted" in said.err
    assert "OnCalendar" in said.out and f"ReadWritePaths={tmp_path}\n" in said.out
    assert command_line(["learn", "run", "trigger.min_nwe=3"]) == 2
