"""The catalogue file: every server's tools, each with a digest and the history of its versions.

{"servers": {NAME: {"clients", "files", "transport", "version", "asked", "error", "configured", "tools": {NAME:
{"declaration", "digest", "gone", "history": [{"time", "what", "digest", "version"}]}}}}}. A server's command, address,
environment and headers are not in it, nor the secrets in them.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

import orjson

from hive_mind.catalogue.connect import Listing
from hive_mind.conversation import JSON, MalformedConversation, Tool
from hive_mind.errors import DataRefused
from hive_mind.files import read_json, write_json
from hive_mind.tool_schema import read_tool
from hive_mind.tool_schema.names import legal_names

What = Literal["added", "changed", "gone", "back"]
KEPT = ("name", "title", "description", "inputSchema", "outputSchema", "annotations")
SECRET = "<SECRET>"
_ILLEGAL = re.compile(r"[^a-zA-Z0-9_-]")


@dataclass(frozen=True, slots=True)
class Change:
    """What happened to a tool since the last time its server was asked."""

    server: str
    tool: str
    what: What


def read_catalogue(file: Path) -> JSON:
    """Return the catalogue; an empty one if there is no file yet. Raises DataRefused for a file that is none."""
    if not file.exists():
        return {"servers": {}}
    catalogue = read_json(file)
    servers = catalogue.get("servers") if isinstance(catalogue, dict) else None
    listed = servers.values() if isinstance(servers, dict) else [None]
    if not all(isinstance(one, dict) and isinstance(one.get("tools"), dict) for one in listed):
        raise DataRefused(f"{file} is no catalogue of tools; delete it and run `hive-mind tools sync`")
    return {"servers": servers}


def update(
    catalogue: JSON, listings: Sequence[Listing], time: str, looked_at: Collection[Path] = (),
    skipped: Mapping[str, str] = MappingProxyType({}),
) -> list[Change]:  # fmt: skip
    """Bring what servers answered into the catalogue; returns what changed.

    The tools of a server that did not answer, or was `skipped`, stay as they were, with the reason. So do those of
    servers in files that were not looked at; where all of a server's files were, and it is in none, they are gone.
    """
    servers: JSON = catalogue["servers"]
    changes: list[Change] = []
    for listing in listings:
        name, server = listing.server.name, listing.server
        entry = servers.setdefault(name, {"version": "", "tools": {}})
        entry |= {
            "clients": list(server.clients), "files": list(map(str, server.files)), "transport": server.transport,
            "configured": True, "asked": time, "error": listing.error or None,
        }  # fmt: skip
        if not listing.error:
            entry["version"] = listing.version
            changes += _update_tools(name, entry, listing, time)
    asked, looked = {listing.server.name for listing in listings}, set(map(str, looked_at))
    for name, entry in servers.items():
        if name in skipped:
            entry["error"] = skipped[name]
        elif name not in asked and entry["configured"] and looked.issuperset(entry["files"]):
            entry["configured"] = False
            changes += [_note(name, entry, tool, "gone", time) for tool in _present(entry)]
    return changes


def write_catalogue(file: Path, catalogue: JSON) -> None:
    """Write the catalogue, atomically."""
    write_json(file, catalogue)


def client_names(catalogue: JSON) -> dict[str, Tool]:
    """Return the tools that are there now by the name that Claude Code gives them, mcp__SERVER__TOOL."""
    named = {}
    for server, entry in catalogue["servers"].items():
        for tool in _present(entry):
            name = f"mcp__{_ILLEGAL.sub('_', server)}__{_ILLEGAL.sub('_', tool)}"
            if (read := _read(entry["tools"][tool]["declaration"], name)) is not None:
                named[name] = read
    return named


def tools_of(catalogue: JSON) -> list[Tool]:
    """Return the tools that are there now, as a model is shown them: a name that several servers use has the server's.

    Declarations that no schema can be read from are left out.
    """
    present = [(server, tool) for server, entry in catalogue["servers"].items() for tool in _present(entry)]
    uses = Counter(tool for _, tool in present)
    names = {(server, tool): tool if uses[tool] == 1 else f"{server}__{tool}" for server, tool in present}
    legal = legal_names(names.values()).legal
    declared = (
        _read(catalogue["servers"][server]["tools"][tool]["declaration"], legal[names[server, tool]])
        for server, tool in present
    )
    return [tool for tool in declared if tool is not None]


def _read(declaration: JSON, name: str) -> Tool | None:
    try:
        return read_tool({**declaration, "name": name})
    except MalformedConversation:
        return None


def _present(entry: JSON) -> list[str]:
    return [name for name, tool in entry["tools"].items() if not tool["gone"]]


def _update_tools(name: str, entry: JSON, listing: Listing, time: str) -> list[Change]:
    changes: list[Change] = []
    listed = {str(tool.get("name")): _without_secrets(tool, listing.server.secrets) for tool in listing.tools}
    for tool, declaration in listed.items():
        digest = digest_of(declaration)
        known = entry["tools"].get(tool)
        if known is not None and known["digest"] == digest and not known["gone"]:
            continue
        what: What = "added" if known is None else "back" if known["gone"] else "changed"
        history = known["history"] if known is not None else []
        entry["tools"][tool] = {"declaration": declaration, "digest": digest, "gone": False, "history": history}
        changes.append(_note(name, entry, tool, what, time))
    changes += [_note(name, entry, tool, "gone", time) for tool in _present(entry) if tool not in listed]
    return changes


def _note(server: str, entry: JSON, tool: str, what: What, time: str) -> Change:
    known = entry["tools"][tool]
    known["gone"] = what == "gone"
    known["history"].append({"time": time, "what": what, "digest": known["digest"], "version": entry["version"]})
    return Change(server, tool, what)


def digest_of(declaration: JSON) -> str:
    """Return the sha256 of a declaration, whatever the order of its keys."""
    return hashlib.sha256(orjson.dumps(declaration, option=orjson.OPT_SORT_KEYS)).hexdigest()


def _without_secrets(tool: JSON, secrets: frozenset[str]) -> JSON:
    """Keep what declares a tool, without the secrets of the server's configuration, should its texts repeat one."""
    longest_first = sorted(secrets, key=len, reverse=True)

    def clean(value: Any) -> Any:
        if isinstance(value, str):
            for secret in longest_first:
                value = value.replace(secret, SECRET)
            return value
        if isinstance(value, dict):
            return {key: clean(item) for key, item in value.items()}
        return [clean(item) for item in value] if isinstance(value, list) else value

    return {key: tool[key] if key == "name" else clean(tool[key]) for key in KEPT if key in tool}
