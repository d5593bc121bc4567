"""The recorder: quick, never in the way, and nothing that it acknowledged is lost."""

import signal
import subprocess
import sys
import time

import pytest

from hive_mind.conversation import Message
from hive_mind.errors import UsageError
from hive_mind.usage import recorder as recorder_module
from hive_mind.usage.journal import journals, memory_folder
from hive_mind.usage.moving import Mover, catch_up
from hive_mind.usage.recorder import open_recorder
from hive_mind.usage.spool import PENDING, REFUSED, Spool
from hive_mind.usage.store import opened
from tests.usage.making import call, interaction, settings_in
from tests.usage.store_stress import stress

SECRET = "ghp_" + "Zk3vQ8sT1yB6nM4wX9cR2aL7" + "dF5gH0jKpQ"
ADDRESS = "@".join(("mara.lind", "example-mail.net"))


@pytest.fixture
def no_keeper(monkeypatch):
    """Nobody moves what is recorded but the test itself."""
    monkeypatch.setattr(recorder_module.Bell, "ring", lambda self: None)


def wait_for(condition, seconds=30.0):
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.05)


def test_what_is_recorded_is_stored_by_a_process_of_its_own(tmp_path):
    settings = settings_in(tmp_path)
    recorder = open_recorder(settings)
    ids = [recorder.record(interaction(number, outcome="unknown")) for number in range(20)]
    recorder.result("call_3", "text of 3", "succeeded")
    recorder.feedback(ids[4], "up", "just so")
    assert len(set(ids)) == 20
    with opened(settings) as store:
        wait_for(lambda: store.stats()["interactions"] == 20 and store.get(ids[4]).interaction.thumb == "up")
        assert store.get(ids[3]).interaction.outcome == "succeeded"
        assert [record.state for record in (store.get(ids[3]), store.get(ids[4]), store.get(ids[5]))] == [
            "approved", "approved", "new",
        ]  # fmt: skip
    recorder.close()
    keepers = memory_folder(settings.spool)
    wait_for(lambda: not journals(keepers))


def test_the_same_interaction_has_the_same_id_and_is_kept_once(tmp_path, no_keeper):
    settings = settings_in(tmp_path)
    recorder = open_recorder(settings)
    first, again = recorder.record(interaction(1)), recorder.record(interaction(1, time="2026-02-05T10:00:09Z"))
    recorder.close()
    assert first == again
    assert catch_up(settings).stored == 2
    with opened(settings) as store:
        assert [len(record.sightings) for record in store.list()] == [2]


def test_nothing_unredacted_reaches_a_disk(tmp_path, no_keeper):
    """Neither the database, nor its log, nor the spool; and the journal's memory is empty afterwards."""
    settings = settings_in(tmp_path)
    secret = interaction(
        1, messages=(Message("user", f"My token is {SECRET}, write to {ADDRESS}"),),
        answer=call(path=f"/home/alex/{ADDRESS}.txt"), error=f"{SECRET} was refused", comment=f"ask {ADDRESS}",
        client=ADDRESS, session=SECRET, outcome="failed",
    )  # fmt: skip
    recorder = open_recorder(settings)
    recorder.record(secret)
    recorder.result("call_1", f"{SECRET} of {ADDRESS}", "failed")
    recorder.feedback("x", "up", f"thanks {ADDRESS}")
    away = settings.model_copy(update={"url": "postgresql+psycopg://nobody@127.0.0.1:1/none"})
    assert catch_up(away).spooled == 3
    spooled = (settings.spool / PENDING).read_bytes()
    assert b"SECRET:email:1" in spooled
    assert catch_up(settings).stored == 3
    written = [spooled, *(file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())]
    written += [file.read_bytes() for file in memory_folder(settings.spool).iterdir() if file.is_file()]
    recorder.close()
    for content in written:
        assert SECRET.encode() not in content and ADDRESS.encode() not in content
    with opened(settings) as store:
        [record] = store.list()
    kept = record.interaction
    assert kept.messages[0].content == "My token is <SECRET:github_token:1>, write to <SECRET:email:1>"
    assert kept.error == "<SECRET:github_token:1> was refused", "the same value has the same placeholder"
    assert kept.session.startswith("redacted-") and kept.client.startswith("redacted-")


def test_the_store_goes_and_comes_back_and_all_is_there_once(tmp_path, no_keeper):
    settings = settings_in(tmp_path)
    away = settings.model_copy(update={"url": str(tmp_path / "later" / "usage.sqlite")})
    (tmp_path / "later").write_text("a file where a folder should be")
    recorder = open_recorder(settings)
    ids = [recorder.record(interaction(number)) for number in range(30)]
    moved = catch_up(away)
    assert (moved.stored, moved.spooled) == (0, 30) and "cannot be made" in moved.away
    recorder.result("call_3", "told while the store was away", "failed")
    assert catch_up(away).spooled == 1
    assert Spool(settings.spool).waiting() == 31
    ids += [recorder.record(interaction(number)) for number in range(25, 40)]
    (tmp_path / "later").unlink()
    moved = catch_up(away)
    assert (moved.stored, moved.away) == (31 + 15, "")
    assert Spool(settings.spool).waiting() == 0
    with opened(away) as store:
        assert sorted(record.id for record in store.list()) == sorted(set(ids))
        assert store.get(ids[3]).interaction.results[0].content == "told while the store was away"
    recorder.close()


def test_a_mover_that_is_killed_between_store_and_mark_doubles_nothing(tmp_path, no_keeper, monkeypatch):
    settings = settings_in(tmp_path)
    recorder = open_recorder(settings)
    ids = [recorder.record(interaction(number)) for number in range(10)]
    recorder.result("call_3", "text", "succeeded")

    def killed(file, end):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr("hive_mind.usage.moving.mark", killed)
        Mover(settings).run()
    assert catch_up(settings).stored == 11
    with opened(settings) as store:
        assert len(store.list()) == 10
        assert len(store.get(ids[3]).interaction.results) == 1
        assert all(len(record.sightings) == 1 for record in store.list())
    recorder.close()


def test_where_there_is_no_memory_the_spool_takes_it_redacted(tmp_path, no_keeper, monkeypatch, capsys):
    monkeypatch.setattr(recorder_module, "memory_folder", lambda spool: None)
    settings = settings_in(tmp_path)
    recorder = open_recorder(settings)
    for number in range(3):
        recorder.record(interaction(number, messages=(Message("user", f"mail {ADDRESS} about {number}"),)))
    assert Spool(settings.spool).waiting() == 3
    assert ADDRESS.encode() not in (settings.spool / PENDING).read_bytes()
    assert capsys.readouterr().err.count("no folder in memory") == 1, "it is said once"
    assert catch_up(settings).stored == 3
    recorder.close()


def test_recording_never_raises(tmp_path, no_keeper, monkeypatch, capsys):
    settings = settings_in(tmp_path)
    recorder = open_recorder(settings)
    deep: dict = {}
    here = deep
    for _ in range(5000):
        here["a"] = here = {}
    assert recorder.record(interaction(1, answer=call(path="x", more=deep))) == ""
    assert recorder.record(interaction(2, answer=call(path=object()))) == ""
    assert recorder.record(interaction(3, time="yesterday")) != ""
    assert recorder.record(interaction(4, messages=(Message("user", "half \ud83d"),))) != ""
    assert recorder.record(interaction(5, answer=call(number=2**80))) != ""
    recorder.result("x", "half \ud83d", "unknown")
    assert "cannot be kept" in capsys.readouterr().err
    moved = catch_up(settings)
    assert (moved.stored, moved.refused) == (4, 0)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("hive_mind.usage.journal.Journal.append", full)
    monkeypatch.setattr("hive_mind.usage.spool.Spool.append", full)
    assert recorder.record(interaction(6)) == ""
    assert "free space" in capsys.readouterr().err
    recorder.close()


def test_an_entry_that_no_store_takes_does_not_hold_up_the_others(tmp_path, no_keeper):
    from sqlalchemy.exc import StatementError

    settings = settings_in(tmp_path)
    recorder = open_recorder(settings)
    for number in range(5):
        recorder.record(interaction(number))
    mover = Mover(settings)
    apply = mover._opened().apply

    def picky(entries):
        if any(entry["interaction"]["answer"]["tool_calls"][0]["id"] == "call_2" for entry in entries):
            raise StatementError("no", "no", {}, None)
        return apply(entries)

    mover._opened().apply = picky
    moved = mover.run()
    assert (moved.stored, moved.refused) == (4, 1)
    assert Spool(settings.spool).refused() == 1
    assert "call_2" in (settings.spool / REFUSED).read_text()
    mover.close()
    recorder.close()


def test_a_database_that_was_put_in_the_place_of_another_is_noticed(tmp_path, no_keeper):
    settings = settings_in(tmp_path)
    recorder = open_recorder(settings)
    mover = Mover(settings)
    recorder.record(interaction(1))
    mover.run()
    for file in tmp_path.glob("usage.sqlite*"):
        file.unlink()
    recorder.record(interaction(2))
    mover.run()
    mover.close()
    with opened(settings) as store:
        assert [record.interaction.answer.tool_calls[0].id for record in store.list()] == ["call_2"]
    recorder.close()


def test_a_spool_that_cannot_be_made_is_refused_at_once(tmp_path):
    (tmp_path / "spool").write_text("")
    with pytest.raises(UsageError, match=r"usage\.spool"):
        open_recorder(settings_in(tmp_path))


SHORT_LIVED = """
import sys
from pathlib import Path
from hive_mind.usage.recorder import open_recorder
from tests.usage.making import interaction, settings_in
recorder = open_recorder(settings_in(Path(sys.argv[1])))
print(recorder.record(interaction(7)), flush=True)
"""


def test_a_process_that_records_once_and_ends_waits_for_nothing(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", SHORT_LIVED, str(tmp_path)], capture_output=True, text=True, check=True
    )
    with opened(settings_in(tmp_path)) as store:
        wait_for(lambda: store.stats()["interactions"] == 1)
        assert store.list()[0].id == done.stdout.strip()


def test_a_keeper_that_is_killed_is_followed_by_another(tmp_path):
    settings = settings_in(tmp_path, idle_seconds=20.0)
    recorder = open_recorder(settings)
    recorder.record(interaction(1))
    with opened(settings) as store:
        wait_for(lambda: store.stats()["interactions"] == 1)
        keeper = recorder._bell._keeper
        keeper.send_signal(signal.SIGKILL)
        keeper.wait()
        recorder.record(interaction(2))
        wait_for(lambda: store.stats()["interactions"] == 2)
    recorder._bell._keeper.terminate()
    recorder._bell._keeper.wait()
    recorder.close()


def test_a_keeper_that_is_told_to_end_stores_what_there_is_first(tmp_path):
    settings = settings_in(tmp_path, idle_seconds=60.0)
    recorder = open_recorder(settings)
    recorder.record(interaction(1))
    with opened(settings) as store:
        wait_for(lambda: store.stats()["interactions"] == 1)
        keeper = recorder._bell._keeper
        keeper.send_signal(signal.SIGSTOP)
        for number in range(2, 30):
            recorder.record(interaction(number))
        keeper.send_signal(signal.SIGTERM)
        keeper.send_signal(signal.SIGCONT)
        assert keeper.wait() == 0
        assert store.stats()["interactions"] == 29
    recorder.close()


def test_the_database_s_password_stands_on_no_command_line(tmp_path):
    settings = settings_in(tmp_path, url="postgresql+psycopg://someone:hush@127.0.0.1:1/none")
    recorder = open_recorder(settings)
    recorder.record(interaction(1))
    wait_for(lambda: recorder._bell._keeper is not None)
    with open(f"/proc/{recorder._bell._keeper.pid}/cmdline", "rb") as line:
        assert b"hush" not in line.read()
    wait_for(lambda: Spool(settings.spool).waiting() == 1)
    recorder._bell._keeper.terminate()
    recorder._bell._keeper.wait()
    recorder.close()
    assert "hush" not in (settings.spool / "keeper.log").read_text()


def test_writers_and_keepers_that_are_killed_lose_nothing_acknowledged(settings):
    """The short form of `make test-store`."""
    outcome = stress(settings, interactions=160, writers=4, kills=3)
    assert outcome.lost == [] and outcome.doubled == 0
    assert outcome.acknowledged >= 160
    assert outcome.killed == 3
