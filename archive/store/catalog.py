"""The catalogue: articles, passages and which are embedded, in SQLite through SQLAlchemy Core."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Self
from typing import cast as typed

import numpy as np
from sqlalchemy import Connection, Integer, Row, Text, bindparam, cast, func, select

from backfile.archive.model.article import Article, ArticleNames, Passage
from backfile.archive.model.errors import ArticleNotFound, UnreadableArticle
from backfile.archive.store.clusters import (
    BANDED,
    SIGNED,
    Clustering,
    Clusters,
    put_clustering,
)
from backfile.archive.store.collections import Collections
from backfile.archive.store.damage import DamagedVersion
from backfile.archive.store.database import (
    ARCHIVE,
    TIDY,
    UNFINISHED,
    VALUES_AT_ONCE,
    Database,
    create_database,
    find_rows,
    name_archive,
    set_counter,
    take,
)
from backfile.archive.store.directory import COLLECTIONS
from backfile.archive.store.entries import (
    Changes,
    delete_articles,
    numbers_of,
    put_entries,
    remove_articles,
    rows_of,
)
from backfile.archive.store.history import (
    History,
    Runs,
    add_versions,
    forget_version,
    forget_versions,
    keep_versions,
    note_removals,
    note_run,
    note_withdrawals,
)
from backfile.archive.store.identities import Identities, move_origins, place_marks
from backfile.archive.store.inbox import Inbox
from backfile.archive.store.names import COLUMNS, WITH_NAMES, StoredNames, names_of
from backfile.archive.store.originals import Originals
from backfile.archive.store.passage_rows import Embedded, passages_at, passages_of, texts_at
from backfile.archive.store.recurring import RecurringSentences, put_sentences
from backfile.archive.store.recutting import Recutting
from backfile.archive.store.row_layout import article_of, passage_of
from backfile.archive.store.schema import articles, passages
from backfile.archive.store.touched import Touched, added, touch, touch_all
from backfile.archive.store.vectors import Rows
from backfile.archive.workers import batches

ARTICLES_OF = select(articles).where(articles.c.number.in_(bindparam("numbers", expanding=True)))


class Written(NamedTuple):
    """What a batch has changed: the row of the first new passage, and the rows that are gone.

    The other new passages follow the first one, in the order of the entries. `replaced` are those
    of the rows that were embedded, by the hash of their text, unless they were withdrawn.
    """

    first_row: int
    gone: Rows
    replaced: Mapping[int, int]


class Removed(NamedTuple):
    """How many articles were removed, and the rows of their passages."""

    articles: int
    rows: Rows


class StoredPassage(NamedTuple):
    """A passage with its row, its article and whether it is embedded."""

    row: int
    article: Article
    passage: Passage


class StoredArticle(NamedTuple):
    """An article with its passages, in order, and their rows; `kept_at` is when it came in."""

    article: Article
    passages: tuple[Passage, ...]
    rows: Rows
    kept_at: str
    names: ArticleNames


class Counts(NamedTuple):
    """How much the archive holds."""

    articles: int
    passages: int
    embedded: int


class Catalog:
    """The record of an archive. Readers see committed transactions only; there is one writer."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._database = Database(path)
        self.clusters = Clusters(self._database)
        self.embedded = Embedded(self._database)
        self.identities = Identities(self._database)
        self.history = History(self._database)
        self.recurring = RecurringSentences(self._database)
        self.recutting = Recutting(self._database)
        self.names = StoredNames(self._database)
        self.touched = Touched(self._database)
        self.runs = Runs(self._database)
        self.originals = Originals(self._database, path.with_name("originals"))
        self.inbox = Inbox(self._database, path.with_name("inbox"))
        self.collections = Collections(path.with_name(COLLECTIONS))

    @classmethod
    def create(cls, path: Path) -> Self:
        """Open the catalogue of a new archive; make it, unless a killed process has."""
        if not path.exists():
            create_database(path)
        return cls(path)

    def close(self) -> None:
        self._database.engine.dispose()

    def archive(self) -> int:
        """The number that names the archive, 0 if an older release made it."""
        return self._database.counter(ARCHIVE)

    def name_archive(self) -> int:
        """Give an archive of an older release its number; return it."""
        with self._database.writing() as connection:
            return name_archive(connection)

    def is_in_place(self) -> bool:
        """Whether no other archive has taken the place of the one that was opened."""
        return self._database.is_in_place()

    def require_in_place(self) -> None:
        """Raise EngineUnavailable if the archive was moved or deleted since it was opened."""
        self._database.require_in_place()

    def write(self, changes: Changes) -> Written:
        """Write a batch, and notes of the originals it was read from: all or nothing.

        An article with a known id is replaced: what it said goes to the history, a withdrawal ends.
        What is withdrawn is taken out after it was copied to the history, before entries are added.
        """
        with self._database.writing() as connection:
            add_versions(connection, changes.earlier)
            move_origins(connection, changes.moved)
            if noted := [*changes.moved, *(article.id for article in changes.earlier)]:
                touch(connection, numbers_of(connection, noted).values())
                take(connection, "generation", 1)
            withdrawn = [each.article_id for each in changes.withdrawn]
            gone = rows_of(connection, withdrawn)
            if withdrawn:
                keep_versions(connection, dict.fromkeys(withdrawn))
                note_withdrawals(connection, changes.withdrawn)
                remove_articles(connection, withdrawn)
            replaced = rows_of(connection, [article.id for article, _ in changes.entries])
            texts = texts_at(connection, replaced)
            first = put_entries(connection, changes) if changes.entries else 0
            self.originals.note(connection)
        return Written(first, np.array(gone + replaced, np.int64), texts)

    def remove(self, article_ids: Sequence[str]) -> Removed:
        """Remove articles, their passages and their history; unknown ids are skipped."""
        with self._database.writing() as connection:
            gone = rows_of(connection, article_ids)
            forget_versions(connection, article_ids)
            note_removals(connection, [*article_ids, *place_marks(connection, article_ids)])
            count = remove_articles(connection, article_ids)
        return Removed(count, np.array(gone, np.int64))

    def discard(self, numbers: Sequence[int]) -> Rows:
        """Take damaged articles out, without a version of them, to be read again.

        Returns the rows of their passages. Until `end_recovery`, the record is unfinished.
        """
        with self._database.writing() as connection:
            set_counter(connection, UNFINISHED, 1)
            chosen = select(passages.c.row)
            gone = find_rows(connection, chosen, passages.c.article, numbers)
            put_sentences(connection, {}, delete_articles(connection, numbers))
            set_counter(connection, BANDED, 0)  # their signatures may be damaged, too
            take(connection, "generation", 1)
            take(connection, SIGNED, 1)
        return np.array([row.row for row in gone], np.int64)

    def is_tidy(self) -> bool:
        """Whether the caches hold no rows that are gone; False of an archive of an older release.

        It is, from the end of a run until passages are deleted.
        """
        return bool(self._database.counter(TIDY))

    def is_unfinished(self) -> bool:
        """Whether lost articles are still to be read again."""
        return bool(self._database.counter(UNFINISHED))

    def end_recovery(self, aside: Path) -> list[str]:
        """Note that all is read again that can be; unread originals are moved to `aside`.

        Returns the places that these were read from once.
        """
        unread = self.originals.set_aside(aside)
        with self._database.writing() as connection:
            set_counter(connection, UNFINISHED, 0)
        return unread

    def finish(
        self,
        clustering: Clustering | None = None,
        *,
        counts: Mapping[str, int] | None = None,
        refused: Sequence[UnreadableArticle] = (),
    ) -> None:
        """End a run: drop unused originals, replace the clusters, note what became of the input.

        The caller has taken all rows that are gone out of the caches.
        Clusters that have not changed are None, as are the counts where no input was read.
        """
        with self._database.writing() as connection:
            released = self.originals.release(connection)
            set_counter(connection, TIDY, 1)
            if clustering:
                put_clustering(connection, clustering)
            if counts is not None:
                note_run(connection, counts, refused)
        if released:
            self.originals.sweep()
        self.originals.bring_up_journal(self.history.all_removed())

    def announce(self) -> None:
        """Make readers look again, as an index has changed."""
        with self._database.writing() as connection:
            take(connection, "generation", 1)

    def generation(self) -> int:
        """The number of changes so far; equal generations give equal answers."""
        return self._database.counter("generation")

    def count_articles(self) -> int:
        with self._database.reading() as connection:
            return connection.execute(select(func.count()).select_from(articles)).scalar_one()

    def counts(self) -> Counts:
        """Count all; this takes 20 ms for 300,000 passages."""
        with self._database.reading() as connection:
            n_articles = connection.execute(select(func.count()).select_from(articles)).scalar_one()
            n_passages = connection.execute(select(func.count()).select_from(passages)).scalar_one()
            waiting = select(func.count()).select_from(passages).where(~passages.c.embedded)
            return Counts(
                n_articles, n_passages, n_passages - connection.execute(waiting).scalar_one()
            )

    def languages(self) -> dict[str, int]:
        """Count the articles in each language, most first; the empty string is an unknown one."""
        c, number = articles.c, func.count()
        chosen = select(c.language, number).group_by(c.language).order_by(number.desc(), c.language)
        with self._database.reading() as connection:
            return {row.language: row[1] for row in connection.execute(chosen)}

    def article(self, article_id: str) -> Article:
        """Fetch one article; raise ArticleNotFound."""
        with self._database.reading() as connection:
            return article_of(_article_row(connection, article_id))

    def articles_of(self, article_ids: Sequence[str]) -> dict[str, Article]:
        """Fetch those of these articles that are there, by id."""
        found = self._database.find(select(articles), articles.c.id, article_ids)
        return {row.id: article_of(typed(Any, row._mapping)) for row in found}

    def stored_article(self, article_id: str) -> StoredArticle:
        """Fetch one article with its passages; raise ArticleNotFound."""
        with self._database.reading() as connection:
            row = _article_row(connection, article_id)
            cut = passages_of(connection, row["number"])
        article = article_of(row)
        texts = tuple(passage_of(typed(Any, each), article) for each in cut)
        rows = np.array([each["row"] for each in cut], np.int64)
        return StoredArticle(article, texts, rows, row["kept_at"], names_of(row))

    def stored(self, rows: Sequence[int]) -> Iterator[StoredPassage]:
        """Fetch passages by row, with their articles, in ascending order of row.

        Rows that are gone by now are skipped.
        """
        for some in batches(sorted(rows), VALUES_AT_ONCE):
            with self._database.reading() as connection:
                found = passages_at(connection, some)
                numbers = {"numbers": sorted({row["article"] for row in found})}
                by_number = {
                    row["number"]: article_of(typed(Any, row))
                    for row in connection.execute(ARTICLES_OF, numbers).mappings()
                }
            for row in found:
                article = by_number[row["article"]]
                yield StoredPassage(row["row"], article, passage_of(typed(Any, row), article))

    def numbers_of(self, article_ids: Sequence[str]) -> dict[str, int]:
        """The number of each of these articles that is there, by id."""
        with self._database.reading() as connection:
            return numbers_of(connection, article_ids)

    def rows_of(self, article_ids: Sequence[str]) -> Rows:
        """List the rows of these articles' passages."""
        with self._database.reading() as connection:
            return np.array(rows_of(connection, article_ids), np.int64)

    def rows_after(self, row: int) -> Rows:
        """List the rows beyond the given one, ascending."""
        chosen = select(passages.c.row).where(passages.c.row > row).order_by(passages.c.row)
        with self._database.reading() as connection:
            return np.fromiter(connection.execute(chosen).scalars(), np.int64)

    def passage_table(self) -> np.ndarray[tuple[int, int], np.dtype[np.int64]]:
        """All passages as (row, number of the article, embedded), ascending by row.

        The database joins the numbers to one text that numpy reads at once: 60 ms for 77,000
        passages, where a Python tuple each took 170 ms.
        """
        c = passages.c
        numbers = [cast(column, Text) for column in (c.row, c.article, cast(c.embedded, Integer))]
        line = numbers[0] + " " + numbers[1] + " " + numbers[2]
        with self._database.reading() as connection:
            joined = connection.execute(select(func.aggregate_strings(line, " "))).scalar()
        table = np.fromstring(joined or "", np.int64, sep=" ").reshape(-1, 3)
        return table[np.argsort(table[:, 0], kind="stable")]

    def article_table(self) -> Sequence[Row[*tuple[Any, ...]]]:
        """All articles, by number: their days, and what facets count, the authors as JSON.

        `added` is the instant at which the first version came in, ISO 8601 in UTC, or empty.
        """
        c = articles.c
        days = (c.published, c.published_last, added())
        chosen = select(c.number, *days, c.source, c.section, c.language, c.authors)
        with self._database.reading() as connection:
            return connection.execute(chosen.order_by(c.number)).all()

    def digests(self) -> Iterator[tuple[Article, bytes]]:
        """Iterate over all articles in order of number, each with the digest that was stored."""
        last = 0
        while True:
            chosen = select(articles).where(articles.c.number > last).order_by(articles.c.number)
            with self._database.reading() as connection:
                found = connection.execute(chosen.limit(1_000)).mappings().all()
            if not found:
                return
            for row in found:
                yield article_of(typed(Any, row)), row["digest"]
            last = found[-1]["number"]

    def discard_versions(self, damaged: Sequence[DamagedVersion]) -> None:
        """Take damaged versions out of the history."""
        with self._database.writing() as connection:
            for each in damaged:
                forget_version(connection, each.id, each.sequence)
            touch_all(connection)
            take(connection, "generation", 1)

    def problems(self) -> list[str]:
        """What SQLite finds damaged in its file; empty if it is sound."""
        with self._database.reading() as connection:
            found = connection.exec_driver_sql("PRAGMA integrity_check").scalars().all()
        return [] if found == ["ok"] else [str(problem) for problem in found]


def _article_row(connection: Connection, article_id: str) -> Mapping[str, Any]:
    """The row of an article, and the columns of its names."""
    chosen = select(articles, *COLUMNS).select_from(WITH_NAMES).where(articles.c.id == article_id)
    row = connection.execute(chosen).mappings().first()
    if row is None:
        raise ArticleNotFound(article_id)
    return typed(Mapping[str, Any], row)
