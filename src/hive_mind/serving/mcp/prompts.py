"""Prompts for the common requests; clients show them as commands (`/mcp__hive-mind__shell`)."""

from __future__ import annotations

from typing import Annotated, Any

from mcp.server import MCPServer
from pydantic import Field

Request = Annotated[str, Field(description="what is to be done, in your words")]


def register(server: MCPServer[Any]) -> None:
    """Add the prompts to the server."""

    @server.prompt(title="A shell command from the local model")
    def shell(request: Request) -> str:
        """Let the local model write a bash command; it is shown before anything runs."""
        return (
            f"Call the tool shell_command of hive-mind with this request:\n\n{request}\n\n"
            "Show me the command and say in one line what it does. Do not run it before I agree. Pass on what I say of "
            "it with give_feedback and the answer's interaction_id."
        )

    @server.prompt(title="A tool call from the local model")
    def tool_call(request: Request) -> str:
        """Let the local model choose a tool and its arguments; nothing is called before you agree."""
        return (
            f"Call the tool suggest_tool_call of hive-mind with this request, leaving `tools` out:\n\n{request}\n\n"
            "Show me the call that it suggests. Do not make it before I agree. Pass on what I say of it with "
            "give_feedback and the answer's interaction_id."
        )

    @server.prompt(title="Code from the local model")
    def code(request: Request) -> str:
        """Let the local model write a short piece of code."""
        return (
            f"Call the tool write_code of hive-mind with this request:\n\n{request}\n\n"
            "Show me the code, say what you would change, and pass on what I say of it with give_feedback."
        )

    @server.prompt(title="How good is the local model?")
    def review_model() -> str:
        """Look at the served model, its report and what was recorded since."""
        return (
            "Call model_status and usage_stats of hive-mind and read the resource hive-mind://reports/latest. Tell me "
            "in a few lines which model is served, how good it is at tool calls, and what was recorded since."
        )
