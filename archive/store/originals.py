"""Keeps the original bytes of articles, so that a better reader can read them again.

Each file is stored once, compressed, under its SHA-256; its place and the options of its reader are
in the catalogue. A member of a ZIP file or a page of a web archive is a file of its own.
"""

import gzip
import hashlib
import io
import json
import shutil
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Delete,
    Integer,
    delete,
    func,
    insert,
    literal_column,
    select,
    tuple_,
)

from backfile.archive.formats.files import SourceFile
from backfile.archive.store.database import Database, delete_rows, find_rows, is_unfinished
from backfile.archive.store.journal import Journal
from backfile.archive.store.schema import NOTHING, articles, originals, releases, versions
from backfile.archive.store.trust import make_private_folder, open_private

COPIED_AT_ONCE = 1 << 20  # bytes
COMPRESSION = 1  # of gzip's 9: news to a third, at 100 MB/s; 6 takes four times as long for a tenth
ROWS_AT_ONCE = 500
DRAFT = "copying"  # there is one writer

Options = Mapping[str, Any]


class Originals:
    """The files that articles of an archive were read from; there is one writer.

    Notes of files that were copied wait until `note` writes them in the transaction of a batch.
    """

    def __init__(self, database: Database, folder: Path) -> None:
        self._database = database
        self._folder = folder
        self._waiting: dict[tuple[str, str], dict[str, Any]] = {}
        self._journal = Journal(folder)

    def keep(self, file: SourceFile, options: Options) -> SourceFile:
        """Copy a file that is about to be read; return it with its digest.

        `options` are those of its reader, for reading it again.
        """
        digest = self._copied(file)
        self._waiting[digest, file.place] = {
            "digest": digest,
            "place": file.place,
            "offset": file.offset,
            "key": file.key,
            "told": json.dumps(dict(file.defaults) | {"version": file.version}),
            "options": json.dumps(options),
        }
        if len(self._waiting) >= ROWS_AT_ONCE:
            with self._database.writing() as connection:
                self.note(connection)
        return replace(file, digest=digest)

    def note(self, connection: Connection) -> None:
        """Write the notes that wait, in place of earlier ones of the same files."""
        key = tuple_(originals.c.digest, originals.c.place)
        known = find_rows(connection, select(originals), key, self._waiting)
        same = [dict(row._mapping) for row in known]
        new = [note for note in self._waiting.values() if note not in same]
        if new:
            self._journal.add(new)
            taken = [(note["digest"], note["place"]) for note in new]
            delete_rows(connection, delete(originals), key, taken)
            connection.execute(insert(originals), new)
        self._waiting.clear()

    def __iter__(self) -> Iterator[tuple[SourceFile, Options]]:
        """Iterate over the files in the order they were read, with the options of their readers."""
        for row in self._rows():
            told = json.loads(row["told"])
            version = told.pop("version")
            raw = partial(_opened, self._path(row["digest"]))
            place, digest = row["place"], row["digest"]
            yield (
                SourceFile(place, row["key"], raw, row["offset"], told, version, digest),
                json.loads(row["options"]),
            )

    def _rows(self) -> Iterator[dict[str, Any]]:
        """Iterate over the notes in the order in which they were written: later ones win."""
        last = 0
        rowid: ColumnElement[int] = literal_column("rowid", Integer)
        while True:
            chosen = select(originals, rowid.label("rowid")).where(rowid > last).order_by(rowid)
            with self._database.reading() as connection:
                rows = connection.execute(chosen.limit(ROWS_AT_ONCE)).mappings().all()
            if not rows:
                return
            for row in map(dict, rows):
                last = row.pop("rowid")
                yield row

    def count(self) -> int:
        """Count the files."""
        with self._database.reading() as connection:
            chosen = select(func.count()).select_from(originals)
            return connection.execute(chosen).scalar_one()

    def release(self, connection: Connection) -> bool:
        """Delete the notes of files that no article and no version was read from.

        Their digests are noted in the same transaction; `sweep` deletes the bytes once it is
        committed. Returns whether any wait for that, also from a run that was killed. Nothing is
        released while lost articles are read again.
        """
        self.note(connection)
        if is_unfinished(connection):
            return False
        unused = set(connection.execute(_unused().returning(originals.c.digest)).scalars())
        known = set(connection.execute(select(releases.c.digest)).scalars())
        if unused - known:
            rows = [{"digest": digest} for digest in sorted(unused - known)]
            connection.execute(insert(releases), rows)
        return bool(unused | known)

    def sweep(self) -> None:
        """Delete the bytes that were released, and no others."""
        named = select(originals.c.digest).where(originals.c.digest == releases.c.digest)
        with self._database.writing() as connection:
            gone = connection.execute(select(releases.c.digest).where(~named.exists())).scalars()
            for digest in gone.all():
                self._path(digest).unlink(missing_ok=True)
            connection.execute(delete(releases))
        self._journal.shorten(self._rows())

    def set_aside(self, folder: Path) -> list[str]:
        """Move the files that no article could be read from to a folder; return their places."""
        self._journal.replace(self._rows())
        with self._database.writing() as connection:
            unused = connection.execute(_unused().returning(originals)).mappings().all()
            named = set(connection.execute(select(originals.c.digest)).scalars())
            for digest in {row["digest"] for row in unused} - named:
                if self._path(digest).exists():
                    self._path(digest).replace(folder / f"{digest}.gz")
        if unused:
            Journal(folder).replace(map(dict, unused))
        return [row["place"] for row in unused]

    def bring_up_journal(self, removed: Mapping[str, str]) -> None:
        """Write the journal if there is none, and who was removed."""
        if not self._journal.exists and self.count():
            self._journal.replace(self._rows())
        self._journal.note_removed(removed)

    def damaged(self) -> Iterator[str]:
        """Read every file; yield the digests of those that are missing or damaged."""
        with self._database.reading() as connection:
            digests = connection.execute(select(originals.c.digest).distinct()).scalars().all()
        for digest in digests:
            try:
                with _opened(self._path(digest)) as stream:
                    sound = hashlib.file_digest(stream, "sha256").hexdigest() == digest
            except (OSError, EOFError, zlib.error):
                sound = False
            if not sound and self._is_noted(digest):  # else it was deleted meanwhile
                yield digest

    def forget(self, digests: Sequence[str]) -> None:
        """Delete files by digest, so that they are copied again when they are next read."""
        for digest in digests:
            self._path(digest).unlink(missing_ok=True)
        with self._database.writing() as connection:
            delete_rows(connection, delete(originals), originals.c.digest, digests)

    def _is_noted(self, digest: str) -> bool:
        noted = select(originals.c.digest).where(originals.c.digest == digest).limit(1)
        with self._database.reading() as connection:
            return connection.execute(noted).first() is not None

    def _path(self, digest: str) -> Path:
        return path_of(self._folder, digest)

    def _copied(self, file: SourceFile) -> str:
        """Copy the bytes, unless they are stored already; whole or not at all."""
        with file.raw() as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        path = self._path(digest)
        if not path.exists():
            make_private_folder(path.parent)
            draft = self._folder / DRAFT
            with (
                file.raw() as stream,
                open(draft, "wb", opener=open_private) as bytes_of_it,
                gzip.open(bytes_of_it, "wb", COMPRESSION) as packed,
            ):
                shutil.copyfileobj(stream, packed, COPIED_AT_ONCE)
            draft.replace(path)
        return digest


def path_of(folder: Path, digest: str) -> Path:
    """The file below the folder of the originals that holds the bytes of a digest, compressed."""
    return folder / digest[:2] / f"{digest}.gz"


def _opened(path: Path) -> io.BufferedReader:
    return io.BufferedReader(gzip.open(path))


def _unused() -> Delete:
    """The statement that deletes the notes no article and no version refers to."""
    used = [
        select(table.c.origin_digest).where(
            table.c.origin_digest == originals.c.digest,
            table.c.origin_digest != NOTHING,
            table.c.origin_file == originals.c.place,
        )
        for table in (articles, versions)
    ]
    return delete(originals).where(~used[0].exists(), ~used[1].exists())
