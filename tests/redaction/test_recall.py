"""What is found of the hand-written corpus, and that everything around it stays."""

from __future__ import annotations

from collections import Counter

import pytest

from hive_mind.redaction import Memory, find, prefilter, redact, text
from tests.redaction.corpus import CASES, PERSONAL, Case


def left_of(case: Case) -> list[str]:
    """The secrets of a case that stand in its redacted text, if only with twelve characters in a row."""
    redacted = redact(case.filled, Memory())
    return [secret for secret in case.secrets if any(piece in redacted for piece in pieces(secret))]


def pieces(secret: str) -> list[str]:
    return [secret[i : i + 12] for i in range(max(1, len(secret) - 11))]


def test_the_corpus_is_as_large_as_it_says() -> None:
    secrets = [secret for case in CASES for secret in case.secrets]
    assert len(set(secrets)) >= 350
    assert len({case.kind for case in CASES}) >= 15
    contexts = Counter(case.context for case in CASES)
    assert {"header", "env", "URL", "JSON", "quoted", "multi-line", "JSON escapes", "shell history"} <= contexts.keys()
    assert min(contexts[name] for name in ("header", "env", "URL", "JSON", "quoted", "JSON escapes")) >= 10


def test_at_least_97_of_100_are_found() -> None:
    missed = [(case.kind, case.context, secret) for case in CASES for secret in left_of(case)]
    found = 1 - len(missed) / sum(len(case.secrets) for case in CASES)
    assert found >= 0.97, missed


@pytest.mark.parametrize("context", sorted({case.context for case in CASES}))
def test_no_context_is_a_blind_spot(context: str) -> None:
    cases = [case for case in CASES if case.context == context]
    missed = [secret for case in cases for secret in left_of(case)]
    assert len(missed) <= 0.1 * sum(len(case.secrets) for case in cases), missed


def test_what_stands_around_a_secret_stays() -> None:
    lost = [case for case in CASES if case.stays not in redact(case.filled, Memory())]
    assert lost == []


def test_personal_data_is_counted_as_such() -> None:
    kinds = {"email": "email", "ipv4": "ip", "ipv6": "ip", "home_folder": "user", "card": "card"}
    for case in PERSONAL:
        assert {found.kind for found in find(case.filled)} == {kinds[case.kind]}, case


def test_the_prefilter_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """It may only pass over texts in which no rule finds anything."""
    filled = [case.filled for case in CASES]
    with_it = [find(one) for one in filled]
    monkeypatch.setattr(text, "may_hold_secrets", lambda _: True)
    for holds in ("holds_card", "holds_home", "holds_ipv4", "holds_ipv6"):
        monkeypatch.setattr(f"hive_mind.redaction.personal.{holds}", lambda _: True)
    assert [find(one) for one in filled] == with_it


def test_secrets_are_found_whatever_was_read_before() -> None:
    """The prefilter remembers words; forgetting them, or having seen others, must not decide anything."""
    vocabulary = prefilter._Vocabulary()
    for case in CASES:
        assert prefilter.may_hold_secrets(case.filled), case
        vocabulary.read({word.encode() for word in case.filled.split()})
    prefilter._vocabulary.ordinary.clear()
    prefilter._vocabulary.telling.clear()
    prefilter._vocabulary.commands.clear()
    prefilter._may_short_text.cache_clear()
    for case in CASES[::-1]:
        assert prefilter.may_hold_secrets(case.filled), case
