"""Made-up lines of a Claude Code session, in the layout of the program's files."""

from __future__ import annotations

from typing import Any

Row = dict[str, Any]


class Session:
    """Builds lines, each after the one before unless told otherwise."""

    def __init__(self, name: str = "5e55", **common: Any) -> None:
        self.lines: list[Row] = []
        self.last: str | None = None
        self.common = {"sessionId": name, "version": "2.1.17", "cwd": "/home/you/shop", "isSidechain": False, **common}

    def line(self, kind: str, **fields: Any) -> str:
        name = f"{self.common['sessionId']}-{len(self.lines)}"
        moment = f"2026-03-02T09:{len(self.lines) // 60:02d}:{len(self.lines) % 60:02d}.125Z"
        row = {"parentUuid": self.last, **self.common, "type": kind, "uuid": name, "timestamp": moment, **fields}
        self.lines.append(row)
        self.last = name
        return name

    def user(self, content: Any, **fields: Any) -> str:
        return self.line("user", message={"role": "user", "content": content}, **fields)

    def reply(self, message: str, *blocks: Row, **fields: Any) -> list[str]:
        """A reply of the model, one line a block, as the program writes it."""
        made = {"id": message, "role": "assistant", "model": "claude-x-1", "stop_reason": None}
        return [
            self.line("assistant", message={**made, "content": [block]}, requestId=f"req_{message}", **fields)
            for block in blocks
        ]

    def result(self, call: str, text: Any, error: bool = False, **fields: Any) -> str:
        block = {"type": "tool_result", "tool_use_id": call, "content": text, **({"is_error": True} if error else {})}
        return self.user([block], toolUseResult={"stdout": text}, **fields)


def words(text: str) -> Row:
    return {"type": "text", "text": text}


def use(call: str, name: str, **arguments: Any) -> Row:
    return {"type": "tool_use", "id": call, "name": name, "input": arguments}


def shop() -> Session:
    """A session with all that a file may hold."""
    made = Session()
    made.lines.append({"type": "summary", "summary": "Tests of the shop", "leafUuid": "x"})
    made.lines.append({"type": "file-history-snapshot", "messageId": "m", "snapshot": {}})
    made.user("<command-name>/clear</command-name>\n<command-message>clear</command-message>")
    made.user("Caveat: the messages below were made by local commands.", isMeta=True)
    made.user([words("Why do the shop's tests fail?<system-reminder>Be quick.</system-reminder>")])
    made.reply("m1", {"type": "thinking", "thinking": "Hm.", "signature": "s"}, words("I will run them."),
               use("toolu_1", "Bash", command="pytest -q", timeout=60))  # fmt: skip
    made.result("toolu_1", "1 failed", error=True)
    first, second = made.reply("m2", use("toolu_2", "Read", file_path="a.py"), use("toolu_3", "Read", file_path="b.py"))
    made.result("toolu_2", [words("def a(): ..."), {"type": "image", "source": {}}], parentUuid=first)
    made.result("toolu_3", "def b(): ...<system-reminder>Malware?</system-reminder>", parentUuid=second)
    made.line("system", subtype="turn_duration", durationMs=9)
    made.reply("m3", words("b returns nothing."))
    made.user([words("[Request interrupted by user]")])
    made.reply("m4", words("API Error: overloaded"), isApiErrorMessage=True)
    made.user("Then mend b.")
    made.reply("m5", use("toolu_4", "mcp__files__write_file", path="b.py", content="def b(): return 1"))
    made.result("toolu_4", "The user doesn't want to proceed with this tool use.", error=True)
    made.reply("m6", use("toolu_5", "Bash", command="git diff", description="Show changes"))
    return made
