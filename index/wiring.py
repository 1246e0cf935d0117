"""The composition root: the only module that names the concrete engines."""

import math
import shutil
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from backfile.archive.model.errors import ArchiveError, EngineUnavailable
from backfile.archive.model.settings import INT8, Settings
from backfile.archive.passages import EARLIER_SPLITTERS, SPLITTER, Tokenizer
from backfile.archive.store.backup_files import Cache
from backfile.archive.store.backup_list import files_below
from backfile.archive.store.catalog import Catalog
from backfile.archive.store.directory import ArchiveDirectory
from backfile.archive.store.manifest import SCHEMA, Manifest, Tuning
from backfile.archive.store.record import require_finished, require_record
from backfile.archive.store.trust import require_trusted
from backfile.archive.store.vectors import VectorFile, checksums_of
from backfile.archive.workers import Workers
from backfile.index.asking.synonyms import NO_SYNONYMS, Synonyms
from backfile.index.lexical.analysis.analyser import ANALYSER
from backfile.index.lexical.storage.codec import POSTINGS
from backfile.index.lexical.storage.whoosh_index import WhooshIndex
from backfile.index.model.article_table_file import ArticleTableFile
from backfile.index.model.noise import NoiseFile
from backfile.index.naming.spacy_names import SpacyNames
from backfile.index.seams.engines import Engines
from backfile.index.seams.protocols import Embedder
from backfile.index.vector.chroma_index import ChromaIndex
from backfile.index.vector.codes import CodeFile
from backfile.index.vector.embedding.cross_encoder import CrossEncoderReranker
from backfile.index.vector.embedding.int8_embedder import Int8Embedder, require_maker
from backfile.index.vector.embedding.model import (
    find_model,
    hash_modules,
    hash_weights,
    local_model,
)
from backfile.index.vector.embedding.prompts import prompts_of
from backfile.index.vector.embedding.query_graph import files_of
from backfile.index.vector.embedding.sentence_transformer import SentenceTransformerEmbedder

if TYPE_CHECKING:  # a run that only writes does not search, and importing all of it takes 0.1 s
    from backfile.index.search.ranking import RankingOptions
    from backfile.index.search.reranking import Reranking
    from backfile.index.search.searcher import Recorder, Searcher

WORDS = f"{ANALYSER} {POSTINGS}"
EARLIER_WORDS = ("folded-snowball-3 arrays-3",)  # read as they are; the next writer rebuilds them


def open_engines(
    settings: Settings,
    *,
    rebuilding: bool = False,
    recovering: bool = False,
    workers: Workers | None = None,
    embedder: Embedder | None = None,
) -> Engines:
    """Open the engines of an archive.

    Raises ArchiveMissing, ArchiveUntrusted, ArchiveMismatch or RecordLost.

    `rebuilding` the lexical index accepts one of another analyser, `recovering` a record whose
    recovery was killed. `workers` write Whoosh segments. `embedder` is one that was opened before,
    with the model in the settings and an equal manifest.
    """
    directory = ArchiveDirectory(settings.archive)
    directory.require()
    require_trusted(directory.root, trust=settings.trust)
    manifest = Manifest.read(directory.manifest)
    manifest.require_tables()
    words = (manifest.analyser,) if rebuilding else (WORDS, *EARLIER_WORDS)
    manifest.require_text(splitter=(SPLITTER, *EARLIER_SPLITTERS), analyser=words)
    if settings.model != manifest.model:  # two names may have the same weights
        folder = find_model(settings.model)
        prompts = prompts_of(settings.model, folder).named()
        manifest.require_model(
            model=settings.model,
            weights=hash_weights(folder),
            modules=hash_modules(folder),
            prompts=prompts,
        )
    if "embedding_precision" in settings.given:
        manifest.require_precision(settings.embedding_precision)
    embedder = embedder or _embedder(settings, directory, manifest)
    names = SpacyNames() if settings.names else None
    engines = replace(_engines(directory, manifest, embedder, workers), names=names)
    try:
        require_record(manifest, engines.catalog)
        if not recovering:
            require_finished(engines.catalog)
    except ArchiveError:
        engines.catalog.close()
        raise
    return engines


def settings_now(settings: Settings) -> Settings:
    """The settings with the model and the precision that their archive has by now.

    For what has had it open: `reembed` may have given it others since. The same model keeps the
    name that it has here.
    """
    manifest = Manifest.read(ArchiveDirectory(settings.archive).manifest)
    given = settings.given - {"embedding_precision"}
    if settings.model != manifest.model and not _has_model(manifest, settings.model):
        settings = replace(settings, model=manifest.model)
    return replace(settings, given=given)


def _has_model(manifest: Manifest, name: str) -> bool:
    """Whether an archive was made with the model that has this other name here."""
    folder = local_model(name) if manifest.modules else None
    modules = hash_modules(folder) if folder else ""
    if not folder or modules != manifest.modules:  # which are read sooner than weights
        return False
    with suppress(EngineUnavailable):
        return manifest.is_model(name, hash_weights(folder), modules)
    return False


def open_searcher(settings: Settings) -> "Searcher":
    """Open an archive for searching."""
    return searcher_over(open_engines(settings), settings)


def searcher_over(
    engines: Engines,
    settings: Settings,
    *,
    serving: bool = False,
    recorder: "Recorder | None" = None,
) -> "Searcher":
    """A searcher over open engines.

    `serving`: for a server, where no search may take long, or wait until a changed archive is open.
    `recorder` takes note of each search.
    """
    from backfile.index.search.searcher import Searcher

    return Searcher(
        engines,
        ranking_options(settings),
        _reranking(settings),
        budget=settings.budget_ms / 1000 if serving else math.inf,
        aside=serving,
        recorder=recorder,
        synonyms=Synonyms.read(Path(settings.synonyms)) if settings.synonyms else NO_SYNONYMS,
    )


def ranking_options(settings: Settings) -> "RankingOptions":
    """The ranking options of an archive: from the environment, else tuned, else the default.

    Raises EngineUnavailable if the file of tuned weights cannot be read.
    """
    from backfile.index.search.ranking import Fusion, RankingOptions

    tuned = Tuning.read(ArchiveDirectory(settings.archive).ranking)
    weight = settings.vector_weight
    if tuned and "vector_weight" not in settings.given:
        weight = tuned.vector_weight
    share = tuned.passage_share if tuned else 0.0
    return RankingOptions(Fusion(settings.fusion), weight, settings.floor, share)


def tokenizer_of(settings: Settings) -> Tokenizer:
    """The tokenizer of the model in the settings."""
    from backfile.index.vector.embedding.tokens import ModelTokenizer

    folder = find_model(settings.model)
    return ModelTokenizer(folder, prompts_of(settings.model, folder).passage)


def new_archive(settings: Settings, directory: ArchiveDirectory) -> None:
    """Make an empty catalogue, then the manifest of an archive with the model in the settings.

    Raises EngineUnavailable if there is a catalogue with articles: then its manifest was lost.
    """
    manifest = new_manifest(settings)
    catalog = Catalog.create(directory.catalog)
    articles, archive = catalog.counts().articles, catalog.archive()
    catalog.close()
    if articles:
        reason = (
            f"{directory.manifest} is missing; bring a backup back with `backfile restore`, "
            "or copy the file from one"
        )
        raise EngineUnavailable("the manifest", reason)
    write_manifest(settings, directory, replace(manifest, archive=archive))


def write_manifest(settings: Settings, directory: ArchiveDirectory, manifest: Manifest) -> None:
    """Write the manifest of a new archive; one in int8 gets its graph before."""
    if settings.embedding_precision == INT8:
        embedder = int8_embedder_of(settings, directory)
        with Workers(1) as aside:  # torch and NNCF take 1.5 GB, which go with the process
            aside.start()
            aside.wait()
            manifest = replace(manifest, precision=INT8, graph=aside.submit(embedder.make).result())
    manifest.write(directory.manifest)


def clear_caches(directory: ArchiveDirectory) -> None:
    """Delete all that was made from the record, the embeddings too, and that no engine has open."""
    for folder in (directory.lexical, directory.chroma):
        shutil.rmtree(folder, ignore_errors=True)
    vectors = (directory.vectors, checksums_of(directory.vectors))
    CodeFile(VectorFile(directory.vectors, 0)).clear()
    for file in (*vectors, directory.columns, directory.noise):
        file.unlink(missing_ok=True)


def last_cached_row(directory: ArchiveDirectory) -> int:
    """The highest row in the caches, as far as they can be read."""
    dimension = Manifest.read(directory.manifest).dimension
    rows = [len(VectorFile(directory.vectors, dimension).read(1 << 40))]
    with suppress(EngineUnavailable):
        rows.append(WhooshIndex(directory.lexical).last_row())
    return max(rows)


def embedder_of(settings: Settings, *, graph: Path | None = None) -> SentenceTransformerEmbedder:
    """The model in the settings, for no archive; without a folder for its graph, by torch alone."""
    return SentenceTransformerEmbedder(settings.model, threads=settings.worker_threads, graph=graph)


def embedder_made_with(settings: Settings, made_with: Manifest, graph: Path) -> Embedder:
    """The model of an archive in full precision, elsewhere; its graph is made in a new folder."""
    return SentenceTransformerEmbedder(
        settings.model, threads=settings.worker_threads, made_with=made_with, graph=graph
    )


def int8_embedder_of(
    settings: Settings, directory: ArchiveDirectory, made_with: Manifest | None = None
) -> Int8Embedder:
    """The model in the settings, its passages in int8 by the graph of an archive, if it has one."""
    exact = SentenceTransformerEmbedder(
        settings.model,
        threads=settings.worker_threads,
        made_with=made_with,
        graph=directory.query_graph,
    )
    return Int8Embedder(
        exact,
        directory.int8_graph,
        threads=settings.worker_threads,
        digest=made_with.graph if made_with else "",
    )


def new_manifest(settings: Settings) -> Manifest:
    """The manifest of a new archive with the model in the settings, as it is without a graph.

    Raises EngineUnavailable if there is no such model, or no graph in int8 can be made.
    """
    if settings.embedding_precision == INT8:
        require_maker()
    embedder = embedder_of(settings)
    return Manifest(
        schema=SCHEMA,
        splitter=SPLITTER,
        analyser=WORDS,
        model=embedder.name,
        weights=embedder.weights,
        dimension=embedder.dimension,
        precision=embedder.precision,
        prompts=embedder.prompts.named(),
        modules=hash_modules(find_model(settings.model)),
    )


def reranker_of(name: str, settings: Settings) -> CrossEncoderReranker:
    """The reranker of this name; raise EngineUnavailable if there is none."""
    return CrossEncoderReranker(name, threads=settings.worker_threads)


def _reranking(settings: Settings) -> "Reranking | None":
    if not settings.reranker:
        return None
    from backfile.index.search.reranking import Reranking

    return Reranking(reranker_of(settings.reranker, settings), settings.rerank_ms / 1000)


def caches_of(directory: ArchiveDirectory) -> list[Cache]:
    """The caches of an archive, as a backup takes them."""
    vectors = VectorFile(directory.vectors, 0)  # the dimension is of no matter for the files
    return [
        Cache("lexical", WhooshIndex(directory.lexical).files),
        Cache("chroma", ChromaIndex(directory.chroma, vectors).files),
        Cache("query-graph", partial(files_of, directory.query_graph)),
        Cache("noise.json", partial(files_below, directory.noise)),
        Cache("columns", partial(files_below, directory.columns)),
    ]


def _embedder(settings: Settings, directory: ArchiveDirectory, manifest: Manifest) -> Embedder:
    if manifest.graph:
        return int8_embedder_of(settings, directory, manifest)
    return SentenceTransformerEmbedder(
        settings.model,
        threads=settings.worker_threads,
        made_with=manifest,
        graph=directory.query_graph,
    )


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
        table=ArticleTableFile(directory.columns),
        noise=NoiseFile(directory.noise),
    )
