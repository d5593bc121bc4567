"""Transcripts of OpenAI messages with tools, turn by turn: plain ones, and runs of agents (see `transcripts`)."""

from __future__ import annotations

from collections.abc import Sequence

from hive_mind.conversation import JSON, Conversation, Message, Reject
from hive_mind.files import json_line
from hive_mind.interaction import Interaction, Outcome
from hive_mind.sources import messages, transcripts
from hive_mind.sources.mcp_results import read_result
from hive_mind.sources.recorded import Tally, context, first_line, outcome_of, units_of
from hive_mind.sources.transcripts import RunTurn, read_turns, run_succeeded, unwrap

JUDGED_A_FAILURE = "the run as a whole was judged a failure"


def interactions(row: JSON, tally: Tally) -> list[Interaction]:
    """Return every assistant turn of a transcript.

    Of a run with meta-tools the real calls are returned, and its searches only counted. A run that says that it failed
    has a thumb down on every turn, for none of them is known to have helped. Where nothing says what came of a call,
    the outcome is unknown, unless the result tells that it failed.
    """
    is_run = transcripts.understands(row)
    read = unwrap(row) if is_run else messages.convert(row)
    if isinstance(read, Conversation) and not _can_be_written(read):
        read = Reject(read.source, "not_encodable", "a value in it cannot be written as JSON", "")
    if isinstance(read, Reject):
        tally.passed_over[f"transcript: {read.detail}" if is_run else f"messages: {read.detail}"] += 1
        return []
    turns = [turn for turn in read_turns(row["messages"]) if turn.message.get("role") == "assistant"] if is_run else []
    for call in (call for turn in turns for call in turn.calls):
        tally.calls[call.tool if call.server is None else f"{call.server}: {call.tool}", call.fate] += 1
    written = [turn for turn in turns if not turn.calls or any(not call.search for call in turn.calls)]
    return _Transcript(row, read, written if is_run else None, tally).interactions()


class _Transcript:
    """One transcript: its row, what was read of it, and of a run the turns that are in what was read."""

    def __init__(self, row: JSON, read: Conversation, turns: Sequence[RunTurn] | None, tally: Tally) -> None:
        self.read, self.turns, self.tally = read, turns, tally
        metadata = row.get("metadata")
        said: JSON = metadata if isinstance(metadata, dict) else {}
        named = (said.get("session_id"), row.get("session_id"), row.get("task_id"), row.get("id"))
        self.session = next((str(name) for name in named if isinstance(name, (str, int)) and name != ""), read.id)
        self.client = str(said.get("client") or row.get("client") or "")
        self.went_well = run_succeeded(row) if turns is not None else None

    def interactions(self) -> list[Interaction]:
        system = self.read.messages[:1] if self.read.messages[0].role == "system" else ()
        units = units_of(self.read.messages[len(system) :])
        made = []
        replies = [place for place, unit in enumerate(units) if unit[0].role == "assistant"]
        for number, place in enumerate(replies):
            answer, *results = units[place]
            before = context(reversed(units[:place]), system)
            if any(message.role == "user" for message in before):
                made.append(self._interaction(number, before, answer, tuple(results)))
            else:
                self.tally.passed_over["reply without a request"] += 1
        return made

    def _interaction(
        self, number: int, before: tuple[Message, ...], answer: Message, results: tuple[Message, ...]
    ) -> Interaction:
        outcome = self._outcome(number, answer, results)
        return Interaction(
            "transcript", before, answer, self.read.tools, results, outcome,
            first_line(results[0].content) if outcome == "failed" and results else "",
            client=self.client, session=self.session, time=self.read.timestamp or "",
            thumb="down" if self.went_well is False else None,
            comment=JUDGED_A_FAILURE if self.went_well is False else "",
        )  # fmt: skip

    def _outcome(self, number: int, answer: Message, results: tuple[Message, ...]) -> Outcome:
        if self.turns is not None:
            if answer.tool_calls:
                return outcome_of(call.fate for call in self.turns[number].calls if not call.search)
            return "succeeded" if self.went_well else "failed"
        told = {result.tool_call_id: read_result(result.content).outcome for result in results}
        fates = [told.get(call.id, "unanswered") for call in answer.tool_calls]
        fates = ["unknown" if fate == "done" else fate for fate in fates]  # nothing says that it went well
        self.tally.calls.update((call.name, fate) for call, fate in zip(answer.tool_calls, fates, strict=True))
        return outcome_of(fates)


def _can_be_written(conversation: Conversation) -> bool:
    try:
        json_line(conversation.to_dict())
    except TypeError:
        return False
    return True
