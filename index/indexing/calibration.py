"""Calibrates an archive: measures the scores of random words, with which answers are compared.

The words are drawn from unrelated passages of the archive. In a large archive, or one about a
single subject, such queries score higher than elsewhere.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from backfile.archive.store.catalog import Catalog
from backfile.index.lexical.analysis.analyser import words_of
from backfile.index.lexical.analysis.ngrams import asked
from backfile.index.lexical.analysis.stemming import is_stop_word, reading
from backfile.index.model.noise import USUAL_NOISE, Evidence, Noise, noise_of
from backfile.index.model.query import Mode, Query
from backfile.index.seams.engines import Engines
from backfile.index.search.searcher import Searcher

LENGTHS = (2, 3, 4, 6, 9, 14)  # words
QUERIES_A_LENGTH = 30
PASSAGES_DRAWN_FROM = 1_000
LEAST_PASSAGES = 500  # in fewer, words that have nothing to do with each other stand together
LEAST_DEVIATION = 0.02


def calibrate(engines: Engines, searcher: Searcher) -> None:
    """Measure an archive, unless it was measured at about the same size."""
    counts = engines.catalog.counts()
    if counts.passages < LEAST_PASSAGES or engines.noise.is_of(counts):
        return
    if noise := list(measure(engines.catalog, searcher, meaning=counts.embedded > 0)):
        engines.noise.write(counts, noise)


def measure(catalog: Catalog, searcher: Searcher, *, meaning: bool) -> Iterator[Noise]:
    """Search for random words of each length; words of one article are no random words."""
    draw = np.random.default_rng(0)
    words = words_drawn(catalog, draw)
    for n_words in LENGTHS if len(words) >= max(LENGTHS) else ():
        measured = (
            _evidence(searcher, " ".join(draw.choice(words, n_words, replace=False)))
            for _ in range(QUERIES_A_LENGTH)
        )
        found = [evidence for evidence, held in measured if not held]
        if len(found) > 1:
            yield _noise(n_words, found, meaning=meaning)


def _evidence(searcher: Searcher, text: str) -> tuple[Evidence, bool]:
    """The evidence of a text, and whether an article holds all of it.

    By words, it is that of a keyword search: its scores are on another scale than those of a hybrid
    one.
    """
    hybrid = searcher.rank(Query(text))
    keyword = searcher.rank(Query(text, mode=Mode.KEYWORD))
    held = bool((hybrid.matches.holds_all & hybrid.candidates.by_words).any())
    return hybrid.evidence._replace(words=keyword.evidence.words), held


def words_drawn(catalog: Catalog, draw: np.random.Generator) -> Sequence[str]:
    """Different words of passages drawn at random."""
    rows = catalog.rows_after(0)
    drawn = draw.choice(rows, min(PASSAGES_DRAWN_FROM, len(rows)), replace=False)
    found = {
        word
        for each in catalog.stored(drawn.tolist())
        for run in words_of(each.passage.text)
        for word in asked(run)
        if word.isalpha() and not is_stop_word(word, reading(each.article.language))
    }
    return sorted(found)


def _noise(n_words: int, found: Sequence[Evidence], *, meaning: bool) -> Noise:
    """What is not embedded yet scores as is usual."""
    usual = noise_of(n_words, USUAL_NOISE)
    mean = Evidence(*np.mean(found, axis=0).tolist())
    deviation = Evidence(*np.maximum(np.std(found, axis=0), LEAST_DEVIATION).tolist())
    if not meaning:
        mean, deviation = (
            usual_part._replace(words=part.words)
            for usual_part, part in ((usual.mean, mean), (usual.deviation, deviation))
        )
    return Noise(n_words, mean, deviation)
