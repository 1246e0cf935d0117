"""Measures search systems on the same judged queries, and compares them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from backfile.index.evaluation.judgments import Judgments, plain_text
from backfile.index.evaluation.statistics import Comparison, Estimate, Values, compare, estimate
from backfile.index.model.query import Copies, Mode, Query
from backfile.index.search.ranking import Fusion, RankingOptions
from backfile.index.search.searcher import Searcher

DEPTH = 100  # hits a query
MEASURES = ("nDCG@10", "RR@10", "Success@1", "Success@10", "R@100")
MAIN_MEASURE = MEASURES[0]


@dataclass(frozen=True, slots=True)
class System:
    """A search system: its name, mode and ranking options.

    `reranker` is the name of a cross-encoder for the first hits, without a time limit.
    """

    name: str
    mode: Mode
    ranking: RankingOptions
    reranker: str = ""


def usual_systems(ranking: RankingOptions) -> list[System]:
    """The systems of every evaluation; the first is the reference of comparisons."""
    convex, rrf = (replace(ranking, fusion=fusion) for fusion in Fusion)
    return [
        System("hybrid, convex", Mode.HYBRID, convex),
        System("hybrid, RRF", Mode.HYBRID, rrf),
        System("keyword", Mode.KEYWORD, ranking),
        System("semantic", Mode.SEMANTIC, ranking),
    ]


def measure(searcher: Searcher, judgments: Judgments, mode: Mode) -> dict[str, Values]:
    """Run every query in one mode, as plain words; return the values of each measure."""

    def ranked(text: str) -> list[str]:
        # Copies are not folded, as each article has its own judgments.
        query = Query(plain_text(text), mode=mode, copies=Copies.SHOW, limit=DEPTH)
        return [hit.article.id for hit in searcher.search(query).hits]

    return measure_ranked(ranked, judgments)


def measure_ranked(
    ranked: Callable[[str], Sequence[str]], judgments: Judgments
) -> dict[str, Values]:
    """Run every query; return the values of each measure, (n_queries,), in the queries' order.

    `ranked` lists the ids of articles, best first. A query without hits has the value 0, as in
    ir-measures.
    """
    import ir_measures

    measures = [ir_measures.parse_measure(name) for name in MEASURES]
    run = [
        # Scores are distinct, as ties may be reordered.
        ir_measures.ScoredDoc(query_id, article_id, float(-rank))
        for query_id, text in judgments.queries.items()
        for rank, article_id in enumerate(ranked(text))
    ]
    indices = {query_id: i for i, query_id in enumerate(judgments.queries)}
    values = {name: np.zeros(len(indices)) for name in MEASURES}
    for found in ir_measures.iter_calc(measures, judgments.qrels, run):
        values[str(found.measure)][indices[found.query_id]] = found.value
    return values


@dataclass(frozen=True, slots=True)
class SystemResult:
    """The results of one system; the `values` of each measure are in the queries' order.

    `against` compares MAIN_MEASURE of the `reference` with this system's: reference minus system.
    Both are None for the reference itself.
    """

    system: System
    measures: dict[str, Estimate]
    against: Comparison | None
    reference: System | None
    values: dict[str, Values]


@dataclass(frozen=True, slots=True)
class FolderResult:
    """The results of all systems on one folder of judged queries."""

    name: str
    articles: int
    queries: tuple[str, ...]
    systems: list[SystemResult]


def results_of(measured: Mapping[System, dict[str, Values]]) -> list[SystemResult]:
    """Estimate the means of each system, and compare the first system with all others."""
    reference = next(iter(measured))
    return [_result(system, values, reference, measured) for system, values in measured.items()]


def _result(
    system: System,
    values: dict[str, Values],
    reference: System,
    measured: Mapping[System, dict[str, Values]],
) -> SystemResult:
    means = {name: estimate(found) for name, found in values.items()}
    if system == reference:
        return SystemResult(system, means, None, None, values)
    against = compare(measured[reference][MAIN_MEASURE], values[MAIN_MEASURE])
    return SystemResult(system, means, against, reference, values)
