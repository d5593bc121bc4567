"""Our checker against bfcl-eval's own beyond its data: made-up declarations, answers and source literals."""

import random
from collections import Counter

from hive_mind.conversation import ToolCall
from hive_mind.suites.bfcl.java import read_java
from hive_mind.suites.bfcl.javascript import read_javascript
from hive_mind.suites.bfcl.rules import JAVA, JAVASCRIPT, PYTHON, calls_fault
from hive_mind.suites.bfcl.tasks import expected_call
from tests.suites.bfcl.upstream import reason

ROUNDS = 20_000
SCALARS = [0, 1, -2, 5, 1.0, 0.5, 5.0, True, False, None, "", "a", "A b", "it's", 'it"s', "1", "x_y"]
VALUES = {
    "string": ["a", "A b", "it's", "x_y", "1"], "integer": [0, 1, -2, 5], "float": [0.5, 1.0, 5.0],
    "boolean": [True, False], "any": ["a", "1"],
}  # fmt: skip
KINDS = [*VALUES, "array", "array", "tuple", "dict", "dict"]
ITEMS = [*VALUES, "dict", "dict", "array"]


class Chance(random.Random):
    """Random declarations, accepted values as BFCL writes them, and values that a model gives."""

    def few(self, make, most=3):
        return [make() for _ in range(self.randrange(most + 1))]

    def scalar(self):
        return self.choice(SCALARS)

    def member(self):
        return self.few(self.scalar, 2) if self.random() < 0.3 else self.scalar()

    def answer_object(self):
        return {name: self.few(self.member) for name in self.sample("abc", self.randrange(4))}

    def given_object(self):
        return {name: self.member() for name in self.sample("abc", self.randrange(4))}

    def value(self, kind, items):
        if kind in ("array", "tuple"):
            return self.few(lambda: self.value(items, "any"))
        return self.answer_object() if kind == "dict" else self.choice(VALUES[kind])

    def parameter(self):
        """Return (declaration, accepted values, given value)."""
        kind, items = self.choice(KINDS), self.choice(ITEMS)
        declared = {"type": kind, **({"items": {"type": items}} if kind in ("array", "tuple") else {})}
        written = self.choice([kind, kind, kind, kind, "string", "integer"])
        accepted = self.few(lambda: "" if self.random() < 0.25 else self.value(written, items))
        near = [value for value in accepted if value != ""]
        if near and self.random() < 0.6:
            return declared, accepted, self.like(self.choice(near))
        made = (self.scalar, self.given_object, lambda: self.few(self.scalar), lambda: self.few(self.given_object))
        return declared, accepted, self.choice(made)()

    def like(self, answer):
        """Return what might be right for an accepted value."""
        if isinstance(answer, list):
            return [self.like(item) if isinstance(item, dict) else item for item in answer]
        if not isinstance(answer, dict):
            return answer
        return {name: self.choice(values) for name, values in answer.items() if values and self.random() < 0.9}


def test_declarations_and_answers_of_any_sort(upstream):
    """Upstream has no verdict where a list that should hold objects holds something else: it raises."""
    met, raised = Counter(), 0
    for number in range(ROUNDS):
        chance = Chance(number)
        parts = {name: chance.parameter() for name in chance.sample(["p", "q"], chance.randrange(1, 3))}
        accepted = {name: values for name, (_, values, _) in parts.items()}
        arguments = {name: value for name, (_, _, value) in parts.items()}
        properties = {name: declared for name, (declared, _, _) in parts.items()}
        function = {"name": "f", "parameters": {"properties": properties, "required": []}}
        expected = expected_call({"f": accepted}, [function], PYTHON)
        fault = calls_fault([expected], [ToolCall("call_0", "f", arguments)], PYTHON, any_order=False)
        try:
            theirs = upstream.fault([function], [{"f": arguments}], [{"f": accepted}], "simple_python")
        except (AttributeError, TypeError):
            raised += 1
            assert fault, (number, properties, accepted, arguments)
            continue
        met[theirs] += 1
        assert fault == reason(theirs), (number, theirs, properties, accepted, arguments)
    print(f"{raised} raised, by reason {met.most_common()}")
    assert min(met.values()) > 50 and "dict_checker:unclear" in met and raised < 0.05 * ROUNDS


JAVA_WORDS = [
    "new ", "ArrayList<>", "ArrayList<String>", "HashMap<String, Object>", "HashMap<>", "int[]", "String[] ", "()",
    "(", ")", "{", "}", "{{", "}}", " {{ ", " }}", "Arrays.asList(", "add(", "put(", '"k", ', '"a"', "'c'", "1", "-2",
    "3L", "4.5", "6f", "7e3F", "true", "false", "null", ",", ", ", ";", " ", "\n", "\t", "x", "1_0", "inf", '"', "²",
    "٣",
]  # fmt: skip
JAVA_FRAMES = [
    ("ArrayList", "new ArrayList<>(Arrays.asList(", "))"), ("ArrayList", "new ArrayList<>() {{ add(", "); }}"),
    ("ArrayList", "new ArrayList<>() {{", "add(1)}}"),
    ("Array", "new int[] {", "}"), ("HashMap", 'new HashMap<>() {{ put("k", ', "); }}"), (None, "", ""),
]  # fmt: skip
SCRIPT_WORDS = [
    "[", "]", "[[", "]]", "], [", "],[", "new Array(", ")", "{", "}", "{}", "'k': ", '"k": ', "k:", ":", "1", "-2",
    "3n", "4.5", "true", "false", "'a'", '"b"', "'", '"', ",", ", ", " ", "\n", "x", "1_0", "nan", "٣",
]  # fmt: skip
SCRIPT_FRAMES = [
    ("array", "[[", "]]"), ("array", "[", "]"), ("array", "new Array([", "])"), ("array", "new Array(", ")"),
    ("dict", "{", "}"), ("dict", "{'k': ", "}"), (None, "", ""),
]  # fmt: skip


def test_java_literals(upstream):
    assert changed_by_reading(read_java, upstream.java, JAVA, JAVA_FRAMES, JAVA_WORDS) > 0.3 * ROUNDS


def test_javascript_literals(upstream):
    read = changed_by_reading(read_javascript, upstream.javascript, JAVASCRIPT, SCRIPT_FRAMES, SCRIPT_WORDS)
    assert read > 0.3 * ROUNDS


def changed_by_reading(ours, theirs, language, frames, words):
    """Compare the two readers on random texts; return how many were read as something else than the text."""
    changed = 0
    for number in range(ROUNDS):
        chance = random.Random(number)
        kind, start, end = chance.choice(frames)
        text = start + "".join(chance.choices(words, k=chance.randrange(10))) + (end if chance.random() < 0.7 else "")
        if kind is None or chance.random() < 0.2:
            kind = chance.choice(sorted(language.types))
        items = chance.choice([*sorted(language.types), None]) if kind in language.with_items else None
        made = ours(text, kind, items)
        try:
            expected = theirs(text, kind, items)
        except ValueError:
            expected = text  # upstream raises for "3n" as a Bigint before a line's end
        assert repr(made) == repr(expected), (number, text, kind, items)
        changed += made != text
    return changed
