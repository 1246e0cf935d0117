"""Finds the order of day and month in dates such as 4/11/2023."""

import re
from enum import StrEnum
from functools import lru_cache
from importlib import import_module


class DateOrder(StrEnum):
    """The order of day, month and year."""

    MONTH_FIRST = "MDY"
    DAY_FIRST = "DMY"
    YEAR_FIRST = "YMD"


# Country domains that are in use all over the world.
ANYWHERE = frozenset(("co", "io", "tv", "me", "ai", "fm", "ly", "cc", "to", "ws", "la", "gg", "am"))
REGIONS = {"uk": "GB", "eu": "150"}  # domains that are not the code of their region
# A whole value of day and month in figures, and a year; PHP writes `\/` in JSON.
NUMERIC_DATE = re.compile(
    r"""(?:^|["',;\t|])(\d{1,2})(?:\\?/\d{1,2}\\?/(?:\d{4}|\d\d)|-\d{1,2}-\d{4})(?=["',;\t|\sT]|$)""",
    re.MULTILINE,
)
LONGEST_TAG = 35  # characters: RFC 5646, section 4.4.1
FIGURES = re.compile(r"\d+")


def order_shown(text: str) -> DateOrder | None:
    """The order of the dates in figures of a text, if at least one of them has one reading only.

    >>> order_shown("id,date\\n1,04/11/2023\\n2,23/11/2023").value
    'DMY'
    >>> order_shown("id,date\\n1,04/11/2023") is None
    True
    """
    shown = set()
    for match in NUMERIC_DATE.finditer(text):
        first, second = (int(figure) for figure in FIGURES.findall(match[0])[:2])
        if 12 < first <= 31 and second <= 12:
            shown.add(DateOrder.DAY_FIRST)
        if 12 < second <= 31 and first <= 12:
            shown.add(DateOrder.MONTH_FIRST)
    return shown.pop() if len(shown) == 1 else None


def usual_order(tag: str, host: str) -> DateOrder:
    """The usual order of a language (`en`, `en-GB`) in the country of a host.

    English, or no language, without a country counts as American.

    >>> usual_order("en", "www.courier.example").value, usual_order("en-GB", "").value
    ('MDY', 'DMY')
    >>> usual_order("", "www.courier.co.uk").value, usual_order("de", "").value
    ('DMY', 'DMY')
    """
    language, *rest = re.split(r"[-_]", tag[:LONGEST_TAG].strip())
    region = next((part.upper() for part in rest if len(part) in (2, 3)), "")
    return _order_of(language.casefold() or "en", region or _region(host))


def _region(host: str) -> str:
    """The region of a host's domain; empty if it belongs to no country.

    >>> _region("courier.co.uk"), _region("courier.com"), _region("courier.io")
    ('GB', '', '')
    """
    domain = host.rpartition(".")[2].casefold()
    if domain in REGIONS:
        return REGIONS[domain]
    is_country = len(domain) == 2 and domain.isascii() and domain.isalpha()
    return domain.upper() if is_country and domain not in ANYWHERE else ""


@lru_cache(maxsize=1024)
def _order_of(language: str, region: str) -> DateOrder:
    """Look up the order of the CLDR, in dateparser's copy."""
    from dateparser.data.languages_info import language_order  # 0.1 s, for such dates only

    if language not in language_order:
        return DateOrder.DAY_FIRST
    found = import_module(f"dateparser.data.date_translation_data.{language}").info
    regions = found.get("locale_specific", {})
    if language == "en" and region and f"en-{region}" not in regions:
        return DateOrder.DAY_FIRST  # English from a country without an English locale
    here = regions.get(f"{language}-{region}", {})
    return DateOrder(here.get("date_order") or found.get("date_order") or DateOrder.DAY_FIRST)
