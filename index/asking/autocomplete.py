"""Suggests how a query that is being typed may go on: words, titles of articles, names."""

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Iterator
from enum import StrEnum
from itertools import islice
from typing import NamedTuple

import numpy as np

from backfile.archive.model.article import Article
from backfile.archive.model.errors import BadQuery
from backfile.archive.store.catalog import Catalog
from backfile.index.lexical.analysis.analyser import WORD, name_words
from backfile.index.lexical.analysis.ngrams import has_run
from backfile.index.lexical.analysis.stemming import fold, is_stop_word
from backfile.index.lexical.scoring.lexical_search import LexicalSearch
from backfile.index.lexical.spelling.spellings import BEYOND
from backfile.index.model.arrays import Bools
from backfile.index.model.article_table import ArticleTable, Category
from backfile.index.model.expression import And, Field, Prefix, Word
from backfile.index.model.filters import FACETS
from backfile.index.model.query import LONGEST_TEXT

DEFAULT_SUGGESTIONS = 8
MOST_SUGGESTIONS = 20
LONGEST_TYPED = 400  # characters; what is longer is prose, and nothing is suggested
MOST_WORDS = 8  # typed so far, that a title has to hold
SHORTEST_PREFIX = 3  # letters of the last word; fewer begin too many words of titles
MOST_TITLES = 3
MOST_NAMES = 3
RANKED = 30  # words, by what else was typed
LOOKED_AT = 60  # words, the commonest, of which some may be in no title
NAME_WORDS = 4  # of a name, that may be typed already
FIELDS = "|".join(field.value for field in Field if field not in (Field.ANY, Field.DATE))
IN_FIELD = re.compile(rf"(?<!\w)(?P<field>(?i:{FIELDS})):\Z")
OPERATORS = ("AND", "OR", "NOT")
# The plain words right in front of the last one.
PLAIN = re.compile(r"(?:(?<!\S)(?!(?:AND|OR|NOT)\s)[^\s():\"]+\s+)*\Z")


class SuggestionKind(StrEnum):
    """What is suggested: a word, an article by its title, or a name."""

    WORD = "word"
    TITLE = "title"
    SOURCE = "source"
    SECTION = "section"
    LANGUAGE = "language"
    AUTHOR = "author"


class Suggestion(NamedTuple):
    """What may be meant, the whole query with it, and how many articles hold it.

    Of a word, these hold the words typed before it too, if any article does.
    Of a title it is the article that is meant, of which `article` tells.
    """

    kind: SuggestionKind
    text: str
    q: str
    articles: int
    article: Article | None = None


class Typed(NamedTuple):
    """The end of a query: the word being typed, those in front of it, and the field of them.

    `start` is where what is completed in a field begins, its name included; -1 outside of fields.
    """

    field: Field
    words: tuple[str, ...]
    last: str
    start: int
    quoted: bool


class Names:
    """The names of sources, sections, languages and authors, by the words in them."""

    def __init__(self, table: ArticleTable) -> None:
        everyone = np.ones(table.n_articles, np.bool_)
        self._categories: dict[str, Category] = {name: getattr(table, name) for name in FACETS}
        self._counts = {name: c.counts(everyone) for name, c in self._categories.items()}
        self._words = sorted(
            (word, place, name, number)
            for name, category in self._categories.items()
            for number, known in enumerate(category.names)
            for place, word in enumerate(name_words(known))
        )

    def beginning(self, typed: Typed) -> list[tuple[str, str, int, int]]:
        """List (facet, name, articles, words typed of it), most words and commonest first."""
        last = fold(typed.last)
        before = [fold(word) for word in typed.words]
        start = bisect_left(self._words, (last,))
        end = bisect_left(self._words, (last + BEYOND,))
        found: dict[tuple[str, str], int] = {}
        for _, place, facet, number in self._words[start:end]:
            name = self._categories[facet].names[number]
            held = 0
            words = name_words(name)[:place]
            while held < min(len(words), len(before), NAME_WORDS) and (
                words[-1 - held] == before[-1 - held]
            ):
                held += 1
            found[facet, name] = max(found.get((facet, name), 0), held)
        listed = [(f, n, self._counts[f][n], held) for (f, n), held in found.items()]
        return sorted(listed, key=lambda each: (-each[3], -each[2], each[1]))


class Suggester:
    """Suggests from one snapshot; it may be shared between threads."""

    def __init__(self, lexical: LexicalSearch, catalog: Catalog) -> None:
        self._lexical = lexical
        self._table = lexical.table
        self._catalog = catalog
        self._names = Names(lexical.table)

    def is_of(self, table: ArticleTable) -> bool:
        return self._table is table

    def suggest(self, text: str, limit: int) -> list[Suggestion]:
        """Suggest at most so many ways to go on; nothing where no word is being typed."""
        typed = typed_last(text) if len(text) <= LONGEST_TYPED else None
        if typed is None:
            return []
        if typed.field not in (Field.ANY, Field.TITLE, Field.TEXT):
            return list(islice(self._in_column(text, typed), limit))
        names = list(islice(self._names_of(text, typed), MOST_NAMES))
        titles = list(islice(self._titles(typed), MOST_TITLES))
        words = self._words(text, typed)[: max(1, limit - len(names) - len(titles))]
        return [*words, *names, *titles][:limit]

    def _words(self, text: str, typed: Typed) -> list[Suggestion]:
        """Words that begin so, those in the most articles that hold what was typed before first."""
        found = list(islice(self._begun(text, typed), RANKED)) if not has_run(typed.last) else []
        return sorted(found, key=lambda each: -each.articles)

    def _begun(self, text: str, typed: Typed) -> Iterator[Suggestion]:
        start = text[: len(text) - len(typed.last)]
        beside = self._beside(typed)
        known = self._lexical.spellings().beginning(fold(typed.last))
        stems: set[str] = set()  # of which one form is enough: all find the same
        for word in islice(known, LOOKED_AT):
            written = word.text if word.written in OPERATORS else word.written
            if not word.living or stems.issuperset(word.terms) or is_stop_word(word.text):
                continue
            stems.update(word.terms)
            if word.text != fold(typed.last) and (
                held := int((self._held(word.text, typed.field) & beside).sum())
            ):
                yield Suggestion(SuggestionKind.WORD, written, start + written, held)

    def _beside(self, typed: Typed) -> Bools:
        """The articles that hold the words typed before, or all where none holds them."""
        held = np.ones(self._table.n_articles, np.bool_)
        for word in typed.words[-MOST_WORDS:]:
            if not is_stop_word(fold(word)):
                held &= self._held(word, typed.field)
        return held if held.any() else ~held

    def _held(self, word: str, field: Field) -> Bools:
        return self._lexical.match(Word(word, field)).matching

    def _names_of(self, text: str, typed: Typed) -> Iterator[Suggestion]:
        """Names anywhere in a query, of which the words typed last are a part."""
        if typed.field is not Field.ANY or typed.quoted:
            return
        for facet, name, articles, held in self._names.beginning(typed):
            if facet == Field.LANGUAGE:
                continue
            taken = [found.start() for found in WORD.finditer(text)][-1 - held]
            yield _named(text[:taken], facet, name, articles)

    def _in_column(self, text: str, typed: Typed) -> Iterator[Suggestion]:
        for facet, name, articles, held in self._names.beginning(typed):
            if facet == typed.field and held == min(len(typed.words), NAME_WORDS):
                yield _named(text[: typed.start], facet, name, articles)

    def _titles(self, typed: Typed) -> Iterator[Suggestion]:
        """Articles whose title holds all words, the latest first; one of each title."""
        words = typed.words[-MOST_WORDS:]
        if len(typed.last) < SHORTEST_PREFIX or typed.field is Field.TEXT:
            return
        begun = Prefix(typed.last, Field.TITLE)
        said = And((*(Word(word, Field.TITLE) for word in words), begun))
        found = np.flatnonzero(self._lexical.match(said).matching)
        latest = found[np.argsort(-self._table.published[found], kind="stable")]
        rows = self._table.first_rows[latest[: 4 * MOST_TITLES]]
        stored = {each.row: each.article for each in self._catalog.stored(rows.tolist())}
        articles = (stored[row] for row in rows.tolist() if row in stored)
        seen: set[str] = set()
        for article in articles:
            if article.given_title and article.title.casefold() not in seen:
                seen.add(article.title.casefold())
                title = f'title:"{" ".join(WORD.findall(article.title))}"'
                yield Suggestion(SuggestionKind.TITLE, article.title, title, 1, article)


def typed_last(text: str) -> Typed | None:
    """Take apart the end of a query; None where no word has been begun.

    >>> typed_last('ferry source:"Coastal Cou')[:3]
    (<Field.SOURCE: 'source'>, ('Coastal',), 'Cou')
    >>> typed_last("ferry AND swing bri")[:3], typed_last("ferry ")
    ((<Field.ANY: 'any'>, ('swing',), 'bri'), None)
    """
    words = list(WORD.finditer(text))
    if not words or words[-1].end() < len(text):
        return None
    last = words[-1]
    head = text[: last.start()]
    quoted = head.count('"') % 2 == 1
    opening = head.rindex('"') if quoted else len(head)
    named = IN_FIELD.search(head[:opening])
    field = Field(named["field"].lower()) if named else Field.ANY
    plain = head[opening:] if quoted else PLAIN.search(head)
    before = plain if isinstance(plain, str) else plain.group() if plain else ""
    start = named.start() if named else -1
    return Typed(field, tuple(WORD.findall(before)), last.group(), start, quoted)


def typed_text(value: str) -> str:
    """Take what is typed as it is but for what no text holds; raise BadQuery."""
    if len(value) > LONGEST_TEXT:
        raise BadQuery("q", f"{len(value)} characters; at most {LONGEST_TEXT} are taken")
    text = unicodedata.normalize("NFC", re.sub(r"[\x00-\x1f\x7f]+", " ", value))
    return text.encode("utf-8", "replace").decode()


def _named(before: str, facet: str, name: str, articles: int) -> Suggestion:
    quoted = f'"{name.replace(chr(34), " ")}"'
    return Suggestion(SuggestionKind(facet), name, f"{before}{facet}:{quoted}", articles)
