"""A language that pages are written in: its sentences by gettext, its numbers and days by Babel.

The sentences lie in `translations/<code>.po`, which is read as it is: nothing has to be compiled.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cache, lru_cache
from gettext import GNUTranslations, NullTranslations
from importlib.resources import files
from io import BytesIO

from babel.core import Locale
from babel.dates import format_date, format_skeleton
from babel.lists import format_list
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_decimal, format_percent

from backfile.archive.model.message import Message, Value

WRITTEN = "en"  # what templates and messages are written in
# Whose way with days and numbers is taken, where a language has several.
PLACES = {WRITTEN: "en_GB"}


@dataclass(frozen=True)
class PageLanguage:
    """A language by its code (ISO 639-1), and all that is said in it."""

    code: str
    locale: Locale
    translations: NullTranslations

    def said(self, message: str) -> str:
        """Say a message; what is none is left as it is.

        >>> page_language("de").said(Message("the words %(words)s", words="a"))
        'the words a'
        """
        if not isinstance(message, Message):
            return message
        template = self.template(message.singular, message.plural, message.number)
        return template % self.filled(message.values)

    def template(self, singular: str, plural: str = "", number: int = 1) -> str:
        """Find what is said for a template, with its gaps."""
        if plural:
            return self.translations.ngettext(singular, plural, number)
        return self.translations.gettext(singular)

    def filled(self, values: Mapping[str, Value]) -> dict[str, str]:
        """Write what fills the gaps of a template."""
        return {name: self._written(value) for name, value in values.items()}

    def _written(self, value: Value) -> str:
        match value:
            case tuple():
                return str(format_list([self.said(each) for each in value], locale=self.locale))
            case int():
                return self.number(value)
            case float():
                return self.decimal(value, 2)
        return self.said(value)

    def number(self, value: int) -> str:
        """Write a whole number.

        >>> page_language("en").number(12345), page_language("de").number(12345)
        ('12,345', '12.345')
        """
        return _number(self.code, value)

    def decimal(self, value: float, places: int) -> str:
        """Write a number with so many decimals."""
        return _decimal(self.code, f"{value:.{places}f}", places)

    def percent(self, share: float, places: int = 0) -> str:
        """Write a share, 0 to 1.

        >>> page_language("en").percent(0.125), page_language("en").percent(0.125, 1)
        ('12%', '12.5%')
        """
        return _percent(self.code, f"{share:.{places + 2}f}", places)

    def day(self, value: date) -> str:
        """Write a day in full.

        >>> [page_language(code).day(date(2024, 3, 23)) for code in ("en", "de")]
        ['23 March 2024', '23. März 2024']
        """
        return _day(self.code, value)

    def part_of_day(self, value: date, skeleton: str) -> str:
        """Write what a skeleton names of a day: `yMMMM` is its month and year (UTS 35)."""
        return _part_of_day(self.code, value, skeleton)

    def instant(self, at: datetime) -> str:
        """Write an instant: `23 March 2024, 14:05 UTC`."""
        return f"{self.day(at.date())}, {at:%H:%M} UTC"

    def name_of(self, code: str) -> str:
        """Name a language, or give its code where that is none.

        >>> page_language("de").name_of("en"), page_language("de").name_of("<b>")
        ('Englisch', '<b>')
        """
        return str(self.locale.languages.get(code.replace("-", "_"), code))

    @property
    def own_name(self) -> str:
        """What it calls itself."""
        return self.name_of(self.code)


@cache
def codes() -> tuple[str, ...]:
    """The languages that there are, the one that all is written in first."""
    found = (each.name for each in files(__package__).joinpath("translations").iterdir())
    return (WRITTEN, *sorted(name.removesuffix(".po") for name in found if name.endswith(".po")))


@cache
def page_language(code: str) -> PageLanguage:
    """Load a language; in English all is as it was written."""
    locale = Locale.parse(PLACES.get(code, code))
    if code == WRITTEN:
        return PageLanguage(code, locale, NullTranslations())
    compiled = BytesIO()
    with files(__package__).joinpath("translations", f"{code}.po").open("rb") as stream:
        write_mo(compiled, read_po(stream, locale=code, abort_invalid=True))
    compiled.seek(0)
    return PageLanguage(code, locale, GNUTranslations(compiled))


# Babel takes 5 to 30 µs for each, and a page has hundreds, many of them the same.
@lru_cache(maxsize=1 << 13)
def _number(code: str, value: int) -> str:
    return format_decimal(value, locale=page_language(code).locale)


@lru_cache(maxsize=1 << 13)
def _decimal(code: str, rounded: str, places: int) -> str:
    pattern = f"#,##0.{'0' * places}"
    return format_decimal(Decimal(rounded), pattern, locale=page_language(code).locale)


@lru_cache(maxsize=1 << 13)
def _percent(code: str, rounded: str, places: int) -> str:
    locale = page_language(code).locale
    pattern = locale.percent_formats[None].pattern
    wanted = pattern.replace("0", f"0.{'0' * places}", 1) if places else pattern
    return format_percent(Decimal(rounded), wanted, locale=locale)


@lru_cache(maxsize=1 << 13)
def _day(code: str, value: date) -> str:
    return format_date(value, "long", locale=page_language(code).locale)


@lru_cache(maxsize=1 << 13)
def _part_of_day(code: str, value: date, skeleton: str) -> str:
    return format_skeleton(skeleton, value, locale=page_language(code).locale)
