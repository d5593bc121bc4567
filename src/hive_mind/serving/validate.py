"""What can be said of a request without a model: whether its fields are possible and fit each other."""

from __future__ import annotations

import math

from hive_mind.errors import UsageError
from hive_mind.inference.tool_choice import Named
from hive_mind.serving.ask import Ask


def validate(ask: Ask) -> None:
    """Raise UsageError for a request that no model could answer."""
    problem = _prompt_problem(ask) or _tools_problem(ask) or _sampling_problem(ask)
    if problem is not None:
        raise UsageError(problem)


def _prompt_problem(ask: Ask) -> str | None:
    if ask.prompt is None and not ask.messages:
        return "the request has no messages; send at least the user's"
    if ask.prompt is not None and (ask.messages or ask.tools):
        return "a raw prompt stands alone; send messages to have the tools and what was said before written into it"
    if ask.prompt == "":
        return "the prompt is empty; send the text to go on from"
    if ask.max_tokens is not None and ask.max_tokens < 1:
        return f"max_tokens is {ask.max_tokens}; a reply has at least one token"
    if any(not text for text in ask.stop):
        return "a stop text is empty; leave it out"
    return None


def _tools_problem(ask: Ask) -> str | None:
    names = [tool.name for tool in ask.tools]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        return f"two tools are called {twice}; a call could mean either, so give them different names"
    if isinstance(ask.tool_choice, Named) and ask.tool_choice.name not in names:
        return f"the tool {ask.tool_choice.name} must be called and is not among the declared tools"
    if ask.tool_choice == "required" and not names:
        return "a tool must be called and none is declared"
    return None


def _sampling_problem(ask: Ask) -> str | None:
    if not (math.isfinite(ask.temperature) and ask.temperature >= 0):
        return f"temperature is {ask.temperature}; it is a number from 0 (the likeliest token) upwards"
    if not 0 < ask.top_p <= 1:
        return f"top_p is {ask.top_p}; it is a share above 0 and at most 1"
    return None
