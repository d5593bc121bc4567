"""Names that announce secrets, names that do not, and values that are none."""

from __future__ import annotations

import pytest

from hive_mind.redaction.names import secret_name
from hive_mind.redaction.values import is_firm_secret, is_quoted_secret, residue


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("DB_PASSWORD", "password"), ("dbPassword", "password"), ("spring.datasource.password", "password"),
        ("MYSQL_ROOT_PASSWORD_PROD", "password"), ("pwd", "password"), ("smtp_pass", "password"),
        ("apiKey", "key"), ("X-Api-Key", "key"), ("SecretAccessKey", "key"), ("SECRET_KEY_BASE", "key"),
        ("access_token", "token"), ("csrfmiddlewaretoken", "token"), ("GITHUB_PAT", "token"),
        ("client_secret", "secret"), ("aws_secret_access_key", "key"), ("API_KEY_2", "key"),
        ("sessionid", "session"), ("session_id", "session"), ("connect.sid", "session"), ("Authorization", "auth"),
    ],
)  # fmt: skip
def test_names_of_secrets(name: str, kind: str) -> None:
    announced = secret_name(name)
    assert announced is not None and announced.kind == kind


@pytest.mark.parametrize(
    "name",
    [
        "max_tokens", "pad_token", "next_page_token", "tokenizer", "password_field", "password_length", "secret_name",
        "key", "keys", "primary_key", "cache_key", "public_key", "sort_key", "keyboard", "passenger", "bypass",
        "compass",
        "passport", "author", "secretary", "monkey", "path", "patch", "pat", "",
    ],
)  # fmt: skip
def test_names_of_other_things(name: str) -> None:
    assert secret_name(name) is None


@pytest.mark.parametrize(
    "value",
    [
        "", "$TOKEN", "${TOKEN}", "%TOKEN%", "{{ token }}", "<your token>", "changeme", "password123", "YOUR_API_KEY",
        "xxxxxxxx",
        "********", "my-secret-key", "12345678", "abc123", "/run/secrets/db", "certs/server.key", "https://example.com/x",
        "<SECRET:token:1>", ":password", "example", "test", "admin", "P@ssw0rd!",
        "insert-your-secret-here",
    ],
)  # fmt: skip
def test_stand_ins_and_references(value: str) -> None:
    assert not is_firm_secret(value, "password") and not is_quoted_secret(value, "password")


def test_what_is_left_of_a_value_without_what_stand_ins_are_made_of() -> None:
    assert residue("my-password123") == ""
    assert residue("Tr0ub4dor&3") == "tr0ub4dor3"
