"""The list of a backup, `backup.json`: each file with its size and digest; and the check by it."""

import json
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple, Self

from backfile.archive.model.errors import BackupUnusable
from backfile.archive.store.directory import (
    COLLECTIONS,
    SET_ASIDE,
    ArchiveDirectory,
    write_whole,
)
from backfile.archive.store.sealing import damage_of

FORMAT = 1
RECORD = (
    "manifest.json",
    "followed.json",
    "ranking.json",
    "originals",
    "inbox",
    "vectors",
    "vectors.sums",
    "int8-graph",
    "catalog.db",
    COLLECTIONS,
)
DATABASES = ("catalog.db", COLLECTIONS)
CACHES = {
    "lexical": "`backfile rebuild lexical` makes it",
    "chroma": "`backfile rebuild vectors` makes it",
    "query-graph": "`backfile index` makes it",
    "noise.json": "`backfile index` makes it",
    "columns": "`backfile index` makes it",
}
"""Each cache of an archive, and what makes it again."""
WRITTEN_ONCE = ("lexical", "query-graph")
"""Caches whose files nothing writes to again; earlier releases wrote to Chroma's."""


def is_part(name: str) -> bool:
    """Whether a file or folder of this name belongs to an archive."""
    return is_record(name) or name in CACHES


def is_record(name: str) -> bool:
    """Whether a file or folder of this name cannot be made again."""
    return name in RECORD or name.startswith(SET_ASIDE)


Watch = Callable[[int], object]
"""Called with a number of bytes whenever so many more were copied or checked."""


class ListedFile(NamedTuple):
    """One file of a backup; `modified` is the time, in ns, of the file that it was copied from."""

    size: int
    digest: str
    modified: int


class Damage(NamedTuple):
    """A file that is not as the list says, and why."""

    name: str
    reason: str

    @property
    def part(self) -> str:
        """The file or folder of the archive that it belongs to."""
        return self.name.partition("/")[0]

    def __str__(self) -> str:
        return f"{self.name} {self.reason}"


@dataclass(frozen=True, slots=True)
class BackupList:
    """What a backup holds, and of which state of which archive.

    `made_at` is ISO 8601 in UTC, `archive` an absolute path. `number` names the archive; it is 0 if
    an older release made it. `left_out` names the caches that were not taken; `files` has paths
    below the backup, with `/`.
    """

    made_at: str
    archive: str
    number: int
    generation: int
    articles: int
    passages: int
    embedded: int
    left_out: tuple[str, ...]
    files: Mapping[str, ListedFile]

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read the list of a backup; raise BackupUnusable if there is none or it is damaged."""
        path = ArchiveDirectory(folder).backup_list
        try:
            stored = json.loads(path.read_bytes())
        except FileNotFoundError:
            reason = f"{path.name} is not there, so this is no backup or not a whole one"
            raise BackupUnusable(folder, reason) from None
        except (OSError, ValueError) as exc:
            raise BackupUnusable(folder, f"{path.name} cannot be read ({exc})") from exc
        try:
            return cls._of(stored)
        except (KeyError, TypeError, ValueError, AttributeError) as exc:
            raise BackupUnusable(folder, f"{path.name} is not a list of a backup ({exc})") from exc

    @classmethod
    def _of(cls, stored: Any) -> Self:
        if stored["format"] != FORMAT:
            raise ValueError(f"format {stored['format']} instead of {FORMAT}")
        listed = {name: ListedFile(*each) for name, each in stored["files"].items()}
        for name, (size, digest, modified) in listed.items():
            if not (_is_inside(name) and type(size) is type(modified) is int):
                raise ValueError(f"{name!r} cannot be a file of a backup")
            bytes.fromhex(digest)
        values = {field.name: stored[field.name] for field in fields(cls)}
        return cls(**values | {"files": listed, "left_out": tuple(stored["left_out"])})

    def write(self, folder: Path) -> None:
        """Write the list, a line a file; whole or not at all."""
        values = {"format": FORMAT} | asdict(self)
        listed = [f"{json.dumps(n)}: {json.dumps(list(f))}" for n, f in sorted(self.files.items())]
        head = json.dumps({name: v for name, v in values.items() if name != "files"}, indent=2)
        text = f'{head[:-2]},\n  "files": {{\n    ' + ",\n    ".join(listed) + "\n  }\n}\n"
        path = ArchiveDirectory(folder).backup_list
        write_whole(path, text.encode())
        path.chmod(0o600)


def damages(
    folder: Path, files: Mapping[str, ListedFile], watch: Watch = lambda _: None
) -> Iterator[Damage]:
    """Read these files of a backup; yield each that is not as the list says.

    Of a database that is, SQLite is asked whether it is sound.
    """
    for name, listed in files.items():
        damage = damage_of(folder / name, listed.size, listed.digest)
        watch(listed.size)
        if damage:
            yield Damage(name, damage)
        elif name in DATABASES and (problem := _unsound(folder / name)):
            yield Damage(name, f"is not sound: {problem}")


def files_below(path: Path) -> list[Path]:
    """List the files of a cache that is one file, or a folder of files."""
    if path.is_file():
        return [path]
    return sorted(each for each in path.rglob("*") if each.is_file())


def _unsound(database: Path) -> str:
    """The first problem that SQLite finds in a database that nobody writes to, if it finds one."""
    try:
        uri = f"{database.resolve().as_uri()}?mode=ro&immutable=1"
        connection = sqlite3.connect(uri, uri=True)
        try:
            found = connection.execute("PRAGMA integrity_check(1)").fetchall()
        finally:
            connection.close()
    except sqlite3.Error as exc:
        return str(exc)
    return "" if found == [("ok",)] else " ".join(str(found[0][0]).split())


def _is_inside(name: str) -> bool:
    path = PurePosixPath(name)
    known = path.parts and is_part(path.parts[0])
    return bool(known) and not path.is_absolute() and ".." not in path.parts and str(path) == name
