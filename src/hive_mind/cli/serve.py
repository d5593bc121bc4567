"""`hive-mind serve`: the OpenAI-compatible API over the registry's models, and `serve token`: who may use it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

if TYPE_CHECKING:
    from hive_mind.serving.settings import ServeSettings
    from hive_mind.serving.tokens import Tokens

IDLE_SECONDS = 2.0
"""What the service has left to finish when the server has ended: nothing that anybody waits for."""

_OVERRIDE = re.compile(r"[a-z_]+(\.[a-z_]+)*=.*", re.DOTALL)


class WithOverrides(TyperGroup):
    """A group whose own options may be followed by section.key=value settings, as with every other command."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put the settings aside before commands are looked for."""
        ctx.obj = [word for word in args if _OVERRIDE.fullmatch(word)]
        return super().parse_args(ctx, [word for word in args if not _OVERRIDE.fullmatch(word)])


app = typer.Typer(
    cls=WithOverrides, add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False,
    invoke_without_command=True,
)  # fmt: skip
token = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False, no_args_is_help=True)
app.add_typer(token, name="token", help="who may use the server: add, list and remove named tokens")

Config = Annotated[Path | None, typer.Option("--config", help="a settings file, e.g. configs/serve.yaml")]
Name = Annotated[str, typer.Argument(metavar="NAME", help="whose token it is; one for each person")]


@app.callback()
def serve(
    context: typer.Context,
    config: Config = None,
    host: Annotated[str | None, typer.Option(help="address to listen on [127.0.0.1]")] = None,
    port: Annotated[int | None, typer.Option(help="port to listen on, 0 for a free one [8390]")] = None,
    models_dir: Annotated[Path | None, typer.Option("--models-dir", help="where versions and `latest` live")] = None,
    upstream: Annotated[str | None, typer.Option(help="server that models unknown here are passed on to")] = None,
    upstream_model: Annotated[str | None, typer.Option(help="pass every request on, for this model of it")] = None,
    upstream_key_env: Annotated[str | None, typer.Option(help="environment variable that holds its key")] = None,
    shadow: Annotated[bool, typer.Option("--shadow", help="ask the local model too what is passed on")] = False,
    now: Annotated[
        bool, typer.Option("--now", help="load `latest` before listening, not at the first request")
    ] = False,
) -> None:
    """Answer over an OpenAI-compatible API until Ctrl-C; SECTION.KEY=VALUE settings may follow."""
    if context.invoked_subcommand is not None:
        return
    given = {
        "models_dir": models_dir and str(models_dir), "serving.host": host, "serving.port": port,
        "serving.upstream": upstream, "serving.upstream_model": upstream_model,
        "serving.upstream_key_env": upstream_key_env, "serving.shadow": shadow or None,
    }  # fmt: skip
    run(_settings(config, context.obj, given), now)


def run(settings: ServeSettings, now: bool) -> None:
    """Serve until it is stopped. Raises UsageError for an address that cannot be listened on or needs a token."""
    from hive_mind.catalogue.file import read_catalogue, tools_of
    from hive_mind.serving import json_log
    from hive_mind.serving.access import refuse_open_address
    from hive_mind.serving.app import create_app
    from hive_mind.serving.server import bind
    from hive_mind.serving.server import serve as answer
    from hive_mind.serving.service import start
    from hive_mind.serving.tokens import Tokens
    from hive_mind.usage.recorder import open_recorder

    refuse_open_address(settings.serving.host, Tokens(settings.serving.tokens_file))
    with bind(settings.serving) as listening:
        recorder = open_recorder(settings.usage)
        service = start(settings.models_dir, settings.engine, now=now)
        try:
            made = create_app(
                service, recorder, settings.serving, settings.models_dir,
                lambda: tools_of(read_catalogue(settings.catalogue.file)),
            )  # fmt: skip
            json_log.set_up()
            _introduce(settings, listening.getsockname()[1])
            answer(made, listening, settings.serving)
        finally:
            service.close(IDLE_SECONDS)
            recorder.close()
    print("stopped; what was asked is in the usage store: hive-mind usage list")


@token.command("add")
def add_token(context: typer.Context, name: Name, config: Config = None) -> None:
    """Make a token for a person and print it; it is shown this once."""
    tokens = _tokens(context, config)
    made = tokens.add(name)
    print(f"{made}\n\nthe token of {name}; it is not shown again (only its digest is kept in {tokens.file})")
    print("next: give it to the client as its API key, and start the server with --host 0.0.0.0")


@token.command("list")
def list_tokens(
    context: typer.Context,
    config: Config = None,
    json_output: Annotated[bool, typer.Option("--json", help="print one JSON object last on standard output")] = False,
) -> None:
    """List whose tokens there are."""
    from hive_mind.cli.output import print_json
    from hive_mind.curation.tables import aligned

    tokens = _tokens(context, config)
    known = tokens.all()
    if not known:
        print(f"no tokens in {tokens.file}; next: hive-mind serve token add NAME")
    else:
        print(aligned(["name", "made"], [[each.name, each.created] for each in known]))
    if json_output:
        print_json({"file": str(tokens.file), "tokens": [{"name": it.name, "created": it.created} for it in known]})


@token.command("remove")
def remove_token(context: typer.Context, name: Name, config: Config = None) -> None:
    """Make a person's token worthless, at once and in a running server too."""
    tokens = _tokens(context, config)
    tokens.remove(name)
    print(f"the token of {name} is worthless now")


def _tokens(context: typer.Context, config: Path | None) -> Tokens:
    from hive_mind.serving.tokens import Tokens

    overrides = context.obj or []
    return Tokens(_settings(config, overrides, {}).serving.tokens_file)


def _settings(config: Path | None, overrides: list[str], given: dict[str, Any]) -> ServeSettings:
    import json

    from hive_mind.config import load
    from hive_mind.serving.settings import ServeSettings

    options = [f"{key}={json.dumps(value)}" for key, value in given.items() if value is not None]
    return load(ServeSettings, config, [*overrides, *options])


def _introduce(settings: ServeSettings, port: int) -> None:
    """Print where it listens, what it serves, what to paste into clients, and what to do next."""
    from hive_mind import registry
    from hive_mind.serving.access import is_loopback

    api = settings.serving
    name = "127.0.0.1" if is_loopback(api.host) else "ADDRESS-OF-THIS-MACHINE"
    url = f"http://{name}:{port}/v1"
    latest = registry.latest(settings.models_dir)
    served = (
        f"{latest} as `latest`" if latest else "`base` alone, for no version was promoted yet (hive-mind run CONFIG)"
    )
    key = "a token of `hive-mind serve token list`" if api.require_token or not is_loopback(api.host) else "none"
    print(f"listening on {url} ({api.host}, Ctrl-C stops)")
    print(f"serving {served}; recording into {settings.usage.url}")
    if api.upstream is not None:
        which = "every request" if api.upstream_model else "models unknown here"
        name = f" as {api.upstream_model}" if api.upstream_model else ""
        print(f"passing on {which} to {api.upstream}{name}{', with a shadow' if api.shadow else ''}")
    print(f"\nclients: OPENAI_BASE_URL={url} OPENAI_API_KEY={key.partition(' ')[0] if key == 'none' else 'TOKEN'}")
    print(f"Open WebUI: Settings, Connections, OpenAI API: {url}, key: {key}")
    model = "latest" if latest else "base"
    body = f'{{"model": "{model}", "messages": [{{"role": "user", "content": "Hello"}}]}}'
    print(f"try: curl {url}/chat/completions -H 'Content-Type: application/json' -d '{body}'")
    print("next: hive-mind usage list, hive-mind mcp config --client claude-code", flush=True)
