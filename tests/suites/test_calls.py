"""When two calls are the same."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hive_mind.conversation import ToolCall
from hive_mind.suites.calls import same_calls, same_value


def test_calls_count_and_order_matter_and_ids_do_not():
    a, b = ToolCall("x", "f", {"a": 1}), ToolCall("y", "g", {})
    assert same_calls([a, b], [ToolCall("1", "f", {"a": 1}), ToolCall("2", "g", {})])
    assert not same_calls([b, a], [a, b])
    assert not same_calls([a], [a, b])
    assert not same_calls([], [a])


@pytest.mark.parametrize(
    ("a", "b", "same"),
    [
        (1, 1.0, True), (1, True, False), (0, False, False), (True, True, True), (None, None, True), (None, 0, False),
        ("a", "A", False), ("a", "a ", False), ("1", 1, False), (None, "", False), ([], {}, False),
        ({"x": 1, "y": [1, {"z": 2}]}, {"y": [1.0, {"z": 2}], "x": 1}, True), ({"x": 1}, {"x": 1, "y": None}, False),
        ([1, 2], [2, 1], False), ([1], [1, 1], False), (2**60, 2**60 + 1, False), (0.1 + 0.2, 0.3, False),
    ],
)  # fmt: skip
def test_same_value(a, b, same):
    assert same_value(a, b) is same
    assert same_value(b, a) is same


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@given(JSON, JSON)
def test_same_value_is_equality_of_canonical_json(a, b):
    assert same_value(a, a)
    assert same_value(a, b) == (canonical(a) == canonical(b))


def canonical(value):
    """A value with its type spelt out, numbers of either kind alike."""
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return (type(value).__name__, value)
    if isinstance(value, int | float):
        return ("number", value)
    if isinstance(value, dict):
        return ("object", frozenset((key, canonical(item)) for key, item in value.items()))
    return ("array", tuple(canonical(item) for item in value))
