"""What people read: shares with intervals, losses, paired differences."""

from hive_mind.evaluation.records import Loss, Score
from hive_mind.evaluation.tables import loss_table, manners_table, paired_table, score_table
from tests.evaluation.synthetic import asked, evaluation, flags, model

ITEMS = asked(mine__call=10, unseen__call=10, mine__no_tool=4)
GIVEN = (
    Score("mine", "mine", "call", 10, 3, 0.3, 0.1, 0.6, 10, 0, 9),
    Score("unseen", "x", "call", 10, 1, 0.1, 0, 0.4, 10, 0, 9),
)
MADE = evaluation(
    ITEMS,
    model("base", ITEMS, {"call": flags(20, 0), "no_tool": flags(4, 4)}, calls=0, format_given=GIVEN),
    model("new_v1", ITEMS, {"mine__call": flags(10, 7), "unseen__call": flags(10, 2), "mine__no_tool": flags(4, 3)}),
)


def rows(table):
    return {row[0]: row[1:] for row in table.rows}


def test_scores():
    table = score_table(MADE)
    assert table.header == ("", "items", "base", "new_v1")
    assert rows(table) == {
        "mine: tool calls": ("10", "0.0% (0–28)", "70.0% (40–89)"),
        "unseen: tool calls": ("10", "0.0% (0–28)", "20.0% (6–51)"),
        "mine: no tool fits": ("4", "100.0% (51–100)", "75.0% (30–95)"),
        "tool calls, beginning given": ("20", "20.0% (8–42)", ""),
    }


def test_losses():
    assert rows(loss_table(MADE)) == {"mine": ("100", "1.250", "1.250")}
    assert Loss("a", "b", 1.0, 2, 3).tokens == 2


def test_manners():
    assert rows(manners_table(MADE)) == {
        "calls a tool where one is needed": ("20", "0.0%", "100.0%"),
        "calls a tool where none fits": ("4", "0.0%", "25.0%"),
        "reply had to be mended to be read": ("24", "0.0%", "0.0%"),
        "reply ended by itself, tools offered": ("24", "100.0%", "100.0%"),
    }


def test_pairs():
    table = paired_table(MADE, MADE.model("new_v1"), MADE.model("base"))
    found = rows(table)
    assert table.title == "new_v1 against base"
    assert list(found) == [
        "mine: tool calls", "unseen: tool calls", "mine: no tool fits", "all: tool calls",
        "format: held_out/mine", "format: held_out/unseen", "format: all",
    ]  # fmt: skip
    assert found["mine: tool calls"][:6] == ("10", "70.0%", "0.0%", "7", "0", "+70.0")
    p = table.header.index("p (one-sided)") - 1
    assert found["mine: tool calls"][p] == "0.0078"
    assert found["mine: no tool fits"][3:6] == ("0", "1", "-25.0")
    assert found["all: tool calls"][:5] == ("20", "45.0%", "0.0%", "9", "0")
