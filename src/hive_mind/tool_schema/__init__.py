"""Tool declarations as the world writes them, as JSON Schema; calls checked against it; names for the OpenAI API.

It stands low in the order of imports, right above `conversation`, because sources, evaluation data and servers must
all read a declaration the same way: a model that was trained on one reading of a tool is not asked with another.
"""

from hive_mind.tool_schema.declaration import Normalised, normalise, read_tool
from hive_mind.tool_schema.keywords import Note
from hive_mind.tool_schema.names import NameMap, legal_names

__all__ = ["NameMap", "Normalised", "Note", "legal_names", "normalise", "read_tool"]
