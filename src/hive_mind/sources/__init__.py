"""The parsers of foreign formats, one file each: `convert(row)` gives a Conversation or a Reject with a reason."""

from __future__ import annotations

from hive_mind.conversation import JSON
from hive_mind.sources import bash_commands, code_alpaca, glaive_tools, messages, usage, xlam
from hive_mind.sources.source import EXPECTED_CODES, GroupBy, Hub, Source

SOURCES: dict[str, Source] = {
    source.NAME: source for source in (code_alpaca, glaive_tools, bash_commands, xlam, messages, usage)
}
"""Every source by name, in the order in which their rows are written."""

__all__ = ["EXPECTED_CODES", "SOURCES", "GroupBy", "Hub", "Source", "source_of"]


def source_of(row: JSON) -> Source | None:
    """Return the source whose layout a row is in; usage before messages, because it exports in our own schema."""
    for name in ("usage", "messages", "code_alpaca", "glaive_tools", "bash_commands", "xlam"):
        if SOURCES[name].understands(row):
            return SOURCES[name]
    return None
