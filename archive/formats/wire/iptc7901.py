"""Reads IPTC 7901, the format of agencies' teleprinters since 1979."""

import re
from collections.abc import Mapping
from functools import partial
from itertools import takewhile

from backfile.archive.formats.fields import FieldMap
from backfile.archive.formats.files import (
    ReadResult,
    ReadResults,
    Record,
    Records,
    SourceFile,
    made,
)
from backfile.archive.formats.wire.anpa import ANPA_HEADER, anpa_item
from backfile.archive.formats.wire.bylines import BYLINE_OPENING, names_in
from backfile.archive.formats.wire.items import Clock, WireItem, right_now, settle_item
from backfile.archive.formats.wire.telegrams import (
    INDENTED,
    ZONES,
    Telegram,
    full_year,
    messages_in,
    paragraphs,
    telegram,
)
from backfile.archive.model.article import Origin
from backfile.archive.model.errors import UnreadableArticle

HEADER = re.compile(
    r"\s*(?P<source>[A-Za-z]{2,5})\s?(?P<number>\d{1,5})\s+(?P<priority>\d)\s+"
    r"(?P<category>[A-Za-z]{1,4})\b[ \t]*(?:\d{1,5}[ \t]+(?P<agency>[A-Za-z][A-Za-z-]*))?"
)
# Day, hour and minute, month and year at the end of a message.
FILED = re.compile(
    r"^\W*(?P<day>\d\d)(?P<hour>\d\d)(?P<minute>\d\d)\s*(?P<zone>[A-Z]{0,5})\s+"
    r"(?P<month>[^\W\d]{3})[^\W\d]*\.?\s+(?P<year>\d\d|\d{4})\W*$"
)
# Beginnings of names: English, and those of German, French and Spanish that differ.
MONTHS = (
    *("jan ene", "feb fév", "mar mär mrz mae", "apr avr abr", "may mai", "jun", "jul"),
    *("aug aoû ago", "sep", "oct okt", "nov", "dec dez déc dic"),
)
# Lines before a headline with the kind of a message, not its subject.
LABEL = re.compile(
    r"^[\W\d]*(?:refile|(?:\d\w\w )?(?:ld|lead)s?|urgent|flash|bulletin|update|correct(?:ion|ed)|"
    r"extra|eil|achtung|korr\w*|zusammenfassung|roundup|wiederholung|repeat(?:ing)?|clarification|"
    r"writethr\w*|advisory|with photos?)\b[\W\d]*(?:lead|ld|\d+)?\W*$",
    re.I,
)
NOT_FOR_PRINT = re.compile(
    r"not (?:intended )?for publication|nicht zur ver(?:ö|oe)ffentlichung|^# note(?:book|s)\b|"
    r"^# notizblock",
    re.I,
)
# The categories of IPTC 7901, and agencies' own codes for the same categories.
CATEGORIES = {
    "politics": ("POL", "PL"),
    "economy, business and finance": ("FIN", "ECO", "BUS", "WI"),
    "sport": ("SPO", "SP", "S"),
    "arts, culture and entertainment": ("ACE", "CLT", "KU"),
    "science and technology": ("SCI", "WS"),
    "crime, law and justice": ("CLJ",),
    "disaster and accident": ("DIS",),
    "weather": ("WEA", "WTH"),
    "religion": ("REL",),
    "health": ("HTH",),
    "education": ("EDU",),
    "environment": ("ENV",),
    "human interest": ("HUM", "VM"),
}
LONGEST_OPENING = 400  # characters; longer lines before the first gap belong to the story


def read_telegrams(file: SourceFile, names: FieldMap) -> ReadResults:
    """Read a transmission, as `telegram_records` does."""
    return made(telegram_records(file, names))


def telegram_records(file: SourceFile, _: FieldMap, now: Clock = right_now) -> Records:
    """Walk the messages of a transmission: by their headers, IPTC 7901 or ANPA 1312."""
    make = partial(_settled, defaults=file.defaults, now=now)
    number = 0
    for number, message in enumerate(messages_in(file), 1):
        origin = file.origin(number)
        if message is None:
            yield UnreadableArticle(str(origin), "a message of more than 1 MiB")
        else:
            yield Record(message, origin, make)
    if not number:
        raise UnreadableArticle(file.place, "no message in it")


def _settled(message: str, origin: Origin, defaults: Mapping[str, str], now: Clock) -> ReadResult:
    item = _item_of(telegram(message))
    if isinstance(item, str):
        return UnreadableArticle(str(origin), item)
    return settle_item(item, origin, defaults, now)


def _item_of(message: Telegram) -> WireItem | str:
    """The item of a message, by the format of its header; a text is the reason for a refusal."""
    header = "\n".join(message.header)
    if ANPA_HEADER.match(header):
        return anpa_item(message)
    found = HEADER.match(header)
    return _item(message, found) if found else "a header that is neither IPTC 7901's nor ANPA's"


def _item(message: Telegram, header: re.Match[str]) -> WireItem:
    filed = next(filter(None, map(_filed, [*message.trailer, *reversed(message.text)])), "")
    lines = [line for line in message.text if not _filed(line)]
    lines = list(takewhile(lambda line: not NOT_FOR_PRINT.search(line), lines))
    title, byline, body = _opened(lines)
    fields = {
        "title": title,
        "text": "\n\n".join(each for each in paragraphs(body) if each.strip("* ")),
        "source": header["agency"] or header["source"],
        "section": _section(header["category"].upper()),
        "authors": names_in(byline) if byline else (),
    }
    return WireItem(fields, kind="a message", days=(filed,))


def _section(category: str) -> str:
    return next((name for name, codes in CATEGORIES.items() if category in codes), "")


def _opened(lines: list[str]) -> tuple[str, str, list[str]]:
    """The headline, the byline, and the lines of the story.

    The headline has its own lines before a blank line or the first indented line; a line that ends
    in a slash is the catchword, and one that ends in an equals sign is the last.
    """
    start = next((n for n, line in enumerate(lines) if line.strip()), len(lines))
    opening = list(takewhile(lambda line: line.strip() and not INDENTED.match(line), lines[start:]))
    rest = lines[start + len(opening) :]
    if sum(map(len, opening)) > LONGEST_OPENING or not any(line.strip() for line in rest):
        return "", "", lines
    heads = [line.strip().rstrip("= ").strip() for line in opening]
    heads = [line for line in heads if line and not line.endswith("/") and not LABEL.match(line)]
    bylines = [line for line in heads[1:] if BYLINE_OPENING.match(line)]
    return " ".join(line for line in heads if line not in bylines), " ".join(bylines[:1]), rest


def _filed(line: str) -> str:
    """The time in a line, in ISO 8601; the day alone for an unknown zone; empty without a time."""
    match = FILED.match(line.strip())
    if not match:
        return ""
    named = match["month"].casefold()
    month = next((n for n, names in enumerate(MONTHS, 1) if named in names.split()), 0)
    if not month:
        return ""
    day = f"{full_year(match['year'])}-{month:02}-{match['day']}"
    offset = ZONES.get(match["zone"])
    return f"{day}T{match['hour']}:{match['minute']}:00{offset}" if offset else day
