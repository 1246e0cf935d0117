"""Prints the results of a benchmark as tables of text."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from backfile.scripts.bench.archives import Built
from backfile.scripts.bench.baselines.words import Kind
from backfile.scripts.bench.lexical_search import WordResult
from backfile.scripts.bench.load import Served
from backfile.scripts.bench.queries import SHARES
from backfile.scripts.bench.timing import Latency
from backfile.scripts.bench.vector_search import VectorResult
from backfile.scripts.bench.whole_searches import SearchTiming

MEGABYTE = 1e6
FILTERS = tuple(f"newest {share:.0%}" if share < 1 else "all" for share in SHARES)


@dataclass(frozen=True, slots=True)
class Measured:
    """The measurements of one archive; those of vectors are empty if it has none."""

    built: Built
    bytes: dict[str, int]
    served: Served
    embedding: Latency | None
    searches: list[SearchTiming]
    by_words: list[WordResult]
    by_meaning: list[VectorResult]


def tables(found: Sequence[Measured]) -> str:
    """Lay out all measurements; times in milliseconds, median and 95th percentile."""
    return "\n".join(line for measured in found for line in _of_one(measured))


def _of_one(measured: Measured) -> Iterator[str]:
    built = measured.built
    made_up = f", {built.recombined:,} of them recombined" if built.recombined else ""
    yield f"{built.passages:,} passages in {built.articles:,} articles{made_up}"
    if built.synthetic:
        yield f"{built.synthetic:,} of the vectors are synthetic"
    sizes = sorted(measured.bytes.items(), key=lambda pair: -pair[1])
    yield "on disk: " + ", ".join(
        f"{name} {size / MEGABYTE:,.0f} MB" for name, size in sizes if size > MEGABYTE / 2
    )
    yield from _indexing(measured)
    yield from _serving(measured)
    yield from _searching(measured)
    yield from _by_words(measured)
    yield from _by_meaning(measured)
    yield ""


def _indexing(measured: Measured) -> Iterator[str]:
    yield ""
    yield _row("indexing", "a second", "seconds", "processor s")
    for rate in measured.built.rates:
        each = f"{rate.count / rate.cost.seconds:,.0f} {rate.unit}"
        yield _row(rate.stage, each, f"{rate.cost.seconds:.1f}", f"{rate.cost.processor:.1f}")


def _serving(measured: Measured) -> Iterator[str]:
    yield ""
    yield _row("serving 8 clients", "requests/s", "p50 / p95", "failed")
    for load in measured.served.loads:
        rate = f"{load.requests_a_second:.0f}"
        yield _row(load.mode, rate, _pair(load.latency), str(load.failed))
    if measured.served.peak_memory:
        yield f"the server's memory: {measured.served.peak_memory / MEGABYTE:,.0f} MB at most"


def _searching(measured: Measured) -> Iterator[str]:
    yield ""
    yield _row(
        "searching, ms", *(f"newest {share:.0%}" if share < 1 else "all" for share in SHARES)
    )
    rows: dict[str, dict[float, Latency]] = {}
    for timing in measured.searches:
        name = f"{timing.mode.value}, {timing.kind.value}"
        rows.setdefault(name, {})[timing.share] = timing.latency
    for name, latencies in rows.items():
        yield _row(name, *(_pair(latencies.get(share)) for share in SHARES))
    if measured.embedding:
        yield _row("+ embedding the query", _pair(measured.embedding))


def _by_words(measured: Measured) -> Iterator[str]:
    yield ""
    yield _row("best 10 by words, ms", *(kind.value for kind in Kind), "built in", "MB")
    for result in measured.by_words:
        built = f"{result.built.processor:.1f} s{'*' if result.given_terms else ''}"
        size = f"{result.bytes / MEGABYTE:.0f}"
        pairs = (_pair(result.latencies.get(kind)) for kind in Kind)
        yield _row(result.name, *pairs, built, size)
    if any(result.given_terms for result in measured.by_words):
        yield "built in: processor seconds; * was given terms, and analysed nothing itself"


def _by_meaning(measured: Measured) -> Iterator[str]:
    if not measured.by_meaning:
        return
    yield ""
    yield _row("nearest 100, ms", *FILTERS)
    for result in measured.by_meaning:
        yield _row(result.name, *(_pair(result.latencies[share]) for share in SHARES))
        recalls = (f"{result.recalls[s]:.3f} ({result.worst[s]:.2f})" for s in SHARES)
        yield _row("  recall (worst)", *recalls)


def _pair(latency: Latency | None) -> str:
    return f"{latency.p50:.1f} / {latency.p95:.1f}" if latency else "-"


def _row(name: str, *cells: str) -> str:
    return f"{name:24}" + "".join(f"{cell:>17}" for cell in cells)
