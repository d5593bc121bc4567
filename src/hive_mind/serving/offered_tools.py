"""The tools that a request is answered with: those that it brings, or the catalogue's, and of many the best few."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from hive_mind.catalogue import offer
from hive_mind.conversation import Message, Tool
from hive_mind.serving import served_models
from hive_mind.serving.api_settings import ApiSettings
from hive_mind.serving.openai_chat import read_messages, read_tools
from hive_mind.serving.openai_errors import refused
from hive_mind.serving.openai_schema import CATALOGUE, ChatRequest, ChosenTool
from hive_mind.tool_schema import legal_names

Catalogue = Callable[[], Sequence[Tool]]
"""Returns the user's own tools, as `hive-mind tools sync` found them."""


@dataclass(frozen=True, slots=True)
class Offered:
    """Messages and tools as the model gets them. `of`: how many tools there were.

    `originals`: a tool's name by the one that the client knows it by, `shown` the other way round, where they differ.
    OpenAI's clients take no dots in names, and the catalogue's tools may have some.
    """

    messages: tuple[Message, ...]
    tools: tuple[Tool, ...]
    of: int
    originals: Mapping[str, str] = field(default_factory=dict)

    @property
    def shown(self) -> Mapping[str, str]:
        """The names that the client knows tools by."""
        return {name: legal for legal, name in self.originals.items()}


@dataclass(frozen=True, slots=True)
class Offering:
    """What there is to offer: the user's catalogue and the models; `most` tools are put before a model at once."""

    settings: ApiSettings
    models_dir: Path
    catalogue: Catalogue

    def own_models(self) -> set[str]:
        """Return every name that means a model of this machine."""
        return served_models.names(self.models_dir)

    def offered(self, chat: ChatRequest) -> Offered:
        """Return what the model gets of a request. Raises ApiError if it cannot be read or there are no tools."""
        tools, originals = read_tools(chat), {}
        if chat.tools == CATALOGUE or (not tools and self.settings.offer_catalogue and chat.tool_choice != "none"):
            tools = tuple(self.catalogue())
            if not tools and chat.tools == CATALOGUE:
                raise refused("the catalogue holds no tools; fill it with `hive-mind tools sync`", "tools")
            names = legal_names(tool.name for tool in tools).original
            originals = {legal: name for legal, name in names.items() if legal != name}
        messages = read_messages(chat.messages, originals)
        chosen = _best(chat, messages, tools, self.settings.tools_in_prompt, originals)
        return Offered(messages, chosen, len(tools), originals)


def _best(
    chat: ChatRequest, messages: tuple[Message, ...], tools: tuple[Tool, ...], most: int, originals: Mapping[str, str]
) -> tuple[Tool, ...]:
    if not most or len(tools) <= most:
        return tools
    names = {tool.name for tool in offer(messages, tools, most)}
    if isinstance(chat.tool_choice, ChosenTool):
        named = chat.tool_choice.function.name
        names.add(originals.get(named, named))
    return tuple(tool for tool in tools if tool.name in names)
