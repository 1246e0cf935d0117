"""Determines the day of an article: from its date field, else its address, opening or file name."""

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
from backfile.archive.model.addresses import host_of
from backfile.archive.model.article import DateCertainty, DateSource

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


def day_in_address(url: str, today: date) -> date | None:
    """The only day in the path of an address; None if there are several.

    >>> str(day_in_address("https://a.example/2024/mar/23/bridge", date(2026, 1, 1)))
    '2024-03-23'
    """
    try:
        path = urlsplit(url).path
    except ValueError:
        return None
    return _only_day(path, IN_ADDRESS, today)


def day_in_file_name(key: str, today: date) -> date | None:
    """The only day in a file's name or its folders; None if there are several.

    >>> str(day_in_file_name("news/2024-03-23-bridge.txt", date(2026, 1, 1)))
    '2024-03-23'
    """
    return _only_day("/" + key.rpartition("!/")[2], IN_FILE_NAME, today)


def _only_day(path: str, patterns: tuple[re.Pattern[str], ...], today: date) -> date | None:
    found = {day for pattern in patterns for day in _days(path, pattern)}
    day = found.pop() if len(found) == 1 else None
    return day if day and day <= today + timedelta(days=1) else None


def _days(path: str, pattern: re.Pattern[str]) -> Iterator[date]:
    for match in pattern.finditer(path):
        year, month, day = (part for part in match.groups() if part not in "-_.")
        number = (
            MONTH_NAMES.index(month.lower()) + 1 if month.lower() in MONTH_NAMES else int(month)
        )
        try:
            yield date(int(year), number, int(day))
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
    """The day of an article, with the names of the article's fields."""

    published: date | None
    published_at: datetime | None
    date_source: DateSource
    date_certainty: DateCertainty
    date_written: str


def settle_day(
    written: str, source: DateSource, context: DateContext, reading: DateReading
) -> ArticleDay:
    """Determine the day from the text `written` in `source`, and from the context.

    The written date comes first. If it has two readings and the address contains one of them, that
    one is certain. If it names no day, the address does, or else the opening or the file name.
    """
    language = re.split(r"[-_]", context.language[:LONGEST_LANGUAGE], maxsplit=1)[0].casefold()
    order, order_given = reading.order or DateOrder.MONTH_FIRST, reading.order is not None
    found = read_date(
        written, order, order_given=order_given, language=language, today=reading.today
    )
    if found.certainty is DateCertainty.LIKELY:
        found = _with_others(found, written, language, context, reading)
    if found.day is None:
        return _elsewhere(found, written, context, reading)
    certainty, date_written = found.certainty, _shortened(written)
    if source is DateSource.TEXT:  # a guess, not a written date
        certainty, date_written = DateCertainty.LIKELY, ""
    if found.day > reading.today + timedelta(days=1):
        certainty = DateCertainty.DOUBTFUL
    if certainty is DateCertainty.CERTAIN:
        date_written = ""
    return ArticleDay(found.day, found.instant, source, certainty, date_written)


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


def _elsewhere(
    found: ParsedDate, written: str, context: DateContext, reading: DateReading
) -> ArticleDay:
    date_written = _shortened(written)
    if day := day_in_address(context.url, reading.today):
        return ArticleDay(day, None, DateSource.TEXT, DateCertainty.LIKELY, date_written)
    if day := day_in_opening(context.text, context.language[:2], reading.today):
        return ArticleDay(day, None, DateSource.TEXT, DateCertainty.LIKELY, date_written)
    if day := day_in_file_name(context.file_name, reading.today):
        return ArticleDay(day, None, DateSource.FILE, DateCertainty.LIKELY, date_written)
    return ArticleDay(None, None, DateSource.NONE, found.certainty, date_written)


def _host(context: DateContext) -> str:
    """The host of the address, or else the source if it may be a host."""
    return host_of(context.url) or ("" if " " in context.source else context.source)


def _shortened(written: str) -> str:
    line = clean_line(written)
    return line if len(line) <= LONGEST_WRITTEN else f"{line[: LONGEST_WRITTEN - 1]}…"
