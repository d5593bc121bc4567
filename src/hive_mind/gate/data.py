"""What a candidate was trained on: the very file that its manifest names, without secrets, without what it is asked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from hive_mind.conversation import Conversation, content_digest
from hive_mind.curation import read_dataset
from hive_mind.curation.contamination import Questions, read_suites
from hive_mind.errors import HiveMindError
from hive_mind.evaluation.records import Evaluation
from hive_mind.files import sha256_file
from hive_mind.gate.verdict import Check
from hive_mind.parallel import batched, in_order
from hive_mind.progress import track
from hive_mind.redaction import find_in_conversation
from hive_mind.registry import Manifest
from hive_mind.suites.held_out import read_conversations

BATCH_ROWS = 500
MENDING = "build the dataset again and train on that"


@dataclass(frozen=True)
class _Seen:
    """What a batch of training rows gives away: rows with secrets, their kinds, and rows that are asked."""

    rows: int
    with_secrets: int
    kinds: Counter[str]
    asked: Counter[str]


def data_checks(
    manifest: Manifest, evaluation: Evaluation, sealed: Path | None = None, own: Sequence[Path] = ()
) -> list[Check]:
    """Check the training file of a version against the redaction and against the questions of its evaluation.

    Of the files `own`, a person's interactions held out by session, only whole conversations must not be trained on:
    who asked for the weather yesterday asks for it tomorrow.

    A file that is not at hand, or not the one that the version was trained on, cannot be checked: that holds.
    """
    path, digest = Path(manifest.dataset["path"]), manifest.dataset["digest"]
    problem = _not_the_file(path, digest)
    if problem:
        return [Check("training data", "hold", problem, {"path": str(path), "digest": digest})]
    try:
        scan = _Scan(*_asked_files(evaluation, sealed, own))
    except HiveMindError as error:
        return [Check("training data", "hold", f"what was asked cannot be read again: {error}", {"path": str(path)})]
    with track("checking the training data", unit="rows") as progress:
        seen = _Seen(0, 0, Counter(), Counter())
        for batch in in_order(scan.look, batched(_conversations(path), BATCH_ROWS)):
            progress.advance(batch.rows)
            seen = _Seen(
                seen.rows + batch.rows, seen.with_secrets + batch.with_secrets, seen.kinds + batch.kinds,
                seen.asked + batch.asked,
            )  # fmt: skip
    return [_redaction(path, seen), _decontamination(path, seen, scan.suites)]


def _not_the_file(path: Path, digest: str) -> str:
    if not path.is_file():
        return f"{path}, which it was trained on, is not at hand to be checked; bring it back or {MENDING}"
    if sha256_file(path) != digest:
        return f"{path} is not what it was trained on any more, so that cannot be checked; {MENDING}"
    return ""


def _asked_files(
    evaluation: Evaluation, sealed: Path | None, held_out: Sequence[Path]
) -> tuple[dict[str, Path], list[Path]]:
    """Return the files of questions by name, and the dataset's own test splits, to which `held_out` are counted.

    A split shares requests with the training file by design (other tools, other answers), but no conversation.
    """
    suites: dict[str, Path] = {"sealed": sealed} if sealed is not None else {}
    own = [*held_out]
    for file in evaluation.suite["files"]:
        if file["tier"]:
            suites[file["tier"]] = Path(file["path"])
        else:
            own.append(Path(file["path"]))
    for model in evaluation.models:
        paths = {name: Path(path) for result in model.suites for name, path in result.paths.items()}
        suites |= {name: path for name, path in paths.items() if path not in own}
    return suites, own


class _Scan:
    """Looks at training rows with the questions in mind."""

    def __init__(self, suites: Mapping[str, Path], own: Sequence[Path]) -> None:
        self.suites = list(dict.fromkeys([*suites, *("its own test split" for _ in own)]))
        prompts = read_suites(suites)
        self._questions = Questions(prompts) if prompts else None
        self._conversations = {content_digest(row) for file in own for row in read_conversations(file)}

    def look(self, rows: Sequence[Conversation]) -> _Seen:
        """Look at a batch of rows."""
        kinds: Counter[str] = Counter()
        with_secrets = 0
        for row in rows:
            found = find_in_conversation(row)
            with_secrets += bool(found)
            kinds += found
        return _Seen(len(rows), with_secrets, kinds, self._asked(rows))

    def _asked(self, rows: Sequence[Conversation]) -> Counter[str]:
        by_row: dict[int, str] = {
            number: "its own test split"
            for number, row in enumerate(rows)
            if self._conversations and content_digest(row) in self._conversations
        }
        said = [(number, m.content) for number, row in enumerate(rows) for m in row.messages if m.role == "user"]
        if self._questions is not None:
            for place, prompt, _ in self._questions.find([text for _, text in said]):
                by_row.setdefault(said[place][0], prompt.suite)
        return Counter(by_row.values())


def _conversations(path: Path) -> Iterator[Conversation]:
    return (row for row in read_dataset(path) if isinstance(row, Conversation))


def _redaction(path: Path, seen: _Seen) -> Check:
    figures = {"rows": seen.rows, "rows_with_secrets": seen.with_secrets, "kinds": dict(seen.kinds)}
    if seen.with_secrets:
        kinds = ", ".join(f"{count} {kind}" for kind, count in seen.kinds.most_common())
        reason = (
            f"{seen.with_secrets:,} of {seen.rows:,} rows of {path} hold secrets or personal data ({kinds}); "
            f"`hive-mind data lint {path}` shows where; {MENDING}"
        )
        return Check("redaction", "reject", reason, figures)
    return Check("redaction", "pass", f"no secrets in the {seen.rows:,} rows that it was trained on", figures)


def _decontamination(path: Path, seen: _Seen, suites: Sequence[str]) -> Check:
    figures = {"rows": seen.rows, "asked": dict(seen.asked), "suites": list(suites)}
    if seen.asked:
        where = ", ".join(f"{count:,} of {suite}" for suite, count in seen.asked.most_common())
        reason = (
            f"{seen.asked.total():,} of {seen.rows:,} rows of {path} ask what it is evaluated on ({where}); name these "
            f"files under data.decontaminate, then {MENDING}"
        )
        return Check("decontamination", "reject", reason, figures)
    reason = f"none of the {seen.rows:,} rows that it was trained on asks what {', '.join(suites) or 'nothing'} asks"
    return Check("decontamination", "pass", reason, figures)
