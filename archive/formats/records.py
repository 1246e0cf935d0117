"""Reads files that hold many articles as records: JSON and JSON Lines, always as streams."""

import json
from codecs import BOM_UTF8
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import chain
from typing import Any, BinaryIO, cast

from backfile.archive.formats.dates.order import order_shown
from backfile.archive.formats.fields import NORMAL_NAMES, FieldMap, article_from, normal_name
from backfile.archive.formats.files import LONGEST_TEXT, SourceFile
from backfile.archive.formats.wire.ninjs import is_ninjs, read_item
from backfile.archive.model.article import Article, DateCertainty, DateSource, Origin
from backfile.archive.model.errors import UnreadableArticle


def article_as_laid_out(
    record: Mapping[str, Any], origin: Origin, names: FieldMap, key: str
) -> Article:
    """Make an article of a record; an empty field for its date says that its source knows of none.

    Raises UnreadableArticle as `article_from` does.
    """
    article = article_from(record, origin, names, key)
    if article.date_source is not DateSource.TEXT or not leaves_empty("published", record, names):
        return article
    none = DateCertainty.NONE  # whatever its address may look like
    return replace(article, published=None, date_source=DateSource.NONE, date_certainty=none)


def leaves_empty(ours: str, record: Mapping[str, Any], names: FieldMap) -> bool:
    """Whether a record has a field for this, and nothing in it.

    >>> leaves_empty("published", {"Date": ""}, FieldMap())
    True
    """
    chosen = names.chosen.get(ours)
    usual = NORMAL_NAMES[ours]
    values = [
        value
        for name, value in record.items()
        if (str(name) == chosen if chosen else normal_name(str(name)) in usual)
    ]
    return bool(values) and not any(str(value or "").strip() for value in values)


DEEPEST = 200  # levels of JSON; ijson names each level by all above it, which grows quadratically
SCHEMA_HOST = "json-schema.org"
# Where an object keeps its list of articles, after the field names of public news APIs.
LIST_NAMES = frozenset(
    (
        *("articles", "items", "results", "data", "docs", "documents", "entries", "stories"),
        *("news", "records", "hits", "rows"),
    )
)

Read = Iterator[Article | UnreadableArticle]


def read_json_lines(file: SourceFile, names: FieldMap) -> Read:
    """Read one object a line; a line that is not one is refused and the next is read."""
    names = with_order_shown(file, names)
    for number, line in enumerate(file.lines(), 1):
        origin = file.origin(number)
        if line is None:
            yield UnreadableArticle(str(origin), f"line over {LONGEST_TEXT >> 20} MiB")
        elif line := line.strip("\ufeff \t\r\n\x00"):
            yield _from_line(line, origin, file, names)


def read_json(file: SourceFile, names: FieldMap) -> Read:
    """Read an array of objects, an object with one such array in it, or a single object."""
    import ijson

    names = with_order_shown(file, names)
    number = 0
    try:
        with _opened(file) as stream:
            prefix = _array_prefix(stream)
        with _opened(file) as stream:
            for number, record in enumerate(ijson.items(_events(stream), prefix), 1):
                origin = file.origin(number)
                yield article_of(record, origin, names, key_of(file, origin))
    except (ijson.JSONError, UnicodeDecodeError) as exc:
        origin = file.origin(number + 1)
        yield UnreadableArticle(str(origin), f"not valid JSON from here on ({_brief(exc)})")


def article_of(
    record: Any, origin: Origin, names: FieldMap, key: str
) -> Article | UnreadableArticle:
    """Read a record of JSON as what it says it is, unless its fields are mapped."""
    if not names.chosen and isinstance(record, dict):
        if SCHEMA_HOST in str(record.get("$schema")):
            reason = "a JSON Schema, not an article"
            return UnreadableArticle(str(origin), reason, record=record, key=key)
        if is_ninjs(record):
            return read_item(record, origin, key)
    return _from_fields(record, origin, names, key)


def read_record(
    record: Any, origin: Origin, file: SourceFile, names: FieldMap
) -> Article | UnreadableArticle:
    """Make an article of a row of a table; what cannot become one is returned as refused."""
    return _from_fields(record, origin, names, key_of(file, origin))


def _from_fields(
    record: Any, origin: Origin, names: FieldMap, key: str
) -> Article | UnreadableArticle:
    if not isinstance(record, dict):
        reason = "not a JSON object with named fields"
        return UnreadableArticle(str(origin), reason, record=record, key=key)
    try:
        return article_as_laid_out(record, origin, names, key)
    except UnreadableArticle as refused:
        return UnreadableArticle(refused.origin, refused.reason, record=record, key=key)


def key_of(file: SourceFile, origin: Origin) -> str:
    """What names a record on any machine, where it has no name of its own."""
    return f"{file.key}#{origin.offset}"


def with_order_shown(file: SourceFile, names: FieldMap) -> FieldMap:
    """Let the beginning of a file show whether its dates have the day or the month first."""
    # Figures are the same bytes in all encodings, but for the zeros in wide ones.
    shown = order_shown(file.head().replace(b"\x00", b"").decode("latin-1"))
    return replace(names, dates=replace(names.dates, shown=shown)) if shown else names


def _opened(file: SourceFile) -> BinaryIO:
    """Open past a byte order mark, which ijson takes for an error."""
    stream = file.open()
    if stream.read(len(BOM_UTF8)) != BOM_UTF8:
        stream.seek(0)
    return stream


def _from_line(
    line: str, origin: Origin, file: SourceFile, names: FieldMap
) -> Article | UnreadableArticle:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError) as exc:
        reason = f"not valid JSON ({_brief(exc)})"
        return UnreadableArticle(str(origin), reason, record=line, key=key_of(file, origin))
    return article_of(record, origin, names, key_of(file, origin))


def _events(stream: BinaryIO) -> Iterator[tuple[str, str, Any]]:
    import ijson

    metered = _Metered(stream)
    events = _shallow(ijson.basic_parse(metered, use_float=True), metered)
    return cast(Iterator[tuple[str, str, Any]], ijson.parse(events))


class _Metered:
    """A stream that ends with an error where one value goes on for longer than any article."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.taken = 0  # bytes since the last value ended

    def read(self, size: int = -1) -> bytes:
        import ijson

        some = self._stream.read(size)
        self.taken += len(some)
        if self.taken > LONGEST_TEXT:
            raise ijson.JSONError(f"a value of more than {LONGEST_TEXT >> 20} MiB")
        return some


def _shallow(events: Iterable[tuple[str, Any]], metered: _Metered) -> Iterator[tuple[str, Any]]:
    """Let events through; raise JSONError where one lies deeper than any article would."""
    import ijson

    depth = 0
    for event in events:
        metered.taken = 0
        depth += event[0] in ("start_map", "start_array")
        depth -= event[0] in ("end_map", "end_array")
        if depth > DEEPEST:
            raise ijson.JSONError(f"nested more than {DEEPEST} levels deep")
        yield event


def _array_prefix(stream: BinaryIO) -> str:
    """Find the ijson prefix of the articles: `item`, `results.item`, or `` for the whole."""
    events = _events(stream)
    first = next(events, None)
    if first and first[1] == "start_array":
        return "item"
    for prefix, event, _ in chain([first] if first else [], events):
        if event == "start_array" and prefix.rpartition(".")[2].casefold() in LIST_NAMES:
            _, inside, _ = next(events)
            if inside == "start_map":
                return f"{prefix}.item"
    return ""


def _brief(exc: BaseException) -> str:
    return str(exc).splitlines()[0][:120] if str(exc) else type(exc).__name__
