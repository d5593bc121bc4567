"""One loaded model over the suite: what it replied and what its loss was. Scores are made of this afterwards.

Only raw measurements are kept (replies as text), so that a changed rule of scoring needs no second generation.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch

from hive_mind.chat.parse import OPEN
from hive_mind.chat.render import Rendered, UnusableForTraining, render, render_prompt
from hive_mind.chat.tokenizer import ChatTokenizer
from hive_mind.conversation import Conversation, Tool
from hive_mind.device import is_out_of_memory, release_memory
from hive_mind.errors import HiveMindError, UsageError
from hive_mind.evaluation.settings import EvaluationSettings
from hive_mind.inference.constraint import Constraint
from hive_mind.inference.load import Loaded, UnusableVersion
from hive_mind.inference.request import Generation, Request
from hive_mind.model.attention import Layout
from hive_mind.progress import Progress, say, track
from hive_mind.suites.held_out import Suite
from hive_mind.training.loss import chunk_rows, token_losses

CALL_BEGINNING = f'{OPEN}\n{{"name": "'
PROOF_PROMPTS = 8


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply as text and as tokens, without its stop token, and whether it ended by itself."""

    text: str
    ids: tuple[int, ...]
    stopped: bool


def replies_from(rows: Sequence[Any]) -> tuple[Reply | None, ...]:
    """Read replies back from JSON."""
    return tuple(Reply(reply["text"], tuple(reply["ids"]), reply["stopped"]) if reply else None for reply in rows)


@dataclass(frozen=True, slots=True)
class Measured:
    """A model's raw results, in the order of the suite. None stands where a prompt or conversation was too long.

    replies, served, given: one an item (`served`, held to the declared tools, None if the base cannot be; `given`, with
    the beginning of a call forced, on call items only, None if not asked); losses: one (summed nats, labelled tokens) a
    conversation. `seconds` were spent on `replies` alone: what the others take hangs on how much of them is generated.
    """

    device: str
    dtype: str
    seconds: float
    logit_change: float | None
    replies: tuple[Reply | None, ...]
    served: tuple[Reply | None, ...] | None
    given: tuple[Reply | None, ...] | None
    losses: tuple[tuple[float, int] | None, ...]

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, row: dict[str, Any]) -> Measured:
        return cls(
            **{key: row[key] for key in ("device", "dtype", "seconds", "logit_change")},
            replies=replies_from(row["replies"]),
            served=None if row["served"] is None else replies_from(row["served"]),
            given=None if row["given"] is None else replies_from(row["given"]),
            losses=tuple((pair[0], pair[1]) if pair else None for pair in row["losses"]),
        )


@dataclass(frozen=True)
class Prepared:
    """The suite in one tokenizer's tokens; None where something is longer than `max_tokens` or the model's context."""

    prompts: tuple[list[int] | None, ...]
    conversations: tuple[Rendered | None, ...]


def prepare(suite: Suite, loaded: Loaded, settings: EvaluationSettings) -> Prepared:
    """Render every question and every conversation."""
    context = loaded.model.config.max_position_embeddings
    longest = min(settings.max_tokens, context - settings.max_new_tokens)
    prompts = [render_prompt(item.messages, item.tools, loaded.tokenizer) for item in suite.items]
    rendered = [_render(row.conversation, loaded.tokenizer) for row in suite.rows]
    return Prepared(
        tuple(prompt if len(prompt) <= longest else None for prompt in prompts),
        tuple(row if row and len(row.input_ids) <= min(settings.max_tokens, context) else None for row in rendered),
    )


def prove(loaded: Loaded, prepared: Prepared) -> float:
    """Return the largest change that the adapter makes to a logit on real prompts.

    Raises UnusableVersion if it changes none, or makes one that is not a number.
    """
    prompts = [prompt for prompt in prepared.prompts if prompt][:PROOF_PROMPTS]
    prompts = prompts or [row.input_ids for row in prepared.conversations if row][:PROOF_PROMPTS]
    loaded.adapters.use(None)
    without = _last_logits(loaded, prompts)
    loaded.adapters.use(loaded.adapter)
    change = float((_last_logits(loaded, prompts) - without).abs().max())
    if not math.isfinite(change):
        raise UnusableVersion(f"{loaded.name} gives logits that are not numbers; train it again with a lower rate")
    if change == 0:
        raise UnusableVersion(
            f"{loaded.name} changes no logit of its base on {len(prompts)} real prompts, so there is nothing to "
            "measure: its training had no effect; train it again"
        )
    return change


def measure(
    loaded: Loaded, suite: Suite, prepared: Prepared, settings: EvaluationSettings, logit_change: float | None
) -> Measured:
    """Measure what the loaded model says to every item and its loss on every conversation."""
    give_format = settings.format_given and logit_change is None
    call_items = [index for index, item in enumerate(suite.items) if item.kind == "call"] if give_format else []
    asked = sum(prompt is not None for prompt in prepared.prompts) + sum(
        prepared.prompts[index] is not None for index in call_items
    )
    held = constraints(loaded, [item.tools for item in suite.items])
    asked += sum(bool(prompt and one) for prompt, one in zip(prepared.prompts, held or (), strict=False))
    budgets = (settings.max_new_tokens, settings.batch_tokens)
    with track(f"evaluating {loaded.name}", total=asked, unit="replies") as progress:
        losses = conversation_losses(loaded, prepared.conversations, settings.batch_tokens)
        started = time.monotonic()
        replies = reply_to(loaded, prepared.prompts, *budgets, progress)
        seconds = time.monotonic() - started
        served = served_replies(loaded, prepared.prompts, held, replies, *budgets, progress) if held else None
        given = None
        if give_format:
            prompts = [prepared.prompts[index] for index in call_items]
            given = reply_to(loaded, prompts, *budgets, progress, beginning=CALL_BEGINNING)
    return Measured(
        loaded.device.name, str(loaded.model.dtype).removeprefix("torch."), round(seconds, 2),
        logit_change, replies, served, given, losses,
    )  # fmt: skip


@torch.inference_mode()
def conversation_losses(
    loaded: Loaded, conversations: Sequence[Rendered | None], batch_tokens: int
) -> tuple[tuple[float, int] | None, ...]:
    """Return (summed negative log-likelihood, labelled tokens) of each conversation.

    Raises UnusableVersion if one is not finite.
    """
    results: list[tuple[float, int] | None] = [None] * len(conversations)
    present = {index: row for index, row in enumerate(conversations) if row is not None}
    for batch in _packs({index: len(row.input_ids) for index, row in present.items()}, batch_tokens):
        for index, sums in zip(batch, _fitting_losses(loaded, [present[index] for index in batch]), strict=True):
            if not math.isfinite(sums[0]):
                raise UnusableVersion(f"{loaded.name} has a loss that is not a number; train it again")
            results[index] = sums
    return tuple(results)


def _fitting_losses(loaded: Loaded, rows: Sequence[Rendered]) -> list[tuple[float, int]]:
    """Measure a pack in as many parts as memory asks for; it changes no conversation's loss."""
    try:
        return _pack_losses(loaded, rows)
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        release_memory(error)
    tokens = sum(len(row.input_ids) for row in rows)
    if len(rows) == 1:
        raise HiveMindError(
            f"a conversation of {tokens:,} tokens does not fit in memory; free memory or lower evaluation.max_tokens"
        )
    say(f"{tokens:,} tokens at once ran out of memory; measuring them in halves (evaluation.batch_tokens)")
    half = len(rows) // 2
    return _fitting_losses(loaded, rows[:half]) + _fitting_losses(loaded, rows[half:])


def _pack_losses(loaded: Loaded, rows: Sequence[Rendered]) -> list[tuple[float, int]]:
    model = loaded.model
    layout = Layout.from_lengths([len(row.input_ids) for row in rows], model.device)
    flat = torch.tensor([token for row in rows for token in row.input_ids], device=model.device)
    labelled = torch.tensor([flag for row in rows for flag in row.labelled], device=model.device)
    # The token at position p is predicted from p - 1; a prompt always stands before what is labelled.
    positions = labelled.nonzero().squeeze(1)
    states = model.hidden(flat, layout)[positions - 1]
    weight = model.output_weight
    each = token_losses(states, weight, flat[positions], chunk_rows("auto", weight.shape[0]))
    counts = [sum(row.labelled) for row in rows]
    return [(float(part.sum(dtype=torch.float64)), len(part)) for part in each.split(counts)]


def _packs(lengths: dict[int, int], budget: int) -> list[list[int]]:
    """Group indices, longest first, into packs of at most `budget` tokens (or one conversation)."""
    packs: list[list[int]] = []
    filled = 0
    for index in sorted(lengths, key=lambda index: -lengths[index]):
        if not packs or filled + lengths[index] > budget:
            packs.append([])
            filled = 0
        packs[-1].append(index)
        filled += lengths[index]
    return packs


def reply_to(
    loaded: Loaded,
    prompts: Sequence[list[int] | None],
    max_new_tokens: int,
    batch_tokens: int,
    progress: Progress,
    *,
    beginning: str = "",
    held: Sequence[Constraint | None] | None = None,
    free: Sequence[Reply | None] | None = None,
) -> tuple[Reply | None, ...]:
    """Return the greedy reply to every prompt, None for None; `beginning` is given to all, `held` bounds each.

    `free` are the replies to the same prompts held to nothing.
    """
    tokenizer = loaded.tokenizer
    forced = tokenizer.encode(beginning)
    asked = {
        index: Request(
            prompt, max_new_tokens, tokenizer.stop_ids, adapter=loaded.adapter, forced=forced,
            constraint=held[index] if held else None, plain=_plain(free[index] if free else None),
        )
        for index, prompt in enumerate(prompts)
        if prompt is not None
    }  # fmt: skip
    generations = loaded.engine(batch_tokens).generate(list(asked.values()), progress.advance)
    replies: list[Reply | None] = [None] * len(prompts)
    for index, made in zip(asked, generations, strict=True):
        replies[index] = Reply(tokenizer.decode(made.ids), tuple(made.ids), made.stopped)
    return tuple(replies)


def _plain(reply: Reply | None) -> Generation | None:
    return None if reply is None else Generation(list(reply.ids), reply.stopped)


def served_replies(
    loaded: Loaded,
    prompts: Sequence[list[int] | None],
    held: Sequence[Constraint | None],
    free: Sequence[Reply | None],
    max_new_tokens: int,
    batch_tokens: int,
    progress: Progress,
) -> tuple[Reply | None, ...]:
    """Return the replies as served; where nothing is held to anything, serving is plain decoding, and `free` counts.

    What `free` says is generated anew only from where it does not keep to the tools.
    """
    asked = [prompt if one else None for prompt, one in zip(prompts, held, strict=True)]
    made = reply_to(loaded, asked, max_new_tokens, batch_tokens, progress, held=held, free=free)
    return tuple(mine if one else plain for mine, one, plain in zip(made, held, free, strict=True))


def constraints(loaded: Loaded, tools: Sequence[Sequence[Tool]]) -> list[Constraint | None] | None:
    """Return what replies to prompts with these tools are held to; None where the base's calls cannot be held at all.

    Tools of which no grammar can be made hold nothing, and that is said.
    """
    if not any(tools):
        return None
    try:
        compiler = loaded.constraints
    except UsageError as error:
        say(f"{loaded.base.id} is not measured as served, only decoded plainly: {error}")
        return None
    made: list[Constraint | None] = []
    refused: list[HiveMindError] = []
    for each in tools:
        try:
            made.append(compiler.constraint(each))
        except HiveMindError as error:
            refused.append(error)
            made.append(None)
    if refused:
        say(f"{len(refused):,} of {len(tools):,} prompts are decoded plainly as served too: {refused[0]}")
    return made


def _render(conversation: Conversation, tokenizer: ChatTokenizer) -> Rendered | None:
    try:
        return render(conversation, tokenizer)
    except UnusableForTraining:
        return None


@torch.inference_mode()
def _last_logits(loaded: Loaded, prompts: Sequence[Sequence[int]]) -> torch.Tensor:
    model = loaded.model
    layout = Layout.from_lengths([len(prompt) for prompt in prompts], model.device)
    flat = torch.tensor([token for prompt in prompts for token in prompt], device=model.device)
    return model.project(model.hidden(flat, layout)[layout.last]).float()
