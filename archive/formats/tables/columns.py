"""Maps the columns of a table to fields of articles, and converts their values."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any

from backfile.archive.formats.fields import USUAL_NAMES, FieldMap, normal_name
from backfile.archive.formats.files import encoding_of

DEEPEST = 8  # levels of nested lists and objects


def has_text_column(header: Iterable[str], names: FieldMap) -> bool:
    """Whether rows with these columns can be articles."""
    needed = {"text"} if "text" in names.chosen else {"text", "title"}
    return not needed.isdisjoint(fields_of(header, names))


def fields_of(header: Iterable[str], names: FieldMap) -> set[str]:
    """The fields of an article that columns map to."""
    # With a new map: a subclass that counts the use of fields must count records only.
    return set(FieldMap(names.chosen).find(dict.fromkeys(header, "x")))


def wanted_columns(header: Iterable[str], names: FieldMap) -> list[str]:
    """The columns that may map to a field of an article; others, such as pictures, are not read."""
    usual = {normal_name(name) for several in USUAL_NAMES.values() for name in several}
    chosen = {name for path in names.chosen.values() for name in (path, path.partition(".")[0])}
    return [name for name in header if name in chosen or normal_name(name) in usual]


def plain(value: Any, levels: int = DEEPEST) -> Any:
    """Convert a value to one of JSON; bytes that are not text become an empty string.

    >>> plain({"by": [b"Ana Ruiz"], "at": date(2024, 3, 23)})
    {'by': ['Ana Ruiz'], 'at': '2024-03-23'}
    """
    if isinstance(value, bytes):
        return "" if b"\x00" in value else value.decode(encoding_of(value), "replace")
    if isinstance(value, datetime | date):
        return value.isoformat()
    if not levels:
        return None
    if isinstance(value, Mapping):
        return {str(key): plain(each, levels - 1) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each, levels - 1) for each in value]
    return value
