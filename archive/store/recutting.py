"""Replaces the passages of articles whose text is the same, as other sentences are left out."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from sqlalchemy import Connection, bindparam, delete, insert, select, update

from backfile.archive.furniture import Recurring
from backfile.archive.model.article import Passage
from backfile.archive.store.clusters import put_signatures
from backfile.archive.store.database import (
    TIDY,
    Database,
    delete_rows,
    find_rows,
    set_counter,
    take,
)
from backfile.archive.store.names import forget_names
from backfile.archive.store.recurring import forget_uncut, put_sentences
from backfile.archive.store.row_layout import cut_of, packed_ranges, passage_values, seal_of
from backfile.archive.store.schema import articles, passages, seals, signatures
from backfile.archive.store.touched import touch
from backfile.archive.store.vectors import Rows


class NewCut(NamedTuple):
    """How an article is cut now: its passages, its signature, and what of it may recur."""

    passages: Sequence[Passage]
    signature: bytes
    recurring: Recurring


class Recut(NamedTuple):
    """What has changed: the rows that are gone, and the numbers and passages of the new rows."""

    gone: Rows
    added: Mapping[int, tuple[int, Passage]]


class Recutting:
    """The part of the catalogue that replaces passages; there is one writer."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def recut(self, cuts: Mapping[int, NewCut]) -> Recut:
        """Replace the passages of articles, by number, in a transaction.

        A passage that stays as it is keeps its row, and so its place in all indexes.
        """
        with self._database.writing() as connection:
            # An article may have been removed since it was fetched.
            there = select(articles.c.number)
            numbers = {row.number for row in find_rows(connection, there, articles.c.number, cuts)}
            cuts = {number: cut for number, cut in cuts.items() if number in numbers}
            forget_uncut(connection, cuts)
            recut = _put_passages(connection, cuts)
            _put_changed_signatures(connection, cuts)
            put_sentences(connection, {number: cut.recurring for number, cut in cuts.items()})
            _renew_seals(connection, cuts)
            if len(recut.gone) or recut.added:
                take(connection, "generation", 1)
        return recut


def _key(passage: Passage) -> tuple[int, int, str, str]:
    return passage.start, passage.end, passage.heading, packed_ranges(passage.left_out)


def _put_passages(connection: Connection, cuts: Mapping[int, NewCut]) -> Recut:
    there: dict[int, dict[tuple[int, int, str, str], tuple[int, int]]] = {}
    for row in find_rows(connection, select(passages), passages.c.article, cuts):
        key = (row.start, row.end, row.heading, row.left_out)
        there.setdefault(row.article, {})[key] = (row.row, row.n)
    new: list[tuple[int, Passage]] = []
    moved: list[dict[str, int]] = []
    for number, cut in cuts.items():
        known = there.get(number, {})
        for passage in cut.passages:
            if found := known.pop(_key(passage), None):
                if found[1] != passage.n:
                    moved.append({"at": found[0], "to": passage.n})
            else:
                new.append((number, passage))
    gone = [row for known in there.values() for row, _ in known.values()]
    changed = {number for number, known in there.items() if known} | {number for number, _ in new}
    touch(connection, changed)
    forget_names(connection, changed)
    if gone:
        set_counter(connection, TIDY, 0)
    delete_rows(connection, delete(passages), passages.c.row, gone)
    if moved:
        placed = update(passages).where(passages.c.row == bindparam("at"))
        connection.execute(placed.values(n=bindparam("to")), moved)
    first = take(connection, "row", len(new)) if new else 0
    added = dict(enumerate(new, first))
    if added:
        rows = [passage_values(each, number, row) for row, (number, each) in added.items()]
        connection.execute(insert(passages), rows)
    return Recut(np.array(gone, np.int64), added)


def _put_changed_signatures(connection: Connection, cuts: Mapping[int, NewCut]) -> None:
    found = find_rows(connection, select(signatures), signatures.c.article, cuts)
    known = {row.article: row.signature for row in found}
    changed = {n: cut.signature for n, cut in cuts.items() if known.get(n) != cut.signature}
    put_signatures(connection, changed)


def _renew_seals(connection: Connection, cuts: Mapping[int, NewCut]) -> None:
    """Seal the articles again that had a seal."""
    sealed = {row.article for row in find_rows(connection, select(seals), seals.c.article, cuts)}
    if not sealed:
        return
    rows = list(_seals(connection, {number: cuts[number] for number in sealed}))
    delete_rows(connection, delete(seals), seals.c.article, sealed)
    connection.execute(insert(seals), rows)


def _seals(connection: Connection, cuts: Mapping[int, NewCut]) -> Iterator[dict[str, Any]]:
    for found in find_rows(connection, select(articles), articles.c.number, cuts):
        row, cut = found._asdict(), cuts[found.number]
        sealed = [cut_of(passage_values(each, 0, 0)) for each in cut.passages]
        yield {"article": found.number, "seal": seal_of(row, sealed, cut.signature)}
