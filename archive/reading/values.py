"""Takes values out of records as they come: nested, listed, of any type."""

import re
from collections.abc import Mapping
from typing import Any

from archive.reading.cleaning import clean_line

DEEPEST_VALUE = 8  # lists and objects around a name or a text; hostile records have thousands
NAME_SEPARATOR = re.compile(r"\s*(?:;|\||\band\b|&|,(?!\s*(?:jr|sr|ph\.?d|m\.?d)\b))\s*", re.I)
BYLINE = re.compile(r"^\s*by\s+", re.IGNORECASE)


def dotted(record: Mapping[str, Any], path: str) -> Any:
    if path in record:
        return record[path]
    value: Any = record
    for part in path.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def as_line(value: Any, levels: int = DEEPEST_VALUE) -> str:
    """A string, the name in an object, or the first such thing in a list."""
    if isinstance(value, Mapping):
        names = ("name", "title", "value", "text", "rendered", "id")  # `rendered`: WordPress
        value = next((value[name] for name in names if name in value), "")
    if isinstance(value, list | tuple):
        lines = (as_line(item, levels - 1) for item in value) if levels else ()
        return next((line for line in lines if line), "")
    if isinstance(value, str):
        return value
    return "" if value is None or isinstance(value, bool | Mapping) else str(value)


def as_text(value: Any) -> str:
    """A string, or a list of paragraphs."""
    if isinstance(value, list | tuple):
        return "\n\n".join(part for part in map(as_line, value) if part)
    return as_line(value)


def as_names(value: Any) -> tuple[str, ...]:
    if isinstance(value, list | tuple):
        names = [as_line(item) for item in value]
    else:
        names = NAME_SEPARATOR.split(BYLINE.sub("", as_line(value)))
    return tuple(dict.fromkeys(name for name in map(clean_line, names) if name))
