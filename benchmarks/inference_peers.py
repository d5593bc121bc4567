"""Generation beside transformers' `generate`: the same prompts, weights and threads, in turn in one process.

    make bench-inference                                         everything, some 25 minutes on two cores
    .venv/bin/python benchmarks/inference_peers.py --only batch --rounds 1

The model has the shape of Qwen2.5-0.5B and random weights: speed does not depend on them, and a greedy reply is as good
a test of equal arithmetic as any. Stop tokens are ignored, so that both sides make the same number of tokens.
`batch`: 64 prompts without shared beginnings, ours together, theirs one by one. `single`: tokens a second of one reply,
the prompt's reading taken off. `rows`: 8 prompts of ours at once against one by one. `mixed`: what adapters beside each
other in one batch cost. `fp32`: both sides' tokens, and where they part the gap between the two logits. `mask`: what
holding a reply to the declared tools costs a token.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import torch
from peer_environment import machine, real_data

from hive_mind.chat.render import render_prompt
from hive_mind.chat.tokenizer import ChatTokenizer, load_tokenizer
from hive_mind.conversation import Message, Tool, ToolCall
from hive_mind.device import keep_freed_memory, versions
from hive_mind.files import read_json, write_json
from hive_mind.inference.constraint import Constraints
from hive_mind.inference.engine import Engine
from hive_mind.inference.request import Request
from hive_mind.model.adapters import Adapters
from hive_mind.model.lora import PREFIX, TARGETS, AdapterFile
from hive_mind.model.qwen2 import Qwen2, Qwen2Config
from hive_mind.progress import say, utc_now
from hive_mind.tool_schema import read_tool

RESULTS = Path(__file__).resolve().parent / "results" / "inference_peers.json"
PARTS = ("batch", "single", "rows", "mixed", "fp32", "mask")
PROMPTS, NEW_TOKENS = 64, 48
LENGTHS = range(350, 451)
SINGLES, ROWS = 6, 8
RANK = 16
MASK_CALLS = 300


def tool_prompts(real: Path, tokenizer: ChatTokenizer) -> list[list[int]]:
    """Return 64 prompts with tools of 350 to 450 tokens, each with a system text of its own at its very beginning."""
    made: list[list[int]] = []
    for file in sorted((real / "eval" / "bfcl").glob("BFCL_v4_*.json")):
        for line in file.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            messages = [Message(turn["role"], turn["content"]) for turn in row["question"][0]]
            if messages[0].role == "system":
                continue
            tools = [read_tool(function) for function in row["function"]]
            system = Message("system", f"{len(made)} is your number. You help with the tools that you have.")
            prompt = render_prompt([system, *messages], tools, tokenizer)
            if len(prompt) in LENGTHS:
                made.append(prompt)
            if len(made) == PROMPTS:
                return made
    raise SystemExit(f"only {len(made)} prompts of {LENGTHS.start} to {LENGTHS.stop - 1} tokens in {real}")


class Sides:
    """Our engine and transformers' model, with the same weights."""

    def __init__(self, folder: Path, dtype: torch.dtype) -> None:
        from transformers import AutoConfig, AutoModelForCausalLM

        torch.manual_seed(0)
        config = AutoConfig.from_pretrained(str(folder))
        self.theirs = AutoModelForCausalLM.from_config(config, dtype=dtype).eval()
        with torch.device("meta"):
            model = Qwen2(Qwen2Config.from_folder(folder))
        weights = {name: tensor.clone() for name, tensor in self.theirs.state_dict().items()}
        model.load_state_dict({n: w for n, w in weights.items() if n in dict(model.named_parameters())}, assign=True)
        exponents = torch.arange(0, model.config.head_dim, 2, dtype=torch.float32) / model.config.head_dim
        model.inverse_frequencies = model.config.rope_theta**-exponents
        self.adapters = Adapters(model.eval())
        self.model = model

    def ours(self, prompts: Sequence[Sequence[int]], new_tokens: int) -> list[list[int]]:
        """Answer together."""
        engine = Engine(self.model, self.adapters)
        return [reply.ids for reply in engine.generate([Request(prompt, new_tokens) for prompt in prompts])]

    def peer(self, prompt: Sequence[int], new_tokens: int) -> list[int]:
        """Answer one prompt with transformers' generate."""
        return generate(self.theirs, prompt, new_tokens)


@torch.inference_mode()
def generate(model: Any, prompt: Sequence[int], new_tokens: int) -> list[int]:
    """Go on from a prompt greedily by exactly so many tokens, with transformers' generate."""
    ids = torch.tensor([list(prompt)])
    out = model.generate(
        ids, attention_mask=torch.ones_like(ids), max_new_tokens=new_tokens, min_new_tokens=new_tokens,
        do_sample=False, temperature=None, top_p=None, top_k=None, repetition_penalty=None, pad_token_id=0,
        eos_token_id=None,
    )  # fmt: skip
    return [int(token) for token in out[0, len(prompt) :]]


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    started = time.perf_counter()
    done = work()
    return time.perf_counter() - started, done


def batch(sides: Sides, prompts: Sequence[list[int]], rounds: int) -> dict[str, Any]:
    """All 64 of ours, then a share of theirs, in turn."""
    sides.ours(prompts[:4], 4), sides.peer(prompts[0], 4)
    share = len(prompts) // rounds
    done = []
    for number in range(rounds):
        ours, _ = timed(lambda: sides.ours(prompts, NEW_TOKENS))
        part = prompts[number * share : (number + 1) * share]
        theirs, _ = timed(lambda part=part: [sides.peer(prompt, NEW_TOKENS) for prompt in part])
        rates = {"ours": len(prompts) / ours, "theirs": len(part) / theirs}
        done.append({**rates, "ratio": rates["ours"] / rates["theirs"]})
        say(f"batch, round {number}: {done[-1]['ratio']:.2f} times ({rates['ours']:.2f} and {rates['theirs']:.3f}/s)")
    return {
        "what": f"examples a second, {len(prompts)} prompts, {NEW_TOKENS} new tokens, bf16", "rounds": done,
        "ratio": statistics.median(each["ratio"] for each in done),
    }  # fmt: skip


def single(sides: Sides, prompts: Sequence[list[int]]) -> dict[str, Any]:
    """One reply: the time of NEW_TOKENS more than one token."""
    done = []
    for prompt in prompts[:SINGLES]:
        seconds = {}
        for side, answer in (("ours", lambda p, n: sides.ours([p], n)), ("theirs", sides.peer)):
            first, _ = timed(lambda a=answer, p=prompt: a(p, 1))
            whole, _ = timed(lambda a=answer, p=prompt: a(p, 1 + NEW_TOKENS))
            seconds[side] = {"first_token": first, "tokens_per_second": NEW_TOKENS / (whole - first)}
        ratio = seconds["ours"]["tokens_per_second"] / seconds["theirs"]["tokens_per_second"]
        done.append({**seconds, "ratio": ratio})
        say(f"single: {ratio:.2f} times ({ {s: round(v['tokens_per_second'], 1) for s, v in seconds.items()} })")
    return {"what": "tokens a second of one reply, bf16", "replies": done,
            "ratio": statistics.median(each["ratio"] for each in done)}  # fmt: skip


def rows(sides: Sides, prompts: Sequence[list[int]], rounds: int) -> dict[str, Any]:
    """Eight at once against one by one, ours: whole replies, and their tokens after the first."""
    done = []
    for number in range(rounds):
        part = prompts[number * ROWS : (number + 1) * ROWS]
        seconds = {}
        for name, answer in (
            ("together", lambda p, n: sides.ours(p, n)), ("one_by_one", lambda p, n: [sides.ours([q], n) for q in p])
        ):  # fmt: skip
            first, _ = timed(lambda a=answer, p=part: a(p, 1))
            whole, _ = timed(lambda a=answer, p=part: a(p, 1 + NEW_TOKENS))
            seconds[name] = {"whole": whole, "after_first": whole - first}
        ratio = {key: seconds["one_by_one"][key] / seconds["together"][key] for key in ("whole", "after_first")}
        done.append({**seconds, "ratio": ratio})
        say(f"rows: {ROWS} at once {ratio['after_first']:.2f} times, with the prompts' reading {ratio['whole']:.2f}")
    return {"what": f"{ROWS} replies at once against one by one, ours, bf16", "rounds": done,
            "ratio": statistics.median(each["ratio"]["after_first"] for each in done)}  # fmt: skip


def mixed(sides: Sides, prompts: Sequence[list[int]], rounds: int) -> dict[str, Any]:
    """Eight rows of the base, of one adapter, and of two adapters and the base: seconds after the first token."""
    layers = {name: tuple(layer.shape) for name, layer in sides.adapters.layers.items()}
    for name in ("one", "two"):
        tensors = {}
        for layer, (width, depth) in layers.items():
            tensors[f"{PREFIX}{layer}.lora_A.weight"] = torch.randn(RANK, depth) * 0.01
            tensors[f"{PREFIX}{layer}.lora_B.weight"] = torch.randn(width, RANK) * 0.01
        sides.adapters.add(name, AdapterFile(name, RANK, 2.0 * RANK, TARGETS, tensors))
    rows: dict[str, tuple[str | None, ...]] = {"base": (None,), "one": ("one",), "mixed": ("one", None, "two")}
    done = []
    for _ in range(rounds):
        seconds = {}
        for name, adapters in rows.items():

            def answer(new_tokens: int, adapters: tuple[str | None, ...] = adapters) -> None:
                requests = [
                    Request(prompt, new_tokens, adapter=adapters[number % len(adapters)])
                    for number, prompt in enumerate(prompts[:ROWS])
                ]
                Engine(sides.model, sides.adapters).generate(requests)

            first, _ = timed(lambda answer=answer: answer(1))
            whole, _ = timed(lambda answer=answer: answer(1 + NEW_TOKENS))
            seconds[name] = {"first_token": first, "after_first": whole - first}
        done.append(seconds)
    cost = {
        name: statistics.median(each[name]["after_first"] / each["base"]["after_first"] for each in done)
        for name in ("one", "mixed")
    }
    say(f"mixed: {cost} times the base's time")
    return {"what": f"{ROWS} replies through adapters of rank {RANK}, seconds, bf16", "rounds": done, "ratio": cost}


def fp32(folder: Path, prompts: Sequence[list[int]]) -> dict[str, Any]:
    """The same tokens; where a pair of replies parts, the gap between the two tokens' logits."""
    sides = Sides(folder, torch.float32)
    ours = sides.ours(prompts, NEW_TOKENS)
    gaps = []
    for prompt, mine in zip(prompts, ours, strict=True):
        theirs = sides.peer(prompt, NEW_TOKENS)
        if mine != theirs:
            place = next(at for at in range(NEW_TOKENS) if mine[at] != theirs[at])
            with torch.inference_mode():
                logits = sides.theirs(torch.tensor([[*prompt, *theirs[:place]]])).logits[0, -1]
            gaps.append(float(logits[theirs[place]] - logits[mine[place]]))
    say(f"fp32: {len(prompts) - len(gaps)} of {len(prompts)} replies have the same {NEW_TOKENS} tokens; gaps {gaps}")
    return {"what": "replies with the same tokens, fp32", "replies": len(prompts), "same": len(prompts) - len(gaps),
            "logit_gaps": gaps}  # fmt: skip


def mask(real: Path, tokenizer: ChatTokenizer, vocab_size: int) -> dict[str, Any]:
    """Microseconds a token along calls with their declared tools; a mask for every token, which sampling needs."""
    seconds, constraints = timed(lambda: Constraints(tokenizer, vocab_size))
    compiled, masked, followed = [], [], []
    logits = torch.zeros(vocab_size, dtype=torch.bfloat16)
    lines = (real / "xlam" / "xlam_700.jsonl").read_text(encoding="utf-8").splitlines()
    for line in lines[:MASK_CALLS]:
        row = json.loads(line)
        tools = [read_tool(tool) for tool in json.loads(row["tools"])]
        calls = tuple(ToolCall("call_0", c["name"], c["arguments"]) for c in json.loads(row["answers"]))
        took, constraint = timed(lambda tools=tools: constraints.constraint(tools, "auto"))
        compiled.append(took)
        assert constraint is not None
        matcher = constraint.matcher()
        for token in reply_tokens(tools, calls, tokenizer):
            masked.append(timed(lambda m=matcher: m.restrict(logits))[0])
            took, allowed = timed(lambda m=matcher, t=token: m.accepts(t))
            followed.append(took)
            if not allowed:
                break
    return {
        "what": "holding a reply to its tools, along real calls, one core",
        "llguidance": metadata.version("llguidance"), "vocabulary": vocab_size,
        "tokenizer_seconds": seconds, "grammar_ms": figures(compiled, 1e3), "tokens": len(masked),
        "mask_us": figures(masked, 1e6), "follow_us": figures(followed, 1e6),
    }  # fmt: skip


def reply_tokens(tools: Sequence[Tool], calls: tuple[ToolCall, ...], tokenizer: ChatTokenizer) -> list[int]:
    asked = [Message("user", "x")]
    prompt = tokenizer.template(asked, tools, prompt=True)
    whole = tokenizer.template([*asked, Message("assistant", "", calls)], tools, prompt=False)
    return tokenizer.encode(whole.removeprefix(prompt).partition(tokenizer.end_of_turn_text)[0])


def figures(values: Sequence[float], unit: float) -> dict[str, float]:
    scaled = np.array(values) * unit
    return {"mean": float(scaled.mean()), "median": float(np.median(scaled)), "p99": float(np.quantile(scaled, 0.99))}


def main() -> None:
    """Measure what is asked for; each part is written as soon as it is known."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--rounds", type=int, default=4, help="of `batch` and `rows`")
    parser.add_argument("--prompts", type=int, default=PROMPTS, help="fewer, to try it out")
    parser.add_argument("--real", type=Path, help="the real data; without it, the folder in HIVE_MIND_REAL_DATA")
    parser.add_argument("--output", type=Path, default=RESULTS)
    arguments = parser.parse_args()
    keep_freed_memory()
    real = real_data(arguments.real)
    folder = real / "qwen2.5-0.5b"
    tokenizer = load_tokenizer(folder)
    prompts = tool_prompts(real, tokenizer)[: arguments.prompts]
    vocab_size = Qwen2Config.from_folder(folder).vocab_size
    result = read_json(arguments.output) if arguments.output.is_file() else {}
    result |= {"base": "the shape of Qwen2.5-0.5B, random weights", "new_tokens": NEW_TOKENS,
               "prompt_tokens": [min(map(len, prompts)), max(map(len, prompts))]}  # fmt: skip
    sides = Sides(folder, torch.bfloat16) if {"batch", "single", "rows", "mixed"} & set(arguments.only) else None
    parts: dict[str, Callable[[], dict[str, Any]]] = {
        "batch": lambda: batch(sides, prompts, arguments.rounds), "single": lambda: single(sides, prompts),
        "rows": lambda: rows(sides, prompts, arguments.rounds),
        "mixed": lambda: mixed(sides, prompts, arguments.rounds),
        "fp32": lambda: fp32(folder, prompts),
        "mask": lambda: mask(real, tokenizer, vocab_size),
    }  # fmt: skip
    for name in arguments.only:
        measured = parts[name]()
        result[name] = {**measured, "created": utc_now(), "machine": machine(), "versions": versions()["libraries"]}
        write_json(arguments.output, result)
    print(json.dumps({name: result[name].get("ratio", result[name]["what"]) for name in arguments.only}))


if __name__ == "__main__":
    main()
