"""The recipe of the tiny base: everything that decides what comes out."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Literal

from hive_mind.config import Settings, dump, setting


class ShapeSettings(Settings):
    """The shape of the Qwen2 model."""

    vocab_size: int = setting(3_072, "entries of the tokenizer, special tokens included", ge=512, le=8_192)
    hidden_size: int = setting(256, "width", ge=32)
    intermediate_size: int = setting(576, "width of the feed-forward layer", ge=32)
    layers: int = setting(6, "blocks", ge=1)
    heads: int = setting(4, "attention heads", ge=1)
    kv_heads: int = setting(2, "key-value heads", ge=1)
    rope_theta: float = setting(10_000.0, "base of the rotary frequencies", gt=0)
    positions: int = setting(2_048, "positions that config.json promises", ge=2_048)


class TokenizerSettings(Settings):
    """What the tokenizer is trained on: documents of these kinds in these shares."""

    documents: int = setting(12_000, "documents to train on", ge=100)
    shares: dict[str, float] = setting(..., "shares of the kinds of documents")


class PhaseSettings(Settings):
    """A stretch of the training with rows of given lengths, taken in turn."""

    until: float = setting(1.0, "share of all tokens after which the next phase begins", gt=0, le=1)
    lengths: tuple[int, ...] = setting((256,), "row lengths in tokens")
    shares: dict[str, float] = setting(..., "kinds of documents and their shares of the tokens")


class BaseBuildSettings(Settings):
    """How `hive-mind base build` makes the tiny base."""

    output: Path = setting(Path("models/tiny_base"), "folder of the finished base")
    work: Path = setting(Path("runs/tiny_base"), "folder of checkpoints; an interrupted build goes on from here")
    tokens: int = setting(20_000_000, "tokens to train on in all", ge=1)
    batch_tokens: int = setting(8_192, "tokens a step, over all workers", ge=256)
    seed: int = setting(42, "seed of weights, tokenizer and corpus")
    shape: ShapeSettings = setting(ShapeSettings(), "the model")
    tokenizer: TokenizerSettings = setting(..., "the tokenizer")
    phases: tuple[PhaseSettings, ...] = setting(..., "what is read, in order")
    muon_rate: float = setting(0.02, "learning rate of the matrices (Muon)", gt=0)
    adam_rate: float = setting(3e-3, "learning rate of embedding, norms and biases (AdamW)", gt=0)
    warmup_steps: int = setting(40, "steps until the full learning rate", ge=0)
    decay_share: float = setting(0.4, "share of the steps over which the rates fall to 0 at the end", ge=0, le=1)
    clip: float = setting(1.0, "largest norm of the gradient", gt=0)
    dtype: Literal["auto", "bf16", "fp32"] = setting("auto", "format of the products; weights and optimizers stay fp32")
    compile: Literal["auto", "on", "off"] = setting("auto", "compile the step with torch.compile; auto: if g++ is here")
    workers: int = setting(0, "data-parallel processes of one thread each; 0: one a core on CPUs, 1 on a GPU", ge=0)
    device: Literal["auto", "cpu", "cuda"] = setting("auto", "where to compute")
    save_every: int = setting(100, "steps between checkpoints", ge=1)
    probe_every: int = setting(100, "steps between probes", ge=1)

    @property
    def steps(self) -> int:
        """How many steps the tokens make."""
        return max(1, self.tokens // self.batch_tokens)

    def reading(self, step: int) -> tuple[int, int]:
        """What a step reads: the index of its phase and the length of its rows in tokens."""
        done = step / self.steps
        phase = next(index for index, phase in enumerate(self.phases) if done < phase.until)
        lengths = self.phases[phase].lengths
        return phase, lengths[step % len(lengths)]

    def recipe(self) -> dict[str, object]:
        """The settings that decide the result; where it is written and how it is computed are left out."""
        elsewhere = ("output", "work", "dtype", "compile", "workers", "device", "save_every", "probe_every")
        return {key: value for key, value in dump(self).items() if key not in elsewhere}

    def digest(self) -> str:
        """One sha256 over the recipe."""
        return hashlib.sha256(json.dumps(self.recipe(), sort_keys=True).encode()).hexdigest()
