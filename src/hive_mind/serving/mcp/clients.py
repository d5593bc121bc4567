"""What to paste into MCP clients, with absolute paths: a client starts servers in folders and shells of its own."""

from __future__ import annotations

import json
import shlex
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from hive_mind.catalogue import jsonc
from hive_mind.conversation import JSON
from hive_mind.errors import UsageError

Client = Literal["claude-code", "claude-desktop", "cursor", "vscode", "open-webui"]
CLIENTS: tuple[Client, ...] = get_args(Client)
NAME = "hive-mind"
PORT = 8391
"""Where `hive-mind mcp --http` listens."""
HOOK_SECONDS = 5
"""How long the client waits for the hook before it goes on without."""
HOOK_EVENTS = ("PostToolUse", "PostToolUseFailure")


@dataclass(frozen=True)
class Paste:
    """One thing to paste or type: where it goes, and what it is (JSON, or plain text)."""

    where: str
    content: JSON | str


def executable() -> str:
    """Return the absolute path of the `hive-mind` command of this installation. Raises UsageError if there is none."""
    beside = Path(sys.executable).with_name(NAME)
    found = str(beside) if beside.is_file() else shutil.which(NAME)
    if found is None:
        raise UsageError(
            f"there is no {NAME} command beside {sys.executable}; install the package there (`make setup`)"
        )
    return str(Path(found).absolute())


def server_command(folder: Path) -> list[str]:
    """Return the command that starts the MCP server on the models and data in a folder."""
    return [executable(), "mcp", "--folder", str(folder.absolute())]


def pastes(client: Client, folder: Path, port: int) -> list[Paste]:
    """Return what a client needs, first the server's entry. `port` is where `hive-mind mcp --http` listens."""
    command, *arguments = server_command(folder)
    entry = {"command": command, "args": arguments}
    if client == "claude-code":
        return [
            Paste("a shell", f"claude mcp add {NAME} -- {shlex.join([command, *arguments])}"),
            Paste("or .mcp.json in a project", {"mcpServers": {NAME: {"type": "stdio", **entry}}}),
            Paste("~/.claude/settings.json, to record the calls of all tools (hooks)", hooks(folder)),
        ]
    if client == "claude-desktop":
        where = "claude_desktop_config.json (Settings, Developer, Edit Config), then restart Claude Desktop"
        return [Paste(where, {"mcpServers": {NAME: entry}})]
    if client == "cursor":
        return [Paste("~/.cursor/mcp.json, or .cursor/mcp.json in a project", {"mcpServers": {NAME: entry}})]
    if client == "vscode":
        where = ".vscode/mcp.json, or `MCP: Open User Configuration`"
        return [Paste(where, {"servers": {NAME: {"type": "stdio", **entry}}})]
    start = f"{shlex.join([command, *arguments])} --http --port {port}"
    return [
        Paste("a shell, and leave it running", start),
        Paste(
            "Admin Settings, External Tools, + (type MCP, Streamable HTTP; Open WebUI 0.6.31 or later)",
            f"URL: http://127.0.0.1:{port}/mcp\nAuth: none on this machine, else Bearer with a token "
            "(hive-mind serve token add open-webui)",
        ),
    ]


def hooks(folder: Path) -> JSON:
    """Return the hooks part of Claude Code's settings: the same as `hive-mind mcp hook`, in half the time."""
    command = shlex.join([sys.executable, "-m", "hive_mind.serving.mcp.hook", str(folder.absolute())])
    entry = {"matcher": "*", "hooks": [{"type": "command", "command": command, "timeout": HOOK_SECONDS}]}
    return {"hooks": {event: [entry] for event in HOOK_EVENTS}}


@dataclass(frozen=True)
class Wrapped:
    """A client's config with its servers behind the proxy; `left` says which were left as they are, and why."""

    config: JSON
    wrapped: tuple[str, ...]
    left: dict[str, str]


def wrap(config: JSON, folder: Path) -> Wrapped:
    """Put the proxy before every server of a client's config (`mcpServers`, or VS Code's `servers`).

    Raises UsageError if it has no such table.
    """
    key = next((key for key in ("mcpServers", "servers") if isinstance(config.get(key), dict)), None)
    if key is None:
        raise UsageError("the file has neither mcpServers nor servers; name the config of an MCP client")
    servers, wrapped, left = {}, [], {}
    for name, entry in config[key].items():
        made, why = _wrap_entry(entry, folder)
        servers[name] = made
        if why:
            left[name] = why
        else:
            wrapped.append(name)
    return Wrapped({**config, key: servers}, tuple(wrapped), left)


def read_config(file: Path, to_write: bool = False) -> JSON:
    """Read a client's config, which may hold comments unless it is to be written.

    Raises UsageError if it is missing or no JSON object.
    """
    try:
        text = file.read_text(encoding="utf-8")
        read = json.loads(text) if to_write else jsonc.loads(text)
    except FileNotFoundError:
        raise UsageError(f"{file} does not exist; name the client's config file") from None
    except ValueError as error:
        lost = ", and its comments would be lost: paste the entries by hand" if to_write else "; mend it"
        raise UsageError(f"{file} is no plain JSON ({error}){lost}") from None
    if not isinstance(read, dict):
        raise UsageError(f"{file} holds no JSON object; name the config of an MCP client")
    return read


def back_up(file: Path) -> Path:
    """Copy a file beside itself under a name that is free; returns the copy."""
    number = 1
    while (copy := file.with_name(f"{file.name}.backup{number}")).exists():
        number += 1
    shutil.copy2(file, copy)
    return copy


def _wrap_entry(entry: Any, folder: Path) -> tuple[Any, str]:
    if not isinstance(entry, dict):
        return entry, "it is no object"
    proxy = [*server_command(folder)[1:2], "proxy", *server_command(folder)[2:]]
    command, url = entry.get("command"), entry.get("url")
    if isinstance(command, str):
        if Path(command).name == NAME:
            return entry, "it is Hive-Mind's own, or behind the proxy already"
        return {**entry, "command": executable(), "args": [*proxy, "--", command, *entry.get("args", ())]}, ""
    if not isinstance(url, str):
        return entry, "it has neither a command nor a url"
    if entry.get("type") == "sse":
        return entry, "it speaks the old SSE transport, which the proxy does not"
    return _wrap_remote(entry, url, proxy), ""


def _wrap_remote(entry: JSON, url: str, proxy: Sequence[str]) -> JSON:
    """Headers go through the environment, because anybody on the machine can read a command line."""
    kept = {key: value for key, value in entry.items() if key not in ("type", "url", "headers")}
    named = {header: f"HIVE_MIND_HEADER_{number}" for number, header in enumerate(entry.get("headers") or {}, 1)}
    options = [part for header, variable in named.items() for part in ("--header-env", f"{header}={variable}")]
    values = {variable: entry["headers"][header] for header, variable in named.items()}
    environment = {**entry.get("env", {}), **values}
    made = {"type": "stdio", "command": executable(), "args": [*proxy, *options, url], **kept}
    return {**made, "env": environment} if environment else made
