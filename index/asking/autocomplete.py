"""Autocompletes a query that is being typed: words, names, and titles of articles."""

import re
import unicodedata
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from itertools import chain, islice, pairwise
from typing import NamedTuple

import numpy as np

from backfile.archive.model.article import Article
from backfile.archive.model.errors import BadQuery
from backfile.archive.store.catalog import Catalog
from backfile.index.lexical.analysis.analyser import name_words
from backfile.index.lexical.analysis.ngrams import has_run
from backfile.index.lexical.analysis.stemming import fold, is_stop_word
from backfile.index.lexical.analysis.word_delimiter import WORD
from backfile.index.lexical.scoring.lexical_search import LexicalSearch
from backfile.index.lexical.spelling.shared_spellings import beginning_in_whole, exactly_in_whole
from backfile.index.lexical.spelling.spellings import BEYOND, Spelling
from backfile.index.model.arrays import Bools, Rows
from backfile.index.model.article_table import ArticleTable
from backfile.index.model.category import Category, commonest_spelling
from backfile.index.model.expression import And, Field, Phrase, Prefix, Word
from backfile.index.model.query import LONGEST_TEXT
from backfile.index.model.whole import Whole

DEFAULT_SUGGESTIONS = 8
MOST_SUGGESTIONS = 20
LONGEST_TYPED = 400  # characters; a longer text is prose, and gets no suggestions
MOST_WORDS = 8  # last typed words that a suggestion must match
SHORTEST_PREFIX = 3  # letters of the last word; shorter prefixes match too many titles
MOST_TITLES = 3
MOST_NAMES = 3
RANKED = 30  # words that are ranked by their number of articles
LOOKED_AT = 60  # words with the prefix, the most frequent
LOOKED_INTO = 200  # passages that hold the word before, the last ones, for words that follow it
ROW_BITS = 32  # of a key: the article is above them, the row in them
NAME_WORDS = 4  # typed words compared with a name, at most
FIELDS = "|".join(field.value for field in Field if field not in (Field.ANY, Field.DATE))
IN_FIELD = re.compile(rf"(?<!\w)(?P<field>(?i:{FIELDS})):\Z")
OPERATORS = ("AND", "OR", "NOT")
# The plain words directly before the last one.
PLAIN = re.compile(r"(?:(?<!\S)(?!(?:AND|OR|NOT)\s)[^\s():\"]+\s+)*\Z")


class SuggestionKind(StrEnum):
    """The kind of a suggestion: a word, an article by its title, or a name of a facet."""

    WORD = "word"
    TITLE = "title"
    SOURCE = "source"
    SECTION = "section"
    LANGUAGE = "language"
    AUTHOR = "author"


class Suggestion(NamedTuple):
    """A suggestion: its text, the whole query `q` with it, and its number of articles.

    The articles of a word also match the words typed before it, if any article does. A title has
    its `article`.
    """

    kind: SuggestionKind
    text: str
    q: str
    articles: int
    article: Article | None = None


class Typed(NamedTuple):
    """The end of a query: the last word, the words before it, and their field.

    `start` is the offset of the field's name, -1 outside of fields.
    """

    field: Field
    words: tuple[str, ...]
    last: str
    start: int
    quoted: bool


IN_QUERIES = (Field.SOURCE, Field.SECTION, Field.LANGUAGE, Field.AUTHOR)


class NamedValue(NamedTuple):
    """A name with a word that begins as was typed: how it is spelt, and its articles.

    `overlap` is the number of typed words before the last one that belong to the name.
    """

    facet: str
    name: str
    articles: int
    overlap: int
    spellings: Mapping[str, int]

    @property
    def order(self) -> tuple[int, int, str]:
        """The greatest overlap comes first, then the most articles."""
        return -self.overlap, -self.articles, self.name


class Names:
    """The names of sources, sections, languages and authors, by the words in them."""

    def __init__(self, table: ArticleTable) -> None:
        all_articles = np.ones(table.n_articles, np.bool_)
        self._table = table
        self._categories: dict[str, Category] = {
            name.value: getattr(table, name) for name in IN_QUERIES
        }
        self._counts = {name: c.counts(all_articles) for name, c in self._categories.items()}
        self._words = sorted(
            (word, position, name, number)
            for name, category in self._categories.items()
            for number, value in enumerate(category.names)
            for position, word in enumerate(name_words(value))
        )

    def is_of(self, table: ArticleTable) -> bool:
        return self._table is table

    def beginning(self, typed: Typed, whole: Whole) -> list[NamedValue]:
        """List names of the whole with a word that begins like the last one, in their order."""
        own = self._own(typed)
        if not whole.is_divided:
            return sorted(own, key=lambda each: each.order)
        return whole.reduced(own, _named_in_whole).value()

    def _own(self, typed: Typed) -> list[NamedValue]:
        last = fold(typed.last)
        before = [fold(word) for word in typed.words]
        start = bisect_left(self._words, (last,))
        end = bisect_left(self._words, (last + BEYOND,))
        found: dict[tuple[str, str], int] = {}
        for _, position, facet, number in self._words[start:end]:
            name = self._categories[facet].names[number]
            overlap = 0
            words = name_words(name)[:position]
            while overlap < min(len(words), len(before), NAME_WORDS) and (
                words[-1 - overlap] == before[-1 - overlap]
            ):
                overlap += 1
            found[facet, name] = max(found.get((facet, name), 0), overlap)
        return [
            NamedValue(f, n, self._counts[f][n], overlap, self._categories[f].spellings_of(n))
            for (f, n), overlap in found.items()
        ]


def _named_in_whole(shards: Sequence[Sequence[NamedValue]]) -> list[NamedValue]:
    alike: dict[tuple[str, str], list[NamedValue]] = {}
    for each in chain.from_iterable(shards):
        alike.setdefault((each.facet, each.name.casefold()), []).append(each)
    return sorted(map(_merged, alike.values()), key=lambda each: each.order)


def _summed(shards: Sequence[Counter[str]]) -> Counter[str]:
    return sum(shards, Counter())


def _merged(alike: Sequence[NamedValue]) -> NamedValue:
    """A name that shards may spell otherwise; it is spelt as it is most often."""
    spellings = sum((Counter(each.spellings) for each in alike), Counter[str]())
    return NamedValue(
        alike[0].facet,
        commonest_spelling(spellings),
        sum(each.articles for each in alike),
        max(each.overlap for each in alike),
        spellings,
    )


class Suggester:
    """Suggests completions from one snapshot, which may be that of a shard of the `whole`.

    All shards go the same way, and the first one has the suggestions.
    """

    def __init__(self, lexical: LexicalSearch, catalog: Catalog, names: Names) -> None:
        self._lexical = lexical
        self._alone = lexical.alone()
        self._whole = lexical.whole
        self._table = lexical.table
        self._catalog = catalog
        self._names = names

    def suggest(self, text: str, limit: int) -> list[Suggestion]:
        """Suggest at most `limit` completions; none if the text does not end with a word."""
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
        """Words with the typed prefix: first those that follow the word before, then by articles.

        The words that follow it are ordered by the articles that hold both so.
        """
        if has_run(typed.last):  # a script without spaces between words
            return []
        following = self._following(typed)
        found = islice(self._completions(text, typed, following), RANKED)
        return sorted(found, key=lambda each: (-following[fold(each.text)], -each.articles))

    def _following(self, typed: Typed) -> Counter[str]:
        """Words that directly follow the word typed before the last, with their articles.

        Those of a single article are left out: it is chance.
        """
        before = typed.words[-1] if typed.words else ""
        if not before or is_stop_word(before):
            return Counter()
        in_title = typed.field is Field.TITLE
        stored = self._catalog.stored(self._last_holding(Word(before, typed.field)).tolist())
        texts = [each.article.title if in_title else each.passage.text for each in stored]
        own = Counter(
            word for text in texts for word in _followers(text, fold(before), fold(typed.last))
        )
        said = self._whole.reduced(own, _summed).value()
        words = sorted(said, key=lambda word: (-said[word], word))[:RANKED]
        phrases = [self._phrase(before, word, typed.field) for word in words]
        counts = zip(words, self._whole.sums(np.array(phrases, np.int64)).tolist(), strict=True)
        return Counter({word: count for word, count in counts if count > 1})

    def _last_holding(self, word: Word) -> Rows:
        """The own rows among the last LOOKED_INTO of the whole that hold a word.

        The articles that were added last have the last ones.
        """
        lists = self._alone.match(word).leaves[0].lists
        rows = np.concatenate([each.rows for each in lists])
        keys = (self._table.article_of[rows] << ROW_BITS) | rows
        if len(keys) > LOOKED_INTO:
            keys = np.partition(keys, -LOOKED_INTO)[-LOOKED_INTO:]
        last = np.sort(keys)[::-1] & ((1 << ROW_BITS) - 1)
        numbers = self._table.number[self._table.article_of[last]]
        return last[: len(self._whole.places((-numbers, -last), LOOKED_INTO))]

    def _phrase(self, before: str, word: str, field: Field) -> int:
        """The number of own articles in which a word directly follows another."""
        return int(self._alone.match(Phrase(f"{before} {word}", field)).matching.sum())

    def _completions(
        self, text: str, typed: Typed, following: Iterable[str]
    ) -> Iterator[Suggestion]:
        start = text[: len(text) - len(typed.last)]
        context = self._context(typed)
        words = list(self._candidates(typed, list(following)))
        for word, count in zip(words, self._counted(words, typed.field, context), strict=True):
            written = word.text if word.written in OPERATORS else word.written
            if count:
                yield Suggestion(SuggestionKind.WORD, written, start + written, count)

    def _candidates(self, typed: Typed, following: Sequence[str]) -> Iterator[Spelling]:
        """The words with the prefix that may be shown, those that follow first, then by frequency.

        Of each stem there is one form: all forms match the same articles.
        """
        known, beginning = self._lexical.own_spellings(), fold(typed.last)
        first = [each for each in exactly_in_whole(known, following, self._whole) if each]
        others = beginning_in_whole(known, beginning, LOOKED_AT, self._whole)
        stems: set[str] = set()
        for word in (*first, *others):
            if word.living and not stems.issuperset(word.terms) and not is_stop_word(word.text):
                stems.update(word.terms)
                if word.text != beginning:
                    yield word

    def _counted(self, words: Iterable[Spelling], field: Field, context: Bools) -> Iterable[int]:
        """The number of articles of each word, in its context; as they are asked for, if alone."""
        own = (int((self._matching(word.text, field) & context).sum()) for word in words)
        if not self._whole.is_divided:
            return own
        found: list[int] = self._whole.sums(np.fromiter(own, np.int64)).tolist()
        return found

    def _context(self, typed: Typed) -> Bools:
        """Article mask of the words typed before the last one; all articles if none matches."""
        matching = np.ones(self._table.n_articles, np.bool_)
        for word in typed.words[-MOST_WORDS:]:
            if not is_stop_word(fold(word)):
                matching &= self._matching(word, typed.field)
        return matching if self._whole.any(matching.any()) else ~matching

    def _matching(self, word: str, field: Field) -> Bools:
        return self._alone.match(Word(word, field)).matching

    def _names_of(self, text: str, typed: Typed) -> Iterator[Suggestion]:
        """Names of sources, sections and authors that contain the last typed words."""
        if typed.field is not Field.ANY or typed.quoted:
            return
        for each in self._names.beginning(typed, self._whole):
            if each.facet == Field.LANGUAGE:
                continue
            start = [found.start() for found in WORD.finditer(text)][-1 - each.overlap]
            yield _named(text[:start], each)

    def _in_column(self, text: str, typed: Typed) -> Iterator[Suggestion]:
        for each in self._names.beginning(typed, self._whole):
            if each.facet == typed.field and each.overlap == min(len(typed.words), NAME_WORDS):
                yield _named(text[: typed.start], each)

    def _titles(self, typed: Typed) -> Iterator[Suggestion]:
        """Articles whose title contains all typed words, the latest first, one for each title."""
        words = typed.words[-MOST_WORDS:]
        if len(typed.last) < SHORTEST_PREFIX or typed.field is Field.TEXT:
            return
        prefix = Prefix(typed.last, Field.TITLE)
        expression = And((*(Word(word, Field.TITLE) for word in words), prefix))
        found = np.flatnonzero(self._lexical.match(expression).matching)
        latest = found[np.argsort(-self._table.published[found], kind="stable")]
        seen: set[str] = set()
        for article in self._first_articles(latest, 4 * MOST_TITLES):
            if article.given_title and article.title.casefold() not in seen:
                seen.add(article.title.casefold())
                title = f'title:"{" ".join(WORD.findall(article.title))}"'
                yield Suggestion(SuggestionKind.TITLE, article.title, title, 1, article)

    def _first_articles(self, latest: Rows, limit: int) -> Iterator[Article]:
        """The first articles of the whole; the own ones are given as ordinals, the latest first."""
        days, numbers = -self._table.published[latest], self._table.number[latest]
        places = self._whole.places((days, numbers), limit)
        rows = self._table.first_rows[latest[: len(places)]].tolist()
        stored = {each.row: each.article for each in self._catalog.stored(rows)}
        own = {
            place: stored[row]
            for place, row in zip(places.tolist(), rows, strict=True)
            if row in stored
        }
        merged = {
            place: article
            for shard in self._whole.collected(own).values()
            for place, article in shard.items()
        }
        return (merged[place] for place in sorted(merged))


def _followers(text: str, before: str, beginning: str) -> set[str]:
    """The folded words of a text that begin so and directly follow a word; no stop words.

    >>> _followers("Hurricane Ian hit the island; hurricane is a word.", "hurricane", "i")
    {'ian'}
    """
    words = [found.group() for found in WORD.finditer(text)]
    return {
        fold(word)
        for previous, word in pairwise(words)
        if fold(previous) == before and fold(word).startswith(beginning) and not is_stop_word(word)
    }


def typed_last(text: str) -> Typed | None:
    """Parse the end of a query; None if it does not end with a word.

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
    """Normalise a typed text to NFC without control characters; raise BadQuery if too long."""
    if len(value) > LONGEST_TEXT:
        raise BadQuery("q", f"{len(value)} characters; at most {LONGEST_TEXT} are taken")
    text = unicodedata.normalize("NFC", re.sub(r"[\x00-\x1f\x7f]+", " ", value))
    return text.encode("utf-8", "replace").decode()


def _named(before: str, found: NamedValue) -> Suggestion:
    quoted = f'"{found.name.replace(chr(34), " ")}"'
    text = f"{before}{found.facet}:{quoted}"
    return Suggestion(SuggestionKind(found.facet), found.name, text, found.articles)
