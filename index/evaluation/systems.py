"""Systems that are measured side by side on judged queries, and their results."""

import string
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import numpy.typing as npt

from backfile.archive.passages import USUAL_PASSAGES, PassageOptions
from backfile.index.evaluation.judgments import Judgments
from backfile.index.evaluation.statistics import Comparison, Estimate, compare, estimate
from backfile.index.indexing.calibration import words_drawn
from backfile.index.model.query import Copies, Mode, Query
from backfile.index.model.results import Verdict
from backfile.index.seams.engines import Engines
from backfile.index.search.ranking import Fusion, RankingOptions
from backfile.index.search.searcher import Searcher

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


NONSENSE = 50  # queries of each kind
FEWEST_WORDS, MOST_WORDS = 4, 9
KEYS = np.array(list(string.ascii_lowercase))

Verdicts = Counter[Verdict]


def verdicts(searcher: Searcher, judgments: Judgments, engines: Engines) -> dict[str, Verdicts]:
    """Judge the answers to real questions, to nonsense, and to questions nothing here answers.

    The last are the judged ones, asked of all articles but those that answer them.
    """
    relevant: dict[str, list[str]] = {}
    for judged in judgments.qrels:
        if judged.relevance > 0:
            relevant.setdefault(judged.query_id, []).append(judged.doc_id)
    ask = partial(_verdict, searcher)
    draw = np.random.default_rng(1)
    words = words_drawn(engines.catalog, draw)
    return {
        "judged": Counter(ask(text) for text in judgments.queries.values()),
        "judged, their articles removed": Counter(
            ask(text, tuple(relevant.get(query_id, ())))
            for query_id, text in judgments.queries.items()
        ),
        "words drawn at random": Counter(ask(text) for text in _random_words(words, draw)),
        "keyboard noise": Counter(ask(text) for text in _keyboard_noise(draw)),
    }


def _verdict(searcher: Searcher, text: str, without: tuple[str, ...] = ()) -> Verdict:
    return searcher.judge(Query(text, plain=True), without=without)


def _random_words(words: Sequence[str], draw: np.random.Generator) -> Iterator[str]:
    for _ in range(NONSENSE):
        yield " ".join(draw.choice(words, draw.integers(FEWEST_WORDS, MOST_WORDS)))


def _keyboard_noise(draw: np.random.Generator) -> Iterator[str]:
    for _ in range(NONSENSE):
        lengths = draw.integers(3, 10, draw.integers(1, 7))
        yield " ".join("".join(draw.choice(KEYS, length)) for length in lengths)


@dataclass(frozen=True, slots=True)
class SystemResult:
    """What one system reaches; `values` of each measure are in the order of the queries.

    `against` is how much more the `reference` reaches in nDCG@10: the first system, or for another
    engine our own in its mode. Both are None for the first itself.
    """

    system: System
    measures: dict[str, Estimate]
    against: Comparison | None
    reference: System | None
    values: dict[str, Values]


@dataclass(frozen=True, slots=True)
class FolderResult:
    """What all systems reach on one folder, and how answers were judged, if that was counted."""

    name: str
    articles: int
    queries: tuple[str, ...]
    systems: list[SystemResult]
    verdicts: Mapping[str, Verdicts]


def results_of(measured: Mapping[System, dict[str, Values]]) -> list[SystemResult]:
    """Estimate the means of each system, and hold all but the first against its reference."""
    return [_result(system, measured) for system in measured]


def _result(system: System, measured: Mapping[System, dict[str, Values]]) -> SystemResult:
    values = measured[system]
    means = {name: estimate(found) for name, found in values.items()}
    first = next(iter(measured))
    if system == first:
        return SystemResult(system, means, None, None, values)
    ours = (other for other in measured if other.mode is system.mode and other.engine == OURS)
    reference = first if system.engine == OURS else next(ours, first)
    against = compare(measured[reference][MAIN_MEASURE], values[MAIN_MEASURE])
    return SystemResult(system, means, against, reference, values)
