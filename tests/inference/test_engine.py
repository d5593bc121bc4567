"""Generation: the same tokens whatever the batch, and the same as transformers'."""

import random
import re
import subprocess
import sys
import textwrap

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from hive_mind.device import is_out_of_memory
from hive_mind.errors import HiveMindError
from hive_mind.inference.engine import Engine
from hive_mind.inference.request import Generation, Request
from hive_mind.inference.sampling import Sampling
from hive_mind.model import lora
from hive_mind.model.adapters import Adapters
from tests.tiny_models import random_model

VOCABULARY = 300


@pytest.fixture(scope="module")
def model():
    return random_model(VOCABULARY)


def prompts_of(lengths, seed=0):
    choose = random.Random(seed)
    return [[choose.randrange(VOCABULARY) for _ in range(length)] for length in lengths]


def answer(model, prompts, budget, stops=frozenset(), batch_tokens=32_768, **more):
    requests = [Request(prompt, budget, frozenset(stops), **more) for prompt in prompts]
    return Engine(model, batch_tokens=batch_tokens).generate(requests)


def common_stops(model, prompts, steps=12):
    """Ids that some replies reach early and some late, so that rows finish at different steps."""
    replies = answer(model, prompts, steps)
    return {reply.ids[3] for reply in replies[::2]}


@settings(max_examples=20)
@given(
    lengths=st.lists(st.integers(1, 40), min_size=1, max_size=9),
    alike=st.integers(0, 100),
    budget=st.integers(1, 14),
    batch_tokens=st.sampled_from([1, 60, 200, 10_000]),
    sampling=st.sampled_from([Sampling(), Sampling(0.8, 0.9, seed=3), Sampling(1.5, 1.0, seed=4)]),
    seed=st.integers(0, 1000),
)
def test_a_reply_does_not_depend_on_its_batch(model, lengths, alike, budget, batch_tokens, sampling, seed):
    (beginning,) = prompts_of([alike], seed + 1)
    prompts = [[*beginning[: alike if number % 3 else 0], *p] for number, p in enumerate(prompts_of(lengths, seed))]
    stops = common_stops(model, prompts)
    together = answer(model, prompts, budget, stops, batch_tokens, sampling=sampling)
    alone = [answer(model, [prompt], budget, stops, sampling=sampling)[0] for prompt in prompts]
    assert together == alone


def test_greedy_equals_transformers(model):
    from transformers import Qwen2Config as HubConfig
    from transformers import Qwen2ForCausalLM

    c = model.config
    theirs = Qwen2ForCausalLM(
        HubConfig(
            vocab_size=c.vocab_size, hidden_size=c.hidden_size, intermediate_size=c.intermediate_size,
            num_hidden_layers=c.num_hidden_layers, num_attention_heads=c.num_attention_heads,
            num_key_value_heads=c.num_key_value_heads, rms_norm_eps=c.rms_norm_eps,
            rope_parameters={"rope_type": "default", "rope_theta": c.rope_theta}, tie_word_embeddings=True,
            eos_token_id=None, pad_token_id=0, bos_token_id=None,
        )
    ).eval()  # fmt: skip
    theirs.load_state_dict(dict(model.state_dict()), strict=False)
    theirs.tie_weights()
    prompts = prompts_of([1, 3, 17, 33, 60])
    mine = answer(model, prompts, 20)
    for prompt, reply in zip(prompts, mine, strict=True):
        full = theirs.generate(
            torch.tensor([prompt]), attention_mask=torch.ones(1, len(prompt), dtype=torch.long),
            max_new_tokens=20, do_sample=False,
        )  # fmt: skip
        assert reply == Generation(full[0, len(prompt) :].tolist(), stopped=False)


def test_a_reply_ends_before_the_stop_token_or_at_the_budget(model):
    prompts = prompts_of([5, 9, 9])
    free = answer(model, prompts, 10)
    assert all(len(reply.ids) == 10 and not reply.stopped for reply in free)
    stop = free[1].ids[4]
    for reply, whole in zip(answer(model, prompts, 10, {stop}), free, strict=True):
        if stop in whole.ids:
            assert reply == Generation(whole.ids[: whole.ids.index(stop)], stopped=True)
        else:
            assert reply == whole
    whole_steps = free[1].ids.index(stop) + 1
    assert answer(model, [prompts[1]], whole_steps, {stop})[0].stopped
    assert not answer(model, [prompts[1]], whole_steps - 1, {stop})[0].stopped


def test_a_forced_beginning_is_part_of_the_reply_and_outside_its_budget(model):
    prompts = prompts_of([4, 20])
    forced = [7, 8, 9]
    replies = answer(model, prompts, 6, forced=forced)
    for prompt, reply in zip(prompts, replies, strict=True):
        assert reply.ids[:3] == forced
        assert reply.ids[3:] == answer(model, [[*prompt, *forced]], 6)[0].ids


def test_progress_counts_every_prompt_once(model):
    done = []
    requests = [Request(prompt, 4) for prompt in prompts_of([30, 20, 10, 30, 5])]
    Engine(model, batch_tokens=100).generate(requests, done.append)
    assert sum(done) == 5


def test_nothing_asked_nothing_answered(model):
    assert answer(model, [], 8) == []


class TestSharedBeginnings:
    """What prompts have in common is read once, whatever the batches."""

    @pytest.mark.parametrize("batch_tokens", [32_768, 700])
    def test_a_beginning_is_read_once(self, model, batch_tokens):
        beginning, *ends = prompts_of([200, *[7] * 12])
        engine = Engine(model, batch_tokens=batch_tokens)
        replies = engine.generate([Request([*beginning, *end], 3) for end in ends])
        assert engine.tokens_read == 200 + 12 * 7 + 12 * 2  # the last token of a reply is never read
        assert replies == answer(model, [[*beginning, *end] for end in ends], 3, batch_tokens=1)

    def test_beginnings_within_beginnings(self, model):
        system, first_tools, other_tools, *ends = prompts_of([100, 80, 90, *[5] * 8])
        prompts = [[*system, *(first_tools if n % 2 else other_tools), *end] for n, end in enumerate(ends)]
        engine = Engine(model)
        engine.generate([Request(prompt, 1) for prompt in prompts])
        assert engine.tokens_read == 100 + 80 + 90 + 8 * 5

    def test_a_prompt_is_remembered_for_the_next_turn(self, model):
        (prompt,) = prompts_of([150])
        engine = Engine(model)
        (first,) = engine.generate([Request(prompt, 10, remember=len(prompt))])
        longer = [*prompt, *first.ids, 5, 6, 7]
        before = engine.tokens_read
        again = engine.generate([Request(longer, 1)])
        assert engine.tokens_read - before == len(longer) - len(prompt)
        assert again == answer(model, [longer], 1)

    def test_equal_prompts(self, model):
        (prompt,) = prompts_of([100])
        engine = Engine(model)
        replies = engine.generate([Request(prompt, 2)] * 5)
        assert engine.tokens_read == 100 + 4 + 5
        assert replies == [replies[0]] * 5


@pytest.fixture
def adapted():
    """A base with two adapters that matter."""
    model = random_model(VOCABULARY)
    adapters = Adapters(model)
    for seed, name in enumerate(("one", "two")):
        other = random_model(VOCABULARY)
        lora.attach(other, r=2, alpha=4, seed=seed)
        for key, parameter in lora.lora_parameters(other).items():
            if "lora_B" in key:
                torch.nn.init.normal_(parameter, std=0.5, generator=torch.Generator().manual_seed(seed))
        tensors = {key: parameter.detach() for key, parameter in lora.lora_parameters(other).items()}
        adapters.add(name, lora.AdapterFile(name, 2, 4.0, lora.TARGETS, tensors))
    return adapters


class TestAdapters:
    """Adapters and the plain base in one batch."""

    NAMES = ("one", None, "two", "one", None, "two")

    def requests(self, prompts):
        return [Request(prompt, 8, adapter=name) for prompt, name in zip(prompts, self.NAMES, strict=True)]

    def test_a_mixed_batch_answers_as_each_alone(self, adapted):
        prompts = [prompts_of([12])[0]] * 3 + prompts_of([30, 3, 17])
        together = Engine(adapted.model, adapted).generate(self.requests(prompts))
        alone = [Engine(adapted.model, adapted).generate([request])[0] for request in self.requests(prompts)]
        assert together == alone
        assert len({tuple(reply.ids) for reply in together[:3]}) == 3
        assert together[1] == answer(random_model(VOCABULARY), [prompts[1]], 8)[0]

    def test_beginnings_are_shared_within_an_adapter_only(self, adapted):
        beginning, *ends = prompts_of([200, *[5] * 6])
        prompts = [[*beginning, *end] for end in ends]
        engine = Engine(adapted.model, adapted)
        together = engine.generate(self.requests(prompts))
        assert engine.tokens_read == 3 * 200 + 6 * 5 + 6 * 7
        assert together == [Engine(adapted.model, adapted).generate([r])[0] for r in self.requests(prompts)]

    def test_an_adapter_loaded_anew_is_not_mixed_up_with_what_was_read_before(self, adapted):
        (prompt,) = prompts_of([100])
        engine = Engine(adapted.model, adapted)
        request = Request(prompt, 8, adapter="one", remember=100)
        first = engine.generate([request])
        tensors = {name: -tensor for name, tensor in adapter_tensors(adapted, "two").items()}
        adapted.add("one", lora.AdapterFile("one", 2, 4.0, lora.TARGETS, tensors))
        second = engine.generate([request])
        assert first != second == Engine(adapted.model, adapted).generate([request])


def adapter_tensors(adapted, name):
    found = {}
    for layer, linear in adapted.layers.items():
        columns = adapted.columns[name]
        found[f"{lora.PREFIX}{layer}.lora_A.weight"] = linear.a[columns].clone()
        found[f"{lora.PREFIX}{layer}.lora_B.weight"] = linear.b[columns].t().contiguous()
    return found


class TooLarge:
    """A model's `extend` and `step` that run out of memory with more than `most` rows."""

    def __init__(self, model, monkeypatch, most, error):
        self.rows = []
        for name in ("extend", "step"):
            real = getattr(model, name)

            def limited(tokens, context, real=real):
                cache = getattr(context, "cache", context)
                self.rows.append(len(cache.lengths))
                if len(cache.lengths) > most:
                    raise error
                return real(tokens, context)

            monkeypatch.setattr(model, name, limited)


CPU_ERROR = RuntimeError(
    "[enforce fail at alloc_cpu.cpp:127] err == 0. DefaultCPUAllocator: can't allocate memory: you tried to allocate "
    "4000000000 bytes. Error code 12 (Cannot allocate memory)"
)


class TestMemory:
    """A batch that does not fit is halved, down to one row."""

    @pytest.mark.parametrize("error", [CPU_ERROR, torch.OutOfMemoryError("CUDA out of memory."), MemoryError()])
    def test_a_batch_is_halved_until_it_fits_and_that_is_said_once(self, model, monkeypatch, capsys, error):
        prompts = prompts_of([20, 18, 16, 14, 12, 10, 9, 8, 7, 7, 7])
        expected = answer(model, prompts, 5)
        limited = TooLarge(model, monkeypatch, 3, error)
        assert answer(model, prompts, 5) == expected
        assert limited.rows[0] == 11 and max(limited.rows[4:]) <= 3
        said = capsys.readouterr().err
        assert said == "memory was too small for 11 replies at a time: from there on 2 at a time were answered\n"

    def test_replies_that_were_done_are_not_made_again(self, model, monkeypatch):
        prompts = prompts_of([20] * 4)
        whole = answer(model, prompts, 6)
        stops = {whole[0].ids[1]}
        expected = answer(model, prompts, 6, stops)
        done = []
        real, calls = model.step, []

        def fails_once(tokens, cache):
            calls.append(1)
            if len(calls) == 4:
                raise CPU_ERROR
            return real(tokens, cache)

        monkeypatch.setattr(model, "step", fails_once)
        requests = [Request(prompt, 6, frozenset(stops)) for prompt in prompts]
        assert Engine(model).generate(requests, done.append) == expected
        assert sum(done) == 4

    def test_one_row_that_does_not_fit_is_an_error_that_says_what_to_do(self, model, monkeypatch):
        TooLarge(model, monkeypatch, 0, CPU_ERROR)
        message = "not even one reply fits in memory: a prompt of 20 tokens with up to 5 new ones on cpu; free memory"
        with pytest.raises(HiveMindError, match=re.escape(message)):
            answer(model, prompts_of([20, 10]), 5)

    def test_other_errors_are_not_taken_for_it(self, model, monkeypatch):
        TooLarge(model, monkeypatch, 0, RuntimeError("shapes do not match"))
        with pytest.raises(RuntimeError, match="shapes do not match"):
            answer(model, prompts_of([20, 10]), 5)

    def test_the_real_allocator(self):
        """With too little address space for the batch's keys and values, all are answered nevertheless."""
        program = textwrap.dedent("""
            import resource, torch
            torch.set_num_threads(1)
            from hive_mind.model.cache import KVCache
            from hive_mind.inference.engine import Engine
            from hive_mind.inference.request import Request
            from tests.tiny_models import random_model

            model = random_model(300)
            requests = [Request([n + 1, 2, 3], 4) for n in range(8)]
            expected = Engine(model).generate(requests)
            # 8 rows of 120,000 tokens would take 8 * 120,000 * 256 bytes, twice
            size = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
            resource.setrlimit(resource.RLIMIT_AS, (size + 200_000_000, size + 200_000_000))
            reserve = KVCache.reserve
            KVCache.reserve = lambda self, rows, capacity: reserve(self, rows, 120_000)
            assert Engine(model).generate(requests) == expected
            print("answered", len(expected))
        """)
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
        assert done.stdout == "answered 8\n", done.stderr
        assert "memory was too small for 8 replies at a time" in done.stderr


@pytest.mark.parametrize("error", [CPU_ERROR, MemoryError(), torch.OutOfMemoryError("x")])
def test_what_counts_as_memory_running_out(error):
    assert is_out_of_memory(error)
    assert not is_out_of_memory(RuntimeError("mat1 and mat2 shapes cannot be multiplied"))
