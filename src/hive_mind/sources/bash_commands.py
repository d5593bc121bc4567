"""NL2Bash and NL2SH-ALFA: requests with the shell command that answers them, as a call of a `bash` tool."""

from __future__ import annotations

from hive_mind.conversation import JSON, Conversation, Message, Reject, Tool, ToolCall
from hive_mind.sources.source import GroupBy, Hub, build, reject, text_of

NAME = "bash_commands"
LICENCE = "MIT"
NEVER: tuple[str, ...] = ("*test*",)
"""The NL2SH-ALFA test set judges the models: it is never fetched nor read here."""
HUB: Hub | None = Hub("westenfelder/NL2SH-ALFA", exclude=("*dataset_info*.json", *NEVER))
FOLDERS: tuple[str, ...] = ("bash_commands", "nl2bash", "nl2sh")
FILES: tuple[str, ...] = ("bash_commands*", "nl2bash*", "nl2sh*")
GROUP_BY: GroupBy = "request"

BASH = Tool(
    "bash",
    "Run a command in the bash shell and return its output.",
    {
        "type": "object",
        "properties": {"command": {"type": "string", "description": "The command to run."}},
        "required": ["command"],
    },
)


def understands(row: JSON) -> bool:
    return "nl" in row and "bash" in row


def convert(row: JSON) -> Conversation | Reject:
    """Turn {nl, bash} into a request answered by one call of `bash`."""
    request, command = text_of(row.get("nl")), text_of(row.get("bash"))
    if request is None or command is None:
        return reject(NAME, "not_text", "nl or bash is not text")
    if not request.strip():
        return reject(NAME, "empty_request", "the request (nl) is empty")
    if request.startswith("ERROR - "):
        return reject(NAME, "annotators_note", "the request is an annotator's note that the command is wrong")
    if not command.strip():
        return reject(NAME, "empty_command", "the command (bash) is empty")
    call = ToolCall("call_0", BASH.name, {"command": command.strip()})
    return build(NAME, [Message("user", request.strip()), Message("assistant", "", tool_calls=(call,))], [BASH])
