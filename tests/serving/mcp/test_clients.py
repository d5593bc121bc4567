"""What is printed for clients: absolute paths that start, and configs with the proxy before their servers."""

import json
import os
from pathlib import Path

import pytest

from hive_mind.cli.main import main
from hive_mind.serving.mcp import clients
from hive_mind.serving.mcp.clients import CLIENTS, hooks, pastes, wrap


@pytest.fixture
def command(tmp_path, monkeypatch):
    """An installed `hive-mind`, beside the interpreter as in a virtual environment."""
    file = tmp_path / "bin" / "hive-mind"
    file.parent.mkdir()
    file.write_text("#!/bin/sh\n")
    file.chmod(0o755)
    monkeypatch.setattr(clients.sys, "executable", str(file.with_name("python")))
    return str(file)


def run(*arguments):
    with pytest.raises(SystemExit) as ended:
        main(list(map(str, arguments)))
    return int(ended.value.code or 0)


@pytest.mark.parametrize("client", CLIENTS)
def test_every_path_is_absolute(command, tmp_path, monkeypatch, client):
    monkeypatch.chdir(tmp_path)
    texts = [json.dumps(paste.content) for paste in pastes(client, Path("home"), 8391)]
    assert any(command in text and str(tmp_path / "home") in text for text in texts)
    assert all(paste.where for paste in pastes(client, Path("home"), 8391))


@pytest.mark.parametrize(
    ("client", "key", "more"),
    [
        ("claude-code", "mcpServers", {"type": "stdio"}), ("claude-desktop", "mcpServers", {}),
        ("cursor", "mcpServers", {}), ("vscode", "servers", {"type": "stdio"}),
    ],
)  # fmt: skip
def test_the_servers_entry_has_the_layout_of_the_client(command, tmp_path, client, key, more):
    (entry,) = [
        paste.content[key]
        for paste in pastes(client, tmp_path, 1)
        if isinstance(paste.content, dict) and key in paste.content
    ]
    assert entry == {"hive-mind": {"command": command, "args": ["mcp", "--folder", str(tmp_path)], **more}}


def test_claude_code_gets_hooks_that_call_this_interpreter(command, tmp_path):
    made = hooks(tmp_path)["hooks"]
    assert set(made) == {"PostToolUse", "PostToolUseFailure"}
    (entry,) = made["PostToolUse"]
    (hook,) = entry["hooks"]
    assert (entry["matcher"], hook["type"]) == ("*", "command")
    assert hook["command"] == f"{clients.sys.executable} -m hive_mind.serving.mcp.hook {tmp_path}"


CONFIG = {
    "other": [1, {"kept": True}],
    "mcpServers": {
        "files": {
            "command": "npx",
            "args": ["-y", "@modelcontextprotocol/server-filesystem", "/data"],
            "env": {"A": "1"},
        },
        "remote": {
            "type": "http",
            "url": "https://example.org/mcp",
            "headers": {"Authorization": "Bearer abc", "X-B": "2"},
        },
        "plain": {"url": "http://127.0.0.1:9/mcp"},
        "old": {"type": "sse", "url": "http://127.0.0.1:9/sse"},
        "odd": {"nothing": 1},
    },
}


def test_every_server_gets_the_proxy_before_it_and_keeps_the_rest(command, tmp_path):
    made = wrap(CONFIG, tmp_path)
    before = ["mcp", "proxy", "--folder", str(tmp_path)]
    servers = made.config["mcpServers"]
    assert made.config["other"] == CONFIG["other"] and list(servers) == list(CONFIG["mcpServers"])
    assert servers["files"] == {
        "command": command, "args": [*before, "--", "npx", *CONFIG["mcpServers"]["files"]["args"]], "env": {"A": "1"},
    }  # fmt: skip
    assert servers["plain"] == {"type": "stdio", "command": command, "args": [*before, "http://127.0.0.1:9/mcp"]}
    assert made.wrapped == ("files", "remote", "plain") and set(made.left) == {"old", "odd"}
    assert servers["old"] == CONFIG["mcpServers"]["old"]


def test_a_header_goes_through_the_environment_and_not_the_command_line(command, tmp_path):
    remote = wrap(CONFIG, tmp_path).config["mcpServers"]["remote"]
    assert "abc" not in json.dumps(remote["args"])
    options = dict(pair.split("=") for pair in remote["args"][5:8:2])
    assert {name: remote["env"][variable] for name, variable in options.items()} == CONFIG["mcpServers"]["remote"][
        "headers"
    ]


def test_what_is_behind_the_proxy_already_stays_as_it_is(command, tmp_path):
    once = wrap(CONFIG, tmp_path)
    twice = wrap(once.config, tmp_path)
    assert twice.config == once.config and twice.wrapped == ()


def test_the_file_is_printed_and_changed_only_when_told_with_a_backup(command, tmp_path, capsys):
    file = tmp_path / "mcp.json"
    file.write_text(json.dumps({"servers": {"a": {"command": "a"}}}))
    before = file.read_bytes()
    assert run("mcp", "config", "--wrap", file, "--folder", tmp_path) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["servers"]["a"]["args"][-1] == "a" and file.read_bytes() == before
    for number in (1, 2):
        assert run("mcp", "config", "--wrap", file, "--folder", tmp_path, "--write", "--json") == 0
        told = json.loads(capsys.readouterr().out.splitlines()[-1])
        assert told["wrapped"] == (["a"] if number == 1 else [])
    assert json.loads(file.read_text()) == printed
    assert file.with_name("mcp.json.backup1").read_bytes() == before and not file.with_name("mcp.json.backup2").exists()


def test_a_config_with_comments_is_printed_but_not_written_over(command, tmp_path, capsys):
    file = tmp_path / "mcp.json"
    file.write_text('{"servers": {"a": {"command": "a"},}, // mine\n}')
    before = file.read_bytes()
    assert run("mcp", "config", "--wrap", file) == 0
    assert json.loads(capsys.readouterr().out)["servers"]["a"]["command"] == command
    assert run("mcp", "config", "--wrap", file, "--write") == 2
    assert "comments would be lost" in capsys.readouterr().err and file.read_bytes() == before


@pytest.mark.parametrize("content", ["[1]", "{ // comment\n}", '{"a": 1}', ""])
def test_a_file_that_is_no_clients_config_is_refused(command, tmp_path, capsys, content):
    file = tmp_path / "mcp.json"
    file.write_text(content)
    assert run("mcp", "config", "--wrap", file) == 2
    assert "error: " in capsys.readouterr().err and file.read_text() == content


def test_a_client_that_is_not_known_is_refused_with_the_list(capsys):
    assert run("mcp", "config", "--client", "emacs") == 2
    assert "claude-code, claude-desktop, cursor, vscode, open-webui" in capsys.readouterr().err


def test_everything_for_claude_code_is_printed_and_as_json(command, tmp_path, capsys):
    assert run("mcp", "config", "--client", "claude-code", "--folder", tmp_path, "--json") == 0
    output = capsys.readouterr().out
    made = json.loads(output.splitlines()[-1])
    assert len(made["pastes"]) == 3 and f"claude mcp add hive-mind -- {command} mcp" in output
    assert os.fspath(tmp_path) in output


def test_a_header_whose_variable_is_missing_is_said(capsys, monkeypatch):
    monkeypatch.delenv("NOT_THERE", raising=False)
    assert run("mcp", "proxy", "--header-env", "Authorization=NOT_THERE", "http://127.0.0.1:9/mcp") == 2
    assert "NOT_THERE" in capsys.readouterr().err
