"""What the server counts, for Prometheus. Every server counts for itself, so that two in one process do not add up."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from hive_mind.serving.ask import Answer, Service

SECONDS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300)
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Metrics:
    """Requests, times, tokens and versions; the service's own figures are read when they are asked for."""

    def __init__(self, service: Service) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "hive_mind_requests", "Requests by route and status", ("route", "status"), registry=self._registry
        )
        self._seconds = Histogram(
            "hive_mind_request_seconds", "Time to the end of the response", ("route",), registry=self._registry,
            buckets=SECONDS,
        )  # fmt: skip
        self.open = Gauge("hive_mind_open_requests", "Requests being answered", registry=self._registry)
        self._answers = Counter(
            "hive_mind_answers", "Answers by version and how they ended", ("version", "finish_reason"),
            registry=self._registry,
        )  # fmt: skip
        self._tokens = Counter("hive_mind_tokens", "Tokens read and written", ("kind",), registry=self._registry)
        self._first = Histogram(
            "hive_mind_first_token_seconds", "Time to the first token", registry=self._registry, buckets=SECONDS
        )
        self._queued = Histogram(
            "hive_mind_queue_seconds", "Time spent waiting in the queue", registry=self._registry, buckets=SECONDS
        )
        self.shadows = Counter(
            "hive_mind_shadow_requests", "Requests put to the local model as a shadow", ("outcome",),
            registry=self._registry,
        )  # fmt: skip
        self.unrecorded = Counter(
            "hive_mind_unrecorded_requests", "Requests that could not be read as a conversation",
            registry=self._registry,
        )  # fmt: skip
        self._registry.register(_ServiceFigures(service))

    def request(self, route: str, status: int, seconds: float) -> None:
        """Count a request that has ended."""
        self._requests.labels(route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def answer(self, answer: Answer) -> None:
        """Count an answer of the local model."""
        self._answers.labels(answer.version, answer.finish_reason).inc()
        self._tokens.labels("prompt").inc(answer.prompt_tokens)
        self._tokens.labels("cached").inc(answer.cached_tokens)
        self._tokens.labels("completion").inc(answer.completion_tokens)
        self._first.observe(answer.first_token)
        self._queued.observe(answer.queued)

    def text(self) -> bytes:
        """Return everything in Prometheus' text format."""
        return generate_latest(self._registry)


class _ServiceFigures(Collector):
    def __init__(self, service: Service) -> None:
        self._service = service

    def collect(self) -> Iterator[Metric]:
        for name, value in self._service.stats().items():
            yield GaugeMetricFamily(f"hive_mind_engine_{name}", "A figure of the serving engine", value)
