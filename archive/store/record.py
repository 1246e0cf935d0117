"""Checks that the catalogue is the record of the archive it lies in, and was not set back."""

from dataclasses import replace

from backfile.archive.model.errors import RecordLost
from backfile.archive.model.message import Message
from backfile.archive.store.catalog import Catalog
from backfile.archive.store.directory import ArchiveDirectory
from backfile.archive.store.manifest import Manifest


def require_record(manifest: Manifest, catalog: Catalog, *, counted: bool = False) -> None:
    """Raise RecordLost unless the catalogue is that of the manifest, which was read before it.

    The manifest is written after the catalogue, so the catalogue is never behind it. For a writer
    the articles are `counted`, too.
    """
    archive, generation = catalog.archive(), catalog.generation()
    if manifest.archive and archive != manifest.archive:
        raise RecordLost(Message("catalog.db belongs to another archive"))
    if generation < manifest.generation:
        raise RecordLost(Message("catalog.db is older than the rest of the archive"))
    if counted and manifest.archive and generation == manifest.generation:
        articles = catalog.count_articles()
        if articles < manifest.articles:
            raise RecordLost(
                Message(
                    "catalog.db holds %(articles)s articles where there were %(known)s",
                    articles=articles,
                    known=manifest.articles,
                )
            )


def require_finished(catalog: Catalog) -> None:
    """Raise RecordLost if a recovery was killed: some articles are still to be read again."""
    if catalog.is_unfinished():
        raise RecordLost(Message("lost articles are still to be read again from originals/"))


def mark_record(directory: ArchiveDirectory, catalog: Catalog) -> None:
    """Note in the manifest which catalogue this is, and how far it got; the writer's last act."""
    manifest = Manifest.read(directory.manifest)
    marked = replace(
        manifest,
        archive=catalog.archive() or catalog.name_archive(),
        generation=catalog.generation(),
        articles=catalog.count_articles(),
    )
    if marked != manifest:
        marked.write(directory.manifest)
