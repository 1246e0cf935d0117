"""Reads dates with the month as a word: March 23, 2024; 23. März 2024; 23 de marzo de 2024."""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from functools import cache
from importlib import import_module
from typing import Any

from backfile.archive.formats.dates.calendar import ParsedDate, day_in_century, parsed_day

MONTHS = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
# Words in the dates of feeds and mail: each is one month, or none, in any language. The names of
# all languages take 0.1 s to load.
USUAL: Mapping[str, int | None] = {
    **{name[:3]: number for number, name in enumerate(MONTHS, 1)},
    **{name[:3]: None for name in WEEKDAYS},
}
LANGUAGES = (
    *("en", "de", "fr", "es", "pt", "it", "nl", "ca", "da", "nb", "nn", "sv", "fi", "is", "et"),
    *("lv", "lt", "pl", "cs", "sk", "sl", "hr", "sr", "sr-Cyrl", "bg", "mk", "ru", "uk", "be"),
    *("ro", "hu", "el", "tr", "id", "ar", "fa", "he", "hi", "bn", "ur", "th", "sw", "af", "ga"),
)


def month_of(name: str, language: str = "") -> int | None:
    """The number of the month with this name; None for another word.

    A few names are different months in different languages: then the language decides.

    >>> month_of("März"), month_of("Sept."), month_of("listopada", "pl"), month_of("listopada")
    (3, 9, 11, None)
    """
    if (usual := folded(name)) in USUAL:
        return USUAL[usual]
    found = _names(MONTHS).get(folded(name), {})
    if language in found:
        return found[language]
    months = set(found.values())
    return months.pop() if len(months) == 1 else None


def is_weekday(name: str) -> bool:
    """Whether a word is a day of the week in some language.

    >>> is_weekday("Samstag"), is_weekday("March")
    (True, False)
    """
    return folded(name) in _names(WEEKDAYS)


def folded(name: str) -> str:
    """Fold a name for look-up: without case and the marks around it."""
    return name.strip(".'’`").casefold()


@cache
def _names(kinds: tuple[str, ...]) -> Mapping[str, dict[str, int]]:
    """For each name of the CLDR (from dateparser), the number of its kind by language."""
    names: dict[str, dict[str, int]] = {}
    for language in LANGUAGES:
        for number, name in _names_in(_data_of(language), kinds):
            if not any(letter.isspace() or letter.isdigit() for letter in name):
                names.setdefault(folded(name), {}).setdefault(language, number)
    return names


def _names_in(data: Mapping[str, Any], kinds: tuple[str, ...]) -> Iterator[tuple[int, str]]:
    """The names of a language, then those of its regions."""
    for each in (data, *data.get("locale_specific", {}).values()):
        for number, kind in enumerate(kinds, 1):
            for name in each.get(kind, ()):
                yield number, name


def _data_of(language: str) -> Mapping[str, Any]:
    module = import_module(f"dateparser.data.date_translation_data.{language}")
    data: Mapping[str, Any] = module.info
    return data


TOKEN = re.compile(r"\d+|[^\s\d,;:()\[\]/|–—·•،、'’-]+")
# Words between a day, its month and its year: ordinals, prepositions and articles.
BETWEEN = frozenset(
    (
        *("", "st", "nd", "rd", "th", "er", "re", "º", "ª", "°", "of", "the", "de", "del", "do"),
        *("den", "d", "le", "el", "il", "al", "г", "р", "roku"),
    )
)
LABELS = frozenset(("date", "published", "posted", "datum", "on", "am", "年", "月", "日"))
MOST_TOKENS = 4  # with a year of two digits: weekday, day, month and year alone

YearMonthDay = tuple[str, int, int]  # the year as it is written


def days_in_words(value: str, language: str, today: date) -> Iterator[ParsedDate]:
    """Find the dates in a text; two days or months that share a year give none.

    >>> [found.day.isoformat() for found in days_in_words("1er mars 2024", "", date(2026, 1, 1))]
    ['2024-03-01']
    >>> list(days_in_words("23-25 March 2024", "", date(2026, 1, 1)))
    []
    """
    if not any(letter.isalpha() for letter in value):
        return
    tokens = [token for token in TOKEN.findall(value) if folded(token) not in BETWEEN]
    months = [None if _is_figure(token) else month_of(token, language) for token in tokens]
    for at in range(len(tokens) - 2):
        found = _year_month_day(tokens, months, at)
        if found and not _goes_on(tokens, months, at):
            yield parsed_day(day_in_century(*found, today), sure=len(found[0]) == 4)


def is_calendar_word(word: str) -> bool:
    """Whether a word may be part of a line with a date alone.

    >>> is_calendar_word("March"), is_calendar_word("Sat."), is_calendar_word("rain")
    (True, True, False)
    """
    name = folded(word)
    return name in BETWEEN or name in LABELS or is_weekday(name) or month_of(name) is not None


def _year_month_day(
    tokens: Sequence[str], months: Sequence[int | None], at: int
) -> YearMonthDay | None:
    """Read three tokens as day, month, year, as month, day, year, or as year, month, day."""
    first, second, third = tokens[at : at + 3]
    last = not any(_is_figure(token) for token in tokens[at + 3 : at + 4])
    short = last and len(tokens) <= MOST_TOKENS and not any(map(_is_year, tokens))
    ends = _is_year(third) or (short and _is_day(third))
    if month := months[at + 1]:
        if _is_day(first) and ends:
            return third, month, int(first)
        if _is_year(first) and _is_day(third) and last:
            return first, month, int(third)
    if (month := months[at]) and _is_day(second) and ends:
        return third, month, int(second)
    return None


def _goes_on(tokens: Sequence[str], months: Sequence[int | None], at: int) -> bool:
    """Whether another day comes right before: `23-25 March`, `March 23 - April 2`, `2 May - 3`."""
    before = at and _is_day(tokens[at - 1])
    month_before = at > 1 and months[at - 1] is not None and _is_day(tokens[at - 2])
    return bool(before or month_before)


def _is_figure(token: str) -> bool:
    return token[0].isdecimal()


def _is_day(token: str) -> bool:
    return _is_figure(token) and len(token) <= 2


def _is_year(token: str) -> bool:
    return _is_figure(token) and len(token) == 4
