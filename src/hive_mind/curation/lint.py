"""A training file held against all that would hurt in training: what is wrong, in how many rows, and where first.

An error is a row that is not trained on as it stands, or that must not be: the file wants repair. A warning is a row
that is left out by design, or trained on although something in it is odd.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hive_mind.chat.batch import Tokens, render_all
from hive_mind.chat.tokenizer import ChatTokenizer
from hive_mind.chat.turns import UnusableForTraining
from hive_mind.conversation import JSON, Conversation, Reject
from hive_mind.curation.accept import accept
from hive_mind.curation.call_check import call_problem
from hive_mind.curation.forgotten import forgotten_rows
from hive_mind.errors import DataRefused, UsageError
from hive_mind.progress import Progress, track
from hive_mind.sources import EXPECTED_CODES, source_of
from hive_mind.sources.raw import RawRow, read_raw
from hive_mind.sources.transcripts import with_servers
from hive_mind.tool_schema.arguments import SchemaUnusable, argument_problems

ERROR, WARNING = "error", "warning"
EXAMPLES = 3

SecretFinder = Callable[[str], Iterable[str]]
"""Names the kinds of secrets that a text holds, never the secrets."""

KINDS = {
    "string_arguments": (ERROR, "a call's `arguments` are JSON text: other trainers would render them quoted twice"),
    "duplicate_id": (ERROR, "two rows have the same id; rows without an id have that of their content"),
    "secret": (ERROR, "a message, a call's arguments or a tool's description hold a secret or personal data"),
    "forgotten": (
        ERROR,
        "the row holds an interaction that was forgotten since: nothing is trained on this file any more",
    ),
    "nothing_to_learn": (ERROR, "no token of the row is learnt"),
    "turns_not_found": (ERROR, "the chat template does not show every assistant turn"),
    "too_long": (WARNING, "the row has more tokens than `--max-length`: it is left out of training, never cut"),
    "schema_violation": (WARNING, "arguments break the declaration in more than types and required names"),
    "schema_unusable": (WARNING, "a declaration that nothing can be checked against, e.g. a `$ref` to nowhere"),
    "messages_after_last_answer": (WARNING, "they are dropped when the file is read: no turn to learn follows them"),
}
"""Severity and meaning of what is found here; every reason of a reject is an error of its own name besides."""


@dataclass
class Finding:
    """One kind of problem: how many rows have it, and the first of them as (line, what is wrong)."""

    kind: str
    severity: str
    rows: int = 0
    examples: list[tuple[int, str]] = field(default_factory=list)


@dataclass
class LintReport:
    """What `lint` found. `not_checked` names what could not be looked at, and why."""

    path: Path
    rows: int = 0
    rows_with_errors: int = 0
    rows_with_warnings: int = 0
    findings: dict[str, Finding] = field(default_factory=dict)
    not_checked: list[str] = field(default_factory=list)

    def add(self, line: int, found: dict[str, str]) -> None:
        """Count one row with what is wrong with it: detail by kind."""
        severities = {kind: severity(kind) for kind in found}
        for kind, detail in found.items():
            finding = self.findings.setdefault(kind, Finding(kind, severities[kind]))
            finding.rows += 1
            if len(finding.examples) < EXAMPLES:
                finding.examples.append((line, detail))
        self.rows_with_errors += ERROR in severities.values()
        self.rows_with_warnings += WARNING in severities.values()

    def sorted(self) -> list[Finding]:
        """Return the findings, errors first, the commonest first."""
        return sorted(self.findings.values(), key=lambda finding: (finding.severity != ERROR, -finding.rows))

    def to_dict(self) -> JSON:
        return {
            "file": str(self.path), "rows": self.rows, "rows_with_errors": self.rows_with_errors,
            "rows_with_warnings": self.rows_with_warnings, "not_checked": self.not_checked,
            "findings": {
                finding.kind: {
                    "severity": finding.severity, "rows": finding.rows,
                    "examples": [{"line": line, "detail": detail} for line, detail in finding.examples],
                }
                for finding in self.sorted()
            },
        }  # fmt: skip


def severity(kind: str) -> str:
    """Return whether a kind is an error or a warning; interactions that failed are rejected by design."""
    if kind in KINDS:
        return KINDS[kind][0]
    return WARNING if kind in EXPECTED_CODES else ERROR


def lint(
    path: Path,
    tokenizer: ChatTokenizer | None = None,
    max_length: int = 2048,
    find_secrets: SecretFinder | None = None,
) -> LintReport:
    """Check every row of a file in any layout that can be trained on.

    Without a tokenizer the token checks are left out, without `find_secrets` the search for secrets, and the report
    says so. Raises UsageError if the file is missing, DataRefused if it is broken as a whole or holds no row.
    """
    if not path.is_file():
        raise UsageError(f"{path} does not exist or is no file; name a training file")
    report = LintReport(path)
    if tokenizer is None:
        report.not_checked.append("tokens (no tokenizer was named): over-long rows, rows with nothing to learn")
    if find_secrets is None:
        report.not_checked.append("secrets")
    with track(f"checking {path.name}", unit="rows") as progress:
        rows = _RowChecks(report, find_secrets, progress).read(path)
        rendered = render_all(rows, tokenizer) if tokenizer else ((found, None) for found, _ in rows)
        for (line, found), tokens in rendered:
            found |= _token_problems(tokens, max_length)
            report.add(line, found)
    if not report.rows:
        raise DataRefused(f"{path} holds no row; build the dataset again, or name another file")
    return report


Found = tuple[int, dict[str, str]]
"""A row's line, and what is wrong with it: detail by kind."""


class _RowChecks:
    def __init__(self, report: LintReport, find_secrets: SecretFinder | None, progress: Progress) -> None:
        self.report, self.find_secrets, self.progress = report, find_secrets, progress
        self.ids: dict[str, int] = {}
        self.forgotten = forgotten_rows(report.path)

    def read(self, path: Path) -> Iterator[tuple[Found, Conversation | None]]:
        """Yield each row's problems, and its conversation if it can be trained on."""
        for item in read_raw(path):
            self.report.rows += 1
            self.progress.advance()
            if isinstance(item, Reject):
                yield (item.line, {item.code: item.detail}), None
                continue
            found: dict[str, str] = {}
            usable = self._check(item, found)
            yield (item.line, found), usable

    def _check(self, raw: RawRow, found: dict[str, str]) -> Conversation | None:
        for name in _string_arguments(raw.row):
            found.setdefault("string_arguments", f"the arguments of {name} are text, not an object")
        source = source_of(raw.row)
        if source is None:
            found["unknown_layout"] = f"no source has rows with the fields {', '.join(list(raw.row)[:6])}"
            return None
        converted = source.convert(with_servers(raw.row, raw.file))
        if isinstance(converted, Reject):
            found[converted.code] = converted.detail
            return None
        self._check_id(raw, converted, found)
        self._check_secrets(converted, found)
        found |= _call_problems(converted)
        accepted = accept(converted)
        if isinstance(accepted, Reject):
            found.setdefault(accepted.code, accepted.detail)
            return None
        dropped = len(converted.messages) - len(accepted.messages)
        if dropped:
            found["messages_after_last_answer"] = f"{dropped} message(s) stand after the last turn to learn"
        return accepted

    def _check_id(self, raw: RawRow, conversation: Conversation, found: dict[str, str]) -> None:
        said = raw.row.get("id")
        own = said if isinstance(said, str) and said else conversation.id
        first = self.ids.setdefault(own, raw.line)
        if first != raw.line:
            found["duplicate_id"] = f"{own} is the id of line {first} too"
        if own in self.forgotten:
            found["forgotten"] = f"{own} was to be forgotten; build the dataset again"

    def _check_secrets(self, conversation: Conversation, found: dict[str, str]) -> None:
        if self.find_secrets is None:
            return
        kinds = {kind for text in _texts(conversation) for kind in self.find_secrets(text)}
        if kinds:
            found["secret"] = f"it holds {', '.join(sorted(kinds))}"


def _call_problems(conversation: Conversation) -> dict[str, str]:
    """Check the calls as training does and, where they pass, against all that JSON Schema says."""
    problem = call_problem(conversation)
    if problem is not None:
        return {problem[0]: problem[1]}
    found: dict[str, str] = {}
    tools = {tool.name: tool for tool in conversation.tools}
    for call in conversation.calls_to_learn:
        try:
            for wrong in argument_problems(tools[call.name], call.arguments):
                found.setdefault("schema_violation", f"a call of {call.name}: {wrong}")
        except SchemaUnusable as error:
            found.setdefault("schema_unusable", str(error))
    return found


def _token_problems(tokens: Tokens | UnusableForTraining | None, max_length: int) -> dict[str, str]:
    if isinstance(tokens, UnusableForTraining):
        return {tokens.code: str(tokens)}
    if tokens is not None and len(tokens) > max_length:
        return {"too_long": f"it has {len(tokens):,} tokens, the longest that is trained on {max_length:,}"}
    return {}


def _string_arguments(row: JSON) -> Iterator[str]:
    """Yield the names of calls whose arguments are text, in a row of messages."""
    turns = row.get("messages") or row.get("conversations")
    for turn in turns if isinstance(turns, list) else ():
        if not isinstance(turn, dict):
            continue
        calls = turn.get("tool_calls")
        for call in [turn.get("function_call"), *(calls if isinstance(calls, list) else ())]:
            function = call.get("function", call) if isinstance(call, dict) else None
            if isinstance(function, dict) and isinstance(function.get("arguments"), str):
                yield str(function.get("name"))


def _texts(conversation: Conversation) -> Iterator[str]:
    """Yield every text in which a secret could stand, unescaped."""
    for message in conversation.messages:
        yield message.content
    for call in conversation.calls:
        yield from _strings(call.arguments)
    for tool in conversation.tools:
        yield tool.description


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield str(key)
            yield from _strings(item)
    elif isinstance(value, list):
        for item in value:
            yield from _strings(item)
