"""Ranges of days that are offered beside the fields: last week, this year, the latest years."""

from collections.abc import Iterator
from datetime import date
from typing import NamedTuple

from backfile.archive.model.dates import DateSpan
from backfile.archive.model.message import Message
from backfile.index.answers.counts import span
from backfile.index.asking.dates import day_range
from backfile.index.model.article_table import ArticleTable
from backfile.index.model.filters import Filters

YEARS = 2


class Preset(NamedTuple):
    """A range of days, by a name."""

    name: Message
    since: date
    until: date


def presets(table: ArticleTable, today: date) -> Iterator[Preset]:
    """Offer ranges in which the archive has days: relative ones, else its latest years."""
    ends = span(table, table.select(Filters()))
    if not ends:
        return
    first, last = ends[0].first, min(ends[1].last, today)
    named = ("last week", Message("Last week")), ("last month", Message("Last month"))
    for written, name in named:
        days = day_range(written, today)
        if days and days.first <= last and first <= days.last:
            yield Preset(name, *days)
    for year in range(last.year, max(first.year, last.year - YEARS + 1) - 1, -1):
        name = Message("This year") if year == today.year else Message("%(year)s", year=str(year))
        yield Preset(name, *_days(DateSpan.of(year)))


def _days(days: DateSpan) -> tuple[date, date]:
    return days.first, days.last
