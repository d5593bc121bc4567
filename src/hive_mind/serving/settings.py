"""Everything that `hive-mind serve` is set by; the sections are the parts' own settings."""

from __future__ import annotations

from pathlib import Path

from hive_mind.catalogue.settings import CatalogueSettings
from hive_mind.config import Settings, setting
from hive_mind.serving.api_settings import ApiSettings
from hive_mind.serving.engine_settings import EngineSettings
from hive_mind.usage.settings import UsageSettings


class ServeSettings(Settings):
    """One server: its models, its API, what it records."""

    models_dir: Path = setting(Path("models"), "where versions and `latest` live")
    serving: ApiSettings = setting(ApiSettings(), "the OpenAI-compatible API and the gateway")
    engine: EngineSettings = setting(EngineSettings(), "how models answer")
    usage: UsageSettings = setting(UsageSettings(), "where requests and answers are recorded")
    catalogue: CatalogueSettings = setting(CatalogueSettings(), "the user's own tools")
