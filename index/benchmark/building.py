"""Builds an archive of a wanted size from another, and times each stage of it."""

from collections import deque
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from shutil import copytree

from archive.reading.fields import FieldMap
from archive.reading.inputs import Reading
from archive.settings import Settings
from archive.splitting import embedded_text
from archive.store.directory import ArchiveDirectory
from index.benchmark.corpus import Corpus, lend_vectors
from index.benchmark.timing import Cost, cost_of
from index.building.stages import Progress
from index.building.writing import open_for_writing
from index.engines import Engines

EMBEDDED = 512  # passages: embedding all would take hours


@dataclass(frozen=True, slots=True)
class Rate:
    """How fast a stage of indexing went: so many of a unit, at such a cost."""

    stage: str
    unit: str
    count: int
    cost: Cost


@dataclass(frozen=True, slots=True)
class Built:
    """An archive that was built to be measured, and what that took.

    `recombined` counts the articles that are made up of sentences of the others, `synthetic` the
    passages whose vectors are made up; it is None where the source has no vectors at all.
    """

    settings: Settings
    articles: int
    passages: int
    recombined: int
    synthetic: int | None
    rates: tuple[Rate, ...]


def build(
    source: Engines, settings: Settings, place: Path, n_passages: int, progress: Progress
) -> Built:
    """Build an archive of about so many passages at the place, from the source of the settings."""
    corpus = Corpus(source.catalog, n_passages)
    graph = ArchiveDirectory(settings.archive).query_graph
    settings = replace(settings, archive=place)
    place = place.with_suffix(".jsonl")
    recombined = corpus.write(place)
    read = Reading([place], FieldMap())
    reading = cost_of(partial(deque, read, 0))
    with open_for_writing(settings, progress, create=True) as opened:
        engines, indexer = opened.engines, opened.indexer
        words = cost_of(partial(indexer.index, Reading([place], FieldMap())))
        counts = engines.catalog.counts()
        rates = [
            Rate("reading", "articles", counts.articles, reading),
            Rate("reading to found by words", "passages", counts.passages, words),
        ]
        synthetic = None
        if source.catalog.counts().embedded:
            rates.append(_embedding(source))
            synthetic = lend_vectors(source, engines)
            sealing = cost_of(indexer.seal)
            rates.append(Rate("neighbours", "passages", counts.passages, sealing))
            if graph.exists():  # of the same model
                copytree(graph, ArchiveDirectory(settings.archive).query_graph)
    return Built(settings, counts.articles, counts.passages, recombined, synthetic, tuple(rates))


def _embedding(source: Engines) -> Rate:
    """Embed some passages again, to see how fast it goes."""
    rows = source.catalog.rows_after(0)
    some = rows[:: max(1, len(rows) // EMBEDDED)][:EMBEDDED].tolist()
    stored = source.catalog.stored(some)
    texts = [embedded_text(each.passage, each.article.given_title) for each in stored]
    source.embedder.embed_passages(texts[:16])  # which loads the model
    cost = cost_of(partial(source.embedder.embed_passages, texts))
    return Rate("embedding", "passages", len(texts), cost)
