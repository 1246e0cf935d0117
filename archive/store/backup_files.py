"""Takes the files of an archive for a backup, while another process may write to it.

They are in the state in which a kill at one moment would have left the archive, and the next
`backfile index` completes it in the same way. This depends on an order: caches are taken first,
then vectors, then the catalogue, so that no cache and no vector is ahead of the record. Rows are
never used twice, and a cache that is behind is brought up; but one that is ahead would hold rows
that a restored archive gives to other passages.
"""

import os
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import numpy as np

from backfile.archive.model.errors import EngineUnavailable
from backfile.archive.store.backup_list import CACHES, DATABASES, BackupList, is_part
from backfile.archive.store.catalog_reading import (
    connected,
    counts_in,
    embedded_in,
    forget_embedded,
    generation_in,
    number_in,
    originals_in,
)
from backfile.archive.store.collections import Collections
from backfile.archive.store.database import TIDY
from backfile.archive.store.directory import BACKUP_LIST, PARCELS, SET_ASIDE, ArchiveDirectory
from backfile.archive.store.draft import (
    UNFINISHED,
    Draft,
    holds_its_digest,
)
from backfile.archive.store.history import moment
from backfile.archive.store.manifest import Manifest
from backfile.archive.store.vectors import Rows, VectorFile, checksums_of

# The caches were copied before, and may hold rows that are gone by now.
NOT_TIDY = f"UPDATE counters SET value = 0 WHERE name = '{TIDY}'"  # noqa: S608, a name of ours
TRIES = 10
PAUSE = 0.05  # seconds between two tries
LENGTH_TOLERANCE = 0.01  # of a vector's length from 1; one that is blanked in part is shorter
SMALL = ("manifest.json", "followed.json", "ranking.json")  # files that are replaced whole
CODES = ("vectors.codes", "vectors.codes.notes")  # `backfile index` makes them in seconds
NOT_TAKEN = ("writer.lock", BACKUP_LIST, UNFINISHED, PARCELS, *CODES)
DRAFTS = (".tmp", ".new", ".renewed", ".backfile-aside")


def is_passing(name: str) -> bool:
    """Whether a file may lie in an archive and is in no backup: locks, logs, drafts, codes."""
    logs = tuple(f"{database}-" for database in DATABASES)
    return name in NOT_TAKEN or name.startswith(logs) or name.endswith(DRAFTS)


class Cache(NamedTuple):
    """A cache that a backup may take along.

    `files` lists the files of its present state, which may be removed at any time; it raises
    EngineUnavailable if they cannot be told.
    """

    name: str
    files: Callable[[], list[Path]]


@dataclass(frozen=True, slots=True)
class BackupReport:
    """What was done; `notes` says what is not in the backup, and what makes it again."""

    made: BackupList
    copied: int
    linked: int
    kept: int
    notes: tuple[str, ...]


class TakenFiles:
    """Takes the files of one archive into a draft."""

    def __init__(
        self,
        directory: ArchiveDirectory,
        draft: Draft,
        place: Path,
        earlier: BackupList | None,
        caches: Sequence[Cache],
    ) -> None:
        self._directory = directory
        self._draft = draft
        self._place = place
        self._earlier = earlier
        self._caches = caches
        self._left_out: list[str] = []
        self._notes: list[str] = []

    def take(self, live: sqlite3.Connection) -> BackupReport:
        """Take all files, in the order that keeps caches and vectors behind the record.

        `live` is the archive's catalogue.
        """
        self._take_small()
        self._take_graph()
        self._take_inbox()
        self._take_originals(originals_in(live))
        for cache in self._caches:
            self._take_cache(cache)
        embedded = embedded_in(live)
        self._take_vectors(generation_in(live))
        self._take_record(live)
        self._complete_vectors(embedded)
        self._take_journal()
        self._take_collections()
        self._take_set_aside()
        self._note_others()
        made = self._listed()
        n_copied, n_kept = len(self._draft.copied), len(self._draft.kept)
        n_linked = len(made.files) - n_copied - n_kept
        return BackupReport(made, n_copied, n_linked, n_kept, tuple(self._notes))

    def _take_small(self) -> None:
        # The manifest goes before the words' index: a `rebuild lexical` in between is then seen.
        for name in SMALL:
            with suppress(FileNotFoundError):
                self._take_path(self._directory.root / name, name)

    def _take_graph(self) -> None:
        """Take the graph of an archive in int8, whose files are written once."""
        for path in sorted(self._directory.int8_graph.glob("*")):
            self._take_path(path, path.relative_to(self._directory.root).as_posix())

    def _take_inbox(self) -> None:
        """Take jobs, and results of earlier ones, before the catalogue, which counts those done."""
        inbox = self._directory.inbox
        for path in sorted([*inbox.glob("*.gz"), *inbox.glob("*/*.json")]):
            with suppress(FileNotFoundError):  # it is done
                self._take_path(path, path.relative_to(self._directory.root).as_posix())

    def _take_cache(self, cache: Cache) -> None:
        """Take one state of a cache, or leave it out."""
        reason = "it keeps changing"
        for _ in range(TRIES):
            try:
                if self._took(cache):
                    return
            except FileNotFoundError:
                pass  # a merge took a file away
            except EngineUnavailable as exc:
                reason = exc.reason
            self._draft.drop(cache.name)
            time.sleep(PAUSE)
        self._left_out.append(cache.name)
        remedy = CACHES[cache.name]
        remedy = "" if remedy in reason else f"; {remedy}"
        self._notes.append(f"{cache.name} is not in the backup: {reason}{remedy}")

    def _took(self, cache: Cache) -> bool:
        """Take the files of a cache; return False if they are not of one state.

        Open files outlive their removal. So they are of one state if they are still listed once all
        of them are open, and none is written to while it is copied.
        """
        files = cache.files()
        with ExitStack() as opened:
            streams = [opened.enter_context(path.open("rb")) for path in files]
            if cache.files() != files:
                return False
            for path, stream in zip(files, streams, strict=True):
                name = path.relative_to(self._directory.root).as_posix()
                before = os.fstat(stream.fileno())
                self._draft.take(stream, path, name)
                after = os.fstat(stream.fileno())
                if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
                    return False
        return True

    def _take_originals(self, digests: set[str]) -> set[str]:
        """Take those files that are not in the draft yet; return the digests that have no file."""
        missing = set(digests)
        for path in sorted(self._directory.originals.glob("??/*")):
            digest = path.name.partition(".")[0]
            name = path.relative_to(self._directory.root).as_posix()
            if digest in missing:
                with suppress(FileNotFoundError):
                    if name not in self._draft.files:
                        self._take_original(path, name)
                    missing.discard(digest)
        return missing

    def _take_original(self, path: Path, name: str) -> None:
        """Take one file; as originals never change, one that differs from a sound copy is bad."""
        with path.open("rb") as stream:
            same = self._draft.keep(name, os.fstat(stream.fileno()))
            if not same and not (holds_its_digest(self._place / name) and self._draft.keep(name)):
                self._draft.take(stream, path, name)

    def _keep_originals(self, digests: set[str]) -> set[str]:
        """Take those from the earlier backup that the archive lacks; return the others."""
        kept = {
            PurePosixPath(name).stem
            for name in (self._earlier.files if self._earlier else ())
            if PurePosixPath(name).stem in digests and self._draft.keep(name)
        }
        return digests - kept

    def _take_vectors(self, generation: int) -> None:
        """Take the vectors, then their checksums: no row then lacks its own.

        They are written in place; each change makes a new generation.
        """
        changed = not self._earlier or self._earlier.generation != generation
        for path in (self._directory.vectors, checksums_of(self._directory.vectors)):
            with suppress(FileNotFoundError), path.open("rb") as stream:
                self._draft.take(stream, path, path.name, anew=changed)

    def _take_record(self, live: sqlite3.Connection) -> None:
        """Take the catalogue, and the originals that it names.

        An original may go between both; then the catalogue is taken again.
        """
        for _ in range(TRIES):
            self._draft.take_database(live, self._directory.catalog.name, 0, NOT_TIDY)
            with self._copied_catalogue() as copy:
                digests = originals_in(copy)
            missing = self._take_originals(digests)
            if not missing - originals_in(live):
                break
        for name in [each for each in self._draft.files if each.startswith("originals/")]:
            if Path(name).name.partition(".")[0] not in digests:
                self._draft.drop(name)
        if missing := self._keep_originals(missing):
            self._notes.append(
                f"{len(missing):,} of the files that articles were read from are missing in the "
                "archive; `backfile index` again copies them"
            )

    def _complete_vectors(self, before: Rows) -> None:
        """Add rows that were embedded while the vectors were copied, and blank those that went."""
        with self._copied_catalogue() as copy:
            after = embedded_in(copy)
        added = np.setdiff1d(after, before, assume_unique=True)
        gone = np.setdiff1d(before, after, assume_unique=True)
        if not len(added) and not len(gone):
            return
        dimension = Manifest.read(self._directory.manifest).dimension
        live = VectorFile(self._directory.vectors, dimension)
        found = live.read(int(added[-1]) + 1 if len(added) else 0)
        vectors = found[added[added < len(found)]].astype(np.float32)
        sound = np.zeros(len(added), np.bool_)
        lengths = np.linalg.norm(vectors, axis=1)
        sound[: len(vectors)] = np.abs(lengths - 1) <= LENGTH_TOLERANCE
        path = self._draft.folder / self._directory.vectors.name
        files = (path, checksums_of(path))
        for each in files:
            if each.name in self._draft.files:
                self._draft.own(each.name)
        taken = VectorFile(path, dimension)
        taken.blank(gone)
        if sound.any():
            taken.write(added[sound], vectors[sound[: len(vectors)]])
        for each in files:
            if each.exists():
                self._draft.written(each.name, 0)
        if not sound.all():
            self._forget_embedded(added[~sound])

    def _forget_embedded(self, rows: Rows) -> None:
        """Mark rows as not embedded: they were removed, and blanked, after the catalogue was taken.

        The generation stays, so the article table goes.
        """
        with self._copied_catalogue() as copy:
            forget_embedded(copy, rows.tolist())
        self._draft.written(self._directory.catalog.name, 0)
        self._draft.drop(self._directory.columns.name)

    def _take_journal(self) -> None:
        """Take what is noted of originals, after the catalogue: each note is written before it."""
        for path in sorted(self._directory.originals.glob("*.json*")):
            self._take_path(path, path.relative_to(self._directory.root).as_posix())

    def _take_collections(self) -> None:
        """Take the collections in one state; damaged ones do not keep the archive from a backup."""
        path = self._directory.collections
        if not path.exists():
            return
        damage = Collections(path).problems()
        try:
            if not damage:
                with closing(connected(path)) as live:
                    self._draft.take_database(live, path.name, 0)
        except sqlite3.Error as exc:
            damage = [str(exc)]
        if damage:
            self._draft.drop(path.name)
            kept = self._draft.keep(path.name)
            instead = "the earlier backup of it stays" if kept else "it is not in the backup"
            remedy = "`backfile verify --repair` sets it aside"
            self._notes.append(f"{path.name} is damaged, so {instead} ({damage[0]}); {remedy}")

    def _take_set_aside(self) -> None:
        """Take what was damaged and is kept for people."""
        for path in sorted(self._directory.root.glob(f"{SET_ASIDE}*/*")):
            self._take_path(path, path.relative_to(self._directory.root).as_posix())

    def _note_others(self) -> None:
        for path in sorted(self._directory.root.iterdir()):
            if not is_part(path.name) and not is_passing(path.name):
                self._notes.append(f"{path.name} is not in the backup: it is no part of an archive")

    def _listed(self) -> BackupList:
        with self._copied_catalogue() as copy:
            n_articles, n_passages = counts_in(copy)
            return BackupList(
                made_at=moment(),
                archive=str(self._directory.root.resolve()),
                number=number_in(copy),
                generation=generation_in(copy),
                articles=n_articles,
                passages=n_passages,
                embedded=len(embedded_in(copy)),
                left_out=tuple(self._left_out),
                files=self._draft.files,
            )

    def _take_path(self, path: Path, name: str) -> None:
        with path.open("rb") as stream:
            self._draft.take(stream, path, name)

    @contextmanager
    def _copied_catalogue(self) -> Iterator[sqlite3.Connection]:
        path = self._draft.folder / self._directory.catalog.name
        with closing(sqlite3.connect(path)) as connection:
            yield connection
