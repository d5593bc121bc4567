"""The suites inside the evaluation: asked twice, kept, checked, counted, or unavailable with the reason."""

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from hive_mind.conversation import Conversation
from hive_mind.errors import HiveMindError, UsageError
from hive_mind.evaluation import Evaluation, EvaluationRequest, EvaluationSettings, asking, evaluate, sandbox
from hive_mind.evaluation import run as running
from hive_mind.evaluation.examples import differing
from hive_mind.evaluation.measure import reply_to
from hive_mind.evaluation.outcomes import pair
from hive_mind.evaluation.suite_tables import suite_notes, suite_tables
from hive_mind.evaluation.suites import NOT_NAMED, load_suites
from hive_mind.evaluation.tables import paired_rows
from hive_mind.files import read_json, write_jsonl
from hive_mind.inference import load
from hive_mind.inference.constraint import Constraints
from hive_mind.inference.load import ModelReference
from hive_mind.suites import bfcl
from hive_mind.suites.outcome import Outcome
from hive_mind.suites.unavailable import SuiteUnavailable
from tests.evaluation.conftest import PLACES, held_out_rows
from tests.tiny_models import write_version

REAL_DATA = os.environ.get("HIVE_MIND_REAL_DATA")
WEATHER = {"name": "weather", "description": "Weather of a place",
           "parameters": {"type": "dict", "properties": {"place": {"type": "string"}}, "required": []}}  # fmt: skip
ADD = {
    "task_id": "HumanEval/0", "entry_point": "add", "prompt": 'def add(a, b):\n    """Return the sum."""\n',
    "canonical_solution": "    return a + b\n", "test": "def check(candidate):\n    assert candidate(1, 2) == 3\n",
}  # fmt: skip
SHELL = [
    {"query": "print hello", "gold": "echo hello", "gold2": "printf 'hello\\n'", "difficulty": 0, "image": 1},
    {"query": "do nothing", "gold": "true", "gold2": ":", "difficulty": 0, "image": 1},
]


@pytest.fixture
def files(tmp_path):
    """BFCL's layout and a person's own rows, with the very requests that the learned base knows by heart."""
    folder = tmp_path / "bfcl"
    (folder / "possible_answer").mkdir(parents=True)

    def ask(name, requests):
        rows = [
            {"id": f"{name}_{n}", "question": [[{"role": "user", "content": text}]], "function": [WEATHER]}
            for n, text in enumerate(requests)
        ]
        write_jsonl(folder / f"BFCL_v4_{name}.json", rows)

    ask("simple_python", [f"Weather in {place}, {n} days?" for n, place in enumerate(PLACES)])
    ask("irrelevance", [f"Tell me a {word}" for word in ("poem", "joke", "song")])
    answers = [
        {"id": f"simple_python_{n}", "ground_truth": [{"weather": {"place": [place]}}]}
        for n, place in enumerate(PLACES)
    ]
    write_jsonl(folder / "possible_answer" / "BFCL_v4_simple_python.json", answers)
    own = [Conversation.build("usage", row.messages, row.tools) for row in held_out_rows()[1:7]]
    write_jsonl(tmp_path / "usage.jsonl", (row.to_dict() for row in own))
    write_jsonl(tmp_path / "humaneval.jsonl", [ADD])
    write_jsonl(tmp_path / "nl2sh.jsonl", SHELL)
    return {name: tmp_path / place for name, place in (
        ("bfcl", "bfcl"), ("usage", "usage.jsonl"), ("humaneval", "humaneval.jsonl"), ("nl2sh", "nl2sh.jsonl")
    )}  # fmt: skip


def settings(files, *names, **suites):
    named = {name: files[name] for name in names} | {"max_new_tokens": 60, **suites}
    return EvaluationSettings(max_new_tokens=60, dtype="fp32", device="cpu", suites=named)


def request(models, test_file, tmp_path, made):
    return EvaluationRequest(models, test_file, made, tmp_path / "out", tmp_path / "cache")


def result(evaluation, model, suite):
    return next(found for found in evaluation.results(evaluation.model(model)) if found.suite == suite)


def right(evaluation, model, suite):
    """Of the tasks of each category, those right by plain decoding and as served."""
    found = result(evaluation, model, suite)
    flags = {}
    for number, task in enumerate(found.tasks):
        here = flags.setdefault(task.category, [0, 0])
        here[0] += found.free.correct[number]
        here[1] += found.served.correct[number] if found.served else 0
    return {category: tuple(counts) for category, counts in flags.items()}


@pytest.fixture
def models(tmp_path, learned_base):
    folder = write_version(tmp_path / "models", "worse_v1", learned_base, size=0.5)
    return [ModelReference("base", learned_base), ModelReference("worse_v1", learned_base, folder)]


@pytest.fixture
def cage():
    try:
        return sandbox.find_sandbox()
    except SuiteUnavailable as error:
        pytest.skip(str(error))


def test_every_suite_is_asked_plainly_and_as_served(tmp_path, test_file, models, files):
    """What was learnt calls with an argument that is not declared: as served it cannot.

    BFCL is right without it, a person's own call was made with it.
    """
    evaluation = evaluate(request(models, test_file, tmp_path, settings(files, "bfcl", "usage")))
    assert right(evaluation, "base", "bfcl") == {"simple_python": (0, 4), "irrelevance": (3, 3)}
    assert right(evaluation, "base", "usage") == {"weather": (3, 0), "no tool": (3, 3)}
    assert right(evaluation, "base", "held_out")["glaive_tools/call"] == (4, 0)
    assert right(evaluation, "base", "held_out")["code_alpaca/plain"] == (2, 2)
    assert right(evaluation, "worse_v1", "bfcl")["simple_python"] == (0, 0)
    bfcl = result(evaluation, "base", "bfcl")
    assert bfcl.figures["free"]["wrong"] == {"unexpected_parameter": 4}
    assert bfcl.paths == {"bfcl": str(files["bfcl"])}
    assert Evaluation.load(tmp_path / "out" / "evaluation.json") == evaluation
    decided = pair(*(evaluation.results(model) for model in evaluation.models)).decodings
    assert decided == {"held_out": "served", "bfcl": "served", "usage": "served", "format": "free"}


def test_turns_that_stood_in_an_earlier_suite_are_not_asked_again(tmp_path, test_file, models, files, monkeypatch):
    rows = files["usage"].read_bytes().splitlines(keepends=True)
    yesterday = tmp_path / "yesterday.jsonl"
    yesterday.write_bytes(b"".join(rows[:4]))
    evaluate(request(models, test_file, tmp_path, settings({"usage": yesterday}, "usage")))
    made = settings(files, "usage")
    anew = evaluate(replace(request(models, test_file, tmp_path, made), cache=tmp_path / "other"))
    asked = []

    def count(loaded, prompts, *rest, **more):
        asked.append(len(prompts))
        return reply_to(loaded, prompts, *rest, **more)

    monkeypatch.setattr("hive_mind.evaluation.asking.reply_to", count)
    monkeypatch.setattr("hive_mind.evaluation.measure.reply_to", count)
    today = evaluate(replace(request(models, test_file, tmp_path, made), earlier=[yesterday, tmp_path / "gone.jsonl"]))
    assert asked == [2] * 4, "two turns of six are new: by two models, plainly and as served"
    for model in ("base", "worse_v1"):
        assert result(today, model, "usage") == result(anew, model, "usage")
    assert all(model.seconds > 0 for model in today.models)


def test_replies_as_served_are_those_that_are_generated_without_plain_ones(
    tmp_path, test_file, models, files, monkeypatch
):
    asked = request(models, test_file, tmp_path, settings(files, "bfcl", "usage"))
    found = evaluate(asked)
    monkeypatch.setattr("hive_mind.evaluation.measure._plain", lambda reply: None)
    anew = evaluate(replace(asked, cache=tmp_path / "other", output=None))
    for mine, other in zip(found.models, anew.models, strict=True):
        assert (mine.served, mine.suites) == (other.served, other.suites)
    kept, generated = (
        sorted(json.dumps([row.get("served"), row["replies"]]) for row in map(read_json, folder.glob("*.json")))
        for folder in (tmp_path / "cache", tmp_path / "other")
    )
    assert kept == generated


def test_what_two_models_differ_in_is_shown_with_the_replies_that_decided(tmp_path, test_file, models, files):
    asked = request(models, test_file, tmp_path, settings(files, "bfcl", "usage"))
    evaluation = evaluate(asked)
    rows = pair(*(evaluation.results(model) for model in evaluation.models)).rows
    differ = {(row.task.id, row.mine[0]) for row in rows if row.suite != "format" and row.mine[0] != row.theirs[0]}
    found = differing(asked, evaluation, of_each=1000)
    assert {(example.id, example.won) for example in found} == differ
    weather = next(example for example in found if example.id == "simple_python_0")
    place = PLACES[0]
    assert weather.won and weather.request == f"Weather in {place}, 0 days?"
    assert weather.expected == f'weather({{"place": ["{place}"]}})'
    assert bfcl.check(bfcl.load(files["bfcl"])[0], weather.mine).correct  # as served: plainly it was wrong
    assert [example.id for example in differing(asked, evaluation, of_each=1)] == [found[0].id]


def test_the_format_is_of_all_replies_by_plain_decoding(tmp_path, test_file, models, files):
    evaluation = evaluate(request(models, test_file, tmp_path, settings(files, "bfcl", "usage")))
    found = result(evaluation, "base", "format")
    assert right(evaluation, "base", "format") == {
        "held_out/glaive_tools": (7, 0), "bfcl": (7, 0), "usage": (6, 0)
    }  # fmt: skip
    assert found.served is None
    assert found.figures["free"] == {"replies": 20, "clean": 20, "stopped": 20, "undeclared": 0, "repairs": {}}
    # A reply that counts for two suites was made once, and only plain replies are timed.
    assert evaluation.asked(evaluation.models[0]) == 9 + 7 + 6


def test_the_tables_have_each_suites_figures(tmp_path, test_file, models, files):
    evaluation = evaluate(request(models, test_file, tmp_path, settings(files, "bfcl", "usage")))
    served, free = ({row[0]: row[1:] for row in table.rows} for table in suite_tables(evaluation))
    assert served["bfcl: simple_python"][:2] == ("4", "100.0% (51–100)")
    assert served["bfcl: non-live, partial"][:2] == ("4", "100.0%")
    assert free["bfcl: non-live, partial"][:2] == ("4", "0.0%")
    assert free["bfcl: single turn (ours: mean of these three), partial"][:2] == ("7", "50.0%")
    assert "bfcl: live" not in str(served)
    assert free["usage: weather"][:2] == ("3", "100.0% (44–100)")
    assert served["usage: right tools"][:2] == ("6", "100.0% (61–100)")
    assert free["format: ended by itself"][:2] == ("20", "100.0% (84–100)")
    assert suite_notes(evaluation) == [f"unavailable: nl2sh, code: {NOT_NAMED}"]
    compared = dict(paired_rows(evaluation, *evaluation.models))
    assert compared["bfcl: simple_python, as served"].wins == 4
    assert compared["glaive_tools: tool calls"].wins == 4


def test_what_is_missing_is_unavailable_and_never_zero(tmp_path, test_file, models, files, monkeypatch, capsys):
    monkeypatch.setattr(sandbox.shutil, "which", lambda name: None)
    made = settings(files, "humaneval", bfcl=tmp_path / "nowhere")
    evaluation = evaluate(request(models[:1], test_file, tmp_path, made))
    bfcl, code = result(evaluation, "base", "bfcl"), result(evaluation, "base", "code")
    assert (bfcl.tasks, bfcl.free, bfcl.served) == ((), None, None)
    assert "nowhere holds no file BFCL_v4_" in bfcl.unavailable
    assert "there is no bwrap" in code.unavailable
    assert [table.title for table in suite_tables(evaluation) if "bfcl" in str(table.rows)] == []
    assert any(note.startswith("unavailable: bfcl: ") for note in suite_notes(evaluation))
    assert "evaluation: code is unavailable: model output is run in bubblewrap only" in capsys.readouterr().err


def test_an_interrupted_evaluation_goes_on_with_the_next_suite(tmp_path, test_file, models, files, monkeypatch):
    made = request(models, test_file, tmp_path, settings(files, "bfcl", "usage"))
    answer, asked = asking._Asker._reply, []

    def counted(asker, suite, rules, decoding, free):
        if len(asked) == 3:
            raise KeyboardInterrupt
        asked.append((asker.model.name, suite.name, decoding))
        return answer(asker, suite, rules, decoding, free)

    monkeypatch.setattr(asking._Asker, "_reply", counted)
    with pytest.raises(KeyboardInterrupt):
        evaluate(made)
    before = list(asked)
    assert [what for _, *what in before] == [["bfcl", "free"], ["bfcl", "served"], ["usage", "free"]]
    monkeypatch.setattr(asking._Asker, "_reply", lambda *given: (asked.append(given), answer(*given))[1])
    whole = evaluate(made)
    assert len(asked) == 2 * 2 * 2

    monkeypatch.setattr(running._Bench, "take", no_model)
    assert evaluate(made) == whole


def test_a_base_whose_calls_cannot_be_held_is_measured_plainly_alone(
    tmp_path, test_file, models, files, monkeypatch, capsys
):
    def refuse(*given):
        raise UsageError("its chat template writes calls in a way that cannot be made out")

    monkeypatch.setattr(load, "Constraints", refuse)
    made = request(models[:1], test_file, tmp_path, settings(files, "bfcl"))
    evaluation = evaluate(made)
    assert [result(evaluation, "base", suite).served for suite in ("held_out", "bfcl")] == [None, None]
    assert right(evaluation, "base", "bfcl")["irrelevance"] == (3, 0)
    said = "test/learned is not measured as served, only decoded plainly: its chat template writes calls in a way"
    assert said in capsys.readouterr().err
    assert suite_tables(evaluation)[0].rows == ()
    monkeypatch.setattr(running._Bench, "take", no_model)
    assert evaluate(made) == evaluation


def test_tools_without_a_grammar_hold_nothing(tmp_path, test_file, models, files, monkeypatch, capsys):
    def refuse(constraints, tools, *given):
        raise HiveMindError("the tools weather make no grammar (too large); offer fewer or none")

    monkeypatch.setattr(Constraints, "constraint", refuse)
    evaluation = evaluate(request(models[:1], test_file, tmp_path, settings(files, "usage")))
    assert right(evaluation, "base", "usage") == {"weather": (3, 3), "no tool": (3, 3)}
    assert "6 of 6 prompts are decoded plainly as served too: the tools weather make" in capsys.readouterr().err


def no_model(*given):
    raise AssertionError("a model was loaded again")


def test_solutions_and_commands_are_run_and_what_was_found_is_kept(
    tmp_path, test_file, learned_base, files, cage, monkeypatch
):
    made = settings(files, "humaneval", "nl2sh")
    first = evaluate(request([ModelReference("base", learned_base)], test_file, tmp_path, made))
    shell, code = result(first, "base", "nl2sh"), result(first, "base", "code")
    if shell.unavailable:
        pytest.skip(shell.unavailable)
    assert [task.id for task in shell.tasks] == ["nl2sh/1"]
    assert shell.figures["left_out"] == {"no_effect": 1}
    assert "nl2sh: 1 tasks count; left out for every model: 1 no_effect" in suite_notes(first)
    assert (len(code.tasks), code.served) == (1, None)
    assert [row[0] for row in suite_tables(first)[1].rows if row[0].startswith("code")] == [
        "code: humaneval pass@1", "code: mended to be read"
    ]  # fmt: skip

    def no_run(*given):
        raise AssertionError("a reply was run again")

    monkeypatch.setattr(sandbox.Sandbox, "run", no_run)
    monkeypatch.setattr("hive_mind.evaluation.suites.find_sandbox", lambda bounds: cage)
    again = evaluate(request([ModelReference("base", learned_base)], test_file, tmp_path, made))
    assert again == first


def test_right_and_wrong_replies_to_run(files, cage):
    suites = {suite.name: suite for suite in load_suites(settings(files, "humaneval", "nl2sh").suites)}
    rules = suites["code"].rules
    good, bad = "```python\ndef add(a, b):\n    return a + b\n```", "def add(a, b):\n    return a - b"
    assert rules.check({0: good}) == {0: Outcome(True)}
    assert rules.check({0: bad}) == {0: Outcome(False, "wrong")}
    assert (rules.repairs(0, good), rules.repairs(0, bad)) == (("fenced",), ())
    rules = suites["nl2sh"].rules
    if rules is None:
        pytest.skip(suites["nl2sh"].unavailable)
    call = '<tool_call>\n{"name": "bash", "arguments": {"command": "printf hello"}}\n</tool_call>'
    assert rules.check({0: call, 1: "true"}) == {0: Outcome(True), 1: "no_effect"}
    assert rules.check({0: "echo bye"}) == {0: Outcome(False, "wrong_output")}
    figures = rules.figures({0: "echo  hello"}, {0: Outcome(True)})
    assert figures == {"wrong": {}, "parses": 1, "same_text": 1}


def test_another_order_of_settings_and_other_tasks_are_other_questions(files):
    one = {suite.name: suite for suite in load_suites(settings(files, "bfcl").suites)}["bfcl"]
    fewer = EvaluationSettings(suites={"bfcl": {"path": files["bfcl"], "limit": 3}}).suites
    less = {suite.name: suite for suite in load_suites(fewer)}["bfcl"]
    assert (len(one.rules.tasks), len(less.rules.tasks)) == (7, 3)
    assert one.digest != less.digest
    assert {task.category for task in less.rules.tasks} == {"simple_python", "irrelevance"}


@pytest.mark.skipif(not REAL_DATA, reason="HIVE_MIND_REAL_DATA names no folder with the published suites")
def test_the_published_suites(tmp_path, test_file, random_base, cage):
    folder = Path(REAL_DATA) / "eval"
    paths = {"bfcl": "bfcl", "nl2sh": "nl2sh_alfa", "humaneval": "humaneval", "mbpp": "mbpp"}
    sizes = {"bfcl": 13, "nl2sh": 6, "humaneval": 2, "mbpp": 2}
    named = {name: {"path": str(folder / place), "limit": sizes[name]} for name, place in paths.items()}
    made = EvaluationSettings(
        max_new_tokens=20, max_tokens=6000, dtype="fp32", device="cpu", suites={**named, "max_new_tokens": 20}
    )
    evaluation = evaluate(request([ModelReference("base", random_base)], test_file, tmp_path, made))
    bfcl, code = result(evaluation, "base", "bfcl"), result(evaluation, "base", "code")
    assert len({task.category for task in bfcl.tasks}) + sum(bfcl.figures["left_out"].values()) == 13
    assert {task.category for task in code.tasks} == {"humaneval", "mbpp"}
    assert not any(code.free.correct)
    assert json.loads((tmp_path / "out" / "evaluation.json").read_text())["models"][0]["suites"][0]["suite"] == "bfcl"
