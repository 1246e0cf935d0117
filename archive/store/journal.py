"""The journal of the originals: what the catalogue notes of them, kept beside their bytes.

The catalogue is the record; the journal is what it is made again from once it is lost. It is a file
of JSON lines, one for each note, written before the note is committed. A later line replaces an
earlier one of the same digest and place.
"""

import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from backfile.archive.store.directory import write_whole
from backfile.archive.store.trust import open_private

JOURNAL = "notes.jsonl"
REMOVED = "removed.json"
NAMES = ("digest", "place", "offset", "key", "told", "options")
SPARE_LINES = 1_000  # the journal is written anew when it has this many, and twice the notes

Note = Mapping[str, Any]


class Journal:
    """The journal of one archive; there is one writer."""

    def __init__(self, folder: Path) -> None:
        """`folder` is that of the originals, which may not exist yet."""
        self._path = folder / JOURNAL
        self._removed = folder / REMOVED

    def add(self, notes: Sequence[Note]) -> None:
        """Append notes, and wait until they are on disk."""
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with open(self._path, "a+b", opener=open_private) as stream:
            if stream.tell():  # a line that was cut short ends here, so that the next one is whole
                stream.seek(-1, os.SEEK_END)
                stream.write(b"" if stream.read(1) == b"\n" else b"\n")
            stream.writelines(_line(note).encode() for note in notes)
            stream.flush()
            os.fsync(stream.fileno())

    def notes(self) -> Iterator[Note]:
        """The latest note of each digest and place, in order; damaged lines are skipped."""
        found: dict[tuple[str, str], Note] = {}
        for note in self._read():
            key = note["digest"], note["place"]
            found.pop(key, None)  # it goes behind those that were written meanwhile
            found[key] = note
        yield from found.values()

    def shorten(self, notes: Iterable[Note]) -> None:
        """Write the journal anew with these notes alone, once most of its lines are old."""
        current = list(notes)
        if sum(1 for _ in self._read()) > 2 * len(current) + SPARE_LINES:
            self.replace(current)

    def replace(self, notes: Iterable[Note]) -> None:
        """Write the journal anew with these notes alone."""
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_whole(self._path, "".join(map(_line, notes)).encode())

    @property
    def exists(self) -> bool:
        return self._path.exists()

    def removed(self) -> list[tuple[str, str]]:
        """The articles that people have removed: ids, and when (ISO 8601 in UTC)."""
        try:
            stored = json.loads(self._removed.read_bytes())
            return [(str(each), str(moment)) for each, moment in stored.items()]
        except (OSError, ValueError, AttributeError):
            return []

    def note_removed(self, removed: Mapping[str, str]) -> None:
        """Replace the list of removed articles, if it has changed."""
        if dict(self.removed()) != removed:
            self._removed.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_whole(self._removed, json.dumps(removed).encode())

    def _read(self) -> Iterator[dict[str, Any]]:
        try:
            lines = self._path.open(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            return
        with lines:
            for line in lines:
                try:
                    note = json.loads(line)
                    yield {name: note[name] for name in NAMES}
                except (ValueError, KeyError, TypeError):
                    continue  # it was cut short when a process was killed


def _line(note: Note) -> str:
    return json.dumps({name: note[name] for name in NAMES}, ensure_ascii=False) + "\n"
