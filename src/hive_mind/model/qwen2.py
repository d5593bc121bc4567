"""The Qwen2 architecture over flat, packed sequences, with parameter names as in the published checkpoints.

Equal to transformers' Qwen2ForCausalLM in its logits (tested); written anew because training without padding and
generation with mixed row lengths both want the flat form: (T, H) for all sequences of a batch, one after the other.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from hive_mind.errors import UsageError
from hive_mind.model import fused
from hive_mind.model.attention import Layout
from hive_mind.model.cache import Extend, KVCache, Step
from hive_mind.model.kernels import EAGER, Kernels
from hive_mind.model.packed import pack_forward, packed_linear


@dataclass(frozen=True)
class Qwen2Config:
    """The shape of a Qwen2 model, as its config.json gives it."""

    vocab_size: int
    hidden_size: int
    intermediate_size: int
    num_hidden_layers: int
    num_attention_heads: int
    num_key_value_heads: int
    rms_norm_eps: float = 1e-6
    rope_theta: float = 1_000_000.0
    tie_word_embeddings: bool = True
    max_position_embeddings: int = 32_768

    @property
    def head_dim(self) -> int:
        return self.hidden_size // self.num_attention_heads

    @classmethod
    def from_folder(cls, folder: Path) -> Qwen2Config:
        """Read config.json. Raises UsageError if it is missing or of a kind that this package does not compute."""
        file = folder / "config.json"
        if not file.is_file():
            raise UsageError(f"{folder} holds no config.json; give the folder of a Qwen2 model, or its name on the hub")
        raw: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        if raw.get("model_type") != "qwen2":
            raise UsageError(
                f"{file} is of type {raw.get('model_type')!r}; this version trains Qwen2 and Qwen2.5 models"
            )
        rope = raw.get("rope_parameters") or {}
        scaling = raw.get("rope_scaling") or (rope if rope.get("rope_type", "default") != "default" else None)
        if scaling or raw.get("use_sliding_window"):
            raise UsageError(f"{file} asks for rope scaling or a sliding window, which this version does not compute")
        fields = {name: raw[name] for name in cls.__dataclass_fields__ if name in raw}
        if "rope_theta" in rope:
            fields["rope_theta"] = rope["rope_theta"]
        return cls(**fields)


class Context(Protocol):
    """What the tokens of a pass attend to: each other alone (Layout), or what a cache holds before them as well."""

    def attend(self, layer: int, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        """query (T, heads, D); key, value (T, kv_heads, D) -> (T, heads, D)."""
        ...


class RMSNorm(nn.Module):
    """Root-mean-square norm, computed in fp32 whatever the input's format."""

    kernels: Kernels = EAGER

    def __init__(self, size: int, eps: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(size))
        self.eps = eps

    def forward(self, x: Tensor) -> Tensor:
        if self.weight.requires_grad:  # a base in the making
            return EAGER.rms_norm(x, self.weight, self.eps)[0]
        return fused.rms_norm(x, self.weight, self.eps, self.kernels)


class Attention(nn.Module):
    """Grouped-query attention with rotary positions; biases on q, k and v only."""

    kernels: Kernels = EAGER

    def __init__(self, config: Qwen2Config) -> None:
        super().__init__()
        self.head_dim = config.head_dim
        size, kv_size = config.hidden_size, config.num_key_value_heads * config.head_dim
        self.q_proj = nn.Linear(size, size)
        self.k_proj = nn.Linear(size, kv_size)
        self.v_proj = nn.Linear(size, kv_size)
        self.o_proj = nn.Linear(size, size, bias=False)

    def forward(self, x: Tensor, rope: tuple[Tensor, Tensor], context: Context, layer: int) -> Tensor:
        query, key, value = (
            projection(x).unflatten(-1, (-1, self.head_dim)) for projection in (self.q_proj, self.k_proj, self.v_proj)
        )
        query, key = (fused.rotate(x, *rope, self.kernels) for x in (query, key))
        return self.o_proj(context.attend(layer, query, key, value).flatten(1))  # type: ignore[no-any-return]


class MLP(nn.Module):
    """The SwiGLU feed-forward block."""

    kernels: Kernels = EAGER

    def __init__(self, config: Qwen2Config) -> None:
        super().__init__()
        self.gate_proj = nn.Linear(config.hidden_size, config.intermediate_size, bias=False)
        self.up_proj = nn.Linear(config.hidden_size, config.intermediate_size, bias=False)
        self.down_proj = nn.Linear(config.intermediate_size, config.hidden_size, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.down_proj(fused.swiglu(self.gate_proj(x), self.up_proj(x), self.kernels))  # type: ignore[no-any-return]


class Block(nn.Module):
    """One pre-norm transformer layer."""

    def __init__(self, config: Qwen2Config) -> None:
        super().__init__()
        self.input_layernorm = RMSNorm(config.hidden_size, config.rms_norm_eps)
        self.self_attn = Attention(config)
        self.post_attention_layernorm = RMSNorm(config.hidden_size, config.rms_norm_eps)
        self.mlp = MLP(config)

    def forward(self, x: Tensor, rope: tuple[Tensor, Tensor], context: Context, layer: int) -> Tensor:
        x = x + self.self_attn(self.input_layernorm(x), rope, context, layer)
        return x + self.mlp(self.post_attention_layernorm(x))  # type: ignore[no-any-return]


class Decoder(nn.Module):
    """Embedding, layers and final norm; the name that checkpoints call `model`."""

    def __init__(self, config: Qwen2Config) -> None:
        super().__init__()
        self.embed_tokens = nn.Embedding(config.vocab_size, config.hidden_size)
        self.layers = nn.ModuleList(Block(config) for _ in range(config.num_hidden_layers))
        self.norm = RMSNorm(config.hidden_size, config.rms_norm_eps)


class Qwen2(nn.Module):
    """A Qwen2 language model.

    `hidden` reads whole sequences, `extend` and `step` go on from what a cache holds, `project` gives logits.
    With `recompute`, a layer keeps only its input for the backward pass and is run again there; with `plain_attention`,
    attention over whole sequences is computed by its formula, without any fused kernel.
    """

    def __init__(self, config: Qwen2Config) -> None:
        super().__init__()
        self.config = config
        self.model = Decoder(config)
        self.lm_head = (
            None if config.tie_word_embeddings else nn.Linear(config.hidden_size, config.vocab_size, bias=False)
        )
        self.packed_output: Tensor | None = None
        exponents = torch.arange(0, config.head_dim, 2, dtype=torch.float32) / config.head_dim
        self.recompute = self.plain_attention = False
        self.inverse_frequencies: Tensor
        self.register_buffer("inverse_frequencies", config.rope_theta**-exponents, persistent=False)

    @property
    def dtype(self) -> torch.dtype:
        return self.model.embed_tokens.weight.dtype

    @property
    def device(self) -> torch.device:
        return self.model.embed_tokens.weight.device

    def hidden(self, input_ids: Tensor, layout: Layout) -> Tensor:
        """Read packed sequences, input_ids (T,), and return the final normed states (T, H)."""
        context = replace(layout, plain=True) if self.plain_attention else layout
        return self._layers(input_ids, layout.positions, context)

    def extend(self, tokens: Tensor, extend: Extend) -> Tensor:
        """Append several tokens to rows of a cache, tokens (T,) one row's after the other's; returns states (T, H)."""
        states = self._layers(tokens, extend.positions, extend)
        extend.done()
        return states

    def step(self, tokens: Tensor, cache: KVCache) -> Tensor:
        """Append one token to each of the cache's rows, tokens (rows,), and return their states (rows, H)."""
        step = Step(cache)
        states = self._layers(tokens, step.positions, step)
        step.done()
        return states

    def project(self, hidden: Tensor) -> Tensor:
        """Return logits (N, V) of states (N, H). Ask only for the rows needed: V is 151,936 in Qwen2.5."""
        if self.packed_output is not None:
            return packed_linear(hidden, self.packed_output, None)
        return F.linear(hidden, self.output_weight)

    def pack_output(self) -> None:
        """Lay a copy of the output projection out for the CPU's products, where that makes them faster."""
        self.packed_output = pack_forward(self.output_weight)

    @property
    def output_weight(self) -> Tensor:
        """The (V, H) output projection; the embedding itself where the two are tied."""
        return self.model.embed_tokens.weight if self.lm_head is None else self.lm_head.weight

    def use_kernels(self, kernels: Kernels) -> None:
        """Compute the element-wise parts with these kernels from now on."""
        for module in self.modules():
            if isinstance(module, RMSNorm | Attention | MLP):
                module.kernels = kernels

    def new_cache(self) -> KVCache:
        """Return a cache without rows."""
        c = self.config
        return KVCache(c.num_hidden_layers, c.num_key_value_heads, c.head_dim, self.dtype, self.device)

    @property
    def cache_bytes(self) -> int:
        """Return how many bytes of a cache a token takes."""
        c = self.config
        return 2 * c.num_hidden_layers * c.num_key_value_heads * c.head_dim * self.dtype.itemsize

    def _layers(self, tokens: Tensor, positions: Tensor, context: Context) -> Tensor:
        x, rope = self.model.embed_tokens(tokens), self._rope(positions)
        for number, layer in enumerate(self.model.layers):
            if self.recompute and torch.is_grad_enabled():
                x = checkpoint(layer, x, rope, context, number, use_reentrant=False)
            else:
                x = layer(x, rope, context, number)
        return self.model.norm(x)  # type: ignore[no-any-return]

    def _rope(self, positions: Tensor) -> tuple[Tensor, Tensor]:
        angles = positions[:, None].float() * self.inverse_frequencies.float()
        angles = torch.cat((angles, angles), -1)[:, None]
        return angles.cos().to(self.dtype), angles.sin().to(self.dtype)
