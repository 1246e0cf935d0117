"""Names files after their search and the day: `swing-bridge-2026-11-29.csv`."""

import re
import unicodedata
from datetime import date, datetime
from urllib.parse import quote

from werkzeug.http import dump_options_header

from backfile.index.model.filters import FACET_FILTERS
from backfile.index.model.query import Query
from backfile.web.parts import missing_parts

LONGEST = 50  # characters of a name; of four bytes each, with day and suffix, they fit in 255
BETWEEN = re.compile(r"[\W_]+")
NAMELESS = "backfile"  # a search without text and filters
PART = "incomplete"  # in the name of a file that lacks what a part of the archive has
FOREIGN = "search"  # for programs that take ASCII alone, where no letter is of ASCII


def today() -> date:
    """The current day in the server's time zone."""
    return datetime.now().astimezone().date()


def attachment(name: str, suffix: str, day: date | None = None) -> str:
    """The header `Content-Disposition` of a file, named after a text and a day (today).

    >>> attachment("Swing bridge?", "csv", date(2026, 11, 29))
    'attachment; filename=swing-bridge-2026-11-29.csv'
    >>> attachment("Brücke", "ris", date(2026, 11, 29)).partition("; ")[2]
    "filename=brucke-2026-11-29.ris; filename*=UTF-8''br%C3%BCcke-2026-11-29.ris"
    """
    part = f"-{PART}" if missing_parts() else ""
    ending = f"{part}-{day or today()}.{suffix}"
    whole = slug(name) or NAMELESS
    plain = slug(_in_ascii(whole)) or FOREIGN
    names = {"filename": plain + ending}
    if plain != whole:
        names["filename*"] = f"UTF-8''{quote(whole + ending, safe='')}"  # RFC 6266
    return dump_options_header("attachment", names)


def slug(text: str) -> str:
    """The letters and digits of a text in lower case, with hyphens between words, cut after one.

    >>> slug("“Swing bridge” OR ferry/../x"), slug("?")
    ('swing-bridge-or-ferry-x', '')
    """
    words = BETWEEN.sub("-", unicodedata.normalize("NFC", text).casefold()).strip("-")
    if len(words) <= LONGEST:
        return words
    return words[: LONGEST + 1].rpartition("-")[0] or words[:LONGEST]


def name_of(query: Query) -> str:
    """What a file of a search is called: its text, else the values and days of its filters.

    >>> name_of(Query.from_parameters({"source": ["Coastal Courier"], "since": ["2024"]}))
    'Coastal Courier 2024-01-01'
    """
    filters = query.filters
    chosen = [value for name in FACET_FILTERS for value in getattr(filters, name)]
    days = [str(each) for each in (filters.since, filters.until, filters.day) if each]
    return query.text if slug(query.text) else " ".join([*chosen, *days])


def _in_ascii(text: str) -> str:
    return unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
