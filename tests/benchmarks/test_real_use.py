"""What the benchmark over real runs publishes: figures, and neither words of the runs nor folders of this machine."""

import json
from pathlib import Path

from real_use import published

SECRET = "please pay the invoice of the dentist"
FOLDER = str(Path.home() / "runs")


def row(decision, reason):
    return {
        "day": "2026-03-03", "attempt": True, "decision": decision, "reason": reason, "new": 12,
        "candidate": "daily_v1", "champion": "foundation_v1", "scores": {"daily_v1": {"usage": [3, 15]}},
    }  # fmt: skip


def steps(reason):
    return {
        "take_in": {"stored": 0, "imported": {"files": {"messages": 1}, "not_read": [f"{FOLDER}/notes.txt"]}},
        "judge": {
            "decision": "reject", "reasons": [reason, "15 tasks"], "scores": {},
            "checks": [
                {"name": "probes", "outcome": "reject", "reason": reason},
                {"name": "primary", "outcome": "hold", "reason": "15 tasks"},
            ],
        },
    }  # fmt: skip


def test_nothing_of_the_runs_and_no_folder_is_published():
    probe = f"on 1 of 9 probes daily_v1 answers with a dangerous command; the first: {SECRET!r}"
    rejected = published(row("rejected", f"{probe}; 15 tasks"), steps(probe))
    failed = published(row("failed", f"{FOLDER}/suite.jsonl, line 3: {SECRET!r} is not a conversation"), {})
    written = json.dumps([rejected, failed])
    assert SECRET not in written
    assert str(Path.home()) not in written


def test_what_the_gate_said_is_published():
    probe = f"on 1 of 9 probes: {SECRET!r}"
    made = published(row("rejected", f"{probe}; 15 tasks"), steps(probe))
    assert made["reason"] == "probes are not quoted; 15 tasks"
    assert [check["outcome"] for check in made["steps"]["judge"]["checks"]] == ["reject", "hold"]
    assert made["steps"]["take_in"]["imported"]["not_read"] == 1
    assert made["scores"] == {"daily_v1": {"usage": [3, 15]}}
