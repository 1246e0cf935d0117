"""Prints the results of a benchmark as tables of text."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from backfile.index.model.query import Mode
from backfile.scripts.bench.archives import Built
from backfile.scripts.bench.baselines.words import Kind
from backfile.scripts.bench.growing import Growth
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
    growth: Growth


def tables(found: Sequence[Measured]) -> str:
    """Lay out all measurements; times in milliseconds, median and 95th percentile."""
    lines = [line for measured in found for line in _of_one(measured)]
    return "\n".join([*lines, *(_beside_each_other(found) if len(found) > 1 else ())])


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
    yield from _growing(measured)
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
    served, each = measured.served, measured.built.passages
    if served.peak_memory:
        yield (
            f"the server's memory: {served.peak_memory / MEGABYTE:,.0f} MB at most; then its own "
            f"{served.own / MEGABYTE:,.0f} MB ({served.own / each:,.0f} bytes a passage), "
            f"and {served.mapped / MEGABYTE:,.0f} MB of files"
        )


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


def _growing(measured: Measured) -> Iterator[str]:
    growth = measured.growth
    yield ""
    yield _row("one more article", "seconds", "processor s", "found after, s")
    cost = growth.indexing
    yield _row("", f"{cost.seconds:.2f}", f"{cost.processor:.2f}", f"{growth.visible:.2f}")
    yield _row("searches, ms", "quiet", "beside")
    yield _row("", _pair(growth.quiet), _pair(growth.beside))


def _beside_each_other(found: Sequence[Measured]) -> Iterator[str]:
    """How the main figures grow with the archive."""

    def line(name: str, of: Callable[[Measured], str]) -> str:
        return _row(name, *map(of, found))

    def searched(kind: Kind) -> Callable[[Measured], str]:
        plan = (kind, Mode.KEYWORD, 1.0)
        return lambda each: next(
            (_pair(t.latency) for t in each.searches if (t.kind, t.mode, t.share) == plan), "-"
        )

    yield line("passages", lambda each: f"{each.built.passages:,}")
    yield line("articles", lambda each: f"{each.built.articles:,}")
    yield line("words, passages/s", lambda each: _rate(each, "reading to found by words"))
    yield line("keyword requests/s", lambda each: f"{each.served.loads[0].requests_a_second:.0f}")
    for kind in Kind:
        yield line(f"keyword, {kind.value}, ms", searched(kind))
    yield line("own memory, MB", lambda each: f"{each.served.own / MEGABYTE:,.0f}")
    yield line("files mapped, MB", lambda each: f"{each.served.mapped / MEGABYTE:,.0f}")
    yield line("one more, processor s", lambda each: f"{each.growth.indexing.processor:.2f}")
    yield line("found after, s", lambda each: f"{each.growth.visible:.2f}")
    yield line("searches beside, ms", lambda each: _pair(each.growth.beside))
    yield line("on disk, MB", lambda each: f"{sum(each.bytes.values()) / MEGABYTE:,.0f}")


def _rate(measured: Measured, stage: str) -> str:
    found = (rate for rate in measured.built.rates if rate.stage == stage)
    return next((f"{rate.count / rate.cost.seconds:,.0f}" for rate in found), "-")


def _pair(latency: Latency | None) -> str:
    return f"{latency.p50:.1f} / {latency.p95:.1f}" if latency else "-"


def _row(name: str, *cells: str) -> str:
    return f"{name:24}" + "".join(f"{cell:>17}" for cell in cells)
