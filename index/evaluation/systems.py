"""Ways to search that are measured side by side, and what each reaches on every query."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from archive.splitting import USUAL_PASSAGES, PassageOptions
from index.evaluation.judgments import Judgments
from index.query import Copies, Mode, Query
from index.search.ranking import Fusion, RankingOptions
from index.search.search import Searcher

DEPTH = 100  # hits a query
MEASURES = ("nDCG@10", "RR@10", "Success@1", "Success@10", "R@100")
MAIN_MEASURE = MEASURES[0]
OURS = "Backfile"

Values = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class System:
    """One way to search: its name, its mode, how it ranks, and what its passages are.

    `engine` is another's name where it stands beside our own, in whose mode it answers; `reranker`
    names the model that reads its first hits again, without haste.
    """

    name: str
    mode: Mode
    ranking: RankingOptions
    passages: PassageOptions = USUAL_PASSAGES
    engine: str = OURS
    reranker: str = ""


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
    """Measure our own search.

    Queries are read as plain words: judged questions are no query language.
    """

    def ranked(text: str) -> list[str]:
        # Judgments are of articles, so each copy stands for itself.
        asked = Query(text, mode=mode, copies=Copies.SHOW, limit=DEPTH, plain=True)
        hits = searcher.search(asked).hits
        return [hit.article.id for hit in hits]

    return measure_ranked(ranked, judgments)


def measure_ranked(
    ranked: Callable[[str], Sequence[str]], judgments: Judgments
) -> dict[str, Values]:
    """Run every query; return of each measure one value a query, in the order of the queries.

    `ranked` lists the ids of articles, best first. A query that finds nothing has 0 in every
    measure, as ir-measures has it.
    """
    import ir_measures

    measures = [ir_measures.parse_measure(name) for name in MEASURES]
    run = [
        ir_measures.ScoredDoc(query_id, article_id, float(-place))  # equal scores keep the order
        for query_id, text in judgments.queries.items()
        for place, article_id in enumerate(ranked(text))
    ]
    places = {query_id: place for place, query_id in enumerate(judgments.queries)}
    values = {name: np.zeros(len(places)) for name in MEASURES}
    for found in ir_measures.iter_calc(measures, judgments.qrels, run):
        values[str(found.measure)][places[found.query_id]] = found.value
    return values
