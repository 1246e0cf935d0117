"""The composition root: the one place that knows which engines an archive is made of."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from archive.settings import Settings
from archive.splitting import SPLITTER, USUAL_PASSAGES, PassageOptions
from archive.store.catalog import Catalog
from archive.store.directory import ArchiveDirectory
from archive.store.manifest import SCHEMA, Manifest
from archive.store.tuning import Tuning
from archive.store.vectors import VectorFile
from index.embedding.model import find_model, hash_weights
from index.embedding.sentence_transformer import SentenceTransformerEmbedder
from index.embedding.tokens import ModelTokenizer
from index.engines import Engines
from index.indexing import Indexer
from index.lexical.analysis import ANALYSER
from index.lexical.codec import POSTINGS
from index.lexical.whoosh_index import WhooshIndex
from index.protocols import Embedder
from index.ranking import Fusion, RankingOptions
from index.search import Searcher
from index.stages import Progress
from index.vector import ChromaIndex
from index.workers import Workers

MOST_WORKERS = 4  # one process reads and keeps the record, and can feed no more
LEAST_PRIORITY = 19  # as `nice` has it

WORDS = f"{ANALYSER} {POSTINGS}"


def open_engines(
    settings: Settings, *, rebuilding: bool = False, workers: Workers | None = None
) -> Engines:
    """Open an archive; raise ArchiveMissing, or ArchiveMismatch if it is of another making.

    Words that were analysed in another way are no obstacle to `rebuilding` their index; `workers`
    write it.
    """
    directory = ArchiveDirectory(settings.archive)
    directory.require()
    manifest = Manifest.read(directory.manifest)
    manifest.require_tables()
    manifest.require_text(splitter=SPLITTER, analyser=manifest.analyser if rebuilding else WORDS)
    if settings.model != manifest.model:  # another name may still be the same weights
        weights = hash_weights(find_model(settings.model))
        manifest.require_model(model=settings.model, weights=weights)
    embedder = SentenceTransformerEmbedder(
        settings.model,
        threads=settings.worker_threads,
        made_with=manifest,
        graph=directory.query_graph,
    )
    return _engines(directory, manifest, embedder, workers)


def open_searcher(settings: Settings) -> Searcher:
    """Open an archive for searching."""
    return searcher_over(open_engines(settings), settings)


def searcher_over(engines: Engines, settings: Settings) -> Searcher:
    """Search over engines that are open already."""
    return Searcher(engines, ranking_options(settings))


def ranking_options(settings: Settings) -> RankingOptions:
    """How an archive ranks: as the environment says, else as it was tuned, else as usual.

    Raises EngineUnavailable where what was tuned cannot be read.
    """
    tuned = Tuning.read(ArchiveDirectory(settings.archive).ranking)
    weight = settings.vector_weight
    if tuned and "vector_weight" not in settings.given:
        weight = tuned.vector_weight
    return RankingOptions(Fusion(settings.fusion), weight, settings.floor)


@dataclass(frozen=True, slots=True)
class Writing:
    """An archive that this process alone may write to, until the context ends."""

    engines: Engines
    indexer: Indexer


@contextmanager
def open_for_writing(
    settings: Settings,
    progress: Progress,
    *,
    create: bool = False,
    rebuilding: bool = False,
    passages: PassageOptions = USUAL_PASSAGES,
) -> Iterator[Writing]:
    """Open an archive for writing, alone; raise ArchiveBusy. `create` makes one if need be."""
    directory = ArchiveDirectory(settings.archive)
    if create:
        directory.create()
    else:
        directory.require()
    several = settings.worker_threads > 1
    with (
        directory.writing(),
        Workers(min(settings.worker_threads, MOST_WORKERS) if several else 0) as workers,
        Workers(1 if several else 0, niceness=LEAST_PRIORITY) as aside,
    ):
        if not directory.exists():
            _new_manifest(settings).write(directory.manifest)
        engines = open_engines(settings, rebuilding=rebuilding, workers=workers)
        try:
            tokenizer = ModelTokenizer(find_model(settings.model))
            indexer = Indexer(
                engines, tokenizer, progress, workers=workers, aside=aside, passages=passages
            )
            yield Writing(engines, indexer)
        finally:
            engines.catalog.close()


def forget_words(settings: Settings, engines: Engines) -> None:
    """Throw the lexical index away, and let the next one be made with this analyser."""
    engines.lexical.clear()
    path = ArchiveDirectory(settings.archive).manifest
    replace(Manifest.read(path), analyser=WORDS).write(path)


def _engines(
    directory: ArchiveDirectory, manifest: Manifest, embedder: Embedder, workers: Workers | None
) -> Engines:
    vectors = VectorFile(directory.vectors, manifest.dimension)
    return Engines(
        catalog=Catalog(directory.catalog),
        vectors=vectors,
        lexical=WhooshIndex(directory.lexical, workers),
        neighbours=ChromaIndex(directory.chroma, vectors),
        embedder=embedder,
    )


def _new_manifest(settings: Settings) -> Manifest:
    embedder = SentenceTransformerEmbedder(settings.model, threads=settings.worker_threads)
    return Manifest(
        schema=SCHEMA,
        splitter=SPLITTER,
        analyser=WORDS,
        model=embedder.name,
        weights=embedder.weights,
        dimension=embedder.dimension,
        precision=embedder.precision,
    )
