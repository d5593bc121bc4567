"""Servers out of the clients' own configuration files, with placeholders, comments, duplicates and secrets."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given

from hive_mind.catalogue import jsonc
from hive_mind.catalogue.clients import Found, client_files, find_servers
from tests.sources.test_never_raise import JSON_VALUES


@pytest.fixture(autouse=True)
def linux(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)


def write(home: Path, **files: Any) -> None:
    places = {
        "claude_code": ".claude.json", "claude_desktop": ".config/Claude/claude_desktop_config.json",
        "cursor": ".cursor/mcp.json", "vscode": ".config/Code/User/mcp.json",
    }  # fmt: skip
    for name, content in files.items():
        file = home / places[name]
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content if isinstance(content, str) else json.dumps(content))


def found(home: Path, *projects: Path) -> Found:
    return find_servers(client_files(home, projects), home)


def test_every_client_and_its_layout(tmp_path: Path) -> None:
    (tmp_path / "shop").mkdir()
    files = {"command": "npx", "args": ["-y", "server-files", "/data"]}
    write(
        tmp_path,
        claude_code={
            "numStartups": 3, "mcpServers": {"files": files},
            "projects": {str(tmp_path / "shop"): {"mcpServers": {"shop": {"command": "shop-mcp"}}, "allowedTools": []}},
        },
        claude_desktop={"mcpServers": {"files": files, "notes": {"command": "notes"}}},
        cursor={"mcpServers": {"web": {"url": "http://127.0.0.1:9/mcp", "headers": {"X-Team": "a"}}}},
        vscode='{\n  // ours\n  "servers": {"old": {"type": "sse", "url": "http://127.0.0.1:9/sse"},},\n}',
    )  # fmt: skip
    servers = {server.name: server for server in found(tmp_path).servers}
    assert list(servers) == ["files", "shop", "notes", "web", "old"]
    assert servers["files"].clients == ("claude-code", "claude-desktop")
    assert servers["files"].command == ("npx", "-y", "server-files", "/data")
    assert servers["shop"].cwd == str(tmp_path / "shop")
    assert (servers["web"].transport, servers["old"].transport) == ("http", "sse")
    assert servers["web"].headers == {"X-Team": "a"}


def test_files_of_a_project_are_read_only_for_one_that_is_named(tmp_path: Path) -> None:
    project = tmp_path / "cloned"
    (project / ".vscode").mkdir(parents=True)
    (project / ".mcp.json").write_text('{"mcpServers": {"theirs": {"command": "anything"}}}')
    (project / ".vscode" / "mcp.json").write_text('{"servers": {"here": {"command": "${workspaceFolder}/run"}}}')
    assert found(tmp_path).servers == ()
    servers = found(tmp_path, project).servers
    assert [(one.name, one.command[0]) for one in servers] == [("theirs", "anything"), ("here", f"{project}/run")]


def test_placeholders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLACE", "/data")
    monkeypatch.delenv("ABSENT", raising=False)
    (tmp_path / "keys.env").write_text("# mine\nexport A=1\nB = 'two words'\n\nbroken\n")
    write(tmp_path, cursor={"mcpServers": {
        "good": {"command": "${userHome}/run", "args": ["${PLACE}", "${ABSENT:-here}", "${env:PLACE}${/}x"],
                 "env": {"B": "${PLACE}"}, "envFile": "${userHome}/keys.env", "cwd": "${userHome}"},
        "asks": {"command": "x", "env": {"KEY": "${input:key}"}}, "lacks": {"url": "http://a/${ABSENT}"},
        "off": {"command": "x", "disabled": True},
        "no url": {"url": "http://[a"}, "empty": {}, "list": [], "gone": {"command": "x", "envFile": "none"},
        "self": {"command": "/opt/venv/bin/hive-mind", "args": ["mcp"]},
        "through us": {"command": "hive-mind", "args": ["mcp", "proxy", "--", "x"]},
    }})  # fmt: skip
    result = found(tmp_path)
    good, through = result.servers
    assert good.command == (f"{tmp_path}/run", "/data", "here", "/data/x")
    assert (good.env, good.cwd) == ({"A": "1", "B": "/data"}, str(tmp_path))
    assert through.name == "through us"
    reasons = result.skipped
    assert list(reasons) == ["asks", "lacks", "off", "no url", "empty", "list", "gone", "self"]
    assert reasons["asks"] == "it needs ${input:key}, which only the editor asks for (cursor)"
    assert reasons["lacks"] == "it needs the environment variable ABSENT, which is not set (cursor)"
    assert reasons["self"] == "it is Hive-Mind itself (cursor)"


def test_two_servers_of_one_name_are_told_apart_by_their_clients(tmp_path: Path) -> None:
    for client, key, command in (
        ("claude_code", "mcpServers", "a"),
        ("cursor", "mcpServers", "b"),
        ("vscode", "servers", "b"),
    ):
        write(tmp_path, **{client: {key: {"files": {"command": command}}}})
    assert [(one.name, one.command, one.clients) for one in found(tmp_path).servers] == [
        ("files", ("a",), ("claude-code",)),
        ("files@cursor", ("b",), ("cursor", "vscode")),
    ]


def test_what_counts_as_a_secret(tmp_path: Path) -> None:
    token = "ghp_" + "Ab3" * 12
    env = {"NODE_ENV": "production", "DB_PASSWORD": "opensesame", "PORT": "80"}
    url = "https://me:" + "pa55-word-x@example.com/mcp?key=k-0123456"
    servers = {
        "a": {"command": "run", "args": ["--api-key", token], "env": env},
        "b": {"url": url, "headers": {"Authorization": "Bearer abc-123-def"}},
    }
    write(tmp_path, claude_code={"mcpServers": servers})
    a, b = found(tmp_path).servers
    assert a.secrets == {token, "opensesame"}
    assert {"abc-123-def", "pa55-word-x", "k-0123456"} <= b.secrets and "Bearer" not in b.secrets


def test_a_broken_file_stops_no_other(tmp_path: Path) -> None:
    write(tmp_path, claude_code="{", cursor={"mcpServers": {"web": {"url": "http://a"}}}, vscode="[1]")
    result = found(tmp_path)
    assert [one.name for one in result.servers] == ["web"]
    assert "cannot be read" in result.broken[str(tmp_path / ".claude.json")]
    assert tmp_path / ".claude.json" not in result.looked_at and len(result.looked_at) == 3


@given(JSON_VALUES, JSON_VALUES)
def test_any_value_in_any_place(value: Any, other: Any) -> None:
    home = Path("/nowhere/at/all")
    project = {"mcpServers": {"a": {"url": "x", "headers": value, "env": other}}}
    listed = {"a": value, "b": {"command": value, "args": other}, "c": {"command": "x", "args": [value], "env": other}}
    for content in (value, {"mcpServers": value}, {"servers": listed}, {"projects": {"p": project, "q": value}}):
        with patch.object(Path, "read_text", return_value=json.dumps(content)):
            result = find_servers([("file", home / "file.json")], home)
        for server in result.servers:
            assert server.command or server.url is not None
            assert all(len(secret) >= 6 for secret in server.secrets)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"a": 1, // one\n "b": [1, 2,], /* two\n */ }', {"a": 1, "b": [1, 2]}),
        ('{"url": "http://a//b", "c": "/* no */", "d": ",]"}', {"url": "http://a//b", "c": "/* no */", "d": ",]"}),
        ('{"a": "\\"//x"}', {"a": '"//x'}), ("\ufeff[1, /* last */ ]", [1]), ('[1 // x\n, 2 , // y\n ]', [1, 2]),
    ],
)  # fmt: skip
def test_json_with_comments(text: str, value: Any) -> None:
    assert jsonc.loads(text) == value


@given(JSON_VALUES)
def test_plain_json_reads_as_it_does(value: Any) -> None:
    text = json.dumps(value)
    try:
        plain = json.loads(text)
    except ValueError:
        return
    try:
        assert jsonc.loads(text) == plain
    except json.JSONDecodeError as error:
        assert "surrogate" in str(error) or "number" in str(error)


def test_a_mistake_is_named_with_its_line() -> None:
    with pytest.raises(ValueError, match="line 3"):
        jsonc.loads('{\n// comment\n"a" 1}')
