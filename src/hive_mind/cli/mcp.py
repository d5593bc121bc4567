"""`hive-mind mcp`: the MCP server, the recording proxy, what clients need to use them, and their hook."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from hive_mind.serving.mcp.settings import McpSettings

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)

Folder = Annotated[Path, typer.Option("--folder", help="where models and data lie; clients start us anywhere")]
Config = Annotated[Path | None, typer.Option("--config", help="a settings file; its keys are mcp's own")]
Set = Annotated[list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="a setting that wins, repeatable")]
Http = Annotated[bool, typer.Option("--http", help="listen on HTTP instead of standard input and output")]
Host = Annotated[str | None, typer.Option(help="address to listen on; not 127.0.0.1 needs a token first")]
Port = Annotated[int | None, typer.Option(help="port to listen on; 0 takes a free one")]
HERE = Path()


@app.callback(invoke_without_command=True)
def mcp(
    context: typer.Context,
    folder: Folder = HERE,
    config: Config = None,
    settings: Set = None,
    http: Http = False,
    host: Host = None,
    port: Port = None,
) -> None:
    """Serve the model to MCP clients on standard input and output, or with --http at an address.

    `mcp config --client NAME` prints what to paste into a client; `mcp proxy` stands before other servers.
    """
    if context.invoked_subcommand is not None:
        return
    from hive_mind.progress import say
    from hive_mind.serving.mcp.run import run_server

    if not http and sys.stdin.isatty():
        say("speaking MCP on standard input, which is for a client to do; what to paste into one: hive-mind mcp config")
    run_server(_load(folder, config, settings, host, port), http)


@app.command()
def proxy(
    server: Annotated[list[str], typer.Argument(metavar="-- COMMAND [ARGS] | URL", help="the server to stand before")],
    folder: Folder = HERE,
    config: Config = None,
    settings: Set = None,
    http: Http = False,
    host: Host = None,
    port: Port = None,
    header_env: Annotated[
        list[str] | None,
        typer.Option("--header-env", metavar="NAME=VARIABLE", help="a header for URL, its value from the environment"),
    ] = None,
) -> None:
    """Stand before any MCP server, unchanged, and record its calls.

    The exit code is the server's own.
    """
    from hive_mind.serving.mcp.run import run_proxy

    loaded = _load(folder, config, settings, host, port)
    raise typer.Exit(run_proxy(server, _headers(header_env or []), loaded, http))


@app.command("config")
def show_config(
    client: Annotated[str, typer.Option(help="claude-code, claude-desktop, cursor, vscode or open-webui")] = "",
    wrap: Annotated[
        Path | None, typer.Option(help="a client's config: print it with the proxy before its servers")
    ] = None,
    write: Annotated[
        bool, typer.Option("--write", help="change the file of --wrap, and keep a backup beside it")
    ] = False,
    folder: Folder = HERE,
    port: Port = None,
    json_output: Annotated[bool, typer.Option("--json", help="print one JSON object last on standard output")] = False,
) -> None:
    """Print what to paste into a client, with absolute paths; or put the proxy before the servers it has."""
    from hive_mind.errors import UsageError

    if wrap is not None:
        _wrap(wrap, folder, write, json_output)
        return
    from hive_mind.cli.output import print_json
    from hive_mind.serving.mcp.clients import CLIENTS, PORT, pastes

    chosen = next((known for known in CLIENTS if known == client), None)
    if chosen is None:
        raise UsageError(f"--client is one of {', '.join(CLIENTS)}; or name a client's config with --wrap FILE")
    made = pastes(chosen, folder, PORT if port is None else port)
    for paste in made:
        print(f"# {paste.where}\n{_text(paste.content)}\n")
    if json_output:
        print_json({"client": client, "pastes": [{"where": paste.where, "content": paste.content} for paste in made]})


@app.command()
def hook(folder: Folder = HERE) -> None:
    """Record a tool call that Claude Code hands over on standard input. It never fails the client."""
    from hive_mind.serving.mcp.hook import record

    problem = record(sys.stdin.buffer.read(), _load(folder, None, None, None, None).usage)
    if problem:
        print(f"hive-mind mcp hook: {problem}", file=sys.stderr)


def _load(
    folder: Path, config: Path | None, overrides: list[str] | None, host: str | None, port: int | None
) -> McpSettings:
    from hive_mind.config import load
    from hive_mind.serving.mcp.settings import McpSettings

    given = [f"http.{name}={value}" for name, value in (("host", host), ("port", port)) if value is not None]
    return load(McpSettings, config, [*(overrides or ()), *given]).placed(folder)


def _headers(options: list[str]) -> dict[str, str]:
    import os

    from hive_mind.errors import UsageError

    headers = {}
    for option in options:
        name, _, variable = option.partition("=")
        if variable not in os.environ:
            raise UsageError(
                f"--header-env {option}: there is no environment variable {variable!r}; write NAME=VARIABLE"
            )
        headers[name] = os.environ[variable]
    return headers


def _wrap(file: Path, folder: Path, write: bool, json_output: bool) -> None:
    from hive_mind.cli.output import print_json
    from hive_mind.progress import say
    from hive_mind.serving.mcp.clients import back_up, read_config, wrap

    made = wrap(read_config(file, to_write=write), folder)
    for name, why in made.left.items():
        say(f"{name} was left as it is: {why}")
    if write and made.wrapped:
        from hive_mind.files import write_json

        say(f"the file as it was: {back_up(file)}")
        write_json(file, made.config)
        print(f"{file}: {', '.join(made.wrapped)} behind the proxy; restart the client")
    elif not json_output:
        print(_text(made.config))
    if json_output:
        print_json({"file": str(file), "wrapped": made.wrapped, "left": made.left, "config": made.config})


def _text(content: object) -> str:
    import json

    return content if isinstance(content, str) else json.dumps(content, indent=2, ensure_ascii=False)
