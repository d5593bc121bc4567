"""Records of other programs into the store: counted, once each, and without what must not be kept."""

from __future__ import annotations

import json
import random
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from hive_mind.cli.main import main
from hive_mind.conversation import Tool
from hive_mind.errors import UsageError
from hive_mind.sources.layout import SHELL_HISTORY, layout_of
from hive_mind.usage.importing import ImportReport, import_files
from hive_mind.usage.settings import UsageSettings
from hive_mind.usage.store import Store
from tests.raw_rows import mcp_repr, run_row, usage_row, write_lines
from tests.redaction.corpus import CASES
from tests.sources.claude_session import shop


@pytest.fixture
def store(tmp_path: Path) -> Any:
    opened = Store.open(UsageSettings(url=str(tmp_path / "store" / "usage.sqlite"), spool=tmp_path / "store" / "spool"))
    yield opened
    opened.close()


def write_all(folder: Path) -> Path:
    """One file of each layout, in a folder."""
    write_lines(folder / "projects" / "shop" / "5e55.jsonl", shop().lines)
    write_lines(folder / "runs.jsonl", [run_row(number) for number in range(3)])
    write_lines(folder / "log.jsonl", [usage_row(number) for number in range(4)])
    (folder / "notes.json").write_text('{"no": "use"}')
    return folder


def test_a_folder_of_everything_once_and_again(tmp_path: Path, store: Store) -> None:
    folder = write_all(tmp_path / "records")
    first = import_files([folder], store)
    assert first.files == {"Claude Code session": 1, "rows of use": 2}
    assert [Path(line.split(" (")[0]).name for line in first.not_read] == ["notes.json"]
    assert first.became == {"new": 5 + 3 * 4 + 4} and first.outcomes.total() == 21
    assert store.stats()["interactions"] == 21
    again = import_files([folder], store)
    assert again.became == {"seen": 21} and again.tally.calls == first.tally.calls
    assert store.stats()["interactions"] == 21
    assert json.loads(json.dumps(first.to_dict()))["calls"]["sky: now"] == {"done": 6, "failed_inside": 3}


def test_a_session_that_went_on_since_gives_only_what_is_new(tmp_path: Path, store: Store) -> None:
    file, lines = tmp_path / "s.jsonl", shop().lines
    write_lines(file, lines[:12])
    assert import_files([file], store).became["new"] == 2
    write_lines(file, lines)
    assert import_files([file], store).became == {"seen": 2, "new": 3}


def test_an_import_that_is_interrupted_goes_on_where_it_was(tmp_path: Path, store: Store, monkeypatch: Any) -> None:
    write_lines(tmp_path / "log.jsonl", [usage_row(number) for number in range(250)])
    whole, batches = store.add_many, []

    def interrupted(seen: Any) -> Any:
        if len(batches) == 2:
            raise KeyboardInterrupt
        batches.append(whole(seen))
        return batches[-1]

    monkeypatch.setattr(store, "add_many", interrupted)
    with pytest.raises(KeyboardInterrupt):
        import_files([tmp_path / "log.jsonl"], store)
    monkeypatch.undo()
    assert import_files([tmp_path / "log.jsonl"], store).became == {"seen": 200, "new": 50}


def test_declarations_of_the_catalogue_take_the_place_of_guessed_ones(tmp_path: Path, store: Store) -> None:
    write_lines(tmp_path / "s.jsonl", shop().lines)
    write = Tool(
        "mcp__files__write_file", "Write a file.", {"type": "object", "properties": {"path": {"type": "string"}}}
    )
    others = [Tool(f"mcp__other__tool_{n}", "Something else.", {"type": "object"}) for n in range(20)]
    import_files([tmp_path / "s.jsonl"], store, {tool.name: tool for tool in (write, *others)})
    records = store.list()
    assert len(records) == 5
    for record in records:
        offered = {tool.name: tool for tool in record.interaction.tools}
        called = {call.name for call in record.interaction.answer.tool_calls}
        assert called <= set(offered) and 8 <= len(offered) <= 11
    (wrote,) = [record for record in records if record.interaction.answer.tool_calls[:1]
                and record.interaction.answer.tool_calls[0].name == write.name]  # fmt: skip
    assert write in wrote.interaction.tools


def test_history_is_read_as_such_where_it_is_said_to_be(tmp_path: Path, store: Store) -> None:
    (tmp_path / "notes.txt").write_text("# count the lines\nwc -l *\nls\n")
    assert import_files([tmp_path / "notes.txt"], store).files == {}
    report = import_files([tmp_path / "notes.txt"], store, layout=SHELL_HISTORY)
    assert report.became == {"new": 1} and report.tally.programs == {"wc": 1, "ls": 1}
    (record,) = store.list()
    assert (record.state, record.interaction.messages[0].content) == ("new", "count the lines")


def test_a_missing_path_is_named(tmp_path: Path, store: Store) -> None:
    with pytest.raises(UsageError, match=r"nowhere.jsonl does not exist; name a file or a folder with Claude Code"):
        import_files([tmp_path / "nowhere.jsonl"], store)


def test_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    write_all(tmp_path / ".claude")
    (tmp_path / ".bash_history").write_text("# count the lines\nwc -l *\nls\nls\n")
    settings = ["usage.url=usage.sqlite", "usage.spool=spool", "catalogue.file=tools.json"]
    assert run(["usage", "import", "--claude-code", "--shell-history", *settings, "--json"]) == 0
    out = capsys.readouterr().out
    assert "interactions: 6 new (3 unknown, 2 failed, 1 succeeded), in usage.sqlite" in out
    assert "started most: ls 2, wc 1" in out and re.search(r"^all 4 tools +6 ", out, re.MULTILINE)
    last = json.loads(out.splitlines()[-1])
    assert last["calls"]["Bash"] == {"failed": 1, "unanswered": 1} and last["interactions"] == {"new": 6}
    assert run(["usage", "import", ".claude/log.jsonl", *settings]) == 0
    assert "interactions: 4 new" in capsys.readouterr().out
    assert run(["usage", "import", "--shell-history", ".claude/notes.json", *settings]) == 0
    assert "files: 1 shell history" in capsys.readouterr().out, "named files are read as what they are said to be"
    assert run(["usage", "import", *settings]) == run(["usage", "import", "absent.jsonl", *settings]) == 2
    assert "nothing was named to import" in capsys.readouterr().err


def run(arguments: list[str]) -> int:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    return int(ended.value.code or 0)


def test_a_file_that_cannot_be_read_stops_no_other(tmp_path: Path, store: Store, monkeypatch: Any) -> None:
    for number, name in enumerate(("a.jsonl", "b.jsonl", "c.jsonl")):
        write_lines(tmp_path / name, [usage_row(number)])

    def closed(path: Path) -> Any:
        if path.name == "b.jsonl":
            raise PermissionError(13, "Permission denied")
        return layout_of(path)

    monkeypatch.setattr("hive_mind.usage.importing.layout_of", closed)
    report = import_files([tmp_path], store)
    assert report.became == {"new": 2}
    assert report.not_read == [f"{tmp_path / 'b.jsonl'} (Permission denied)"]


def test_a_broken_tools_file_stops_only_the_runs_beside_it(tmp_path: Path, store: Store) -> None:
    run = run_row(1)
    servers = run.pop("servers")
    write_lines(tmp_path / "runs" / "run.jsonl", [run])
    (tmp_path / "runs" / "tools.json").write_text('{"tools"')
    write_lines(tmp_path / "z" / "log.jsonl", [usage_row(1)])
    report = import_files([tmp_path], store)
    assert report.became == {"new": 1} and report.complete == [tmp_path / "z" / "log.jsonl"]
    [line] = report.not_read
    assert line.startswith(f"{tmp_path / 'runs' / 'run.jsonl'} (") and "tools.json" in line
    (tmp_path / "runs" / "tools.json").write_text(json.dumps(servers))
    assert import_files([tmp_path], store).became["new"] > 1


def by_fate(report: ImportReport) -> Counter[str]:
    fates: Counter[str] = Counter()
    for (_, fate), count in report.tally.calls.items():
        fates[fate] += count
    return fates


@pytest.mark.real
def test_the_real_runs_are_imported_in_file_order_with_the_counts_of_the_data(real_data: Path, store: Store) -> None:
    report = import_files([real_data / "usage" / "livemcpbench_runs_60.jsonl"], store)
    assert report.became == {"new": 366}
    fates = by_fate(report)
    assert (fates.pop("searched"), fates.total()) == (182, 308)
    assert fates == {"done": 224, "failed_inside": 61, "failed_outside": 11, "timed_out": 6, "unreadable": 6}
    tools = {tool for tool, fate in report.tally.calls if fate not in ("searched", "unreadable")}
    assert len(tools) == 97
    records = store.list()
    judged = {record.interaction.session: record.interaction.thumb for record in records}
    assert Counter(judged.values()) == {None: 44, "down": 16}
    approved = [record for record in records if record.state == "approved"]
    assert all(record.interaction.thumb is None and record.interaction.outcome == "succeeded" for record in approved)
    print(f"{dict(report.became)}, outcomes {dict(report.outcomes)}, fates {dict(fates)}, {len(tools)} real tools, "
          f"states {dict(Counter(record.state for record in records))}")  # fmt: skip


@pytest.mark.real
def test_planted_secrets_are_in_no_file_of_the_store(real_data: Path, tmp_path: Path, store: Store) -> None:
    """200 secrets and addresses in the requests, calls and results of a copy: no byte of them is on disk afterwards."""
    rows = [json.loads(line) for line in (real_data / "usage" / "livemcpbench_runs_60.jsonl").read_bytes().splitlines()]
    tools = real_data / "usage" / "livemcpbench_tools.json"
    (tmp_path / tools.name).symlink_to(tools)
    planted = plant(rows, random.Random(8))
    assert len(set(planted)) >= 200
    write_lines(tmp_path / "runs.jsonl", rows)
    report = import_files([tmp_path / "runs.jsonl"], store)
    assert len(report.tally.calls) > 100 and report.became["new"] >= 300
    assert sum("<SECRET:" in json.dumps(record.to_dict()) for record in store.list()) >= 200
    files = [file for file in (tmp_path / "store").rglob("*") if file.is_file()]
    assert any(file.suffix == ".sqlite" for file in files) and any(file.name.endswith("-wal") for file in files)
    written = {file.name: file.read_bytes() for file in files}
    found = [(name, secret) for name, text in written.items() for secret in planted
             if any(form.encode() in text for form in forms(secret))]  # fmt: skip
    assert found == []


def forms(secret: str) -> set[str]:
    """A secret as it stands in text, in JSON, and in JSON inside of JSON."""
    once = json.dumps(secret)[1:-1]
    return {secret, once, json.dumps(once)[1:-1]}


def plant(rows: list[dict[str, Any]], chance: random.Random) -> list[str]:
    """Put texts with secrets into words, arguments of calls and results, some of which failed; returns the secrets."""
    places = [message for row in rows for message in row["messages"] if message["role"] != "system"]
    cases = chance.sample(CASES, len(CASES))
    planted: list[str] = []
    for case, message in zip(cases, chance.sample(places, len(cases)), strict=True):
        call = (message.get("tool_calls") or [{}])[0].get("function", {})
        if message["role"] == "tool":
            message["content"] = mcp_repr(case.filled, error=chance.random() < 0.5)
        elif call.get("name") == "execute-tool" and call["arguments"].endswith("}"):
            arguments = json.loads(call["arguments"])
            arguments["params"]["note"] = case.filled
            call["arguments"] = json.dumps(arguments)
        else:
            message["content"] = f"{message.get('content') or ''}\n\n{case.filled}\n"
        planted += case.secrets
    # a person's name that is a secret as the name of a home folder stands in other texts as a name
    return [secret for secret in planted if not any(secret in case.text for case in CASES)]
