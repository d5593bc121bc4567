"""What the serving engine counts, for metrics and for estimates of how long a queue takes."""

from __future__ import annotations

from dataclasses import dataclass

from hive_mind.serving.ask import Answer

NEWEST = 0.1
"""The share of the newest answer in the moving average of their seconds."""


@dataclass
class Counts:
    """Sums since the start, written by the model's thread alone.

    first_token_seconds: from taking in to the first token, summed; decode_seconds: from there to the end;
    prefix_hits: replies whose prompt was partly read before.
    """

    answers: int = 0
    failed: int = 0
    cancelled: int = 0
    prompt_tokens: int = 0
    cached_tokens: int = 0
    completion_tokens: int = 0
    prefix_hits: int = 0
    queued_seconds: float = 0.0
    first_token_seconds: float = 0.0
    decode_seconds: float = 0.0
    usual_seconds: float = 1.0

    def answered(self, answer: Answer) -> None:
        """Count a reply."""
        self.answers += 1
        self.cancelled += answer.finish_reason == "cancelled"
        self.prompt_tokens += answer.prompt_tokens
        self.cached_tokens += answer.cached_tokens
        self.completion_tokens += answer.completion_tokens
        self.prefix_hits += answer.cached_tokens > 0
        self.queued_seconds += answer.queued
        self.first_token_seconds += answer.first_token
        self.decode_seconds += answer.seconds - answer.first_token
        self.usual_seconds += NEWEST * (answer.seconds - answer.queued - self.usual_seconds)
