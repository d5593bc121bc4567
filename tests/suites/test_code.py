"""Reading HumanEval and MBPP, and finding the code in what a model says."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hive_mind.files import write_jsonl
from hive_mind.suites.code import called, extract_code, load
from hive_mind.suites.fences import blocks
from hive_mind.suites.unavailable import SuiteUnavailable

HUMANEVAL = {
    "task_id": "HumanEval/900",
    "prompt": 'from typing import List\n\ndef total(numbers: List[int]) -> int:\n    """ Add the numbers up. """\n',
    "entry_point": "total",
    "canonical_solution": "    return sum(numbers)\n",
    "test": "def check(candidate):\n    assert candidate([1, 2]) == 3\n    assert candidate([]) == 0\n",
}
MBPP = {
    "task_id": 901,
    "prompt": "Write a function to double a number.",
    "code": "def double(n):\r\n  return 2 * n",
    "test": ["assert double(2) == 4", "assert double(-1) == -2"],
}
DOCUMENTED = 'def total(numbers):\n    """Example:\n    ```\n    3\n    ```\n    """\n    return sum(numbers)\n'
FUNCTION = "def total(numbers):\n    return sum(numbers)\n"


@pytest.fixture
def tasks(tmp_path):
    write_jsonl(tmp_path / "tasks.jsonl", [HUMANEVAL, MBPP])
    return load(tmp_path / "tasks.jsonl")


def test_both_layouts(tasks):
    humaneval, mbpp = tasks
    assert (humaneval.id, humaneval.category, humaneval.entry) == ("HumanEval/900", "humaneval", "total")
    assert (mbpp.id, mbpp.category, mbpp.entry, mbpp.before) == ("MBPP/901", "mbpp", "double", "")
    assert "Add the numbers up" in humaneval.messages[0].content
    asked = mbpp.messages[0].content
    assert "`double`" in asked and "`double(2)`" in asked and "== 4" not in asked
    assert mbpp.reference == "def double(n):\n  return 2 * n"
    assert humaneval.tools == () and humaneval.cluster == humaneval.id


def test_the_hubs_own_layout_of_mbpp(tmp_path, tasks):
    row = {"task_id": 901, "text": MBPP["prompt"], "code": MBPP["code"], "test_list": MBPP["test"],
           "test_setup_code": "import math"}  # fmt: skip
    write_jsonl(tmp_path / "hub.jsonl", [row])
    [task] = load(tmp_path / "hub.jsonl")
    assert task.messages == tasks[1].messages and task.before == "import math"


@pytest.mark.parametrize(
    ("test", "call", "name"),
    [
        ("assert double(2) == 4", "double(2)", "double"),
        ("assert is_odd (12345) == False", "is_odd (12345)", "is_odd"),
        ("assert set(similar((3, 4), (5, 4))) == set((4,))", "similar((3, 4), (5, 4))", "similar"),
        ("assert not empty([])", "empty([])", "empty"),
        ("assert sum(10, 15) == 6", "sum(10, 15)", "sum"),
        ("assert chain([Pair(5, 24), Pair(1, 2)], 2) == 1", "chain([Pair(5, 24), Pair(1, 2)], 2)", "chain"),
        ("assert math.isclose(area(2), 3.1)", "area(2)", "area"),
    ],
)
def test_the_function_is_named_by_the_tests(test, call, name):
    assert called(test) == (call, name)


@pytest.mark.parametrize(
    ("reply", "repairs"),
    [
        (FUNCTION, ()),
        (f"```python\n{FUNCTION}```", ("fenced",)),
        (f"Here it is:\n```\n{FUNCTION}```\nIt adds the numbers.", ("fenced",)),
        (f"```python\n{FUNCTION}", ("fenced", "unclosed_fence")),
        (f"```bash\npip install x\n```\nthen\n```python\n{FUNCTION}```", ("fenced",)),
        (f"```python\n{DOCUMENTED}```", ("fenced",)),
        (f"  ```python\n  {FUNCTION.replace(chr(10), chr(10) + '  ')}\n  ```", ("fenced",)),
        (f"Sure, this adds them:\n\n{FUNCTION}", ("prose",)),
        (f"{FUNCTION}\nThis function uses sum.", ("cut",)),
        (f"Here:\n{FUNCTION}\nThis function uses sum.", ("prose", "cut")),
        ("    return sum(numbers)\n", ("body",)),
        ("return sum(numbers)", ("body",)),
        ("    x = 0\n    for n in numbers:\n        x += n\n    return x", ("body",)),
        ("x = 0\n    for n in numbers:\n        x += n\n    return x", ("body",)),
        ("x = 0\nfor n in numbers:\n    x += n\nreturn x", ("body",)),
        ("    return sum(numbers)\n\nThat is all.", ("body", "cut")),
        ("```python\n    return sum(numbers)\n```", ("fenced", "body")),
        ("total = lambda numbers: sum(numbers)", ()),
        (f"{FUNCTION}\ndef half_written(x):\n    return (", ("cut",)),
        (FUNCTION.replace("\n", "\r\n"), ()),
    ],
)
def test_code_is_found_and_the_help_is_named(tasks, reply, repairs):
    found = extract_code(tasks[0], reply)
    assert found.repairs == repairs
    names = {}
    exec(found.text, names)
    assert names["total"]([1, 2, 3]) == 6


@pytest.mark.parametrize("reply", ["", "I cannot do that.", "```\n```", "def total(numbers:", "{}["])
def test_where_there_is_no_code_there_is_none(tasks, reply):
    found = extract_code(tasks[0], reply)
    assert "return" not in found.text and "def total(numbers):" not in found.text


def test_a_body_is_no_help_where_the_prompt_is_no_code(tasks):
    assert extract_code(tasks[1], "return 2 * n").text == ""


@given(st.text(alphabet="`~ \n\tdef total(numbers):return12#'\"\\\x00é", max_size=120))
def test_no_reply_is_too_odd(reply):
    from hive_mind.suites.code import _humaneval

    found = extract_code(_humaneval(HUMANEVAL), reply)
    assert isinstance(found.text, str)
    assert all(block.text.strip() for block in blocks(reply))


def test_limit_keeps_the_share_of_both(tmp_path):
    rows = [{**HUMANEVAL, "task_id": f"HumanEval/{n}"} for n in range(20)]
    write_jsonl(tmp_path / "a.jsonl", rows)
    write_jsonl(tmp_path / "b.jsonl", [{**MBPP, "task_id": n} for n in range(20)])
    chosen = load(tmp_path, 6, seed=1)
    assert [task.category for task in chosen] == ["humaneval"] * 3 + ["mbpp"] * 3
    assert load(tmp_path, 6, seed=1) == chosen != load(tmp_path, 6, seed=2)


@pytest.mark.parametrize("row", [{"query": "x"}, {**MBPP, "test": ["assert True"]}, {**MBPP, "test": ["assert ("]}])
def test_a_row_in_no_layout_makes_the_suite_unavailable(tmp_path, row):
    write_jsonl(tmp_path / "tasks.jsonl", [MBPP, row])
    with pytest.raises(SuiteUnavailable, match="line 2"):
        load(tmp_path / "tasks.jsonl")


def test_a_missing_or_empty_path_makes_the_suite_unavailable(tmp_path):
    with pytest.raises(SuiteUnavailable, match="does not exist"):
        load(tmp_path / "none.jsonl")
    with pytest.raises(SuiteUnavailable, match="holds no tasks"):
        load(tmp_path)


def test_real_tasks(real_data):
    humaneval = load(real_data / "eval/humaneval")
    mbpp = load(real_data / "eval/mbpp")
    assert len(humaneval) == 164 and len(mbpp) == 250
    assert all(f"{task.entry}" in task.messages[0].content for task in mbpp)
    for task in humaneval + mbpp:
        fenced = extract_code(task, f"Of course.\n```python\n{task.reference}\n```\nDone.")
        assert fenced.text.strip() == task.reference.strip() and fenced.repairs == ("fenced",)
        assert extract_code(task, task.reference).repairs == ()
