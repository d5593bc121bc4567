"""Source literals that no reader may stumble over; test_agreement_made_up says what is read as what."""

import time

import pytest

from hive_mind.suites.bfcl.java import read_java
from hive_mind.suites.bfcl.javascript import read_javascript

DIGITS = "9" * 5_000
LONG = 20_000


@pytest.mark.parametrize(
    ("read", "text", "kind", "items"),
    [
        # bfcl-eval's own patterns need exponential time for the first two, cubic for the next two.
        (read_javascript, "[" + "[1]," * 2_000, "array", "array"),
        (read_javascript, "new Array(" + "[1], " * 2_000, "array", "array"),
        (read_java, "new HashMap<String, Object>() {{" + " " * LONG, "HashMap", None),
        (read_java, "new ArrayList<>() {{" + " " * 2_000, "ArrayList", "String"),
        (read_java, "new ArrayList<>() {{ add(" * 500, "ArrayList", "String"),
        (read_javascript, "{" + "a" * 2_000 + "}", "dict", None),
        (read_javascript, "{" + "a: b, " * 500 + "}", "dict", None),
    ],
)
def test_a_model_that_repeats_itself_costs_no_time(read, text, kind, items):
    started = time.process_time()
    read(text, kind, items)
    assert time.process_time() - started < 2


@pytest.mark.parametrize(
    ("read", "text", "kind"),
    [
        (read_java, DIGITS, "integer"), (read_java, f"{DIGITS}L", "long"), (read_javascript, DIGITS, "integer"),
        (read_javascript, f"{DIGITS}n", "Bigint"), (read_javascript, "5n\n", "Bigint"),
    ],
)  # fmt: skip
def test_numbers_that_python_does_not_read_stay_text(read, text, kind):
    """bfcl-eval raises a ValueError for them."""
    assert read(text, kind) == text
