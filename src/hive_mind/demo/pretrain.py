"""Pre-train the tiny base: `hive-mind base build configs/tiny_base.yaml`.

Muon (Jordan et al. 2024, torch.optim.Muon) for the matrices of the layers, AdamW for embedding, norms and biases. Steps
alternate between row lengths, because copying must work over the length of a real prompt, and short rows are cheaper.
"""

from __future__ import annotations

import hashlib
import json
import math
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from hive_mind.config import Settings, dump, setting
from hive_mind.demo import bpe
from hive_mind.demo.corpus import Corpus, sample_texts
from hive_mind.demo.probes import probe
from hive_mind.device import cpu_name, pick
from hive_mind.errors import UsageError
from hive_mind.files import atomic_write, read_json, write_json
from hive_mind.model.attention import Layout
from hive_mind.model.base import IDENTITY_FILE
from hive_mind.model.qwen2 import Qwen2, Qwen2Config
from hive_mind.progress import say, track

CHECKPOINT = "checkpoint.pt"
CURVE = "curve.json"
BASE_ID = "hive-mind/tiny-base"


class BaseBuildSettings(Settings):
    """The recorded recipe of the tiny base model."""

    output: Path = setting(Path("models/tiny_base"), "the folder that the finished base is written to")
    work: Path = setting(Path("models/.tiny_base_work"), "checkpoints and tokenizer while building; resumed from")
    seed: int = setting(17, "seed of weights and texts")
    vocab_size: int = setting(2048, "tokenizer entries", ge=300, le=8192)
    tokenizer_documents: int = setting(
        12_000, "generated documents that the tokenizer is trained on besides the library"
    )
    hidden_size: int = setting(256, "width")
    intermediate_size: int = setting(576, "width of the feed-forward block")
    layers: int = setting(6, "layers")
    heads: int = setting(4, "attention heads")
    kv_heads: int = setting(2, "key-value heads")
    rope_theta: float = setting(10_000.0, "base of the rotary frequencies")
    tokens: int = setting(20_000_000, "tokens to train on", ge=1)
    tokens_per_step: int = setting(6144, "tokens of one step", ge=256)
    row_lengths: list[int] = setting([256, 768], "row lengths, one after the other from step to step")
    short_until: float = setting(0.15, "share of the training that sees only the shortest rows", ge=0, le=1)
    muon_learning_rate: float = setting(0.02, "peak learning rate of the layers' matrices", gt=0)
    adam_learning_rate: float = setting(3e-3, "peak learning rate of everything else", gt=0)
    warmup_steps: int = setting(40, "steps of linear warm-up", ge=0)
    decay_from: float = setting(0.5, "share of the training after which the rates fall linearly to 0", ge=0, le=1)
    shares: dict[str, float] = setting(
        {
            "library": 0.10, "english": 0.10, "shell": 0.06, "echoes": 0.03, "copy": 0.09, "lookup": 0.12, "form": 0.12,
            "inverse": 0.05, "catalogue": 0.16, "chat": 0.17,
        },
        "how often each kind of text begins a new piece of a row",
    )  # fmt: skip
    probe_every: int = setting(100, "steps between probes", ge=1)
    checkpoint_seconds: int = setting(120, "seconds between checkpoints", ge=1)
    compile: bool = setting(True, "use torch.compile where a C++ compiler is at hand (1.25 times as fast on 2 cores)")


@dataclass
class _State:
    step: int = 0
    tokens: int = 0
    seconds: float = 0.0
    curve: list[dict[str, float]] = field(default_factory=list)


def build(settings: BaseBuildSettings) -> Path:
    """Train the tokenizer and the model, or go on where an interrupted build stopped; returns the base's folder."""
    from tokenizers import Tokenizer

    if set(settings.shares) - {"library", "echoes"} - set(_generators()):
        raise UsageError(f"shares names an unknown kind of text; known are library, echoes, {', '.join(_generators())}")
    work = settings.work
    if not (work / "tokenizer.json").is_file():
        say("tokenizer: training on the standard library and generated texts")
        bpe.train(sample_texts(settings.seed, settings.tokenizer_documents), settings.vocab_size, work)
    tokenizer = Tokenizer.from_file(str(work / "tokenizer.json"))
    corpus = Corpus(tokenizer, settings.shares, settings.seed)
    torch.manual_seed(settings.seed)
    model = _new_model(settings, tokenizer.get_vocab_size())
    optimizers = _optimizers(model, settings)
    state = _resume(work / CHECKPOINT, model, optimizers, settings)
    _train(model, optimizers, corpus, settings, state)
    _export(model, settings, state)
    return settings.output


def _generators() -> tuple[str, ...]:
    from hive_mind.demo.corpus import GENERATORS

    return tuple(GENERATORS)


def _new_model(settings: BaseBuildSettings, vocab_size: int) -> Qwen2:
    config = Qwen2Config(
        vocab_size=vocab_size, hidden_size=settings.hidden_size, intermediate_size=settings.intermediate_size,
        num_hidden_layers=settings.layers, num_attention_heads=settings.heads, num_key_value_heads=settings.kv_heads,
        rope_theta=settings.rope_theta, max_position_embeddings=2048,
    )  # fmt: skip
    model = Qwen2(config)
    for module in model.modules():
        if isinstance(module, (nn.Linear, nn.Embedding)):
            nn.init.normal_(module.weight, std=0.02)
        if isinstance(module, nn.Linear) and module.bias is not None:
            nn.init.zeros_(module.bias)
    return model


def _optimizers(model: Qwen2, settings: BaseBuildSettings) -> list[torch.optim.Optimizer]:
    matrices = [p for name, p in model.named_parameters() if p.ndim == 2 and "embed" not in name]
    rest = [p for name, p in model.named_parameters() if p.ndim != 2 or "embed" in name]
    return [
        torch.optim.Muon(matrices, lr=settings.muon_learning_rate, momentum=0.95, weight_decay=0.0),
        torch.optim.AdamW(rest, lr=settings.adam_learning_rate, betas=(0.9, 0.98), weight_decay=0.0, fused=True),
    ]


def _train(
    model: Qwen2, optimizers: list[torch.optim.Optimizer], corpus: Corpus, settings: BaseBuildSettings, state: _State
) -> None:
    steps = math.ceil(settings.tokens / settings.tokens_per_step)
    bf16 = pick("cpu").dtype == torch.bfloat16
    compute = torch.compile(_loss) if settings.compile and shutil.which("g++") else _loss
    peaks = [group["lr"] for optimizer in optimizers for group in optimizer.param_groups]
    saved = time.monotonic()
    with track("pre-training", steps, "steps", done=state.step) as bar:
        while state.step < steps:
            began = time.monotonic()
            length = _row_length(settings, state.step / steps)(state.step)
            count = settings.tokens_per_step // length
            tokens, weights = (torch.from_numpy(x) for x in corpus.rows(state.step, count, length))
            rate = _rate(settings, state.step, steps)
            for optimizer, peak in zip(optimizers, peaks, strict=True):
                optimizer.param_groups[0]["lr"] = peak * rate
            with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
                loss = compute(model, tokens, weights, Layout.from_lengths([length] * count))
            loss.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            for optimizer in optimizers:
                optimizer.step()
                optimizer.zero_grad()
            state.step += 1
            state.tokens += length * count
            state.seconds += time.monotonic() - began
            bar.advance(1, f"loss {loss.item():.3f}, {state.tokens / state.seconds:,.0f} tokens/s")
            if state.step % settings.probe_every == 0 or state.step == steps:
                _record(model, corpus, state, float(loss.item()))
            if time.monotonic() - saved > settings.checkpoint_seconds or state.step == steps:
                _save(settings.work / CHECKPOINT, model, optimizers, settings, state)
                saved = time.monotonic()


def _loss(model: Qwen2, tokens: Tensor, weights: Tensor, layout: Layout) -> Tensor:
    """Weighted cross entropy of rows (B, T + 1); attention runs over a whole row, documents in it parted by a token."""
    hidden = model.hidden(tokens[:, :-1].reshape(-1), layout)
    losses = F.cross_entropy(model.project(hidden).float(), tokens[:, 1:].reshape(-1).long(), reduction="none")
    weight = weights[:, 1:].reshape(-1)
    return (losses * weight).sum() / weight.sum()


def _row_length(settings: BaseBuildSettings, done: float) -> Any:
    lengths = [min(settings.row_lengths)] if done < settings.short_until else settings.row_lengths
    return lambda step: lengths[step % len(lengths)]


def _rate(settings: BaseBuildSettings, step: int, steps: int) -> float:
    warm = min(1.0, (step + 1) / max(1, settings.warmup_steps))
    begin = settings.decay_from * steps
    return warm * (1.0 if step < begin else max(0.0, (steps - step) / (steps - begin)))


def _record(model: Qwen2, corpus: Corpus, state: _State, loss: float) -> None:
    row = {"step": state.step, "tokens": state.tokens, "seconds": round(state.seconds, 1), "loss": round(loss, 4)}
    row |= {name: round(value, 4) for name, value in probe(model, corpus).items()}
    state.curve.append(row)
    say(" ".join(f"{name} {value:g}" for name, value in row.items()))


def _recipe(settings: BaseBuildSettings) -> dict[str, Any]:
    """The settings that make the model, without where it is written to and how often it is looked at."""
    outside = {"output", "work", "probe_every", "checkpoint_seconds", "compile"}
    return {key: value for key, value in dump(settings).items() if key not in outside}


def _save(
    file: Path, model: Qwen2, optimizers: list[torch.optim.Optimizer], settings: BaseBuildSettings, state: _State
) -> None:
    with atomic_write(file) as target:
        torch.save(
            {
                "model": model.state_dict(), "optimizers": [optimizer.state_dict() for optimizer in optimizers],
                "state": vars(state), "recipe": json.dumps(_recipe(settings)),
            },
            target,
        )  # fmt: skip


def _resume(file: Path, model: Qwen2, optimizers: list[torch.optim.Optimizer], settings: BaseBuildSettings) -> _State:
    if not file.is_file():
        return _State()
    kept = torch.load(file, weights_only=True)
    if kept["recipe"] != json.dumps(_recipe(settings)):
        raise UsageError(
            f"{file} is of another recipe; delete {file.parent} to start anew, or set work to another folder"
        )
    model.load_state_dict(kept["model"])
    for optimizer, values in zip(optimizers, kept["optimizers"], strict=True):
        optimizer.load_state_dict(values)
    state = _State(**kept["state"])
    say(f"resuming from step {state.step} ({state.tokens:,} tokens)")
    return state


def _export(model: Qwen2, settings: BaseBuildSettings, state: _State) -> None:
    """Write the base as transformers reads it, with its name, its recipe and its curve."""
    from safetensors.torch import save

    output = settings.output
    output.mkdir(parents=True, exist_ok=True)
    for name in ("tokenizer.json", "tokenizer_config.json", "generation_config.json", "chat_template.jinja"):
        shutil.copyfile(settings.work / name, output / name)
    stops = read_json(settings.work / "generation_config.json")["eos_token_id"]
    c = model.config
    config = {
        "architectures": ["Qwen2ForCausalLM"], "model_type": "qwen2", "vocab_size": c.vocab_size,
        "hidden_size": c.hidden_size, "intermediate_size": c.intermediate_size, "num_hidden_layers": c.num_hidden_layers,
        "num_attention_heads": c.num_attention_heads, "num_key_value_heads": c.num_key_value_heads,
        "rms_norm_eps": c.rms_norm_eps, "rope_theta": c.rope_theta, "tie_word_embeddings": True, "hidden_act": "silu",
        "max_position_embeddings": c.max_position_embeddings, "use_sliding_window": False, "torch_dtype": "bfloat16",
        "eos_token_id": stops[0], "bos_token_id": None, "pad_token_id": stops[1],
    }  # fmt: skip
    write_json(output / "config.json", config)
    weights = {name: tensor.detach().to(torch.bfloat16).contiguous() for name, tensor in model.state_dict().items()}
    with atomic_write(output / "model.safetensors") as file:
        file.write(save(weights, metadata={"format": "pt"}))
    write_json(output / CURVE, state.curve)
    recipe = _recipe(settings)
    digest = hashlib.sha256(json.dumps(recipe, sort_keys=True).encode()).hexdigest()
    made = {"made_on": cpu_name(), "seconds": round(state.seconds), "tokens": state.tokens, "torch": torch.__version__}
    write_json(output / IDENTITY_FILE, {"id": BASE_ID, "revision": digest[:12], "recipe": recipe, **made})


def batches(corpus: Corpus, steps: int, count: int, length: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield the rows of the first steps, for looking at what the base reads."""
    return (corpus.rows(step, count, length) for step in range(steps))
