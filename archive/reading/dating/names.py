"""Knows the names of months and weekdays in the languages that news is written in."""

from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module
from typing import Any

MONTHS = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
LANGUAGES = (
    *("en", "de", "fr", "es", "pt", "it", "nl", "ca", "da", "nb", "nn", "sv", "fi", "is", "et"),
    *("lv", "lt", "pl", "cs", "sk", "sl", "hr", "sr", "sr-Cyrl", "bg", "mk", "ru", "uk", "be"),
    *("ro", "hu", "el", "tr", "id", "ar", "fa", "he", "hi", "bn", "ur", "th", "sw", "af", "ga"),
)


def month_of(name: str, language: str = "") -> int | None:
    """The number of the month that a word names; None for another word.

    A few names stand for different months in different languages: then the language decides.

    >>> month_of("März"), month_of("Sept."), month_of("listopada", "pl"), month_of("listopada")
    (3, 9, 11, None)
    """
    found = _names(MONTHS).get(folded(name), {})
    if language in found:
        return found[language]
    months = set(found.values())
    return months.pop() if len(months) == 1 else None


def is_weekday(name: str) -> bool:
    """Whether a word names a day of the week in some language.

    >>> is_weekday("Samstag"), is_weekday("March")
    (True, False)
    """
    return folded(name) in _names(WEEKDAYS)


def folded(name: str) -> str:
    """Take a name as it is looked up: without case and the marks around it."""
    return name.strip(".'’`").casefold()


@cache
def _names(kinds: tuple[str, ...]) -> Mapping[str, dict[str, int]]:
    """Every name, and which of these it stands for in each language: of the CLDR, by dateparser."""
    names: dict[str, dict[str, int]] = {}
    for language in LANGUAGES:
        for number, name in _names_in(_data_of(language), kinds):
            if not any(letter.isspace() or letter.isdigit() for letter in name):
                names.setdefault(folded(name), {}).setdefault(language, number)
    return names


def _names_in(data: Mapping[str, Any], kinds: tuple[str, ...]) -> Iterator[tuple[int, str]]:
    """The names in a language, then those of its regions."""
    for each in (data, *data.get("locale_specific", {}).values()):
        for number, kind in enumerate(kinds, 1):
            for name in each.get(kind, ()):
                yield number, name


def _data_of(language: str) -> Mapping[str, Any]:
    module = import_module(f"dateparser.data.date_translation_data.{language}")
    data: Mapping[str, Any] = module.info
    return data
