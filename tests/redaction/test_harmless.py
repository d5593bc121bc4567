"""Hashes, ids, pictures, checksums, stand-ins, references and ordinary code are left alone."""

from __future__ import annotations

import pytest

from hive_mind.redaction import Memory, find, redact
from tests.redaction.harmless import TEXTS, generated


@pytest.mark.parametrize("text", TEXTS)
def test_what_only_looks_like_a_secret_stays(text: str) -> None:
    assert redact(text, Memory()) == text


def test_random_hashes_ids_pictures_and_checksums_stay() -> None:
    touched = [(line[:80], found) for line in generated(2000) if (found := find(line))]
    assert touched == []
