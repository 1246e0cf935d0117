"""Times whole searches by kind of query, mode and date filter."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from backfile.index.model.query import Mode, Query
from backfile.index.seams.protocols import Embedder
from backfile.index.search.searcher import Searcher
from backfile.scripts.bench.baselines.words import Kind
from backfile.scripts.bench.queries import SHARES, Queries, filters_for, typed
from backfile.scripts.bench.timing import Latency, latency_of

WITH_VECTORS = (
    (Kind.QUESTION, Mode.SEMANTIC),
    (Kind.QUESTION, Mode.HYBRID),
    (Kind.WORDS, Mode.HYBRID),
)


@dataclass(frozen=True, slots=True)
class SearchTiming:
    """One kind of search in one mode; a date filter lets this share of the articles pass."""

    mode: Mode
    kind: Kind
    share: float
    latency: Latency


def time_embedding(embedder: Embedder, queries: Queries) -> Latency:
    """Time the embedding of each query; another text is embedded first, to load the model."""
    embedder.embed_query("news")
    kinds = dict.fromkeys(kind for kind, _ in WITH_VECTORS)
    texts = [typed(kind, words) for kind in kinds for words in queries[kind]]
    return latency_of(partial(embedder.embed_query, text) for text in texts)


def time_searches(opened: Callable[[], Searcher], queries: Queries) -> Iterator[SearchTiming]:
    """Time each kind of query in each suitable mode, under each filter.

    Each series has a new searcher, and begins with one search that is not timed.
    """
    table = opened().table()
    plans = [(kind, Mode.KEYWORD) for kind in queries]
    plans += WITH_VECTORS if table.coverage else ()
    for kind, mode in plans:
        for share in SHARES:
            filters = filters_for(table, share)
            if filters is not None and queries[kind]:
                texts = [typed(kind, words) for words in queries[kind]]
                asked = [Query(text, mode=mode, filters=filters) for text in texts]
                searcher = opened()
                searcher.search(Query("news", mode=mode, filters=filters))
                latency = latency_of(partial(searcher.search, query) for query in asked)
                yield SearchTiming(mode, kind, share, latency)
