"""Near-duplicates: found, decided exactly, one of each cluster stays, and none on both sides where all stay."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path
from typing import Any

import orjson

from hive_mind.curation import DatasetManifest, DataSettings, build
from hive_mind.curation.shingles import character_shingles, jaccard, word_shingles
from tests.raw_rows import glaive_row, usage_row, write_array, write_lines

WORDS = [f"{first}{second}" for first in ("ba", "ke", "li", "mo", "nu", "pra", "sti", "tor", "wex", "zan")
         for second in ("der", "fel", "gon", "hip", "jat", "kor", "lum", "mis", "nop", "rud")]  # fmt: skip


def text(rng: random.Random, count: int) -> list[str]:
    return [rng.choice(WORDS) for _ in range(count)]


def row(request: list[str], answer: list[str]) -> dict[str, Any]:
    return {"instruction": " ".join(request), "input": "", "output": " ".join(answer)}


def reworded(words: list[str], rng: random.Random) -> list[str]:
    """Another word at the end of the text, so that 94 % of its shingles stay."""
    return [*words[:-1], rng.choice(WORDS) + "x"]


def built(folder: Path, **settings: Any) -> DatasetManifest:
    return build(DataSettings(dir=folder / "out", raw_dir=folder / "raw", **settings), say=lambda _: None)


def removed(folder: Path) -> list[dict[str, Any]]:
    return [orjson.loads(line) for line in (folder / "out" / "removed.jsonl").read_bytes().splitlines()]


def test_planted_near_duplicates_are_found(tmp_path: Path) -> None:
    """A tenth of the rows stands in clusters of 2 to 500."""
    rng = random.Random(5)
    rows = [row(text(rng, 12), text(rng, 40)) for _ in range(8_200)]
    planted = 0
    for size in (500, 200, 60, 30, 15, 8, 5, 4, 3, 3, *[2] * 36):
        request, answer = text(rng, 12), text(rng, 40)
        rows += [row(request, reworded(answer, rng)) for _ in range(size - 1)] + [row(request, answer)]
        planted += size - 1
    rng.shuffle(rows)
    write_array(tmp_path / "raw" / "code_alpaca" / "a.json", rows)
    counts = built(tmp_path).sources["code_alpaca"]
    found = counts.near_duplicates + counts.duplicates
    assert 0.95 * planted <= found <= planted
    assert len(removed(tmp_path)) == counts.near_duplicates + sum(r["reason"] == "duplicate" for r in removed(tmp_path))


def test_the_longest_of_a_cluster_stays_whatever_the_order(tmp_path: Path) -> None:
    rng = random.Random(6)
    request, answer = text(rng, 20), text(rng, 60)
    rows = [row(request, answer[:-1]), row(request, [*answer, "and", "more"]), row(request, answer)]
    for order in (rows, rows[::-1]):
        write_array(tmp_path / "raw" / "code_alpaca" / "a.json", [*order, row(text(rng, 20), text(rng, 60))])
        kept = [orjson.loads(line) for line in built(tmp_path).train.read_bytes().splitlines()]
        assert len(kept) == 2
        assert any(turn["content"].endswith("and more") for each in kept for turn in each["messages"])


def test_what_differs_in_case_and_space_alone_is_a_duplicate(tmp_path: Path) -> None:
    rows = [{"nl": "List  the files", "bash": "ls"}, {"nl": "list the FILES", "bash": "ls"},
            {"nl": "list the files", "bash": "ls -a"}]  # fmt: skip
    write_lines(tmp_path / "raw" / "nl2sh" / "s.jsonl", rows)
    counts = built(tmp_path).sources["bash_commands"]
    assert (counts.duplicates, counts.near_duplicates, counts.train) == (1, 0, 2)


def test_own_usage_wins_over_public_rows(tmp_path: Path) -> None:
    rng = random.Random(7)
    request, answer = text(rng, 20), text(rng, 60)
    write_array(tmp_path / "raw" / "code_alpaca" / "a.json", [row(request, [*answer, "longer"]), row(["b"], ["c"])])
    own = {"user_request": " ".join(request), "tool": "chat", "output": " ".join(answer)}
    write_lines(tmp_path / "raw" / "usage" / "u.jsonl", [own])
    manifest = built(tmp_path)
    assert manifest.sources["usage"].train == 1
    assert manifest.sources["code_alpaca"].near_duplicates == 1
    assert [each["of"].split("-")[0] for each in removed(tmp_path)] == ["usage"]


def test_a_request_once_answered_by_a_call_and_once_declined_is_two_rows(tmp_path: Path) -> None:
    words = " ".join(text(random.Random(8), 80))
    tool = {"name": "order", "parameters": {"type": "object", "properties": {"what": {"type": "string"}}}}
    ask = {"role": "user", "content": words}
    call = {"role": "assistant", "content": "", "tool_calls": [{"name": "order", "arguments": {"what": "it"}}]}
    rows = [{"messages": [ask, call], "tools": [tool]},
            {"messages": [ask, {"role": "assistant", "content": "I cannot do that."}], "tools": [tool]}]  # fmt: skip
    write_lines(tmp_path / "raw" / "messages" / "m.jsonl", rows)
    assert built(tmp_path).sources["messages"].near_duplicates == 0


def test_kept_near_duplicates_end_in_one_split(tmp_path: Path) -> None:
    """Usage is split by time and public rows by their tools: a cluster that spans both is split as one."""
    rng = random.Random(9)
    pairs = [(text(rng, 20), text(rng, 60)) for _ in range(120)]
    public = [row(request, [*answer, f"x{n}"]) for request, answer in pairs for n in range(3)]
    write_array(tmp_path / "raw" / "code_alpaca" / "a.json", public)
    usage = [
        {**usage_row(n), "tool": "chat", "user_request": " ".join(request), "output": " ".join(answer)}
        for n, (request, answer) in enumerate(pairs[:60])
    ]
    write_lines(tmp_path / "raw" / "usage" / "u.jsonl", usage)
    write_array(tmp_path / "raw" / "glaive" / "g.json", [glaive_row(n) for n in range(90)])
    manifest = built(tmp_path, near_duplicates="keep", validation_share=0.1, test_share=0.1)
    assert sum(counts.near_duplicates + counts.duplicates for counts in manifest.sources.values()) == 0
    sides: dict[str, set[str]] = {}
    sizes: Counter[str] = Counter()
    for split in ("train", "validation", "test"):
        index = getattr(manifest, split).with_suffix(".index.jsonl")
        for mark in map(orjson.loads, index.read_bytes().splitlines()):
            for key in (mark["group"], mark.get("cluster")):
                if key:
                    sides.setdefault(key, set()).add(split)
                    sizes[key] += 1
    assert sum(size == 4 for size in sizes.values()) >= 60
    assert all(len(split) == 1 for split in sides.values())
    assert manifest.sources["usage"].test > 0 and manifest.sources["code_alpaca"].test > 0


def test_shingles_are_those_of_each_text_alone() -> None:
    def by_hand(said: str) -> set[tuple[str, ...]]:
        parts = said.split()
        return {tuple(parts[at : at + 5]) for at in range(max(len(parts) - 4, 1))} if parts else set()

    rng = random.Random(10)
    texts = [" ".join(text(rng, count)) for count in (0, 1, 4, 5, 6, 30, 30, 7)]
    texts.append(" ".join(texts[5].split()[3:]))
    shingles = word_shingles([each.encode() for each in texts])
    for one, said in enumerate(texts):
        assert len(set(shingles.of(one).tolist())) == len(by_hand(said))
        for other, also in enumerate(texts):
            common = set(shingles.of(one).tolist()) & set(shingles.of(other).tolist())
            assert len(common) == len(by_hand(said) & by_hand(also))
    characters = character_shingles([b"abcdef", b"", b"xyz", b"bcdefg"])
    assert [len(characters.of(at)) for at in range(4)] == [2, 0, 1, 2]
    assert characters.of(0)[1] == characters.of(3)[0]
    assert jaccard(characters.of(1), characters.of(1)) == 0
