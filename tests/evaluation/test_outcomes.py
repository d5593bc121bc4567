"""Suite results as they are stored and paired."""

import pytest

from hive_mind.evaluation.outcomes import Outcomes, SuiteResult, Task, compare_rows, pair
from hive_mind.evaluation.records import ModelResult
from hive_mind.evaluation.tables import paired_rows, paired_table
from tests.evaluation.synthetic import asked, evaluation, flags, model

TASKS = tuple(Task(f"t{number}", "simple" if number < 6 else "parallel", f"c{number // 2}") for number in range(10))


def outcomes(correct):
    return Outcomes(tuple(correct), (True,) * len(correct), (False,) * len(correct), (True,) * len(correct))


def result(free=None, served=None, digest="d", tasks=TASKS, suite="bfcl"):
    return SuiteResult(suite, digest, tasks, free and outcomes(free), served and outcomes(served))


RIGHT, WRONG = [True] * 10, [False] * 10


def test_it_is_read_back_as_written():
    for made in (result(RIGHT), result(RIGHT, WRONG), SuiteResult.missing("code", "no bubblewrap")):
        assert SuiteResult.from_dict(made.to_dict()) == made
    assert SuiteResult.missing("code", "no bubblewrap").outcomes("free") is None


def test_one_flag_a_task():
    with pytest.raises(ValueError, match="10 tasks, which is not how many are correct"):
        result(RIGHT[:9])


def test_as_served_decides_where_both_have_it():
    made = pair([result(RIGHT, WRONG)], [result(WRONG, RIGHT)])
    assert made.decodings == {"bfcl": "served"}
    assert compare_rows(made.rows).losses == 10
    made = pair([result(RIGHT, WRONG)], [result(WRONG)])
    assert (made.decodings, compare_rows(made.rows).wins) == ({"bfcl": "free"}, 10)


@pytest.mark.parametrize(
    ("mine", "theirs", "said"),
    [
        (result(RIGHT), SuiteResult.missing("bfcl", "no such folder"), "no such folder"),
        (SuiteResult.missing("bfcl", "no such folder"), result(RIGHT), "no such folder"),
        (result(RIGHT), result(RIGHT, digest="e"), "different questions"),
        (result(RIGHT), result(served=RIGHT), "in different ways"),
        (result(RIGHT), result(RIGHT, suite="code"), "one of the two models was not asked"),
    ],
)
def test_what_cannot_be_compared_is_unavailable_and_never_zero(mine, theirs, said):
    made = pair([mine], [theirs])
    assert made.rows == ()
    assert said in made.unavailable["bfcl"]


def test_only_tasks_that_both_were_asked_are_paired():
    fewer = result(RIGHT[:4], tasks=TASKS[6:])
    made = pair([result(RIGHT)], [fewer])
    assert [row.task.id for row in made.rows] == ["t6", "t7", "t8", "t9"]
    assert made.rows[0].where == "bfcl/parallel"


ITEMS = asked(call=60, no_tool=30)


def with_suites(name, *suites) -> ModelResult:
    import dataclasses

    made = model(name, ITEMS, {"call": flags(60, 30), "no_tool": flags(30, 30)})
    return dataclasses.replace(made, suites=suites)


def test_an_evaluation_keeps_them_and_tables_show_them(tmp_path):
    made = evaluation(ITEMS, with_suites("a_v1", result(RIGHT)), with_suites("b_v1", result(WRONG)))
    made.write(tmp_path / "evaluation.json")
    read = type(made).load(tmp_path / "evaluation.json")
    assert read == made
    first, second = read.models
    labels = [label for label, _ in paired_rows(read, first, second)]
    assert labels[-3:] == ["bfcl: simple", "bfcl: parallel", "bfcl: all"]
    assert paired_table(read, first, second).rows[-1][:6] == ("bfcl: all", "10", "100.0%", "0.0%", "10", "0")


def test_a_record_of_before_has_neither_suites_nor_clusters():
    made = evaluation(ITEMS, with_suites("a_v1"))
    row = made.to_dict()
    for item in row["items"]:
        del item["cluster"]
    for part in row["models"]:
        del part["suites"]
    assert type(made).from_dict(row) == made


def test_the_held_out_replies_are_a_format_suite_unless_there_is_one():
    made = evaluation(ITEMS, with_suites("a_v1"))
    held_out, form = made.results(made.models[0])
    assert (held_out.suite, len(held_out.tasks), form.suite, len(form.tasks)) == ("held_out", 90, "format", 90)
    own = evaluation(ITEMS, with_suites("a_v1", result(RIGHT, suite="format")))
    assert [each.suite for each in own.results(own.models[0])] == ["held_out", "format"]
    assert own.results(own.models[0])[1].tasks == TASKS
