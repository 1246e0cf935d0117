"""Tells which columns of a table articles are made of, and what the values in them mean."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any

from backfile.archive.formats.fields import USUAL_NAMES, FieldMap, normal_name
from backfile.archive.formats.text.encodings import encoding_of

DEEPEST = 8  # lists and objects in one another


def has_text_column(header: Iterable[str], names: FieldMap) -> bool:
    """Tell whether articles can be made of rows with these columns."""
    needed = {"text"} if "text" in names.chosen else {"text", "title"}
    return not needed.isdisjoint(fields_of(header, names))


def fields_of(header: Iterable[str], names: FieldMap) -> set[str]:
    """The fields of an article that columns stand for."""
    # By a map of its own, as one that watches how it is used counts records alone.
    return set(FieldMap(names.chosen).find(dict.fromkeys(header, "x")))


def wanted_columns(header: Iterable[str], names: FieldMap) -> list[str]:
    """The columns that some field of an article may come from; pictures stay where they are."""
    usual = {normal_name(name) for several in USUAL_NAMES.values() for name in several}
    chosen = {name for path in names.chosen.values() for name in (path, path.partition(".")[0])}
    return [name for name in header if name in chosen or normal_name(name) in usual]


def plain(value: Any, levels: int = DEEPEST) -> Any:
    """What a value is as JSON would have it; bytes that are no text are nothing.

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
