"""The shapes of JSON: models that validate and write answers, and describe them in OpenAPI.

`web/api/json.py` lays answers out, also for the shell and for Python, which need no pydantic. The
server validates and writes them with these models: of ten hits, 0.19 and 0.12 ms, and `json.dumps`
alone takes 0.25 ms. Names and types are the contract of version 1: a change needs a line in
CHANGELOG.md (`tests/web/api_v1.json`).
"""

from datetime import date
from typing import Annotated, Literal

from pydantic import Field

from backfile.index.asking.autocomplete import SuggestionKind
from backfile.index.model.filters import DateFilter
from backfile.index.model.groups import Group
from backfile.index.model.periods import Unit
from backfile.index.model.query import Copies, Marking, Mode, QueryPartKind, Scale, Sort
from backfile.index.model.results import Loosened, OfferKind, Rule, ScorePartKind, Verdict
from backfile.web.api.article_shapes import (
    Article,
    ArticleFields,
    Copy,
    Day,
    ExportedArticle,
    History,
    Natural,
    Outlets,
    Passage,
    Shape,
    Share,
    Span,
)
from backfile.web.api.service_shapes import Alive, PartReady, Ready


class Problem(Shape):
    """What went wrong (RFC 9457)."""

    title: str
    status: Annotated[int, Field(ge=400, le=599)]
    detail: str
    field: Annotated[str, Field(description="The parameter that cannot be used.")] = ""
    request_id: Annotated[str, Field(description="The request in the log; X-Request-Id.")] = ""
    parts: Annotated[
        dict[str, PartReady],
        Field(default_factory=dict, description="Of /readyz: the parts of the archive."),
    ]


class Ranks(Shape):
    """The places from 1 in the rankings by words and by meaning; null in no ranking."""

    lexical: int | None
    vector: int | None


class ScorePart(Shape):
    """A summand of a score."""

    kind: ScorePartKind
    text: str
    before: Annotated[float, Field(description="The score before both rankings were merged.")]
    score: Annotated[float, Field(description="The share of the merged score.")]


class Why(Shape):
    """Why it was found; the parts add up to its score."""

    sentence: str
    parts: list[ScorePart]


class Wording(Shape):
    """A quotation beside the words of a passage, or its title, that come close to it."""

    asked: str
    lacking: Annotated[
        list[Span], Field(description="Start and end of each word in `asked` that is not there.")
    ]
    says: str
    added: Annotated[
        list[Span], Field(description="Start and end of each word in `says` that was not asked.")
    ]


class PassageHit(Passage):
    """A passage that was found."""

    highlights: Annotated[list[Span], Field(description="Start and end of each matched word.")]
    heading_highlights: Annotated[list[Span], Field(description="The same in `heading`.")]
    nearest: Annotated[
        Span | None,
        Field(description="Start and end of the sentence nearest in meaning (`mark=sentence`)."),
    ]
    wordings: Annotated[
        list[Wording], Field(description="For each quotation, where `relaxed.to` is near.")
    ]
    score: float
    ranks: Ranks
    cosine: float | None
    why: Why


class Hit(Shape):
    """An article that was found, with its best passages."""

    article: ArticleFields
    added: Annotated[
        str | None, Field(description="When it came into the archive, ISO 8601 in UTC.")
    ]
    group: Group
    score: float
    ranks: Ranks
    passages: Annotated[list[PassageHit], Field(min_length=1)]
    why: Why
    copies: list[Copy]
    copies_total: Natural


class Count(Shape):
    """A value of a facet, and the number of hits that have it."""

    value: str
    count: Natural


class Facets(Shape):
    """The most common values of each facet."""

    source: list[Count]
    section: list[Count]
    language: list[Count]
    author: list[Count]
    person: list[Count]
    organisation: list[Count]
    place: list[Count]


class FacetTotals(Shape):
    """The number of values of each facet; `facets` lists the most common."""

    source: Natural
    section: Natural
    language: Natural
    author: Natural
    person: Natural
    organisation: Natural
    place: Natural


class AskedPart(Shape):
    """A part of a short query."""

    kind: QueryPartKind
    text: str
    without: Annotated[str, Field(description="The query without this part.")]


class Bin(Shape):
    """A period of the timeline."""

    value: str
    since: date
    until: date
    count: Natural
    of: Annotated[
        Natural, Field(description="The number of articles of this period in the whole archive.")
    ]


class Timeline(Shape):
    """The number of hits in each period."""

    unit: Unit | None
    bins: list[Bin]
    undated: Natural
    crossing: Annotated[
        Natural, Field(description="With dates longer than a period: a year, in bins of months.")
    ]


class Query(Shape):
    """A query under the names of its parameters, and how it was read."""

    q: str
    mode: Mode
    since: Day | None
    until: Day | None
    date: DateFilter
    day: Annotated[str, Field(description="A month and a day, in any year: 03-23.")] | None
    source: list[str]
    section: list[str]
    language: list[str]
    author: list[str]
    person: list[str]
    organisation: list[str]
    place: list[str]
    not_source: list[str]
    not_section: list[str]
    not_language: list[str]
    not_author: list[str]
    not_person: list[str]
    not_organisation: list[str]
    not_place: list[str]
    collection: Annotated[str | None, Field(description="The collection that has the articles.")]
    added_since: Annotated[str | None, Field(description="A day, or an instant, ISO 8601 in UTC.")]
    match: Annotated[
        Group | None, Field(description="The last group that is wanted, with those before it.")
    ]
    sort: Sort
    copies: Copies
    timeline: Scale
    mark: Marking
    strict: bool
    limit: Annotated[int, Field(ge=1)]
    cursor: str | None
    read_as: Annotated[str, Field(description="How the query was read.")]
    notes: Annotated[list[str], Field(description="What is unusual about the query or answer.")]
    parts: Annotated[list[AskedPart], Field(description="The parts of a short query.")]
    counted: Annotated[
        Group | None,
        Field(
            description="Totals, facets and timeline count this group and those before it: "
            "`match`, or the first group that has a hit."
        ),
    ]


class GroupCount(Shape):
    """The number of hits of a group: with all words that bind, most, some, or by meaning alone."""

    group: Group
    count: Natural


class Totals(Shape):
    """The hits that are counted: as articles, as stories, by what found them, and by group."""

    articles: Natural
    stories: Natural
    by_words: Natural
    by_meaning_alone: Natural
    groups: Annotated[
        list[GroupCount], Field(description="Each hit is in one group; `match` goes by this order.")
    ]


class Relaxed(Shape):
    """How a query was relaxed, because no article met all of its requirements."""

    to: Annotated[
        Loosened,
        Field(description="`near`: most words of a phrase, near each other; `words`: any words."),
    ]
    rules: Annotated[list[Rule], Field(description="What no longer excludes an article.")]


class Closest(Shape):
    """The best hits of one mode, for a query without a good answer."""

    mode: Mode
    total: Annotated[int, Field(ge=1, description="The hits of this mode with `match=related`.")]
    hits: Annotated[list[Hit], Field(min_length=1)]


class Offer(Shape):
    """A word of the archive to search for instead, or a name or days in the text, as a filter."""

    q: Annotated[str, Field(description="The word, or the text without the name or days.")]
    articles: Annotated[Natural, Field(description="Its articles; of a filter, its hits.")]
    kind: OfferKind
    value: Annotated[str, Field(description="The name, for the filter that is called as `kind`.")]
    since: date | None
    until: date | None


class DidYouMean(Shape):
    """The query with misspelt words corrected, or with another spelling of a name."""

    text: Annotated[str, Field(description="The corrected query.")]
    articles: Annotated[int, Field(ge=1, description="The number of articles with its words.")]
    variant: Annotated[
        bool, Field(description="Whether both spellings are frequent, so that none is a mistake.")
    ]
    shown: Annotated[
        bool, Field(description="Whether the hits are its hits, as the query itself has none.")
    ]


class Results(Shape):
    """The answer to a search."""

    query: Query
    total: Annotated[Natural, Field(description="The number of hits on all pages.")]
    totals: Totals
    hits: list[Hit]
    facets: Facets
    facets_total: FacetTotals
    timeline: Timeline
    coverage: Annotated[Share, Field(description="The share of passages found by meaning.")]
    words_coverage: Annotated[Share, Field(description="The share of passages found by words.")]
    verdict: Verdict
    relaxed: Annotated[Relaxed | None, Field(description="Null if the hits meet all requirements.")]
    closest: Annotated[
        list[Closest], Field(description="The best hits of each mode, if the verdict is none.")
    ]
    offers: list[Offer]
    did_you_mean: DidYouMean | None
    generation: Annotated[Natural, Field(description="It grows with each change of the archive.")]
    next: Annotated[str, Field(description="The `cursor` of the next page.")] | None
    took_ms: Annotated[
        dict[str, float], Field(description="The time of each stage in milliseconds.")
    ]


class Suggestion(Shape):
    """A way to complete the query that is being typed."""

    kind: SuggestionKind
    text: Annotated[str, Field(description="The word, title or name.")]
    q: Annotated[str, Field(description="The whole query with it; for a title, a query for it.")]
    articles: Annotated[
        int,
        Field(ge=1, description="The number of articles with it, and with the words before it."),
    ]
    article: Annotated[ArticleFields | None, Field(description="The article of a title.")]


class Suggestions(Shape):
    """Suggestions for a query that is being typed."""

    q: str
    suggestions: list[Suggestion]


class RelatedArticle(Shape):
    """Another article on the same subject."""

    article: ArticleFields
    score: Share
    why: Why


class Related(Shape):
    """Other coverage of an article's subject by time, best first."""

    earlier: list[RelatedArticle]
    later: list[RelatedArticle]
    same_day: list[RelatedArticle]
    undated: list[RelatedArticle]
    coverage: Share


class FeedAuthor(Shape):
    """An author in a feed."""

    name: str


class FeedItem(Shape):
    """An article in a feed; properties without a value are left out."""

    id: str
    url: str
    external_url: str = ""
    title: str
    summary: str = ""
    content_text: str
    date_published: Annotated[str, Field(description="The day of the article.")] = ""
    date_modified: Annotated[
        str, Field(description="When the article was added to the archive, or changed there.")
    ] = ""
    authors: list[FeedAuthor] = Field(default_factory=list)
    tags: list[str] = Field(default_factory=list)
    language: str = ""


class Feed(Shape):
    """JSON Feed 1.1."""

    version: Literal["https://jsonfeed.org/version/1.1"]
    title: str
    home_page_url: str
    feed_url: str
    items: list[FeedItem]


ANSWERS: tuple[type[Shape], ...] = (
    Problem, Results, Suggestions, Article, Related, History, Feed, ExportedArticle, Outlets, Alive,
    Ready,
)  # fmt: skip
"""The shape of each whole answer."""
