"""Whether a text can hold anything to redact at all: cheap tests that spare nearly every text the patterns.

A text is cut into words, and most words of a data set were seen before and told nothing. Addresses and numbers are
looked for only where a fixed piece of text gives a sign of them, which costs a tenth of what a pattern costs.
"""

from __future__ import annotations

import re
import string
from functools import lru_cache

from hive_mind.redaction.names import secret_name

_SHORT = 40
_SHORTEST_TOKEN = 18
_MOST_WORDS = 300_000

_WORD_BYTES = (string.ascii_letters + "_-").encode()
_WORDS = bytes(ord("0") if chr(b) in string.digits else b if b in _WORD_BYTES else ord(" ") for b in range(256))
"""Translates a text to the words that names and tokens are made of, every digit written 0."""
_DIGITS_AS_0 = bytes(ord("0") if chr(b) in string.digits else b for b in range(256))

_TELLING = re.compile(
    rb"(?i)bearer|cookie|^pin$|^n?login$|^n?connect$|getconnection$|^n?pdo$|mysqli|hf_|-----?begin|putty-user-key|kty$"
    rb"|recovery|vault$|snyk$|heroku$|ngrok$|wandb$|flyctl$|^fly$|glab$|vercel$|netlify$|^hf$|doctl$"
    rb"|pass(?:in|out|wd)?$|auth[_-]?pass|masterauth|add_user|change_password|securestring|sqlplus"
)
"""Words that tell of secrets and are no names of any."""
_COMMANDS = re.compile(
    rb"(?i)mysql|mariadb|redis-cli|curl|wget|https?$|^xh$|mongo|login|twine|^0z|zip$|smb|rpcclient|^net$|ldap|sudo$"
    rb"|hydra|medusa|ncrack|sqlcmd|^bcp$|^az$|ipmitool|mosquitto|winrm|netexec|crackmapexec|lftp|ssh-keygen|nmcli"
)
"""Commands with options for passwords; without any option in the text they tell nothing."""
_KEYS = frozenset((b"key", b"Key", b"KEY", b"keys", b"Keys", b"KEYS"))
_KEY_OWNERS = (
    "api", "access", "secret", "private", "auth", "account", "license", "session", "client", "signing", "master",
    "encryption",
)  # fmt: skip
_IDENTIFIED = frozenset((b"identified", b"IDENTIFIED", b"Identified"))
_SQL = re.compile(r"identified (?:by|with)", re.IGNORECASE)

_EMAIL = re.compile(r"(?<=[\w+.-])@(?!example\.(?:com|org|net)\b)(?:[\w-]+\.)+[A-Za-z]{2}")
_IPV4 = re.compile(r"\d\.\d{1,3}\.\d{1,3}\.\d")
_IPV6 = re.compile(r":[0-9A-Fa-f]{1,4}:(?:[0-9A-Fa-f]{1,4})?:|::[0-9A-Fa-f]{1,4}:")
_PGPASS = re.compile(rb":(?:0000|00000|\*):[A-Za-z_*]")
_CARDS = (b"0000000000000", b"0000 0000 0000", b"0000-0000-0000", b"0000 000000 0000", b"0000-000000-0000")


class _Vocabulary:
    """The words seen so far by what they tell: a cache, which makes texts faster and changes nothing else."""

    def __init__(self) -> None:
        self.ordinary: set[bytes] = set()
        self.telling: set[bytes] = set()
        self.commands: set[bytes] = set()

    def read(self, words: set[bytes]) -> bool:
        """Look at words that may be new; tells whether one of them is shaped like a token."""
        if len(self.ordinary) > _MOST_WORDS:
            self.ordinary.clear()
        token = False
        for word in words - self.ordinary - self.telling - self.commands - _KEYS - _IDENTIFIED:
            if len(word) >= _SHORTEST_TOKEN and b"0" in word:
                token = True  # tokens are all different: remembering them would gain nothing
            elif _TELLING.search(word) or secret_name(word.decode()) is not None:
                self.telling.add(word)
            elif _COMMANDS.search(word):
                self.commands.add(word)
            else:
                self.ordinary.add(word)
        return token


_vocabulary = _Vocabulary()


def may_hold_secrets(text: str) -> bool:
    """Tell whether any rule can find something in a text. True says nothing; False is certain."""
    return _may_hold_secrets(text) if len(text) > _SHORT else _may_short_text(text)


def _may_hold_secrets(text: str) -> bool:
    if "\\" in text:
        if "\\u00" in text or "\\/" in text:
            return True
        text = text.replace("\\n", "  ")  # so that the n is no part of the next word
    raw = text.encode("ascii", "replace")
    return (
        _has_telling_word(text, raw)
        or " /p" in text
        or " /user:" in text
        or holds_home(text)
        or ("@" in text and ("://" in text or _EMAIL.search(text) is not None))
        or _has_telling_number(text, raw.translate(_DIGITS_AS_0))
    )


_may_short_text = lru_cache(maxsize=50_000)(_may_hold_secrets)
"""The same for names of fields and types, which come again and again."""


def holds_token(text: str) -> bool:
    """Tell whether a text has a word as long as a token, with a digit in it (which only Hugging Face's may lack)."""
    words = text.encode("ascii", "replace").translate(_WORDS).split()
    return bool([word for word in words if len(word) >= _SHORTEST_TOKEN and b"0" in word]) or "hf_" in text


def holds_home(text: str) -> bool:
    """Tell whether a text may name a home folder."""
    return "/home/" in text or "Users" in text


def holds_ipv4(text: str) -> bool:
    """Tell whether a text may hold an IPv4 address."""
    return _IPV4.search(text) is not None


def holds_ipv6(text: str) -> bool:
    """Tell whether a text may hold an IPv6 address."""
    return _IPV6.search(text) is not None


def holds_card(text: str) -> bool:
    """Tell whether a text may hold the number of a card."""
    shape = text.encode("ascii", "replace").translate(_DIGITS_AS_0)
    return bool([card for card in _CARDS if card in shape])


def _has_telling_word(text: str, raw: bytes) -> bool:
    listed = raw.translate(_WORDS).split()
    if _vocabulary.ordinary.issuperset(listed):
        return False
    words = set(listed)
    return bool(
        _vocabulary.read(words)
        or not words.isdisjoint(_vocabulary.telling)
        or (" -" in text and not words.isdisjoint(_vocabulary.commands))
        or (not words.isdisjoint(_KEYS) and _names_key(text))
        or (not words.isdisjoint(_IDENTIFIED) and _SQL.search(text))
    )


def _names_key(text: str) -> bool:
    """Tell whether a text speaks of an "API key" or the like, or has a query with a key."""
    lowered = text.lower()
    at = lowered.find(" key")
    while at >= 0:
        if lowered.endswith(_KEY_OWNERS, 0, at):
            return True
        at = lowered.find(" key", at + 4)
    return "?key=" in lowered or "&key=" in lowered


def _has_telling_number(text: str, shape: bytes) -> bool:
    return bool(
        (b"0.0" in shape and _IPV4.search(text))
        or (b"0000" in shape and ([card for card in _CARDS if card in shape] or _PGPASS.search(shape)))
        or (b":*:" in shape and _PGPASS.search(shape))
        or _IPV6.search(text)
    )
