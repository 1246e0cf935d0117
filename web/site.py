"""Pages about the service itself: the overview, the health checks, and metrics for Prometheus."""

import time
from collections.abc import Iterator
from functools import partial

from flask import Blueprint, Flask, Response, g, render_template, request
from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.registry import Collector

from backfile.archive.store.reader import ArchiveReader
from backfile.index.model.query import Copies, Query, Sort
from backfile.index.search.searcher import Searcher
from backfile.web.admission import Gate
from backfile.web.api.answers import answer
from backfile.web.api.shapes import Alive, Ready
from backfile.web.worker_metrics import WorkerMetrics

LAST_ADDED = 8
LAST_RUNS = 5
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)  # seconds
NO_ROUTE = "none"


def blueprint(searcher: Searcher, reader: ArchiveReader) -> Blueprint:
    """Routes of the overview and of the health checks.

    /healthz answers if the process is alive, /readyz if the archive can be searched.
    """
    routes = Blueprint("site", __name__)

    @routes.get("/overview")
    def overview() -> str:
        # All numbers count one set, the whole archive, so that they agree with each other.
        query = Query(sort=Sort.ADDED, copies=Copies.SHOW, limit=LAST_ADDED)
        results = searcher.search(query)
        return render_template(
            "overview.html", query=query, results=results, runs=reader.runs(LAST_RUNS)
        )

    @routes.get("/healthz")
    def healthz() -> Response:
        return answer(Alive, {"status": "ok"})

    @routes.get("/readyz")
    def readyz() -> Response:
        searcher.require_archive()
        table = searcher.table()
        coverage = round(table.coverage, 4)
        return answer(Ready, {"status": "ok", "generation": table.generation, "coverage": coverage})

    return routes


def count_requests(
    app: Flask, searcher: Searcher, gate: Gate | None = None, workers: WorkerMetrics | None = None
) -> None:
    """Count and time all requests, and add /metrics.

    The label of a request is its route, not its address: there are as many addresses as articles.
    """
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    registry.register(ArchiveCollector(searcher))
    if gate:
        registry.register(GateCollector(gate))
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
        return response

    own = partial(generate_latest, registry)
    if workers:
        workers.publish(own)

    @app.get("/metrics")
    def metrics() -> Response:
        text = workers.gather() if workers else own()
        return Response(text, content_type=CONTENT_TYPE_PLAIN_0_0_4)


class ArchiveCollector(Collector):
    """Gauges of the archive, read when the metrics are collected."""

    def __init__(self, searcher: Searcher) -> None:
        self._searcher = searcher

    def describe(self) -> Iterator[GaugeMetricFamily]:
        """Describe nothing, so that registration does not open the archive."""
        return iter(())

    def collect(self) -> Iterator[GaugeMetricFamily]:
        table = self._searcher.table()
        for name, meaning, value in (
            ("articles", "Articles in the archive", table.n_articles),
            ("passages", "Passages in the archive", table.n_passages),
            ("coverage_ratio", "Passages that are found by meaning, 0 to 1", table.coverage),
            ("generation", "Grows with each change of the archive", table.generation),
        ):
            yield GaugeMetricFamily(f"backfile_{name}", meaning, value=value)


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
