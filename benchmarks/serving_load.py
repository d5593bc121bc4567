"""Fifty clients of the API for a minute, with a promotion in the middle: `make bench-load`.

    make bench-load                                             50 clients, 60 s, 64 new tokens, some two minutes in all
    .venv/bin/python benchmarks/serving_load.py --clients 8 --seconds 5 --results /dev/stdout

`hive-mind serve` answers in a process of its own, the tiny base with two versions of random weights; the clients are
the `openai` package's, half of the requests streamed. Every question was put to either version before, alone, so that
each answer's words are known: they must be those of the one version that it names. A request that is sent when the
promotion is done must be answered by the new version. It computes in fp32: in bf16 the same words beside other rows are
rounded differently, and where two tokens are nearly as likely the other one is chosen.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import openai
import torch
from peer_environment import machine

from hive_mind import registry
from hive_mind.device import Device
from hive_mind.files import write_json
from hive_mind.model import lora
from hive_mind.model.base import TINY, ModelSettings, load_model, resolve_base
from hive_mind.progress import say, utc_now

RESULTS = Path(__file__).resolve().parent / "results" / "serving_load.json"
OLD, NEW = "load_v1", "load_v2"
NEW_TOKENS = 64
SIZE = 0.5
"""Standard deviation of the adapters' second matrices: either has words of its own, and most go on to the limit."""

QUESTIONS = [
    f"{ask} {thing}?"
    for ask, thing in itertools.product(
        ("What is the weather in", "How do I get to", "Who lives in", "When does the train leave for"),
        ("Bern", "Basel", "Chur", "Geneva", "Zug"),
    )
]


@dataclass
class Answered:
    """One answer: which version, its words, when it was asked for (s), how long until the first and the last token."""

    question: str
    streamed: bool
    sent: float
    models: set[str] = field(default_factory=set)
    text: str = ""
    tokens: int = 0
    first: float = 0.0
    seconds: float = 0.0
    error: str = ""


def write_versions(models_dir: Path) -> None:
    """Seal two versions with random adapters on the packaged tiny base, and promote the first."""
    base = resolve_base(ModelSettings(base=TINY))
    for seed, name in enumerate((OLD, NEW), 1):
        model = load_model(base, Device(torch.device("cpu"), torch.float32, "CPU"))
        lora.attach(model, r=16, alpha=32, seed=seed)
        torch.manual_seed(seed)
        for key, parameter in lora.lora_parameters(model).items():
            if "lora_B" in key:
                torch.nn.init.normal_(parameter, std=SIZE)
        lora.save_adapter(model, models_dir / name, base_id=base.id, revision=None)
        dataset = {"path": "none", "digest": "0" * 64, "examples": 0}
        registry.seal(models_dir / name, base=base.identity(), dataset=dataset)
    promote(models_dir, OLD)


def promote(models_dir: Path, name: str) -> None:
    """Point `latest` at a version."""
    registry.promote(models_dir, name, {"decision": "promote", "reasons": []})


class Served:
    """`hive-mind serve` in a process of its own, on a free port, with its data in `folder`."""

    def __init__(self, folder: Path, models_dir: Path) -> None:
        self.log = folder / "serve.log"
        command = [
            sys.executable, "-c", "from hive_mind.cli.main import main; main()", "serve", "--port", "0", "--now",
            "--models-dir", str(models_dir), "serving.rate_limit=0", f"usage.url={folder / 'usage.sqlite'}",
            f"usage.spool={folder / 'spool'}", f"serving.tokens_file={folder / 'tokens.json'}", "usage.idle_seconds=1",
            "engine.dtype=fp32",
        ]  # fmt: skip
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, cwd=folder, text=True)
        assert self.process.stdout is not None
        line = next((line for line in self.process.stdout if line.startswith("listening on ")), "")
        found = re.search(r"http\S+", line)
        if found is None:
            raise SystemExit(f"the server did not start: {self.log.read_text()[-2000:]}")
        self.url = found[0]

    def stop(self) -> int:
        """Stop it as systemd would; returns its exit code."""
        self.process.send_signal(signal.SIGTERM)
        self.process.communicate(timeout=60)
        return self.process.returncode


async def ask(client: openai.AsyncOpenAI, model: str, question: str, streamed: bool, begun: float) -> Answered:
    """Put one question; an error is kept, not raised."""
    now = time.monotonic()
    answered = Answered(question, streamed, now - begun)
    messages: Any = [{"role": "user", "content": question}]
    try:
        if streamed:
            options: Any = {"include_usage": True}
            stream = await client.chat.completions.create(
                model=model, messages=messages, max_tokens=NEW_TOKENS, stream=True, stream_options=options
            )
            async for chunk in stream:
                answered.models.add(chunk.model)
                if chunk.usage is not None:
                    answered.tokens = chunk.usage.completion_tokens
                if chunk.choices and chunk.choices[0].delta.content:
                    answered.first = answered.first or time.monotonic() - now
                    answered.text += chunk.choices[0].delta.content
        else:
            made = await client.chat.completions.create(model=model, messages=messages, max_tokens=NEW_TOKENS)
            answered.models.add(made.model)
            answered.text = made.choices[0].message.content or ""
            answered.tokens = made.usage.completion_tokens if made.usage else 0
    except openai.OpenAIError as error:
        answered.error = f"{type(error).__name__}: {error}"
    answered.seconds = time.monotonic() - now
    return answered


async def load(
    url: str, models_dir: Path, clients: int, seconds: float
) -> tuple[list[Answered], float, dict[Any, str]]:
    """Return every answer, when the promotion was done (s), and each version's words for each question."""
    connections = openai.DefaultAsyncHttpxClient(limits=httpx.Limits(max_connections=None), trust_env=False)
    async with openai.AsyncOpenAI(
        base_url=url, api_key="none", max_retries=0, timeout=300, http_client=connections
    ) as client:
        alone = {}
        for version, question in itertools.product((OLD, NEW), QUESTIONS):
            answered = await ask(client, version, question, False, 0.0)
            if answered.error:
                raise SystemExit(answered.error)
            alone[version, question] = answered.text
        begun = time.monotonic()
        answers: list[Answered] = []

        async def one(place: int) -> None:
            for turn in itertools.count():
                if time.monotonic() - begun >= seconds:
                    return
                question = QUESTIONS[(place * 7 + turn * 3) % len(QUESTIONS)]
                answers.append(await ask(client, registry.LATEST, question, turn % 2 == 0, begun))

        async def promotion() -> float:
            await asyncio.sleep(seconds / 2)
            await asyncio.to_thread(promote, models_dir, NEW)
            return time.monotonic() - begun

        done, *_ = await asyncio.gather(promotion(), *(one(place) for place in range(clients)))
    return answers, done, alone


def summarise(answers: Sequence[Answered], promoted: float, alone: dict[tuple[str, str], str]) -> dict[str, Any]:
    """Return the figures; `words_of_another` counts answers that are not what their version says alone."""
    good = [each for each in answers if not each.error]
    whole = [each for each in good if len(each.models) == 1]
    streams = [each.first for each in good if each.first]
    other = [each for each in whole if each.text != alone[next(iter(each.models)), each.question]]
    last = max(each.sent + each.seconds for each in answers)
    return {
        "requests": len(answers), "failed": len(answers) - len(good),
        "errors": sorted({e.error for e in answers if e.error}),
        "answers_of_one_version": len(whole), "words_of_another": len(other),
        "by_version": {name: sum(name in each.models for each in good) for name in (OLD, NEW)},
        "sent_after_promotion_answered_by_old": sum(e.sent > promoted and OLD in e.models for e in good),
        "promotion_done_at_s": promoted,
        "seconds": {"p50": _quantile([e.seconds for e in good], 50), "p95": _quantile([e.seconds for e in good], 95)},
        "first_token_s": {"p50": _quantile(streams, 50), "p95": _quantile(streams, 95)},
        "requests_per_second": len(good) / last, "new_tokens_per_second": sum(e.tokens for e in good) / last,
        "new_tokens_per_answer": sum(e.tokens for e in good) / max(1, len(good)),
    }  # fmt: skip


def _quantile(values: Sequence[float], percent: float) -> float | None:
    return float(np.percentile(values, percent)) if values else None


def measure(clients: int, seconds: float) -> dict[str, Any]:
    """Start a server, put it under load, stop it; returns the figures."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        models_dir = folder / "models"
        write_versions(models_dir)
        served = Served(folder, models_dir)
        try:
            say(f"{clients} clients for {seconds:g} s at {served.url}, a promotion in the middle")
            answers, promoted, alone = asyncio.run(load(served.url, models_dir, clients, seconds))
        finally:
            code = served.stop()
    return summarise(answers, promoted, alone) | {"exit_code": code}


def main() -> None:
    """Measure, print and write the figures; fails if an answer was dropped or mixed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--results", type=Path, default=RESULTS)
    arguments = parser.parse_args()
    figures = measure(arguments.clients, arguments.seconds)
    packages = {name: metadata.version(name) for name in ("torch", "openai", "fastapi", "uvicorn")}
    written = {
        "what": "openai clients against `hive-mind serve` on the packaged tiny base, one machine for both sides",
        "time": utc_now(), "machine": machine(), "packages": packages, "threads": os.environ.get("OMP_NUM_THREADS"),
        "clients": arguments.clients, "load_seconds": arguments.seconds, "new_tokens": NEW_TOKENS,
    }  # fmt: skip
    write_json(arguments.results, written | figures)
    for key, value in figures.items():
        say(f"{key}: {value}")
    lost = figures["failed"] or figures["requests"] != figures["answers_of_one_version"]
    if lost or figures["words_of_another"] or figures["sent_after_promotion_answered_by_old"]:
        raise SystemExit("answers were dropped, or not all of one version")


if __name__ == "__main__":
    main()
