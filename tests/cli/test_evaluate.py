"""`hive-mind evaluate` and `hive-mind compare`: tables, records, exit codes."""

import json

import pytest
import torch

from hive_mind import registry
from hive_mind.cli import evaluate as command
from hive_mind.cli.main import main
from hive_mind.evaluation import Evaluation
from hive_mind.files import write_jsonl
from hive_mind.gate import GateSettings, Verdict, decide
from tests.evaluation.conftest import held_out_rows, learned_base  # noqa: F401
from tests.evaluation.synthetic import asked, evaluation, flags, model
from tests.registry.versions import tamper
from tests.tiny_models import seal_version, write_base, write_version

FUNCTION = {"name": "add", "description": "Adds", "parameters": {"type": "dict", "properties": {}, "required": []}}
QUICK = ("evaluation.max_new_tokens=20", "evaluation.device=cpu", "evaluation.dtype=fp32")


def run(*arguments):
    with pytest.raises(SystemExit) as ended:
        main(list(map(str, arguments)))
    return int(ended.value.code or 0)


@pytest.fixture(scope="module")
def base(tmp_path_factory, tiny_folder):
    torch.set_num_threads(1)
    return write_base(tmp_path_factory.mktemp("bases") / "one", tiny_folder)


@pytest.fixture
def world(tmp_path, base):
    """Two versions on one base, and the test split of the dataset that they are said to be trained on."""
    test = tmp_path / "data" / "test.jsonl"
    write_jsonl(test, (row.to_dict() for row in held_out_rows()))
    for seed, name in enumerate(("a_v1", "b_v1"), 1):
        seal_version(write_version(tmp_path / "models", name, base, seed, seal=False), base, test)
    return tmp_path


def options(world, base):
    return ("--models-dir", world / "models", f"model.base={base.folder}", *QUICK)


def test_a_single_version_is_measured_beside_the_base_and_judged(world, base, capsys):
    assert run("evaluate", "a_v1", *options(world, base), "--json") == 0
    shown = capsys.readouterr()
    lines = shown.out.splitlines()
    assert "glaive_tools: tool calls" in shown.out
    assert any(line.startswith("right answers") and line.split()[-2:] == ["base", "a_v1"] for line in lines)
    assert "gate: hold a_v1" in shown.out
    assert "next: hive-mind models show a_v1" in shown.out
    printed = json.loads(lines[-1])
    reports = world / "models" / "reports" / "a_v1"
    evaluation = Evaluation.load(reports / "evaluation.json")
    assert [(made.name, made.role) for made in evaluation.models] == [("base", "base"), ("a_v1", "candidate")]
    assert printed["evaluation"] == evaluation.to_dict()
    assert printed["verdict"] == Verdict.load(reports / "verdict.json").to_dict()
    assert evaluation.suite["files"][0]["path"] == str(world / "data" / "test.jsonl")


def test_suites_are_measured_shown_and_guard_and_the_next_time_too(world, base, capsys):
    requests = [{"id": str(n), "question": [[{"role": "user", "content": f"Sing {n}"}]], "function": [FUNCTION]}
                for n in range(3)]  # fmt: skip
    write_jsonl(world / "bfcl" / "BFCL_v4_irrelevance.json", requests)
    suites = (f"evaluation.suites.bfcl={world / 'bfcl'}", "evaluation.suites.max_new_tokens=5")
    for named in (suites, ()):
        assert run("evaluate", "a_v1", *options(world, base), *named) == 0
        shown = capsys.readouterr()
        assert "suites, as served" in shown.out
        assert "bfcl: irrelevance, both, partial" in shown.out
        assert "unavailable: nl2sh, code, usage: no tasks are named (evaluation.suites)" in shown.out
        verdict = Verdict.load(world / "models" / "reports" / "a_v1" / "verdict.json")
        assert [check.figures["items"] for check in verdict.checks if check.name == "irrelevance"] == [3]
    assert run("compare", "a_v1", "base", *options(world, base), *suites) == 0
    assert "bfcl: irrelevance, as served" in capsys.readouterr().out


def test_the_champion_is_the_one_to_beat(world, base, capsys):
    registry.promote(world / "models", "b_v1", {"decision": "promote", "reasons": []})
    assert run("evaluate", world / "models" / "a_v1", *options(world, base)) == 0
    verdict = Verdict.load(world / "models" / "reports" / "a_v1" / "verdict.json")
    assert verdict.champion == "b_v1"
    evaluation = Evaluation.load(world / "models" / "reports" / "a_v1" / "evaluation.json")
    assert {made.name: made.role for made in evaluation.models} == {
        "base": "base", "b_v1": "champion", "a_v1": "candidate"
    }  # fmt: skip
    # Measured already, so that another look costs nothing and writes nothing new.
    capsys.readouterr()
    assert run("evaluate", "base", "latest", *options(world, base)) == 0
    shown = capsys.readouterr()
    assert "base, b_v1 answered these 9 questions before" in shown.err
    assert "next: hive-mind compare b_v1 base" in shown.out
    assert not (world / "models" / "reports" / "b_v1").exists()


def test_several_versions_are_measured_and_not_judged(world, base, capsys):
    assert run("evaluate", "a_v1", "b_v1", *options(world, base)) == 0
    assert "gate:" not in capsys.readouterr().out
    assert [folder.name for folder in (world / "models" / "reports").iterdir()] == ["measurements"]


def test_the_base_is_the_one_under_the_version(world, base, capsys, monkeypatch):
    """No model.base is given: the settings' own default would have to come from the hub."""
    monkeypatch.setattr("hive_mind.inference.load.TINY_FOLDER", base.folder)
    monkeypatch.setattr("hive_mind.model.base.TINY_FOLDER", base.folder)
    assert run("evaluate", "base", "a_v1", "--models-dir", world / "models", *QUICK) == 0
    evaluation = Evaluation.load(world / "models" / "reports" / "a_v1" / "evaluation.json")
    assert evaluation.model("base").base["digest"] == base.digest


def test_data_limit_and_what_was_used_last(world, base):
    other = world / "other.jsonl"
    write_jsonl(other, (row.to_dict() for row in held_out_rows()))
    assert run("evaluate", "a_v1", "--data", other, "--limit", 2, *options(world, base)) == 0
    file = world / "models" / "reports" / "a_v1" / "evaluation.json"
    first = Evaluation.load(file)
    assert [row["path"] for row in first.suite["files"]] == [str(other)]
    assert first.suite["conversations"] == 4
    assert run("evaluate", "a_v1", *options(world, base)) == 0
    again = Evaluation.load(file)
    assert [row["path"] for row in again.suite["files"]] == [str(other)]
    assert again.suite["conversations"] == 9


def test_a_runs_settings_file(world, base, tmp_path):
    config = tmp_path / "run.yaml"
    tier = world / "mine.jsonl"
    write_jsonl(tier, (row.to_dict() for row in held_out_rows()[:3]))
    config.write_text(
        f"name: mine\nmodels_dir: {world / 'models'}\ndata: {{dir: {world / 'data'}}}\nmodel: {{base: {base.folder}}}\n"
        f"evaluation: {{held_out: {{mine: {tier}}}, max_new_tokens: 20, dtype: fp32}}\n"
    )
    assert run("evaluate", "a_v1", "--config", config) == 0
    evaluation = Evaluation.load(world / "models" / "reports" / "a_v1" / "evaluation.json")
    assert [row["tier"] for row in evaluation.suite["files"]] == ["", "mine"]


def test_compare_prints_the_paired_differences(world, base, capsys):
    assert run("compare", "a_v1", "base", *options(world, base), "--json") == 0
    lines = capsys.readouterr().out.splitlines()
    header = lines[0].split("  ")
    assert header[0] == "a_v1 against base"
    assert "95 % interval" in lines[0]
    printed = json.loads(lines[-1])
    assert (printed["a"], printed["b"], printed["items"]) == ("a_v1", "base", 9)
    assert printed["compared"]["glaive_tools: tool calls"]["items"] == 4
    assert not (world / "models" / "reports" / "a_v1").exists()


def test_compare_lists_what_was_won_and_lost_side_by_side(tmp_path, base, learned_base, capsys):  # noqa: F811
    test = tmp_path / "data" / "test.jsonl"
    write_jsonl(test, (row.to_dict() for row in held_out_rows()))
    write_version(tmp_path / "models", "worse_v1", learned_base, size=0.5)
    asked = ("--data", test, "--models-dir", tmp_path / "models", f"model.base={learned_base.folder}", *QUICK)
    longer = ("evaluation.max_new_tokens=60", "--examples", 2, "--json")
    assert run("compare", "base", "worse_v1", *asked, *longer) == 0
    shown = capsys.readouterr().out
    examples = json.loads(shown.splitlines()[-1])["examples"]
    assert [example["won"] for example in examples] == [True, True]
    for example in examples:
        assert f"won: {example['id']}" in shown
        assert example["request"] in shown
        assert example["mine"] != example["theirs"]
    # As served, which decides: the calls that were learnt name an argument that the tool does not declare.
    assert all(example["expected"].startswith("no call") for example in examples)
    assert not any("<tool_call>" in example["mine"] for example in examples)
    assert run("compare", "worse_v1", "base", *asked, *longer) == 0
    again = json.loads(capsys.readouterr().out.splitlines()[-1])["examples"]
    assert [(e["id"], e["won"], e["theirs"]) for e in again] == [(e["id"], False, e["mine"]) for e in examples]


def test_a_version_that_was_changed_is_rejected_and_says_so(world, base, capsys):
    tamper(world / "models" / "a_v1")
    assert run("evaluate", "a_v1", *options(world, base), "--json") == 1
    shown = capsys.readouterr().out
    assert "gate: reject a_v1" in shown
    assert json.loads(shown.splitlines()[-1])["evaluation"] is None
    assert Verdict.load(world / "models" / "reports" / "a_v1" / "verdict.json").decision == "reject"


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["c_v1"], 2, "there is no version 'c_v1'"),
        (["latest"], 2, "no version was promoted yet"),
        (["base"], 2, "say what to evaluate on"),
        (["model.base=tiny"], 2, "name a model to evaluate"),
        (["a_v1", "--data", "gone.jsonl"], 2, "gone.jsonl does not exist"),
        (["a_v1", "--config", "gone.yaml"], 2, "gone.yaml does not exist"),
        (["a_v1", "evaluation.nonsense=1"], 2, "unknown key evaluation.nonsense"),
    ],
)
def test_wrong_usage(world, base, capsys, arguments, code, said):
    assert run("evaluate", *arguments, *options(world, base)) == code
    assert said in capsys.readouterr().err


def test_a_broken_line_in_the_held_out_file(world, base, capsys):
    (world / "broken.jsonl").write_text("{broken\n")
    assert run("evaluate", "a_v1", "--data", world / "broken.jsonl", *options(world, base)) == 4
    assert "broken.jsonl, line 1: not valid JSON" in capsys.readouterr().err


def test_a_promotion_names_the_next_command(tmp_path, capsys):
    items = asked(call=60, no_tool=30)
    made = evaluation(
        items,
        model("base", items, {"call": flags(60, 0), "no_tool": flags(30, 30)}, adapter=False, calls=0),
        model("new_v1", items, {"call": flags(60, 40), "no_tool": flags(30, 30)}),
    )
    command._print_verdict(decide(made, "new_v1", None, GateSettings()), tmp_path)
    shown = capsys.readouterr().out
    assert "gate: promote new_v1" in shown
    assert "next: hive-mind models promote new_v1" in shown
