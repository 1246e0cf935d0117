"""Stores an article table in a file, as a cache of the catalogue.

Loading the table from the catalogue takes 0.1 s for 77,000 passages, a fifth of a search from the
shell. The writer of an archive writes the file when it ends, unless little has changed since: then
a reader reads what has changed from the catalogue, so that both do work for what is new alone.
"""

import io
import json
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np

from backfile.archive.store.catalog import Catalog
from backfile.archive.store.directory import write_whole
from backfile.archive.store.sealing import new_digest
from backfile.index.model.arrays import load_array
from backfile.index.model.article_table import CATEGORIES, ArticleTable
from backfile.index.model.category import Category, Spelt

FORMAT = "columns-6"
EARLIER = b"{"  # the first byte of a file without a digest, of an earlier release
MOST_CHANGED = 2_000  # articles that a reader reads from the catalogue: 0.1 s
MOST_BYTES = 200  # of the digest, and of the head
LEAST_SHARE = 8  # a table is loaded anew if more than an eighth of it has changed


class ArticleTableFile:
    """The file with the article table of one archive."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> ArticleTable | None:
        """Read the table, of whatever generation; None if there is no file or it is damaged."""
        try:
            stream = io.BytesIO(_checked(self._path.read_bytes()))
            head = json.loads(stream.readline())
            if head["format"] != FORMAT:
                return None
            return ArticleTable(head["generation"], **_columns(stream))
        except (OSError, ValueError, KeyError, TypeError, EOFError, IndexError):
            return None

    def is_damaged(self) -> bool:
        """Whether there is a file that does not have its digest."""
        try:
            _checked(self._path.read_bytes())
        except FileNotFoundError:
            return False
        except (OSError, ValueError):
            return True
        return False

    def bring_up(self, catalog: Catalog) -> None:
        """Write the table of the current generation, unless little has changed since the file."""
        since = self._generation()
        if since is None or catalog.touched.count(since, MOST_CHANGED) is None:
            table = latest(catalog, catalog.generation(), self.read())
            write_whole(self._path, encode(table))

    def agrees(self, catalog: Catalog) -> bool:
        """Whether the file, with what has changed since, equals the table in the catalogue."""
        generation = catalog.generation()
        stored = self.read()
        if stored is None:
            return True
        found = latest(catalog, generation, stored)
        expected = encode(ArticleTable.load(catalog, generation))
        return encode(found) == expected or catalog.generation() != generation

    def clear(self) -> None:
        self._path.unlink(missing_ok=True)

    def _generation(self) -> int | None:
        """The generation of the file, None if there is none that can be read."""
        try:
            with self._path.open("rb") as stream:
                stream.readline(MOST_BYTES)
                head = json.loads(stream.readline(MOST_BYTES))
            return int(head["generation"]) if head["format"] == FORMAT else None
        except (OSError, ValueError, KeyError, TypeError):
            return None


def latest(catalog: Catalog, generation: int, earlier: ArticleTable | None) -> ArticleTable:
    """The table of a generation that was current just now, made of an earlier one if that helps."""
    if earlier is not None and earlier.generation == generation:
        return earlier
    if earlier is not None:
        most = max(MOST_CHANGED, earlier.n_articles // LEAST_SHARE)
        changes = catalog.touched.since(earlier.generation, most)
        if changes is not None:
            return earlier.changed(changes, generation)
    return ArticleTable.load(catalog, generation)


def encode(table: ArticleTable) -> bytes:
    """Encode as a digest of the rest, a head, the spellings of categories, and arrays as npy.

    The first three are a line each, the latter two JSON.
    """
    values = {each.name: getattr(table, each.name) for each in fields(table)}
    generation = values.pop("generation")
    spelt = {name: values[name].spelt for name in CATEGORIES}
    stream = io.BytesIO()
    stream.write(json.dumps({"format": FORMAT, "generation": generation}).encode() + b"\n")
    stream.write(json.dumps({name: each.spellings for name, each in spelt.items()}).encode())
    stream.write(b"\n")
    for name, value in values.items():
        for array in spelt[name][1:] if name in spelt else (value,):
            np.save(stream, array, allow_pickle=False)
    content = stream.getvalue()
    return new_digest(content).hexdigest().encode() + b"\n" + content


def _checked(stored: bytes) -> bytes:
    """Take the digest off what `encode` gave; raise ValueError if it does not fit.

    A file of an earlier release is returned as it is: its head names another format.
    """
    digest, _, content = stored.partition(b"\n")
    if stored.startswith(EARLIER):
        return stored
    if new_digest(content).hexdigest().encode() != digest:
        raise ValueError("it does not have its digest")
    return content


def _columns(stream: io.BytesIO) -> dict[str, Any]:
    values: dict[str, Any] = {}
    spellings = json.loads(stream.readline())
    for name in (each.name for each in fields(ArticleTable) if each.name != "generation"):
        array = load_array(stream)
        if name in CATEGORIES:
            spelt = Spelt(tuple(spellings[name]), array, load_array(stream))
            values[name] = Category.of_spelt(spelt, len(values["published"]))
        else:
            values[name] = array
    return values
