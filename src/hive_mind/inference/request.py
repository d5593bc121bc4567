"""What is asked of a model and what it answers, in tokens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from hive_mind.inference.constraint import Constraint
from hive_mind.inference.sampling import GREEDY, Sampling


@dataclass(frozen=True, slots=True)
class Generation:
    """One reply: its tokens without the stop token, and whether it ended by itself within the budget."""

    ids: list[int]
    stopped: bool


@dataclass(frozen=True, eq=False, slots=True)
class Request:
    """One prompt to answer.

    max_new_tokens: the reply's budget, its stop token counted; forced: a beginning that the reply is given, part of it
    and outside its budget; adapter: whose name the rows go through, None for the base (or what the model is set to);
    constraint: what the reply may look like; plain: the greedy reply without the constraint, `forced` among it, where
    it is known: as far as it is allowed it is this one too, and is not generated again; remember: so many of the
    prompt's first tokens are kept for later prompts that begin alike; keep: prompt and reply are kept as well once it
    is done, for a conversation that goes on. Raises ValueError if `plain` is given and tokens are drawn.
    """

    prompt: Sequence[int]
    max_new_tokens: int
    stop_ids: frozenset[int] = frozenset()
    sampling: Sampling = GREEDY
    adapter: str | None = None
    constraint: Constraint | None = None
    plain: Generation | None = None
    forced: Sequence[int] = field(default=())
    remember: int = 0
    keep: bool = False

    def __post_init__(self) -> None:
        if self.plain is not None and not self.sampling.greedy:
            raise ValueError("a plain reply says what is likeliest, and this request draws its tokens")

    @property
    def longest(self) -> int:
        """The most tokens that prompt and reply can have together."""
        return len(self.prompt) + len(self.forced) + self.max_new_tokens
