"""Nothing secret reaches the disk: rows, rejects and labels are redacted, counted, and scanned once more at the end."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import orjson
import pytest

from hive_mind.conversation import Conversation
from hive_mind.curation import DatasetManifest, DataSettings, build, card, contamination, ingest, replay_rejects
from hive_mind.curation.ingest import SourceCounts
from hive_mind.curation.tables import redaction_table
from hive_mind.errors import DataRefused
from tests.raw_rows import shell_row, usage_row, write_array, write_lines

TOKEN = "ghp_" + "Zx81KqPm37LtVw92Rb54YsNd60HcGf7EuAq1"
MAIL = "marta@firma-kolbe.de"
PASSWORD = "Kies-Weg_52"


def write_rows(folder: Path) -> None:
    """Three sources with secrets in requests, commands, rejects and labels, among ordinary rows."""
    shell = [shell_row(n) for n in range(40)]
    shell.append({"nl": f"Clone with the token {TOKEN}", "bash": f"git clone https://{TOKEN}@github.com/acme/app.git"})
    shell.append({"nl": f"Mail the log to {MAIL}", "bash": f"mail -s log {MAIL} < app.log"})
    shell.append({"nl": "", "bash": f"mysql -u root -p{PASSWORD} shop"})
    write_lines(folder / "nl2bash" / "nl2bash.jsonl", shell)
    usage: list[dict[str, Any]] = [usage_row(n) for n in range(20)]
    usage.append({**usage_row(20), "command": f"export DB_PASSWORD={PASSWORD} && run", "id": MAIL,
                  "metadata": {"session_id": f"session of {MAIL}", "client": "/home/mkolbe"}})  # fmt: skip
    usage.append({**usage_row(21), "success": False, "output": f"denied for {MAIL}"})
    write_lines(folder / "usage" / "u.jsonl", usage)
    tool = {"name": "login", "description": "Logs in.", "parameters": {"user": {"type": "str", "description": "Who."},
            "password": {"type": "str", "description": "The password."}}}  # fmt: skip
    call = {"name": "login", "arguments": {"user": MAIL, "password": PASSWORD}}
    row = {
        "id": 1,
        "query": f"Log in as {MAIL} with {PASSWORD}.",
        "tools": json.dumps([tool]),
        "answers": json.dumps([call]),
    }
    write_array(folder / "xlam" / "x.json", [row])


def built(folder: Path, **settings: Any) -> DatasetManifest:
    shares = {"validation_share": 0.0, "test_share": 0.0}
    return build(DataSettings(dir=folder / "out", raw_dir=folder / "raw", **{**shares, **settings}), say=lambda _: None)


def rows_of(path: Path) -> list[dict[str, Any]]:
    return [orjson.loads(line) for line in path.read_bytes().splitlines()]


def test_nothing_secret_is_in_any_file(tmp_path: Path) -> None:
    write_rows(tmp_path / "raw")
    manifest = built(tmp_path)
    files = [path for path in (tmp_path / "out").rglob("*") if path.is_file()]
    assert len(files) > 10 and manifest.rows("train") > 60
    for path in files:
        content = path.read_bytes()
        for secret in (TOKEN, MAIL, PASSWORD, "mkolbe"):
            assert secret.encode() not in content, path


def test_an_example_stays_consistent(tmp_path: Path) -> None:
    write_rows(tmp_path / "raw")
    [row] = rows_of(tmp_path / "out" / "external" / "xlam.jsonl") if built(tmp_path) else []
    user, answer = row["messages"]
    assert user["content"] == "Log in as <SECRET:email:1> with <SECRET:password:1>."
    arguments = answer["tool_calls"][0]["function"]["arguments"]
    assert arguments == {"user": "<SECRET:email:1>", "password": "<SECRET:password:1>"}


def test_rows_and_values_are_counted_by_source_and_kind(tmp_path: Path) -> None:
    write_rows(tmp_path / "raw")
    manifest = built(tmp_path)
    counted = {name: counts.redacted.to_dict() for name, counts in manifest.sources.items()}
    one = {"rows": 1, "values": 1}
    assert counted == {
        "bash_commands": {"rows": 3, "kinds": {"email": one, "github_token": one, "password": one}},
        "xlam": {"rows": 1, "kinds": {"email": one, "password": one}},
        "usage": {"rows": 2, "kinds": {"email": one, "password": one}},
    }
    assert DatasetManifest.load(tmp_path / "out" / "manifest.json").sources == manifest.sources
    table = redaction_table(manifest)
    assert [line.split() for line in table.splitlines()[:3]] == [
        ["redacted", "in", "kind", "rows", "values"], ["bash_commands", "email", "1", "1"],
        ["bash_commands", "github_token", "1", "1"],
    ]  # fmt: skip
    assert "| bash_commands | github_token | 1 | 1 |" in card.card(manifest)


def test_a_dataset_without_secrets_has_no_table_of_them(tmp_path: Path) -> None:
    write_lines(tmp_path / "raw" / "nl2bash" / "n.jsonl", [shell_row(n) for n in range(40)])
    manifest = built(tmp_path)
    assert redaction_table(manifest) == "" and "placeholder" not in card.card(manifest)
    assert manifest.sources["bash_commands"].redacted.to_dict() == {"rows": 0, "kinds": {}}


def test_rejects_keep_their_layout(tmp_path: Path) -> None:
    write_rows(tmp_path / "raw")
    built(tmp_path)
    rejects = rows_of(tmp_path / "out" / "rejects.jsonl")
    shell, usage = sorted(rejects, key=lambda row: row["source"])
    assert json.loads(shell["raw"])["bash"] == "mysql -u root -p<SECRET:password:1> shop"
    assert json.loads(usage["raw"])["output"] == "denied for <SECRET:email:1>"


def test_labels_of_the_index_become_digests_that_keep_them_apart(tmp_path: Path) -> None:
    write_rows(tmp_path / "raw")
    manifest = built(tmp_path)
    [marks] = [marks for marks in rows_of(manifest.train.with_suffix(".index.jsonl")) if marks["client"]]
    labels = [*marks["records"], marks["session"], marks["client"]]
    assert all(label.startswith("redacted-") for label in labels) and len(set(labels)) == 3


def test_the_same_inputs_give_the_same_bytes(tmp_path: Path) -> None:
    digests = []
    for name in ("a", "b"):
        write_rows(tmp_path / name / "raw")
        digests.append(built(tmp_path / name).digest)
    assert digests[0] == digests[1]


def test_rows_that_differ_in_a_secret_alone_are_duplicates(tmp_path: Path) -> None:
    rows = [{"nl": f"Mail {name}@firma-kolbe.de", "bash": f"mail {name}@firma-kolbe.de"} for name in ("ivo", "marta")]
    write_lines(tmp_path / "raw" / "nl2bash" / "n.jsonl", [*(shell_row(n) for n in range(20)), *rows])
    assert built(tmp_path).sources["bash_commands"].duplicates == 1


def leave_as_it_is(conversation: Conversation, *_: object) -> Conversation:
    return conversation


def test_the_gate_refuses_a_dataset_with_a_secret_and_removes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_rows(tmp_path / "raw")
    built(tmp_path)
    monkeypatch.setattr(ingest, "redact_row", leave_as_it_is)
    with pytest.raises(DataRefused) as refused:
        built(tmp_path, seed=7)
    message = str(refused.value)
    assert refused.value.exit_code == 4
    assert "training_dataset_foundation_final.jsonl, line 41 (id bash_commands-" in message
    assert "read from nl2bash/nl2bash.jsonl:41) held a value of the kind github_token in spite of the" in message
    left = sorted(path.name for path in (tmp_path / "out").rglob("*.json*"))
    assert left == ["rejects.jsonl", "removed.jsonl"]


def test_the_gate_looks_at_labels_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_rows(tmp_path / "raw")
    monkeypatch.setattr(ingest, "redact_label", lambda label: label)
    with pytest.raises(DataRefused, match="held a value of the kind email, a value of the kind user in spite"):
        built(tmp_path)


def test_rejects_with_a_secret_are_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_rows(tmp_path / "raw")
    monkeypatch.setattr(ingest, "redact_reject", leave_as_it_is)
    with pytest.raises(DataRefused, match=r"the rejected row in nl2bash/nl2bash\.jsonl, line 43 holds a value of the"):
        built(tmp_path)
    assert not list((tmp_path / "out").rglob("*.json*"))


def test_a_manifest_of_an_earlier_version_is_built_anew(tmp_path: Path) -> None:
    write_rows(tmp_path / "raw")
    first = built(tmp_path)
    path = tmp_path / "out" / "manifest.json"
    old = orjson.loads(path.read_bytes())
    old["fingerprint"] = "of other code"
    for counts in old["sources"].values():
        del counts["redacted"]
    path.write_bytes(orjson.dumps(old))
    assert built(tmp_path) == first


def test_removed_rows_are_redacted_with_the_questions_they_meet(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_rows(tmp_path / "raw")
    asked = {"task_id": 1, "prompt": f"Mail the log to {MAIL}", "test": ""}
    write_lines(tmp_path / "suite.jsonl", [asked])
    manifest = built(tmp_path, decontaminate={"own": tmp_path / "suite.jsonl"})
    [row] = [row for row in rows_of(tmp_path / "out" / "removed.jsonl") if row["reason"] == "contaminated"]
    assert (row["how"], row["request"]) == ("same words", "Mail the log to <SECRET:email:1>")
    assert row["asked"] == row["request"] and manifest.sources["bash_commands"].contaminated == 1
    monkeypatch.setattr(ingest, "redact_row", leave_as_it_is)
    monkeypatch.setattr(contamination, "redact", lambda text, _: text)
    with pytest.raises(DataRefused, match=r"the removed row bash_commands-[0-9a-f]{16} of bash_commands holds a value"):
        built(tmp_path, seed=7, decontaminate={"own": tmp_path / "suite.jsonl"})


def test_a_value_has_one_placeholder_in_all_windows_of_a_row(tmp_path: Path) -> None:
    messages = [{"role": "user", "content": f"Look at the mails of {MAIL} and of ivo@firma-kolbe.de. " * 4}]
    for n in range(12):
        messages.append({"role": "assistant", "content": f"Step {n} for ivo@firma-kolbe.de. " + "It went well. " * 20})
        messages.append({"role": "user", "content": f"Go on with step {n + 1}."})
    write_lines(tmp_path / "raw" / "messages" / "m.jsonl", [{"messages": messages, "id": MAIL}])
    counts = (manifest := built(tmp_path, window_tokens=400)).sources["messages"]
    assert (counts.cut, counts.windows, counts.redacted.to_dict()["rows"]) == (1, 12, 1)
    answers = [row["messages"][-1]["content"] for row in rows_of(manifest.train)]
    assert len(answers) == 12 and all("for <SECRET:email:2>." in answer for answer in answers)


def test_rejects_are_replayed_from_redacted_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_rows(tmp_path / "raw")
    before = built(tmp_path)
    row = {"nl": "Open the shop", "bash": "mysql -u root -p<SECRET:password:1> shop"}
    path = tmp_path / "out" / "rejects.jsonl"
    rejects = rows_of(path)
    [shell] = [reject for reject in rejects if reject["source"] == "bash_commands"]
    shell["raw"] = json.dumps(row)
    path.write_bytes(b"".join(orjson.dumps(reject) + b"\n" for reject in rejects))
    shares = {"validation_share": 0.0, "test_share": 0.0}
    settings = DataSettings(dir=tmp_path / "out", raw_dir=tmp_path / "raw", **shares)
    replayed = replay_rejects(settings, say=lambda _: None)
    assert (replayed.rejects, replayed.accepted, replayed.joined) == (2, 1, 1)
    assert "-p<SECRET:password:1> shop" in replayed.manifest.train.read_text("utf-8")
    assert json.loads(rows_of(path)[0]["raw"])["output"] == "denied for <SECRET:email:1>"
    for name, counts in replayed.manifest.sources.items():
        assert counts.redacted == before.sources[name].redacted


def test_counts_of_a_dataset_from_before_redaction_can_be_read() -> None:
    written = SourceCounts("MIT", read=3, train=3).to_dict()
    del written["redacted"]
    assert SourceCounts.from_dict(written) == SourceCounts("MIT", read=3, train=3)
