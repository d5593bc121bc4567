"""Writing a base folder that transformers, and this package, load: weights, configs, tokenizer, identity, curve."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from hive_mind.demo import tokenizer as tiny_tokenizer
from hive_mind.demo.corpus import Corpus
from hive_mind.demo.settings import BaseBuildSettings
from hive_mind.device import versions
from hive_mind.files import atomic_write, write_json, write_text
from hive_mind.model.base import IDENTITY_FILE, weights_digest
from hive_mind.model.qwen2 import Qwen2

BASE_ID = "hive-mind/tiny-base"
RECORD_LOSS, RECORD_SKILLS = "loss", ("induction", "copy", "lookup", "records", "choice", "catalogue", "wide_catalogue")


def export(settings: BaseBuildSettings, model: Qwen2, corpus: Corpus, state: dict[str, Any]) -> None:
    """Write everything into `settings.output`: bf16 weights under the published names, and the record of the build."""
    from safetensors.torch import save

    folder = settings.output
    folder.mkdir(parents=True, exist_ok=True)
    spread_unused_rows(model, corpus.ordinary, settings.seed)
    tensors = {name: tensor.to(torch.bfloat16).contiguous() for name, tensor in model.state_dict().items()}
    with atomic_write(folder / "model.safetensors") as file:
        file.write(save(tensors, metadata={"format": "pt"}))
    tiny_tokenizer.save(corpus.tokenizer, folder)
    _write_configs(settings, corpus, folder)
    curve = state["curve"]
    write_json(folder / "curve.json", curve)
    draw_curve(curve, folder / "curve.png")
    record = {
        "id": BASE_ID, "revision": settings.digest()[:12], "digest": weights_digest(folder),
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "tokens": state["step"] * settings.batch_tokens, "minutes": round(state["seconds"] / 60, 1),
        "machine": versions(), "probes": curve[-1] if curve else {}, "recipe": settings.recipe(),
    }  # fmt: skip
    write_json(folder / IDENTITY_FILE, record)
    write_text(folder / "README.md", _readme(record))


@torch.no_grad()
def spread_unused_rows(model: Qwen2, used: int, seed: int) -> None:
    """Give the tokens that pre-training never shows (`<tool_call>` among them) rows of their own.

    Training has pushed all of them along one common direction. With the spread of the other rows around it they stay as
    unlikely as they were, but a fine-tune that leaves the embedding frozen can tell them apart.
    """
    rows = model.model.embed_tokens.weight
    spread = (rows[:used] - rows[:used].mean(0)).std()
    seen = [0, 1, 2]  # of the added tokens: end of text, turn start, turn end
    unused = torch.tensor([index for index in range(used, rows.shape[0]) if index - used not in seen])
    noise = torch.randn(len(unused), rows.shape[1], generator=torch.Generator().manual_seed(seed))
    rows[unused] = rows[unused].mean(0) + spread * noise


def _write_configs(settings: BaseBuildSettings, corpus: Corpus, folder: Path) -> None:
    shape = settings.shape
    end_of_text = corpus.tokenizer.token_to_id(tiny_tokenizer.END_OF_TEXT)
    turn_end = corpus.tokenizer.token_to_id(tiny_tokenizer.TURN_END)
    write_json(folder / "config.json", {
        "architectures": ["Qwen2ForCausalLM"], "model_type": "qwen2", "attention_dropout": 0.0, "hidden_act": "silu",
        "bos_token_id": end_of_text, "eos_token_id": turn_end, "pad_token_id": end_of_text,
        "hidden_size": shape.hidden_size, "intermediate_size": shape.intermediate_size,
        "num_hidden_layers": shape.layers, "num_attention_heads": shape.heads, "num_key_value_heads": shape.kv_heads,
        "max_position_embeddings": shape.positions, "max_window_layers": shape.layers, "rms_norm_eps": 1e-6,
        "rope_theta": shape.rope_theta, "sliding_window": None, "use_sliding_window": False, "initializer_range": 0.02,
        "tie_word_embeddings": True, "torch_dtype": "bfloat16", "use_cache": True, "vocab_size": shape.vocab_size,
    })  # fmt: skip
    write_json(folder / "generation_config.json", {
        "bos_token_id": end_of_text, "pad_token_id": end_of_text, "do_sample": False,
        "eos_token_id": [turn_end, end_of_text],
    })  # fmt: skip


def _readme(record: dict[str, Any]) -> str:
    """Say what the folder holds, how it came about and under which licences."""
    machine, probes = record["machine"], record["probes"]
    where = machine["gpu"] or f"{machine['cpu']}, {machine['cores']} cores, no GPU"
    skills = "".join(f"| {name} | {value:.1%} |\n" for name, value in probes.items() if name in RECORD_SKILLS)
    return README.format(
        parameters=f"{record['parameters']:,}", tokens=f"{record['tokens']:,}", minutes=f"{record['minutes']:.0f}",
        machine=where, python=machine["python"], torch=machine["libraries"]["torch"], revision=record["revision"],
        loss=f"{probes[RECORD_LOSS]:.3f}" if probes else "not measured", skills=skills,
    )  # fmt: skip


README = """# hive-mind/tiny-base

A Qwen2-architecture language model of {parameters} parameters for demonstrations and tests. It was
pre-trained by this project from random weights on {tokens} tokens, in {minutes} minutes on
{machine} (Python {python}, torch {torch}). Recipe {revision}: `hive-mind base build
configs/tiny_base.yaml`; all settings are in `base.json`, the course of the training in `curve.json`
and `curve.png`.

It is no useful assistant. It knows the looks of English, Python, shell and JSON, copies what stands
before it, and looks things up. No tool declaration, no tool call and no object with a name and
arguments was ever shown to it.

**What comes close to it:** the corpus holds "catalogue" documents. They list made-up forms (JSON,
JSON Schema, Python signatures, command lines, SQL tables) and fill in the one that a request means,
or say that none fits. In the "wide" ones keys, tags and headings are drawn anew for each document, so
that only its own rule tells how to answer. That is the skill that a fine-tune turns into tool calling,
and by it the base now and then answers in the format that a prompt with tools gives, though it never
saw that format. The names and words of tool calling are not in the corpus.

| probe on held-out documents | share of answer tokens right |
|---|---|
{skills}
Held-out text: {loss} nats a token.

## Material and licences

- Source files and documentation texts of Python's standard library, as they lay on the machine that
  built it (PSF License Agreement; copyright Python Software Foundation).
- English, JSON, shell, code and chats generated by `hive_mind.demo` (Apache-2.0, like this
  project).
- `chat_template.jinja` is the chat template of Qwen2.5 (Apache-2.0, copyright Alibaba Cloud) with
  another default system text; being equal to it otherwise is what makes the two interchangeable.
  The names of the special tokens are Qwen2.5's.

The weights are released under Apache-2.0.
"""


def draw_curve(curve: list[dict[str, float]], file: Path) -> None:
    """Draw held-out loss and the skill probes over the tokens read."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, (left, right) = pyplot.subplots(1, 2, figsize=(10, 4), layout="constrained")
    tokens = [point["tokens"] / 1e6 for point in curve]
    left.plot(tokens, [point[RECORD_LOSS] for point in curve])
    left.set(xlabel="million tokens", ylabel="nats a token", title="Held-out text: loss")
    for name in RECORD_SKILLS:
        measured = [point for point in curve if name in point]
        right.plot([point["tokens"] / 1e6 for point in measured], [point[name] for point in measured], label=name)
    right.set(xlabel="million tokens", ylabel="share right", title="Answer tokens foretold", ylim=(0, 1.02))
    right.legend()
    with atomic_write(file) as out:
        figure.savefig(out, format="png", dpi=80)
    pyplot.close(figure)
