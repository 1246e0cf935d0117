"""Measures requests, searches and the archive, for Prometheus."""

import time
from collections.abc import Iterator, Mapping
from functools import partial
from typing import NamedTuple

from flask import Flask, Response, g, has_request_context, request
from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.registry import Collector

from backfile.archive.model.errors import ArchiveError, ShardsOut
from backfile.index.model.query import Query
from backfile.index.model.results import Verdict
from backfile.index.search.question import ArchiveSearcher
from backfile.web.admission import Gate
from backfile.web.worker_metrics import WorkerMetrics

BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)  # seconds
STAGE_BUCKETS = (0.001, 0.005, 0.025, 0.1, 0.5, 2.5)  # seconds
NO_ROUTE = "none"
UNEXPECTED = "unexpected"
WHOLE = "all"  # the time of a whole search, among those of its stages
RENDERING = "render"


class Searched(NamedTuple):
    """The mode and the outcome of the search that a request made."""

    mode: str
    outcome: str


class SearchMetrics(Collector):
    """A Recorder that counts and times searches.

    An outcome is a verdict or the type of an error, so all labels are bounded. The first search of
    a request is left in `g.searched`, for its line in the log.
    """

    def __init__(self) -> None:
        self._searches = Counter(
            "backfile_searches", "Searches answered or failed", ("mode", "outcome"), registry=None
        )
        self._took = Histogram(
            "backfile_search_seconds",
            "Time of a search, without rendering, in seconds",
            ("mode",),
            registry=None,
            buckets=BUCKETS,
        )
        self._stages = Histogram(
            "backfile_search_stage_seconds",
            "Time of a stage of a search, in seconds",
            ("stage",),
            registry=None,
            buckets=STAGE_BUCKETS,
        )
        self._cut = Counter(
            "backfile_searches_cut",
            "Searches of which something was left out, as their time was over",
            ("mode",),
            registry=None,
        )

    def answered(
        self, query: Query, verdict: Verdict, took_ms: Mapping[str, float], *, cut: bool
    ) -> None:
        """Count an answer, and time its stages."""
        self._count(query, verdict.value)
        for stage, milliseconds in took_ms.items():
            if stage == WHOLE:
                self._took.labels(query.mode.value).observe(milliseconds / 1000)
            else:
                self.stage(stage, milliseconds)
        if cut:
            self._cut.labels(query.mode.value).inc()

    def failed(self, query: Query, error: Exception) -> None:
        """Count a search that ended with an error."""
        known = isinstance(error, ArchiveError)
        self._count(query, type(error).__name__ if known else UNEXPECTED)

    def stage(self, name: str, milliseconds: float) -> None:
        """Time a stage; rendering is timed by its route."""
        self._stages.labels(name).observe(milliseconds / 1000)

    def collect(self) -> Iterator[Metric]:
        for each in (self._searches, self._took, self._stages, self._cut):
            yield from each.collect()

    def _count(self, query: Query, outcome: str) -> None:
        self._searches.labels(query.mode.value, outcome).inc()
        if has_request_context():
            g.setdefault("searched", Searched(query.mode.value, outcome))


def count_requests(
    app: Flask,
    searcher: ArchiveSearcher,
    gate: Gate | None = None,
    workers: WorkerMetrics | None = None,
    searches: SearchMetrics | None = None,
) -> None:
    """Count and time all requests, and add /metrics.

    The label of a request is its route, not its address: there are as many addresses as articles.
    """
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    registry.register(ArchiveCollector(searcher))
    if gate:
        registry.register(GateCollector(gate))
    if searches:
        registry.register(searches)
    answered = Counter(
        "backfile_requests", "Requests answered", ("route", "status"), registry=registry
    )
    took = Histogram(
        "backfile_request_seconds",
        "Time until an answer was ready, in seconds",
        ("route",),
        registry=registry,
        buckets=BUCKETS,
    )

    @app.before_request
    def begin() -> None:
        g.begun = time.perf_counter()

    @app.after_request
    def count(response: Response) -> Response:
        route = request.url_rule.rule if request.url_rule else NO_ROUTE
        answered.labels(route, str(response.status_code)).inc()
        if "begun" in g:
            took.labels(route).observe(time.perf_counter() - g.begun)
        if searches and "rendered_ms" in g:
            searches.stage(RENDERING, g.rendered_ms)
        return response

    own = partial(generate_latest, registry)
    if workers:
        workers.publish(own)

    @app.get("/metrics")
    def metrics() -> Response:
        text = workers.gather() if workers else own()
        return Response(text, content_type=CONTENT_TYPE_PLAIN_0_0_4)


class ArchiveCollector(Collector):
    """Gauges of the archive, read when the metrics are collected; none where it does not answer."""

    def __init__(self, searcher: ArchiveSearcher) -> None:
        self._searcher = searcher

    def describe(self) -> Iterator[GaugeMetricFamily]:
        """Describe nothing, so that registration does not open the archive."""
        return iter(())

    def collect(self) -> Iterator[GaugeMetricFamily]:
        try:
            overview = self._searcher.overview()
        except ShardsOut as exc:
            yield from _shards(exc.count, 0)
            return
        age = self._searcher.generation_age
        for name, meaning, value in (
            ("articles", "Articles in the archive", overview.articles),
            ("passages", "Passages in the archive", overview.passages),
            ("coverage_ratio", "Passages that are found by meaning, 0 to 1", overview.coverage),
            ("generation", "Grows with each change of the archive", overview.generation),
            ("generation_age_seconds", "Since this process switched to this generation", age),
        ):
            yield GaugeMetricFamily(f"backfile_{name}", meaning, value=value)
        if overview.shards > 1:
            yield from _shards(overview.shards, overview.answering)
            ready = self._searcher.readiness()
            yield from _replicas(ready.replicas, ready.answering)


def _shards(number: int, answering: int) -> Iterator[GaugeMetricFamily]:
    """Gauges of a divided archive."""
    yield GaugeMetricFamily("backfile_shards", "Parts of the archive", value=number)
    meaning = "Parts of the archive that answer"
    yield GaugeMetricFamily("backfile_shards_answering", meaning, value=answering)


def _replicas(number: int, answering: int) -> Iterator[GaugeMetricFamily]:
    """Gauges of the replicas of all parts of a divided archive."""
    yield GaugeMetricFamily("backfile_replicas", "Replicas of all parts", value=number)
    meaning = "Replicas of all parts that can be searched"
    yield GaugeMetricFamily("backfile_replicas_answering", meaning, value=answering)


class GateCollector(Collector):
    """Requests at work, in the queue and refused."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate

    def collect(self) -> Iterator[Metric]:
        for name, meaning, value in (
            ("working", "Requests at work", self._gate.working),
            ("waiting", "Requests in the queue", self._gate.waiting),
            ("streams", "Exports being sent", self._gate.streams),
        ):
            yield GaugeMetricFamily(f"backfile_requests_{name}", meaning, value=value)
        refused = CounterMetricFamily(
            "backfile_requests_refused",
            "Requests answered 503: the queue was full, the wait too long, or exports too many",
            labels=("reason",),
        )
        for reason, count in self._gate.refused.items():
            refused.add_metric((reason,), count)
        yield refused
