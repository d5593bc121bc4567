"""Exported files: what `data build` takes whole, and what is forgotten leaves."""

import json
from dataclasses import replace

import pytest

from hive_mind.conversation import Conversation, Message
from hive_mind.curation import DataSettings, build
from hive_mind.curation.forgotten import FORGOTTEN_NAME, forgotten_rows, refuse_forgotten
from hive_mind.curation.lint import lint
from hive_mind.errors import DataRefused, HiveMindError, UsageError
from hive_mind.files import read_json, read_jsonl, write_jsonl
from hive_mind.model.base import ModelSettings, resolve_base
from hive_mind.usage.exporting import export, exported_files, records_of
from hive_mind.usage.forgetting import forget
from hive_mind.usage.query import Filters
from hive_mind.usage.retention import purge
from hive_mind.usage.store import Store
from tests.usage.making import BASH, call, interaction, said, settings_in

DAY, NEXT_DAY = "2026-02-06T08:00:00Z", "2026-02-07T08:00:00Z"


@pytest.fixture
def store(tmp_path):
    opened = Store.open(settings_in(tmp_path))
    yield opened
    opened.close()


def distinct(number, **values):
    """Interactions that no search for near-duplicates takes for each other."""
    words = ("garden", "invoice", "telescope", "violin", "harbour", "quarry", "lantern", "sparrow", "glacier", "bakery")
    word, other = words[number % 10], words[(number * 7 + number // 10) % 10]
    text = f"Please open the {word} plan of the {other} committee, number {number * 7919}"
    return interaction(number, messages=(Message("user", text),), answer=call(path=f"{word}/{number}.md"), **values)


def rows(file):
    return [row for _, row in read_jsonl(file)]


def built(store, tmp_path):
    settings = DataSettings(
        dir=tmp_path / "data", raw_dir=tmp_path / "raw", no_tool_floor=0, near_duplicates="off", validation_share=0.2
    )
    settings.raw_dir.mkdir(exist_ok=True)
    return build(settings, say=lambda text: None)


def test_only_what_is_approved_is_exported_with_an_index(store):
    good = store.add(interaction(1))
    store.add(said())
    store.add(interaction(2, outcome="failed"))
    outcome = export(store, DAY)
    assert (outcome.rows, outcome.unchanged, outcome.taken_out, dict(outcome.left_out)) == (1, 0, 0, {})
    assert outcome.file.name == "training_data_2026-02-06.jsonl"
    [row] = rows(outcome.file)
    assert row["id"] == f"usage-{good.id}"
    assert row["metadata"] == {"source": "usage", "session_id": "session-1", "client": "editor"}
    [entry] = rows(outcome.file.with_name("training_data_2026-02-06.index.jsonl"))
    assert (entry["line"], entry["records"], entry["session"]) == (1, [good.id], "session-1")
    assert store.get(good.id).exported == ("training_data_2026-02-06.jsonl",)


def test_an_export_adds_what_is_new_and_takes_out_what_changed(store):
    first, second = store.add(interaction(1)), store.add(interaction(2))
    old = export(store, DAY).file
    assert export(store, DAY).rows == 0, "nothing is exported twice"
    third = store.add(interaction(3))
    store.set_state([first.id], "rejected")
    store.correct(second.id, call(path="notes/two.md"))
    outcome = export(store, NEXT_DAY)
    assert (outcome.rows, outcome.unchanged, outcome.taken_out) == (2, 0, 2)
    assert not old.exists() and exported_files(old.parent) == [outcome.file]
    assert sorted(records_of(outcome.file)) == sorted([second.id, third.id])
    targets = [row["messages"][-1]["tool_calls"][0]["function"]["arguments"] for row in rows(outcome.file)]
    assert {"path": "notes/two.md"} in targets


def test_the_answer_alone_is_learnt_and_corrections_stand_in_its_place(store):
    context = (
        Message("system", "Be brief."), Message("system", "Use tools."), *interaction(1).messages,
        call(path="wrong"), Message("tool", "no such file", tool_call_id="call_1", name="read_file"),
    )  # fmt: skip
    store.add(interaction(1, messages=context))
    failed = store.add(interaction(2, outcome="failed"))
    store.correct(failed.id, Message("assistant", "I cannot read that file."))
    first, second = sorted(rows(export(store, DAY).file), key=lambda row: -len(row["messages"]))
    assert [message["role"] for message in first["messages"]] == ["system", "user", "assistant", "tool", "assistant"]
    assert [message.get("weight", 1) for message in first["messages"] if message["role"] == "assistant"] == [0, 1]
    assert second["messages"][-1] == {"role": "assistant", "content": "I cannot read that file."}


def test_what_a_person_approved_but_cannot_be_learnt_is_left_out_and_named(store):
    undeclared = store.add(interaction(1, tools=()))
    failed = store.add(interaction(2, outcome="failed"))
    store.set_state([undeclared.id, failed.id], "approved")
    outcome = export(store, DAY)
    assert outcome.rows == 0 and not outcome.file.exists()
    assert dict(outcome.left_out) == {"undeclared_tool": 1, "no_answer": 1}
    assert outcome.why[undeclared.id].startswith("undeclared_tool: read_file")


def test_data_build_takes_every_row_and_keeps_sessions_together(store, tmp_path):
    store.add_many([distinct(number) for number in range(60)])
    bash = interaction(61, answer=call("bash", command="ls -la docs"), tools=(BASH,), session="session-0")
    store.add_many([bash, said("Paris is the capital of France.", thumb="up", session="session-1")])
    outcome = export(store, DAY)
    assert outcome.rows == 62
    manifest = built(store, tmp_path)
    counts = manifest.sources["usage"]
    assert (counts.read, counts.rejected, counts.duplicates, counts.kept) == (62, 0, 0, 62)
    sides = {}
    for split, name in (("train", manifest.train), ("validation", manifest.validation), ("test", manifest.test)):
        for _, mark in read_jsonl(name.with_name(name.name.replace(".jsonl", ".index.jsonl"))):
            sides.setdefault(mark["session"], set()).add(split)
            assert mark["records"][0].startswith("usage-") and mark["client"] == "editor"
    assert len(sides) == 5 and all(len(split) == 1 for split in sides.values())


def test_forgetting_removes_it_everywhere_and_marks_what_knew_it(store, tmp_path):
    ids = [added.id for added in store.add_many([distinct(number) for number in range(40)])]
    export(store, DAY)
    manifest = built(store, tmp_path)
    gone = records_in(manifest.train)[0]
    keep = sorted(set(ids) - {gone})
    text = store.get(gone).interaction.messages[0].content
    models = trained_on(tmp_path, manifest)
    outcome = forget(store, [gone[:10]], data_dir=tmp_path / "data", models_dir=models)
    assert outcome.ids == [gone]
    assert list(outcome.files.values()) == [1]
    assert outcome.datasets == {str(tmp_path / "data"): 1}
    assert outcome.models == ["mine_v1"]
    with pytest.raises(UsageError, match="there is no interaction"):
        store.get(gone)
    assert sorted(record.id for record in store.list()) == keep
    [file] = exported_files(store.settings.exports)
    assert sorted(records_of(file)) == keep
    held = [path for path in tmp_path.rglob("*") if path.is_file() and text.encode() in path.read_bytes()]
    assert held and all(path.parent in (tmp_path / "data", tmp_path / "data" / "external") for path in held), (
        "the built dataset alone still holds it, and it is marked"
    )
    assert store.add(distinct(ids.index(gone))).what == "forgotten", "a transcript does not bring it back"

    assert len(forgotten_rows(manifest.train)) == 1
    assert list(read_json(tmp_path / "data" / FORGOTTEN_NAME)["records"]) == [f"usage-{gone}"]
    with pytest.raises(DataRefused, match=r"1 row\(s\) that were to be forgotten"):
        refuse_forgotten(manifest.train)
    assert lint(manifest.train).findings["forgotten"].rows == 1
    again = built(store, tmp_path)
    assert again.rows("train") + again.rows("validation") + again.rows("test") == 39
    assert forgotten_rows(again.train) == set() and "forgotten" not in lint(again.train).findings
    refuse_forgotten(again.train)


def test_what_a_build_left_out_is_forgotten_too(store, tmp_path):
    """No index names such rows: one fits into no window, one asks what a suite asks, one says what another says."""
    long = "Please read this aloud: " + " ".join(f"word{number}" for number in range(900))
    asked = "Which trains leave Vienna for Prague on Sunday mornings?"
    alike = "Please water the tulips behind the house and the roses beside the gate at six in the morning"
    asks = [(Message("user", "Hello"), Message("assistant", "Good morning."), Message("user", long))]
    asks += [(Message("user", text),) for text in (asked, alike, f"{alike}!!", "Play the violin", "Close the shop")]
    made = [replace(distinct(number), messages=messages) for number, messages in enumerate(asks)]
    made[3] = replace(made[3], answer=made[2].answer)
    ids = {added.id for added in store.add_many(made)}
    export(store, DAY)
    suite = tmp_path / "suite.jsonl"
    write_jsonl(suite, [Conversation("q-1", (Message("user", asked), call(path="a")), (), "messages").to_dict()])
    settings = DataSettings(
        dir=tmp_path / "data", raw_dir=tmp_path / "raw", no_tool_floor=0, near_duplicates="remove",
        validation_share=0.0, test_share=0.0, decontaminate={"asked": suite},
        window_tokens=400, window_tokenizer=resolve_base(ModelSettings(base="tiny")).folder,
    )  # fmt: skip
    settings.raw_dir.mkdir()
    manifest = build(settings, say=lambda text: None)
    suite.unlink()
    rejected, removed = tmp_path / "data" / "rejects.jsonl", tmp_path / "data" / "removed.jsonl"
    assert len(rows(rejected)) == 1 and long in rows(rejected)[0]["raw"]
    assert {row["reason"] for row in rows(removed)} == {"contaminated", "near_duplicate"}
    gone = ids - set(records_in(manifest.train))

    other = f"usage-{'0' * 32}"
    write_jsonl(removed, [*rows(removed), {**rows(removed)[0], "id": other, "record": other}])
    outcome = forget(store, sorted(gone), data_dir=tmp_path / "data", models_dir=tmp_path / "models")
    assert outcome.files[str(rejected)] == 1 and outcome.files[str(removed)] == len(gone) - 1 == 2
    assert rows(rejected) == [] and [row["record"] for row in rows(removed)] == [other]
    assert [file for file in tmp_path.rglob("*") if file.is_file() and long.encode() in file.read_bytes()] == []


def records_in(file):
    index = file.with_name(file.name.replace(".jsonl", ".index.jsonl"))
    return [row["records"][0].removeprefix("usage-") for _, row in read_jsonl(index)]


def trained_on(tmp_path, manifest):
    """A models folder with a version of this dataset, one of another, and one whose dataset was overwritten since."""
    from hive_mind.files import write_json

    models = tmp_path / "models"
    for name, digest in (("mine_v1", manifest.files[manifest.train.name].sha256), ("other_v1", "0" * 64)):
        folder = models / name
        folder.mkdir(parents=True)
        write_json(folder / "manifest.json", {
            "format": 1, "version": name, "created": DAY, "base": {"id": "tiny", "revision": None, "digest": "d"},
            "dataset": {"path": str(manifest.train), "digest": digest, "examples": 3}, "parent": None, "files": {},
            "extra": {},
        })  # fmt: skip
    return models


def test_a_model_whose_dataset_is_gone_is_found_by_the_files_it_was_built_from(store, tmp_path):
    from hive_mind.files import write_json

    added = store.add(interaction(1))
    file = export(store, DAY).file
    models = tmp_path / "models"
    (models / "mine_v1").mkdir(parents=True)
    write_json(models / "mine_v1" / "manifest.json", {
        "format": 1, "version": "mine_v1", "created": DAY, "base": {"id": "tiny", "revision": None, "digest": "d"},
        "dataset": {"path": "gone", "digest": "1" * 64, "examples": 3}, "parent": None, "files": {}, "extra": {},
    })  # fmt: skip
    write_json(models / "reports" / "mine_v1" / "dataset.json", {"inputs": {"usage": {f"automated/{file.name}": {}}}})
    outcome = forget(store, [added.id], data_dir=tmp_path / "data", models_dir=models)
    assert outcome.models == ["mine_v1"]
    assert not file.exists(), "its only row is gone"


def test_forgetting_a_session_a_client_or_a_time(store, tmp_path):
    store.add_many([interaction(number, time=f"2026-02-{number + 1:02d}T10:00:00Z") for number in range(10)])
    where = {"data_dir": tmp_path / "data", "models_dir": tmp_path / "models"}
    assert len(forget(store, filters=Filters(session="session-1"), **where).ids) == 2
    assert len(forget(store, filters=Filters(before="2026-02-04"), **where).ids) == 2
    assert len(forget(store, filters=Filters(client="editor"), **where).ids) == 6
    assert forget(store, filters=Filters(client="editor"), **where).ids == []


def test_what_waits_in_the_spool_is_forgotten_too(store, tmp_path):
    from hive_mind.usage.entries import interaction_entry, redacted
    from hive_mind.usage.spool import Spool

    spool = Spool(store.settings.spool)
    spool.append([redacted(interaction_entry(interaction(number), store.key)) for number in range(3)])
    outcome = forget(store, filters=Filters(session="session-1"), data_dir=tmp_path, models_dir=tmp_path)
    assert len(outcome.ids) == 1 and spool.waiting() == 0
    assert len(store.list()) == 2
    assert b"number 1 of" not in b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())


def test_nothing_is_forgotten_while_the_store_is_away(store, tmp_path):
    store.add(interaction(1))
    away = Store(store.engine, store.key, store.settings.model_copy(update={"url": str(tmp_path / "no" / "where")}))
    (tmp_path / "no").write_text("")
    from hive_mind.usage.spool import Spool

    Spool(store.settings.spool).append([{"kind": "feedback", "id": "x", "thumb": "up", "comment": ""}])
    with pytest.raises(HiveMindError, match="nothing was forgotten"):
        forget(away, filters=Filters(client="editor"), data_dir=tmp_path, models_dir=tmp_path)
    assert len(store.list()) == 1


def test_a_file_and_an_index_that_do_not_agree_are_mended(store, monkeypatch):
    """Killed between the two files: rows that no index names are taken out and written again."""
    store.add_many([interaction(number) for number in range(3)])
    file = export(store, DAY).file
    with open(file, "ab") as rows_file:
        rows_file.write(json.dumps({"id": "stray"}).encode() + b"\n")
    outcome = export(store, DAY)
    assert outcome.rows == 0 and len(rows(file)) == 3
    index = file.with_name("training_data_2026-02-06.index.jsonl")
    index.write_bytes(b"\n".join(index.read_bytes().splitlines()[:2]) + b"\n")
    assert export(store, DAY).rows == 1
    assert len(rows(file)) == len(rows(index)) == 3


def test_forgetting_that_is_interrupted_can_be_done_again(store, tmp_path, monkeypatch):
    added = store.add(interaction(1))
    export(store, DAY)
    where = {"data_dir": tmp_path / "data", "models_dir": tmp_path / "models"}

    def killed(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr("hive_mind.usage.forgetting.remove", killed)
        forget(store, [added.id], **where)
    assert exported_files(store.settings.exports) == []
    assert forget(store, [added.id], **where).ids == [added.id]
    assert store.list() == []


def test_files_of_others_are_left_alone(store):
    store.settings.exports.mkdir(parents=True)
    other = store.settings.exports / "training_data_mine.jsonl"
    other.write_text('{"user_request": "x"}\n')
    store.add(interaction(1))
    export(store, DAY)
    assert other.read_text() == '{"user_request": "x"}\n'
    assert [file.name for file in exported_files(store.settings.exports)] == ["training_data_2026-02-06.jsonl"]


def test_retention_removes_what_nobody_learns_from(store):
    from datetime import UTC, datetime

    old, new = "2026-01-01T00:00:00Z", "2026-02-05T00:00:00Z"
    store.add_many([said(time=old), interaction(2, time=old), interaction(3, time=old, outcome="failed")])
    store.add_many([replace(said("London.", time=new))])
    assert purge(store, datetime(2026, 2, 6, tzinfo=UTC)) == 2
    assert sorted(record.state for record in store.list()) == ["approved", "new"]
    assert store.add(interaction(3, time=new, outcome="failed")).what == "new", "it is not forgotten for good"
