"""The model's logits are transformers' logits, whatever sequences are packed together and however they are read."""

import pytest
import torch
from transformers import Qwen2Config as HFConfig
from transformers import Qwen2ForCausalLM

from hive_mind.errors import UsageError
from hive_mind.model.attention import Layout
from hive_mind.model.qwen2 import Qwen2Config
from tests.small_base import random_model, small_config

LENGTHS = [7, 1, 12, 30, 12]


def reference(model):
    """transformers' own model with the same weights."""
    config = model.config
    shape = {name: getattr(config, name) for name in config.__dataclass_fields__ if name != "rope_theta"}
    rope = {"rope_type": "default", "rope_theta": config.rope_theta}
    theirs = Qwen2ForCausalLM(HFConfig(**shape, rope_parameters=rope, attn_implementation="eager")).eval()
    left = theirs.load_state_dict(model.state_dict(), strict=False)
    assert set(left.missing_keys) <= {"lm_head.weight"}
    assert not left.unexpected_keys
    return theirs


def sequences(config, lengths=LENGTHS, seed=1):
    generator = torch.Generator().manual_seed(seed)
    return [torch.randint(0, config.vocab_size, (length,), generator=generator) for length in lengths]


def packed_logits(model, parts):
    layout = Layout.from_lengths([len(part) for part in parts])
    return model.project(model.hidden(torch.cat(parts), layout))


@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize("lengths", [LENGTHS, [9, 9, 9], [1]])
def test_packed_logits_equal_transformers_on_separate_sequences(tied, lengths):
    model = random_model(small_config(tie_word_embeddings=tied))
    theirs = reference(model)
    parts = sequences(model.config, lengths)
    with torch.no_grad():
        expected = torch.cat([theirs(part[None]).logits[0] for part in parts])
    torch.testing.assert_close(packed_logits(model, parts), expected, rtol=1e-5, atol=2e-5)


def test_a_change_in_one_sequence_moves_no_logit_of_another():
    model = random_model(small_config())
    parts = sequences(model.config)
    before = packed_logits(model, parts).split(LENGTHS)
    for changed in range(len(parts)):
        altered = [part.clone() for part in parts]
        altered[changed] = (altered[changed] + 1) % model.config.vocab_size
        after = packed_logits(model, altered).split(LENGTHS)
        for number in range(len(parts)):
            same = torch.equal(before[number], after[number])
            assert same == (number != changed)


def test_later_tokens_do_not_change_earlier_logits():
    model = random_model(small_config())
    (part,) = sequences(model.config, [20])
    altered = part.clone()
    altered[12:] = (altered[12:] + 1) % model.config.vocab_size
    torch.testing.assert_close(packed_logits(model, [part])[:12], packed_logits(model, [altered])[:12])
    assert not torch.equal(packed_logits(model, [part])[12:], packed_logits(model, [altered])[12:])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"model_type": "llama"}, "type 'llama'"),
        ({"rope_scaling": {"type": "yarn"}}, "rope scaling"),
        ({"use_sliding_window": True}, "sliding window"),
    ],
)
def test_a_model_that_is_not_computed_is_refused(tmp_path, change, message):
    import json

    from tests.small_base import write_config

    write_config(tmp_path, small_config())
    raw = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps({**raw, **change}))
    with pytest.raises(UsageError, match=message):
        Qwen2Config.from_folder(tmp_path)
