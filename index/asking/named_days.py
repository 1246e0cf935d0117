"""Finds days in plain words: "march 2023", "in 2019", "last week". They are offered as filters."""

import re
from collections.abc import Iterator
from datetime import date
from typing import NamedTuple

from backfile.index.asking.dates import DayRange, day_range

MONTHS = (
    ("january", "januar", "jan"),
    ("february", "februar", "feb"),
    ("march", "märz", "mar"),
    ("april", "apr"),
    ("may", "mai"),
    ("june", "juni", "jun"),
    ("july", "juli", "jul"),
    ("august", "aug"),
    ("september", "sept", "sep"),
    ("october", "oktober", "oct", "okt"),
    ("november", "nov"),
    ("december", "dezember", "dec", "dez"),
)
NUMBERS = {name: number for number, names in enumerate(MONTHS, 1) for name in names}
MONTH = rf"(?P<month>{'|'.join(sorted(NUMBERS, key=len, reverse=True))})\.?"
YEAR = r"(?P<year>1[5-9]\d\d|20\d\d)"
DAY = r"(?P<day>\d{1,2})(?:st|nd|rd|th|\.)?"
RELATIVE = {
    "today": "today",
    "yesterday": "yesterday",
    "last week": "last week",
    "last month": "last month",
    "last year": "last year",
    "heute": "today",
    "gestern": "yesterday",
    "letzte woche": "last week",
    "letzten monat": "last month",
    "letztes jahr": "last year",
}
BEFORE = r"(?<![\w-])(?:(?:in|on|from|of|during|im|am|vom|von) +)?(?:the +)?"
AFTER = r"(?![\w-])"
PATTERNS = [
    re.compile(f"{BEFORE}(?:{pattern}){AFTER}", re.IGNORECASE)
    for pattern in (
        rf"{DAY} +(?:of +)?{MONTH},? +{YEAR}",
        rf"{MONTH} +{DAY},? +{YEAR}",
        rf"{MONTH},? +{YEAR}",
        rf"{YEAR}",
        rf"(?P<relative>{'|'.join(name.replace(' ', ' +') for name in RELATIVE)})",
    )
]


class NamedDays(NamedTuple):
    """Days in a text: their first and last day, and the text without them."""

    days: DayRange
    rest: str


def named_days(text: str, today: date) -> Iterator[NamedDays]:
    """Iterate over the days in a plain text; each word belongs to one of them at most.

    >>> today = date(2024, 5, 6)
    >>> [(str(found.days.first), found.rest) for found in named_days("flood in March 2023", today)]
    [('2023-03-01', 'flood')]
    >>> [str(found.days.last) for found in named_days("flood last year 5 march 2023", today)]
    ['2023-03-05', '2023-12-31']
    """
    taken: list[tuple[int, int]] = []
    for pattern in PATTERNS:
        for found in pattern.finditer(text):
            start, end = found.span()
            if any(start < other_end and other < end for other, other_end in taken):
                continue
            if days := _days(found.groupdict(), today):
                taken.append((start, end))
                rest = f"{text[:start]} {text[end:]}"
                yield NamedDays(days, " ".join(rest.split()))


def _days(named: dict[str, str | None], today: date) -> DayRange | None:
    if relative := named.get("relative"):
        return day_range(RELATIVE[" ".join(relative.casefold().split())], today)
    value = str(named["year"])
    if month := named.get("month"):
        value += f"-{NUMBERS[month.casefold()]:02d}"
    if day := named.get("day"):
        value += f"-{int(day):02d}"
    return day_range(value, today)
