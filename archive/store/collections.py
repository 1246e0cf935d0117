"""Collections: named sets of articles that a reader has starred, each with a note and tags.

Their articles are known by id, whether they are in the archive or not: an article that is removed
stays in its collections, with the title that it had, and is found again if it comes back.
"""

import difflib
import re
import sqlite3
import unicodedata
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from backfile.archive.model.errors import BadQuery
from backfile.archive.model.message import Message
from backfile.archive.store.collections_file import (
    CollectionsFile,
    clean_name,
    revision_of,
)
from backfile.archive.store.directory import ArchiveDirectory
from backfile.archive.store.history import moment
from backfile.archive.store.saved_searches import SavedSearches
from backfile.archive.workers import batches

STARRED = "Starred"
"""The collection that a star puts an article into if none is named: there is always one."""
MOST_COLLECTIONS = 10_000
MOST_ARTICLES = 100_000  # of one collection
LONGEST_NOTE = 4_000  # characters
LONGEST_TAG = 50  # characters
MOST_TAGS = 20  # of one article
LONGEST_TITLE = 300  # characters
VALUES_AT_ONCE = 900
NOT_IN_NOTES = re.compile(r"[\x00-\x09\x0b-\x1f\x7f]")
END_OF_LINE = re.compile(r"[^\S\n]+(?=\n)")


class Collection(NamedTuple):
    """A collection; `version` is another number after each change of its articles."""

    number: int
    name: str
    articles: int
    version: int


class Entry(NamedTuple):
    """An article of a collection; `title` is the one that it had when it was starred.

    `starred_at` is an instant, ISO 8601 in UTC.
    """

    article_id: str
    title: str
    note: str
    starred_at: str
    tags: tuple[str, ...]


class Collections:
    """The collections and the saved searches of one archive."""

    def __init__(self, path: Path) -> None:
        self._file = CollectionsFile(path)
        self.searches = SavedSearches(self._file)

    @property
    def path(self) -> Path:
        return self._file.path

    def problems(self) -> list[str]:
        """What is damaged in the file; empty if it is sound, or not there."""
        return self._file.problems()

    def set_aside(self) -> Path | None:
        """Move a damaged file to a folder for people, and return that; None if it is sound."""
        if not self.problems():
            return None
        aside = ArchiveDirectory(self.path.parent).new_set_aside()
        for suffix in ("-wal", "-shm", ""):
            with suppress(FileNotFoundError):
                log = self.path.with_name(self.path.name + suffix)
                log.rename(aside / log.name)
        return aside

    def revision(self) -> int:
        """The number of changes so far, of anything; 0 where there are no collections."""
        with self._file.reading() as connection:
            return revision_of(connection)

    def count(self) -> int:
        with self._file.reading() as connection:
            return _count(connection)

    def listed(self, limit: int, offset: int = 0) -> list[Collection]:
        """List collections by name, with the numbers of their articles."""
        chosen = f"{COUNTED} ORDER BY key LIMIT ? OFFSET ?"
        with self._file.reading() as connection:
            return [Collection(*row) for row in connection.execute(chosen, (limit, offset))]

    def named(self, name: str) -> Collection:
        """The collection of this name, whatever its case; raise BadQuery, which names the next."""
        with self._file.reading() as connection:
            return _named(connection, name)

    def make(self, name: str) -> Collection:
        """The collection of this name, made if there is none; raise BadQuery."""
        with self._file.writing() as connection:
            return _made(connection, name)

    def rename(self, name: str, new: str) -> Collection:
        """Give a collection another name; raise BadQuery if another one has it."""
        new = clean_name("name", new)
        with self._file.writing() as connection:
            found = _named(connection, name)
            found = found if found.number else _made(connection, found.name)
            other = _find(connection, new)
            if other and other.number != found.number:
                reason = Message("there is a collection %(name)s already", name=other.name)
                raise BadQuery("name", reason)
            connection.execute(
                "UPDATE collections SET name = ?, key = ? WHERE number = ?",
                (new, _key(new), found.number),
            )
            return found._replace(name=new)

    def delete(self, name: str) -> Collection:
        """Delete a collection with its notes and tags; its articles stay in the archive."""
        with self._file.writing() as connection:
            found = _named(connection, name)
            connection.execute("DELETE FROM collections WHERE number = ?", (found.number,))
            return found

    def add(self, name: str, articles: Iterable[tuple[str, str]]) -> int:
        """Put articles, (id, title), into a collection, which is made if there is none.

        Returns how many were not in it before. Raises BadQuery if there were too many in it then.
        """
        now, given = moment(), list(articles)
        with self._file.writing() as connection:
            found = _made(connection, name)
            # The last starred is listed first, and so is the first of several.
            rows = ((found.number, i, t[:LONGEST_TITLE], "", now) for i, t in reversed(given))
            added = connection.executemany(
                "INSERT OR IGNORE INTO entries VALUES (?, ?, ?, ?, ?)", rows
            ).rowcount
            if found.articles + added > MOST_ARTICLES:
                reason = Message("a collection has at most %(most)s articles", most=MOST_ARTICLES)
                raise BadQuery("collection", reason)
            if added:
                _touch(connection, found)
        return added

    def remove(self, name: str, article_ids: Iterable[str]) -> int:
        """Take articles out of a collection, with their notes; return how many were in it."""
        with self._file.writing() as connection:
            found = _named(connection, name)
            removed = connection.executemany(
                "DELETE FROM entries WHERE collection = ? AND article = ?",
                ((found.number, each) for each in article_ids),
            ).rowcount
            if removed:
                _touch(connection, found)
        return removed

    def annotate(self, name: str, article_id: str, note: str, tags: Sequence[str]) -> Entry:
        """Set the note and the tags of an article in a collection; raise BadQuery."""
        note, tags = clean_note(note), clean_tags(tags)
        with self._file.writing() as connection:
            key = (_named(connection, name).number, article_id)
            _entry(connection, *key)
            connection.execute(
                "UPDATE entries SET note = ? WHERE collection = ? AND article = ?", (note, *key)
            )
            connection.execute("DELETE FROM tags WHERE collection = ? AND article = ?", key)
            connection.executemany("INSERT INTO tags VALUES (?, ?, ?)", ((*key, t) for t in tags))
            return _entry(connection, *key)

    def entries(self, name: str, limit: int, offset: int = 0, *, tag: str = "") -> list[Entry]:
        """List the articles of a collection, or those with a tag, the last starred first."""
        with self._file.reading() as connection:
            number = _named(connection, name).number
            return _entries(connection, number, tag=tag, page=(limit, offset))

    def entry(self, name: str, article_id: str) -> Entry:
        """An article of a collection; raise BadQuery if it is not in it."""
        with self._file.reading() as connection:
            return _entry(connection, _named(connection, name).number, article_id)

    def count_tags(self, name: str) -> dict[str, int]:
        """The tags of a collection and how many of its articles have each, by name."""
        chosen = "SELECT tag, COUNT(*) FROM tags WHERE collection = ? GROUP BY tag ORDER BY tag"
        with self._file.reading() as connection:
            return dict(connection.execute(chosen, (_named(connection, name).number,)).fetchall())

    def members(self, name: str) -> tuple[Collection, list[str]]:
        """A collection with the ids of all its articles, in one state; raise BadQuery."""
        with self._file.reading() as connection:
            found = _named(connection, name)
            chosen = connection.execute(
                "SELECT article FROM entries WHERE collection = ?", (found.number,)
            )
            return found, [row[0] for row in chosen]

    def holding(self, article_ids: Iterable[str]) -> dict[str, list[str]]:
        """The names of the collections of each of these articles that is in any, by id."""
        found: dict[str, list[str]] = {}
        with self._file.reading() as connection:
            for some in batches(article_ids, VALUES_AT_ONCE):
                places = ", ".join("?" * len(some))
                chosen = f"{HELD} WHERE article IN ({places}) ORDER BY key"
                for article_id, name in connection.execute(chosen, some):
                    found.setdefault(article_id, []).append(name)
        return found


COUNTED = (
    "SELECT number, name, (SELECT COUNT(*) FROM entries WHERE collection = number), version"
    " FROM collections"
)
HELD = "SELECT article, name FROM entries JOIN collections ON number = collection"


def clean_note(note: str) -> str:
    """A note in NFC, with line feeds alone between its lines; raise BadQuery if it is too long."""
    text = END_OF_LINE.sub("", NOT_IN_NOTES.sub(" ", note))
    text = unicodedata.normalize("NFC", text.encode("utf-8", "replace").decode()).strip()
    if len(text) > LONGEST_NOTE:
        reason = Message("a note has at most %(most)s characters", most=LONGEST_NOTE)
        raise BadQuery("note", reason)
    return text


def clean_tags(tags: Iterable[str]) -> tuple[str, ...]:
    """Tags as names, each once, also where commas separate them; raise BadQuery.

    >>> clean_tags(["harbour, fares", "Harbour", ""])
    ('harbour', 'fares')
    """
    given = (each.strip() for tag in tags for each in tag.split(","))
    names = [clean_name("tags", each, LONGEST_TAG) for each in given if each]
    once: dict[str, str] = {}
    for each in names:
        once.setdefault(_key(each), each)
    if len(once) > MOST_TAGS:
        raise BadQuery("tags", Message("an article has at most %(most)s tags", most=MOST_TAGS))
    return tuple(once.values())


def _key(name: str) -> str:
    return name.casefold()


def _count(connection: sqlite3.Connection) -> int:
    return int(connection.execute("SELECT COUNT(*) FROM collections").fetchone()[0])


def _find(connection: sqlite3.Connection, name: str) -> Collection | None:
    row = connection.execute(f"{COUNTED} WHERE key = ?", (_key(name),)).fetchone()
    return Collection(*row) if row else None


def _named(connection: sqlite3.Connection, name: str) -> Collection:
    name = clean_name("collection", name)
    if found := _find(connection, name):
        return found
    if _key(name) == _key(STARRED):
        return Collection(0, STARRED, 0, 0)
    known = {row[0]: row[1] for row in connection.execute("SELECT key, name FROM collections")}
    near = difflib.get_close_matches(_key(name), known, n=1, cutoff=0.5)
    if near:
        reason = Message(
            "there is no %(name)s; there is %(near)s", name=repr(name), near=repr(known[near[0]])
        )
    elif known:
        first = ", ".join(repr(known[key]) for key in sorted(known)[:3])
        reason = Message("there is no %(name)s; there are %(names)s", name=repr(name), names=first)
    else:
        reason = Message("there is no %(name)s, and no other collection", name=repr(name))
    raise BadQuery("collection", reason)


def _made(connection: sqlite3.Connection, name: str) -> Collection:
    name = clean_name("collection", name)
    if found := _find(connection, name):
        return found
    if _count(connection) >= MOST_COLLECTIONS:
        reason = Message("there are at most %(most)s collections", most=MOST_COLLECTIONS)
        raise BadQuery("collection", reason)
    connection.execute(
        "INSERT INTO collections (name, key, made_at, version) VALUES (?, ?, ?, ?)",
        (name, _key(name), moment(), revision_of(connection)),
    )
    return _named(connection, name)


def _touch(connection: sqlite3.Connection, changed: Collection) -> None:
    """Give a collection a new version: the revision, which no other collection ever had."""
    connection.execute(
        "UPDATE collections SET version = ? WHERE number = ?",
        (revision_of(connection), changed.number),
    )


def _entry(connection: sqlite3.Connection, collection: int, article_id: str) -> Entry:
    found = _entries(connection, collection, article_id)
    if not found:
        reason = Message("%(id)s is not in this collection", id=repr(article_id))
        raise BadQuery("article", reason)
    return found[0]


def _entries(
    connection: sqlite3.Connection,
    collection: int,
    article_id: str | None = None,
    *,
    tag: str = "",
    page: tuple[int, int] = (1, 0),
) -> list[Entry]:
    """A page of a collection's articles: one, those with a tag, or any."""
    chosen = "SELECT article, title, note, starred_at FROM entries AS e WHERE collection = ?"
    values: list[str | int] = [collection]
    if article_id is not None:
        chosen, values = f"{chosen} AND article = ?", [*values, article_id]
    if tag:
        chosen += (
            " AND EXISTS (SELECT 1 FROM tags AS t WHERE t.collection = e.collection"
            " AND t.article = e.article AND t.tag = ?)"
        )
        values.append(tag)
    chosen += " ORDER BY starred_at DESC, rowid DESC LIMIT ? OFFSET ?"
    rows = connection.execute(chosen, (*values, *page)).fetchall()
    tags = "SELECT tag FROM tags WHERE collection = ? AND article = ? ORDER BY tag"
    tagged = {row[0]: connection.execute(tags, (collection, row[0])).fetchall() for row in rows}
    return [
        Entry(article, title, note, at, tuple(name for (name,) in tagged[article]))
        for article, title, note, at in rows
    ]
