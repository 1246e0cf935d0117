"""Gives an archive another model: from its record alone, beside it, while searches go on in it.

    record -> copied -> cut for the model's tokenizer -> words -> vectors -> exchanged

The writer's lock is held from the beginning to the end. What is done in the draft stays there when
a run is killed, and the next run goes on with it; if the archive has changed in between, with all
that is still of use.
"""

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

from backfile.archive.model.errors import EngineUnavailable
from backfile.archive.model.settings import FULL, INT8, Settings
from backfile.archive.store.catalog import Catalog, Counts
from backfile.archive.store.database import bring_up
from backfile.archive.store.directory import ArchiveDirectory
from backfile.archive.store.manifest import Manifest
from backfile.archive.store.record import require_finished, require_record
from backfile.archive.store.reembedding import (
    begin_draft,
    clear_draft,
    copy_record,
    draft_beside,
    exchange,
    settle_exchange,
    take_names,
)
from backfile.archive.store.replacing import require_replaceable, said_of
from backfile.archive.store.trust import require_trusted
from backfile.archive.workers import Workers
from backfile.index.indexing.stages import Progress
from backfile.index.seams.protocols import Embedder
from backfile.index.wiring import new_manifest, open_engines, write_manifest
from backfile.index.writing import open_for_writing

EmbedderOf = Callable[[Settings], Embedder]
"""Makes what embeds the archive in the settings, which is the draft, with the model in them."""


@dataclass(frozen=True, slots=True)
class Reembedded:
    """What was done; nothing, if `is_new` is false: the archive had the model already.

    `manifest` is that of the archive now, `counts` are its numbers. `replaced` is where the earlier
    archive is kept, or what was in it and is no part of an archive. `is_tuned` says that it has
    weights, which were fitted with the earlier model.
    """

    manifest: Manifest
    counts: Counts
    is_new: bool
    replaced: Path | None
    is_tuned: bool


def reembed(
    settings: Settings,
    progress: Progress,
    *,
    keep: bool = False,
    embedder_of: EmbedderOf | None = None,
) -> Reembedded:
    """Give an archive the model in the settings; `keep` leaves the earlier archive beside it.

    An archive by words alone stays one. `embedder_of` makes what embeds, in the place of the model
    in this process. Raises ArchiveBusy while another process writes, EngineUnavailable if the model
    cannot be used, ArchiveUnwritable or a Shortage if there is no room for a second archive.
    """
    directory = ArchiveDirectory(settings.archive.resolve())
    with said_of(directory.root):
        require_replaceable(directory)
        if not directory.exists():  # unless a killed exchange has left it aside
            settle_exchange(directory, keep=keep)
        directory.require()
        for each in (directory, draft_beside(directory)):
            require_trusted(each.root, trust=settings.trust)
        with directory.writing():
            replaced = settle_exchange(directory, keep=keep)
            before = Manifest.read(directory.manifest)
            before.require_tables()
            settings = _with_precision(settings, before)
            wanted = new_manifest(settings)
            bring_up(directory.catalog)
            counts = _counts_of(directory, before)
            is_new = not _has_model(before, wanted, settings)
            if is_new:
                draft = draft_beside(directory)
                _fill(settings, directory, draft, wanted, counts, progress, embedder_of)
                replaced = exchange(directory, draft, keep=keep) or replaced
    return Reembedded(
        Manifest.read(directory.manifest),
        _counts_of(directory),
        is_new,
        replaced,
        is_new and directory.ranking.exists(),
    )


def _fill(
    settings: Settings,
    directory: ArchiveDirectory,
    draft: ArchiveDirectory,
    wanted: Manifest,
    counts: Counts,
    progress: Progress,
    embedder_of: EmbedderOf | None,
) -> None:
    """Bring a draft to its end: cut, found by words, and by meaning if the archive is."""
    begin_draft(draft)
    if not _is_for(draft, wanted, settings):
        clear_draft(draft)
    bring_up(draft.catalog)
    copy_record(directory, draft)
    settings = replace(settings, archive=draft.root)
    if not draft.exists():
        write_manifest(settings, draft, wanted)
    embedder = _embedder(settings, wanted, embedder_of) if counts.embedded else None
    aside = Workers(0) if embedder else None  # it would embed with a model of its own
    with open_for_writing(settings, progress, embedder=embedder, aside=aside) as opened:
        opened.indexer.cut_all()
        take_names(directory, draft)
        if counts.embedded:
            opened.indexer.embed()


def _embedder(settings: Settings, wanted: Manifest, embedder_of: EmbedderOf | None) -> Embedder:
    """What embeds a draft; it embeds a word before articles are cut for hours.

    Raises EngineUnavailable.
    """
    embedder = (embedder_of or _own_embedder)(settings)
    found = embedder.embed_passages(["news"]).shape[1]
    if found != wanted.dimension:
        reason = f"its vectors have {found} values, and its configuration says {wanted.dimension}"
        raise EngineUnavailable(f"the model {wanted.model}", reason)
    return embedder


def _own_embedder(settings: Settings) -> Embedder:
    engines = open_engines(settings)
    engines.catalog.close()
    return engines.embedder


def _counts_of(directory: ArchiveDirectory, manifest: Manifest | None = None) -> Counts:
    """Count an archive; of the one that the manifest describes, the record must be whole."""
    with closing(Catalog(directory.catalog)) as catalog:
        if manifest:
            require_record(manifest, catalog, counted=True)
            require_finished(catalog)
        return catalog.counts()


def _with_precision(settings: Settings, manifest: Manifest) -> Settings:
    """The settings with the precision of an archive, unless they name one."""
    if "embedding_precision" in settings.given:
        return settings
    return replace(settings, embedding_precision=INT8 if manifest.graph else FULL)


def _has_model(manifest: Manifest, wanted: Manifest, settings: Settings) -> bool:
    """Whether an archive has the model and the precision that are wanted."""
    is_int8 = settings.embedding_precision == INT8
    prompts = wanted.prompts if manifest.prompts is None else manifest.prompts  # None: unknown
    known = replace(manifest, prompts=prompts, graph="")
    return known.has_model_of(wanted) and bool(manifest.graph) == is_int8


def _is_for(draft: ArchiveDirectory, wanted: Manifest, settings: Settings) -> bool:
    """Whether an earlier run has begun a draft with the same model, and cut it as today."""
    if not draft.exists():
        return False
    try:
        begun = Manifest.read(draft.manifest)
    except EngineUnavailable:
        return False
    cut = (wanted.schema, wanted.splitter, wanted.analyser, wanted.dimension)
    same = (begun.schema, begun.splitter, begun.analyser, begun.dimension) == cut
    return same and _has_model(begun, wanted, settings)
