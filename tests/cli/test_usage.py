"""`hive-mind usage`, `clean`, `backup` and `restore` as they are typed."""

import io
import json

import pytest

from hive_mind.cli import main as cli
from hive_mind.usage.store import Store
from tests.usage.making import interaction, said, settings_in


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder to work in, with three interactions in the default store; `run` types a command in it."""
    monkeypatch.chdir(tmp_path)
    store = Store.open(settings_in(tmp_path / "data" / "usage").model_copy(
        update={"exports": tmp_path / "data" / "automated"}
    ))  # fmt: skip
    added = store.add_many(
        [
            interaction(1),
            said(time="2026-02-05T10:00:01Z"),
            interaction(2, outcome="failed", client="chat", time="2026-02-05T10:00:02Z"),
        ]
    )
    store.close()
    return [each.id for each in added]


@pytest.fixture
def run(capsys):
    def type_in(*words, code=0):
        with pytest.raises(SystemExit) as ended:
            cli.main(list(words))
        captured = capsys.readouterr()
        assert ended.value.code == code, captured.err
        last = captured.out.strip().splitlines()[-1] if captured.out.strip() else ""
        return captured.out, captured.err, json.loads(last) if "--json" in words and code == 0 else None

    return type_in


def test_list_show_and_stats(here, run):
    out, _, found = run("usage", "list", "--json")
    assert found["total"] == 3 and [each["id"] for each in found["interactions"]] and here[0][:8] in out
    assert run("usage", "list", "--state", "rejected", "--client", "chat", "--json")[2]["total"] == 1
    assert run("usage", "list", "--tool", "none", "--json")[2]["total"] == 1
    out, _, found = run("usage", "show", here[0][:8], "--json")
    assert "What does file number 1" in out and "seen " in out and found["state"] == "approved"
    _, _, found = run("usage", "stats", "--json")
    assert found["by_state"] == {"approved": 1, "new": 1, "rejected": 1} and found["waiting"] == 0
    assert "no setting of the usage store" in run("usage", "list", "data.dir=x", code=2)[1]
    assert "is not one of" in run("usage", "list", "--state", "old", code=2)[1]
    assert "there is no interaction" in run("usage", "show", "ffffff", code=2)[1]
    assert "name one interaction" in run("usage", "show", "a=b", code=2)[1]


def test_an_empty_store_has_no_first_and_last(tmp_path, monkeypatch, run):
    monkeypatch.chdir(tmp_path)
    assert run("usage", "stats")[0].startswith("0 interactions in data/usage/usage.sqlite\n")
    assert "0 of 0" in run("usage", "list")[0]


def test_what_waits_is_stored_before_anything_is_shown(here, run):
    from hive_mind.usage.entries import interaction_entry, redacted
    from hive_mind.usage.identity import load_key
    from hive_mind.usage.settings import UsageSettings
    from hive_mind.usage.spool import Spool

    settings = UsageSettings()
    Spool(settings.spool).append([redacted(interaction_entry(interaction(8), load_key(settings.spool)))])
    _, err, found = run("usage", "stats", "--json")
    assert found["interactions"] == 4 and "stored 1 entries" in err


def test_approve_reject_feedback_and_review_through_standard_input(here, run, monkeypatch):
    run("usage", "reject", here[0][:8], "--reason", "not mine")
    assert run("usage", "show", here[0], "--json")[2]["reason"] == "not mine"
    assert run("usage", "approve", here[0], here[2], "--json")[2]["ids"] == [here[0], here[2]]
    assert run("usage", "feedback", here[1], "--thumb", "down", "--json")[2]["state"] == "rejected"
    assert (
        run("usage", "feedback", here[1], "--correct", "It is Rome.", "--json")[2]["correction"]["content"]
        == "It is Rome."
    )
    assert "--thumb" in run("usage", "feedback", here[1], code=2)[1]
    monkeypatch.setattr("sys.stdin", io.StringIO('c{"name": "read_file", "arguments": {"path": "x"}}\na\n'))
    out, _, found = run("usage", "review", "--state", "approved", "--json")
    assert found == {"decided": {"corrected": 1, "approved": 1}, "left": 1}
    assert "c correct" in out


def test_export_and_forget(here, run, tmp_path):
    out, _, found = run("usage", "export", "--json")
    assert found["rows"] == 1 and "data/automated/training_data_" in out
    assert "say what to forget" in run("usage", "forget", code=2)[1]
    assert run("usage", "forget", here[0][:8], "--json")[2]["ids"] == [here[0]]
    assert run("usage", "forget", "--client", "chat", "--json")[2]["ids"] == [here[2]]
    assert run("usage", "list", "--json")[2]["total"] == 1
    assert list((tmp_path / "data" / "automated").iterdir()) == []


def test_a_review_in_the_editor(here, run, monkeypatch, tmp_path):
    from hive_mind.cli import usage

    script = tmp_path / "editor.sh"
    script.write_text("#!/bin/sh\nprintf 'It is Rome.' > \"$1\"\n")
    script.chmod(0o755)
    monkeypatch.setenv("VISUAL", str(script))
    assert usage._edited("Paris.") == "It is Rome."
    monkeypatch.setenv("VISUAL", "false")
    assert usage._edited("Paris.") == ""
    monkeypatch.setenv("VISUAL", str(tmp_path / "nothing"))
    assert usage._edited("Paris.") == ""


def test_clean_shows_and_removes_only_when_told(here, run, tmp_path, monkeypatch):
    # Not the machine's own memory, where tests beside this one leave journals of stores that are gone.
    (tmp_path / "memory").mkdir()
    monkeypatch.setattr("hive_mind.usage.journal.MEMORY", tmp_path / "memory")
    tokens = tmp_path / "data" / ".tokens"
    tokens.mkdir()
    (tokens / "x").write_bytes(b"0" * 1000)
    out, _, found = run("clean", "--json")
    assert "may go" in out and tokens.is_dir() and found["freed"] == 0
    assert {item["kind"] for item in found["items"]} >= {"cache", "store", "spool"}
    assert "interactions are older than 30 days" in out
    _, _, found = run("clean", "--apply", "--json")
    assert found["freed"] == 1000 and not tokens.exists()
    assert run("usage", "stats", "--json")[2]["by_state"] == {"approved": 1}


def test_backup_and_restore(here, run, tmp_path):
    _, _, found = run("backup", "kept.tar.gz", "--json")
    assert found["interactions"] == 3
    assert "exists already" in run("backup", "kept.tar.gz", code=2)[1]
    assert "holds 3 interactions; --force" in run("restore", "kept.tar.gz", code=2)[1]
    run("usage", "forget", *here)
    assert run("restore", "kept.tar.gz", "--force", "--json")[2]["interactions"] == 3
    assert run("usage", "show", here[0], "--json")[2]["state"] == "approved"
    assert "must end in .tar.gz or .tar.zst" in run("backup", "kept.zip", code=2)[1]
