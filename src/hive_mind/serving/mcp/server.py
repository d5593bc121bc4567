"""The MCP server: the model's tools, resources and prompts, over stdio or streamable HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from mcp.server import MCPServer

from hive_mind import __version__
from hive_mind.serving.mcp import answers, prompts, records, resources, versions
from hive_mind.serving.mcp.backend import Backend

NAME = "hive-mind"
INSTRUCTIONS = """\
A small model on this machine that was trained on its user's own tools and habits. Nothing leaves the machine.

Ask it when a short, exact answer is wanted and show the answer to the user:
- shell_command: one bash command for a request. It is not run.
- suggest_tool_call: which tool to call and with which arguments. Leave `tools` out to let it choose among the user's \
known tools. Nothing is called.
- write_code, explain, generate: short code, explanations, plain text.
Check what it says: it is small. Every answer names the version that wrote it and an interaction_id. When the user \
says that an answer was good or bad, pass that on with give_feedback; when another tool call did what the user wanted, \
record_interaction keeps it. Approved records train the next version.

list_models and model_status show what is served. promote_model and rollback_model change it and ask the user first.
The first answer takes some seconds longer, because the model is loaded then.
"""
LONGEST_INSTRUCTIONS = 2048
"""What Claude Code reads of them."""


def create_server(here: Backend) -> MCPServer[Backend]:
    """Return the server over a backend; closing that is the caller's."""

    @asynccontextmanager
    async def lifespan(_: MCPServer[Backend]) -> AsyncIterator[Backend]:
        yield here

    server: MCPServer[Backend] = MCPServer(
        NAME, title="Hive-Mind", instructions=INSTRUCTIONS, version=__version__, lifespan=lifespan, log_level="WARNING"
    )
    answers.register(server)
    records.register(server)
    versions.register(server)
    resources.register(server, here)
    prompts.register(server)
    return server
