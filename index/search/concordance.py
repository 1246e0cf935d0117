"""The concordance of a search: each matched word with what stands left and right of it."""

import threading
import time
import unicodedata
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass, replace
from itertools import chain
from typing import NamedTuple

from cachetools import TTLCache

from backfile.archive.model.article import Article
from backfile.index.answers.marks import ArticleMarker
from backfile.index.lexical.analysis.languages import Languages
from backfile.index.lexical.highlighter import Span
from backfile.index.model.query import DEFAULT_HITS, ContextOrder, Query
from backfile.index.search.question import AllHits, ArchiveSearcher

WIDTH = 70  # characters on each side
MOST_KEPT = 4  # concordances
SECONDS_KEPT = 600.0
MOST = 200_000  # occurrences, of about 1 KB each
SECONDS = 4.0  # in which as many articles are read as can be; a file has them all


class Occurrence(NamedTuple):
    """A matched word or phrase in its surroundings, of WIDTH characters at most on each side.

    `number` counts the matches of the article's page, from 1: those of its title come first.
    """

    article: Article
    left: str
    match: str
    right: str
    number: int


@dataclass(frozen=True, slots=True)
class Concordance:
    """All occurrences of a search, in order; of the first `read` of its `total` articles."""

    occurrences: tuple[Occurrence, ...]
    articles: int
    read: int
    total: int
    generation: int


class Concordances:
    """Computes concordances, and keeps the last ones for their later pages. Thread-safe."""

    def __init__(
        self, searcher: ArchiveSearcher, *, seconds: Callable[[], float] = time.monotonic
    ) -> None:
        self._searcher = searcher
        self._seconds = seconds
        self._lock = threading.Lock()
        self._kept: TTLCache[Hashable, Concordance] = TTLCache(MOST_KEPT, SECONDS_KEPT)

    def of(self, query: Query, *, seconds: float = SECONDS) -> Concordance:
        """The concordance of a search, read for at most this time; later pages take no time."""
        generation = (
            query.cursor.generation if query.cursor else self._searcher.overview().generation
        )
        # As it is read now: it has the version of its collection, if the reader may see that.
        read = self._searcher.read(query).query
        key = generation, replace(read, cursor=None, limit=DEFAULT_HITS)
        with self._lock:
            found = self._kept.get(key)
        if found is None:
            found = self._compute(query, seconds)
            with self._lock:
                self._kept[found.generation, key[1]] = found
        return found

    def every(self, query: Query) -> Iterator[Occurrence]:
        """All occurrences: in order if all are read in SECONDS, else in the order of the hits."""
        found = self.of(query)  # not a generator: what cannot be searched is told at once
        if found.read == found.total:
            return iter(found.occurrences)
        return chain.from_iterable(self._by_article(self._searcher.all_hits(query.first_page())))

    def _by_article(self, answered: AllHits) -> Iterator[list[Occurrence]]:
        """The occurrences of each hit, in the order of the hits."""
        languages = Languages.of(self._searcher.overview().languages)
        marker = ArticleMarker(self._searcher.read(answered.answer.query), languages)
        for each in answered.articles:
            yield list(occurrences(each.article, marker))

    def _compute(self, query: Query, seconds: float) -> Concordance:
        until = self._seconds() + seconds
        answered = self._searcher.all_hits(query.first_page())
        answer = answered.answer
        found: list[Occurrence] = []
        read = with_any = 0
        for own in self._by_article(answered):
            read, with_any = read + 1, with_any + bool(own)
            found += own
            if self._seconds() > until or len(found) >= MOST:
                break
        found.sort(key=ORDERS[query.context])
        return Concordance(tuple(found), with_any, read, answer.total, answer.generation)


def occurrences(article: Article, marker: ArticleMarker) -> Iterator[Occurrence]:
    """Iterate over the marked words of an article, those of the title first."""
    marks = marker.mark(article)
    number = 0
    for text, spans in ((article.title, marks.title), (article.text, marks.text)):
        for span in spans:
            number += 1
            yield Occurrence(article, *_surroundings(text, span), number)


def _surroundings(text: str, span: Span) -> tuple[str, str, str]:
    """What stands left, the match, and what stands right: whole words, each on one line.

    >>> _surroundings("The old\\n bridge was shut.", (9, 15))
    ('The old', 'bridge', 'was shut.')
    """
    start, end = span
    before = " ".join(text[max(0, start - 2 * WIDTH) : start].split())
    after = " ".join(text[end : end + 2 * WIDTH].split())
    if len(before) > WIDTH:
        before = before[-WIDTH:].partition(" ")[2]
    if len(after) > WIDTH:
        after = after[:WIDTH].rpartition(" ")[0]
    return before, " ".join(text[start:end].split()), after


def _folded(text: str) -> list[str]:
    """The words of a text, without accents, capitals and signs, to sort by."""
    plain = unicodedata.normalize("NFKD", text).casefold()
    words = ("".join(c for c in word if c.isalnum()) for word in plain.split())
    return [word for word in words if word]


def _by_date(each: Occurrence) -> tuple[bool, str]:
    day = each.article.date_span
    return day is None, str(day)


ORDERS: dict[ContextOrder, Callable[[Occurrence], tuple[object, ...]]] = {
    ContextOrder.RIGHT: lambda each: (_folded(each.right), _folded(each.left)[::-1]),
    ContextOrder.LEFT: lambda each: (_folded(each.left)[::-1], _folded(each.right)),
    ContextOrder.DATE: _by_date,
    ContextOrder.SOURCE: lambda each: (each.article.source.casefold(), *_by_date(each)),
}
