"""Calibrates an archive: measures its scale of meaning, and the scores of random words.

Both are what an answer is compared with. The words are drawn from unrelated passages of the
archive: in a large archive, or one about a single subject, such queries score higher than
elsewhere. The scale is measured first, as all scores by meaning depend on it. Copies and near
copies count once (`distinct_passages`), so that a flood of them changes neither.
"""

import string
import zlib
from collections.abc import Iterator, Sequence
from typing import NamedTuple, Self

import numpy as np

from backfile.archive.model.errors import EngineUnavailable
from backfile.archive.store.catalog import Catalog
from backfile.index.duplicates.signatures import mixed
from backfile.index.indexing.distinct_passages import (
    at_random,
    lead_rows,
    near_copy_cosine,
    without_near_copies,
)
from backfile.index.lexical.analysis.analyser import words_of
from backfile.index.lexical.analysis.ngrams import asked
from backfile.index.lexical.analysis.stemming import is_stop_word, reading
from backfile.index.model.arrays import Rows
from backfile.index.model.article_table import ArticleTable
from backfile.index.model.article_table_file import latest
from backfile.index.model.noise import USUAL_NOISE, Calibration, Evidence, Noise, noise_of
from backfile.index.model.query import Mode, Query
from backfile.index.model.scale import USUAL_SCALE, Scale
from backfile.index.seams.engines import Engines
from backfile.index.search.searcher import Searcher

LENGTHS = (2, 3, 4, 6, 9, 14)  # words
QUERIES_A_LENGTH = 30
PASSAGES_DRAWN = 1_000
LEAST_PASSAGES = 500  # in fewer, words that have nothing to do with each other stand together
LEAST_DEVIATION = 0.02
OPENINGS = 24  # passages whose first words stand for queries
OPENING_WORDS = 12
NOBODY = -1  # the ordinal of the article that a sentence of our own is of
NONSENSE = 24  # texts of keyboard noise
KEYS = np.array(list(string.ascii_lowercase))
# Beside the openings where there are few articles: what they are about is seldom in an archive.
SENTENCES = (
    "A potter glazed forty bowls in a kiln built of clay bricks.",
    "The striker scored twice before the referee ended the match.",
    "Migrating geese rest on the salt marsh every autumn.",
    "Surgeons replaced the valve of a heart in four hours.",
    "The orchestra opened its season with a symphony in D minor.",
    "A comet will be seen low in the western sky at dusk.",
    "Bakers knead the dough by hand and let it rise overnight.",
    "The central bank raised interest rates by a quarter point.",
)


class Drawn(NamedTuple):
    """Passages of an archive, at random and without copies: up to PASSAGES_DRAWN, as rows.

    `embedded` are those that the scale is measured with, and have no near copies among them;
    `passages` are all, of which not every one may be embedded.
    """

    passages: Rows
    embedded: Rows

    @classmethod
    def of(cls, engines: Engines, table: ArticleTable) -> Self:
        """Draw passages. Raises EngineUnavailable if some are embedded, and the model is gone."""
        rows = lead_rows(table)
        is_embedded = table.embedded[rows]
        embedded = rows[is_embedded]
        if len(embedded):
            unlike = np.stack([engines.embedder.embed_query(text) for text in SENTENCES])
            vectors = engines.vectors.read(int(embedded.max()) + 1)
            cosine = near_copy_cosine(unlike)
            embedded = without_near_copies(embedded, vectors, cosine, PASSAGES_DRAWN)
        passages = at_random(np.concatenate([embedded, rows[~is_embedded]]))
        return cls(passages[:PASSAGES_DRAWN], embedded)


def calibrate(engines: Engines, searcher: Searcher, *, has_embedded: bool = True) -> None:
    """Measure an archive, unless it was measured at about the same size.

    The searcher has not searched yet. Without the model, nothing is measured; nor is a small
    archive by a writer that has not embedded, which would load the model for it.
    """
    counts = engines.catalog.counts()
    if engines.noise.is_of(counts):
        return
    table = table_of(engines)
    if len(lead_rows(table)) < LEAST_PASSAGES and not (counts.embedded and has_embedded):
        return
    try:
        drawn = Drawn.of(engines, table)
        scale = measure_scale(engines, table, drawn.embedded)
    except EngineUnavailable:
        return
    few = len(drawn.passages) < LEAST_PASSAGES
    engines.noise.write(counts, Calibration(scale=scale), whole=few)
    if few:
        return
    words = words_in(engines.catalog, drawn.passages)
    if noise := tuple(measure(words, searcher, meaning=counts.embedded > 0)):
        engines.noise.write(counts, Calibration(noise, scale))


def table_of(engines: Engines) -> ArticleTable:
    """The article table of the catalogue as it is now."""
    return latest(engines.catalog, engines.catalog.generation(), engines.table.read())


def measure_scale(engines: Engines, table: ArticleTable, rows: Rows) -> Scale:
    """Compare openings of passages, keyboard noise and passages with passages, all of these rows.

    They are embedded, at random, and no near copies. Raises EngineUnavailable.
    """
    if not len(rows):
        return USUAL_SCALE
    vectors = engines.vectors.read(int(rows.max()) + 1)[rows].astype(np.float32)
    opening, articles = rows[:OPENINGS], table.article_of[rows]
    stored = {each.row: each.passage.text for each in engines.catalog.stored(opening.tolist())}
    texts = [_opening(stored[row]) for row in opening.tolist()]
    owners = articles[:OPENINGS]
    if len(set(owners.tolist())) < len(SENTENCES):
        texts, owners = [*texts, *SENTENCES], np.append(owners, [NOBODY] * len(SENTENCES))
    embed = engines.embedder.embed_query
    queries = np.stack([embed(text) for text in texts])
    nonsense = np.stack([embed(text) for text in _keyboard_noise(np.random.default_rng(0))])
    of_queries = (queries @ vectors.T)[owners[:, None] != articles]
    of_passages = (vectors[:OPENINGS] @ vectors.T)[articles[:OPENINGS, None] != articles]
    return Scale.measured(
        of_queries, of_passages if len(of_passages) else of_queries, nonsense, vectors
    )


def _opening(text: str) -> str:
    return " ".join(text.split()[:OPENING_WORDS])


def _keyboard_noise(draw: np.random.Generator) -> Iterator[str]:
    for _ in range(NONSENSE):
        lengths = draw.integers(3, 10, draw.integers(1, 7))
        yield " ".join("".join(draw.choice(KEYS, length)) for length in lengths)


def measure(words: Sequence[str], searcher: Searcher, *, meaning: bool) -> Iterator[Noise]:
    """Search for random words of each length; words of one article are no random words."""
    for n_words in LENGTHS if len(words) >= max(LENGTHS) else ():
        measured = (_evidence(searcher, text) for text in random_queries(words, n_words))
        found = [evidence for evidence, held in measured if not held]
        if len(found) > 1:
            yield _noise(n_words, found, meaning=meaning)


def random_queries(words: Sequence[str], n_words: int) -> Iterator[str]:
    """QUERIES_A_LENGTH queries of different words, by a hash: other words change few of them.

    >>> next(random_queries(["harbour", "ferry", "oyster"], 2))
    'oyster ferry'
    """
    hashes = np.array([zlib.crc32(word.encode()) for word in words], np.uint32)
    for turn in range(QUERIES_A_LENGTH):
        salt = np.uint32(zlib.crc32(f"{n_words} {turn}".encode()))
        chosen = np.argsort(mixed(hashes ^ salt), kind="stable")[:n_words]
        yield " ".join(words[each] for each in chosen.tolist())


def _evidence(searcher: Searcher, text: str) -> tuple[Evidence, bool]:
    """The evidence of a text, and whether an article holds all of it.

    By words, it is that of a keyword search: its scores are on another scale than those of a hybrid
    one.
    """
    hybrid = searcher.rank(Query(text))
    keyword = searcher.rank(Query(text, mode=Mode.KEYWORD))
    matches, found = hybrid.ranked.matches, hybrid.ranked.candidates
    held = bool((matches.holds_all & found.by_words).any())
    return hybrid.evidence._replace(words=keyword.evidence.words), held


def words_in(catalog: Catalog, rows: Rows) -> Sequence[str]:
    """The different words of these passages, but numbers and stop words, sorted."""
    found = {
        word
        for each in catalog.stored(rows.tolist())
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
