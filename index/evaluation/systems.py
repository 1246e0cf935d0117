"""Ways to search that are measured side by side, and what each reaches on every query."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from archive.splitting import USUAL_PASSAGES, PassageOptions
from index.evaluation.judgments import Judgments
from index.query import Copies, Mode, Query
from index.ranking import Fusion, RankingOptions
from index.search import Searcher

DEPTH = 100  # hits a query
MEASURES = ("nDCG@10", "RR@10", "Success@1", "Success@10", "R@100")
MAIN_MEASURE = MEASURES[0]

Values = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class System:
    """One way to search: its name, its mode, how it ranks, and what its passages are."""

    name: str
    mode: Mode
    ranking: RankingOptions
    passages: PassageOptions = USUAL_PASSAGES


def usual_systems(ranking: RankingOptions) -> list[System]:
    """The systems that are always measured; the others are held against the first."""
    convex, rrf = (replace(ranking, fusion=fusion) for fusion in Fusion)
    return [
        System("hybrid, convex", Mode.HYBRID, convex),
        System("hybrid, RRF", Mode.HYBRID, rrf),
        System("keyword", Mode.KEYWORD, ranking),
        System("semantic", Mode.SEMANTIC, ranking),
    ]


def measure(searcher: Searcher, judgments: Judgments, mode: Mode) -> dict[str, Values]:
    """Run every query; return of each measure one value a query, in the order of the queries.

    Queries are read as plain words: judged questions are no query language. A query that finds
    nothing has 0 in every measure, as ir-measures has it.
    """
    import ir_measures

    measures = [ir_measures.parse_measure(name) for name in MEASURES]
    run = [
        ir_measures.ScoredDoc(query_id, article_id, score)
        for query_id, text in judgments.queries.items()
        for article_id, score in _ranked(searcher, text, mode)
    ]
    places = {query_id: place for place, query_id in enumerate(judgments.queries)}
    values = {name: np.zeros(len(places)) for name in MEASURES}
    for found in ir_measures.iter_calc(measures, judgments.qrels, run):
        values[str(found.measure)][places[found.query_id]] = found.value
    return values


def _ranked(searcher: Searcher, text: str, mode: Mode) -> Iterator[tuple[str, float]]:
    """The ids in order, with scores that keep the order where two hits score the same."""
    # Judgments are of articles, so each copy stands for itself.
    asked = Query(text, mode=mode, copies=Copies.SHOW, limit=DEPTH, plain=True)
    hits = searcher.search(asked).hits
    return ((hit.article.id, float(-place)) for place, hit in enumerate(hits))
