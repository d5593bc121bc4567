"""What was measured before: in which file it is kept, and which of an earlier suite's replies count for the next."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from hive_mind.evaluation.outcomes import Decoding
from hive_mind.evaluation.settings import EvaluationSettings, SuiteSettings, SuitesSettings
from hive_mind.evaluation.suites import Suite as TaskSuite
from hive_mind.evaluation.suites import SuiteTask, load_suites
from hive_mind.files import read_json, sha256_file
from hive_mind.suites.held_out import Suite

if TYPE_CHECKING:
    from hive_mind.device import Device
    from hive_mind.evaluation.measure import Reply
    from hive_mind.evaluation.run import EvaluationRequest
    from hive_mind.inference.load import ModelReference

MEASUREMENT_FORMAT = 4
TOKENIZER_FILES = ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja", "generation_config.json")


def kept_file(
    cache: Path,
    model: ModelReference,
    suite: Suite | TaskSuite,
    settings: EvaluationSettings,
    device: Device,
    decoding: Decoding | None = None,
) -> Path:
    """Return the file that a measurement is kept in, named by all that makes two the same, whatever they are called.

    Held-out items are measured in both decodings at once, and the base in a third.
    """
    budget: list[int | str] = [settings.max_new_tokens, settings.max_tokens, settings.format_given]
    if decoding is not None:
        budget = [settings.suites.max_new_tokens, settings.max_tokens, decoding]
    folder = model.base.folder
    same = {
        "format": MEASUREMENT_FORMAT,
        "base": model.base.digest,
        "tokenizer": [sha256_file(folder / name) for name in TOKENIZER_FILES if (folder / name).is_file()],
        "adapter": model.adapter_digest,
        "suite": suite.digest,
        "budget": budget,
        "arithmetic": [device.torch_device.type, str(device.dtype)],
    }
    return cache / f"{hashlib.sha256(json.dumps(same).encode()).hexdigest()[:32]}.json"


def kept_own_replies(request: EvaluationRequest) -> list[Path]:
    """Return the files that the models' replies to the suite `usage` are kept in, whether they are there yet or not."""
    from hive_mind.device import pick

    assert request.cache is not None
    suite = _own_suite(request.settings.suites, None)
    device = pick(request.settings.device, request.settings.dtype)
    return [
        kept_file(request.cache, model, suite, request.settings, device, decoding)
        for model in request.models
        for decoding in get_args(Decoding)
    ]


@dataclass(frozen=True)
class Earlier:
    """Replies to suites of before, of which the next has most tasks too: a day's own suite and yesterday's."""

    request: EvaluationRequest
    device: Device

    @cached_property
    def suites(self) -> list[TaskSuite]:
        return [_own_suite(self.request.settings.suites, path) for path in self.request.earlier if path.is_file()]

    def find(
        self, model: ModelReference, suite: TaskSuite, decoding: Decoding
    ) -> dict[int, tuple[Reply | None, float]]:
        """Return the replies to the tasks of a suite that are known, by number, with the seconds that one took."""
        known: dict[str, tuple[Reply | None, float]] = {}
        for old in self.suites if suite.name == "usage" else ():
            known |= self._replies(model, old, decoding)
        tasks = suite.rules.tasks if suite.rules is not None else ()
        return {number: known[said] for number, task in enumerate(tasks) if (said := _question(task)) in known}

    def _replies(
        self, model: ModelReference, suite: TaskSuite, decoding: Decoding
    ) -> dict[str, tuple[Reply | None, float]]:
        from hive_mind.evaluation.measure import replies_from

        if self.request.cache is None or suite.rules is None:
            return {}
        file = kept_file(self.request.cache, model, suite, self.request.settings, self.device, decoding)
        row = read_json(file) if file.is_file() else None
        if row is None or row["replies"] is None:
            return {}
        tasks = suite.rules.tasks
        replies = zip(tasks, replies_from(row["replies"]), strict=True)
        return {_question(task): (reply, row["seconds"] / len(tasks)) for task, reply in replies}


def _question(task: SuiteTask) -> str:
    return repr((task.messages, task.tools))


def _own_suite(settings: SuitesSettings, path: Path | None) -> TaskSuite:
    """Return the suite of the user's own interactions alone, read from `path`, or from where the settings say."""
    others = {other: SuiteSettings() for other in settings.named()}
    own = {"usage": SuiteSettings(path=path) if path is not None else settings.usage}
    return next(read for read in load_suites(settings.model_copy(update=others | own)) if read.name == "usage")
