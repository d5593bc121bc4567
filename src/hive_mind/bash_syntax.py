"""Shell commands as syntax trees, by tree-sitter's grammar of Bash: nothing is run and nothing expanded."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tree_sitter import Node, Parser

_NOT_ASCII = re.compile(r"[^\x00-\x7f]")


def parse(command: str) -> Node:
    """Return the root of a command's tree. Its nodes' byte offsets are places in `command`, whatever characters it has.

    What is not ASCII stands as an x in it: tree-sitter-bash 0.25.1 looks characters up in C's table of 256, and ends
    the process at `{` before U+E7112, say.
    """
    return _parser().parse(_NOT_ASCII.sub("x", command).encode()).root_node


def walk(root: Node) -> Iterator[Node]:
    """Yield a node and everything below it, in the order of the text."""
    ahead = [root]
    while ahead:
        here = ahead.pop()
        yield here
        ahead += reversed(here.children)


@cache
def _parser() -> Parser:
    import tree_sitter_bash
    from tree_sitter import Language, Parser

    return Parser(Language(tree_sitter_bash.language()))
