"""How often an answer is called good, doubtful or nothing: of judged queries and of nonsense."""

import string
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np

from index.engines import Engines
from index.evaluation.judgments import Judgments
from index.query import Query
from index.results import Verdict
from index.search.search import Searcher
from index.verdict.calibrating import words_drawn

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
