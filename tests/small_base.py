"""A Qwen2 base model of a few thousand parameters with a byte-level ChatML tokenizer, made in a folder by the test."""

import json
from pathlib import Path

import torch
from safetensors.torch import save_file
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from hive_mind.model.qwen2 import Qwen2, Qwen2Config

SPECIAL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
TEMPLATE = """\
{%- if messages[0]['role'] != 'system' %}{{ '<|im_start|>system\\nYou help.<|im_end|>\\n' }}{% endif -%}
{%- if tools %}{{ '<|im_start|>tools\\n' + tools | tojson + '<|im_end|>\\n' }}{% endif -%}
{%- for message in messages -%}
{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] }}
{%- for call in message['tool_calls'] or [] -%}
{{ '<tool_call>' + call['function'] | tojson + '</tool_call>' }}
{%- endfor -%}
{{ '<|im_end|>\\n' }}
{%- endfor -%}
{%- if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif -%}
"""


def small_config(**changes) -> Qwen2Config:
    shape = {
        "vocab_size": 256 + len(SPECIAL), "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2,
        "num_attention_heads": 4, "num_key_value_heads": 2, "rope_theta": 10_000.0, "max_position_embeddings": 512,
    }  # fmt: skip
    return Qwen2Config(**{**shape, **changes})


def random_model(config: Qwen2Config, seed: int = 0, dtype: torch.dtype = torch.float32) -> Qwen2:
    """A frozen model whose weights are large enough that attention and biases matter to its logits."""
    generator = torch.Generator().manual_seed(seed)
    model = Qwen2(config)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            spread = torch.randn(parameter.shape, generator=generator)
            parameter.copy_(1 + 0.1 * spread if "norm" in name else 0.3 * spread)
    return model.to(dtype).requires_grad_(False).eval()


def write_base(folder: Path, **changes) -> Path:
    """Write config, weights and tokenizer of a random small model into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    config = small_config(**changes)
    model = random_model(config)
    save_file(dict(model.named_parameters()), folder / "model.safetensors")
    write_config(folder, config)
    write_tokenizer(folder)
    return folder


def write_config(folder: Path, config: Qwen2Config) -> None:
    fields = {name: getattr(config, name) for name in config.__dataclass_fields__}
    fields |= {"model_type": "qwen2", "architectures": ["Qwen2ForCausalLM"], "hidden_act": "silu"}
    (folder / "config.json").write_text(json.dumps(fields))


def write_tokenizer(folder: Path) -> None:
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE({letter: number for number, letter in enumerate(alphabet)}, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(name, special=True, normalized=False) for name in SPECIAL])
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, eos_token="<|im_end|>", pad_token="<|endoftext|>", chat_template=TEMPLATE
    )
    fast.save_pretrained(folder)
