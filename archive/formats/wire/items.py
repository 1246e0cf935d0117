"""Makes an article of a wire item, or refuses it: withdrawn, under embargo, or without text."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone

from backfile.archive.formats.cleaning import clean_line
from backfile.archive.formats.fields import FieldMap, article_from
from backfile.archive.formats.files import ReadResult
from backfile.archive.formats.wire.bylines import byline_in
from backfile.archive.model.article import Origin
from backfile.archive.model.dates import DateSpan
from backfile.archive.model.errors import UnreadableArticle, WithdrawnArticle

# The first level of Subject Codes and Media Topics, with the same numbers in both:
# https://cv.iptc.org/newscodes/subjectcode/ and https://cv.iptc.org/newscodes/mediatopic/
FIRST_LEVEL = (
    *("arts, culture and entertainment", "crime, law and justice", "disaster and accident"),
    *("economy, business and finance", "education", "environment", "health", "human interest"),
    *("labour", "lifestyle and leisure", "politics", "religion", "science and technology"),
    *("society", "sport", "conflict, war and peace", "weather"),
)
CODE = re.compile(r"(?:.*[:/])?(\d\d)\d{6}$")


def subject_name(code: str) -> str:
    """The first-level subject of an eight-digit code; empty for any other code.

    >>> subject_name("subj:15054000"), subject_name("medtop:20000822")
    ('sport', '')
    """
    match = CODE.match(code.strip())
    number = int(match[1]) if match else 0
    return FIRST_LEVEL[number - 1] if 1 <= number <= len(FIRST_LEVEL) else ""


Clock = Callable[[], datetime]

# "Withheld" is temporary and "canceled" final, but both mean: remove the published item.
# https://cv.iptc.org/newscodes/pubstatusg2/
TAKEN_BACK = frozenset(("canceled", "cancelled", "withheld", "withdrawn", "killed"))
BASIC_TIME = re.compile(
    r"\s*(\d{4})(\d\d)(\d\d)(?:T?(\d\d)(\d\d)(\d\d)?(?:\.\d+)?)?\s*(Z|[+-]\d\d:?\d\d)?\s*$"
)
LATEST_ZONE = timezone(timedelta(hours=-12))  # the last zone in which a day ends
LONGEST_NUMBER = 15  # digits of a version, within the integers of SQLite


def right_now() -> datetime:
    """The clock for embargoes."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class WireItem:
    """The metadata of an item, and `fields` with the names of article fields.

    `kind` names an item without text: "a picture". `days` are possible times of publication, most
    likely first.
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


def settle_item(
    item: WireItem,
    origin: Origin,
    defaults: Mapping[str, str] | None = None,
    now: Clock = right_now,
) -> ReadResult:
    """Make an article of an item, or a refusal; `defaults` as in `article_from`."""
    version = number_of(item.version)
    status = item.status.strip().casefold().rpartition(":")[2]
    if status in TAKEN_BACK:
        reason = f"{status} by its source"
        if item.id:
            return WithdrawnArticle(
                str(origin),
                item.id,
                version,
                reason,
                source=clean_line(str(item.fields.get("source", ""))),
                url=clean_line(str(item.fields.get("url", ""))),
                date_span=_date_span(_day(item)),
            )
        return UnreadableArticle(str(origin), reason)
    if reason := _embargo_reason(item.embargo, status, now()):
        return UnreadableArticle(str(origin), reason)
    if not str(item.fields.get("text", "")).strip():
        return UnreadableArticle(str(origin), f"{item.kind} without text")
    record = {**item.fields, "published": _day(item), "authors": _authors(item.fields)}
    try:
        return article_from(record, origin, FieldMap(), defaults, version=version)
    except UnreadableArticle as refused:
        return refused


def number_of(version: str) -> int:
    """A version as a number; 0 if it is not one, as other versions have no order."""
    version = version.strip()
    short = len(version) <= LONGEST_NUMBER
    return int(version) if short and version.isascii() and version.isdigit() else 0


def _embargo_reason(embargo: str, status: str, now: datetime) -> str:
    """The reason to refuse an item under embargo; empty if there is no embargo now."""
    if not embargo.strip():
        return "under embargo, and not until when" if status == "embargoed" else ""
    instant = instant_of(embargo)
    if instant is None:
        return f"under embargo until {embargo[:60]!r}, which is no time that can be read"
    return f"under embargo until {instant.isoformat()}" if instant > now else ""


def instant_of(written: str) -> datetime | None:
    """The instant of a written time; without an offset, the latest possible one on earth."""
    try:
        instant = datetime.fromisoformat(extended(written))
    except ValueError:
        return None
    return instant if instant.tzinfo else instant.replace(tzinfo=LATEST_ZONE)


def _authors(fields: Mapping[str, object]) -> list[str]:
    """The authors without the agency itself, or else the names in the text's byline."""
    source, names = str(fields.get("source", "")).casefold(), fields.get("authors", ())
    written = [str(name) for name in names] if isinstance(names, list | tuple) else []
    written = [name for name in written if name.casefold() != source]
    return written or byline_in(str(fields.get("text", "")))


def _date_span(written: str) -> DateSpan | None:
    try:
        return DateSpan.parse(extended(written)[:10])
    except ValueError:
        return None


def _day(item: WireItem) -> str:
    """The time of publication, or the end of the embargo if that is later."""
    day = next((extended(day) for day in item.days if day.strip()), "")
    first, embargo = instant_of(day), instant_of(item.embargo)
    return extended(item.embargo) if first and embargo and embargo > first else day


def extended(written: str) -> str:
    """Convert the basic form of ISO 8601, used in NITF and NewsML 1, to the extended form.

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
