"""The tools that show and change which model answers. Both that change it ask the person first."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated, Any, TypeVar

import anyio.to_thread
from mcp.server import MCPServer
from mcp.server.mcpserver import AcceptedElicitation, Context, Elicit, ElicitationResult, Resolve
from mcp.server.mcpserver.exceptions import ToolError
from mcp.types import ToolAnnotations
from pydantic import BaseModel, Field

from hive_mind import registry
from hive_mind.errors import HiveMindError, UsageError
from hive_mind.registry import Promotion, Version
from hive_mind.serving.mcp.backend import backend

READS = ToolAnnotations(read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False)
PROMOTES = ToolAnnotations(read_only_hint=False, destructive_hint=True, idempotent_hint=True, open_world_hint=False)
ROLLS_BACK = ToolAnnotations(read_only_hint=False, destructive_hint=True, idempotent_hint=False, open_world_hint=False)

T = TypeVar("T")


class VersionRow(BaseModel):
    """One version."""

    name: str = Field(description="the version's name, which other tools take as `model`")
    aliases: list[str] = Field(description="champion (what is served), previous, candidate, as far as they mean it")
    base: str = Field(description="the base model under it; empty if its manifest cannot be read")
    examples: int = Field(description="how many examples it was trained on")
    held_out_calls: dict[str, str] = Field(description="right/asked on held-out tool calls, by tier; empty: unmeasured")
    promoted: str = Field(description="when it was last promoted; empty if never")
    problem: str = Field(description="why it cannot be served; empty if it can")


class Versions(BaseModel):
    """All versions, in the order they were sealed."""

    versions: list[VersionRow] = Field(description="all versions, oldest first")


class ModelStatus(BaseModel):
    """What answers now."""

    serves: str = Field(description="the version behind `latest`; empty where none was promoted: ask for `base` then")
    base: str = Field(description="the base model under it; empty where nothing was promoted yet")
    promoted: str = Field(description="when and by whom it was promoted, and why")
    held_out_calls: dict[str, str] = Field(description="right/asked on held-out tool calls, by tier; empty: unmeasured")
    running: bool = Field(description="whether the model is in memory; it is from the first request on")
    figures: dict[str, float] = Field(description="queue, tokens and times since it was started")
    problem: str = Field(description="why an earlier version answers than the one promoted; empty if all is well")


class Changed(BaseModel):
    """What is served now."""

    serves: str = Field(description="the version behind `latest` now")
    before: str = Field(description="what was behind it before; empty if nothing was")
    changed: bool = Field(description="false if it was served already, or the person declined")
    note: str = Field(description="what happened, in words")


class Confirmation(BaseModel):
    """The person's word."""

    confirm: bool = Field(title="Confirm", description="yes to go ahead")


def list_models(context: Context[Any, Any]) -> Versions:
    """List the trained versions: what they were trained on, what they scored, which one is served."""
    models_dir = backend(context).models_dir
    return Versions(versions=[_row(models_dir, version) for version in _told(registry.list_versions, models_dir)])


def model_status(context: Context[Any, Any]) -> ModelStatus:
    """Say which model answers now, since when, what it scored, and how busy it is."""
    here = backend(context)
    name = _told(registry.latest, here.models_dir)
    promotions = [entry for entry in _told(registry.history, here.models_dir) if entry.version == name]
    return ModelStatus(
        serves=name or "",
        base=str(_told(registry.load_manifest, here.models_dir / name).base["id"]) if name else "",
        promoted=_how(promotions[-1]) if promotions else "",
        held_out_calls=_scores(here.models_dir, name) if name else {},
        running=here.started,
        figures=here.service().stats() if here.started else {},
        problem=here.service().problem if here.started else "",
    )


async def confirm_promotion(context: Context[Any, Any], version: str) -> Confirmation | Elicit[Confirmation]:
    """Ask whether to serve a version, unless it is served already."""
    models_dir = backend(context).models_dir
    name, serves = await anyio.to_thread.run_sync(partial(_told, _named, models_dir, version))
    if name == serves:
        return Confirmation(confirm=True)
    _must_be_able_to_ask(context, f"hive-mind models promote {name}")
    return Elicit(f"Serve {name} instead of {serves or 'the base model'} from now on?", Confirmation)


async def confirm_rollback(context: Context[Any, Any]) -> Elicit[Confirmation]:
    """Ask whether to go back."""
    _must_be_able_to_ask(context, "hive-mind models rollback")
    serves = await anyio.to_thread.run_sync(partial(_told, registry.latest, backend(context).models_dir))
    return Elicit(f"Stop serving {serves or 'nothing'} and go back to the version before it?", Confirmation)


async def promote_model(
    context: Context[Any, Any],
    version: Annotated[str, Field(description="a version or alias, as list_models names them", min_length=1)],
    confirmation: Annotated[ElicitationResult[Confirmation], Resolve(confirm_promotion)],
) -> Changed:
    """Serve a version that the gate found better. The person is asked first; what the gate held back is refused."""
    models_dir = backend(context).models_dir
    name, serves = await anyio.to_thread.run_sync(partial(_told, _named, models_dir, version))
    if not _agreed(confirmation):
        return Changed(serves=serves or "", before=serves or "", changed=False, note="declined; nothing was changed")
    entry = await anyio.to_thread.run_sync(partial(_told, _promote, models_dir, name))
    if entry is None:
        return Changed(serves=name, before=name, changed=False, note="it was served already")
    return Changed(serves=name, before=entry.previous or "", changed=True, note=entry.reason or "promoted")


async def rollback_model(
    context: Context[Any, Any],
    confirmation: Annotated[ElicitationResult[Confirmation], Resolve(confirm_rollback)],
) -> Changed:
    """Go back to the version that was served before. The person is asked first."""
    models_dir = backend(context).models_dir
    serves = await anyio.to_thread.run_sync(partial(_told, registry.latest, models_dir)) or ""
    if not _agreed(confirmation):
        return Changed(serves=serves, before=serves, changed=False, note="declined; nothing was changed")
    entry = await anyio.to_thread.run_sync(partial(_told, registry.rollback, models_dir))
    return Changed(serves=entry.version, before=entry.previous or "", changed=True, note=entry.reason)


def register(server: MCPServer[Any]) -> None:
    """Add these tools to the server."""
    server.add_tool(list_models, title="List models", annotations=READS)
    server.add_tool(model_status, title="Model status", annotations=READS)
    server.add_tool(promote_model, title="Promote a model", annotations=PROMOTES)
    server.add_tool(rollback_model, title="Roll back", annotations=ROLLS_BACK)


def known(models_dir: Path, name: str) -> str | None:
    """Return the version that a version's name or an alias means; None if there is none. Paths are never followed."""
    named = {**registry.aliases(models_dir), registry.LATEST: registry.latest(models_dir)}
    versions = {version.name for version in registry.list_versions(models_dir)}
    found = named.get(name, name)
    return found if found in versions else None


def _named(models_dir: Path, name: str) -> tuple[str, str | None]:
    found = known(models_dir, name)
    if found is None:
        raise UsageError(f"there is no version {name!r}; list_models names them")
    return found, registry.latest(models_dir)


def _promote(models_dir: Path, name: str) -> Promotion | None:
    from hive_mind.report.records import load_verdict

    verdict = load_verdict(models_dir, name)
    return registry.promote(models_dir, name, verdict.to_dict() if verdict else None, by="hand")


def _told(function: Callable[..., T], *arguments: Any) -> T:
    """Call a function of the registry; what it has to say goes to the client."""
    try:
        return function(*arguments)
    except HiveMindError as error:
        raise ToolError(str(error)) from error


def _must_be_able_to_ask(context: Context[Any, Any], otherwise: str) -> None:
    capabilities = context.client_capabilities
    if capabilities is None or capabilities.elicitation is None:
        raise ToolError(f"this client cannot ask the person to confirm; let the person run `{otherwise}` in a terminal")


def _agreed(confirmation: ElicitationResult[Confirmation]) -> bool:
    return isinstance(confirmation, AcceptedElicitation) and confirmation.data.confirm


def _row(models_dir: Path, version: Version) -> VersionRow:
    manifest = version.manifest
    return VersionRow(
        name=version.name,
        aliases=list(version.aliases),
        base=str(manifest.base["id"]) if manifest else "",
        examples=int(manifest.dataset["examples"]) if manifest else 0,
        held_out_calls=_scores(models_dir, version.name),
        promoted=version.promoted.time if version.promoted else "",
        problem=version.problem,
    )


def _scores(models_dir: Path, name: str) -> dict[str, str]:
    from hive_mind.report.records import held_out_calls

    return {tier: f"{right}/{asked}" for tier, right, asked in _told(held_out_calls, models_dir, name)}


def _how(entry: Promotion) -> str:
    return f"{entry.time} by {entry.by}" + (f": {entry.reason}" if entry.reason else "")
