"""Pre-training of the tiny base: Muon on the matrices, AdamW on the rest, over a corpus that is made as it is read.

On CPUs one process a core, one thread each, averages gradients over gloo: that beats one process with as many threads,
whose barriers wait for every core several thousand times a second.
"""

from __future__ import annotations

import math
import os
import shutil
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from hive_mind import progress
from hive_mind.demo import tokenizer as tiny_tokenizer
from hive_mind.demo.corpus import Corpus, sample
from hive_mind.demo.export import export
from hive_mind.demo.probes import Probes
from hive_mind.demo.settings import BaseBuildSettings, PhaseSettings
from hive_mind.device import Device, cpu_count, pick
from hive_mind.errors import HiveMindError, Interrupted
from hive_mind.files import atomic_write, read_json, write_json
from hive_mind.model.attention import Layout
from hive_mind.model.qwen2 import Qwen2, Qwen2Config

CHECKPOINT, TOKENIZER_FILE, RECIPE_FILE, STOP_FILE = "checkpoint.pt", "tokenizer.json", "recipe.json", "stop"
Step = Callable[[Tensor, Tensor, Tensor, Layout], Tensor]


def build(settings: BaseBuildSettings) -> Path:
    """Build the tiny base into `settings.output` and return that folder; goes on from a checkpoint if there is one.

    Raises HiveMindError if the checkpoint is of another recipe, Interrupted on Ctrl-C (after saving).
    """
    settings.work.mkdir(parents=True, exist_ok=True)
    _check_recipe(settings)
    _ensure_tokenizer(settings)
    device = pick(settings.device, settings.dtype)
    workers = settings.workers or (1 if device.is_gpu else cpu_count())
    progress.say(
        f"building the tiny base: {settings.tokens:,} tokens, {settings.steps:,} steps on {device.name}, "
        f"{workers} worker{'s' if workers > 1 else ''}, recipe {settings.digest()[:12]}"
    )
    stop = settings.work / STOP_FILE
    stop.unlink(missing_ok=True)
    with _ctrl_c_touches(stop):
        if workers == 1:
            _work(0, 1, "", settings)
        else:
            with tempfile.TemporaryDirectory() as meeting:
                _spawn(workers, f"file://{meeting}/store", settings)
    state = load_checkpoint(settings)
    if state is None or state["step"] < settings.steps:
        raise Interrupted(f"stopped and saved in {settings.work}; run the same command again to go on")
    return publish(settings)


def publish(settings: BaseBuildSettings) -> Path:
    """Write the last checkpoint as a base folder, finished or not. Raises HiveMindError if there is none."""
    state = load_checkpoint(settings)
    if state is None:
        raise HiveMindError(f"{settings.work} holds no checkpoint; run `hive-mind base build` first")
    model = _new_model(settings)
    model.load_state_dict(state["model"])
    corpus = _corpus(settings, settings.phases[-1])
    export(settings, model, corpus, state)
    return settings.output


@dataclass
class Run:
    """What one worker needs to take steps."""

    settings: BaseBuildSettings
    rank: int
    workers: int
    device: Device
    model: Qwen2
    optimizers: list[torch.optim.Optimizer]
    corpora: list[Corpus]
    step_fn: Step
    step: int = 0
    seconds: float = 0.0
    curve: list[dict[str, float]] = field(default_factory=list)

    def learning_rate(self) -> float:
        """The present share of the full rates: warm-up, plateau, straight line to 0."""
        s = self.settings
        left = s.steps - self.step
        return min(1.0, (self.step + 1) / max(1, s.warmup_steps), left / max(1.0, s.decay_share * s.steps))

    def take(self) -> float:
        """Do one optimizer step over this worker's share of the batch; returns the loss of that share."""
        phase, length = self.settings.reading(self.step)
        ids, weights = self._batch(self.corpora[phase], length)
        inputs, targets = ids[:, :-1].flatten(), ids[:, 1:].flatten()
        layout = Layout.from_lengths([length] * len(ids), self.device.torch_device)
        for optimizer in self.optimizers:
            optimizer.zero_grad(set_to_none=True)
        loss = self.step_fn(inputs, targets, weights[:, 1:].flatten(), layout)
        loss.backward()
        self._average_gradients()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.settings.clip)
        share = self.learning_rate()
        for optimizer, full in zip(self.optimizers, (self.settings.muon_rate, self.settings.adam_rate), strict=True):
            optimizer.param_groups[0]["lr"] = full * share
            optimizer.step()
        self.step += 1
        return float(loss.detach())

    def _batch(self, corpus: Corpus, length: int) -> tuple[Tensor, Tensor]:
        per_worker = max(1, self.settings.batch_tokens // length // self.workers)
        rows = [corpus.row(self.step, self.rank * per_worker + index, length) for index in range(per_worker)]
        ids = torch.from_numpy(np.stack([row[0] for row in rows]))
        weights = torch.from_numpy(np.stack([row[1] for row in rows]))
        return ids.to(self.device.torch_device), weights.to(self.device.torch_device)

    def _average_gradients(self) -> None:
        if self.workers == 1:
            return
        gradients = [parameter.grad for parameter in self.model.parameters() if parameter.grad is not None]
        flat = torch.cat([gradient.flatten() for gradient in gradients])
        torch.distributed.all_reduce(flat)
        flat /= self.workers
        for gradient, part in zip(gradients, flat.split([g.numel() for g in gradients]), strict=True):
            gradient.copy_(part.view_as(gradient))


@contextmanager
def _ctrl_c_touches(stop: Path) -> Iterator[None]:
    """Let Ctrl-C ask all workers to save and stop; a second one ends the program at once."""

    def ask(number: int, frame: FrameType | None) -> None:
        stop.touch()
        signal.signal(signal.SIGINT, signal.default_int_handler)
        progress.say("stopping after this step; press Ctrl-C again to stop without saving")

    before = signal.getsignal(signal.SIGINT)
    if before is not signal.SIG_IGN:  # a job in the background is not meant to hear the terminal's Ctrl-C
        signal.signal(signal.SIGINT, ask)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _spawn(workers: int, store: str, settings: BaseBuildSettings) -> None:
    from torch.multiprocessing.spawn import spawn

    # gloo binds to the address of the host's name, which need not resolve; loopback always does
    os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")
    os.environ["OMP_NUM_THREADS"] = "1"
    spawn(_work, (workers, store, settings), nprocs=workers)


def _work(rank: int, workers: int, store: str, settings: BaseBuildSettings) -> None:
    if workers > 1:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the first process passes it on through the stop file
        torch.set_num_threads(1)
        torch.distributed.init_process_group("gloo", init_method=store, rank=rank, world_size=workers)
    run = _start(rank, workers, settings)
    try:
        _loop(run)
    finally:
        if workers > 1:
            torch.distributed.destroy_process_group()


def _start(rank: int, workers: int, settings: BaseBuildSettings) -> Run:
    device = pick(settings.device, settings.dtype)
    model = _new_model(settings).to(device.torch_device)
    matrices = [p for name, p in model.named_parameters() if p.ndim == 2 and "embed" not in name]
    others = [p for name, p in model.named_parameters() if p.ndim < 2 or "embed" in name]
    optimizers: list[torch.optim.Optimizer] = [
        torch.optim.Muon(matrices, lr=settings.muon_rate, weight_decay=0.0),
        torch.optim.AdamW(others, lr=settings.adam_rate, betas=(0.9, 0.98), weight_decay=0.0),
    ]
    run = Run(
        settings, rank, workers, device, model, optimizers, [_corpus(settings, phase) for phase in settings.phases],
        _step_function(model, device, settings),
    )  # fmt: skip
    state = load_checkpoint(settings)
    if state is not None:
        model.load_state_dict(state["model"])
        for optimizer, saved in zip(optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(saved)
        run.step, run.seconds, run.curve = state["step"], state["seconds"], state["curve"]
    return run


def _loop(run: Run) -> None:
    settings = run.settings
    probes = Probes(run.corpora[-1]) if run.rank == 0 else None
    shown = progress.track("pre-training", settings.steps, "steps", done=run.step) if run.rank == 0 else nullcontext()
    with shown as bar:
        losses: list[float] = []
        while run.step < settings.steps and not _stop_asked(run):
            started = time.monotonic()
            losses.append(run.take())
            run.seconds += time.monotonic() - started
            last = run.step == settings.steps
            if probes is not None and bar is not None:
                if run.step % settings.probe_every == 0 or last:
                    _record(run, probes, losses)
                    losses = []
                speed = run.step * settings.batch_tokens / run.seconds
                bar.advance(1, f"loss {(losses or [run.curve[-1]['train_loss']])[-1]:.3f}, {speed:,.0f} tokens/s")
                if run.step % settings.save_every == 0 or last:
                    _save(run)
    if run.rank == 0:
        _save(run)


def _stop_asked(run: Run) -> bool:
    """Tell whether the stop file lies in the work folder; all workers must agree, so the first one looks."""
    asked = torch.tensor([float((run.settings.work / STOP_FILE).exists())])
    if run.workers > 1:
        torch.distributed.broadcast(asked, 0)
    return bool(asked.item())


def _record(run: Run, probes: Probes, losses: list[float]) -> None:
    found = probes.run(run.model)
    tokens = run.step * run.settings.batch_tokens
    run.curve.append(
        {
            "step": run.step,
            "tokens": tokens,
            "seconds": round(run.seconds),
            "train_loss": round(float(np.mean(losses)), 4),
        }
        | found
    )
    progress.say(f"{tokens:,} tokens: " + ", ".join(f"{name} {value:.2f}" for name, value in found.items()))
    write_json(run.settings.work / "curve.json", run.curve)


def _step_function(model: Qwen2, device: Device, settings: BaseBuildSettings) -> Step:
    def loss(inputs: Tensor, targets: Tensor, weights: Tensor, layout: Layout) -> Tensor:
        with torch.autocast(device.torch_device.type, device.dtype, enabled=device.dtype != torch.float32):
            logits = model.project(model.hidden(inputs, layout))
        each = F.cross_entropy(logits.float(), targets, reduction="none")
        return (each * weights).sum() / weights.sum()

    wanted = settings.compile == "on" or (
        settings.compile == "auto" and (device.is_gpu or shutil.which("g++") is not None)
    )
    if not wanted:
        return loss
    compiled: Step = torch.compile(loss, dynamic=False)
    return compiled


def _new_model(settings: BaseBuildSettings) -> Qwen2:
    """A freshly drawn model; the layers that write to the residual stream start smaller the deeper the model is."""
    shape = settings.shape
    torch.manual_seed(settings.seed)
    model = Qwen2(Qwen2Config(
        shape.vocab_size, shape.hidden_size, shape.intermediate_size, shape.layers, shape.heads, shape.kv_heads,
        rope_theta=shape.rope_theta, max_position_embeddings=shape.positions,
    ))  # fmt: skip
    for name, parameter in model.named_parameters():
        if parameter.ndim == 2:
            std = 0.02 if "embed" in name else 1 / math.sqrt(parameter.shape[1])
            if name.endswith(("o_proj.weight", "down_proj.weight")):
                std /= math.sqrt(2 * shape.layers)
            torch.nn.init.normal_(parameter, std=std)
        elif name.endswith("bias"):
            torch.nn.init.zeros_(parameter)
    return model


def _corpus(settings: BaseBuildSettings, phase: PhaseSettings) -> Corpus:
    from tokenizers import Tokenizer

    return Corpus(Tokenizer.from_file(str(settings.work / TOKENIZER_FILE)), phase.shares, settings.seed)


def _ensure_tokenizer(settings: BaseBuildSettings) -> None:
    if (settings.work / TOKENIZER_FILE).exists():
        return
    chosen = settings.tokenizer
    progress.say(f"training the tokenizer: {settings.shape.vocab_size:,} entries on {chosen.documents:,} documents")
    documents = sample(chosen.documents, settings.seed, chosen.shares)
    trained = tiny_tokenizer.train((document.text for document in documents), settings.shape.vocab_size)
    with atomic_write(settings.work / TOKENIZER_FILE) as file:
        file.write(trained.to_str().encode())


def _check_recipe(settings: BaseBuildSettings) -> None:
    file = settings.work / RECIPE_FILE
    if file.exists() and read_json(file)["digest"] != settings.digest():
        raise HiveMindError(f"{settings.work} holds a build of another recipe; give another `work` folder or delete it")
    write_json(file, {"digest": settings.digest(), "recipe": settings.recipe()})


def _save(run: Run) -> None:
    state = {
        "model": run.model.state_dict(), "optimizers": [optimizer.state_dict() for optimizer in run.optimizers],
        "step": run.step, "seconds": run.seconds, "curve": run.curve,
    }  # fmt: skip
    with atomic_write(run.settings.work / CHECKPOINT) as file:
        torch.save(state, file)


def load_checkpoint(settings: BaseBuildSettings) -> dict[str, Any] | None:
    """Return the last checkpoint of a build, or None before the first."""
    file = settings.work / CHECKPOINT
    if not file.exists():
        return None
    state: dict[str, Any] = torch.load(file, map_location="cpu", weights_only=True)
    return state
