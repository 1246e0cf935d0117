"""The languages of pages: gettext translates messages, Babel formats numbers and days.

`translations/<code>.po` has the messages; it is compiled in memory.
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
from babel.dates import format_date, format_interval, format_skeleton
from babel.lists import format_list
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_decimal, format_percent

from backfile.archive.model.dates import DateSpan
from backfile.archive.model.message import Message, Value

WRITTEN = "en"  # the language of templates and messages
# The locale for days and numbers, for a language with several territories.
TERRITORIES = {WRITTEN: "en_GB"}


@dataclass(frozen=True)
class PageLanguage:
    """A language by its code (ISO 639-1), with its locale and translations."""

    code: str
    locale: Locale
    translations: NullTranslations

    def translate(self, message: str) -> str:
        """Translate a Message; other texts are returned unchanged.

        >>> page_language("de").translate(Message("the words %(words)s", words="a"))
        'die Wörter a'
        """
        if not isinstance(message, Message):
            return message
        template = self.template(message.singular, message.plural, message.number)
        return template % self.fill(message.values)

    def template(self, singular: str, plural: str = "", number: int = 1) -> str:
        """The translation of a template, with its placeholders."""
        if plural:
            return self.translations.ngettext(singular, plural, number)
        return self.translations.gettext(singular)

    def fill(self, values: Mapping[str, Value]) -> dict[str, str]:
        """Write the values for the placeholders of a template."""
        return {name: self._written(value) for name, value in values.items()}

    def _written(self, value: Value) -> str:
        match value:
            case tuple():
                return str(
                    format_list([self.translate(each) for each in value], locale=self.locale)
                )
            case int():
                return self.number(value)
            case float():
                return self.decimal(value, 2)
        return self.translate(value)

    def number(self, value: int) -> str:
        """Write a whole number.

        >>> page_language("en").number(12345), page_language("de").number(12345)
        ('12,345', '12.345')
        """
        return _number(self.code, value)

    def decimal(self, value: float, places: int) -> str:
        """Write a number with this number of decimals."""
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

    def date_span(self, value: DateSpan) -> str:
        """Write a day, month, year or interval, as exact as it is.

        >>> [page_language(code).date_span(DateSpan.of(2024, 5)) for code in ("en", "de")]
        ['May 2024', 'Mai 2024']
        >>> page_language("de").date_span(DateSpan.parse("2024-03/2024-04"))
        'März–April 2024'
        """
        if value.is_day:
            return self.day(value.first)
        skeleton = {"y": "y", "yM": "yMMMM", "yMd": "yMMMd"}[value.fields]
        if value.is_interval:
            return _interval(self.code, value, skeleton)
        return self.part_of_day(value.first, skeleton)

    def part_of_day(self, value: date, skeleton: str) -> str:
        """Write the fields of a day in a skeleton (UTS 35): `yMMMM` is its month and year."""
        return _part_of_day(self.code, value, skeleton)

    def instant(self, at: datetime) -> str:
        """Write an instant: `23 March 2024, 14:05 UTC`."""
        return f"{self.day(at.date())}, {at:%H:%M} UTC"

    def name_of(self, code: str) -> str:
        """The name of a language; its code if it is unknown.

        >>> page_language("de").name_of("en"), page_language("de").name_of("<b>")
        ('Englisch', '<b>')
        """
        return str(self.locale.languages.get(code.replace("-", "_"), code))

    @property
    def own_name(self) -> str:
        """The name of the language in itself."""
        return self.name_of(self.code)


@cache
def codes() -> tuple[str, ...]:
    """The codes of all languages, WRITTEN first."""
    found = (each.name for each in files(__package__).joinpath("translations").iterdir())
    return (WRITTEN, *sorted(name.removesuffix(".po") for name in found if name.endswith(".po")))


@cache
def page_language(code: str) -> PageLanguage:
    """Load a language; WRITTEN has no translations."""
    locale = Locale.parse(TERRITORIES.get(code, code))
    if code == WRITTEN:
        return PageLanguage(code, locale, NullTranslations())
    compiled = BytesIO()
    with files(__package__).joinpath("translations", f"{code}.po").open("rb") as stream:
        write_mo(compiled, read_po(stream, locale=code, abort_invalid=True))
    compiled.seek(0)
    return PageLanguage(code, locale, GNUTranslations(compiled))


# Babel takes 5 to 30 µs for each value, and a page has hundreds, many of them equal.
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
    with_places = pattern.replace("0", f"0.{'0' * places}", 1) if places else pattern
    return format_percent(Decimal(rounded), with_places, locale=locale)


@lru_cache(maxsize=1 << 13)
def _day(code: str, value: date) -> str:
    return format_date(value, "long", locale=page_language(code).locale)


@lru_cache(maxsize=1 << 13)
def _interval(code: str, value: DateSpan, skeleton: str) -> str:
    locale = page_language(code).locale
    return str(format_interval(value.first, value.last, skeleton, locale=locale))


@lru_cache(maxsize=1 << 13)
def _part_of_day(code: str, value: date, skeleton: str) -> str:
    return format_skeleton(skeleton, value, locale=page_language(code).locale)
