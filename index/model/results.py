"""The results of a search: hits with their passages, totals, facets and timeline."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from typing import NamedTuple, Self

from backfile.archive.model.article import Article, Passage
from backfile.archive.model.dates import DateSpan
from backfile.archive.model.message import Message
from backfile.archive.store.clusters import OtherCopies
from backfile.index.model.groups import Group
from backfile.index.model.periods import Unit
from backfile.index.model.query import Cursor, Mode, Query, QueryPart


class Verdict(StrEnum):
    """The quality of an answer; with NONE, it has alternative words instead of hits."""

    STRONG = "strong"
    WEAK = "weak"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Wording:
    """How a passage, or a title, words a quotation: what was asked, and what it says.

    `lacking` are the (start, end) of the words in `asked` that it lacks; `added` are those of the
    words in `says` that were not asked.
    """

    asked: str
    lacking: tuple[tuple[int, int], ...]
    says: str
    added: tuple[tuple[int, int], ...]


class Loosened(StrEnum):
    """How far a query that found nothing was relaxed: phrases to near words, or all to words."""

    NEAR = "near"
    WORDS = "words"


class Rule(StrEnum):
    """A kind of requirement that was relaxed."""

    PHRASE = "phrase"
    AND = "and"
    NEAR = "near"
    FIELD = "field"
    SPELLING = "spelling"


@dataclass(frozen=True, slots=True)
class Relaxation:
    """How a query was relaxed because nothing met its requirements, and which ones those were."""

    to: Loosened
    rules: tuple[Rule, ...]


@dataclass(frozen=True, slots=True)
class Ranks:
    """The ranks, from 1, in both rankings before fusion; None if a ranking does not contain it."""

    lexical: int | None
    vector: int | None


UNRANKED = Ranks(None, None)


class ScorePartKind(StrEnum):
    """The source of a part of a score."""

    WORD = "word"
    PHRASE = "phrase"
    PREFIX = "prefix"
    FUZZY = "fuzzy"
    NEAR = "near"
    COLUMN = "column"  # a match in source, section, language, author or date; its score is 0
    MEANING = "meaning"
    ASSUMED = "assumed"  # the median closeness, for a passage that is not embedded yet
    PASSAGE = "passage"  # a share of another passage's score; the text is that passage's id
    COPY = "copy"  # the difference to the best score among the article's copies
    RERANKED = "reranked"  # the difference that the reranker made


@dataclass(frozen=True, slots=True)
class ScorePart:
    """A part of a score: its source, its score before fusion, and its share of the final score.

    `before` is a BM25F score for words, the closeness for meaning, and a reranker's score, 0 to 1.
    """

    kind: ScorePartKind
    text: str
    before: float
    score: float


class RerankScore(NamedTuple):
    """The score that a reranker gave an article, 0 to 1, and the article's score with it."""

    given: float
    score: float


@dataclass(frozen=True, slots=True)
class Explanation:
    """The explanation of a hit: clauses in words, and the parts that add up to its score.

    The ranks are known after the rest: `ranks_at` is the place among the clauses for theirs.
    """

    clauses: tuple[Message, ...]
    parts: tuple[ScorePart, ...]
    ranks_at: int = 0

    @property
    def sentence(self) -> str:
        """All clauses, in English."""
        return "; ".join(self.clauses)


@dataclass(frozen=True, slots=True)
class PassageHit:
    """A passage of a hit. `highlights` are (start, end) offsets in the passage's text.

    `heading_highlights` are the same in its heading.

    `nearest` is the span of the sentence nearest in meaning, if the query marks sentences. `cosine`
    is None if the passage has no vector or the query has no meaning. `wordings` compare it with the
    quotations of a query whose phrases were relaxed to near words.
    """

    passage: Passage
    score: float
    ranks: Ranks
    cosine: float | None
    highlights: tuple[tuple[int, int], ...]
    why: Explanation
    nearest: tuple[int, int] | None = None
    heading_highlights: tuple[tuple[int, int], ...] = ()
    wordings: tuple[Wording, ...] = ()


@dataclass(frozen=True, slots=True)
class Hit:
    """An article of an answer with its best passages, best first.

    `copies` are the other matching articles of its cluster if copies are folded. `added` is when
    the article came into the archive, None if an early release did not note it.
    """

    article: Article
    title_highlights: tuple[tuple[int, int], ...]
    score: float
    ranks: Ranks
    passages: tuple[PassageHit, ...]
    why: Explanation
    group: Group
    copies: OtherCopies = OtherCopies()
    added: datetime | None = None

    def without_text(self) -> Self:
        """The same without the text of its article, which may be long, and which no list shows."""
        return replace(self, article=replace(self.article, text=""))


@dataclass(frozen=True, slots=True)
class Reading:
    """How a query's text was read: a description, notes about misread parts, and its parts.

    `query` is the query with the days of its text moved to the filters.
    """

    query: Query
    description: str
    notes: tuple[Message, ...]
    parts: tuple[QueryPart, ...] = ()


class OfferKind(StrEnum):
    """What an offer searches instead: another word, or a name or days as a filter."""

    WORD = "word"
    SOURCE = "source"
    SECTION = "section"
    AUTHOR = "author"
    DAYS = "days"


@dataclass(frozen=True, slots=True)
class Offer:
    """An alternative word, and the number of articles that contain it.

    Or a filter: `word` is then the text that is left, `query` the query with the filter, `value`
    the name, and `articles` the number of its hits.
    """

    word: str
    articles: int
    kind: OfferKind = OfferKind.WORD
    value: str = ""
    query: Query | None = None


@dataclass(frozen=True, slots=True)
class DidYouMean:
    """The query's text with corrected spelling, and the number of articles that match it.

    `corrected` are the (start, end) offsets of the corrected words in `text`. `is_variant` if it is
    another spelling that is frequent too, not a correction. `is_shown` if the hits are those of the
    corrected query, as the query itself has none.
    """

    text: str
    articles: int
    corrected: tuple[tuple[int, int], ...]
    is_variant: bool = False
    is_shown: bool = False


@dataclass(frozen=True, slots=True)
class Totals:
    """Numbers of counted articles, of their clusters, and of hits by words or by meaning alone.

    `groups` are the numbers of hits of each group, counted or not, in the order of the groups. An
    article without copies counts as a cluster ("story" on pages). A hit is a cluster if copies
    are folded, else an article.
    """

    articles: int
    stories: int
    by_words: int
    by_meaning_alone: int
    groups: Mapping[Group, int]


@dataclass(frozen=True, slots=True)
class Closest:
    """The best hits of one mode for a query without a good answer, and the number of all."""

    mode: Mode
    total: int
    hits: tuple[Hit, ...]


@dataclass(frozen=True, slots=True)
class FacetCount:
    """A value of a facet, and the number of matching hits with it."""

    value: str
    count: int


@dataclass(frozen=True, slots=True)
class Bin:
    """A period (`2024-03`), its first and last day, its matches, and its total in the archive."""

    value: str
    since: date
    until: date
    count: int
    of: int


@dataclass(frozen=True, slots=True)
class Timeline:
    """Matches by period, without empty periods, and the numbers of those that are in none.

    `undated` have no date; `crossing` have one that no single period contains, such as the year
    2024 among months.
    """

    bins: tuple[Bin, ...]
    undated: int
    unit: Unit | None
    crossing: int = 0


NO_TIMELINE = Timeline((), 0, None)


@dataclass(frozen=True, slots=True)
class Results:
    """The answer to one query.

    `counted` is the group that totals, facets, timeline and span count, together with those before
    it: the query's `match`, or the first group with hits; None if there are none. The hits are of
    the same groups; sorted by relevance, without `match`, they are of all. `total` is the number of
    hits on all pages. `facets` has the most frequent values of each facet, `facets_total` the
    number of its values. `span` is the earliest and the latest date. `coverage` and
    `words_coverage` are the shares of passages that can be found by meaning and by words, 0 to 1.
    `closest` are the best hits of each mode if the verdict is NONE. `relaxed` says how the query
    was relaxed, if it was.
    """

    query: Query
    reading: Reading
    hits: tuple[Hit, ...]
    totals: Totals
    total: int
    counted: Group | None
    facets: dict[str, tuple[FacetCount, ...]]
    facets_total: dict[str, int]
    timeline: Timeline
    span: tuple[DateSpan, DateSpan] | None
    coverage: float
    words_coverage: float
    verdict: Verdict
    offers: tuple[Offer, ...]
    did_you_mean: DidYouMean | None
    generation: int
    next: Cursor | None
    took_ms: dict[str, float]
    closest: tuple[Closest, ...] = ()
    relaxed: Relaxation | None = None

    def with_note(self, note: Message) -> Self:
        """The same answer with a note before the others."""
        reading = replace(self.reading, notes=(note, *self.reading.notes))
        return replace(self, reading=reading)
