"""Makes a backup of an archive, also while another process writes to it.

A backup is an archive that is only read, with a list of its files. A new one is made beside the
earlier one and switched with it at the end, so a kill leaves the one or the other, whole.

It is in the state in which a kill at one moment would have left the archive, and the next
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

from backfile.archive.model.errors import BackupRefused, BackupUnusable, EngineUnavailable
from backfile.archive.store.backup_list import CACHES, RECORD, BackupList, Watch, damages
from backfile.archive.store.catalog_reading import (
    connected,
    counts_in,
    embedded_in,
    forget_embedded,
    generation_in,
    originals_in,
)
from backfile.archive.store.directory import BACKUP_LIST, ArchiveDirectory
from backfile.archive.store.draft import (
    UNFINISHED,
    Draft,
    are_apart,
    draft_of,
    drafted,
    holds_its_digest,
    reason_of,
)
from backfile.archive.store.history import moment
from backfile.archive.store.manifest import Manifest
from backfile.archive.store.switching import settle_switch, switch
from backfile.archive.store.vectors import Rows, VectorFile, checksums_of

TRIES = 10
PAUSE = 0.05  # seconds between two tries
LENGTH_TOLERANCE = 0.01  # of a vector's length from 1; one that is blanked in part is shorter
SMALL = ("manifest.json", "followed.json", "ranking.json")  # files that are replaced whole
NOT_TAKEN = (
    "writer.lock",
    "catalog.db-wal",
    "catalog.db-shm",
    "lexical.new",
    "query-graph.new",
    BACKUP_LIST,
    UNFINISHED,
)
"""What may lie in an archive and is in no backup, beside files with `.tmp`."""


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


def back_up(
    directory: ArchiveDirectory, place: Path, caches: Sequence[Cache], watch: Watch = lambda _: None
) -> BackupReport:
    """Make a backup of an archive at a path; files that did not change are taken from the last one.

    Raises BackupRefused where no backup can be made, and EngineUnavailable where the archive's own
    catalogue cannot be read.
    """
    directory.require()
    place = place.resolve()
    with _refusing(place):
        settle_switch(draft_of(place), place)
        earlier = _earlier(directory, place)
        place.parent.mkdir(parents=True, exist_ok=True)
        with drafted(place) as folder:
            listed = earlier.files if earlier else {}
            draft = Draft(folder, watch, place, listed)
            report = _Taking(directory, draft, place, earlier, caches).take()
            _finish(place, draft, report.made, watch)
            switch(folder, place)
        return report


class _Taking:
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

    def take(self) -> BackupReport:
        """Take all files, in the order that keeps caches and vectors behind the record."""
        with _catalogue(self._directory) as live:
            self._require_newer(live)
            self._take_small()
            self._take_originals(originals_in(live))
            for cache in self._caches:
                self._take_cache(cache)
            embedded = embedded_in(live)
            self._take_vectors(generation_in(live))
            self._take_record(live)
            self._complete_vectors(embedded)
            self._note_others()
            made = self._listed()
        n_copied, n_kept = len(self._draft.copied), len(self._draft.kept)
        n_linked = len(made.files) - n_copied - n_kept
        return BackupReport(made, n_copied, n_linked, n_kept, tuple(self._notes))

    def _require_newer(self, live: sqlite3.Connection) -> None:
        """Raise BackupRefused if the archive was lost and made anew since the earlier backup."""
        earlier, generation = self._earlier, generation_in(live)
        if not earlier or generation >= earlier.generation:
            return
        n_articles, _ = counts_in(live)
        reason = (
            f"it holds a later state of the archive ({earlier.articles:,} articles, generation "
            f"{earlier.generation:,}) than is there now ({n_articles:,} articles, generation "
            f"{generation:,}); give another folder, or remove this backup"
        )
        raise BackupRefused(self._place, reason)

    def _take_small(self) -> None:
        # The manifest goes before the words' index: a `rebuild lexical` in between is then seen.
        for name in SMALL:
            with suppress(FileNotFoundError):
                self._take_path(self._directory.root / name, name)

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
            self._draft.take_database(live, self._directory.catalog.name, 0)
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
        added, gone = np.setdiff1d(after, before), np.setdiff1d(before, after)
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

    def _note_others(self) -> None:
        known = {*RECORD, *CACHES, *NOT_TAKEN}
        for path in sorted(self._directory.root.iterdir()):
            if path.name not in known and path.suffix != ".tmp":
                self._notes.append(f"{path.name} is not in the backup: it is no part of an archive")

    def _listed(self) -> BackupList:
        with self._copied_catalogue() as copy:
            n_articles, n_passages = counts_in(copy)
            return BackupList(
                made_at=moment(),
                archive=str(self._directory.root.resolve()),
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


def _earlier(directory: ArchiveDirectory, place: Path) -> BackupList | None:
    """Read the list of the backup that is there; None for none, and for a damaged one.

    Raises BackupRefused if something else is there.
    """
    root = directory.root.resolve()
    if not are_apart(place, root):
        raise BackupRefused(place, f"the archive is at {root}; give a folder outside of it")
    if os.path.ismount(place):
        raise BackupRefused(place, "it is a mount point; give a folder in it")
    if not place.exists():
        return None
    if not place.is_dir():
        raise BackupRefused(place, "it is a file; give a folder")
    if not ArchiveDirectory(place).backup_list.exists():
        if any(place.iterdir()):
            reason = "it holds files that are no backup; give an empty or a new folder"
            raise BackupRefused(place, reason)
        return None
    try:
        earlier = BackupList.read(place)
    except BackupUnusable:
        return None
    other = ArchiveDirectory(Path(earlier.archive))
    if other.root != root and other.exists():
        reason = f"it is a backup of the archive at {other.root}; give another folder"
        raise BackupRefused(place, reason)
    return earlier


def _finish(place: Path, draft: Draft, made: BackupList, watch: Watch) -> None:
    """Write what is in memory to the disk, read the copies back, and add the list."""
    os.sync()  # once for all: fsync of each small file takes milliseconds
    copied = {name: draft.files[name] for name in draft.copied}
    if damage := next(damages(draft.folder, copied, watch), None):
        reason = f"{damage} once it is copied; `backfile verify` says whether the archive is sound"
        raise BackupRefused(place, reason)
    made.write(draft.folder)
    (draft.folder / UNFINISHED).unlink()


@contextmanager
def _refusing(place: Path) -> Iterator[None]:
    """Say of the system's errors that there is no new backup."""
    try:
        yield
    except OSError as exc:
        reason = f"{reason_of(exc)}; what was there before is unchanged"
        raise BackupRefused(place, reason) from exc


@contextmanager
def _catalogue(directory: ArchiveDirectory) -> Iterator[sqlite3.Connection]:
    """Open the archive's catalogue; raise EngineUnavailable while it cannot be read."""
    try:
        with closing(connected(directory.catalog)) as connection:
            yield connection
    except sqlite3.Error as exc:
        reason = f"{exc}; no backup was made, `backfile verify` says more"
        raise EngineUnavailable("the catalogue", reason) from exc
