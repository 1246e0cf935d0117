"""Times an archive's searches on queries made of its own words, with and without a date filter."""

import random
import resource
import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np

from index.columns import UNDATED, Columns
from index.engines import Engines
from index.lexical.analysis import WORD, is_stop_word
from index.query import Filters, Mode, Query
from index.search import Searcher

SHARES = (1.0, 0.5, 0.1, 0.01)  # of the dated articles that a date filter lets through
QUESTION_WORDS = 12
SEED = 1963


@dataclass(frozen=True, slots=True)
class Timing:
    """Milliseconds of one kind of search: whole, as a caller waits for it."""

    kind: str
    mode: Mode
    share: float
    p50: float
    p95: float
    p99: float


def queries_from(engines: Engines, count: int) -> dict[str, list[str]]:
    """Make queries of passages drawn from the archive: the kinds that people type."""
    choose = random.Random(SEED)
    rows = engines.catalog.rows_after(0).tolist()
    drawn = choose.sample(rows, min(len(rows), 4 * count))
    made: dict[str, list[str]] = {"words": [], "question": [], "phrase": [], "prefix": []}
    for found in engines.catalog.stored(drawn):
        words = [word for word in WORD.findall(found.passage.text) if word.isalpha()]
        weighty = [word for word in words if len(word) > 4 and not is_stop_word(word)]
        if len(weighty) < 4 or len(words) < QUESTION_WORDS:
            continue
        start = choose.randrange(len(words) - QUESTION_WORDS + 1)
        pair = choose.randrange(len(words) - 1)
        made["words"].append(" ".join(choose.sample(weighty, choose.choice((2, 3)))))
        made["question"].append(" ".join(words[start : start + QUESTION_WORDS]).lower())
        made["phrase"].append(f'"{words[pair]} {words[pair + 1]}"')
        made["prefix"].append(choose.choice(weighty)[:4].lower() + "*")
        if len(made["words"]) == count:
            break
    return made


def benchmark(searcher: Searcher, engines: Engines, count: int) -> Iterator[Timing]:
    """Time each kind of query in each mode that suits it, under each filter; the first is free."""
    columns = searcher.columns()
    queries = queries_from(engines, count)
    plans = [(kind, Mode.KEYWORD) for kind in queries]
    if columns.coverage:
        plans += [("question", Mode.SEMANTIC), ("question", Mode.HYBRID), ("words", Mode.HYBRID)]
    for kind, mode in plans:
        for share in SHARES:
            filters = Filters(since=since_for(columns, share)) if share < 1 else Filters()
            asked = [Query(text, mode=mode, filters=filters) for text in queries[kind]]
            if asked and (share == 1 or filters.since):
                yield _timed(searcher, kind, share, asked)


def since_for(columns: Columns, share: float) -> date | None:
    """The day from which on lies this share of the dated articles, the newest."""
    dated = np.sort(columns.published[columns.published != UNDATED])
    if not len(dated):
        return None
    return date.fromordinal(int(dated[min(len(dated) - 1, round((1 - share) * len(dated)))]))


def peak_memory() -> int:
    """The most memory this process has held, in bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def _timed(searcher: Searcher, kind: str, share: float, asked: Sequence[Query]) -> Timing:
    searcher.search(replace(asked[0]))
    took = []
    for query in asked:
        began = time.perf_counter()
        searcher.search(query)
        took.append(1000 * (time.perf_counter() - began))
    cuts = statistics.quantiles(took, n=100, method="inclusive") if len(took) > 1 else took * 99
    return Timing(kind, asked[0].mode, share, statistics.median(took), cuts[94], cuts[98])
