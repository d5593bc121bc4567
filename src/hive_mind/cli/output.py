"""What every command prints in the same way."""

from __future__ import annotations


def print_json(value: object) -> None:
    """Print one JSON object as a line of standard output: what `--json` promises as the last one."""
    import orjson

    print(orjson.dumps(value).decode())


def one_line(text: str, longest: int) -> str:
    """Return a text as one line of at most so many characters, its end cut off with an ellipsis."""
    flat = " ".join(text.split())
    return flat if len(flat) <= longest else f"{flat[: longest - 1]}…"


def left_aligned(header: list[str], rows: list[list[str]]) -> str:
    """Return rows of words as columns, each to the left."""
    lines = [header, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )
