"""Builds archives of a given size from real and recombined articles, and times each stage.

A recombined article has the length, the day and the source of a real one. Its sentences are drawn
at random from the whole archive, which keeps the frequencies of words. Its vectors are synthetic:
real ones, moved at random. Every report says how many articles and vectors are not real.
"""

import json
import random
from collections import deque
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from datetime import date
from functools import partial
from itertools import islice
from pathlib import Path
from shutil import copytree, rmtree

import numpy as np
from sentencex import get_sentence_boundaries

from backfile.archive.formats.fields import FieldMap, record_of
from backfile.archive.formats.inputs import Reading
from backfile.archive.model.article import Article
from backfile.archive.model.settings import Settings
from backfile.archive.passages import embedded_text, paragraphs
from backfile.archive.store.catalog import Catalog
from backfile.archive.store.directory import ArchiveDirectory
from backfile.archive.store.vectors import Vectors
from backfile.archive.workers import batches
from backfile.index.indexing.stages import Progress
from backfile.index.model.arrays import Floats, Rows
from backfile.index.seams.engines import Engines
from backfile.index.writing import open_for_writing
from backfile.scripts.bench.timing import Cost, cost_of

SEED = 1963
MOVED = 0.75  # the length of the random step beside a vector of length 1: a cosine of 0.8
WRITTEN_AT_ONCE = 20_000
LENT_AT_ONCE = 2_000  # articles
RECOMBINED = "recombined:"


@dataclass(frozen=True, slots=True)
class Corpus:
    """Articles of one archive, to fill another of about `n_passages`."""

    catalog: Catalog
    n_passages: int

    def __iter__(self) -> Iterator[Article]:
        """Yield the articles in random order, then recombined ones, until there are enough."""
        choose = random.Random(SEED)
        originals = [article for article, _ in self.catalog.digests()]
        sizes = dict(zip((a.id for a in originals), _sizes(self.catalog), strict=True))
        choose.shuffle(originals)
        left = self.n_passages
        for article in originals:
            if left <= 0:
                return
            left -= sizes[article.id]
            yield article
        sentences = [s for article in originals for s in _sentences(article)]
        turn = 0
        while left > 0 and sentences:
            pattern = originals[turn % len(originals)]
            left -= sizes[pattern.id]
            turn += 1
            yield _recombined(pattern, sentences, choose, turn)

    def write(self, path: Path, skipped: int = 0) -> int:
        """Write the articles as JSON lines, but for the first; return how many are recombined."""
        recombined = 0
        with path.open("w", encoding="utf-8") as stream:
            for article in islice(self, skipped, None):
                recombined += article.id.startswith(RECOMBINED)
                stream.write(json.dumps(record_of(article), default=date.isoformat) + "\n")
        return recombined


def lend_vectors(source: Engines, target: Engines) -> int:
    """Copy the vectors of the source to an archive made from it; return how many are synthetic.

    Recombined articles get synthetic ones.
    """
    real = _rows_by_id(source.catalog)
    known = source.vectors.read(1 + max(int(rows[-1]) for rows in real.values() if len(rows)))
    chance = np.random.default_rng(SEED)
    everywhere = np.concatenate(list(real.values()))
    made_up = 0
    missing = set(target.catalog.embedded.missing().tolist())
    asked = ((each, rows) for each, rows in _rows_by_id(target.catalog).items() if len(rows))
    without = (each for each in asked if int(each[1][0]) in missing)
    for some in batches(without, LENT_AT_ONCE):
        vectors = []
        for article_id, wanted in some:
            lent = real.get(article_id, wanted[:0])
            if len(lent) == len(wanted):
                vectors.append(known[lent].astype(np.float32))
            else:
                vectors.append(moved(known[chance.choice(everywhere, len(wanted))], chance))
                made_up += len(wanted)
        write_vectors(target, np.concatenate([rows for _, rows in some]), np.concatenate(vectors))
    return made_up


def write_vectors(target: Engines, rows: Rows, vectors: Floats) -> None:
    """Put the vectors (n, dimension) of these rows (n,) on record, as embedded."""
    for start in range(0, len(rows), WRITTEN_AT_ONCE):
        some = rows[start : start + WRITTEN_AT_ONCE]
        target.vectors.write(some, vectors[start : start + WRITTEN_AT_ONCE])
        target.catalog.embedded.mark(some)


def moved(vectors: Vectors, chance: np.random.Generator) -> Floats:
    """Move vectors (n, dimension) of length 1 at random; their lengths stay 1."""
    steps = chance.standard_normal(vectors.shape, np.float32)
    steps *= MOVED / np.linalg.norm(steps, axis=1, keepdims=True)
    moved: Floats = steps + vectors
    moved /= np.linalg.norm(moved, axis=1, keepdims=True)
    return moved


def _sizes(catalog: Catalog) -> list[int]:
    """The number of passages of each article, in the order of `digests`."""
    numbers = np.array([row.number for row in catalog.article_table()])
    table = catalog.passage_table()
    counts = np.bincount(np.searchsorted(numbers, table[:, 1]), minlength=len(numbers))
    return [int(n) for n in counts]


def _rows_by_id(catalog: Catalog) -> dict[str, Rows]:
    """The rows of each article, in the order of its passages."""
    table = catalog.passage_table()
    ids = [article.id for article, _ in catalog.digests()]
    numbers = [row.number for row in catalog.article_table()]
    order = np.argsort(table[:, 1], kind="stable")
    bounds = np.searchsorted(table[order, 1], numbers, side="left")
    return dict(zip(ids, np.split(table[order, 0], bounds[1:]), strict=True))


def _sentences(article: Article) -> Iterator[str]:
    for start, end in paragraphs(article.text):
        for found in get_sentence_boundaries(article.language or "en", article.text[start:end]):
            if sentence := found["text"].strip():
                yield sentence


def _recombined(
    pattern: Article, sentences: list[str], choose: random.Random, turn: int
) -> Article:
    made, owed = [], 0
    for start, end in paragraphs(pattern.text):
        drawn = []
        owed += end - start
        while owed > 0:
            drawn.append(choose.choice(sentences))
            owed -= len(drawn[-1]) + 1
        made.append(" ".join(drawn))
    text = "\n\n".join(filter(None, made))
    return replace(pattern, id=f"{RECOMBINED}{turn}", text=text, url="")


@dataclass(frozen=True, slots=True)
class Rate:
    """How fast a stage of indexing was: the count of a unit, and the cost."""

    stage: str
    unit: str
    count: int
    cost: Cost


@dataclass(frozen=True, slots=True)
class Built:
    """An archive that was built to be measured, and the cost of building it.

    `recombined` counts recombined articles, `synthetic` passages with synthetic vectors; the latter
    is None if the source has no vectors.
    """

    settings: Settings
    articles: int
    passages: int
    recombined: int
    synthetic: int | None
    rates: tuple[Rate, ...]


def build(
    source: Engines,
    settings: Settings,
    place: Path,
    n_passages: int,
    progress: Progress,
    *,
    n_embedded: int,
    smaller: Built | None = None,
) -> Built:
    """Build an archive of about `n_passages` at `place`, from the source that the settings name.

    It goes on from a copy of a `smaller` one, and the rates are those of what is added. One that
    was built here before is not built again. To measure the rate, `n_embedded` passages are
    embedded again: all of them would take hours.
    """
    noted = place.with_suffix(".json")
    target = replace(settings, archive=place)
    if noted.exists():
        return _read(noted.read_text(), target)
    rmtree(place, ignore_errors=True)  # of a run that was interrupted
    if smaller:
        copytree(smaller.settings.archive, place)
    graph = ArchiveDirectory(settings.archive).query_graph
    pieces = place.with_suffix(".jsonl")
    skipped, earlier = (smaller.articles, smaller.recombined) if smaller else (0, 0)
    recombined = earlier + Corpus(source.catalog, n_passages).write(pieces, skipped)
    target = _for_recombined(target, recombined)
    reading = cost_of(partial(deque, Reading([pieces], FieldMap()), 0))
    with open_for_writing(target, progress, create=True) as opened:
        engines, indexer = opened.engines, opened.indexer
        before = engines.catalog.counts()
        words = cost_of(partial(indexer.index, Reading([pieces], FieldMap())))
        counts = engines.catalog.counts()
        added = counts.passages - before.passages
        rates = [
            Rate("reading", "articles", counts.articles - before.articles, reading),
            Rate("reading to found by words", "passages", added, words),
        ]
        synthetic = None
        if source.catalog.counts().embedded:
            rates.append(_embedding(source, n_embedded))
            synthetic = lend_vectors(source, engines) + ((smaller and smaller.synthetic) or 0)
            sealing = cost_of(indexer.seal)
            rates.append(Rate("neighbours", "passages", added, sealing))
            if graph.exists() and not ArchiveDirectory(place).query_graph.exists():
                copytree(graph, ArchiveDirectory(place).query_graph)  # of the same model
    pieces.unlink()
    built = Built(target, counts.articles, counts.passages, recombined, synthetic, tuple(rates))
    noted.write_text(json.dumps(asdict(built), default=str))
    return built


def _for_recombined(settings: Settings, count: int) -> Settings:
    """The settings of an archive with recombined articles: what recurs in them is no furniture."""
    return replace(settings, furniture=settings.furniture and not count)


def _read(noted: str, settings: Settings) -> Built:
    """What was noted of an archive that is built."""
    found = json.loads(noted)
    found["settings"] = _for_recombined(settings, found["recombined"])
    rates = (Rate(**each | {"cost": Cost(*each["cost"])}) for each in found["rates"])
    return Built(**found | {"rates": tuple(rates)})


def _embedding(source: Engines, count: int) -> Rate:
    """Embed a sample of passages again, to measure the rate."""
    rows = source.catalog.rows_after(0)
    some = rows[:: max(1, len(rows) // count)][:count].tolist()
    stored = source.catalog.stored(some)
    texts = [embedded_text(each.passage, each.article.given_title) for each in stored]
    source.embedder.embed_passages(texts[:16])  # which loads the model
    cost = cost_of(partial(source.embedder.embed_passages, texts))
    return Rate("embedding", "passages", len(texts), cost)
