"""The tools that a request is answered with: those that it brings, or the catalogue's, and of many the best few."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from hive_mind.catalogue import offer
from hive_mind.conversation import Message, Tool
from hive_mind.serving import served_models
from hive_mind.serving.api_settings import ApiSettings
from hive_mind.serving.openai_chat import read_messages, read_tools
from hive_mind.serving.openai_errors import refused
from hive_mind.serving.openai_schema import CATALOGUE, ChatRequest, ChosenTool

Catalogue = Callable[[], Sequence[Tool]]
"""Returns the user's own tools as `hive-mind tools sync` found them, under names that OpenAI's clients take."""


@dataclass(frozen=True, slots=True)
class Offered:
    """Messages and tools as the model gets them. `of`: how many tools there were."""

    messages: tuple[Message, ...]
    tools: tuple[Tool, ...]
    of: int


@dataclass(frozen=True, slots=True)
class Offering:
    """What there is to offer: this machine's models, and the user's catalogue."""

    settings: ApiSettings
    models_dir: Path
    catalogue: Catalogue

    def is_own(self, model: str) -> bool:
        """Tell whether a name means a model of this machine."""
        return served_models.is_own(self.models_dir, model)

    def offered(self, chat: ChatRequest) -> Offered:
        """Return what the model gets of a request. Raises ApiError if it cannot be read or there are no tools."""
        tools, messages = read_tools(chat), read_messages(chat.messages)
        if chat.tools == CATALOGUE or (not tools and self.settings.offer_catalogue and chat.tool_choice != "none"):
            tools = tuple(self.catalogue())
            if not tools and chat.tools == CATALOGUE:
                raise refused("the catalogue holds no tools; fill it with `hive-mind tools sync`", "tools")
        return Offered(messages, _best(chat, messages, tools, self.settings.tools_in_prompt), len(tools))


def _best(chat: ChatRequest, messages: tuple[Message, ...], tools: tuple[Tool, ...], most: int) -> tuple[Tool, ...]:
    """Return the best few tools for a conversation, with those called in it and one that must be called."""
    if not most or len(tools) <= most:
        return tools
    names = {tool.name for tool in offer(messages, tools, most)}
    if isinstance(chat.tool_choice, ChosenTool):
        names.add(chat.tool_choice.function.name)
    return tuple(tool for tool in tools if tool.name in names)
