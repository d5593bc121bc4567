"""An MCP server with some of everything, to stand a proxy before: `python some_server.py`."""

import os
import sys
from typing import Annotated

import anyio
from mcp.server import MCPServer
from mcp.server.mcpserver import Context, Elicit, Resolve
from mcp.server.mcpserver.exceptions import ToolError
from pydantic import BaseModel

server = MCPServer("some-server", title="Some server", instructions="Call echo.", version="1.2.3", log_level="CRITICAL")


class Sum(BaseModel):
    total: float
    parts: list[float]


class Name(BaseModel):
    name: str


def ask_name() -> Elicit[Name]:
    return Elicit("What is your name?", Name)


@server.tool(title="Echo")
def echo(text: str) -> str:
    """Give a text back."""
    return text


@server.tool()
def add(numbers: list[float]) -> Sum:
    """Add numbers."""
    return Sum(total=sum(numbers), parts=numbers)


@server.tool()
def fail() -> str:
    """Fail, and say why."""
    raise ToolError("the disk is full; free some")


@server.tool()
async def count(context: Context, to: int, wait: float = 0.0) -> str:
    """Count with progress."""
    for number in range(1, to + 1):
        await context.report_progress(number, to, f"at {number}")
        await anyio.sleep(wait)
    return f"counted to {to}"


@server.tool()
def greet(person: Annotated[Name, Resolve(ask_name)]) -> str:
    """Greet a person, who is asked for the name first."""
    return f"Hello, {person.name}"


@server.tool()
async def grow(context: Context) -> str:
    """Add a tool, and say that the list changed."""

    def grown() -> str:
        """A tool that was not there before."""
        return "grown"

    server.add_tool(grown)
    await context.notify_tools_changed()
    await context.session.send_tool_list_changed()
    return "there is one more"


@server.tool()
def variable(name: str) -> str:
    """Read an environment variable."""
    return os.environ.get(name, "")


@server.tool()
def leave(code: int) -> str:
    """End at once."""
    os._exit(code)


@server.resource("some://fixed", title="Fixed")
def fixed() -> str:
    """A text."""
    return "fixed"


@server.resource("some://item/{name}")
def item(name: str) -> bytes:
    """Bytes by name."""
    return name.encode() * 2


@server.prompt()
def wish(what: str) -> str:
    """A wish."""
    return f"I wish for {what}"


if __name__ == "__main__":
    print("some server starts", file=sys.stderr, flush=True)
    server.run("stdio")
