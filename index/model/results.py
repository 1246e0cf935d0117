"""What a search answers: hits with their passages, and true numbers about all that matched."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import NamedTuple

from backfile.archive.model.article import Article, Passage
from backfile.archive.model.message import Message
from backfile.archive.store.clusters import OtherCopies
from backfile.index.model.periods import Unit
from backfile.index.model.query import Copies, Cursor, Query, QueryPart


class Verdict(StrEnum):
    """Whether the answer is worth reading; where it is none, nothing is shown but offers."""

    STRONG = "strong"
    WEAK = "weak"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Ranks:
    """The place, from 1, in each ranking before they were merged; None where it is in none."""

    lexical: int | None
    vector: int | None


class PartKind(StrEnum):
    """What a part of a score is due to."""

    WORD = "word"
    PHRASE = "phrase"
    PREFIX = "prefix"
    FUZZY = "fuzzy"
    NEAR = "near"
    COLUMN = "column"  # a word in an article's source, section, language or author: adds nothing
    MEANING = "meaning"
    ASSUMED = "assumed"  # the meaning of a passage that is not embedded yet
    PASSAGE = "passage"  # a share of the article's further passage, by its id
    COPY = "copy"  # what a copy of the article scores more than it does
    RERANKED = "reranked"  # what reading it together with the question has added


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a score: of what, how it scored before both rankings were merged, and since.

    `before` is a BM25F score for words, a cosine for meaning, what a reranker gave, 0 to 1.
    """

    kind: PartKind
    text: str
    before: float
    score: float


class Reread(NamedTuple):
    """What a reranker gave an article, 0 to 1, and how the article scores since."""

    given: float
    score: float


@dataclass(frozen=True, slots=True)
class Why:
    """Why something was found: in words, and as parts that add up to its score."""

    clauses: tuple[Message, ...]
    parts: tuple[Part, ...]

    @property
    def sentence(self) -> str:
        """All that speaks for it, in English."""
        return "; ".join(self.clauses)


@dataclass(frozen=True, slots=True)
class PassageHit:
    """A passage that was found. `highlights` are (start, end) in the passage's own text.

    `nearest` is where the sentence is that is nearest in meaning, where that was asked for.
    """

    passage: Passage
    score: float
    ranks: Ranks
    cosine: float | None
    highlights: tuple[tuple[int, int], ...]
    why: Why
    nearest: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Hit:
    """An article that was found, with its best passages, best first.

    `copies` are the other matching articles of its story, where copies are folded.
    """

    article: Article
    title_highlights: tuple[tuple[int, int], ...]
    score: float
    ranks: Ranks
    passages: tuple[PassageHit, ...]
    why: Why
    copies: OtherCopies = OtherCopies()


@dataclass(frozen=True, slots=True)
class Reading:
    """How a query's text was read: in words, what was unusual about it, and part by part.

    `query` asks the same, with the days of its text as filters.
    """

    query: Query
    description: str
    notes: tuple[Message, ...]
    parts: tuple[QueryPart, ...] = ()


@dataclass(frozen=True, slots=True)
class Offer:
    """A word to search for instead, and how many articles hold it."""

    word: str
    articles: int


@dataclass(frozen=True, slots=True)
class DidYouMean:
    """The query with misspelt words corrected, and how many articles hold its words.

    `corrected` are the (start, end) of these words in its text.
    """

    text: str
    articles: int
    corrected: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Totals:
    """What matched: articles, and the stories they are; hits by their words, by meaning alone.

    A hit is a story where copies are folded, else an article.
    """

    articles: int
    stories: int
    by_words: int
    by_meaning_alone: int


@dataclass(frozen=True, slots=True)
class FacetCount:
    """A value, and how many of the matching articles have it."""

    value: str
    count: int


@dataclass(frozen=True, slots=True)
class Bin:
    """A period (`2024-03`), its first and last day, how many match, of how many in the archive."""

    value: str
    since: date
    until: date
    count: int
    of: int


@dataclass(frozen=True, slots=True)
class Timeline:
    """Matching articles by periods of one unit, those with none left out; and those undated."""

    bins: tuple[Bin, ...]
    undated: int
    unit: Unit | None


@dataclass(frozen=True, slots=True)
class Results:
    """The answer to one query. Total, facets and timeline are of the very set that is paged.

    `facets` hold the most frequent values, `facets_total` says how many values there are.
    """

    query: Query
    reading: Reading
    hits: tuple[Hit, ...]
    totals: Totals
    facets: dict[str, tuple[FacetCount, ...]]
    facets_total: dict[str, int]
    timeline: Timeline
    span: tuple[date, date] | None
    coverage: float
    words_coverage: float
    verdict: Verdict
    offers: tuple[Offer, ...]
    did_you_mean: DidYouMean | None
    generation: int
    next: Cursor | None
    took_ms: dict[str, float]

    @property
    def total(self) -> int:
        """How many hits there are on all pages."""
        folded = self.query.copies is Copies.FOLD
        return self.totals.stories if folded else self.totals.articles
