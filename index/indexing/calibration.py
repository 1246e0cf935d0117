"""Calibrates an archive: measures its scale of meaning, and the scores of random words.

Both are what an answer is compared with. The words are drawn from unrelated passages of the
archive: in a large archive, or one about a single subject, such queries score higher than
elsewhere. The scale is measured first, as all scores by meaning depend on it.
"""

import string
from collections.abc import Iterator, Sequence

import numpy as np

from backfile.archive.model.errors import EngineUnavailable
from backfile.archive.store.catalog import Catalog
from backfile.index.lexical.analysis.analyser import words_of
from backfile.index.lexical.analysis.ngrams import asked
from backfile.index.lexical.analysis.stemming import is_stop_word, reading
from backfile.index.model.noise import USUAL_NOISE, Calibration, Evidence, Noise, noise_of
from backfile.index.model.query import Mode, Query
from backfile.index.model.scale import USUAL_SCALE, Scale
from backfile.index.seams.engines import Engines
from backfile.index.search.searcher import Searcher

LENGTHS = (2, 3, 4, 6, 9, 14)  # words
QUERIES_A_LENGTH = 30
PASSAGES_DRAWN_FROM = 1_000
LEAST_PASSAGES = 500  # in fewer, words that have nothing to do with each other stand together
LEAST_DEVIATION = 0.02
OPENINGS = 24  # passages whose first words stand for queries
OPENING_WORDS = 12
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


def calibrate(engines: Engines, searcher: Searcher, *, has_embedded: bool = True) -> None:
    """Measure an archive, unless it was measured at about the same size.

    The searcher has not searched yet. Without the model, nothing is measured; nor is a small
    archive by a writer that has not embedded, which would load the model for it.
    """
    counts = engines.catalog.counts()
    few = counts.passages < LEAST_PASSAGES
    if (few and not (counts.embedded and has_embedded)) or engines.noise.is_of(counts):
        return
    try:
        scale = measure_scale(engines) if counts.embedded else USUAL_SCALE
    except EngineUnavailable:
        return
    engines.noise.write(counts, Calibration(scale=scale), whole=few)
    if few:
        return
    if noise := tuple(measure(engines.catalog, searcher, meaning=counts.embedded > 0)):
        engines.noise.write(counts, Calibration(noise, scale))


def measure_scale(engines: Engines) -> Scale:
    """Compare openings of passages, keyboard noise and passages with passages drawn at random.

    Raises EngineUnavailable.
    """
    catalog, draw = engines.catalog, np.random.default_rng(0)
    rows = np.setdiff1d(catalog.rows_after(0), catalog.embedded.missing(), assume_unique=True)
    if not len(rows):
        return USUAL_SCALE
    rows = np.sort(draw.choice(rows, min(PASSAGES_DRAWN_FROM, len(rows)), replace=False))
    vectors = engines.vectors.read(int(rows[-1]) + 1)[rows].astype(np.float32)
    stored = {each.row: each for each in catalog.stored(rows.tolist())}
    articles = np.array([stored[row].article.id for row in rows.tolist()])
    chosen = draw.permutation(len(rows))[:OPENINGS]
    texts = [_opening(stored[row].passage.text) for row in rows[chosen].tolist()]
    owners = articles[chosen]
    if len(set(owners)) < len(SENTENCES):
        texts, owners = [*texts, *SENTENCES], np.append(owners, [""] * len(SENTENCES))
    embed = engines.embedder.embed_query
    queries = np.stack([embed(text) for text in texts])
    nonsense = np.stack([embed(text) for text in _keyboard_noise(draw)])
    of_queries = (queries @ vectors.T)[owners[:, None] != articles]
    of_passages = (vectors[chosen] @ vectors.T)[articles[chosen][:, None] != articles]
    return Scale.measured(
        of_queries, of_passages if len(of_passages) else of_queries, nonsense, vectors
    )


def _opening(text: str) -> str:
    return " ".join(text.split()[:OPENING_WORDS])


def _keyboard_noise(draw: np.random.Generator) -> Iterator[str]:
    for _ in range(NONSENSE):
        lengths = draw.integers(3, 10, draw.integers(1, 7))
        yield " ".join("".join(draw.choice(KEYS, length)) for length in lengths)


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
