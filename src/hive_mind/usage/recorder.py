"""The recorder: takes interactions in without keeping anyone waiting.

What `record` has returned an id for survives the end of any process, this one's too (see `journal`): it is in memory
of the machine, and within moments in the store, or in the spool on disk if the store is away.
"""

from __future__ import annotations

import os
import threading

from hive_mind.conversation import JSON
from hive_mind.errors import UsageError
from hive_mind.progress import say
from hive_mind.usage.entries import feedback_entry, interaction_entry, redacted, result_entry
from hive_mind.usage.identity import load_key
from hive_mind.usage.interaction import Interaction, Outcome, Thumb
from hive_mind.usage.journal import Journal, memory_folder
from hive_mind.usage.keeper import LOG, Bell
from hive_mind.usage.settings import UsageSettings
from hive_mind.usage.spool import Spool
from hive_mind.usage.wire import encode

_UNWRITABLE = (ValueError, TypeError, RecursionError, AttributeError)
"""What an interaction that JSON cannot hold leads to."""


class JournalRecorder:
    """A Recorder, see `usage.interaction`. Safe to use from several threads; every process opens its own."""

    def __init__(self, settings: UsageSettings) -> None:
        """Raises UsageError if the spool's folder cannot be made."""
        self.settings = settings.absolute()
        try:
            self.settings.spool.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise UsageError(f"usage.spool={self.settings.spool} cannot be made: {error.strerror}") from error
        self.key = load_key(self.settings.spool)
        self.spool = Spool(self.settings.spool)
        self.memory = memory_folder(self.settings.spool)
        self._journal: Journal | None = None
        self._bell = Bell(
            self.memory or self.settings.spool, self.settings.model_dump_json(), self.settings.spool / LOG
        )
        self._lock = threading.Lock()
        self._process = os.getpid()
        self._told: set[str] = set()

    def record(self, interaction: Interaction) -> str:
        """Keep an interaction; returns its id, "" for one that cannot be written down."""
        try:
            entry = interaction_entry(interaction, self.key)
        except _UNWRITABLE as error:
            self._tell(f"an interaction of {interaction.source} cannot be kept: it is no JSON ({type(error).__name__})")
            return ""
        return entry["identity"] if self._keep(entry) else ""

    def result(self, call_id: str, content: str, outcome: Outcome) -> None:
        """Tell what came of a call that was recorded earlier, by the call's id."""
        self._keep(result_entry(call_id, content, outcome))

    def feedback(self, interaction_id: str, thumb: Thumb | None, comment: str = "") -> None:
        """Add what a person said of an interaction."""
        self._keep(feedback_entry(interaction_id, thumb, comment))

    def close(self) -> None:
        """End the journal. What was recorded is moved to the store all the same."""
        with self._lock:
            if self._journal is not None:
                self._journal.close()
                self._journal = None
            self._bell.close()

    def _keep(self, entry: JSON) -> bool:
        """Keep an entry in memory, or where that cannot be, redacted in the spool; returns whether it is kept."""
        try:
            line = encode(entry) + b"\n"
            with self._lock:
                if not self._append(line):
                    self.spool.append([redacted(entry)])
                self._bell.ring()
        except _UNWRITABLE as error:
            self._tell(f"an entry cannot be kept: it is no JSON ({type(error).__name__})")
            return False
        except OSError as error:
            self._tell(f"the recorder cannot write in {self.settings.spool} ({error}); free space or check permissions")
            return False
        return True

    def _append(self, line: bytes) -> bool:
        """Append to the journal; returns False where there is no memory for it."""
        if self.memory is None:
            self._tell("there is no folder in memory: what is recorded is redacted at once, which takes longer")
            return False
        if self._process != os.getpid():  # after a fork the journal is the parent's
            self._journal, self._process = None, os.getpid()
        try:
            if self._journal is None:
                self._journal = Journal(self.memory)
            self._journal.append(line)
        except OSError as error:
            self._tell(f"{self.memory} is full ({error}): what is recorded is redacted at once, which takes longer")
            return False
        return True

    def _tell(self, problem: str) -> None:
        """Say a problem once; nothing that is recorded may fail for it."""
        if problem not in self._told:
            self._told.add(problem)
            say(f"usage: {problem}")


def open_recorder(settings: UsageSettings) -> JournalRecorder:
    """Open a recorder. Raises UsageError if the spool's folder cannot be made; the store may be away."""
    return JournalRecorder(settings)
