"""The MCP servers that people's clients are configured with: Claude Code, Claude Desktop, Cursor and VS Code.

Their own files are read, for a person put each server there. The files of a project (.mcp.json, .cursor/mcp.json,
.vscode/mcp.json) come with the project, and whoever wrote it can put any command there; they are read only for a
project that is named.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal
from urllib.parse import parse_qsl, urlsplit

from hive_mind.catalogue import jsonc
from hive_mind.conversation import JSON
from hive_mind.redaction.names import secret_name
from hive_mind.redaction.text import find

Transport = Literal["stdio", "http", "sse"]

_PLACEHOLDER = re.compile(r"\$\{([^}]*)\}")
_SERVERS_KEYS = ("mcpServers", "servers")
_SHORTEST_SECRET = 6
_SCHEMES = ("bearer", "basic", "digest", "token")


class NotConfigured(ValueError):
    """A server cannot be started from its entry; the text says what is missing."""


@dataclass(frozen=True, slots=True)
class Server:
    """An entry of a client's configuration, with its placeholders filled in. It may hold secrets."""

    name: str
    clients: tuple[str, ...]
    files: tuple[Path, ...]
    transport: Transport
    command: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    cwd: str | None = None
    url: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def definition(self) -> tuple[Any, ...]:
        """What is started or asked; two clients with the same share a server."""
        return self.command, tuple(sorted(self.env.items())), self.url, tuple(sorted(self.headers.items()))

    @property
    def secrets(self) -> frozenset[str]:
        """The values that must not be written anywhere: of the environment and headers, and any in the command or url.

        A plain word under a harmless name (NODE_ENV=production) is none, for descriptions use the same words.
        """
        address = urlsplit(self.url)
        named = [*self.env.items(), *self.headers.items(), *parse_qsl(address.query), ("", address.password or "")]
        given = [(name, part) for name, value in named for part in value.split() if part.lower() not in _SCHEMES]
        telling = {value for name, value in given if not value.isalpha() or secret_name(name)}
        telling |= {found.value for found in find(" ".join([*self.command, self.url]))}
        return frozenset(value for value in telling if len(value) >= _SHORTEST_SECRET)


@dataclass(frozen=True, slots=True)
class Found:
    """The servers that can be asked, why others cannot, by their names, and why files cannot be read.

    `looked_at` are the files of which it is known what they hold: those that were read, and those that are not there.
    """

    servers: tuple[Server, ...]
    skipped: Mapping[str, str]
    broken: Mapping[str, str]
    looked_at: tuple[Path, ...]


def client_files(home: Path, projects: Sequence[Path] = ()) -> list[tuple[str, Path]]:
    """Return (client, configuration file) of every client on this system, whether or not the file is there."""
    if sys.platform == "darwin":
        programs = home / "Library" / "Application Support"
    elif sys.platform == "win32":
        programs = Path(os.environ.get("APPDATA", home / "AppData" / "Roaming"))
    else:
        programs = Path(os.environ.get("XDG_CONFIG_HOME", home / ".config"))
    own = [
        ("claude-code", home / ".claude.json"),
        ("claude-desktop", programs / "Claude" / "claude_desktop_config.json"),
        ("cursor", home / ".cursor" / "mcp.json"),
        ("vscode", programs / "Code" / "User" / "mcp.json"),
    ]
    in_projects = [("claude-code", ".mcp.json"), ("cursor", ".cursor/mcp.json"), ("vscode", ".vscode/mcp.json")]
    return [*own, *((client, project / name) for project in projects for client, name in in_projects)]


def find_servers(files: Sequence[tuple[str, Path]], home: Path) -> Found:
    """Read the files that are there. Broken files and entries are skipped, with the reason."""
    servers: list[Server] = []
    skipped: dict[str, str] = {}
    broken: dict[str, str] = {}
    looked_at: list[Path] = []
    for client, file in files:
        try:
            content = jsonc.loads(file.read_text(encoding="utf-8"))
        except (FileNotFoundError, NotADirectoryError):
            looked_at.append(file)
            continue
        except (OSError, ValueError) as error:
            broken[str(file)] = f"it cannot be read ({error}); repair it"
            continue
        looked_at.append(file)
        for name, entry, folder in _entries(content, file):
            try:
                servers.append(_server(name, client, file, entry, folder, home))
            except NotConfigured as reason:
                skipped[name] = f"{reason} ({client})"
    merged = _merge(servers)
    for name in {server.name for server in merged} & skipped.keys():
        skipped[f"{name} (another)"] = skipped.pop(name)
    return Found(tuple(merged), skipped, broken, tuple(looked_at))


def _entries(content: Any, file: Path) -> Iterator[tuple[str, Any, Path]]:
    """Yield (name, entry, folder it is for); Claude Code keeps those of single projects beside those for all."""
    if not isinstance(content, dict):
        return
    folder = file.parent.parent if file.parent.name in (".cursor", ".vscode") else file.parent
    for key in _SERVERS_KEYS:
        if isinstance(content.get(key), dict):
            yield from ((name, entry, folder) for name, entry in content[key].items())
    projects = content.get("projects")
    for place, project in projects.items() if isinstance(projects, dict) else ():
        listed = project.get("mcpServers") if isinstance(project, dict) else None
        if isinstance(listed, dict):
            yield from ((name, entry, Path(place)) for name, entry in listed.items())


def _server(name: str, client: str, file: Path, entry: Any, folder: Path, home: Path) -> Server:
    if not isinstance(entry, dict):
        raise NotConfigured("its entry is not an object")
    if entry.get("disabled") is True:
        raise NotConfigured("it is disabled there")

    def fill(text: str) -> str:
        return _PLACEHOLDER.sub(lambda found: _value_of(found[1], folder, home), text)

    url, kind = entry.get("url") or entry.get("serverUrl"), entry.get("type") or entry.get("transport")
    if isinstance(url, str):
        transport: Transport = "sse" if kind == "sse" else "http"
        address = fill(url)
        try:
            urlsplit(address)
        except ValueError as error:
            raise NotConfigured(f"its url is none: {error}") from None
        return Server(name, (client,), (file,), transport, url=address, headers=_texts(entry.get("headers"), fill))
    command, arguments = entry.get("command"), entry.get("args") or []
    if not isinstance(command, str) or not isinstance(arguments, list):
        raise NotConfigured("its entry has neither a command nor a url")
    words = (fill(command), *(fill(str(argument)) for argument in arguments))
    if Path(words[0]).stem == "hive-mind" and words[1:2] == ("mcp",) and words[2:3] != ("proxy",):
        raise NotConfigured("it is Hive-Mind itself")
    env = {**_env_file(entry.get("envFile"), fill), **_texts(entry.get("env"), fill)}
    cwd = entry.get("cwd")
    place = fill(cwd) if isinstance(cwd, str) else str(folder) if folder.is_dir() else None
    return Server(name, (client,), (file,), "stdio", words, env, place)


def _value_of(placeholder: str, folder: Path, home: Path) -> str:
    """Return what a placeholder stands for: ${NAME}, ${NAME:-default}, ${env:NAME}, and what editors know by itself."""
    known = {
        "userHome": str(home), "workspaceFolder": str(folder), "workspaceFolderBasename": folder.name,
        "pathSeparator": os.sep, "/": os.sep, "cwd": str(folder),
    }  # fmt: skip
    if placeholder in known:
        return known[placeholder]
    if placeholder.startswith("input:"):
        raise NotConfigured(f"it needs ${{{placeholder}}}, which only the editor asks for")
    name, given, default = placeholder.removeprefix("env:").partition(":-")
    value = os.environ.get(name)
    if value is None and not given:
        raise NotConfigured(f"it needs the environment variable {name}, which is not set")
    return value or default


def _texts(values: Any, fill: Callable[[str], str]) -> dict[str, str]:
    given = values if isinstance(values, dict) else {}
    return {str(name): fill(str(value)) for name, value in given.items() if value is not None}


def _env_file(name: Any, fill: Callable[[str], str]) -> JSON:
    """Read NAME=VALUE lines, as editors do for `envFile`."""
    if not isinstance(name, str):
        return {}
    file = Path(fill(name)).expanduser()
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError) as error:
        raise NotConfigured(f"its envFile {file} cannot be read ({error})") from None
    pairs = [line.removeprefix("export ").partition("=") for line in map(str.strip, lines) if line[:1] not in ("#", "")]
    return {key.strip(): value.strip().strip("\"'") for key, found, value in pairs if found}


def _merge(servers: Sequence[Server]) -> list[Server]:
    """Make one of equal entries of several clients; others of the same name are told apart by the client."""
    merged: list[Server] = []
    for server in servers:
        same_name = [place for place, one in enumerate(merged) if one.name.partition("@")[0] == server.name]
        same = next((place for place in same_name if merged[place].definition == server.definition), None)
        if same is not None:
            clients = tuple(dict.fromkeys([*merged[same].clients, *server.clients]))
            files = tuple(dict.fromkeys([*merged[same].files, *server.files]))
            merged[same] = replace(merged[same], clients=clients, files=files)
        else:
            names = {one.name for one in merged}
            tried = [server.name, f"{server.name}@{server.clients[0]}"]
            tried += [f"{tried[1]}-{number}" for number in range(2, len(merged) + 3)]
            merged.append(replace(server, name=next(name for name in tried if name not in names)))
    return merged
