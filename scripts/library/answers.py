"""What a search gives a program: an answer, its hits and their passages; HTML for notebooks."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from html import escape
from typing import Any, Self

from backfile.archive.model.article import Article, TextKind
from backfile.archive.store.clusters import OtherCopies
from backfile.index.model.query import Query
from backfile.index.model.results import (
    Explanation,
    Offer,
    Ranks,
    Results,
    Timeline,
    Totals,
    Wording,
)
from backfile.index.model.results import Hit as FoundHit
from backfile.index.model.results import PassageHit as FoundPassage
from backfile.web.api.json import results_json
from backfile.web.i18n.phrases import relaxed_in_words, total_in_words
from backfile.web.links import outlet_url

EXCERPT = 320  # characters
Spans = Sequence[tuple[int, int]]


def byline_of(article: Article) -> str:
    """Date, source, section, authors and language of an article, in one line.

    An abstract is called one.
    """
    written = str(article.date_span or "no date")
    parts = (
        *(written, article.source, article.section, ", ".join(article.authors), article.language),
        article.text_kind.value if article.text_kind is TextKind.ABSTRACT else "",
    )
    return " · ".join(part for part in parts if part)


@dataclass(frozen=True, slots=True)
class PassageHit:
    """A passage that was found: `article.text[start:end] == text`.

    `highlights` are the (start, end) of matched words in `text`; `nearest` is the sentence that is
    nearest in meaning, where `mark="sentence"` asked for it. `cosine` is None where the passage is
    not embedded, or meaning was not asked. `wordings` compare the quotations of a relaxed query.
    """

    id: str
    start: int
    end: int
    heading: str
    text: str
    highlights: tuple[tuple[int, int], ...]
    nearest: tuple[int, int] | None
    wordings: tuple[Wording, ...]
    score: float
    ranks: Ranks
    cosine: float | None
    why: Explanation

    @classmethod
    def of(cls, found: FoundPassage) -> Self:
        passage = found.passage
        return cls(
            id=passage.id,
            start=passage.start,
            end=passage.end,
            heading=passage.heading,
            text=passage.text,
            highlights=found.highlights,
            nearest=found.nearest,
            wordings=found.wordings,
            score=found.score,
            ranks=found.ranks,
            cosine=found.cosine,
            why=found.why,
        )


@dataclass(frozen=True, slots=True)
class Hit:
    """An article that was found, with its best passages, best first.

    `why.sentence` says why it was found, `why.parts` add up to its score. `copies` are the other
    matching articles of its story, where copies are folded.
    """

    article: Article
    score: float
    passages: tuple[PassageHit, ...]
    why: Explanation
    ranks: Ranks
    copies: OtherCopies
    title_highlights: tuple[tuple[int, int], ...]

    @classmethod
    def of(cls, found: FoundHit) -> Self:
        return cls(
            article=found.article,
            score=found.score,
            passages=tuple(PassageHit.of(each) for each in found.passages),
            why=found.why,
            ranks=found.ranks,
            copies=found.copies,
            title_highlights=found.title_highlights,
        )

    def _repr_html_(self) -> str:
        """Show the hit in a notebook. Everything that comes from the archive is escaped."""
        article = self.article
        title = marked(article.title, self.title_highlights)
        if url := outlet_url(article.url):
            title = f'<a href="{escape(url)}" rel="noreferrer">{title}</a>'
        excerpts = "".join(f"<p>{_excerpt(passage)}</p>" for passage in self.passages)
        byline = escape(f"{byline_of(article)} [{article.id}]")
        return f"<article><b>{title}</b><br><small>{byline}</small>{excerpts}</article>"


class Answer:
    """A page of what a search found: an iterable of hits, best first. Counts are of all pages."""

    __slots__ = ("_search", "hits", "results")

    def __init__(self, results: Results, search: Callable[[Query], "Answer"]) -> None:
        """Take an answer of the engine, and the function that finds its other pages."""
        self._search = search
        self.results = results
        self.hits = tuple(Hit.of(found) for found in results.hits)

    def __iter__(self) -> Iterator[Hit]:
        return iter(self.hits)

    def __len__(self) -> int:
        """The hits of this page; `total` counts all."""
        return len(self.hits)

    def __getitem__(self, place: int) -> Hit:
        return self.hits[place]

    def __repr__(self) -> str:
        total = total_in_words(self.results)
        return f"<Answer to {self.results.query.text!r}: {total}, {len(self)} on this page>"

    @property
    def total(self) -> int:
        """The hits of all pages: stories where copies are folded, else articles."""
        return self.results.total

    @property
    def totals(self) -> Totals:
        """The hits that are counted, as articles and stories, and the hits of each group."""
        return self.results.totals

    @property
    def counted(self) -> str | None:
        """The last group that is counted: `all`, `most`, `some`, `related`; None without hits."""
        return self.results.counted.value if self.results.counted else None

    @property
    def facets(self) -> dict[str, dict[str, int]]:
        """The commonest values of each facet with their numbers of hits, most first."""
        return {
            name: {each.value: each.count for each in counts}
            for name, counts in self.results.facets.items()
        }

    @property
    def facets_total(self) -> dict[str, int]:
        """How many values each facet has."""
        return self.results.facets_total

    @property
    def timeline(self) -> Timeline:
        """The hits by day, month, year or longer, and those that are in no such period."""
        return self.results.timeline

    @property
    def span(self) -> tuple[date, date] | None:
        """The first and the last day of all that was found: of months and years, of these."""
        span = self.results.span
        return (span[0].first, span[1].last) if span else None

    @property
    def verdict(self) -> str:
        """`strong`, `weak`, or `none` where the answer is no better than chance: no hits then."""
        return self.results.verdict.value

    @property
    def relaxed(self) -> str | None:
        """`near` or `words` if nothing met all requirements, and the query was relaxed so."""
        return self.results.relaxed.to.value if self.results.relaxed else None

    @property
    def notes(self) -> tuple[str, ...]:
        """What is unusual about how the query was read or answered."""
        return tuple(str(note) for note in self.results.reading.notes)

    @property
    def read_as(self) -> str:
        """The query as it was read."""
        return self.results.reading.description

    @property
    def did_you_mean(self) -> str | None:
        """The query with its misspelt words corrected, if any seem to be."""
        return self.results.did_you_mean.text if self.results.did_you_mean else None

    @property
    def offers(self) -> tuple[Offer, ...]:
        """Other words to search for, where nothing was found."""
        return self.results.offers

    @property
    def coverage(self) -> float:
        """The share of the archive that can be found by meaning, 0 to 1."""
        return self.results.coverage

    @property
    def next(self) -> str | None:
        """The cursor of the next page, None on the last."""
        return str(self.results.next) if self.results.next else None

    def next_page(self) -> "Answer | None":
        """Find the next page, None after the last."""
        if self.results.next is None:
            return None
        return self._search(replace(self.results.query, cursor=self.results.next))

    def pages(self) -> Iterator["Answer"]:
        """Walk this page and all that follow."""
        page: Answer | None = self
        while page is not None:
            yield page
            page = page.next_page()

    def as_dict(self) -> dict[str, Any]:
        """Lay the answer out as the API's JSON."""
        return results_json(self.results)

    def _repr_html_(self) -> str:
        """Show the answer in a notebook. Everything that comes from outside is escaped."""
        heading = f"<p>{escape(total_in_words(self.results))}</p>"
        relaxed = relaxed_in_words(self.results)
        noted = (*self.notes, relaxed) if relaxed else self.notes
        notes = "".join(f"<p><i>{escape(note)}</i></p>" for note in noted)
        first = self.results.query.cursor.offset if self.results.query.cursor else 0
        hits = "".join(f"<li>{hit._repr_html_()}</li>" for hit in self.hits)
        return f'{heading}{notes}<ol start="{first + 1}">{hits}</ol>'


def marked(text: str, spans: Spans) -> str:
    """Escape a text, and mark the spans in it.

    >>> marked("a <b> & c", [(8, 9)])
    'a &lt;b&gt; &amp; <mark>c</mark>'
    """
    pieces, last = [], 0
    for start, end in spans:
        pieces.append(f"{escape(text[last:start])}<mark>{escape(text[start:end])}</mark>")
        last = end
    return "".join(pieces) + escape(text[last:])


def _excerpt(hit: PassageHit) -> str:
    """The part of a passage around its first marked word."""
    first = hit.highlights[0][0] if hit.highlights else 0
    begin = max(0, first - EXCERPT // 2) if first > EXCERPT // 2 else 0
    end = begin + EXCERPT
    spans = [(a - begin, b - begin) for a, b in hit.highlights if begin <= a and b <= end]
    before, after = "… " if begin else "", " …" if end < len(hit.text) else ""
    return f"{before}{marked(hit.text[begin:end], spans)}{after}"
