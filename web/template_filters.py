"""Filters of the templates: highlighted text, days, numbers, names, addresses."""

import itertools
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime
from typing import Any

from flask import g
from jinja2 import Environment, pass_environment
from jinja2.filters import do_truncate
from markupsafe import Markup, escape

from backfile.archive.model.dates import DateSpan
from backfile.archive.model.message import Message
from backfile.index.model.filters import EXCLUSIONS, LEAP_YEAR, DayOfYear
from backfile.index.model.query import Query
from backfile.index.model.results import FacetCount, PassageHit, Wording
from backfile.web.api.embedded import citation_tags, coins, linked_data
from backfile.web.i18n.negotiation import gettext, language_of_page, translated, with_link_language
from backfile.web.i18n.phrases import (
    date_note,
    groups_in_words,
    part_name,
    quality_in_words,
    relaxed_in_words,
    strongest,
    total_in_words,
)
from backfile.web.links import LINKS, is_chosen
from backfile.web.search.hit_links import HIT_LINKS
from backfile.web.search.timeline import bars, name_of, ticks, wider, years_of

EXCERPT = 260  # characters of a passage on the results page: two lines
LONGER = 1.5  # times as many characters, with the nearest sentence
NEAREST = Markup(
    '<span class="nearest" title="{}"><span class="unseen">{} </span>'
    '<span class="sign" aria-hidden="true">≈</span>{}</span>'
)
STRONG = ("L", "R", "AL")  # https://www.unicode.org/reports/tr9/#Bidirectional_Character_Types
MARK = Markup("<mark>{}</mark>")
DIFFERENT = Markup('<{0}>{{}}<span class="unseen"> {1}</span></{0}>')


def marked(text: str, spans: Iterable[tuple[int, int]], mark: Markup = MARK) -> Markup:
    """Escape a text and mark its spans.

    >>> str(marked("a <b> c", [(6, 7)]))
    'a &lt;b&gt; <mark>c</mark>'
    """
    pieces, last = [], 0
    for start, end in spans:
        pieces += [escape(text[last:start]), mark.format(text[start:end])]
        last = end
    return Markup("").join([*pieces, escape(text[last:])])


def excerpt(hit: PassageHit, most: int = EXCERPT) -> Markup:
    """The part of a passage around its first highlight, or its beginning without the heading.

    It has about `most` characters. The sentence nearest in meaning is shown in full, and marked.
    """
    text, heading = hit.passage.text, hit.passage.heading
    opening = len(heading) if heading and text.startswith(heading) else 0
    opening += len(text[opening:]) - len(text[opening:].lstrip())
    start, end = _excerpt_span(text, opening, hit, most)
    shown = [(a - start, b - start) for a, b in hit.highlights if a >= start and b <= end]
    before, after = "… " if start > opening else "", "\u00a0…" if end < len(text) else ""
    body = text[start:end]
    if not hit.nearest or not start <= hit.nearest[0] < hit.nearest[1] <= end:
        return Markup("{}{}{}").format(before, marked(body, shown), after)
    bounds = (0, hit.nearest[0] - start, hit.nearest[1] - start, len(body))
    first, inside, last = (
        marked(body[a:b], _clipped(shown, a, b)) for a, b in itertools.pairwise(bounds)
    )
    nearest = NEAREST.format(gettext("Nearest in meaning"), gettext("Nearest in meaning:"), inside)
    return Markup("{}{}{}{}{}").format(before, first, nearest, last, after)


def asked_wording(wording: Wording) -> Markup:
    """A quotation as it was asked, with the words struck out that are not there."""
    struck = DIFFERENT.format("del", gettext("(not there)"))
    return marked(wording.asked, wording.lacking, struck)


def found_wording(wording: Wording) -> Markup:
    """A quotation as it was found, with the words underlined that were not asked."""
    underlined = DIFFERENT.format("ins", gettext("(not asked)"))
    return marked(wording.says, wording.added, underlined)


def _clipped(spans: Iterable[tuple[int, int]], start: int, end: int) -> list[tuple[int, int]]:
    """The parts of spans within a range, counted from its start."""
    return [(max(a, start) - start, min(b, end) - start) for a, b in spans if a < end and b > start]


def _excerpt_span(text: str, opening: int, hit: PassageHit, most: int) -> tuple[int, int]:
    start = _excerpt_start(text, opening, hit.highlights, most)
    end = _excerpt_end(text, start, most)
    if not hit.nearest or (start <= hit.nearest[0] and hit.nearest[1] <= end):
        return start, end
    both = min(start, hit.nearest[0]), max(end, hit.nearest[1])
    if both[1] - both[0] <= LONGER * most:
        return both
    return hit.nearest[0], max(hit.nearest[1], _excerpt_end(text, hit.nearest[0], most))


def _excerpt_end(text: str, start: int, most: int) -> int:
    end = min(len(text), start + most)
    if end < len(text):
        space = text.rfind(" ", start + most // 2, end)
        end = space if space > 0 else end
    return end


def _excerpt_start(text: str, opening: int, spans: tuple[tuple[int, int], ...], most: int) -> int:
    """The start: the opening if the first highlight is then visible, else a little before it."""
    first = next((start for start, _ in spans if start >= opening), opening)
    if len(text) - opening <= most or first - opening <= most // 2:
        return opening
    start = min(first - most // 3, len(text) - most)
    space = text.find(" ", start, first)
    return space + 1 if space >= 0 else start


def emphasized(text: str, spans: Iterable[tuple[int, int]]) -> Markup:
    """Escape a text and emphasize its spans."""
    return marked(text, spans, Markup("<em>{}</em>"))


def day(value: date | DateSpan | None) -> str:
    """Write a day in full: `23 March 2024`; a month, year or interval as exact as it is."""
    match value:
        case DateSpan():
            return language_of_page().date_span(value)
        case date():
            return language_of_page().day(value)
    return translated(Message("no date"))


def day_of_year(value: DayOfYear | date) -> str:
    """Write a day without its year.

    >>> day_of_year(DayOfYear(2, 29))
    '29 February'
    """
    in_leap_year = date(LEAP_YEAR, value.month, value.day)
    return language_of_page().part_of_day(in_leap_year, "dMMMM")


def language(code: str) -> str:
    """Name a language."""
    return language_of_page().name_of(code)


def value_name(facet: str, value: str) -> str:
    """The name of a facet's value as people write it.

    >>> value_name("source", "www.coastal_courier.example")
    'coastal courier.example'
    """
    if facet == "language":
        return language(value)
    name = value.removeprefix("www.") if facet == "source" else value
    return name.replace("_", " ").strip() or value


def listed_values(
    counts: Sequence[FacetCount], query: Query, facet: str, most: int
) -> list[FacetCount]:
    """The values of a facet that a page lists: the most frequent, and those that are chosen."""

    def is_filtered(count: FacetCount) -> bool:
        return any(is_chosen(query, name, count.value) for name in (facet, EXCLUSIONS[facet]))

    return [*counts[:most], *filter(is_filtered, counts[most:])]


def number(value: int) -> str:
    """Write a whole number."""
    return language_of_page().number(value)


def decimal(value: float, places: int) -> str:
    """Write a number with this number of decimals."""
    return language_of_page().decimal(value, places)


def percent(share: float, places: int = 0) -> str:
    """Write a share, 0 to 1, in percent."""
    return language_of_page().percent(share, places)


def instant(moment: str) -> str:
    """Write an instant (ISO 8601, UTC): `23 March 2024, 14:05 UTC`."""
    return language_of_page().instant(datetime.fromisoformat(moment))


def day_of_instant(moment: str) -> date:
    """The day of an instant (ISO 8601) in the time zone of this machine."""
    return datetime.fromisoformat(moment).astimezone().date()


def capitalize_first(text: str) -> str:
    return text[:1].upper() + text[1:]


@pass_environment
def truncate(
    environment: Environment, text: str, length: int, killwords: bool = False, end: str = "…"
) -> str:
    """Jinja's filter, which ends a text that is cut with three full stops unless told otherwise."""
    return do_truncate(environment, text, length, killwords, end)


def runs_right_to_left(text: str) -> bool:
    """Whether the first letter of a text is of a script that is written from right to left.

    >>> runs_right_to_left("(2024) הגשר"), runs_right_to_left("The bridge")
    (True, False)
    """
    directions = (unicodedata.bidirectional(character) for character in text)
    return next((each for each in directions if each in STRONG), "L") != "L"


def plain_text(text: str) -> str:
    """A text without the characters that XML forbids."""
    return "".join(c for c in text if c.isprintable())


def relative(url_of: Callable[..., Any]) -> Callable[..., Any]:
    """Decorate a function that returns an address: shorten those below the base of this page."""

    def address(*args: Any, **kwargs: Any) -> Any:
        url, base = url_of(*args, **kwargs), g.get("base", "")
        if not base or not isinstance(url, str) or not url.startswith(base):
            return url
        return url.removeprefix(base) or "./"

    return address


WITHOUT_LANGUAGE = {
    "citation_path",
    "collection_path",
    "hit_cursor",
    "is_chosen",
    "outlet_url",
    "download_url",
    "compare_url",
    "with_query",
}
URL_FILTERS: dict[str, Callable[..., Any]] = {**LINKS, **HIT_LINKS}
FILTERS: dict[str, Callable[..., object]] = {
    **{
        name: relative(function if name in WITHOUT_LANGUAGE else with_link_language(function))
        for name, function in URL_FILTERS.items()
    },
    "coins": coins,
    "citation_tags": citation_tags,
    "linked_data": linked_data,
    "marked": marked,
    "emphasized": emphasized,
    "excerpt": excerpt,
    "day": day,
    "day_of_year": day_of_year,
    "instant": instant,
    "day_of_instant": day_of_instant,
    "language": language,
    "listed_values": listed_values,
    "value_name": value_name,
    "bars": bars,
    "name_of": name_of,
    "ticks": ticks,
    "years_of": years_of,
    "wider": wider,
    "groups_in_words": groups_in_words,
    "relaxed_in_words": relaxed_in_words,
    "quality_in_words": quality_in_words,
    "asked_wording": asked_wording,
    "found_wording": found_wording,
    "total_in_words": total_in_words,
    "date_note": date_note,
    "capitalize_first": capitalize_first,
    "plain_text": plain_text,
    "runs_right_to_left": runs_right_to_left,
    "truncate": truncate,
    "translated": translated,
    "number": number,
    "decimal": decimal,
    "percent": percent,
    "part_name": part_name,
    "strongest": strongest,
}
