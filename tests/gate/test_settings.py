"""The gate's settings: the file, what wins over it, and the guards that are always there."""

from pathlib import Path

import pytest

from hive_mind.config import check, dump, load
from hive_mind.errors import UsageError
from hive_mind.gate import GateSettings
from hive_mind.pipeline import RunSettings

FILE = Path(__file__).parents[2] / "configs" / "gate.yaml"


def settings(**values):
    return check(GateSettings, values, "test")


def test_the_commented_file_shows_every_setting_with_its_default():
    assert dump(settings(file=str(FILE))) == dump(GateSettings()) | {"file": str(FILE)}
    text = FILE.read_text()
    assert [name for name in GateSettings.model_fields if name != "file" and f"\n{name}:" not in text] == []


def test_what_is_set_beside_the_file_wins_key_by_key():
    run = load(RunSettings, None, ["name=x", f"gate.file={FILE}", "gate.alpha=0.01", "gate.guards.code.margin=0.2"])
    assert (run.gate.alpha, run.gate.guards["code"].margin, run.gate.guards["code"].tasks) == (0.01, 0.2, ["code/*"])
    assert run.gate.guards["no_tool"].floor == 0.8


def test_the_usual_guards_cannot_be_left_out():
    assert list(settings(guards={}).guards) == list(GateSettings().guards)
    mine = settings(guards={"mine": {"tasks": ["usage/*"]}, "no_tool": {"tasks": ["held_out/chat/no_tool"]}}).guards
    assert set(mine) == {*GateSettings().guards, "mine"}
    assert (mine["no_tool"].tasks, mine["no_tool"].floor) == (["held_out/chat/no_tool"], 0.8)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"guards": {"mine": {"margin": 0.1}}}, "guards.mine.tasks"),
        ({"guards": {"no_tool": {"tasks": []}}}, "guards.no_tool.tasks"),
        ({"guards": {"no_tool": 3}}, "guards.no_tool"),
        ({"guards": 3}, "guards=3"),
        ({"primary_tiers": ["x"]}, "unknown key primary_tiers"),
        ({"file": "gone.yaml"}, "gone.yaml does not exist"),
    ],
)
def test_what_cannot_be_is_named(values, said):
    with pytest.raises(UsageError, match=said):
        settings(**values)


def test_they_are_read_back_as_they_are_recorded():
    made = settings(guards={"code": {"margin": 0.3}}, must_pass=["held_out/pinned/*"])
    assert check(GateSettings, dump(made), "a record") == made
