"""How things are written for a reader: days, marked text, numbers with what they count."""

import calendar
import itertools
from collections.abc import Iterable, Sequence
from datetime import date, datetime

from markupsafe import Markup, escape

from index.query import Copies, DayOfYear
from index.results import Part, PartKind, PassageHit, Results
from web.article.day_notes import date_note
from web.links import LINKS
from web.search.places import PLACES
from web.search.timeline import bars, name_of, ticks, wider, years_of

EXCERPT = 420  # characters of a passage on the results page
LONGEST_EXCERPT = 630  # with the sentence that is nearest in meaning
NEAREST = Markup(
    '<span class="nearest" title="Nearest in meaning"><span class="unseen">Nearest in meaning: '
    '</span><span class="sign" aria-hidden="true">≈</span>{}</span>'
)
MARK = Markup("<mark>{}</mark>")
MOST_PARTS = 8  # of a score that are shown one by one
LANGUAGES = {
    "en": "English",
    "de": "German",
    "fr": "French",
    "es": "Spanish",
    "it": "Italian",
    "nl": "Dutch",
    "pt": "Portuguese",
    "ja": "Japanese",
}


def marked(text: str, spans: Iterable[tuple[int, int]], mark: Markup = MARK) -> Markup:
    """Escape a text and mark the spans in it.

    >>> str(marked("a <b> c", [(6, 7)]))
    'a &lt;b&gt; <mark>c</mark>'
    """
    pieces, last = [], 0
    for start, end in spans:
        pieces += [escape(text[last:start]), mark.format(text[start:end])]
        last = end
    return Markup("").join([*pieces, escape(text[last:])])


def excerpt(hit: PassageHit) -> Markup:
    """The part of a passage around its first marked word, or its beginning without the heading.

    A sentence that is nearest in meaning is shown whole, and marked as such.
    """
    text, heading = hit.passage.text, hit.passage.heading
    opening = len(heading) if heading and text.startswith(heading) else 0
    opening += len(text[opening:]) - len(text[opening:].lstrip())
    start, end = _excerpt_span(text, opening, hit)
    shown = [(a - start, b - start) for a, b in hit.highlights if a >= start and b <= end]
    before, after = "… " if start > opening else "", "\u00a0…" if end < len(text) else ""
    body = text[start:end]
    if not hit.nearest or not start <= hit.nearest[0] < hit.nearest[1] <= end:
        return Markup("{}{}{}").format(before, marked(body, shown), after)
    bounds = (0, hit.nearest[0] - start, hit.nearest[1] - start, len(body))
    first, inside, last = (
        marked(body[a:b], _clipped(shown, a, b)) for a, b in itertools.pairwise(bounds)
    )
    return Markup("{}{}{}{}{}").format(before, first, NEAREST.format(inside), last, after)


def _clipped(spans: Iterable[tuple[int, int]], start: int, end: int) -> list[tuple[int, int]]:
    """What of the spans lies in a stretch, counted from its start."""
    return [(max(a, start) - start, min(b, end) - start) for a, b in spans if a < end and b > start]


def _excerpt_span(text: str, opening: int, hit: PassageHit) -> tuple[int, int]:
    start = _excerpt_start(text, opening, hit.highlights)
    end = _excerpt_end(text, start)
    if not hit.nearest or (start <= hit.nearest[0] and hit.nearest[1] <= end):
        return start, end
    both = min(start, hit.nearest[0]), max(end, hit.nearest[1])
    if both[1] - both[0] <= LONGEST_EXCERPT:
        return both
    return hit.nearest[0], max(hit.nearest[1], _excerpt_end(text, hit.nearest[0]))


def _excerpt_end(text: str, start: int) -> int:
    end = min(len(text), start + EXCERPT)
    if end < len(text):
        space = text.rfind(" ", start + EXCERPT // 2, end)
        end = space if space > 0 else end
    return end


def _excerpt_start(text: str, opening: int, spans: tuple[tuple[int, int], ...]) -> int:
    """Begin at the opening if the first marked word is then shown, else a little before it."""
    first = next((start for start, _ in spans if start >= opening), opening)
    if len(text) - opening <= EXCERPT or first - opening <= EXCERPT // 2:
        return opening
    wanted = min(first - EXCERPT // 3, len(text) - EXCERPT)
    space = text.find(" ", wanted, first)
    return space + 1 if space >= 0 else wanted


def emphasized(text: str, spans: Iterable[tuple[int, int]]) -> Markup:
    """Escape a text and emphasize the spans in it."""
    return marked(text, spans, Markup("<em>{}</em>"))


def day(value: date | None) -> str:
    """Write a day as a reader does: `23 March 2024`."""
    return f"{value.day} {value:%B} {value.year}" if value else "no date"


def day_of_year(value: DayOfYear | date) -> str:
    """Write a day without its year.

    >>> day_of_year(DayOfYear(2, 29))
    '29 February'
    """
    return f"{value.day} {calendar.month_name[value.month]}"


def language(code: str) -> str:
    return LANGUAGES.get(code, code)


def counted(number: int, noun: str) -> str:
    """Write a number with what it counts.

    >>> counted(1, "copy"), counted(1200, "story")
    ('1 copy', '1,200 stories')
    """
    plural = f"{noun[:-1]}ies" if noun.endswith("y") else f"{noun}s"
    plural = f"{noun}es" if noun.endswith("ch") else plural
    return f"{number:,} {noun if number == 1 else plural}"


def total_in_words(results: Results) -> str:
    """How much was found: `12 stories, 17 articles`, or the articles alone where none is a copy."""
    totals = results.totals
    articles = counted(totals.articles, "article")
    if totals.stories == totals.articles:
        return articles
    stories = counted(totals.stories, "story")
    folded = results.query.copies is Copies.FOLD
    return f"{stories}, {articles}" if folded else f"{articles}, {stories}"


def part_name(part: Part) -> str:
    """Name a part of a score."""
    match part.kind:
        case PartKind.MEANING:
            return "closeness in meaning"
        case PartKind.ASSUMED:
            return "closeness in meaning, assumed"
        case PartKind.PASSAGE:
            return f"a share of passage {int(part.text.rpartition(':')[2]) + 1}"
        case PartKind.COPY:
            return "a copy that answers better"
        case PartKind.RERANKED:
            return "read together with the question"
    return part.text


def strongest(parts: Sequence[Part]) -> list[Part]:
    """Keep the parts that add most; the others become one."""
    ordered = sorted(parts, key=lambda part: -part.score)
    if len(ordered) <= MOST_PARTS:
        return ordered
    kept, others = ordered[: MOST_PARTS - 1], ordered[MOST_PARTS - 1 :]
    rest = sum(part.score for part in others)
    return [*kept, Part(PartKind.WORD, f"{len(others)} more", 0.0, rest)]


def instant(moment: str) -> str:
    """Write an instant, ISO 8601 in UTC, as a reader does: `23 March 2024, 14:05 UTC`."""
    at = datetime.fromisoformat(moment)
    return f"{day(at.date())}, {at:%H:%M} UTC"


def capitalize_first(text: str) -> str:
    return text[:1].upper() + text[1:]


FILTERS = {
    **LINKS,
    **PLACES,
    "marked": marked,
    "emphasized": emphasized,
    "excerpt": excerpt,
    "day": day,
    "day_of_year": day_of_year,
    "instant": instant,
    "language": language,
    "bars": bars,
    "name_of": name_of,
    "ticks": ticks,
    "years_of": years_of,
    "wider": wider,
    "counted": counted,
    "total_in_words": total_in_words,
    "date_note": date_note,
    "capitalize_first": capitalize_first,
    "part_name": part_name,
    "strongest": strongest,
}
