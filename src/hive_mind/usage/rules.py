"""The automatic review: what may be learnt from at once, what never, and what waits for a person."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from hive_mind.conversation import Message
from hive_mind.suites.fences import blocks
from hive_mind.tool_schema.arguments import SchemaUnusable, argument_problems
from hive_mind.usage import teach
from hive_mind.usage.dangerous import danger
from hive_mind.usage.interaction import Interaction
from hive_mind.usage.settings import RuleSettings

State = Literal["new", "approved", "rejected", "quarantined"]
Decider = Literal["rules", "hand", "learning"]
"""Who put an interaction into its state: these rules, a person, or daily learning, which holds back what is odd."""
STATES: tuple[State, ...] = ("new", "approved", "rejected", "quarantined")

_SUSPECT = frozenset({"special_token_text"})
"""Reasons of the data stage that look like an attempt to smuggle something in."""
_COMMAND_KEYS = frozenset({"command", "commands", "cmd", "script", "shell", "bash", "code", "input"})
_ARGV_KEYS = frozenset({"argv", "args", "command", "cmd"})
_SHELL_TOOL = re.compile(r"bash|shell|terminal|exec|command|run_cmd|\bsh\b", re.IGNORECASE)
_SHELL_LANGUAGES = frozenset({"bash", "sh", "shell", "zsh", "console", "terminal"})


@dataclass(frozen=True, slots=True)
class Verdict:
    """A state, and in words why."""

    state: State
    reason: str


def judge(identity: str, interaction: Interaction, repeats: int, settings: RuleSettings) -> Verdict:
    """Judge an interaction. `repeats` counts how often its session holds the same calls, itself included.

    Approved is what succeeded or was liked, fits its declarations, was not repeated and does nothing dangerous.
    Rejected is what failed or was disliked. Quarantined is what should not be learnt though it worked. The rest stays
    new.
    """
    if interaction.thumb == "down":
        return Verdict("rejected", "a person did not like it")
    if interaction.outcome == "failed":
        return Verdict("rejected", f"it failed: {interaction.error}" if interaction.error else "it failed")
    if found := dangers(interaction.answer):
        return Verdict("quarantined", f"dangerous: it {found[0]}")
    if not any(message.role == "user" for message in interaction.messages):
        return Verdict("new", "the request is not known")
    refused = teach.problem(teach.training_row(identity, interaction))
    if refused is not None:
        return Verdict("quarantined" if refused.code in _SUSPECT else "new", f"{refused.code}: {refused.detail}")
    if wrong := _schema_problem(interaction):
        return Verdict("quarantined", wrong)
    if interaction.answer.tool_calls and repeats >= settings.repeats:
        return Verdict("quarantined", f"repeated: the same call {repeats} times in one session")
    if interaction.thumb == "up":
        return Verdict("approved", "a person liked it")
    if interaction.outcome == "succeeded":
        return Verdict("approved", "it succeeded")
    return Verdict("new", "what came of it is not known")


def dangers(answer: Message) -> list[str]:
    """Return what is dangerous about the commands that an answer runs or shows, none in a harmless one."""
    return [found for command in _commands(answer) if (found := danger(command))]


def _commands(answer: Message) -> Iterator[str]:
    for call in answer.tool_calls:
        yield from _in_arguments(call.arguments, bool(_SHELL_TOOL.search(call.name)))
    for block in blocks(answer.content):
        if block.language in _SHELL_LANGUAGES:
            yield block.text


def _in_arguments(value: Any, is_shell: bool) -> Iterator[str]:
    """Yield what may be a shell command: texts under a telling name, every text of a tool that is a shell."""
    if isinstance(value, list):
        for item in value:
            yield from _in_arguments(item, is_shell)
    elif isinstance(value, str) and is_shell:
        yield value
    elif isinstance(value, dict):
        for key, item in value.items():
            if key in _ARGV_KEYS and isinstance(item, list) and all(isinstance(word, str) for word in item):
                yield shlex.join([*([value["command"]] if isinstance(value.get("command"), str) else []), *item])
            yield from _in_arguments(item, is_shell or key in _COMMAND_KEYS)


def _schema_problem(interaction: Interaction) -> str | None:
    tools = {tool.name: tool for tool in interaction.tools}
    for call in interaction.answer.tool_calls:
        try:
            if wrong := argument_problems(tools[call.name], call.arguments):
                return f"schema_violation: a call of {call.name}: {wrong[0]}"
        except SchemaUnusable as error:
            return f"schema_unusable: {error}"
    return None
