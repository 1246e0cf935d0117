"""Saved searches: a search under a name, and up to where its articles were looked at.

`seen` is an instant of adding, in milliseconds since 1970: what was added to the archive after it
is new since the search was last looked at.
"""

import sqlite3
from typing import NamedTuple

from backfile.archive.model.errors import BadQuery
from backfile.archive.model.message import Message
from backfile.archive.store.collections_file import CollectionsFile, clean_name
from backfile.archive.store.history import moment

MOST_SEARCHES = 1_000
LONGEST_PARAMETERS = 60_000  # characters
COLUMNS = "SELECT number, name, parameters, saved_at, looked_at, seen FROM searches"


class SavedSearch(NamedTuple):
    """A saved search; `parameters` are those of its address, `looked_at` an instant, ISO 8601."""

    number: int
    name: str
    parameters: str
    saved_at: str
    looked_at: str
    seen: int


class SavedSearches:
    """The saved searches of one archive."""

    def __init__(self, file: CollectionsFile) -> None:
        self._file = file

    def listed(self, limit: int = MOST_SEARCHES, offset: int = 0) -> list[SavedSearch]:
        """List saved searches by name."""
        chosen = f"{COLUMNS} ORDER BY name COLLATE NOCASE, number LIMIT ? OFFSET ?"
        with self._file.reading() as connection:
            return [SavedSearch(*row) for row in connection.execute(chosen, (limit, offset))]

    def find(self, number: int) -> SavedSearch:
        """A saved search; raise BadQuery if it is gone."""
        with self._file.reading() as connection:
            return _found(connection, number)

    def save(self, name: str, parameters: str, seen: int) -> SavedSearch:
        """Save a search, looked at now; one of the same parameters gets the name and is kept."""
        name = clean_name("name", name)
        if len(parameters) > LONGEST_PARAMETERS:
            raise BadQuery("search", Message("this search is too long to be saved"))
        with self._file.writing() as connection:
            same = connection.execute(f"{COLUMNS} WHERE parameters = ?", (parameters,)).fetchone()
            if same:
                number = SavedSearch(*same).number
                connection.execute("UPDATE searches SET name = ? WHERE number = ?", (name, number))
                return _found(connection, number)
            total = connection.execute("SELECT COUNT(*) FROM searches").fetchone()[0]
            if total >= MOST_SEARCHES:
                reason = Message("at most %(most)s searches are saved", most=MOST_SEARCHES)
                raise BadQuery("search", reason)
            now = moment()
            made = connection.execute(
                "INSERT INTO searches (name, parameters, saved_at, looked_at, seen)"
                " VALUES (?, ?, ?, ?, ?)",
                (name, parameters, now, now, seen),
            )
            return _found(connection, int(made.lastrowid or 0))

    def look(self, number: int, seen: int) -> SavedSearch:
        """Note that a search is looked at now, up to `seen`; return it as it was before."""
        with self._file.writing() as connection:
            before = _found(connection, number)
            connection.execute(
                "UPDATE searches SET looked_at = ?, seen = ? WHERE number = ?",
                (moment(), max(seen, before.seen), number),
            )
            return before

    def rename(self, number: int, name: str) -> None:
        """Give a saved search another name; raise BadQuery."""
        name = clean_name("name", name)
        with self._file.writing() as connection:
            _found(connection, number)
            connection.execute("UPDATE searches SET name = ? WHERE number = ?", (name, number))

    def delete(self, number: int) -> SavedSearch:
        """Delete a saved search; raise BadQuery if it is gone."""
        with self._file.writing() as connection:
            found = _found(connection, number)
            connection.execute("DELETE FROM searches WHERE number = ?", (number,))
            return found


def _found(connection: sqlite3.Connection, number: int) -> SavedSearch:
    row = connection.execute(f"{COLUMNS} WHERE number = ?", (number,)).fetchone()
    if row is None:
        raise BadQuery("search", Message("this search is no longer saved"))
    return SavedSearch(*row)
