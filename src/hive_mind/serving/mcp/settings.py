"""Settings of the MCP server and of the proxy: what they stand on, and where they listen over HTTP."""

from __future__ import annotations

from pathlib import Path

from hive_mind.catalogue.settings import CatalogueSettings
from hive_mind.config import Settings, setting
from hive_mind.serving.engine_settings import EngineSettings
from hive_mind.serving.mcp.clients import PORT
from hive_mind.serving.mcp.places import inside, placed
from hive_mind.usage.settings import UsageSettings


class HttpSettings(Settings):
    """Where to listen when MCP is spoken over HTTP."""

    host: str = setting("127.0.0.1", "address to listen on; any that others can reach needs a token first")
    port: int = setting(PORT, "port to listen on; 0 takes a free one", ge=0, le=65535)
    allowed_hosts: list[str] = setting([], "further names that clients may call this server by (the Host header)")
    tokens_file: Path = setting(Path("data/serving/tokens.json"), "where the named tokens are kept, hashed")


class McpSettings(Settings):
    """`hive-mind mcp` and `hive-mind mcp proxy`. Relative paths are of the folder that --folder names."""

    models_dir: Path = setting(Path("models"), "where versions and `latest` live")
    data_dir: Path = setting(Path("data"), "where the dataset lies whose card is shown")
    catalogue: CatalogueSettings = setting(CatalogueSettings(), "the tools that `hive-mind tools sync` found")
    http: HttpSettings = setting(HttpSettings(), "where to listen with --http")
    engine: EngineSettings = setting(EngineSettings(), "how the model answers")
    usage: UsageSettings = setting(UsageSettings(), "where what is done is recorded")

    def placed(self, folder: Path) -> McpSettings:
        """Return the settings with their paths inside a folder, absolute."""
        tokens = {"tokens_file": inside(folder, self.http.tokens_file)}
        catalogue = {"file": inside(folder, self.catalogue.file)}
        return self.model_copy(
            update={
                "models_dir": inside(folder, self.models_dir),
                "data_dir": inside(folder, self.data_dir),
                "catalogue": self.catalogue.model_copy(update=catalogue),
                "http": self.http.model_copy(update=tokens),
                "usage": placed(self.usage, folder),
            }
        )
