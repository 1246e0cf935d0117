"""Decides what an item of the wire becomes: an article, withdrawn, under embargo, or no text."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone

from backfile.archive.formats.cleaning import clean_line
from backfile.archive.formats.fields import FieldMap, article_from
from backfile.archive.formats.files import SourceFile
from backfile.archive.formats.wire.bylines import byline_in
from backfile.archive.model.article import Article, Origin
from backfile.archive.model.errors import UnreadableArticle, WithdrawnArticle

# The first level of the Subject Codes and of the Media Topics, which share their numbers:
# https://cv.iptc.org/newscodes/subjectcode/ and https://cv.iptc.org/newscodes/mediatopic/
FIRST_LEVEL = (
    *("arts, culture and entertainment", "crime, law and justice", "disaster and accident"),
    *("economy, business and finance", "education", "environment", "health", "human interest"),
    *("labour", "lifestyle and leisure", "politics", "religion", "science and technology"),
    *("society", "sport", "conflict, war and peace", "weather"),
)
CODE = re.compile(r"(?:.*[:/])?(\d\d)\d{6}$")


def subject_name(code: str) -> str:
    """The first-level subject of an eight-digit code; nothing for any other code.

    >>> subject_name("subj:15054000"), subject_name("medtop:20000822")
    ('sport', '')
    """
    match = CODE.match(code.strip())
    number = int(match[1]) if match else 0
    return FIRST_LEVEL[number - 1] if 1 <= number <= len(FIRST_LEVEL) else ""


Clock = Callable[[], datetime]
Read = Iterator[Article | UnreadableArticle]

# "Withheld" is for now and "canceled" for good, but both ask to take out what was published:
# https://cv.iptc.org/newscodes/pubstatusg2/
TAKEN_BACK = frozenset(("canceled", "cancelled", "withheld", "withdrawn", "killed"))
BASIC_TIME = re.compile(
    r"\s*(\d{4})(\d\d)(\d\d)(?:T?(\d\d)(\d\d)(\d\d)?(?:\.\d+)?)?\s*(Z|[+-]\d\d:?\d\d)?\s*$"
)
LATEST_ZONE = timezone(timedelta(hours=-12))  # where a day ends last
LONGEST_NUMBER = 15  # digits of a version; more than SQLite can count is no version


def right_now() -> datetime:
    """The clock that embargoes are held against."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class WireItem:
    """What an item says of itself; `fields` by the names of an article's fields.

    `kind` says what it is where it has no text: "a picture". `days` are the times that may stand
    for its publication, the likeliest first.
    """

    fields: Mapping[str, object]
    kind: str = "an item"
    days: tuple[str, ...] = ()
    version: str = ""
    status: str = ""
    embargo: str = ""

    @property
    def id(self) -> str:
        return clean_line(str(self.fields.get("id", "")))


def judged_in(
    file: SourceFile, number: int, item: WireItem, now: Clock
) -> Article | UnreadableArticle:
    """Judge an item of a file; `number` counts them in it."""
    return judged(item, file.origin(number), f"{file.key}#{number}", file.told, now)


def judged(
    item: WireItem,
    origin: Origin,
    key: str,
    told: Mapping[str, str] | None = None,
    now: Clock = right_now,
) -> Article | UnreadableArticle:
    """Make an article of an item, or say why there is none.

    `key` and `told` are what `article_from` takes.
    """
    version = number_of(item.version)
    status = item.status.strip().casefold().rpartition(":")[2]
    if status in TAKEN_BACK:
        reason = f"{status} by its source"
        if item.id:
            return WithdrawnArticle(str(origin), item.id, version, reason)
        return UnreadableArticle(str(origin), reason)
    if held := _held_until(item.embargo, status, now()):
        return UnreadableArticle(str(origin), held)
    if not str(item.fields.get("text", "")).strip():
        return UnreadableArticle(str(origin), f"{item.kind} without text")
    record = {**item.fields, "published": _day(item), "authors": _authors(item.fields)}
    try:
        return article_from(record, origin, FieldMap(), key, told, version=version)
    except UnreadableArticle as refused:
        return refused


def number_of(version: str) -> int:
    """A version that is a number; 0 for any other, which nothing can be told by."""
    version = version.strip()
    short = len(version) <= LONGEST_NUMBER
    return int(version) if short and version.isascii() and version.isdigit() else 0


def _held_until(embargo: str, status: str, now: datetime) -> str:
    """Why an item may not be read yet; nothing if it may."""
    if not embargo.strip():
        return "under embargo, and not until when" if status == "embargoed" else ""
    instant = instant_of(embargo)
    if instant is None:
        return f"under embargo until {embargo[:60]!r}, which is no time that can be read"
    return f"under embargo until {instant.isoformat()}" if instant > now else ""


def instant_of(written: str) -> datetime | None:
    """The instant of a time; without an offset, the last one it can be anywhere on earth."""
    try:
        instant = datetime.fromisoformat(extended(written))
    except ValueError:
        return None
    return instant if instant.tzinfo else instant.replace(tzinfo=LATEST_ZONE)


def _authors(fields: Mapping[str, object]) -> list[str]:
    """Who wrote it, without the agency itself; else who the text says in its byline."""
    source, names = str(fields.get("source", "")).casefold(), fields.get("authors", ())
    written = [str(name) for name in names] if isinstance(names, list | tuple) else []
    written = [name for name in written if name.casefold() != source]
    return written or byline_in(str(fields.get("text", "")))


def _day(item: WireItem) -> str:
    """When it was published, but no sooner than its embargo ended."""
    day = next((extended(day) for day in item.days if day.strip()), "")
    first, embargo = instant_of(day), instant_of(item.embargo)
    return extended(item.embargo) if first and embargo and embargo > first else day


def extended(written: str) -> str:
    """Write ISO 8601's basic form, which NITF and NewsML 1 use, as the extended form.

    >>> extended("20240323T234000-0500")
    '2024-03-23T23:40:00-05:00'
    >>> extended("20240323+0100")
    '2024-03-23'
    """
    match = BASIC_TIME.match(written)
    if not match:
        return written.strip()
    year, month, day, hour, minute, second, offset = match.groups()
    date = f"{year}-{month}-{day}"
    if not hour:
        return date
    if offset and ":" not in offset and offset != "Z":
        offset = f"{offset[:3]}:{offset[3:]}"
    return f"{date}T{hour}:{minute}:{second or '00'}{offset or ''}"
