"""Settings of the usage store: where interactions are kept, for how long, and what is approved without a person."""

from __future__ import annotations

from pathlib import Path

from hive_mind.config import Settings, setting


class RuleSettings(Settings):
    """Bounds of the automatic review."""

    repeats: int = setting(
        3, "the same call so often in one session is held back: whoever made it was going in circles", ge=2
    )


class UsageSettings(Settings):
    """Where interactions are kept and what becomes of them."""

    url: str = setting(
        "data/usage/usage.sqlite", "a SQLite file, or a URL such as postgresql+psycopg://user@localhost/hive_mind"
    )
    spool: Path = setting(Path("data/usage/spool"), "folder for entries that the store could not take yet")
    exports: Path = setting(Path("data/automated"), "folder for exported training files")
    retention_days: int = setting(30, "new and rejected interactions older than this are removed by `clean`", ge=1)
    idle_seconds: float = setting(30.0, "the process that writes to the store ends after so long without work", gt=0)
    rules: RuleSettings = setting(RuleSettings(), "what is approved without a person")

    def absolute(self) -> UsageSettings:
        """Return the settings with absolute paths, for another process on this machine."""
        url = self.url if "://" in self.url else str(Path(self.url).expanduser().absolute())
        return self.model_copy(
            update={
                "url": url,
                "spool": self.spool.expanduser().absolute(),
                "exports": self.exports.expanduser().absolute(),
            }
        )
