"""Settles the day of an article: by what is written for it, else by its address or its file."""

import re
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple
from urllib.parse import urlsplit

from archive.article import DateCertainty, DateSource
from archive.reading.cleaning import clean_line
from archive.reading.dating.calendar import Dated
from archive.reading.dating.dates import read_date
from archive.reading.dating.opening import day_in_opening
from archive.reading.dating.order import DateOrder, usual_order
from archive.reading.dating.places import day_in_address, day_in_file_name

LONGEST_LANGUAGE = 9  # characters of a tag, with the hyphen behind it: RFC 5646, section 2.1
LONGEST_WRITTEN = 100  # characters that are kept of what is no certain day


def today_in_greenwich() -> date:
    return datetime.now(UTC).date()


@dataclass(frozen=True, slots=True)
class DateReading:
    """How the dates of an input are read.

    `order` is the order of day and month as it was told, `shown` as other dates in the same file
    show it. What lies beyond the day after `today` is in the future.
    """

    order: DateOrder | None = None
    shown: DateOrder | None = None
    today: date = field(default_factory=today_in_greenwich)


class Beside(NamedTuple):
    """What stands beside the date of an article: its language as it is given (`en-GB`) and so on.

    `file_name` is the name below its folder of a file that holds this article alone; `text` is its
    own text.
    """

    language: str = ""
    url: str = ""
    source: str = ""
    file_name: str = ""
    text: str = ""


class ArticleDay(NamedTuple):
    """The day of an article, as its fields have it."""

    published: date | None
    published_at: datetime | None
    date_source: DateSource
    date_certainty: DateCertainty
    date_written: str


def settle_day(
    written: str, source: DateSource, beside: Beside, reading: DateReading
) -> ArticleDay:
    """Settle the day from what is `written` in `source`, and from what stands beside it.

    What is written goes first. Where it can be read in two ways and the address names one of both
    days, it is that, and certain. Where it names no day, the address does, or else the file.
    """
    language = re.split(r"[-_]", beside.language[:LONGEST_LANGUAGE], maxsplit=1)[0].casefold()
    order, told = reading.order or DateOrder.MONTH_FIRST, reading.order is not None
    found = read_date(written, order, told=told, language=language, today=reading.today)
    if found.certainty is DateCertainty.LIKELY:
        found = _with_others(found, written, language, beside, reading)
    if found.day is None:
        return _elsewhere(found, written, beside, reading)
    certainty, kept = found.certainty, _shortened(written)
    if source is DateSource.TEXT:  # a guess, which nobody wrote
        certainty, kept = DateCertainty.LIKELY, ""
    if found.day > reading.today + timedelta(days=1):
        certainty = DateCertainty.DOUBTFUL
    if certainty is DateCertainty.CERTAIN:
        kept = ""
    return ArticleDay(found.day, found.instant, source, certainty, kept)


def _with_others(
    found: Dated, written: str, language: str, beside: Beside, reading: DateReading
) -> Dated:
    """Read it again as the file, the language or the country has it, or as the address says."""

    def read(order: DateOrder) -> Dated:
        return read_date(written, order, language=language, today=reading.today)

    said = day_in_address(beside.url, reading.today)
    for order in DateOrder if said else ():
        if (other := read(order)).day == said:
            return other._replace(certainty=DateCertainty.CERTAIN)
    if reading.order:
        return found
    return read(reading.shown or usual_order(beside.language, _host(beside)))


def _elsewhere(found: Dated, written: str, beside: Beside, reading: DateReading) -> ArticleDay:
    kept = _shortened(written)
    if day := day_in_address(beside.url, reading.today):
        return ArticleDay(day, None, DateSource.TEXT, DateCertainty.LIKELY, kept)
    if day := day_in_opening(beside.text, beside.language[:2], reading.today):
        return ArticleDay(day, None, DateSource.TEXT, DateCertainty.LIKELY, kept)
    if day := day_in_file_name(beside.file_name, reading.today):
        return ArticleDay(day, None, DateSource.FILE, DateCertainty.LIKELY, kept)
    return ArticleDay(None, None, DateSource.NONE, found.certainty, kept)


def _host(beside: Beside) -> str:
    """The host of the address, or of a source that is one."""
    try:
        host = urlsplit(beside.url).hostname or ""
    except ValueError:
        host = ""
    return host or ("" if " " in beside.source else beside.source)


def _shortened(written: str) -> str:
    line = clean_line(written)
    return line if len(line) <= LONGEST_WRITTEN else f"{line[: LONGEST_WRITTEN - 1]}…"
