"""`hive-mind tools`: the tools of the MCP servers that one's clients are configured with."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hive_mind.cli.output import one_line, print_json

if TYPE_CHECKING:
    from hive_mind.catalogue.settings import CatalogueSettings

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False, no_args_is_help=True)

Overrides = Annotated[list[str] | None, typer.Argument(metavar="[catalogue.KEY=VALUE]", help="settings that win")]
Config = Annotated[Path | None, typer.Option("--config", help="a settings file; its catalogue section is used")]
Json = Annotated[bool, typer.Option("--json", help="print one JSON object last on standard output")]


@app.callback()
def tools() -> None:
    """List the tools of your MCP servers, and keep track of how they change."""


@app.command()
def sync(
    project: Annotated[
        list[Path] | None,
        typer.Option("--project", help="read this project's .mcp.json, .cursor and .vscode too: its commands are run"),
    ] = None,
    servers: Annotated[
        list[Path] | None, typer.Option("--servers", help="one more file with an mcpServers or servers object")
    ] = None,
    config: Config = None,
    overrides: Overrides = None,
    json_output: Json = False,
) -> None:
    """Ask every MCP server of Claude Code, Claude Desktop, Cursor and VS Code for its tools, and note what changed.

    The servers are started as the clients start them. Files that come with a project are read only if it is named,
    for whoever wrote the project chose the commands in them. Exit codes: 0 done, also where some servers did not
    answer, 1 none of them did, 2 no client is configured with any.
    """
    from hive_mind.catalogue.file import tools_of
    from hive_mind.catalogue.sync import sync as bring_up_to_date
    from hive_mind.cli.output import left_aligned
    from hive_mind.errors import HiveMindError, UsageError

    settings = _settings(config, overrides)
    synced = bring_up_to_date(settings, project or [], servers or [])
    asked = [name for name, entry in synced.catalogue["servers"].items() if entry["configured"]]
    changed = [[change.server, change.tool, change.what] for change in synced.changes]
    print(left_aligned(["server", "tool", "what"], changed) if changed else "nothing changed")
    for name, why in synced.failed.items():
        print(f"not asked: {name}: {why}")
    count = len(tools_of(synced.catalogue))
    print(f"{count:,} tools of {len(asked):,} servers in {settings.file}; next: hive-mind tools list")
    if json_output:
        changes = [{"server": change.server, "tool": change.tool, "what": change.what} for change in synced.changes]
        failed = dict(synced.failed)
        print_json({"file": str(settings.file), "tools": count, "servers": asked, "failed": failed, "changes": changes})
    if not asked and not synced.failed:
        raise UsageError(
            "no client is configured with an MCP server; add one (`hive-mind mcp config --client claude-code` prints "
            "Hive-Mind's own), or name a file with --servers"
        )
    if asked and all(name in synced.failed for name in asked):
        raise HiveMindError(f"none of {len(asked)} servers answered; the lines above say why")


@app.command("list")
def list_tools(
    server: Annotated[str | None, typer.Option("--server", help="the tools of this server only")] = None,
    request: Annotated[
        str | None, typer.Option("--for", metavar="REQUEST", help="only those that this request would be offered")
    ] = None,
    config: Config = None,
    overrides: Overrides = None,
    json_output: Json = False,
) -> None:
    """List the tools that are there now."""
    from hive_mind.catalogue.file import read_catalogue, tools_of
    from hive_mind.catalogue.select import select
    from hive_mind.cli.output import left_aligned

    settings = _settings(config, overrides)
    catalogue = read_catalogue(settings.file)
    if server is not None:
        catalogue = {"servers": {server: _server(catalogue, server, settings.file)}}
    found = tools_of(catalogue) if request is None else select(request, tools_of(catalogue))
    if found:
        print(left_aligned(["tool", "what it is for"], [[tool.name, one_line(tool.description, 90)] for tool in found]))
    entries = [
        [name, entry["version"] or "", str(sum(not tool["gone"] for tool in entry["tools"].values())), entry["asked"],
         "gone" if not entry["configured"] else entry["error"] or "ok"]
        for name, entry in catalogue["servers"].items()
    ]  # fmt: skip
    print("", left_aligned(["server", "version", "tools", "asked", "state"], entries), sep="\n")
    print(f"\n{len(found):,} tools; next: hive-mind tools show TOOL, or hive-mind tools sync")
    if json_output:
        print_json({"tools": [tool.to_dict() for tool in found]})


@app.command()
def show(
    tool: Annotated[str, typer.Argument(metavar="TOOL", help="a tool's name")],
    config: Config = None,
    overrides: Overrides = None,
    json_output: Json = False,
) -> None:
    """Show a tool's declaration and its history, of every server that has one of this name."""
    import orjson

    from hive_mind.catalogue.file import read_catalogue
    from hive_mind.errors import UsageError

    settings = _settings(config, overrides)
    catalogue = read_catalogue(settings.file)
    found = {name: entry["tools"][tool] for name, entry in catalogue["servers"].items() if tool in entry["tools"]}
    if not found:
        raise UsageError(f"there is no tool {tool!r} in {settings.file}; `hive-mind tools list` shows their names")
    for name, entry in found.items():
        print(f"{name}: {tool}{' (gone)' if entry['gone'] else ''}, digest {entry['digest'][:16]}")
        print(orjson.dumps(entry["declaration"], option=orjson.OPT_INDENT_2).decode())
        for note in entry["history"]:
            version = f" in version {note['version']}" if note["version"] else ""
            print(f"{note['time']}  {note['what']}{version}, digest {note['digest'][:16]}")
    if json_output:
        print_json(found)


def _server(catalogue: dict[str, Any], name: str, file: Path) -> Any:
    from hive_mind.errors import UsageError

    if name not in catalogue["servers"]:
        known = ", ".join(catalogue["servers"]) or "none"
        raise UsageError(f"there is no server {name!r} in {file}; known are: {known}")
    return catalogue["servers"][name]


def _settings(config: Path | None, overrides: list[str] | None) -> CatalogueSettings:
    from pydantic import ConfigDict

    from hive_mind.catalogue.settings import CatalogueSettings
    from hive_mind.config import Settings, load, setting

    class File(Settings):
        model_config = ConfigDict(extra="ignore", frozen=True)
        catalogue: CatalogueSettings = setting(CatalogueSettings(), "the user's tools")

    return load(File, config, overrides or ()).catalogue
