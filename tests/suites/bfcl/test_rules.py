"""BFCL's rules by example, as docs/BFCL.md states them; test_agreement holds all of them against bfcl-eval itself."""

import pytest

from hive_mind.conversation import ToolCall
from hive_mind.suites.bfcl.rules import JAVA, JAVASCRIPT, PYTHON, calls_fault
from hive_mind.suites.bfcl.tasks import expected_call


def fault(declared, accepted, value, language=PYTHON):
    """The fault of f(p=value), where p is required and declared so."""
    declared = {"type": declared} if isinstance(declared, str) else declared
    function = {"name": "f", "parameters": {"properties": {"p": declared}, "required": ["p"]}}
    expected = expected_call({"f": {"p": accepted}}, [function], language)
    return calls_fault([expected], [ToolCall("call_0", "f", {"p": value})], language, any_order=False)


def array(items, kind="array"):
    return {"type": kind, "items": {"type": items}}


@pytest.mark.parametrize(
    ("declared", "accepted", "value", "why"),
    [
        ("string", ["April 1, 2024"], "april 1 2024", ""), ("string", ["it's"], 'IT"S', ""),
        ("string", ["a b"], "a\tb", "wrong_text"), ("string", ["a!"], "a", "wrong_text"), ("string", ["", "x"], "", ""),
        ("integer", [5], 5, ""), ("integer", [5], 5.0, "wrong_type"), ("integer", [1], True, "wrong_type"),
        ("integer", [5], "5", "wrong_type"), ("integer", [5], 6, "wrong_value"),
        ("float", [5.0], 5, ""), ("float", [5.0], "5.0", "wrong_type"), ("float", [1e400], 10**400, "wrong_type"),
        ("boolean", [True], True, ""), ("boolean", [True], 1, "wrong_type"),
        ("any", ["x"], "X", ""), ("any", [5], 5, ""), ("any", ["5"], 5, "wrong_type"),
        # A variable's name stands for any type, and is compared to the letter.
        ("integer", ["n"], "n", ""), ("integer", ["n"], "N", "wrong_value"), (array("float"), ["xs"], "xs", ""),
        (array("string"), [["a", "B c"]], ["A", "bc"], ""), (array("string"), [["a", "b"]], ["b", "a"], "wrong_list"),
        (array("string"), [["a"], ""], [], ""), (array("string"), [["a"]], [], "wrong_list"),
        (array("float"), [[1.0, 2.0]], [1, 2], "wrong_item_type"), (array("float"), [[1, 2]], [1.0, 2], ""),
        (array("integer", "tuple"), [[1, 2]], [1, 2], ""), (array("integer"), [[1]], 1, "wrong_type"),
        ("dict", [{"a": [1, 2], "b": ["", "x"]}], {"a": 2}, ""), ("dict", [{"a": [1]}], {"a": True}, ""),
        ("dict", [{"a": [1]}], {"a": 2}, "wrong_member_value"), ("dict", [{"a": [1]}], {}, "wrong_members"),
        ("dict", [{"a": [1]}], {"a": 1, "b": 1}, "wrong_members"), ("dict", [""], {}, "wrong_value"),
        (array("dict"), [[{"a": [1]}, {"a": [2]}]], [{"a": 1}, {"a": 2}], ""),
        (array("dict"), [[{"a": [1]}, {"a": [2]}]], [{"a": 2}, {"a": 1}], "wrong_member_value"),
        (array("dict"), [[{"a": [1]}]], [], "wrong_item_count"), (array("dict"), [[{"a": [1]}], ""], [], ""),
        # Here bfcl-eval raises an AttributeError; the reply is wrong all the same.
        (array("dict"), ["", [{"a": [1]}]], [1], "wrong_item_type"),
    ],
)  # fmt: skip
def test_values(declared, accepted, value, why):
    assert fault(declared, accepted, value) == why


@pytest.mark.parametrize(
    ("language", "declared", "accepted", "value", "why"),
    [
        (JAVA, "integer", [5], "5", ""), (JAVA, "integer", [5], 5, "not_source_text"),
        (JAVA, "long", [5], "5L", ""), (JAVA, "long", [5], "5", "wrong_type"), (JAVA, "float", [0.5], "0.5f", ""),
        (JAVA, "double", [0.5], "5e-1", ""), (JAVA, "double", [0.5], "0.5f", "wrong_type"),
        (JAVA, "boolean", [True], "true", ""), (JAVA, "boolean", [True], "True", "wrong_type"),
        (JAVA, "String", ["a"], "A", ""), (JAVA, "String", ["a"], '"a"', "wrong_text"), (JAVA, "any", ["x"], "x", ""),
        (JAVA, array("String", "ArrayList"), [["a", "b"]], 'new ArrayList<>(Arrays.asList("a", "b"))', ""),
        (JAVA, array("long", "ArrayList"), [[1]], "new ArrayList<Long>() {{ add(1L); }}", ""),
        (JAVA, array("integer", "ArrayList"), [[1, 2]], "Arrays.asList(1, 2)", "wrong_type"),
        (JAVA, array("integer", "Array"), [[1, 2]], "new int[]{1, 2}", ""),
        (JAVA, array("any", "Array"), ["a"], "a", ""),
        (JAVA, "HashMap", [{"a": [1]}], 'new HashMap<String, Object>() {{ put("a", 1); }}', ""),
        (JAVA, "HashMap", [{"a": [1]}], 'Map.of("a", 1)', "wrong_type"),
        (JAVASCRIPT, "String", ["a"], "'a'", ""), (JAVASCRIPT, "String", ["a"], "a", ""),
        (JAVASCRIPT, "Bigint", [5], "5n", ""), (JAVASCRIPT, "Boolean", [True], "true", ""),
        (JAVASCRIPT, "float", [1.0], "1", ""), (JAVASCRIPT, "integer", [1], 1, "not_source_text"),
        (JAVASCRIPT, array("integer"), [[1, 2]], "[1, 2]", ""),
        (JAVASCRIPT, array("String"), [["a"]], "new Array('a')", ""),
        (JAVASCRIPT, array("array"), [[[1, 2], [3]]], "[[1, 2], [3]]", ""),
        (JAVASCRIPT, "dict", [{"a": [1], "b": [["x"]]}], "{a: 1, 'b': ['x']}", ""),
        (JAVASCRIPT, "dict", [{"a": [1]}], "{a: 2}", "wrong_member_value"),
    ],
)  # fmt: skip
def test_source_text(language, declared, accepted, value, why):
    assert fault(declared, accepted, value, language) == why


FUNCTION = {
    "name": "weather.at",
    "parameters": {"properties": {name: {"type": "string"} for name in ("city", "unit", "day")}, "required": ["city"]},
}
ANSWER = {"weather.at": {"city": ["Bern"], "unit": ["C", ""]}}


@pytest.mark.parametrize(
    ("name", "arguments", "why"),
    [
        ("weather.at", {"city": "bern"}, ""), ("weather.at", {"unit": "c", "city": "Bern"}, ""),
        ("weather_at", {"city": "Bern"}, "wrong_name"), ("weather.at", {"unit": "C"}, "missing_required"),
        ("weather.at", {"city": "Bern", "day": "now"}, "unexpected_parameter"),
        ("weather.at", {"city": "Bern", "zip": ""}, "unexpected_parameter"),
        ("weather.at", {"city": "Rome"}, "wrong_text"),
    ],
)  # fmt: skip
def test_one_call(name, arguments, why):
    expected = [expected_call(ANSWER, [FUNCTION], PYTHON)]
    assert calls_fault(expected, [ToolCall("call_0", name, arguments)], PYTHON, any_order=False) == why


def test_a_parameter_of_the_answer_is_needed_unless_it_accepts_nothing():
    expected = [expected_call({"weather.at": {"city": ["Bern"], "unit": ["C"]}}, [FUNCTION], PYTHON)]
    call = ToolCall("call_0", "weather.at", {"city": "Bern"})
    assert calls_fault(expected, [call], PYTHON, any_order=False) == "missing_optional"
    assert calls_fault(expected, [], PYTHON, any_order=False) == "wrong_count"


def test_calls_in_any_order_take_the_first_that_fits_and_never_change_it():
    def call(city):
        return ToolCall("call_0", "weather.at", {"city": city})

    def expects(*cities):
        return [expected_call({"weather.at": {"city": list(each)}}, [FUNCTION], PYTHON) for each in cities]

    either_first = expects(("Bern", "Rome"), ("Bern",))
    assert calls_fault(expects(("Bern",), ("Rome",)), [call("Rome"), call("Bern")], PYTHON, any_order=True) == ""
    assert calls_fault(either_first, [call("Rome"), call("Bern")], PYTHON, any_order=True) == ""
    assert calls_fault(either_first, [call("Bern"), call("Rome")], PYTHON, any_order=True) == "no_match"
    assert calls_fault(either_first, [call("Bern")], PYTHON, any_order=True) == "wrong_count"
