"""The catalogue: articles, passages and what is embedded, in SQLite through SQLAlchemy Core."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from typing import cast as typed

import numpy as np
from sqlalchemy import (
    Connection,
    Integer,
    Row,
    Text,
    bindparam,
    cast,
    delete,
    func,
    insert,
    select,
    update,
)

from backfile.archive.batching import batches
from backfile.archive.model.article import Article, Passage
from backfile.archive.model.errors import ArticleNotFound, WithdrawnArticle
from backfile.archive.store.clusters import SIGNED, Stories
from backfile.archive.store.database import Database, take
from backfile.archive.store.history import (
    History,
    forget_versions,
    keep_versions,
    moment,
    note_removals,
    note_withdrawals,
)
from backfile.archive.store.identities import Identities
from backfile.archive.store.originals import Originals
from backfile.archive.store.runs import Runs
from backfile.archive.store.schema import (
    article_of,
    article_values,
    articles,
    counters,
    passage_of,
    passage_values,
    passages,
)
from backfile.archive.store.vectors import Rows

ROWS_AT_ONCE = 5_000  # SQLite takes 32,766 variables a statement


class Embedded:
    """Notes what is embedded; each change is a transaction of its own."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def mark(self, rows: Rows) -> None:
        """Note that these rows are on disk in the vectors."""
        marked = update(passages).where(passages.c.row.in_(rows.tolist())).values(embedded=True)
        with self._database.writing() as connection:
            connection.execute(marked)
            take(connection, "generation", 1)

    def forget(self, rows: Rows) -> None:
        """Note that these rows must be embedded again."""
        with self._database.writing() as connection:
            for some in batches(rows.tolist(), ROWS_AT_ONCE):
                chosen = update(passages).where(passages.c.row.in_(some))
                connection.execute(chosen.values(embedded=False))
            take(connection, "generation", 1)

    def missing(self) -> Rows:
        """List the rows without an embedding: newest articles first, undated ones last."""
        joined = passages.join(articles, passages.c.article == articles.c.number)
        order = (articles.c.published.is_(None), articles.c.published.desc(), passages.c.row)
        chosen = select(passages.c.row).select_from(joined).where(~passages.c.embedded)
        with self._database.reading() as connection:
            return np.fromiter(connection.execute(chosen.order_by(*order)).scalars(), np.int64)


IDS_AT_ONCE = 5_000  # SQLite takes 32,766 variables a statement


def remove_articles(connection: Connection, article_ids: Sequence[str]) -> int:
    """Remove articles with their passages, in a transaction; return how many there were."""
    numbers = numbers_of(connection, article_ids)
    for some in batches(numbers.values(), IDS_AT_ONCE):
        connection.execute(delete(passages).where(passages.c.article.in_(some)))
        connection.execute(delete(articles).where(articles.c.number.in_(some)))
    take(connection, "generation", 1)
    take(connection, SIGNED, 1)
    return len(numbers)


def numbers_of(connection: Connection, article_ids: Sequence[str]) -> dict[str, int]:
    """Find the number of each article that is there."""
    found: dict[str, int] = {}
    for some in batches(article_ids, IDS_AT_ONCE):
        chosen = select(articles.c.id, articles.c.number).where(articles.c.id.in_(some))
        found |= {row.id: row.number for row in connection.execute(chosen)}
    return found


PASSAGES_AT = (
    select(passages)
    .where(passages.c.row.in_(bindparam("rows", expanding=True)))
    .order_by(passages.c.row)
)
ARTICLES_OF = select(articles).where(articles.c.number.in_(bindparam("numbers", expanding=True)))


class StoredPassage(NamedTuple):
    """A passage with its row, its article and whether it is embedded."""

    row: int
    article: Article
    passage: Passage


class Counts(NamedTuple):
    """How much the archive holds."""

    articles: int
    passages: int
    embedded: int


class Catalog:
    """The record of an archive. Readers see committed transactions only; there is one writer."""

    def __init__(self, path: Path) -> None:
        self._database = Database(path)
        self.stories = Stories(self._database)
        self.embedded = Embedded(self._database)
        self.identities = Identities(self._database)
        self.history = History(self._database)
        self.runs = Runs(self._database)
        self.originals = Originals(self._database, path.with_name("originals"))

    def close(self) -> None:
        self._database.engine.dispose()

    def require_in_place(self) -> None:
        """Raise EngineUnavailable if the archive was moved or deleted since it was opened."""
        self._database.require_in_place()

    def put(self, entries: Sequence[tuple[Article, Sequence[Passage]]]) -> int:
        """Add articles with their passages; one with a known id is replaced. All or nothing.

        What is replaced stays in the history, and a withdrawal is over.

        Returns the row of the first passage; the others follow in order.
        """
        with self._database.writing() as connection:
            numbers = numbers_of(connection, [article.id for article, _ in entries])
            keep_versions(connection, {article.id: article.digest for article, _ in entries})
            connection.execute(
                delete(passages).where(passages.c.article.in_(list(numbers.values())))
            )
            connection.execute(delete(articles).where(articles.c.number.in_(numbers.values())))
            new = [article.id for article, _ in entries if article.id not in numbers]
            first = take(connection, "article", len(new))
            numbers |= {article_id: first + i for i, article_id in enumerate(new)}
            row = take(connection, "row", sum(len(cut) for _, cut in entries))
            rows: list[dict[str, Any]] = []
            for article, cut in entries:
                for passage in cut:
                    rows.append(passage_values(passage, numbers[article.id], row + len(rows)))
            now = {"kept_at": moment()}
            values = [article_values(each, numbers[each.id]) | now for each, _ in entries]
            connection.execute(insert(articles), values)
            if rows:
                connection.execute(insert(passages), rows)
            take(connection, "generation", 1)
            return row

    def remove(self, article_ids: Sequence[str]) -> int:
        """Remove articles, their passages and their history; return how many there were."""
        with self._database.writing() as connection:
            forget_versions(connection, article_ids)
            note_removals(connection, article_ids)
            return remove_articles(connection, article_ids)

    def withdraw(self, withdrawn: Sequence[WithdrawnArticle]) -> int:
        """Take out what its source takes back, but for the history; return how many there were."""
        with self._database.writing() as connection:
            ids = [each.article_id for each in withdrawn]
            keep_versions(connection, dict.fromkeys(ids))
            note_withdrawals(connection, withdrawn)
            return remove_articles(connection, ids)

    def announce(self) -> None:
        """Tell readers that an index has changed, so that they look again."""
        with self._database.writing() as connection:
            take(connection, "generation", 1)

    def generation(self) -> int:
        """A number that grows with each change; equal generations give equal answers."""
        chosen = select(counters.c.value).where(counters.c.name == "generation")
        with self._database.reading() as connection:
            return connection.execute(chosen).scalar() or 0

    def counts(self) -> Counts:
        with self._database.reading() as connection:
            n_articles = connection.execute(select(func.count()).select_from(articles)).scalar_one()
            n_passages = connection.execute(select(func.count()).select_from(passages)).scalar_one()
            waiting = select(func.count()).select_from(passages).where(~passages.c.embedded)
            return Counts(
                n_articles, n_passages, n_passages - connection.execute(waiting).scalar_one()
            )

    def languages(self) -> dict[str, int]:
        """Count the articles in each language, most first; under nothing where none is known."""
        c, number = articles.c, func.count()
        chosen = select(c.language, number).group_by(c.language).order_by(number.desc(), c.language)
        with self._database.reading() as connection:
            return {row.language: row[1] for row in connection.execute(chosen)}

    def article(self, article_id: str) -> Article:
        """Fetch one article; raise ArticleNotFound."""
        with self._database.reading() as connection:
            chosen = select(articles).where(articles.c.id == article_id)
            row = connection.execute(chosen).mappings().first()
        if row is None:
            raise ArticleNotFound(article_id)
        return article_of(typed(Any, row))

    def passages_of(self, article: Article) -> list[Passage]:
        """Fetch the passages of an article, in order."""
        joined = passages.join(articles, passages.c.article == articles.c.number)
        chosen = select(passages).select_from(joined).where(articles.c.id == article.id)
        with self._database.reading() as connection:
            rows = connection.execute(chosen.order_by(passages.c.n)).mappings().all()
        return [passage_of(typed(Any, row), article) for row in rows]

    def stored(self, rows: Sequence[int]) -> Iterator[StoredPassage]:
        """Fetch passages by row, with their articles, in ascending order of row.

        Rows that have gone meanwhile are passed over.
        """
        for some in batches(sorted(rows), IDS_AT_ONCE):
            with self._database.reading() as connection:
                found = connection.execute(PASSAGES_AT, {"rows": some}).mappings().all()
                numbers = {"numbers": sorted({row["article"] for row in found})}
                by_number = {
                    row["number"]: article_of(typed(Any, row))
                    for row in connection.execute(ARTICLES_OF, numbers).mappings()
                }
            for row in found:
                article = by_number[row["article"]]
                yield StoredPassage(row["row"], article, passage_of(typed(Any, row), article))

    def rows_of(self, article_ids: Sequence[str]) -> Rows:
        """List the rows of these articles' passages."""
        joined = passages.join(articles, passages.c.article == articles.c.number)
        chosen = select(passages.c.row).select_from(joined)
        found: list[int] = []
        with self._database.reading() as connection:
            for some in batches(article_ids, IDS_AT_ONCE):
                found += connection.execute(chosen.where(articles.c.id.in_(some))).scalars()
        return np.array(found, np.int64)

    def rows_after(self, row: int) -> Rows:
        """List the rows beyond the given one, ascending."""
        chosen = select(passages.c.row).where(passages.c.row > row).order_by(passages.c.row)
        with self._database.reading() as connection:
            return np.fromiter(connection.execute(chosen).scalars(), np.int64)

    def passage_table(self) -> np.ndarray[tuple[int, int], np.dtype[np.int64]]:
        """Every passage as (row, article number, embedded), ascending by row.

        The database joins the numbers to one text that numpy reads at once: of 77,000 passages in
        60 ms, where a Python tuple for each took 170.
        """
        c = passages.c
        numbers = [cast(column, Text) for column in (c.row, c.article, cast(c.embedded, Integer))]
        line = numbers[0] + " " + numbers[1] + " " + numbers[2]
        with self._database.reading() as connection:
            joined = connection.execute(select(func.aggregate_strings(line, " "))).scalar()
        table = np.fromstring(joined or "", np.int64, sep=" ").reshape(-1, 3)
        return table[np.argsort(table[:, 0], kind="stable")]

    def article_table(self) -> Sequence[Row[*tuple[Any, ...]]]:
        """Every article as (number, published, source, section, language, authors as JSON)."""
        c = articles.c
        chosen = select(c.number, c.published, c.source, c.section, c.language, c.authors)
        with self._database.reading() as connection:
            return connection.execute(chosen.order_by(c.number)).all()

    def digests(self) -> Iterator[tuple[Article, bytes]]:
        """Walk all articles, each with the digest it was stored under."""
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

    def problems(self) -> list[str]:
        """Ask SQLite whether its file is sound; empty if it is."""
        with self._database.reading() as connection:
            found = connection.exec_driver_sql("PRAGMA integrity_check").scalars().all()
        return [] if found == ["ok"] else [str(problem) for problem in found]
