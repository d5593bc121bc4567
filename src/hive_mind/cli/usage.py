"""`hive-mind usage`: look at what was recorded, decide what is learnt from, export it, forget it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hive_mind.cli.output import one_line, print_json
from hive_mind.cli.usage_import import import_usage

if TYPE_CHECKING:
    from hive_mind.usage.query import Filters
    from hive_mind.usage.record import Record
    from hive_mind.usage.settings import UsageSettings
    from hive_mind.usage.store import Store

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False, no_args_is_help=True)
app.command("import")(import_usage)

Ids = Annotated[
    list[str], typer.Argument(metavar="ID... [usage.KEY=VALUE]", help="ids or their beginnings, 6 characters or more")
]
One = Annotated[list[str], typer.Argument(metavar="ID [usage.KEY=VALUE]", help="an id, or its beginning")]
Overrides = Annotated[list[str] | None, typer.Argument(metavar="[usage.KEY=VALUE]", help="settings that win")]
Config = Annotated[Path | None, typer.Option("--config", help="a settings file; its usage section is used")]
Json = Annotated[bool, typer.Option("--json", help="print one JSON object last on standard output")]
State = Annotated[str | None, typer.Option("--state", help="new, approved, rejected or quarantined")]
Source = Annotated[str | None, typer.Option("--source", help="who saw it, e.g. openai_api, mcp_proxy, claude_code")]
Tool = Annotated[str | None, typer.Option("--tool", help="a tool that it called; `none` for answers in words")]
Client = Annotated[str | None, typer.Option("--client", help="the program that asked")]
Session = Annotated[str | None, typer.Option("--session", help="the session it belongs to")]
Since = Annotated[str | None, typer.Option("--since", help="not before this UTC time or day, e.g. 2026-02-05")]
Before = Annotated[str | None, typer.Option("--before", help="before this UTC time or day, e.g. 2026-02-05")]
Reason = Annotated[str, typer.Option("--reason", help="why, kept with the interaction")]
DataDir = Annotated[Path, typer.Option("--data-dir", help="where built datasets lie")]
ModelsDir = Annotated[Path, typer.Option("--models-dir", help="where versions and their reports lie")]


@app.callback()
def usage() -> None:
    """Look at what was recorded, decide what is learnt from, export it, forget it."""


@app.command("list")
def list_usage(
    state: State = None, source: Source = None, tool: Tool = None, client: Client = None, session: Session = None,
    since: Since = None, before: Before = None,
    limit: Annotated[int, typer.Option("--limit", help="at most so many, the newest", min=1)] = 30,
    config: Config = None, overrides: Overrides = None, json_output: Json = False,
) -> None:  # fmt: skip
    """List interactions, the newest last."""
    from hive_mind.cli.output import left_aligned

    filters = _filters(state, source, tool, client, session, since, before)
    with _store(config, overrides) as store:
        records = store.list(filters, limit, newest=True)[::-1]
        total = store.stats(filters)["interactions"]
    if records:
        print(
            left_aligned(["id", "time", "state", "source", "asked", "answered"], [_row(record) for record in records])
        )
    print(f"\n{len(records):,} of {total:,} interactions; next: hive-mind usage show ID, or hive-mind usage review")
    if json_output:
        print_json({"total": total, "interactions": [record.to_dict() for record in records]})


@app.command()
def show(
    one: One, config: Config = None, json_output: Json = False,
) -> None:  # fmt: skip
    """Show one interaction in full: request, tools, answer, results, outcome, who saw it, what was decided and why."""
    from hive_mind.usage.review import layout

    name, overrides = _one(one)
    with _store(config, overrides) as store:
        record = store.get(name)
    print(layout(record))
    for sighting in record.sightings:
        latency = f", {sighting.latency_ms:,.0f} ms" if sighting.latency_ms is not None else ""
        print(f"seen       {sighting.time} by {sighting.source} {sighting.client} {sighting.session}{latency}".rstrip())
    for file in record.exported:
        print(f"exported   {file}")
    if json_output:
        print_json(record.to_dict())


@app.command()
def stats(
    state: State = None,
    source: Source = None,
    tool: Tool = None,
    client: Client = None,
    session: Session = None,
    since: Since = None,
    before: Before = None,
    config: Config = None,
    overrides: Overrides = None,
    json_output: Json = False,
) -> None:
    """Count interactions by state, outcome, source, tool, client, version and thumb."""
    from hive_mind.usage.spool import Spool

    with _store(config, overrides) as store:
        found = store.stats(_filters(state, source, tool, client, session, since, before))
        spool = Spool(store.settings.spool)
        found |= {"waiting": spool.waiting(), "refused": spool.refused(), "store": store.where}
    span = f", {found['first']} to {found['last']}" if found["interactions"] else ""
    print(f"{found['interactions']:,} interactions in {found['store']}{span}")
    for name in (name for name in found if name.startswith(("by_", "calls_by"))):
        shown = ", ".join(f"{key} {number:,}" for key, number in list(found[name].items())[:12])
        print(f"{name.replace('_', ' '):<14} {shown or 'none'}")
    if found["waiting"] or found["refused"]:
        print(f"in the spool: {found['waiting']:,} wait for the store, {found['refused']:,} cannot be stored")
    if json_output:
        print_json(found)


@app.command()
def review(
    state: State = None,
    source: Source = None,
    tool: Tool = None,
    client: Client = None,
    session: Session = None,
    since: Since = None,
    before: Before = None,
    config: Config = None,
    overrides: Overrides = None,
    json_output: Json = False,
) -> None:
    """Go through interactions one by one: a approve, r reject, c correct, s skip, q quit.

    Without --state: those that no rule and nobody has decided (new). Keys may come through standard input too; there
    the line after a `c` is the corrected answer: a call as JSON, a list of calls, or words.
    """
    from hive_mind.usage.review import KEYS
    from hive_mind.usage.review import review as go_through

    filters = _filters(state or "new", source, tool, client, session, since, before)
    with _store(config, overrides) as store:
        records = store.list(filters)
        key, edit = _keyboard() if records else (str, _no_edit)
        if records:
            print(KEYS)
        outcome = go_through(store, records, key, edit, print)
    shown = ", ".join(f"{number} {what}" for what, number in outcome.decided.items()) or "nothing decided"
    print(f"{shown}, {outcome.left} left; next: hive-mind usage export")
    if json_output:
        print_json({"decided": dict(outcome.decided), "left": outcome.left})


@app.command()
def approve(names: Ids, reason: Reason = "", config: Config = None, json_output: Json = False) -> None:
    """Approve interactions: they are exported and learnt from."""
    _decide(names, "approved", reason, config, json_output)


@app.command()
def reject(names: Ids, reason: Reason = "", config: Config = None, json_output: Json = False) -> None:
    """Reject interactions: they are never learnt from, and removed after usage.retention_days."""
    _decide(names, "rejected", reason, config, json_output)


@app.command()
def feedback(
    one: One,
    thumb: Annotated[str | None, typer.Option("--thumb", help="up or down")] = None,
    comment: Annotated[str, typer.Option("--comment", help="in words")] = "",
    correct: Annotated[str | None, typer.Option("--correct", help="the right answer: a call as JSON, or words")] = None,
    config: Config = None, json_output: Json = False,
) -> None:  # fmt: skip
    """Say of an answer that it was good or bad, or what it should have been."""
    from hive_mind.errors import UsageError
    from hive_mind.usage.review import read_correction

    name, overrides = _one(one)
    if thumb not in (None, "up", "down"):
        raise UsageError(f"--thumb={thumb} is not up or down")
    if thumb is None and not comment and correct is None:
        raise UsageError("nothing was said; give --thumb up|down, --comment TEXT or --correct ANSWER")
    with _store(config, overrides) as store:
        record = store.get(name)
        if thumb is not None or comment:
            record = store.feedback(record.id, thumb, comment)  # type: ignore[arg-type]
        if correct is not None:
            record = store.correct(record.id, read_correction(correct, record))
    print(f"{record.id}: {record.state} ({record.reason})")
    if json_output:
        print_json(record.to_dict())


@app.command()
def export(config: Config = None, overrides: Overrides = None, json_output: Json = False) -> None:
    """Write approved interactions to data/automated/training_data_YYYY-MM-DD.jsonl, which `data build` reads."""
    from hive_mind.usage.exporting import export as write

    with _store(config, overrides) as store:
        outcome = write(store)
    print(f"{outcome.file}: {outcome.rows:,} new rows; {outcome.unchanged:,} stand in exported files as they are")
    if outcome.taken_out:
        print(f"{outcome.taken_out:,} rows were taken out of exported files: corrected, or no longer approved")
    for code, number in outcome.left_out.most_common():
        print(f"left out: {number:,} approved interactions that cannot be learnt from: {code}")
    print("next: hive-mind data build")
    if json_output:
        print_json({"file": str(outcome.file), "rows": outcome.rows, "unchanged": outcome.unchanged,
                    "taken_out": outcome.taken_out, "left_out": outcome.why})  # fmt: skip


@app.command()
def forget(
    given: Annotated[
        list[str] | None, typer.Argument(metavar="[ID...] [usage.KEY=VALUE]", help="ids, or their beginnings")
    ] = None,
    session: Session = None, client: Client = None, before: Before = None,
    data_dir: DataDir = Path("data"), models_dir: ModelsDir = Path("models"),
    config: Config = None, json_output: Json = False,
) -> None:  # fmt: skip
    """Remove interactions everywhere: store, spool, exported files, what builds left out. Datasets that hold them are
    marked, models listed.

    By id, or all of a session, of a client, or before a time. They do not come back with an imported transcript.
    """
    from dataclasses import asdict

    from hive_mind.errors import UsageError
    from hive_mind.usage.forgetting import forget as remove_everywhere
    from hive_mind.usage.query import Filters

    names, overrides = _split(given or [])
    chosen = session is not None or client is not None or before is not None
    if not names and not chosen:
        raise UsageError("say what to forget: ids, --session, --client or --before")
    filters = Filters(session=session, client=client, before=before) if chosen else None
    with _store(config, overrides) as store:
        outcome = remove_everywhere(store, names, filters, data_dir=data_dir, models_dir=models_dir)
    print(f"forgot {len(outcome.ids):,} interactions")
    for file, number in outcome.files.items():
        print(f"{file}: {number:,} rows taken out")
    for folder, number in outcome.datasets.items():
        print(f"{folder}: the dataset holds {number:,} of them; it is marked, build it again: hive-mind data build")
    for model in outcome.models:
        print(f"{model} may have learnt from them; train another, then: hive-mind models remove {model}")
    if json_output:
        print_json(asdict(outcome))


def _decide(given: list[str], state: str, reason: str, config: Path | None, json_output: bool) -> None:
    names, overrides = _split(given)
    with _store(config, overrides) as store:
        ids = store.set_state(names, state, reason)  # type: ignore[arg-type]
    print(f"{state}: {', '.join(ids)}")
    if json_output:
        print_json({"state": state, "ids": ids})


def _split(given: list[str]) -> tuple[list[str], list[str]]:
    """Tell ids from settings, which have a `=`."""
    return [text for text in given if "=" not in text], [text for text in given if "=" in text]


def _one(given: list[str]) -> tuple[str, list[str]]:
    from hive_mind.errors import UsageError

    names, overrides = _split(given)
    if len(names) != 1:
        raise UsageError(f"name one interaction, not {len(names)}; `hive-mind usage list` shows their ids")
    return names[0], overrides


def settings_of(config: Path | None, overrides: list[str] | None) -> UsageSettings:
    """Read the usage section of a settings file; nothing else in it is looked at."""
    from pydantic import ConfigDict

    from hive_mind.config import Settings, load, setting
    from hive_mind.errors import UsageError
    from hive_mind.usage.settings import UsageSettings

    class File(Settings):
        model_config = ConfigDict(extra="ignore", frozen=True)
        usage: UsageSettings = setting(UsageSettings(), "the usage store")

    for override in overrides or ():
        if not override.startswith("usage."):
            raise UsageError(f"{override!r} is no setting of the usage store; write usage.KEY=VALUE")
    return load(File, config, overrides or ()).usage


@contextmanager
def _store(config: Path | None, overrides: list[str] | None) -> Iterator[Store]:
    """Open the store with all in it that was recorded so far."""
    from hive_mind.progress import say
    from hive_mind.usage.moving import catch_up
    from hive_mind.usage.store import opened

    settings = settings_of(config, overrides)
    moved = catch_up(settings)
    if moved.stored:
        say(f"stored {moved.stored:,} entries that were waiting")
    with opened(settings) as store:
        yield store


def _filters(
    state: str | None, source: str | None, tool: str | None, client: str | None, session: str | None,
    since: str | None, before: str | None,
) -> Filters:  # fmt: skip
    from hive_mind.errors import UsageError
    from hive_mind.usage.query import Filters
    from hive_mind.usage.rules import STATES

    if state is not None and state not in STATES:
        raise UsageError(f"--state={state} is not one of {', '.join(STATES)}")
    return Filters(state, source, tool, client, session, since, before)


def _row(record: Record) -> list[str]:
    seen = record.interaction
    asked = next((message.content for message in reversed(seen.messages) if message.role == "user"), "")
    calls = ", ".join(call.name for call in seen.answer.tool_calls)
    sources = ", ".join(sorted({sighting.source for sighting in record.sightings}))
    return [record.id[:8], seen.time, record.state, sources, one_line(asked, 48), f"→ {calls}" if calls else
            one_line(seen.answer.content, 48)]  # fmt: skip


def _keyboard() -> tuple[Callable[[], str], Callable[[Any], str]]:
    """Return how a key and a correction are read: from the terminal and $EDITOR, or from standard input."""
    import sys

    from hive_mind.usage.review import editable

    if not sys.stdin.isatty():
        return _piped_key, lambda record: sys.stdin.readline()

    return lambda: typer.getchar().lower(), lambda record: _edited(editable(record))


def _piped_key() -> str:
    import sys

    while (key := sys.stdin.read(1)).isspace():
        pass
    return key


def _edited(text: str) -> str:
    """Let a person edit a text in $VISUAL or $EDITOR; "" if the editor failed."""
    import os
    import shlex
    import subprocess
    import tempfile

    editor = shlex.split(os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi")
    with tempfile.TemporaryDirectory(prefix="hive-mind-") as folder:
        file = Path(folder) / "answer"
        file.write_text(text, encoding="utf-8")
        try:
            done = subprocess.run([*editor, str(file)], check=False)
        except OSError as error:
            print(f"{editor[0]} cannot be started ({error.strerror}); set EDITOR")
            return ""
        return file.read_text(encoding="utf-8") if done.returncode == 0 else ""


def _no_edit(record: Record) -> str:
    return ""
