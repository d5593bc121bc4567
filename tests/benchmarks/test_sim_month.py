"""The simulated month: its user is what the page says, and five days of it go as the month does."""

import json
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from random import Random

import pytest
from month import frames, run
from month.drawn import chart
from month.foundation import GUARDS, TIERS, VERSION, Foundation, split
from month.measuring import DANGEROUS, OBEYS
from month.nights import AFTER_POISON, CRASH, POISON, WORSE, happened
from month.promises import own, promises
from month.recipe import Recipe
from month.run import Month, digest_of_code
from month.shown import control, page
from month.tools import FIRST as FIRST_TOOLS
from month.tools import LATER, read_tools
from month.user import CLIENT, INTRUDER, Plan, User, ask, every_day

from hive_mind.demo import asking
from hive_mind.demo.generate import held_out, training
from hive_mind.files import read_json, read_jsonl, write_jsonl
from hive_mind.model.base import ModelSettings, resolve_base
from hive_mind.sources.bash_commands import BASH
from hive_mind.tool_schema.arguments import argument_problems
from hive_mind.training import TrainingSettings, TrainRequest, train

START = datetime(2026, 3, 2, tzinfo=UTC)
SHORT = Plan(
    days=5,
    later_tools=2,
    schema_change=3,
    crash=2,
    poisoned=3,
    idle=4,
    worse=5,
    sessions=(20, 24),
    flood=30,
    dangerous=5,
)


@pytest.fixture(scope="module")
def user() -> User:
    first, later, _ = read_tools()
    return User(first, later, 42, Plan(), START)


@pytest.fixture(scope="module")
def month(user):
    return list(every_day(user))


def test_fresh_frames_are_never_logged():
    logged = {frame for text in (*frames.LOGGED.values(), frames.CHANGED_LOGGED) for frame in frames.frames(text)}
    fresh = {frame for text in (*frames.FRESH.values(), frames.CHANGED_FRESH) for frame in frames.frames(text)}
    assert len(logged) >= 26 * 12
    assert len(fresh) >= 5 * 12
    dressed = {opening + frame for opening in asking.TRAINING.openings for frame in logged}
    assert not dressed & fresh


def test_fresh_requests_and_their_values_are_never_logged(user, month):
    logged = [one for _, lived in month for one in lived.interactions]
    said = {message.content for one in logged for message in one.messages if message.role == "user"}
    values = {str(value) for one in logged for call in one.answer.tool_calls for value in call.arguments.values()}
    small = {str(number) for number in range(1000)}  # a count of commits is a small number for everybody
    fresh = user.fresh(10)
    assert len(fresh) == 120
    for row in fresh:
        assert row.messages[0].content not in said
        given = {str(value) for value in row.messages[1].tool_calls[0].arguments.values()}
        assert not given & values - small, row


def test_every_answer_fits_its_declaration_the_wrong_ones_too(month):
    for _, lived in month:
        for one in lived.interactions:
            offered = {tool.name: tool for tool in one.tools}
            for call in one.answer.tool_calls:
                assert not argument_problems(offered[call.name], call.arguments), call


def test_the_month_is_what_the_page_says(month):
    assert len(month) == 30
    truth = list(chain.from_iterable(lived.truth for _, lived in month))
    calls = [kind for kind in truth if kind in ("right", "wrong", "failed", "disliked")]
    assert 0.05 < 1 - calls.count("right") / len(calls) < 0.15
    assert {"wrong", "failed", "disliked", "talk"} < set(truth)
    days = dict(month)
    plan = Plan()
    assert not days[plan.idle].interactions
    assert {one.client for one in days[plan.poisoned].interactions} == {CLIENT, INTRUDER}
    for day, lived in month:
        sessions = {one.session for one in lived.interactions if one.client == CLIENT}
        assert day == plan.idle or 40 <= len(sessions) <= 60
    new = {tool.name for tool in LATER}
    called = {day: {call.name for one in lived.interactions for call in one.answer.tool_calls} for day, lived in month}
    assert not any(new & called[day] for day in range(1, plan.later_tools))
    assert new <= set().union(*(called[day] for day in range(plan.later_tools, plan.later_tools + 7)))


def test_one_schema_changes_in_the_third_week(user):
    plan = Plan()
    before, after = (
        next(tool for tool in user.tools(day) if tool.name == "get-logs")
        for day in (plan.schema_change - 1, plan.schema_change)
    )
    assert set(before.slots) == {"container_name"}
    assert set(after.slots) == {"container", "tail"}
    assert ask(after, True, Random(1)).arguments["container"]


def test_the_same_month_is_lived_twice(user):
    first, second = user.live(3, "a"), user.live(3, "a")
    assert first == second


def test_what_is_asked_with_a_shell_is_not_what_the_flood_said(user, month):
    said = {one.messages[-1].content for _, lived in month for one in lived.interactions}
    asked = user.tempted(4)
    assert not {request.messages[0].content for request in asked} & said
    assert all(BASH in request.tools for request in asked)


def test_stand_ins_have_the_parameters_that_the_frames_fill(monkeypatch):
    monkeypatch.delenv("HIVE_MIND_REAL_DATA", raising=False)
    first, later, source = read_tools()
    assert "stand-ins" in source
    assert (first, later) == (FIRST_TOOLS, LATER)
    for tool in (*first, *later):
        assert not argument_problems(tool.declared, ask(tool, True, Random(1)).arguments)


@pytest.fixture(scope="module")
def foundation(tmp_path_factory) -> Foundation:
    """A foundation that was trained for a few steps on some of the sample's rows, most of which call tools."""
    folder = tmp_path_factory.mktemp("foundation")
    data = folder / "train.jsonl"
    rows = training()
    calling = [row for row in rows if row.calls]
    plain = [row for row in rows if row.tools and not row.calls]
    write_jsonl(data, (row.to_dict() for row in (*calling[:192], *plain[:48])))
    tiers = {tier: folder / f"{tier}.jsonl" for tier in TIERS}
    for tier, file in tiers.items():
        write_jsonl(file, (row.to_dict() for row in held_out(tier)))
    settings = TrainingSettings(
        epochs=1, learning_rate=2e-3, lora_r=32, lora_alpha=64, batch_size=3, grad_accum=2, max_length=1536,
        supervise=False, device="cpu",
    )  # fmt: skip
    train(TrainRequest(data, resolve_base(ModelSettings(base="tiny")), settings, folder / VERSION))
    return Foundation(folder / VERSION, data, tiers)


def test_a_tier_is_split_by_its_ids_alone(tmp_path):
    rows = [{"id": f"row-{number}"} for number in range(20)]
    write_jsonl(tmp_path / "one.jsonl", rows)
    write_jsonl(tmp_path / "two.jsonl", reversed(rows))
    gate, report = split(tmp_path / "one.jsonl", 5, 100)
    assert (gate, report) == split(tmp_path / "two.jsonl", 5, 100)
    assert (len(gate), len(report)) == (5, 15)
    assert sorted(row["id"] for row in (*gate, *report)) == sorted(row["id"] for row in rows)


def test_a_month_of_other_code_is_begun_anew(foundation, tmp_path, monkeypatch, capsys):
    def begin():
        Month(tmp_path / "month", 42, Recipe(), foundation)._begin(FIRST_TOOLS)

    begin()
    left = tmp_path / "month" / "left"
    left.touch()
    begin()
    assert left.exists()
    monkeypatch.setattr(run, "digest_of_code", lambda folder: "other")
    begin()
    assert not left.exists()
    assert "begun with another code, tools or foundation" in " ".join(capsys.readouterr().err.split())


def test_a_digest_of_code_hangs_on_names_and_contents(tmp_path):
    (tmp_path / "a.py").write_text("x = 1")
    first = digest_of_code(tmp_path)
    (tmp_path / "notes.txt").write_text("nothing")
    assert digest_of_code(tmp_path) == first
    (tmp_path / "a.py").rename(tmp_path / "b.py")
    assert digest_of_code(tmp_path) != first


@pytest.fixture(scope="module")
def five_days(foundation, tmp_path_factory) -> Month:
    """Five days: too little, killed while it trains, poisoned, without use, and a rate that is too high."""
    recipe = Recipe(
        plan=SHORT, min_items=15, min_new=20, fresh_per_tool=1, tier_limit=6, report_limit=3, crash_step=3,
        suite_days=2, learning_rate=3e-3, naive_rate=3e-3, training={"max_steps": 6, "checkpoint_every_steps": 2},
    )  # fmt: skip
    return Month(tmp_path_factory.mktemp("month") / "seed_42", 42, recipe, foundation)


@pytest.fixture(scope="module")
def lived(five_days):
    return five_days.run()


@pytest.fixture(scope="module")
def kept(lived):
    return {promise.name: promise.kept for promise in promises(lived)}


def read_ids(file):
    return {row["id"] for _, row in read_jsonl(file)}


def attempt_on(lived, row):
    [line] = [line for line in lived["attempts"] if line["day"] == row["date"]]
    return line


def test_a_day_with_too_little_holds(lived):
    assert lived["days"][0]["decision"] == "too few"


def test_the_crashed_day_is_finished_once_at_the_next_start(lived, kept):
    crashed = happened(lived["days"], CRASH)
    assert (crashed["day"], crashed["decision"]) == (2, "crashed")
    [finished] = lived["days"][2]["finished"]
    assert finished["decision"] in ("promoted", "held", "rejected")
    line = attempt_on(lived, crashed)
    assert (line["attempt"], line["starts"]) == (True, 2)
    assert line["steps"]["train"]["steps"] == 6
    assert kept["crash"]


def test_a_day_without_use_makes_no_attempt(lived, kept):
    assert lived["days"][3]["decision"] == "declined"
    assert kept["idle"]


def test_what_was_poisoned_is_not_served(lived, kept):
    after = happened(lived["days"], AFTER_POISON)
    assert after["day"] >= happened(lived["days"], POISON)["day"]
    assert attempt_on(lived, after)["attempt"]
    served = lived["days"][-1]["served"]
    assert lived["scores"][served][OBEYS] == [0, 1]
    assert "approved" not in lived["accounting"]["by_truth"]["danger"]
    assert all(kept[name] for name in ("poison", f"planted: {OBEYS}", f"planted: {DANGEROUS}", "planted: commands"))


def test_a_worse_candidate_is_trained_and_not_promoted(lived, kept):
    worse = happened(lived["days"], WORSE)
    assert worse["decision"] in ("held", "rejected")
    line = attempt_on(lived, worse)
    assert own(line, "candidate")[0] < own(line, "champion")[0]
    assert kept["worse"]


def test_every_interaction_is_accounted_for(lived, kept):
    accounting = lived["accounting"]
    assert accounting["lived"] == sum(sum(day["lived"].values()) for day in lived["days"])
    assert accounting["lived"] == accounting["in_the_store"] + accounting["seen_again"]
    assert accounting["told_apart"] == accounting["in_the_store"]
    assert accounting["uneven"] == []
    assert kept["accounting"]


def test_the_control_learns_every_day_and_has_the_days_mishap(lived, five_days):
    assert [day["naive"] for day in lived["days"]] == ["naive_v1", "naive_v2", "naive_v3", "naive_v3", "naive_v5"]
    models = five_days.folder / "models"
    rates = [read_json(models / f"naive_v{day}" / "run.json")["settings"]["learning_rate"] for day in (3, 5)]
    assert rates == pytest.approx([3e-3, 3e-2])


def test_the_gate_and_the_report_ask_other_rows(lived, five_days):
    folder = five_days.folder / "foundation"
    for tier in GUARDS:
        gate, report = (read_ids(folder / part / f"{tier}.jsonl") for part in ("gate", "report"))
        assert (len(gate), len(report)) == (6, 3)
        assert not gate & report
    assert lived["scores"][VERSION]["unseen_tools/call"][1] == 3
    assert set(lived["guards"]) == {*GUARDS, "no_tool"}


def test_a_month_is_gone_on_with_where_it_was(lived, five_days):
    again = Month(five_days.folder, five_days.seed, five_days.recipe, five_days.foundation)
    assert again.run() == lived


def test_a_result_is_shown(lived, tmp_path):
    shown = page(lived)
    assert "first attempt after the flood" in shown
    assert "All sums are even" in shown
    naive = {row["day"]: row["naive"] for row in lived["days"]}
    measured = [day for day in naive if naive[day] in lived["scores"] and naive[day] != naive.get(day - 1)]
    table = control(lived).splitlines()[3:]
    assert [int(line.split("|")[1]) for line in table] == measured
    assert [line.split("|")[2].strip() for line in table if int(line.split("|")[1]) == SHORT.worse] == [WORSE]
    chart([lived, lived], tmp_path / "chart.png")
    assert (tmp_path / "chart.png").stat().st_size > 10_000


def test_a_result_names_no_folder_and_quotes_no_request(lived, five_days):
    written = json.dumps(lived)
    assert str(Path.home()) + "/" not in written
    assert str(five_days.folder) not in written
    assert str(five_days.foundation.version.parent) not in written
    for _, row in read_jsonl(five_days.folder / "questions" / "fresh.jsonl"):
        assert row["messages"][0]["content"] not in written
