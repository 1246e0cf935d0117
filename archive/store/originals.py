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
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Delete, delete, func, insert, select, tuple_

from backfile.archive.formats.files import SourceFile
from backfile.archive.store.database import Database, delete_rows
from backfile.archive.store.schema import NOTHING, articles, originals, versions

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
        if not self._waiting:
            return
        key = tuple_(originals.c.digest, originals.c.place)
        delete_rows(connection, delete(originals), key, self._waiting)
        connection.execute(insert(originals), list(self._waiting.values()))
        self._waiting.clear()

    def __iter__(self) -> Iterator[tuple[SourceFile, Options]]:
        """Iterate over the files in order of place, each with the options of its reader."""
        last = ("", "")
        key = tuple_(originals.c.place, originals.c.digest)
        while True:
            chosen = select(originals).where(key > tuple_(*last)).limit(ROWS_AT_ONCE)
            with self._database.reading() as connection:
                rows = connection.execute(
                    chosen.order_by(originals.c.place, originals.c.digest)
                ).all()
            if not rows:
                return
            for row in rows:
                told = json.loads(row.told)
                version = told.pop("version")
                yield (
                    SourceFile(
                        row.place,
                        row.key,
                        partial(_opened, self._path(row.digest)),
                        row.offset,
                        told,
                        version,
                        row.digest,
                    ),
                    json.loads(row.options),
                )
            last = (rows[-1].place, rows[-1].digest)

    def count(self) -> int:
        """Count the files."""
        with self._database.reading() as connection:
            chosen = select(func.count()).select_from(originals)
            return connection.execute(chosen).scalar_one()

    def release(self, connection: Connection) -> set[str]:
        """Delete the notes of files that no article and no version was read from.

        Returns the digests that are left; `sweep` deletes the other bytes once this is committed.
        """
        self.note(connection)
        connection.execute(_unused())
        return set(connection.execute(select(originals.c.digest).distinct()).scalars())

    def sweep(self, kept: Container[str]) -> None:
        """Delete the bytes of all files but these, by digest."""
        for path in self._folder.glob("??/*"):
            if path.name.partition(".")[0] not in kept:
                path.unlink()
        (self._folder / DRAFT).unlink(missing_ok=True)

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
        return self._folder / digest[:2] / f"{digest}.gz"

    def _copied(self, file: SourceFile) -> str:
        """Copy the bytes, unless they are stored already; whole or not at all."""
        with file.raw() as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        path = self._path(digest)
        if not path.exists():
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            draft = self._folder / DRAFT
            with file.raw() as stream, gzip.open(draft, "wb", COMPRESSION) as packed:
                shutil.copyfileobj(stream, packed, COPIED_AT_ONCE)
            draft.replace(path)
        return digest


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
