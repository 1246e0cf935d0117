"""The search tips below the search box: examples with the words and outlets of this archive."""

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from backfile.archive.model.article import Article
from backfile.archive.model.errors import EngineUnavailable, ShardsOut
from backfile.archive.model.message import Message
from backfile.index.lexical.analysis.languages import Languages
from backfile.index.model.query import Query
from backfile.index.search.front_page import AskedNames, AskedNewest
from backfile.index.search.question import ArchiveSearcher

LATEST = 20  # articles, of whose headlines one gives the words
LEAST_LETTERS = 4
BEGINNING = 5  # letters of a word
HEADLINE_WORD = re.compile(r"[^\W\d_]+")
UNTYPED = re.compile(r'["\\]')  # a name with these cannot be quoted
COMMONEST = 20  # outlets, and authors, one of which can be quoted
FINDS = {
    "source": Message("articles of this outlet"),
    "author": Message("articles by this author"),
}


class Tip(NamedTuple):
    """A query that finds something here, and a description of its results."""

    query: Query
    finds: Message


class SearchTips:
    """The tips of an archive, made anew when it has changed."""

    def __init__(self, searcher: ArchiveSearcher) -> None:
        self._searcher = searcher
        self._made: tuple[int, tuple[Tip, ...]] = (-1, ())

    def current(self) -> tuple[Tip, ...]:
        """The tips; none if the archive is empty or cannot be read."""
        try:
            overview = self._searcher.overview()
            generation, tips = self._made
            if generation == overview.generation:
                return tips
            newest = self._searcher.ask(AskedNewest(LATEST))
            names = self._searcher.ask(AskedNames(tuple(FINDS), COMMONEST))
        except (EngineUnavailable, ShardsOut):
            return ()
        tips = tuple(_tips(newest, overview.languages, names))
        self._made = (overview.generation, tips)
        return tips


def _tips(
    articles: Sequence[Article], codes: Sequence[str], names: Mapping[str, Sequence[str]]
) -> Iterator[Tip]:
    languages = Languages.of(codes)
    if chosen := next(filter(None, (_two_words(each, languages) for each in articles)), None):
        article, first, second = chosen
        yield _tip(f"{first} {second}", Message("these words, in any form"))
        yield _tip(f'"{first} {second}"', Message("these words in this order"))
        yield _tip(f"{first} OR {second}", Message("one of these words, or both"))
        yield _tip(f"{first} W/5 {second}", Message("these words, at most five words apart"))
        yield _tip(f"{first[:BEGINNING]}*", Message("words that begin like this"))
        yield _tip(f"={first}", Message("only this form of the word"))
        yield _tip(f"title:{first}", Message("this word in the headline"))
        if article.published:
            yield _tip(f"{first} on:{article.published.year}", Message("this word, in this year"))
    for name, finds in FINDS.items():
        if value := next((value for value in names[name] if not UNTYPED.search(value)), None):
            yield _tip(f'{name}:"{value}"', finds)


def _tip(text: str, finds: Message) -> Tip:
    return Tip(Query(text), finds)


def _two_words(article: Article, languages: Languages) -> tuple[Article, str, str] | None:
    """Two words that stand side by side in a headline, neither short nor a stop word."""
    title = article.title
    for first, second in pairwise(HEADLINE_WORD.finditer(title)):
        words = [first.group().casefold(), second.group().casefold()]
        long = all(len(word) >= LEAST_LETTERS for word in words)
        beside = title[first.end() : second.start()] == " "
        if long and beside and not any(languages.are_stop_words([word]) for word in words):
            return article, words[0], words[1]
    return None
