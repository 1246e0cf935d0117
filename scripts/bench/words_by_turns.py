"""Times matching by words beside other engines, by turns, in processor time.

Run as `python -m backfile.scripts.bench.words_by_turns --archive DIR`. Other work on the machine
hardly changes these figures; `benchmark` measures elapsed times, of more engines.
"""

import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

import click

from backfile.archive.model.settings import Settings
from backfile.archive.store.directory import ArchiveDirectory
from backfile.index.model.query import Mode, Query
from backfile.index.seams.engines import Engines
from backfile.index.wiring import open_engines, searcher_over
from backfile.scripts.bench.baselines.registry import baselines
from backfile.scripts.bench.baselines.words import Kind, Passage, WordBaseline, as_terms
from backfile.scripts.bench.lexical_search import LIMIT, Ours
from backfile.scripts.bench.queries import Queries, queries_from, typed
from backfile.scripts.commands.options import with_settings

KINDS = (Kind.WORDS, Kind.QUESTION)
ENGINES = ("tantivy", "bm25s", "SQLite FTS5", "Whoosh")
QUICK = ("tantivy", "bm25s")  # to build and to ask
WHOLE = "Backfile, whole search"

Ask = Callable[[Kind, Sequence[str]], object]


@click.command()
@click.option("--queries", default=100, show_default=True, help="How many of each kind.")
@click.option("--turns", default=5, show_default=True, help="How often each engine is asked all.")
@click.option(
    "--engine", "names", multiple=True, type=click.Choice(ENGINES), default=QUICK, show_default=True
)
@with_settings
def main(settings: Settings, queries: int, turns: int, names: tuple[str, ...]) -> None:
    """Time each engine over the passages of an archive; the best ten passages are asked for.

    A line has processor milliseconds of a query, median and 95th percentile of all turns, by kind.
    Whole searches also have facets, marks, explanations and hints; no answer is taken from before.
    """
    engines = open_engines(settings)
    asked = queries_from(engines.catalog, queries)
    with tempfile.TemporaryDirectory() as folder:
        ways = {**_ours(engines, settings), **_others(engines, Path(folder), names)}
        for line in _lines(ways, asked, turns):
            click.echo(line)
    engines.catalog.close()


def _ours(engines: Engines, settings: Settings) -> dict[str, Ask]:
    [matching] = Ours(engines, ArchiveDirectory(settings.archive).lexical).searches()
    searcher = searcher_over(engines, settings)
    return {
        matching.name: partial(_best, matching.best),
        WHOLE: lambda kind, words: searcher.search(Query(typed(kind, words), mode=Mode.KEYWORD)),
    }


def _others(engines: Engines, folder: Path, names: Sequence[str] = QUICK) -> dict[str, Ask]:
    passages = [
        Passage(one.row, one.article.given_title, one.passage.text)
        for one in engines.catalog.stored(engines.catalog.rows_after(0).tolist())
    ]
    terms = list(as_terms(passages))
    found: dict[str, Ask] = {}
    for baseline in baselines(folder).by_words:
        if baseline.name in names:
            baseline.build(terms if baseline.takes_terms else passages)
            found |= dict(_searches(baseline))
    return found


def _searches(baseline: WordBaseline) -> Iterator[tuple[str, Ask]]:
    for search in baseline.searches():
        yield search.name, partial(_best, search.best)


def _best(
    best: Callable[[Kind, Sequence[str], int], list[int]], kind: Kind, words: Sequence[str]
) -> object:
    return best(kind, words, LIMIT)


def _lines(ways: Mapping[str, Ask], asked: Queries, turns: int) -> Iterator[str]:
    took: dict[tuple[str, Kind], list[float]] = {(n, k): [] for n in ways for k in KINDS}
    for turn in range(turns + 1):
        for (name, kind), times in took.items():
            measured = [_milliseconds(partial(ways[name], kind, each)) for each in asked[kind]]
            times += measured if turn else []  # the first one warms
    yield f"{'processor ms, median / p95':26}" + "".join(f"{kind.value:>18}" for kind in KINDS)
    for name in ways:
        cells = [_cell(took[name, kind]) for kind in KINDS]
        yield f"{name:26}" + "".join(f"{cell:>18}" for cell in cells)


def _milliseconds(ask: Callable[[], object]) -> float:
    began = time.process_time()
    ask()
    return 1000 * (time.process_time() - began)


def _cell(times: Sequence[float]) -> str:
    cuts = statistics.quantiles(times, n=20, method="inclusive")
    return f"{statistics.median(times):.2f} / {cuts[18]:.2f}"


if __name__ == "__main__":
    main()
