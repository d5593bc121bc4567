"""Real rows: what is touched is there, next to nothing is touched wrongly, and it is fast."""

from __future__ import annotations

import ipaddress
import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from hive_mind.conversation import Conversation
from hive_mind.redaction import find_in_conversation, may_hold_secrets, redact_conversation, text
from hive_mind.redaction.conversation import _rewrite
from hive_mind.redaction.text import Found, find
from hive_mind.sources import SOURCES
from hive_mind.sources.raw import RawRow, read_raw

pytestmark = pytest.mark.real

FILES = {
    "code_alpaca": "code_alpaca/code_alpaca_20k.json", "bash_commands": "nl2bash/nl2bash.jsonl",
    "glaive_tools": "glaive/glaive_conversations_220.jsonl", "xlam": "xlam/xlam_700.jsonl",
    "messages": "usage/livemcpbench_runs_60.jsonl",
}  # fmt: skip
MANY = {"code_alpaca": 2500, "bash_commands": 1600}


@pytest.fixture(scope="module")
def rows(real_data: Path) -> list[Conversation]:
    """5,000 rows or more: all of the small sources, a sample of the large ones."""
    rng = random.Random(5)
    sample: list[Conversation] = []
    for source, name in FILES.items():
        converted = list(conversations(source, real_data / name))
        sample += rng.sample(converted, min(MANY.get(source, len(converted)), len(converted)))
    assert len(sample) >= 5000
    return sample


def conversations(source: str, path: Path) -> Iterator[Conversation]:
    for item in read_raw(path):
        result = SOURCES[source].convert(item.row) if isinstance(item, RawRow) else item
        if isinstance(result, Conversation):
            yield result


def found_in(conversation: Conversation) -> list[Found]:
    found: list[Found] = []

    def look(content: str, _: str) -> str:
        found.extend(find(content))
        return content

    _rewrite(conversation, look)
    return found


def is_there(found: Found) -> bool:
    """Tell whether personal data is what it is taken for; of a secret only a person can tell."""
    if found.kind == "email":
        return "@" in found.value and "." in found.value.partition("@")[2]
    if found.kind == "ip":
        address = ipaddress.ip_address(found.value)
        return not (address.is_loopback or address.is_unspecified or address.is_multicast)
    return found.kind in ("user", "card")


def test_at_most_one_row_of_200_is_touched_wrongly(rows: list[Conversation]) -> None:
    """Rows with secrets, of which only a person can tell, are all counted as wrong here, though most are right."""
    touched = {row.id: found_in(row) for row in rows if find_in_conversation(row)}
    doubtful = [id for id, found in touched.items() if not found or not all(map(is_there, found))]
    assert len(doubtful) <= 0.005 * len(rows)
    assert len(touched) <= 0.025 * len(rows)


def test_redacted_rows_are_clean_and_of_the_same_shape(rows: list[Conversation]) -> None:
    for row in rows:
        redacted, counts = redact_conversation(row)
        if counts:
            assert not find_in_conversation(redacted)
            assert [call.name for call in redacted.calls] == [call.name for call in row.calls]
            assert [list(call.arguments) for call in redacted.calls] == [list(call.arguments) for call in row.calls]
        else:
            assert redacted is row


def test_the_prefilter_changes_nothing(rows: list[Conversation], monkeypatch: pytest.MonkeyPatch) -> None:
    contents = [message.content for row in rows[::5] for message in row.messages if len(message.content) < 4000]
    passed_over = [content for content in contents if not may_hold_secrets(content)]
    assert len(passed_over) > 0.7 * len(contents)
    monkeypatch.setattr(text, "may_hold_secrets", lambda _: True)
    assert [content for content in passed_over if find(content)] == []


def test_two_kilobytes_take_a_tenth_of_a_millisecond(rows: list[Conversation]) -> None:
    """145,000 rows of 2 KB in 15 s are 103 microseconds a row; the bound leaves room for a busy machine."""
    short = [row for row in rows if row.source != "messages"]
    size = sum(
        len(message.content) + sum(len(str(c.arguments)) for c in message.tool_calls)
        for row in short
        for message in row.messages
    )
    size += sum(len(tool.description) + len(str(tool.parameters)) for row in short for tool in row.tools)
    begun = time.process_time()
    for row in short:
        redact_conversation(row)
    seconds = time.process_time() - begun
    assert seconds / size * 2048 < 3 * 103e-6
