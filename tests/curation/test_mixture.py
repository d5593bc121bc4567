"""Shares, repetitions, the floor of conversations that call nothing, and negatives whose tool was taken away."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import orjson
import pytest

from hive_mind.conversation import Conversation
from hive_mind.curation import DatasetManifest, DataSettings, build
from hive_mind.curation.accept import accept
from hive_mind.curation.ingest import SourceCounts
from hive_mind.curation.negatives import REFUSALS, without_its_tool
from hive_mind.errors import UsageError
from tests.raw_rows import write_lines, write_raw_folder


def built(folder: Path, said: list[str] | None = None, **settings: Any) -> DatasetManifest:
    lines = [] if said is None else said
    return build(DataSettings(dir=folder / "out", raw_dir=folder / "raw", **settings), say=lines.append)


def rows(path: Path) -> list[dict[str, Any]]:
    return [orjson.loads(line) for line in path.read_bytes().splitlines()]


def training(manifest: DatasetManifest) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Each training row with its line of the index."""
    return list(zip(rows(manifest.train), rows(manifest.train.with_suffix(".index.jsonl")), strict=True))


def calls(row: dict[str, Any]) -> bool:
    return any(turn.get("tool_calls") for turn in row["messages"])


def check_stages(counts: SourceCounts) -> None:
    """What a stage gives on is what came in, less what it left out, and what it made; the last gives what is kept."""
    for stage, after in zip(counts.stages(), [*counts.stages()[1:], {"in": counts.kept}], strict=True):
        assert stage["in"] - sum(stage["left_out"].values()) + sum(stage["made"].values()) == stage["out"]
        assert stage["out"] == after["in"]


def test_a_share_is_kept_and_what_is_over_it_is_counted(tmp_path: Path) -> None:
    write_raw_folder(tmp_path / "raw", code=600, glaive=300, shell=600)
    manifest = built(tmp_path, sources={"code_alpaca": {"share": 0.25}, "bash_commands": {"share": 0.3}})
    shares = {row.source: row.share for row in manifest.composition}
    assert shares["code_alpaca"] == pytest.approx(0.25, abs=0.005)
    assert shares["bash_commands"] == pytest.approx(0.3, abs=0.005)
    assert manifest.sources["code_alpaca"].over_cap > 0 and manifest.sources["glaive_tools"].over_cap == 0


def test_shares_that_no_mix_has_are_an_error(tmp_path: Path) -> None:
    write_raw_folder(tmp_path / "raw", code=50, shell=50)
    with pytest.raises(UsageError, match=r"add up to 0\.7, so no mix has them; leave one"):
        built(tmp_path, sources={"code_alpaca": {"share": 0.3}, "bash_commands": {"share": 0.4}})


def test_scarce_usage_is_repeated_up_to_its_share_or_the_most_repeats(tmp_path: Path) -> None:
    write_raw_folder(tmp_path / "raw", code=1000, usage=40)
    own = {"min_share": 0.1, "max_repeats": 4, "held_out": 0}
    manifest = built(tmp_path, sources={"usage": own})
    usage = [(row, mark) for row, mark in training(manifest) if row["metadata"]["source"] == "usage"]
    assert len(usage) / manifest.rows("train") == pytest.approx(0.1, abs=0.002)
    times = Counter(mark["records"][0] for _, mark in usage)
    assert len(times) == 40 and set(times.values()) <= {2, 3}
    counts = manifest.sources["usage"]
    assert counts.repeats == sum(mark.get("made") == "repeat" for _, mark in usage) == len(usage) - 40
    assert len({row["id"] for row, _ in usage}) == len(usage)
    assert built(tmp_path, sources={"usage": {**own, "max_repeats": 2}}).sources["usage"].train == 80


def test_the_floor_is_met_by_missing_tool_negatives(tmp_path: Path) -> None:
    write_raw_folder(tmp_path / "raw", xlam=900, shell=300, code=30)
    plain = built(tmp_path, no_tool_floor=0)
    assert not plain.sources["xlam"].made
    before = {row["id"] for row, _ in training(plain)}
    held = (plain.files["test.jsonl"], plain.files["validation.jsonl"])
    manifest = built(tmp_path)
    pairs = training(manifest)
    assert sum(not calls(row) for row, _ in pairs) / len(pairs) == pytest.approx(0.15, abs=0.002)
    made = [(row, mark) for row, mark in pairs if mark.get("made")]
    assert {mark["made"] for _, mark in made} == {"missing_tool"}
    assert {row["id"] for row, _ in pairs} - {row["id"] for row, _ in made} == before
    assert held == (manifest.files["test.jsonl"], manifest.files["validation.jsonl"])
    origins = {mark["records"][0]: row for row, mark in pairs if not mark.get("made")}
    for row, mark in made:
        origin = origins[mark["records"][0]]
        needed = {call["function"]["name"] for turn in origin["messages"] for call in turn.get("tool_calls", ())}
        offered = {tool["function"]["name"] for tool in row["tools"]}
        assert offered and not offered & needed
        assert row["messages"][:-1] == origin["messages"][:-1] and row["messages"][-1]["content"] in REFUSALS
        assert isinstance(accept(Conversation.from_dict(row)), Conversation)
    for name, counts in manifest.sources.items():
        assert counts.negatives == sum(row["metadata"]["source"] == name for row, _ in made)
        stages = ["convert", "cut", "deduplicate", "decontaminate", "mix"]
        assert [stage["stage"] for stage in counts.stages()] == stages
        check_stages(counts)
    assert manifest.to_dict()["sources"]["xlam"]["stages"] == manifest.sources["xlam"].stages()


def test_negatives_have_their_own_share_too(tmp_path: Path) -> None:
    write_raw_folder(tmp_path / "raw", shell=300, xlam=20, code=300)
    manifest = built(tmp_path, missing_tool_share=0.1)
    made = sum(mark.get("made") == "missing_tool" for _, mark in training(manifest))
    assert made / manifest.rows("train") == pytest.approx(0.1, abs=0.003)


def test_a_floor_that_cannot_be_met_is_said(tmp_path: Path) -> None:
    write_raw_folder(tmp_path / "raw", shell=100)
    said: list[str] = []
    assert built(tmp_path, said).sources["bash_commands"].negatives == 0
    assert len(said) == 1 and "0.0% of the training rows call no tool, where data.no_tool_floor=0.15" in said[0]


def test_the_mix_is_the_same_under_the_same_seed_and_another_under_another(tmp_path: Path) -> None:
    write_raw_folder(tmp_path / "raw", xlam=400, shell=200, usage=20)
    settings: dict[str, Any] = {"sources": {"usage": {"min_share": 0.2}}, "missing_tool_share": 0.1}
    first = built(tmp_path, **settings)
    (tmp_path / "out" / "manifest.json").unlink()
    assert built(tmp_path, **settings).digest == first.digest
    assert built(tmp_path, seed=7, **settings).digest != first.digest


def test_what_may_do_the_same_is_taken_away_as_well() -> None:
    def tool(name: str) -> dict[str, Any]:
        return {"type": "function", "function": {"name": name, "parameters": {"type": "object", "properties": {}}}}

    row = {
        "messages": [
            {"role": "user", "content": "Rain tomorrow?"},
            {"role": "assistant", "content": "", "tool_calls": [{"name": "get_weather", "arguments": {}}]},
        ],
        "tools": [tool("get_weather"), tool("weatherForecast"), tool("weather.history"), tool("get_time")],
        "metadata": {"source": "messages"},
    }
    row["messages"][1]["tool_calls"] = [{"function": {"name": "get_weather", "arguments": {}}}]
    negative = without_its_tool(row, [tool("weather_map"), tool("send_mail"), tool("translate")])
    assert negative is not None and [each.name for each in negative.tools] == ["get_time", "send_mail"]
    plain = {**row, "messages": [row["messages"][0], {"role": "assistant", "content": "Yes"}]}
    assert without_its_tool(plain, []) is None
    named = {**row, "messages": [{"role": "system", "content": "Use get_weather."}, *row["messages"]]}
    assert without_its_tool(named, []) is None


def test_a_call_that_is_not_learnt_makes_no_negative() -> None:
    """A call made by mistake does not show that its request needs a tool."""
    call = {"function": {"name": "get_weather", "arguments": {}}}
    turns: list[dict[str, Any]] = [
        {"role": "user", "content": "Good morning!"},
        {"role": "assistant", "content": "", "tool_calls": [call], "weight": 0},
        {"role": "tool", "content": "sun"},
        {"role": "assistant", "content": "Good morning to you."},
    ]
    tools = [
        {"type": "function", "function": {"name": name, "parameters": {}}} for name in ("get_weather", "mail", "map")
    ]
    row = {"messages": turns, "tools": tools, "metadata": {"source": "messages"}}
    assert without_its_tool(row, []) is None
    del turns[1]["weight"]
    assert without_its_tool(row, []) is not None


def test_a_mistaken_call_of_a_tool_that_nothing_declares_is_no_place_to_take_tools_from(tmp_path: Path) -> None:
    call = {"name": "nowhere", "arguments": {}}
    turns = [
        {"role": "assistant", "content": "", "tool_calls": [call], "weight": 0},
        {"role": "tool", "content": "no such tool"},
        {"role": "assistant", "content": "I have none."},
    ]
    rows = [{"messages": [{"role": "user", "content": f"Number {n}?"}, *turns]} for n in range(20)]
    write_lines(tmp_path / "raw" / "messages" / "m.jsonl", rows)
    counts = built(tmp_path, near_duplicates="off").sources["messages"]
    assert counts.negatives == 0 and counts.kept == 20
