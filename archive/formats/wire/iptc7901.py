"""Reads IPTC 7901, the teleprinter's format, in which agencies sent text from 1979 on."""

import re
from itertools import takewhile

from backfile.archive.formats.fields import FieldMap
from backfile.archive.formats.files import SourceFile
from backfile.archive.formats.wire.anpa import ANPA_HEADER, anpa_item
from backfile.archive.formats.wire.bylines import OPENING as BYLINE
from backfile.archive.formats.wire.bylines import names_in
from backfile.archive.formats.wire.items import Clock, Read, WireItem, judged_in, right_now
from backfile.archive.formats.wire.telegrams import (
    INDENTED,
    ZONES,
    Message,
    full_year,
    messages_in,
    paragraphs,
)
from backfile.archive.model.errors import UnreadableArticle

HEADER = re.compile(
    r"\s*(?P<source>[A-Za-z]{2,5})\s?(?P<number>\d{1,5})\s+(?P<priority>\d)\s+"
    r"(?P<category>[A-Za-z]{1,4})\b[ \t]*(?:\d{1,5}[ \t]+(?P<agency>[A-Za-z][A-Za-z-]*))?"
)
# Day, hour and minute, month and year, at the end of a message.
FILED = re.compile(
    r"^\W*(?P<day>\d\d)(?P<hour>\d\d)(?P<minute>\d\d)\s*(?P<zone>[A-Z]{0,5})\s+"
    r"(?P<month>[^\W\d]{3})[^\W\d]*\.?\s+(?P<year>\d\d|\d{4})\W*$"
)
# In English, and where they begin otherwise in German, French and Spanish.
MONTHS = (
    *("jan ene", "feb fév", "mar mär mrz mae", "apr avr abr", "may mai", "jun", "jul"),
    *("aug aoû ago", "sep", "oct okt", "nov", "dec dez déc dic"),
)
# Lines in front of a headline that say what a message is, not what it is about.
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
# The categories of IPTC 7901's own list and those that agencies use for the same.
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
LONGEST_OPENING = 400  # characters; longer lines before the first gap are the story itself


def read_telegrams(file: SourceFile, _: FieldMap, now: Clock = right_now) -> Read:
    """Read the messages of a transmission, of IPTC 7901 or ANPA 1312, each as its header says."""
    number = 0
    for number, message in enumerate(messages_in(file), 1):
        item = _item_of(message) if message else "a message of more than 1 MiB"
        if isinstance(item, str):
            yield UnreadableArticle(str(file.origin(number)), item)
        else:
            yield judged_in(file, number, item, now)
    if not number:
        raise UnreadableArticle(file.place, "no message in it")


def _item_of(message: Message) -> WireItem | str:
    """What a message says, by the format of its header; a text says that it has none."""
    header = "\n".join(message.header)
    if ANPA_HEADER.match(header):
        return anpa_item(message)
    found = HEADER.match(header)
    return _item(message, found) if found else "a header that is neither IPTC 7901's nor ANPA's"


def _item(message: Message, header: re.Match[str]) -> WireItem:
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

    The headline stands in lines of its own before a blank line or the first indented one; a line
    that ends in a slash is the catchword, one that ends in an equals sign the last.
    """
    start = next((n for n, line in enumerate(lines) if line.strip()), len(lines))
    opening = list(takewhile(lambda line: line.strip() and not INDENTED.match(line), lines[start:]))
    rest = lines[start + len(opening) :]
    if sum(map(len, opening)) > LONGEST_OPENING or not any(line.strip() for line in rest):
        return "", "", lines
    said = [line.strip().rstrip("= ").strip() for line in opening]
    said = [line for line in said if line and not line.endswith("/") and not LABEL.match(line)]
    bylines = [line for line in said[1:] if BYLINE.match(line)]
    return " ".join(line for line in said if line not in bylines), " ".join(bylines[:1]), rest


def _filed(line: str) -> str:
    """The time in a line, in ISO 8601; nothing where there is none, or of an unknown zone."""
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
