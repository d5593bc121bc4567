"""Bring the catalogue up to date: read the clients' configurations, ask every server, note what changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from hive_mind.catalogue.clients import client_files, find_servers
from hive_mind.catalogue.connect import Listing, list_tools
from hive_mind.catalogue.file import Change, read_catalogue, update, write_catalogue
from hive_mind.catalogue.settings import CatalogueSettings
from hive_mind.conversation import JSON
from hive_mind.progress import track, utc_now


@dataclass(frozen=True)
class Synced:
    """What a sync found: the catalogue as it is now, what changed in it, and the files and servers
    of which nothing could be learnt."""

    catalogue: JSON
    changes: tuple[Change, ...]
    failed: Mapping[str, str]


def sync(
    settings: CatalogueSettings, projects: Sequence[Path] = (), configs: Sequence[Path] = (), home: Path | None = None
) -> Synced:
    """Ask the servers of every client's configuration, of `projects` and of more files of the same kind.

    Raises DataRefused if the catalogue is damaged, HiveMindError if it cannot be written.
    """
    home = home or Path.home()
    catalogue = read_catalogue(settings.file)
    found = find_servers([*client_files(home, projects), *(("file", file) for file in configs)], home)
    listings: list[Listing] = []
    if found.servers:
        with track("asking servers", len(found.servers), "servers") as progress:
            listings = list_tools(
                found.servers, settings.timeout, settings.at_once, lambda one: progress.advance(status=one.server.name)
            )
    changes = update(catalogue, listings, utc_now(), found.looked_at, found.skipped)
    write_catalogue(settings.file, catalogue)
    failed = {**found.broken, **found.skipped, **{one.server.name: one.error for one in listings if one.error}}
    return Synced(catalogue, tuple(changes), failed)
