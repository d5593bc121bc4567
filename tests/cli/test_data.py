"""`hive-mind data`: fetch, build, inspect, with their outputs and exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hive_mind.chat.render import render
from hive_mind.chat.tokenizer import load_tokenizer
from hive_mind.cli.main import main
from hive_mind.config import load
from hive_mind.curation import read_row
from hive_mind.pipeline import RunSettings, prepare_data
from tests.loopback_hub import loopback_hub
from tests.raw_rows import code_row, glaive_row, run_row, write_array, write_lines, write_raw_folder


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(["data", *arguments])
    return int(ended.value.code or 0)


def test_build_prints_the_tables_and_the_next_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_raw_folder(tmp_path / "raw", code=40, shell=40)
    settings = (f"data.dir={tmp_path / 'out'}", f"data.raw_dir={tmp_path / 'raw'}")
    assert run("build", *settings, "--json") == 0
    out = capsys.readouterr().out
    assert "over cap" in out and "100.0%" in out and "next: hive-mind data inspect" in out
    record = json.loads(out.splitlines()[-1])
    assert record["sources"]["code_alpaca"]["read"] == 40
    assert record == json.loads((tmp_path / "out" / "manifest.json").read_text())


def test_only_rejects_are_replayed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [*(code_row(n) for n in range(40)), {"instruction": "Say hello", "output": ""}]
    write_array(tmp_path / "raw" / "code_alpaca" / "a.json", rows)
    settings = (f"data.dir={tmp_path / 'out'}", f"data.raw_dir={tmp_path / 'raw'}")
    assert run("build", *settings) == 0
    rejects = tmp_path / "out" / "rejects.jsonl"
    rejects.write_text(rejects.read_text().replace('\\"output\\":\\"\\"', '\\"output\\":\\"Hello.\\"'))
    capsys.readouterr()
    assert run("build", "--only-rejects", *settings, "--json") == 0
    captured = capsys.readouterr()
    assert "replay: 1 of 1 rejected rows are accepted now, 1 joined the dataset" in captured.err
    assert json.loads(captured.out.splitlines()[-1])["sources"]["code_alpaca"]["kept"] == 41


def test_the_data_section_of_a_run_is_read_and_overrides_win(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_raw_folder(tmp_path / "raw", code=60)
    config = tmp_path / "run.yaml"
    config.write_text(
        f"name: x\ntraining: {{epochs: 3}}\ndata: {{dir: {tmp_path / 'out'}, raw_dir: {tmp_path / 'raw'}, "
        "sources: {code_alpaca: {cap: 30}}}\n"
    )
    assert run("build", "--config", str(config), "data.sources.code_alpaca.cap=7") == 0
    assert len((tmp_path / "out" / "external" / "code_alpaca.jsonl").read_bytes().splitlines()) == 7
    capsys.readouterr()
    assert run("build", "--config", str(config), "training.epochs=1") == 2
    assert "'training.epochs=1' is no setting of the data stage" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("training", "data", "tokens"),
    [
        ("{max_length: 700}", "{}", 700),
        ("{epochs: 1}", "{}", 2048),
        ("{max_length: 700}", "{window_tokens: null}", None),
    ],
)
def test_windows_are_as_long_as_a_training_takes_them_for_run_and_build_alike(
    training: str, data: str, tokens: int | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_lines(Path("raw/usage/runs.jsonl"), [run_row(n, steps=9) for n in range(6)])
    Path("run.yaml").write_text(f"name: x\ntraining: {training}\ndata: {data}\n")
    assert run("build", "--config", "run.yaml", "data.raw_dir=raw") == 0
    manifest = json.loads(Path("data/manifest.json").read_text())
    assert manifest["settings"]["window_tokens"] == tokens
    assert (manifest["sources"]["usage"]["cut"] > 0) == (tokens == 700)
    same = prepare_data(load(RunSettings, Path("run.yaml"), ["data.raw_dir=raw"]))
    assert same.fingerprint == manifest["fingerprint"]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("build", "data.raw_dir=absent"), 2, "data.raw_dir=absent is not a folder"),
        (("build", "data.rawdir=x"), 2, "unknown key data.rawdir; did you mean data.raw_dir?"),
        (("build", "--config", "absent.yaml"), 2, "absent.yaml does not exist"),
        (("inspect", "absent.jsonl", "1"), 2, "absent.jsonl does not exist"),
    ],
)
def test_wrong_use_is_one_sentence(
    arguments: tuple[str, ...], code: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(*arguments) == code
    err = capsys.readouterr().err
    assert said in err and err.count("\n") == 1


def test_refused_data_is_exit_code_4(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_array(tmp_path / "raw" / "code_alpaca" / "a.json", [{"instruction": "a", "output": ""}] * 5)
    assert run("build", f"data.dir={tmp_path / 'out'}", f"data.raw_dir={tmp_path / 'raw'}") == 4
    assert "error: code_alpaca: no row can be used: 5 empty_answer" in capsys.readouterr().err


def test_fetch_lists_the_files_and_pins_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_array(tmp_path / "code" / "code_alpaca_20k.json", [code_row(1)])
    write_array(tmp_path / "glaive" / "glaive.json", [glaive_row(1)])
    repositories = {
        "datasets/sahil2801/CodeAlpaca-20k": tmp_path / "code",
        "datasets/glaiveai/glaive-function-calling-v2": tmp_path / "glaive",
    }
    with loopback_hub(repositories) as hub:
        for key, value in hub.environment(tmp_path / "cache").items():
            monkeypatch.setenv(key, value)
        arguments = (f"data.lock={tmp_path / 'lock.json'}", "data.sources.bash_commands.include=false",
                     "data.sources.xlam.include=false", "--json")  # fmt: skip
        assert run("fetch", *arguments) == 0
    captured = capsys.readouterr()
    assert "dataset sahil2801/CodeAlpaca-20k, commit" in captured.err and "1 file, 0.1 kB to fetch" in captured.err
    record = json.loads(captured.out.splitlines()[-1])
    assert set(record["files"]) == {"code_alpaca", "glaive_tools"}
    assert (
        Path(record["files"]["code_alpaca"][0]).read_bytes()
        == (tmp_path / "code" / "code_alpaca_20k.json").read_bytes()
    )
    assert len(json.loads((tmp_path / "lock.json").read_text())) == 2


def test_inspect_marks_exactly_the_learnt_tokens(
    tmp_path: Path, tiny_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "rows.jsonl"
    write_lines(path, [glaive_row(n) for n in range(4)])
    assert run("inspect", str(path), "2", "--base", str(tiny_folder), "--json") == 0
    out = capsys.readouterr().out
    tokenizer = load_tokenizer(tiny_folder)
    row = read_row(path, 2)
    rendered = render(row, tokenizer)  # type: ignore[arg-type]
    shown = out.split("\n\nglaive_tools-")[0]
    assert shown.replace("⟦", "").replace("⟧", "").rstrip("\n") == tokenizer.decode(rendered.input_ids).rstrip("\n")
    marked = [piece.split("⟧")[0] for piece in shown.split("⟦")[1:]]
    assert len(marked) == 2 and marked[0].startswith("<tool_call>") and marked[1] == "The value is 1.<|im_end|>"
    assert json.loads(out.splitlines()[-1])["labelled"] == rendered.labelled


def test_inspect_says_why_a_row_cannot_be_used(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "rows.jsonl"
    write_lines(path, [{"messages": [{"role": "user", "content": "a"}]}])
    assert run("inspect", str(path), "1") == 4
    assert "line 1 cannot be used: no_answer" in capsys.readouterr().err
    assert run("inspect", str(path), "9") == 2
    assert "has fewer than 9 rows" in capsys.readouterr().err


def test_lint_counts_names_lines_and_decides_the_exit_code(
    tmp_path: Path, tiny_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "rows.jsonl"
    rows = [
        {"messages": [{"role": "user", "content": f"a{n}"}, {"role": "assistant", "content": "b"}]} for n in range(9)
    ]
    write_lines(path, rows)
    assert run("lint", str(path), "--base", str(tiny_folder), "--json") == 0
    record = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (record["rows"], record["findings"], record["not_checked"]) == (9, {}, [])

    write_lines(path, [*rows, {"messages": [{"role": "user", "content": "a"}]}, rows[3]])
    assert run("lint", str(path), "--base", "none") == 4
    captured = capsys.readouterr()
    assert "line 10: no_answer:" in captured.out and "line 11: duplicate_id:" in captured.out
    assert "not checked: tokens" in captured.out
    assert f"error: 2 of 11 rows of {path} have errors" in captured.err

    write_lines(path, [{"messages": [{"role": "user", "content": "a" * 99}, {"role": "assistant", "content": "b"}]}])
    assert run("lint", str(path), "--base", str(tiny_folder), "--max-length", "50") == 0
    assert "line 1: too_long:" in capsys.readouterr().out

    asked = {"role": "user", "content": "Mail it to marta@firma-kolbe.de"}
    write_lines(path, [{"messages": [asked, {"role": "assistant", "content": "b"}]}])
    assert run("lint", str(path), "--base", "none") == 4
    captured = capsys.readouterr()
    assert "line 1: secret: it holds email" in captured.out and "kolbe" not in captured.out + captured.err
    assert run("lint", str(tmp_path / "nowhere.jsonl"), "--base", "none") == 2
    assert "nowhere.jsonl does not exist" in capsys.readouterr().err
