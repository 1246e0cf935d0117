"""Systems that are measured side by side on judged queries, and their results."""

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
    """One way to search: its name, its mode and how it ranks.

    `reranker` names the cross-encoder that reads its first hits again, without a time limit.
    """

    name: str
    mode: Mode
    ranking: RankingOptions
    reranker: str = ""


def usual_systems(ranking: RankingOptions) -> list[System]:
    """The systems that are always measured; the others are compared with the first."""
    convex, rrf = (replace(ranking, fusion=fusion) for fusion in Fusion)
    return [
        System("hybrid, convex", Mode.HYBRID, convex),
        System("hybrid, RRF", Mode.HYBRID, rrf),
        System("keyword", Mode.KEYWORD, ranking),
        System("semantic", Mode.SEMANTIC, ranking),
    ]


def measure(searcher: Searcher, judgments: Judgments, mode: Mode) -> dict[str, Values]:
    """Measure a search in one mode. Queries are read as plain words."""

    def ranked(text: str) -> list[str]:
        # Judgments are of articles, so copies are not folded.
        query = Query(plain_text(text), mode=mode, copies=Copies.SHOW, limit=DEPTH)
        return [hit.article.id for hit in searcher.search(query).hits]

    return measure_ranked(ranked, judgments)


def measure_ranked(
    ranked: Callable[[str], Sequence[str]], judgments: Judgments
) -> dict[str, Values]:
    """Run every query; return for each measure one value a query, in the order of the queries.

    `ranked` lists the ids of articles, best first. A query that finds nothing has 0 in every
    measure, as in ir-measures.
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


@dataclass(frozen=True, slots=True)
class SystemResult:
    """What one system reaches; the `values` of each measure are in the order of the queries.

    `against` is the nDCG@10 of the `reference`, the first system, less that of this one. Both are
    None for the first system itself.
    """

    system: System
    measures: dict[str, Estimate]
    against: Comparison | None
    reference: System | None
    values: dict[str, Values]


@dataclass(frozen=True, slots=True)
class FolderResult:
    """What all systems reach on one folder of judged queries."""

    name: str
    articles: int
    queries: tuple[str, ...]
    systems: list[SystemResult]


def results_of(measured: Mapping[System, dict[str, Values]]) -> list[SystemResult]:
    """Estimate the means of each system, and compare all others with the first."""
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
