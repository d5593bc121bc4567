"""The twelve tools of the month's user: real MCP tools, read from the file that HIVE_MIND_REAL_DATA names.

Where that is unset, tools with the same parameters that this project declares itself stand in for them, and
`read_tools` says so. Of the real ones only what a frame must know is written here: whose they are, and what their
parameters are called.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from hive_mind.conversation import Tool
from hive_mind.errors import UsageError
from hive_mind.files import read_json
from hive_mind.progress import say

REAL_DATA = "HIVE_MIND_REAL_DATA"
TOOLS_FILE = Path("usage/livemcpbench_tools.json")


@dataclass(frozen=True)
class UserTool:
    """One of the user's tools as the frames know it: parameter -> slot of the frames; and what declares it."""

    server: str
    name: str
    means: str
    slots: Mapping[str, str]
    types: Mapping[str, str]
    required: tuple[str, ...]
    told: str
    declared: Tool

    def stand_in(self) -> Tool:
        """Return a declaration of our own with the same parameters."""
        properties = {name: {"type": self.types.get(name, "string")} for name in self.slots}
        schema = {"type": "object", "properties": properties, "required": list(self.required)}
        return Tool(self.name, self.means, schema)


def _tool(
    server: str, name: str, means: str, told: str, slots: Mapping[str, str], optional: tuple[str, ...] = (),
    **types: str,
) -> UserTool:  # fmt: skip
    required = tuple(parameter for parameter in slots if parameter not in optional)
    bare = UserTool(server, name, means, slots, types, required, told, Tool(name, means, {}))
    return replace(bare, declared=bare.stand_in())


FIRST = (
    _tool("wikipedia", "get_summary", "Sum up an article.", "Here is a summary of {title}.", {"title": "title"}),
    _tool(
        "git", "git_checkout", "Switch to another branch.", "{repo} is on {branch} now.",
        {"repo_path": "repo", "branch_name": "branch"},
    ),
    _tool(
        "git", "git_log", "Show commits.", "Here are the commits of {repo}.",
        {"repo_path": "repo", "max_count": "count"}, ("max_count",), max_count="integer",
    ),
    _tool(
        "word-document-server", "convert_to_pdf", "Make a PDF of a Word document.", "{file} is a PDF now.",
        {"filename": "file", "output_filename": "pdf"}, ("output_filename",),
    ),
    _tool(
        "docker-mcp", "get-logs", "Get the logs of a container.", "Here are the logs of {container}.",
        {"container_name": "container"},
    ),
    _tool("calculator", "calculate", "Calculate an expression.", "That is the result.", {"expression": "expression"}),
    _tool(
        "word-document-server", "delete_paragraph", "Delete a paragraph.", "Paragraph {index} is gone.",
        {"filename": "file", "paragraph_index": "index"}, paragraph_index="integer",
    ),
    _tool("hackernews", "getStory", "Get a story.", "Here is the story {id}.", {"id": "id"}, id="number"),
)  # fmt: skip
LATER = (
    _tool(
        "yahoo-finance", "get_current_stock_price", "Get the price of a stock.", "That is the price of {symbol}.",
        {"symbol": "symbol"},
    ),
    _tool("whois", "whois_domain", "Look up a domain's owner.", "Here is who owns {domain}.", {"domain": "domain"}),
    _tool("memory", "search_nodes", "Search the graph.", "That is what I found on {query}.", {"query": "query"}),
    _tool(
        "git", "git_commit", "Commit changes.", "The changes in {repo} are committed.",
        {"repo_path": "repo", "message": "message"},
    ),
)  # fmt: skip
CHANGING = "get-logs"


def read_tools() -> tuple[tuple[UserTool, ...], tuple[UserTool, ...], str]:
    """Return the first eight tools, the four that come later, and in words where their declarations are from.

    Raises UsageError if a real tool has not the parameters that the frames fill.
    """
    folder = os.environ.get(REAL_DATA)
    if folder is None:
        source = f"stand-ins declared by this project ({REAL_DATA} is not set)"
        say(f"the month's tools are {source}")
        return FIRST, LATER, source
    declared = _declarations(Path(folder) / TOOLS_FILE)
    first, later = (tuple(_real(tool, declared) for tool in tools) for tools in (FIRST, LATER))
    return first, later, f"{len(first) + len(later)} real MCP tools ({TOOLS_FILE.name})"


def _declarations(file: Path) -> dict[tuple[str, str], Tool]:
    return {
        (server, row["name"]): Tool(row["name"], row["description"] or "", row["inputSchema"])
        for product in read_json(file)
        for server, offered in product["tools"].items()
        for row in offered["tools"]
    }


def _real(tool: UserTool, declared: Mapping[tuple[str, str], Tool]) -> UserTool:
    found = declared.get((tool.server, tool.name))
    if found is None or not set(tool.slots) <= set(found.parameters["properties"]):
        raise UsageError(f"{tool.name} of {tool.server} is not as the frames know it; take another file of tools")
    return replace(tool, declared=found)


def changed(tool: UserTool) -> UserTool:
    """Return the log tool as its next version has it: `container_name` is called `container`, `tail` is new."""
    before: Any = tool.declared.parameters
    properties = {"container": before["properties"]["container_name"], "tail": {"type": "integer"}}
    parameters = {**before, "properties": properties, "required": ["container"]}
    declared = Tool(tool.name, tool.declared.description, parameters)
    slots = {"container": "container", "tail": "tail"}
    return replace(tool, slots=slots, types={"tail": "integer"}, required=("container",), declared=declared)
