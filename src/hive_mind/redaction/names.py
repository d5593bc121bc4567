"""What a name says about its value: DB_PASSWORD, apiKey, X-Auth-Token and sessionid hold secrets, max_tokens not."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache


@dataclass(frozen=True, slots=True)
class SecretName:
    """The kind of secret that a name announces. Behind a `weak` name only what looks random is a secret."""

    kind: str
    weak: bool = False


NEEDLES = (
    "pass", "pwd", "psw", "psk", "pw", "contrase", "kennwort", "token", "jwt", "pat", "secret", "credential",
    "mnemonic", "seed", "key", "sess", "sid", "cookie", "srf", "auth", "dsn", "sig", "salt",
)  # fmt: skip
"""One of these is in every name that announces a secret."""


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_SUFFIXES = _set(
    "base b value val string str text plain raw prod production dev development test staging live old new current "
    "primary secondary backup default data content eu us env"
)
_PASSWORDS = re.compile(
    r".*(?:password|passwd|passphrase|passcode|passwort|pwd)|(?!by|com|tres|over|under|sur|im|encom)\w{0,8}pass"
    r"|psw|pw|psk|kennwort|contrasena|contrase"
)
_TOKENS = re.compile(r".*token|jwt")
_NO_TOKENS = _set(
    "max min num total pad eos bos unk mask sep cls next page continuation special stop start cancellation count prev "
    "previous first last current end sync word sub input output"
)
_SECRETS = re.compile(r".*secrets?|credentials?|passkey|mnemonic|seed")
_KEYS = re.compile(r".*(?:api|access|auth|secret|private|priv|license|account|master|signing|encryption|shared)keys?")
_KEY_OWNERS = _set(
    "api access auth private priv secret signing sign encryption encrypt enc master account storage service license "
    "licence app application consumer session shared ssh deploy webhook subscription admin jwt hmac fernet cipher "
    "crypto aes sas write ingest integration functions role rest authentication authorization host tls ssl cookie"
)
_NO_KEYS = _set(
    "public pub primary foreign cache sort partition idempotency object row index unique lookup map dict group order "
    "config setting settings column field table natural composite surrogate candidate search hash sorting bucket "
    "s registry"
)
_SESSIONS = re.compile(r".*sess(?:ion)?id|sid|cookies?|csrf|xsrf|salt")


@lru_cache(maxsize=20_000)
def secret_name(name: str) -> SecretName | None:
    """Return what the name of a variable, field, header or option announces, None where that is no secret."""
    words = [word.lower() for word in _WORD.findall(name)]
    while len(words) > 1 and (words[-1] in _SUFFIXES or words[-1].isdigit()):
        if words[-2:] == ["session", "id"]:
            break
        words.pop()
    if not words:
        return None
    last, before = words[-1], words[:-1]
    if _PASSWORDS.fullmatch(last):
        return SecretName("password")
    if _TOKENS.fullmatch(last):
        return None if _NO_TOKENS.intersection(before) else SecretName("token")
    if last == "pat" and before:
        return SecretName("token")
    if _SECRETS.fullmatch(last):
        return SecretName("secret", weak=last == "seed" and not before)
    if _KEYS.fullmatch(last) or (last in ("key", "keys") and before and before[-1] in _KEY_OWNERS):
        return SecretName("key")
    if last == "key" and before and not _NO_KEYS.intersection(before):
        return SecretName("key", weak=True)
    if _SESSIONS.fullmatch(last) or words[-2:] == ["session", "id"] or last in ("session", "sess"):
        return SecretName("session", weak=True)
    if last in ("auth", "authorization", "signature", "sig", "dsn"):
        return SecretName("auth", weak=True)
    return None
