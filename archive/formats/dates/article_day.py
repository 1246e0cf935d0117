"""Determines the date of an article: from its date field, its address, opening or file name."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple
from urllib.parse import urlsplit

from backfile.archive.formats.cleaning import clean_line
from backfile.archive.formats.dates.calendar import ParsedDate
from backfile.archive.formats.dates.order import DateOrder, usual_order
from backfile.archive.formats.dates.parsing import is_date, read_date
from backfile.archive.formats.dates.spans import read_span
from backfile.archive.model.addresses import host_of
from backfile.archive.model.article import DateCertainty, DateSource
from backfile.archive.model.dates import DateSpan

LONGEST = 80  # characters searched at the opening
END = re.compile(r"\s*[.,:]?\s*(?:[–—]|-{1,2}\s)|:\s")
YEAR_IN_OPENING = re.compile(r"\b(?:1[4-9]|20)\d\d\b")


def day_in_opening(text: str, language: str, today: date) -> date | None:
    """The day in a text's dateline, with its year, after a place name or without one.

    >>> str(day_in_opening("LONDON, March 23, 2024 (Wire) — Rain fell.", "en", date(2026, 1, 1)))
    '2024-03-23'
    >>> day_in_opening("March 23, 2024 was a wet day.", "en", date(2026, 1, 1)) is None
    True
    """
    opening = text[:LONGEST]
    end = END.search(opening)
    if not end or not YEAR_IN_OPENING.search(opening[: end.start()]):
        return None
    line = re.sub(r"\([^()]*\)?", " ", opening[: end.start()]).strip(" .,")
    parts = line.split(",")
    for first in range(len(parts)):
        written = ",".join(parts[first:]).strip()
        if is_date(written):
            day, _, certainty = read_date(written, language=language, today=today)
            if day is None or certainty is not DateCertainty.CERTAIN:
                return None
            return day if day <= today + timedelta(days=1) else None
    return None


MONTH_NAMES = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
YEAR = r"((?:19|20)\d\d)"
FOLDERS = re.compile(rf"/{YEAR}/(\d\d?|{'|'.join(MONTH_NAMES)})/(\d\d?)(?=/|$)", re.I)
IN_ADDRESS = (
    FOLDERS,
    re.compile(rf"/{YEAR}/(\d\d)(\d\d)(?=/|$)"),
    re.compile(rf"/{YEAR}(\d\d)(\d\d)(?=/|$)"),
    re.compile(rf"(?<!\d)(?<!\d-){YEAR}-(\d\d)-(\d\d)(?!-?\d)"),
)
IN_FILE_NAME = (
    FOLDERS,
    re.compile(rf"/{YEAR}-(\d\d)-(\d\d)(?=/)"),
    re.compile(rf"(?<!\d)(?<!\d[-_.]){YEAR}([-_.])(\d\d)\2(\d\d)(?![-_.]?\d)(?=[^/]*$)"),
    re.compile(rf"(?<![^\W_]){YEAR}(\d\d)(\d\d)(?![^\W_])(?=[^/]*$)"),
)
# Months: where no day follows. A year alone may be that of an event, or a title.
MONTH_FOLDERS = re.compile(rf"/{YEAR}/(\d\d|{'|'.join(MONTH_NAMES)})(?=/(?!\d\d?(?:/|$))|$)", re.I)
MONTHS_IN_FILE_NAME = (
    MONTH_FOLDERS,
    re.compile(rf"/{YEAR}-(\d\d)(?=/)"),
    re.compile(rf"(?<![^\W_])(?<!\d[-_.]){YEAR}[-_.](\d\d)(?![-_.]?\d)(?![^\W_])(?=[^/]*$)"),
)


def day_in_address(url: str, today: date) -> date | None:
    """The only day in the path of an address; None if there are several.

    >>> str(day_in_address("https://a.example/2024/mar/23/bridge", date(2026, 1, 1)))
    '2024-03-23'
    """
    try:
        path = urlsplit(url).path
    except ValueError:
        return None
    found = _only(path, IN_ADDRESS, today)
    return found.first if found else None


def day_in_file_name(key: str, today: date) -> date | None:
    """The only day in a file's name or its folders; None if there are several.

    >>> str(day_in_file_name("news/2024-03-23-bridge.txt", date(2026, 1, 1)))
    '2024-03-23'
    """
    found = _only(_path_in_input(key), IN_FILE_NAME, today)
    return found.first if found else None


def month_in_address(url: str, today: date) -> DateSpan | None:
    """The only month in the folders of an address; None if there are several.

    >>> str(month_in_address("https://a.example/2024/05/bridge", date(2026, 1, 1)))
    '2024-05'
    """
    try:
        path = urlsplit(url).path
    except ValueError:
        return None
    return _only(path, (MONTH_FOLDERS,), today)


def month_in_file_name(key: str, today: date) -> DateSpan | None:
    """The only month in a file's name or its folders; None if there are several.

    >>> str(month_in_file_name("news/2024-05-bridge.txt", date(2026, 1, 1)))
    '2024-05'
    """
    return _only(_path_in_input(key), MONTHS_IN_FILE_NAME, today)


def _path_in_input(key: str) -> str:
    return "/" + key.rpartition("!/")[2]


def _only(path: str, patterns: tuple[re.Pattern[str], ...], today: date) -> DateSpan | None:
    found = {span for pattern in patterns for span in _spans(path, pattern)}
    span = found.pop() if len(found) == 1 else None
    return span if span and span.first <= today + timedelta(days=1) else None


def _spans(path: str, pattern: re.Pattern[str]) -> Iterator[DateSpan]:
    for match in pattern.finditer(path):
        year, month, *day = (part for part in match.groups() if part not in "-_.")
        number = (
            MONTH_NAMES.index(month.lower()) + 1 if month.lower() in MONTH_NAMES else int(month)
        )
        try:
            yield DateSpan.of(int(year), number, *map(int, day))
        except ValueError:
            continue


LONGEST_LANGUAGE = 9  # characters of a tag with the hyphen after it: RFC 5646, section 2.1
LONGEST_WRITTEN = 100  # characters of `date_written`


def today_in_greenwich() -> date:
    return datetime.now(UTC).date()


@dataclass(frozen=True, slots=True)
class DateReading:
    """How the dates of an input are read.

    `order` is the order of day and month by an option, `shown` the order that other dates of the
    same file show. Days after the day after `today` are in the future.
    """

    order: DateOrder | None = None
    shown: DateOrder | None = None
    today: date = field(default_factory=today_in_greenwich)


class DateContext(NamedTuple):
    """Data of an article that help to read its date; `language` is the given tag (`en-GB`).

    `file_name` is the path below the input folder of a file with this article alone; `text` is the
    article's text.
    """

    language: str = ""
    url: str = ""
    source: str = ""
    file_name: str = ""
    text: str = ""


class ArticleDay(NamedTuple):
    """The day of an article, or its month, year or interval; with the article's field names."""

    published: date | None
    published_at: datetime | None
    date_source: DateSource
    date_certainty: DateCertainty
    date_written: str
    period: DateSpan | None = None


def settle_day(
    written: str, source: DateSource, context: DateContext, reading: DateReading
) -> ArticleDay:
    """Determine the day from the text `written` in `source`, and from the context.

    The written date comes first. If it has two readings and the address contains one of them, that
    one is certain. If it names no day, the address does, or else the opening or the file name. A
    written month, year or interval may get its day from the address or the opening, never from the
    file name; otherwise it is the date. Without any day, the address or the file name may give a
    month.
    """
    language = re.split(r"[-_]", context.language[:LONGEST_LANGUAGE], maxsplit=1)[0].casefold()
    order, order_given = reading.order or DateOrder.MONTH_FIRST, reading.order is not None
    found = read_date(
        written, order, order_given=order_given, language=language, today=reading.today
    )
    if found.certainty is DateCertainty.LIKELY:
        found = _with_others(found, written, language, context, reading)
    if found.day:
        shown = DateSpan(found.day, found.day)
        certainty, date_written = _certainty(shown, found.certainty, written, source, reading)
        return ArticleDay(found.day, found.instant, source, certainty, date_written)
    period = read_span(written, language)
    if elsewhere := _day_elsewhere(written, period, context, reading):
        return elsewhere
    if period:
        certainty, date_written = _certainty(
            period, DateCertainty.CERTAIN, written, source, reading
        )
        return ArticleDay(None, None, source, certainty, date_written, period)
    return _month_elsewhere(found, written, context, reading)


def _certainty(
    span: DateSpan,
    certainty: DateCertainty,
    written: str,
    source: DateSource,
    reading: DateReading,
) -> tuple[DateCertainty, str]:
    """How certain a date is, and the written date if it is not."""
    date_written = _shortened(written)
    if source is DateSource.TEXT:  # a guess, not a written date
        certainty, date_written = DateCertainty.LIKELY, ""
    if span.first > reading.today + timedelta(days=1):
        certainty = DateCertainty.DOUBTFUL
    return certainty, "" if certainty is DateCertainty.CERTAIN else date_written


def _with_others(
    found: ParsedDate, written: str, language: str, context: DateContext, reading: DateReading
) -> ParsedDate:
    """Read it again in the order of the address, the file, the language or the country."""

    def read(order: DateOrder) -> ParsedDate:
        return read_date(written, order, language=language, today=reading.today)

    address_day = day_in_address(context.url, reading.today)
    for order in DateOrder if address_day else ():
        if (other := read(order)).day == address_day:
            return other._replace(certainty=DateCertainty.CERTAIN)
    if reading.order:
        return found
    return read(reading.shown or usual_order(context.language, _host(context)))


def _day_elsewhere(
    written: str, period: DateSpan | None, context: DateContext, reading: DateReading
) -> ArticleDay | None:
    """The day that the address, the opening or the file name gives, within a written period."""
    likely, date_written = DateCertainty.LIKELY, _shortened(written)
    for day in (
        day_in_address(context.url, reading.today),
        day_in_opening(context.text, context.language[:2], reading.today),
    ):
        if day and (not period or period.first <= day <= period.last):
            return ArticleDay(day, None, DateSource.TEXT, likely, date_written)
    day = day_in_file_name(context.file_name, reading.today)
    if day and not period:
        return ArticleDay(day, None, DateSource.FILE, likely, date_written)
    return None


def _month_elsewhere(
    found: ParsedDate, written: str, context: DateContext, reading: DateReading
) -> ArticleDay:
    """The month that the address or the file name gives, or no date."""
    likely, date_written = DateCertainty.LIKELY, _shortened(written)
    if month := month_in_address(context.url, reading.today):
        return ArticleDay(None, None, DateSource.TEXT, likely, date_written, month)
    if month := month_in_file_name(context.file_name, reading.today):
        return ArticleDay(None, None, DateSource.FILE, likely, date_written, month)
    return ArticleDay(None, None, DateSource.NONE, found.certainty, date_written)


def _host(context: DateContext) -> str:
    """The host of the address, or else the source if it may be a host."""
    return host_of(context.url) or ("" if " " in context.source else context.source)


def _shortened(written: str) -> str:
    line = clean_line(written)
    return line if len(line) <= LONGEST_WRITTEN else f"{line[: LONGEST_WRITTEN - 1]}…"
