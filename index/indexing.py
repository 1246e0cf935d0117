"""The way in: keeps what was read, indexes its words at once, then embeds, newest first.

    catalogue row -> Whoosh, by row -> vectors on disk -> `embedded` -> a sealed Chroma part

Each step finds what is left to do by itself (rows beyond the last one in Whoosh, rows not
embedded, embedded rows in no part), so a run that was killed anywhere is finished by the next.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Protocol

import numpy as np

from archive.article import Article
from archive.errors import UnreadableArticle
from archive.reading.fields import derived_id
from archive.splitting import Tokenizer, embedded_text, split
from archive.store.catalog import Known
from index.engines import Engines
from index.protocols import LexicalEntry, Rows

FIRST_BATCH = 250  # articles; small, so that the first ones are found within seconds
LARGEST_BATCH = 4_000
EMBEDDED_AT_ONCE = 1_024  # passages between two marks on the record: about 20 s of work
WORDS_AT_ONCE = 20_000  # passages a Whoosh commit


class Stage(StrEnum):
    """What is being done, as a progress bar names it."""

    READING = "reading"
    WORDS = "words"
    MEANING = "meaning"
    SEALING = "neighbours"


class Progress(Protocol):
    """Is told how far a stage of a run has come: in bytes when reading, else in passages."""

    def __call__(self, stage: Stage, done: int, total: int) -> None: ...


@dataclass(slots=True)
class Report:
    """What became of an input."""

    new: int = 0
    changed: int = 0
    unchanged: int = 0
    undated: int = 0
    refused: list[UnreadableArticle] = field(default_factory=list)

    @property
    def read(self) -> int:
        return self.new + self.changed + self.unchanged


class Input(Protocol):
    """Articles and refusals, and how many bytes of how many have been read."""

    bytes_done: int
    bytes_total: int

    def __iter__(self) -> Iterator[Article | UnreadableArticle]: ...


class Indexer:
    """Writes to one archive; its caller holds the writer's lock."""

    def __init__(self, engines: Engines, tokenizer: Tokenizer, progress: Progress) -> None:
        self._catalog = engines.catalog
        self._vectors = engines.vectors
        self._lexical = engines.lexical
        self._neighbours = engines.neighbours
        self._embedder = engines.embedder
        self._tokenizer = tokenizer
        self._progress = progress
        self._indexed = 0  # passages, by this indexer
        self._seen: dict[str, Known] = {}  # articles of this run

    def index(self, source: Input) -> Report:
        """Keep what is new or changed, and make it findable by words."""
        report = Report()
        self._seen.clear()
        self.tidy()
        self.index_words()  # what a killed run left
        for batch in _growing_batches(source):
            articles = [found for found in batch if isinstance(found, Article)]
            report.refused += [found for found in batch if isinstance(found, UnreadableArticle)]
            self._keep(articles, report)
            self._progress(Stage.READING, source.bytes_done, source.bytes_total)
            self.index_words()
        self._progress(Stage.READING, source.bytes_total, source.bytes_total)
        return report

    def tidy(self) -> None:
        """Take out of the lexical index what the record lost while a run was killed."""
        self._lexical.remove(np.setdiff1d(self._lexical.rows(), self._catalog.rows_after(0)))

    def index_words(self) -> None:
        """Bring the lexical index up to the record."""
        waiting = self._catalog.rows_after(self._lexical.last_row())
        for done, rows in _slices(waiting, WORDS_AT_ONCE):
            self._lexical.add(
                LexicalEntry(found.row, found.article.given_title, found.passage.text)
                for found in self._catalog.stored(rows.tolist())
            )
            self._progress(Stage.WORDS, self._indexed + done, self._indexed + len(waiting))
        self._indexed += len(waiting)
        if len(waiting):
            self._catalog.announce()

    def index_meaning(self) -> None:
        """Embed what is not embedded, newest first, and let Chroma know all of it."""
        waiting = self._catalog.unembedded_rows()
        for done, rows in _slices(waiting, EMBEDDED_AT_ONCE):
            stored = list(self._catalog.stored(rows.tolist()))
            if stored:  # else they were removed meanwhile
                texts = [embedded_text(each.passage, each.article.given_title) for each in stored]
                kept = np.array([each.row for each in stored], np.int64)
                self._vectors.write(kept, self._embedder.embed_passages(texts))
                self._catalog.mark_embedded(kept)
            self._progress(Stage.MEANING, done, len(waiting))
        self._embedder.prepare_queries()
        self.seal()

    def seal(self) -> None:
        """Bring Chroma up to the record."""
        table = self._catalog.passage_table()
        embedded = table[table[:, 2] != 0, 0]
        if len(np.setxor1d(embedded, self._neighbours.rows())):
            self._progress(Stage.SEALING, 0, len(embedded))
            self._neighbours.seal(embedded)
            self._catalog.announce()
            self._progress(Stage.SEALING, len(embedded), len(embedded))

    def remove(self, article_ids: Sequence[str]) -> int:
        """Remove articles from the record, the words and the vectors; return how many."""
        rows = self._catalog.rows_of(article_ids)
        removed = self._catalog.remove(article_ids)
        self._forget(rows)
        return removed

    def _keep(self, articles: Sequence[Article], report: Report) -> None:
        articles = self._at_home(articles)
        known = self._catalog.known([article.id for article in articles])
        kept: dict[str, Article] = {}
        for found in articles:
            article = _settled(found, self._seen.get(found.id) or known.get(found.id))
            if article is not found:
                known |= self._catalog.known([article.id])
            report.undated += article.published is None
            before, taken = known.get(article.id), self._seen.get(article.id)
            holder = taken or before
            if holder and _is_another(article, holder, this_run=taken is not None):
                reason = f"its id {article.id!r} is taken by {holder.title!r} ({holder.origin})"
                remedy = "give another field with --map id=NAME"
                report.refused.append(UnreadableArticle(str(article.origin), f"{reason}; {remedy}"))
                continue
            self._seen[article.id] = known[article.id] = known_as(article)
            if before and before.digest == article.digest:
                report.unchanged += 1
                continue
            report.changed += before is not None
            report.new += before is None
            kept[article.id] = article
        if not kept:
            return
        replaced = self._catalog.rows_of(list(kept))
        self._catalog.put([(a, split(a, self._tokenizer)) for a in kept.values()])
        self._forget(replaced)

    def _at_home(self, articles: Sequence[Article]) -> list[Article]:
        """Give files the id they have already, if they were read through another folder before."""
        unnamed = [article.origin for article in articles if _is_unnamed(article.id)]
        homes = self._catalog.ids_at(unnamed) if unnamed else {}
        return [
            replace(article, id=homes[article.origin])
            if _is_unnamed(article.id) and _is_unnamed(homes.get(article.origin, ""))
            else article
            for article in articles
        ]

    def _forget(self, rows: Rows) -> None:
        """Take rows out of the words, and blank their vectors; the record has lost them already."""
        if len(rows):
            self._lexical.remove(rows)
            self._vectors.blank(rows)
            self._catalog.announce()


def known_as(article: Article) -> Known:
    """What the catalogue would say of an article."""
    published = article.published.toordinal() if article.published else None
    return Known(article.digest, article.title, published, article.origin)


def _is_unnamed(article_id: str) -> bool:
    """Tell an id that was made of a file's place from one that the source gave."""
    return article_id.startswith("file-")


def _settled(article: Article, holder: Known | None) -> Article:
    """Keep two files apart whose names below their folders are the same.

    An id made of a file's name is taken by another file, which is still there and says something
    else: then the whole path names the newcomer.
    """
    if not holder or not _is_unnamed(article.id) or holder.digest == article.digest:
        return article
    if holder.origin.file == article.origin.file or not Path(holder.origin.file).exists():
        return article
    return replace(article, id=derived_id("", str(article.origin)))


def _is_another(article: Article, holder: Known, *, this_run: bool) -> bool:
    """Tell a correction from another article that was given the same id.

    Within one run nothing is corrected: what says something else is another article. Between runs
    it is one if it has another title, and comes from another place or another day.
    """
    if article.digest == holder.digest:
        return False
    if this_run:
        return article.origin != holder.origin
    published = article.published.toordinal() if article.published else None
    same_day = published is not None and published == holder.published
    return holder.title != article.title and holder.origin != article.origin and not same_day


def _growing_batches(source: Input) -> Iterator[list[Article | UnreadableArticle]]:
    size, batch = FIRST_BATCH, []
    for found in source:
        batch.append(found)
        if len(batch) >= size:
            yield batch
            batch, size = [], min(2 * size, LARGEST_BATCH)
    if batch:
        yield batch


def _slices(rows: Rows, size: int) -> Iterable[tuple[int, Rows]]:
    """Cut rows into slices, each with the number of rows done once it is."""
    for start in range(0, len(rows), size):
        yield min(start + size, len(rows)), rows[start : start + size]
