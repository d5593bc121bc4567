"""The serving engine: calls held to real schemas, what the grammar costs, how fast it answers, a promotion meanwhile.

    make bench-serving                                             everything, some 20 minutes on two cores
    .venv/bin/python benchmarks/serving_engine.py --only calls --requests 100

`calls`: forced calls of the tiny base with the tools of BFCL and of real MCP servers, completed ones checked against
their schema; what the tiny base cannot read together with the whole budget is left out. `promotion`: clients all the
while, two versions promoted in turn. The others run the shape of Qwen2.5-0.5B with random weights, bf16.
`grammar`: what holding replies to their tools takes, of the time of decoding. `speed`: one reply, and eight at once,
beside transformers' `generate` one by one, in turn with the same weights. `first_token`: from the request to the first
token with nothing loaded, with tools not seen before, and with tools seen before.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import statistics
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from inference_peers import figures, generate, timed
from peer_environment import machine, real_data
from safetensors.torch import save_file

from hive_mind import registry
from hive_mind.chat.render import render_prompt
from hive_mind.chat.tokenizer import ChatTokenizer, load_tokenizer
from hive_mind.conversation import Message
from hive_mind.device import keep_freed_memory, pick, versions
from hive_mind.errors import HiveMindError
from hive_mind.files import read_json, write_json
from hive_mind.inference.constraint import Matcher
from hive_mind.inference.tool_choice import Named
from hive_mind.model import lora
from hive_mind.model.base import TINY, TINY_FOLDER, ModelSettings, load_model, resolve_base
from hive_mind.model.qwen2 import Qwen2Config
from hive_mind.progress import say, utc_now
from hive_mind.serving.ask import Answer, Ask, ContextExceeded
from hive_mind.serving.engine_settings import EngineSettings
from hive_mind.serving.service import ModelService
from hive_mind.tool_schema import read_tool
from hive_mind.tool_schema.arguments import SchemaUnusable, argument_problems

RESULTS = Path(__file__).resolve().parent / "results" / "serving_engine.json"
PARTS = ("calls", "promotion", "grammar", "speed", "first_token")
REQUESTS, BUDGET = 1000, 512
AT_ONCE, ROUNDS, NEW_TOKENS = 8, 4, 48
LENGTHS = range(350, 451)
CLIENTS, TRAFFIC_SECONDS = 8, 20.0
TOKENIZER_FILES = ("tokenizer.json", "tokenizer_config.json", "generation_config.json", "chat_template.jinja")


def bfcl_asks(real: Path) -> Iterator[Ask]:
    """Yield BFCL's questions with their functions, one of which must be called."""
    for file in sorted((real / "eval" / "bfcl").glob("BFCL_v4_*.json")):
        for line in file.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            tools = {tool.name: tool for tool in map(read_tool, row["function"])}
            messages = tuple(Message(turn["role"], turn["content"]) for turn in row["question"][0])
            if tools:
                yield Ask(messages, tuple(tools.values()), "base", "required", parallel_tool_calls=False)


def mcp_asks(real: Path) -> Iterator[Ask]:
    """Yield for every tool of real MCP servers a request that it must be called, with three others of its server."""
    for entry in json.loads((real / "usage" / "livemcpbench_tools.json").read_text(encoding="utf-8")):
        for server in entry["tools"].values():
            tools = {tool.name: tool for tool in map(read_tool, server["tools"])}
            for name, tool in tools.items():
                others = [other for other in tools.values() if other is not tool][:3]
                message = Message("user", f"Use {name}: {tool.description.partition('.')[0]}.")
                yield Ask((message,), (tool, *others), "base", Named(name), parallel_tool_calls=False)


def calls(real: Path, requests: int) -> dict[str, Any]:
    """Forced calls through the service, half of them with MCP servers' tools: valid, cut, failed."""
    choose = random.Random(0)
    mcp = list(mcp_asks(real))
    mcp = choose.sample(mcp, min(len(mcp), requests // 2))
    asks = [*mcp, *choose.sample(list(bfcl_asks(real)), requests)]
    outcomes: Counter[str] = Counter()
    not_enforced: Counter[str] = Counter()
    lengths: list[int] = []
    problems: list[str] = []
    too_long, context = 0, Qwen2Config.from_folder(TINY_FOLDER).max_position_embeddings
    with running(TINY) as service:
        started = time.perf_counter()
        for ask, answer in answers(service, [replace(ask, max_tokens=BUDGET) for ask in asks]):
            if isinstance(answer, ContextExceeded) or answer.prompt_tokens + BUDGET > context:
                too_long += 1
                continue
            if len(lengths) == requests:
                break
            lengths.append(answer.completion_tokens)
            outcomes[answer.finish_reason] += 1
            not_enforced.update({keyword for keywords in answer.not_enforced.values() for keyword in keywords})
            problems += invalid(ask, answer)
        seconds = time.perf_counter() - started
    say(f"calls: {len(lengths)} answered, {len(problems)} invalid, {dict(outcomes)}")
    return {
        "what": "forced calls of the tiny base with BFCL's and MCP servers' tools, checked by jsonschema",
        "requests": len(lengths), "left_out": too_long, "budget": BUDGET, "outcomes": dict(outcomes),
        "invalid": len(problems), "problems": problems[:20], "cut_by_length": outcomes["length"] / len(lengths),
        "longer_than_64_tokens": sum(length > 64 for length in lengths) / len(lengths),
        "tokens": figures(lengths, 1), "requests_with_keywords_not_enforced": dict(not_enforced.most_common()),
        "seconds": seconds,
    }  # fmt: skip


def answers(service: ModelService, asks: Sequence[Ask]) -> Iterator[tuple[Ask, Answer | ContextExceeded]]:
    """Ask all, a few dozen at a time."""
    for start in range(0, len(asks), 32):
        pending = [(ask, service.submit(ask)) for ask in asks[start : start + 32]]
        for ask, each in pending:
            try:
                yield ask, each.answer()
            except ContextExceeded as error:
                yield ask, error


def invalid(ask: Ask, answer: Answer) -> list[str]:
    """Return what is wrong with the call of a reply that ended by itself."""
    if answer.finish_reason != "tool_calls":
        return []
    if len(answer.calls) != 1 or answer.repairs:
        return [f"{len(answer.calls)} calls, mended: {answer.repairs}"]
    (call,) = answer.calls
    try:
        tool = next(tool for tool in ask.tools if tool.name == call.name)
        return [f"{call.name}: {problem}" for problem in argument_problems(tool, call.arguments)]
    except SchemaUnusable as error:
        return [str(error)]


@contextmanager
def running(base: Path | str, models_dir: Path | None = None, **settings: Any) -> Iterator[ModelService]:
    """A service over a base, and over the versions of a models folder if one is given."""
    with tempfile.TemporaryDirectory() as empty:
        service = ModelService(models_dir or Path(empty), EngineSettings(base=str(base), **settings))
        try:
            yield service
        finally:
            service.close()


def promotion(seconds: float) -> dict[str, Any]:
    """Clients without pause, two versions promoted in turn every second; each answer is held against its version's."""
    questions = [f"Tell me what {number} times {number} is." for number in range(10)]
    with tempfile.TemporaryDirectory() as folder:
        models_dir = Path(folder) / "models"
        for number in (1, 2):
            write_version(models_dir / f"m_v{number}", seed=number)
        promote(models_dir, "m_v1")
        with running(TINY, models_dir, dtype="fp32") as service:
            asks = {
                (name, question): Ask((Message("user", question),), (), name, max_tokens=64)
                for name in ("m_v1", "m_v2", "latest") for question in questions
            }  # fmt: skip
            expected = {key: service.submit(ask).answer().text for key, ask in asks.items()}
            found: list[tuple[str, Answer]] = []
            failed: list[str] = []
            end = time.monotonic() + seconds

            def client(number: int) -> None:
                choose = random.Random(number)
                while time.monotonic() < end:
                    question = choose.choice(questions)
                    try:
                        found.append((question, service.submit(asks["latest", question]).answer()))
                    except HiveMindError as error:
                        failed.append(str(error))

            threads = [threading.Thread(target=client, args=(number,)) for number in range(CLIENTS)]
            for thread in threads:
                thread.start()
            promotions = 0
            while time.monotonic() < end - 1:
                time.sleep(1)
                promotions += 1
                promote(models_dir, f"m_v{1 + promotions % 2}")
            for thread in threads:
                thread.join()
    torn = [answer for question, answer in found if answer.text != expected[answer.version, question]]
    took = sorted(answer.seconds for _, answer in found)
    say(
        f"promotion: {len(found)} answers, {len(failed)} failed, {len(torn)} of no one version, {promotions} promotions"
    )
    return {
        "what": f"{CLIENTS} clients for {seconds:g} s, two versions of the tiny base promoted in turn, 64 tokens, fp32",
        "answers": len(found), "by_version": dict(Counter(answer.version for _, answer in found)),
        "promotions": promotions, "failed": failed, "not_of_one_version": len(torn),
        "seconds_p50": took[len(took) // 2], "seconds_p95": took[int(len(took) * 0.95)],
    }  # fmt: skip


def write_version(folder: Path, seed: int) -> None:
    """Seal a random adapter on the tiny base."""
    base = resolve_base(ModelSettings(base=TINY))
    model = load_model(base, pick("cpu", "fp32"))
    lora.attach(model, r=8, alpha=16, seed=seed)
    torch.manual_seed(seed)
    for name, parameter in lora.lora_parameters(model).items():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.02)
    lora.save_adapter(model, folder, base_id=base.id, revision=None)
    registry.seal(folder, base=base.identity(), dataset={"path": "data/train.jsonl", "digest": "0" * 64, "examples": 1})


def promote(models_dir: Path, version: str) -> None:
    registry.promote(models_dir, version, note="measured under traffic", force=True, by="hand")


def write_random_base(shape: Path, folder: Path) -> Path:
    """Write a base with the shape, tokenizer and template of Qwen2.5-0.5B and random weights; some 1 GB."""
    from transformers import AutoConfig, AutoModelForCausalLM

    torch.manual_seed(0)
    folder.mkdir()
    for name in ("config.json", *TOKENIZER_FILES):
        if (shape / name).is_file():
            shutil.copy(shape / name, folder / name)
    model = AutoModelForCausalLM.from_config(AutoConfig.from_pretrained(str(shape)), dtype=torch.bfloat16)
    tensors = {name: tensor for name, tensor in model.state_dict().items() if name != "lm_head.weight"}
    save_file(tensors, folder / "model.safetensors")
    return folder


def tool_asks(real: Path, tokenizer: ChatTokenizer) -> list[Ask]:
    """Return requests with tools of 350 to 450 tokens, each with a system text of its own at its very beginning."""
    made: list[Ask] = []
    for ask in bfcl_asks(real):
        if ask.messages[0].role == "system":
            continue
        system = Message("system", f"{len(made)} is your number. You help with the tools that you have.")
        ask = replace(ask, messages=(system, *ask.messages), tool_choice="auto", max_tokens=NEW_TOKENS)
        if len(render_prompt(ask.messages, ask.tools, tokenizer)) in LENGTHS:
            made.append(ask)
    return made


def speed(base: Path, asks: Sequence[Ask], tokenizer: ChatTokenizer, rounds: int) -> dict[str, Any]:
    """One reply beside theirs by tokens a second after the first; eight at once against theirs one by one, whole."""
    from transformers import AutoModelForCausalLM

    peer = AutoModelForCausalLM.from_pretrained(str(base), dtype=torch.bfloat16, local_files_only=True).eval()
    prompts = [render_prompt(ask.messages, ask.tools, tokenizer) for ask in asks]
    single, together = [], []
    fresh = iter(zip(asks, prompts, strict=True))  # no prompt twice, as the service would remember it
    with running(base) as service:
        ask, prompt = next(fresh)
        service.submit(ask).answer(), generate(peer, prompt, 4)
        for number in range(rounds):
            ask, prompt = next(fresh)
            answer = service.submit(ask).answer()
            ours = (answer.completion_tokens - 1) / (answer.seconds - answer.first_token)
            first, _ = timed(lambda p=prompt: generate(peer, p, 1))
            whole, _ = timed(lambda p=prompt: generate(peer, p, 1 + NEW_TOKENS))
            theirs = NEW_TOKENS / (whole - first)
            single.append({"ours": ours, "theirs": theirs, "ratio": ours / theirs})
            group = [next(fresh) for _ in range(AT_ONCE)]
            took, replies = timed(lambda g=group: [p.answer() for p in [service.submit(ask) for ask, _ in g]])
            ours = sum(reply.completion_tokens for reply in replies) / took
            part = group[: AT_ONCE // 2]
            took, _ = timed(lambda g=part: [generate(peer, prompt, NEW_TOKENS) for _, prompt in g])
            theirs = len(part) * NEW_TOKENS / took
            together.append({"ours": ours, "theirs": theirs, "ratio": ours / theirs})
            say(f"speed, round {number}: one {single[-1]['ratio']:.2f} times, eight {together[-1]['ratio']:.2f} times")
    return {
        "what": "tokens a second, prompts with tools of 350 to 450 tokens, auto, beside transformers' generate, bf16",
        "new_tokens": NEW_TOKENS, "one_after_first_token": single, "eight_with_their_prompts": together,
        "ratio": {"one": statistics.median(each["ratio"] for each in single),
                  "eight": statistics.median(each["ratio"] for each in together)},
    }  # fmt: skip


@contextmanager
def matcher_seconds() -> Iterator[list[float]]:
    """Add up what the matchers of all replies take meanwhile."""
    spent: list[float] = []
    methods = {name: getattr(Matcher, name) for name in ("accepts", "advance", "restrict", "forced")}

    def timing(method: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:
            took, result = timed(lambda: method(*arguments))
            spent.append(took)
            return result

        return call

    try:
        for name, method in methods.items():
            setattr(Matcher, name, timing(method))
        yield spent
    finally:
        for name, method in methods.items():
            setattr(Matcher, name, method)


def grammar(base: Path, asks: Sequence[Ask]) -> dict[str, Any]:
    """The share of decoding that matchers take: forced calls, greedy and drawn, one at a time and eight at once."""
    found = {}
    fresh = iter(asks)
    with running(base) as service:
        service.submit(next(fresh)).answer()
        kinds = (("greedy", 0.0, 1), ("drawn", 1.0, 1), ("greedy, 8 at once", 0.0, 8), ("drawn, 8 at once", 1.0, 8))
        for name, temperature, rows in kinds:
            group = [replace(next(fresh), tool_choice="required", temperature=temperature, seed=1) for _ in range(rows)]
            with matcher_seconds() as spent:
                replies = [pending.answer() for pending in [service.submit(ask) for ask in group]]
            decode = max(reply.seconds for reply in replies) - min(reply.first_token for reply in replies)
            tokens = sum(reply.completion_tokens for reply in replies)
            found[name] = {"tokens": tokens, "ms_per_token": 1000 * sum(spent) / tokens, "share": sum(spent) / decode}
            say(f"grammar, {name}: {found[name]}")
    return {
        "what": "what matchers take of decoding forced calls, 151,665 tokens in the vocabulary, bf16", "by": found,
        "ratio": max(each["share"] for each in found.values()),
    }  # fmt: skip


def first_token(base: Path, asks: Sequence[Ask]) -> dict[str, Any]:
    """Seconds to the first token of the model's own choice: nothing loaded, new tools, the same tools, a next turn."""
    found: dict[str, list[float]] = {"new tools": [], "same tools, another question": [], "next turn": []}
    with running(base) as service:
        loading = service.submit(asks[0]).answer()
        for ask in asks[1 : 1 + ROUNDS]:
            first = service.submit(ask).answer()
            other = replace(ask, messages=(ask.messages[0], Message("user", "What else could you do for me here?")))
            second = service.submit(other).answer()
            said = (Message("assistant", first.text, first.calls), Message("user", "And then?"))
            third = service.submit(replace(ask, messages=(*ask.messages, *said))).answer()
            for name, answer in zip(found, (first, second, third), strict=True):
                found[name].append(answer.first_token)
    medians = {name: statistics.median(seconds) for name, seconds in found.items()}
    say(f"first token: {loading.first_token:.2f} s with loading, then {medians}")
    return {"what": "seconds to the first token, prompts with tools of 350 to 450 tokens, bf16",
            "loading": loading.first_token, "seconds": found, "ratio": medians}  # fmt: skip


def main() -> None:
    """Measure what is asked for; each part is written as soon as it is known."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--requests", type=int, default=REQUESTS, help="of `calls`")
    parser.add_argument("--seconds", type=float, default=TRAFFIC_SECONDS, help="of `promotion`")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="of `speed`")
    parser.add_argument("--real", type=Path, help="the real data; without it, the folder in HIVE_MIND_REAL_DATA")
    parser.add_argument("--output", type=Path, default=RESULTS)
    arguments = parser.parse_args()
    keep_freed_memory()
    real = real_data(arguments.real)
    result = read_json(arguments.output) if arguments.output.is_file() else {}
    with tempfile.TemporaryDirectory() as folder:
        base, asks, tokenizer = Path(folder) / "qwen2.5-0.5b-random", [], None
        if {"grammar", "speed", "first_token"} & set(arguments.only):
            write_random_base(real / "qwen2.5-0.5b", base)
            tokenizer = load_tokenizer(base)
            asks = tool_asks(real, tokenizer)
        parts: dict[str, Callable[[], dict[str, Any]]] = {
            "calls": lambda: calls(real, arguments.requests), "promotion": lambda: promotion(arguments.seconds),
            "grammar": lambda: grammar(base, asks), "first_token": lambda: first_token(base, asks[20:]),
            "speed": lambda: speed(base, asks, tokenizer, arguments.rounds),
        }  # fmt: skip
        for name in arguments.only:
            measured = parts[name]()
            result[name] = {**measured, "created": utc_now(), "machine": machine(), "versions": versions()["libraries"]}
            write_json(arguments.output, result)


if __name__ == "__main__":
    main()
