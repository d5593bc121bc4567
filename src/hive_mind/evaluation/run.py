"""Evaluate any list of models on the same questions, measuring only what was not measured before."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from hive_mind.config import dump
from hive_mind.errors import DataRefused, UsageError
from hive_mind.evaluation.kept import Earlier, kept_file
from hive_mind.evaluation.outcomes import Decoding, Outcomes, SuiteResult, Task
from hive_mind.evaluation.paired import wilson
from hive_mind.evaluation.records import EVALUATION_FILE, Asked, Evaluation, Loss, ModelResult, Score
from hive_mind.evaluation.score import Judged, judge
from hive_mind.evaluation.settings import EvaluationSettings
from hive_mind.evaluation.suites import Suite as TaskSuite
from hive_mind.evaluation.suites import load_suites
from hive_mind.files import read_json, write_json
from hive_mind.progress import say, utc_now
from hive_mind.registry import load_manifest
from hive_mind.suites.format import Sample
from hive_mind.suites.held_out import Item, Suite, load_suite

if TYPE_CHECKING:
    from hive_mind.device import Device
    from hive_mind.evaluation.asking import Answered
    from hive_mind.evaluation.measure import Measured, Prepared, Reply
    from hive_mind.inference.load import Loaded, ModelReference


@dataclass(frozen=True)
class EvaluationRequest:
    """What to evaluate. `test` is a dataset's test split (one tier a source).

    output: folder that evaluation.json is written to, None for nowhere. cache: folder of earlier measurements, by
    model and questions. roles: name -> base | baseline | champion | candidate; `base` and `version` where not given.
    earlier: files of the user's own interactions that were asked before; replies to turns that stand in the suite
    `usage` again are taken from there, as far as the cache has them.
    """

    models: Sequence[ModelReference]
    test: Path | None
    settings: EvaluationSettings
    output: Path | None = None
    cache: Path | None = None
    roles: Mapping[str, str] = field(default_factory=dict)
    earlier: Sequence[Path] = ()


def evaluate(request: EvaluationRequest) -> Evaluation:
    """Measure every model on the same items and return, and write, the paired record.

    Before any score each adapter is proved to be unchanged, on its own base, and to change that base's logits. Raises
    UnusableVersion naming the one that fails, UsageError or DataRefused for files that cannot be asked from.
    """
    from hive_mind.device import keep_freed_memory, pick
    from hive_mind.inference.load import check_version

    names = [model.name for model in request.models]
    if not names or len(set(names)) < len(names):
        raise UsageError(f"name at least one model to evaluate, and each once (named: {', '.join(names) or 'none'})")
    for model in request.models:
        if model.adapter is not None:
            with _naming(model):
                check_version(model.adapter, model.base)
    settings = request.settings
    suite = load_suite(request.test, settings.held_out, settings.limit, settings.seed)
    if not suite.rows:
        raise DataRefused(f"{', '.join(file['path'] for file in suite.files)} hold no conversation to evaluate on")
    device = pick(settings.device, settings.dtype)
    keep_freed_memory()
    measured = dict(_recall(request, suite, device))
    missing = [model for model in request.models if model.name not in measured]
    if recalled := [name for name in names if name in measured]:
        say(f"evaluation: {', '.join(recalled)} answered these {len(suite.items):,} questions before; read back")
    if missing:
        say(f"evaluation: {len(suite.items):,} questions from {len(suite.rows):,} conversations, on {device.name}")
    bench = _Bench(suite, settings, device)
    for model, result in _measure(missing, bench):
        measured[model.name] = result
        if request.cache is not None:
            write_json(kept_file(request.cache, model, suite, settings, device), result.to_dict(), indent=False)
    suites = load_suites(settings.suites)
    answered = _ask_suites(request, suites, bench)
    evaluation = _compose(request, suite, [measured[name] for name in names], suites, [answered[n] for n in names])
    return _record(evaluation, request.output)


def _ask_suites(request: EvaluationRequest, suites: Sequence[TaskSuite], bench: _Bench) -> dict[str, Answered]:
    """Ask every model the other suites, beginning with those on the base that is in memory."""
    from hive_mind.evaluation.asking import ask_suites

    at = bench.at[0].base.digest if bench.at is not None else ""
    ordered = sorted(request.models, key=lambda model: (model.base.digest != at, model.base.digest))

    def kept(model: ModelReference, suite: TaskSuite, decoding: Decoding) -> Path | None:
        if request.cache is None:
            return None
        return kept_file(request.cache, model, suite, request.settings, bench.device, decoding)

    earlier = Earlier(request, bench.device)
    return ask_suites(ordered, suites, request.settings, lambda model: bench.take(model)[0], kept, earlier.find)


def held_out_replies(request: EvaluationRequest) -> tuple[Suite, dict[str, Measured]]:
    """Return the held-out questions of a request that was evaluated before, and what was measured of each model.

    Raises ValueError if the replies of a model were not kept.
    """
    from hive_mind.device import pick

    settings = request.settings
    suite = load_suite(request.test, settings.held_out, settings.limit, settings.seed)
    measured = dict(_recall(request, suite, pick(settings.device, settings.dtype)))
    if missing := [model.name for model in request.models if model.name not in measured]:
        raise ValueError(f"no replies of {', '.join(missing)} were kept")
    return suite, measured


def suite_replies(
    request: EvaluationRequest, suite: TaskSuite, decoding: Decoding
) -> dict[str, tuple[Reply | None, ...]]:
    """Return the kept replies of each model to a suite, in the order of its tasks. Raises UsageError if one is gone."""
    from hive_mind.device import pick
    from hive_mind.evaluation.measure import replies_from

    assert request.cache is not None
    device = pick(request.settings.device, request.settings.dtype)
    found = {}
    for model in request.models:
        row = read_json(kept_file(request.cache, model, suite, request.settings, device, decoding))
        found[model.name] = replies_from(row["replies"])
    return found


def _recall(request: EvaluationRequest, suite: Suite, device: Device) -> Iterator[tuple[str, Measured]]:
    from hive_mind.evaluation.measure import Measured

    if request.cache is None:
        return
    for model in request.models:
        file = kept_file(request.cache, model, suite, request.settings, device)
        if file.is_file():
            yield model.name, Measured.from_dict(read_json(file))


def _measure(models: Sequence[ModelReference], bench: _Bench) -> Iterator[tuple[ModelReference, Measured]]:
    """Prove every adapter, then measure; models on one base share its weights in memory."""
    from hive_mind.evaluation.measure import measure, prove

    ordered = sorted(models, key=lambda model: model.base.digest)
    changes = {}
    for model in ordered:
        if model.adapter is not None:
            with _naming(model):
                changes[model.name] = prove(*bench.take(model))
    for model in reversed(ordered):  # beginning with the base that the proofs ended with
        with _naming(model):
            loaded, prepared = bench.take(model)
            measured = measure(loaded, bench.suite, prepared, bench.settings, changes.get(model.name))
        yield model, measured


@contextmanager
def _naming(model: ModelReference) -> Iterator[None]:
    """Have an UnusableVersion say which model it is about."""
    from hive_mind.inference.load import UnusableVersion

    try:
        yield
    except UnusableVersion as error:
        error.version = model.name
        raise


@dataclass
class _Bench:
    """One base at a time in memory, and the suite in its tokens."""

    suite: Suite
    settings: EvaluationSettings
    device: Device
    at: tuple[Loaded, Prepared] | None = None

    def take(self, model: ModelReference) -> tuple[Loaded, Prepared]:
        """Return the model, loaded, with the suite as it reads it."""
        from hive_mind.evaluation.measure import prepare
        from hive_mind.inference.load import load

        if self.at is None or self.at[0].base.digest != model.base.digest:
            self.at = None  # the one is let go before the other is read
            loaded = load(model.base, self.device)
            self.at = loaded, prepare(self.suite, loaded, self.settings)
        self.at[0].become(model)
        return self.at


def _compose(
    request: EvaluationRequest,
    suite: Suite,
    measured: Sequence[Measured],
    suites: Sequence[TaskSuite],
    answered: Sequence[Answered],
) -> Evaluation:
    """Score what was measured, on the items and conversations that no model had to leave out."""
    from hive_mind.evaluation.asking import suite_results

    items = suite.items
    asked = [index for index in range(len(items)) if all(result.replies[index] for result in measured)]
    read = [index for index in range(len(suite.rows)) if all(result.losses[index] for result in measured)]
    models = [
        _result(request, model, suite, result, asked, read)
        for model, result in zip(request.models, measured, strict=True)
    ]
    rest = zip(models, measured, answered, suite_results(suites, answered), strict=True)
    complete = tuple(
        _with_suites(model, suite, result, asked, suites, replies, found) for model, result, replies, found in rest
    )
    left_out = {"items": len(items) - len(asked), "conversations": len(suite.rows) - len(read)}
    if any(left_out.values()):
        say(
            f"evaluation: {left_out['items']:,} questions and {left_out['conversations']:,} conversations are left out,"
            " being too long for a model or unusable; evaluation.max_tokens sets the bound"
        )
    return Evaluation(
        created=utc_now(),
        suite={"digest": suite.digest, "files": list(suite.files), "conversations": len(suite.rows)},
        settings=dump(request.settings),
        items=tuple(_asked(items[i]) for i in asked),
        left_out=left_out,
        models=complete,
    )


def _asked(item: Item) -> Asked:
    return Asked(item.id, item.tier, item.source, item.kind, item.cluster)


def _with_suites(
    model: ModelResult,
    suite: Suite,
    measured: Measured,
    asked: Sequence[int],
    suites: Sequence[TaskSuite],
    answered: Answered,
    results: tuple[SuiteResult, ...],
) -> ModelResult:
    """Add a model's results on the other suites, `format` over all, and the time that they took."""
    from hive_mind.evaluation.asking import format_result

    samples = []
    for item, reply in ((suite.items[index], measured.replies[index]) for index in asked):
        if item.kind != "plain" and reply is not None:
            task = Task(item.id, f"held_out/{item.tier}", item.cluster)
            samples.append((task, Sample(item.tools, reply.text, reply.stopped)))
    well_formed = format_result(samples, suite.digest, suites, answered, results)
    seconds = model.seconds + sum(by_decoding["free"].seconds for by_decoding in answered.values())
    return replace(model, suites=(*results, well_formed), seconds=round(seconds, 2))


def _result(
    request: EvaluationRequest,
    model: ModelReference,
    suite: Suite,
    measured: Measured,
    asked: Sequence[int],
    read: Sequence[int],
) -> ModelResult:
    items = suite.items
    replies = [(items[index], reply) for index in asked if (reply := measured.replies[index]) is not None]
    judged = [judge(item, reply.text) for item, reply in replies]
    adapter = None
    if model.adapter is not None:
        size = load_manifest(model.adapter).size
        adapter = {"digest": model.adapter_digest, "bytes": size, "logit_change": measured.logit_change}
    return ModelResult(
        name=model.name,
        role=request.roles.get(model.name, "version" if model.adapter else "base"),
        base=dict(model.base.identity()),
        adapter=adapter,
        device=measured.device,
        dtype=measured.dtype,
        seconds=measured.seconds,
        repairs=dict(Counter(repair for each in judged for repair in each.repairs)),
        losses=_losses(suite, measured, read),
        scores=_scores(replies, judged),
        format_given=_format_given(suite, measured, asked),
        outcomes=_outcomes([reply for _, reply in replies], judged),
        served=_served(items, measured, asked),
    )


def _served(items: Sequence[Item], measured: Measured, asked: Sequence[int]) -> Outcomes | None:
    if measured.served is None:
        return None
    replies = [(items[index], reply) for index in asked if (reply := measured.served[index]) is not None]
    return _outcomes([reply for _, reply in replies], [judge(item, reply.text) for item, reply in replies])


def _outcomes(replies: Sequence[Reply], judged: Sequence[Judged]) -> Outcomes:
    return Outcomes(
        tuple(each.correct for each in judged),
        tuple(each.called for each in judged),
        tuple(bool(each.repairs) for each in judged),
        tuple(reply.stopped for reply in replies),
    )


def _scores(replies: Sequence[tuple[Item, Reply]], judged: Sequence[Judged]) -> tuple[Score, ...]:
    groups: dict[tuple[str, str, str], list[tuple[Reply, Judged]]] = {}
    for (item, reply), each in zip(replies, judged, strict=True):
        groups.setdefault((item.tier, item.source, item.kind), []).append((reply, each))
    scores = []
    for (tier, source, kind), members in groups.items():
        count, correct = len(members), sum(each.correct for _, each in members)
        low, high = wilson(correct, count)
        scores.append(
            Score(
                tier, source, kind, count, correct, correct / count, low, high,
                called=sum(each.called for _, each in members),
                repaired=sum(bool(each.repairs) for _, each in members),
                stopped=sum(reply.stopped for reply, _ in members),
            )
        )  # fmt: skip
    return tuple(scores)


def _format_given(suite: Suite, measured: Measured, asked: Sequence[int]) -> tuple[Score, ...] | None:
    if measured.given is None:
        return None
    wanted = set(asked)
    calls = [(index, item) for index, item in enumerate(suite.items) if item.kind == "call"]
    replies = [
        (item, reply)
        for (index, item), reply in zip(calls, measured.given, strict=True)
        if reply is not None and index in wanted
    ]
    return _scores(replies, [judge(item, reply.text) for item, reply in replies])


def _losses(suite: Suite, measured: Measured, read: Sequence[int]) -> tuple[Loss, ...]:
    groups: dict[tuple[str, str], list[tuple[float, int]]] = {}
    for index in read:
        row, sums = suite.rows[index], measured.losses[index]
        assert sums is not None
        groups.setdefault((row.tier, row.conversation.source), []).append(sums)
    found = []
    for (tier, source), rows in groups.items():
        tokens = sum(count for _, count in rows)
        found.append(Loss(tier, source, sum(total for total, _ in rows) / tokens, tokens, len(rows)))
    return tuple(found)


def _record(evaluation: Evaluation, output: Path | None) -> Evaluation:
    """Write evaluation.json, unless it says the same already: then that one stands, with its time."""
    if output is None:
        return evaluation
    file = output / EVALUATION_FILE
    earlier = read_json(file) if file.is_file() else None
    if isinstance(earlier, dict) and {**earlier, "created": evaluation.created} == evaluation.to_dict():
        return Evaluation.from_dict(earlier)
    evaluation.write(file)
    return evaluation
