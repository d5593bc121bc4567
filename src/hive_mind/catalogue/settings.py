"""Settings of the catalogue of the user's tools."""

from __future__ import annotations

from pathlib import Path

from hive_mind.config import Settings, setting


class CatalogueSettings(Settings):
    """Where the catalogue is kept, and how servers are asked."""

    file: Path = setting(Path("data/tools/catalogue.json"), "the catalogue: every server's tools and their versions")
    timeout: float = setting(
        60.0, "seconds a server has to start and list its tools; the first start may download it", gt=0
    )
    at_once: int = setting(4, "how many servers are asked at the same time", ge=1)
