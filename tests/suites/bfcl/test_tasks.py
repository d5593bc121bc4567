"""Tasks read from BFCL's files, and replies checked by their category's rule."""

import json

import pytest

from hive_mind.chat.render import render_prompt
from hive_mind.suites.bfcl import CATEGORIES, check, load
from hive_mind.suites.outcome import Outcome
from hive_mind.suites.unavailable import SuiteUnavailable

FUNCTION = {
    "name": "math.area",
    "description": "Area.",
    "parameters": {"type": "dict", "properties": {"side": {"type": "float"}}, "required": ["side"]},
}
JAVA = {
    "name": "Ids.read",
    "description": "Read.",
    "parameters": {
        "type": "dict",
        "properties": {
            "ids": {"type": "ArrayList", "description": "The ids.", "items": {"type": "long"}},
            "all": {"type": "boolean"},
        },
        "required": ["ids"],
    },
}
RIGHT = '{"name": "math.area", "arguments": {"side": 2}}'


def question(identity, functions=(FUNCTION,)):
    said = [{"role": "system", "content": "Be exact."}, {"role": "user", "content": f"Go {identity}"}]
    return {"id": identity, "question": [said], "function": list(functions)}


def write(folder, category, questions, answers=None):
    for place, rows in ((folder, questions), (folder / "possible_answer", answers)):
        if rows is not None:
            place.mkdir(exist_ok=True)
            text = "\n".join(json.dumps(row) for row in rows)
            (place / f"BFCL_v4_{category}.json").write_text(text, encoding="utf-8")


def answer(identity, *calls):
    return {"id": identity, "ground_truth": list(calls) or [{"math.area": {"side": [2.0]}}]}


@pytest.fixture
def folder(tmp_path):
    write(tmp_path, "simple_python", [question("s0"), question("s1")], [answer("s1"), answer("s0")])
    two = ({"math.area": {"side": [2.0]}}, {"math.area": {"side": [3.0]}})
    write(tmp_path, "parallel", [question("p0")], [answer("p0", *two)])
    java = {"Ids.read": {"ids": [[1, 2]], "all": [True, ""]}}
    write(tmp_path, "simple_java", [question("j0", [JAVA])], [answer("j0", java)])
    write(tmp_path, "irrelevance", [question("i0"), question("i1", [])])
    write(tmp_path, "live_relevance", [question("r0")])
    return tmp_path


def outcomes(folder, category, *replies):
    [task, *_] = [task for task in load(folder) if task.category == category]
    return [check(task, reply) for reply in replies]


def test_tasks(folder):
    tasks = load(folder)
    assert [task.id for task in tasks] == ["s0", "s1", "j0", "p0", "i0", "i1", "r0"]
    assert [message.role for message in tasks[0].messages] == ["system", "user"]
    assert tasks[0].tools[0].parameters["properties"] == {"side": {"type": "number"}}
    assert tasks[0].tools[0].parameters["type"] == "object"
    assert len({task.cluster for task in tasks}) == 3 and tasks[5].cluster == "i1"


def test_java_is_asked_for_as_source_text(folder):
    [task] = [task for task in load(folder) if task.category == "simple_java"]
    ids, every = task.tools[0].parameters["properties"].values()
    assert ids == {
        "type": "string", "description": "The ids. Java source of type ArrayList of long, as a string.",
    }  # fmt: skip
    assert every == {"type": "string", "description": "Java source of type boolean, as a string."}
    source = "new ArrayList<Long>(Arrays.asList(1L, 2L))"
    reply = json.dumps({"name": "Ids.read", "arguments": {"ids": source, "all": "true"}})
    assert check(task, reply) == Outcome(True)
    assert check(task, reply.replace("2L", "2")) == Outcome(False, "wrong_item_type")
    assert check(task, reply.replace('"true"', "true")) == Outcome(False, "not_source_text")


def test_replies_are_read_leniently_and_checked_by_category(folder):
    called = f"<tool_call>\n{RIGHT}\n</tool_call>"
    fenced, broken = f"```json\n{RIGHT}\n```", "<tool_call>\nnonsense\n</tool_call>"
    right, count = Outcome(True), Outcome(False, "wrong_count")
    assert outcomes(folder, "simple_python", called, fenced, f"{called}{broken}", "4", called * 2) == [
        right, right, right, count, count,
    ]  # fmt: skip
    other = called.replace("2}", "3}")
    assert outcomes(folder, "parallel", called + other, other + called, called, called * 2) == [
        right, right, count, Outcome(False, "no_match"),
    ]  # fmt: skip
    assert outcomes(folder, "irrelevance", "None fits.", "", broken, "[]", called, called.replace("math", "my")) == [
        right, right, right, right, Outcome(False, "called"), Outcome(False, "called"),
    ]  # fmt: skip
    assert outcomes(folder, "live_relevance", called, called.replace("side", "x"), broken, "No.") == [
        right, right, Outcome(False, "no_call"), Outcome(False, "no_call"),
    ]  # fmt: skip


def test_a_limit_keeps_every_category(folder):
    assert len({task.category for task in load(folder, limit=5)}) == 5
    assert load(folder, limit=3, seed=1) == load(folder, limit=3, seed=1)
    assert len(load(folder, limit=3)) == 3 and load(folder, limit=99) == load(folder)


def parallel(folder, functions=(FUNCTION,), **answers):
    write(folder, "parallel", [question("p0", functions)], [answer("p0", answers or {"math.area": {"side": [2.0]}})])


def irrelevance(folder, messages):
    write(folder, "irrelevance", [{"id": "i0", "question": messages, "function": []}])


@pytest.mark.parametrize(
    ("break_it", "said"),
    [
        (lambda f: write(f, "simple_python", [question("s9")]), "s9 or its answer is not in BFCL v4's layout .no 's9'"),
        (lambda f: (f / "possible_answer" / "BFCL_v4_parallel.json").unlink(), "put BFCL's folder possible_answer"),
        (lambda f: (f / "BFCL_v4_irrelevance.json").write_text("{"), "line 1: not valid JSON"),
        (lambda f: irrelevance(f, []), "task i0 or its answer"),
        (lambda f: irrelevance(f, [[{"role": "x"}]]), "role 'x'"),
        (lambda f: parallel(f, f={}), "calls f, which it does not declare"),
        (lambda f: parallel(f, **{"math.area": {"side": 2}}), "math.area are not in lists"),
        (lambda f: parallel(f, **{"math.area": {"side": [{"a": 2}]}}), "math.area are not in lists"),
        (lambda f: parallel(f, [{**FUNCTION, "parameters": {}}]), "p0 or its answer .*no 'properties'"),
        (lambda f: parallel(f, [json.loads(json.dumps(FUNCTION).replace("float", "real"))]), "real is no type"),
    ],
)
def test_unusable_files_make_the_suite_unavailable(folder, break_it, said):
    break_it(folder)
    with pytest.raises(SuiteUnavailable, match=said):
        load(folder)


def test_no_files(tmp_path):
    for path in (tmp_path, tmp_path / "absent"):
        with pytest.raises(SuiteUnavailable, match="holds no file BFCL_v4_<category>"):
            load(path)


def test_real_files(real_data, qwen_tokenizer):
    tasks = load(real_data / "eval" / "bfcl")
    assert {task.category for task in tasks} == set(CATEGORIES)
    assert len(tasks) == len({task.id for task in tasks}) == 1_820
    assert sum("." in tool.name for task in tasks for tool in task.tools) > 500
    for task in tasks[::40]:
        prompt = qwen_tokenizer.decode(render_prompt(task.messages, task.tools, qwen_tokenizer))
        assert all(json.dumps(tool.name) in prompt for tool in task.tools)
