"""What every command prints in the same way."""

from __future__ import annotations


def print_json(value: object) -> None:
    """Print one JSON object as a line of standard output: what `--json` promises as the last one."""
    import orjson

    print(orjson.dumps(value).decode())
