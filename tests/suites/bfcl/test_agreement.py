"""Our checker against bfcl-eval's own, on its own data: gold and mutated replies, every verdict and every reason."""

import json
from collections import Counter

from hive_mind.suites.bfcl import CATEGORIES, check, load
from hive_mind.suites.outcome import Outcome
from tests.suites.bfcl.mutations import CHANGES, Mutator
from tests.suites.bfcl.upstream import LANGUAGES, reason

NEVER_GIVEN = {
    "simple_function_checker:unclear", "dict_checker:unclear", "list_dict_checker:unclear",
    "parallel_function_checker_enforce_order:wrong_count",
}  # fmt: skip
"""Two of a checker or a result that nothing uses, two of answers that the data do not hold."""


def rows(file):
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def cases(upstream, count, seed):
    """Yield (task, functions, answer, what was done, calls) over the whole of BFCL's tasks with a reference."""
    tasks = {task.id: task for task in load(upstream.data)}
    for category, about in CATEGORIES.items():
        if about.rule not in ("one_call", "any_order"):
            continue
        name = f"BFCL_v4_{category}.json"
        answers = rows(upstream.data / "possible_answer" / name)
        for row, answer in zip(rows(upstream.data / name), answers, strict=True):
            answer = answer["ground_truth"]
            mutator = Mutator(row, answer, LANGUAGES.get(category), seed)
            for done, calls in mutator.replies(count * rarity(answer, category)):
                yield tasks[row["id"]], row["function"], answer, done, calls


def rarity(answer, category):
    """How many times as many replies a task gets: what is checked in few of them would hardly be met otherwise."""
    values = [value for call in answer for accepted in call.values() for some in accepted.values() for value in some]
    items = [item for value in values if isinstance(value, list) for item in value]
    if any(isinstance(item, dict) for item in items):
        return 30
    if any(isinstance(value, dict) for value in values):
        return 5
    return 3 if category in LANGUAGES or any(not isinstance(item, str) for item in items) else 1


def reply(calls):
    """Write calls as the model's chat template has them."""
    blocks = [json.dumps({"name": name, "arguments": arguments}) for name, arguments in calls]
    return "\n".join(f"<tool_call>\n{block}\n</tool_call>" for block in blocks)


def test_every_verdict_and_every_reason_is_upstreams(upstream):
    """Where upstream raises, as it does for a float too large, it has no verdict, and the reply is wrong to us."""
    met, done_to, raised, different = Counter(), set(), Counter(), []
    for task, functions, answer, done, calls in cases(upstream, count=16, seed=1):
        outcome = check(task, reply(calls))
        done_to |= set(done.split(" and "))
        calls = [{name: arguments} for name, arguments in json.loads(json.dumps(calls))]
        try:
            fault = upstream.fault(functions, calls, answer, task.category)
        except (OverflowError, AttributeError) as error:
            raised[type(error).__name__] += 1
            assert not outcome.correct
            continue
        met[fault] += 1
        if outcome != Outcome(not fault, reason(fault)):
            different.append((task.id, done, fault, outcome.why, calls, answer))
    rejected = sum(met.values()) - met[""]
    print(f"{sum(met.values())} replies, {rejected} rejected, {dict(raised)} raised, by reason {met.most_common()}")
    assert different == []
    assert sum(met.values()) > 40_000 and rejected > 0.4 * sum(met.values()) and sum(raised.values()) < 100
    assert done_to == {"gold", "other accepted", *CHANGES}
    assert set(met) == {"", *upstream.reasons - NEVER_GIVEN}
    assert min(met.values()) >= 50
