"""`train`: a dataset file and a base model to a sealed adapter version.

The output folder is in use from the first step, so that `tail -f <output>/trainer_log.jsonl` works; checkpoints lie in
<output>/checkpoints until the end. A folder without manifest.json is an unfinished version to everyone.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch

from hive_mind import registry
from hive_mind.chat.tokenizer import ChatTokenizer, load_tokenizer
from hive_mind.device import Device, keep_freed_memory, pick
from hive_mind.errors import HiveMindError, UsageError
from hive_mind.files import atomic_write, read_json, sha256_file, write_json
from hive_mind.model.base import load_model
from hive_mind.model.lora import WEIGHTS_FILE, attach, lora_parameters, save_adapter
from hive_mind.model.qwen2 import Qwen2
from hive_mind.progress import say, utc_now
from hive_mind.training.attempt import UNDISTURBED, Attempt
from hive_mind.training.batches import Plan
from hive_mind.training.checkpoint import Checkpoint, newest_checkpoint, require_space
from hive_mind.training.compiling import choose_kernels
from hive_mind.training.console import say_dataset, say_example, say_settings
from hive_mind.training.faults import Faults, planted
from hive_mind.training.initial import initial_identity, load_initial, parent_of, tensors_of
from hive_mind.training.interrupt import StopRequest
from hive_mind.training.job import Job
from hive_mind.training.lessons import memory_key, remember_footprint
from hive_mind.training.log import LOG_FILE, TrainerLog, read_log
from hive_mind.training.loop import FORMAT, Trainer
from hive_mind.training.memory import choose
from hive_mind.training.processes import Processes, joined
from hive_mind.training.pulse import SILENT, Pulse
from hive_mind.training.records import (
    METRICS_FILE,
    RUN_FILE,
    Parameters,
    metrics_record,
    run_record,
    version_name,
)  # fmt: skip
from hive_mind.training.request import TrainRequest, TrainResult
from hive_mind.training.settings import TrainingSettings
from hive_mind.training.tokens import TokenisedDataset, row_id, tokenise

CHECKPOINTS = "checkpoints"
TOKENIZER_FILES = (
    "tokenizer.json", "tokenizer_config.json", "chat_template.jinja", "special_tokens_map.json", "added_tokens.json",
    "vocab.json", "merges.txt",
)  # fmt: skip


def train(request: TrainRequest, attempt: Attempt = UNDISTURBED, pulse: Pulse = SILENT) -> TrainResult:
    """Train an adapter in this process, go on with an interrupted run, or find the run done already.

    `attempt` and `pulse` are the supervisor's (supervisor.py). Raises UsageError if the output belongs to another run,
    DataRefused if no row is usable, Interrupted if the user stopped it (the state is saved), HiveMindError if it cannot
    go on.
    """
    tokenizer = load_tokenizer(request.base.folder)
    device = device_of(request.settings, attempt)
    identity = _identity(request, tokenizer, device)
    done = already_done(request, identity)
    if done is not None:
        return done
    with joined(device) as processes:
        return _train(_Start(request, attempt, pulse, planted(attempt), processes, tokenizer, device, identity))


def already_done(request: TrainRequest, identity: dict[str, Any]) -> TrainResult | None:
    """Return the finished run that is asked for; None if it is to be trained yet.

    Raises UsageError if the output folder holds another run's version.
    """
    done = _finished(request, identity)
    if done is not None:
        say(f"{request.output} is this run already, trained and complete; nothing to do")
    return done


@dataclass(frozen=True)
class _Start:
    """One start of a run: what was asked for, under which circumstances, on what."""

    request: TrainRequest
    attempt: Attempt
    pulse: Pulse
    faults: Faults
    processes: Processes
    tokenizer: ChatTokenizer
    device: Device
    identity: dict[str, Any]


def first_attempt(request: TrainRequest, identity: dict[str, Any]) -> Attempt:
    """Return how to begin: with what earlier starts of this very run had found out, if there were any."""
    file = request.output / RUN_FILE
    record = read_json(file) if file.is_file() else {}
    if record.get("finished") or record.get("identity") != identity or "attempt" not in record:
        return UNDISTURBED
    before = Attempt.from_dict(record["attempt"])
    measures = [measure for measure in before.measures if measure != "cpu" or request.settings.allow_cpu]
    return replace(before, why="", measures=tuple(measures), one_by_one=None, issues=tuple(record["issues"]))


def _train(start: _Start) -> TrainResult:
    keep_freed_memory()
    checkpoint = _continue_from(start.request.output, start.identity)
    start.pulse.at("reading the data")
    dataset, validation = _tokenise(start.request, start.tokenizer)
    start.pulse.at("loading the model")
    start.faults.reach("loading")
    trainer, parameters = _prepare(start, dataset, validation, checkpoint)
    if not start.processes.is_first:
        return _compute_along(trainer, start)
    _claim(start)
    _note_what_befell(trainer, start, dataset)
    with TrainerLog(start.request.output, checkpoint.step if checkpoint else -1) as log, StopRequest() as stop:
        if start.attempt.why:
            log.write({"step": trainer.progress.step, "restart": start.attempt.number, "why": start.attempt.why})
        progress = trainer.run(log, stop)
    if progress.shrunk:
        remember_footprint(
            memory_key(start.device.name, start.request.base.digest, start.request.settings.recipe()),
            trainer.gradient.footprint, f"{start.request.base.id} on {start.device.name}",
        )  # fmt: skip
    record = run_record(start.request, start.identity, dataset, validation, parameters, trainer, progress)
    result = _finish(start.request, trainer, record)
    start.processes.wait()
    return result


def _prepare(
    start: _Start, dataset: TokenisedDataset, validation: TokenisedDataset | None, checkpoint: Checkpoint | None
) -> tuple[Trainer, Parameters]:
    """Load the model, say what will be done, and bring the trainer to where the checkpoint left off."""
    request, settings, attempt = start.request, start.request.settings, start.attempt
    plan = Plan(
        dataset.examples, settings.step_size, settings.epochs, settings.seed, settings.max_steps,
        frozenset(attempt.quarantined),
    )  # fmt: skip
    model = load_model(request.base, start.device)
    frozen = sum(parameter.numel() for parameter in model.parameters())
    attach(model, settings.lora_r, settings.lora_alpha, settings.seed)
    if request.initial is not None:
        load_initial(model, request)
        say(f"starting from the adapter of {request.initial}")
    model.plain_attention = "math_attention" in attempt.measures
    parameters = Parameters(sum(p.numel() for p in lora_parameters(model).values()), frozen)
    if not attempt.why:  # a restart has nothing new to say of them
        say_settings(settings, request.base, start.device, parameters.trainable, parameters.share)
        say_dataset(dataset, plan, settings.max_length)
        say_example(dataset, plan, start.tokenizer)
    require_space(request.output, parameters.trainable, settings.keep_checkpoints)
    first = start.processes.is_first
    job = Job(
        plan, validation.examples.first(settings.validation_examples) if validation and first else None, settings,
        start.device, request.output / CHECKPOINTS, start.identity, choose_kernels(settings.compile, model),
        start.processes, attempt, start.pulse, start.faults,
    )  # fmt: skip
    footprint = start.processes.agree(choose(model, job, checkpoint, request.base.digest))
    trainer = Trainer(model, job, footprint)
    if checkpoint is not None:
        say(
            f"continuing after step {checkpoint.step:,} of {plan.total_steps:,}, from {checkpoint.folder}, with "
            f"{footprint}"
        )
        trainer.restore(checkpoint)
    return trainer, parameters


def choose_output(models_dir: Path, name: str, request: TrainRequest) -> Path:
    """Return the folder under `models_dir` where this very run was begun or finished, else the next free version's."""
    identity = run_identity(request)
    for file in sorted(models_dir.glob(f"{name}_v*/{RUN_FILE}"), key=lambda file: file.stat().st_mtime, reverse=True):
        if read_json(file).get("identity") == identity:
            return file.parent
    return models_dir / registry.next_version(models_dir, name)


def run_identity(request: TrainRequest) -> dict[str, Any]:
    """What makes two runs the same run: dataset bytes, base weights, tokenizer and recipe, wherever the files lie."""
    device = pick(request.settings.device, request.settings.dtype)
    return _identity(request, load_tokenizer(request.base.folder), device)


def _identity(request: TrainRequest, tokenizer: ChatTokenizer, device: Device) -> dict[str, Any]:
    if not request.dataset.is_file():
        raise UsageError(f"{request.dataset} does not exist; name the dataset's JSONL file")
    return {
        "dataset": sha256_file(request.dataset),
        "base": request.base.digest,
        "tokenizer": tokenizer.digest,
        **request.settings.recipe(),
        "dtype": str(device.dtype).removeprefix("torch."),
        **initial_identity(request),
    }


def _tokenise(request: TrainRequest, tokenizer: ChatTokenizer) -> tuple[TokenisedDataset, TokenisedDataset | None]:
    longest = request.settings.max_length
    dataset = tokenise(request.dataset, tokenizer, longest)
    if request.validation is None or request.settings.validate_every is None:
        return dataset, None
    return dataset, tokenise(request.validation, tokenizer, longest, "tokenising the validation rows")


def _compute_along(trainer: Trainer, start: _Start) -> TrainResult:
    """Train as one of the processes that write nothing; returns what the first one wrote."""
    with TemporaryDirectory() as scratch, TrainerLog(Path(scratch)) as log, StopRequest() as stop:
        trainer.run(log, stop)
    trainer.job.processes.wait()
    result = _finished(start.request, start.identity)
    assert result is not None
    return result


def _note_what_befell(trainer: Trainer, start: _Start, dataset: TokenisedDataset) -> None:
    """Put into the run's record what the starts before this one met, and which examples are left out for it."""
    progress, attempt = trainer.progress, start.attempt
    progress.note(*read_json(start.request.output / RUN_FILE)["issues"], *attempt.issues)
    progress.shrunk = progress.shrunk or attempt.too_large is not None
    for index in attempt.quarantined:
        row = int(dataset.examples.row[index])
        progress.note(
            f"row {row:,} of the dataset ({row_id(dataset.path, row)}) is quarantined: the training process died "
            "whenever it was computed"
        )
    progress.quarantined = sorted(attempt.quarantined)


def device_of(settings: TrainingSettings, attempt: Attempt) -> Device:
    """Return the device to train on; a CPU in a GPU's place computes in the format that was chosen for the GPU."""
    device = pick(settings.device, settings.dtype)
    if "cpu" not in attempt.measures:
        return device
    return pick("cpu", "bf16" if device.dtype == torch.bfloat16 else "fp32")


def _finish(request: TrainRequest, trainer: Trainer, record: dict[str, Any]) -> TrainResult:
    """Write the version's files, then seal it; checkpoints go only when everything else is on disk."""
    model = trainer.model
    _check_learnt(model, request.initial)
    folder = request.output
    save_adapter(model, folder, base_id=request.base.id, revision=request.base.revision)
    _copy_tokenizer(request.base.folder, folder)
    plan = trainer.job.plan
    metrics = metrics_record(
        read_log(folder / LOG_FILE), trainer.progress, request.settings.epochs, plan.steps_per_epoch, folder
    )
    write_json(folder / METRICS_FILE, metrics)
    write_json(folder / RUN_FILE, record)
    return _seal(request, metrics, record)


def _seal(request: TrainRequest, metrics: dict[str, Any], record: dict[str, Any]) -> TrainResult:
    checkpoints = request.output / CHECKPOINTS
    if checkpoints.is_dir():
        shutil.rmtree(checkpoints)
    dataset = {key: record["dataset"][key] for key in ("path", "digest", "examples")}
    registry.seal(request.output, base=request.base.identity(), dataset=dataset, parent=parent_of(request))
    first, final = metrics["first_loss"], metrics["final_loss"]
    say(f"trained: {request.output}, loss {first:.3f} at the first step, {final:.3f} over the last epoch")
    return TrainResult(request.output, metrics, record)


def _check_learnt(model: Qwen2, initial: Path | None) -> None:
    """A B matrix that is what it was at the start (zero, or the initial version's) has learnt nothing.

    The adapter would be the base, or that version, under another name.
    """
    before = tensors_of(initial)
    matrices = {name: matrix for name, matrix in lora_parameters(model).items() if "lora_B" in name}
    still = [
        name
        for name, matrix in matrices.items()
        if torch.equal(matrix.detach().float().cpu(), before.get(name, torch.zeros(())).float().expand_as(matrix))
    ]
    if still:
        raise HiveMindError(
            f"{len(still)} adapter matrices did not move in training (first: {still[0]}), so nothing was saved as a "
            "version; check training.learning_rate and the dataset's labelled tokens"
        )


def _finished(request: TrainRequest, identity: dict[str, Any]) -> TrainResult | None:
    """The finished run in the output folder, sealed here if only that was left; None if it is to be done yet.

    Raises UsageError if the folder holds a version that this run did not make.
    """
    folder = request.output
    record = read_json(folder / RUN_FILE) if (folder / RUN_FILE).is_file() else {}
    if record.get("finished") and record.get("identity") == identity:
        metrics = read_json(folder / METRICS_FILE)
        return TrainResult(folder, metrics, record) if registry.is_sealed(folder) else _seal(request, metrics, record)
    stranger = (folder / WEIGHTS_FILE).is_file() and not (folder / CHECKPOINTS).is_dir()
    if registry.is_sealed(folder) or record.get("finished") or stranger:
        free = folder.parent / registry.next_version(folder.parent, version_name(folder.name))
        raise UsageError(f"{folder} holds another run's version, which never changes; use --output {free}")
    return None


def _continue_from(folder: Path, identity: dict[str, Any]) -> Checkpoint | None:
    """The checkpoint to go on from. Raises UsageError with the differences if it belongs to another run."""
    checkpoint = newest_checkpoint(folder / CHECKPOINTS)
    if checkpoint is None:
        return None
    if checkpoint.state.get("format") != FORMAT:
        raise UsageError(
            f"{checkpoint.folder} was written by another version of Hive-Mind; finish the run with that one, or use "
            "another --output, or remove the folder to start over"
        )
    recorded = checkpoint.state["identity"]
    differences = [
        f"{key} was {_short(recorded.get(key))} and is now {_short(identity.get(key))}"
        for key in sorted(recorded.keys() | identity.keys())
        if recorded.get(key) != identity.get(key)
    ]
    if differences:
        raise UsageError(
            f"{folder} holds an unfinished run that cannot be continued: {'; '.join(differences)}; repeat its command, "
            "or use another --output, or remove the folder to start over"
        )
    return checkpoint


def _short(value: object) -> str:
    return value[:12] if isinstance(value, str) else str(value)


def _claim(start: _Start) -> None:
    """Make the output folder and note whose it is from the first step on; the finished record replaces this one."""
    folder = start.request.output
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"cannot make the folder {folder}: {error.strerror}; choose another --output") from None
    before = read_json(folder / RUN_FILE) if (folder / RUN_FILE).is_file() else {}
    issues = dict.fromkeys((*before.get("issues", ()), *start.attempt.issues))
    begun = {"started": before.get("started") or utc_now(), "finished": None, "identity": start.identity}
    write_json(folder / RUN_FILE, {**begun, "issues": list(issues), "attempt": start.attempt.to_dict()})


def _copy_tokenizer(base: Path, folder: Path) -> None:
    for name in TOKENIZER_FILES:
        if (base / name).is_file():
            with atomic_write(folder / name) as file:
                file.write((base / name).read_bytes())
