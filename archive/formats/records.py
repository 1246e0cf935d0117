"""Reads files with many records, JSON and JSON Lines, as streams."""

import json
import re
from codecs import BOM_UTF8
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from itertools import chain
from types import MappingProxyType
from typing import Any, BinaryIO, cast

from backfile.archive.formats.dates.order import order_shown
from backfile.archive.formats.fields import NORMAL_NAMES, FieldMap, article_from, normal_name
from backfile.archive.formats.files import (
    LONGEST_TEXT,
    ReadResult,
    ReadResults,
    Record,
    Records,
    SourceFile,
    first_line,
    made,
)
from backfile.archive.formats.format import Plugin, RecordFormat
from backfile.archive.formats.related_rows import Join, is_related, join_of
from backfile.archive.formats.shapes import Shape, as_exported, shape_of, unwrapped
from backfile.archive.formats.wire.formats import WIRE
from backfile.archive.model.article import Article, DateCertainty, DateSource, Origin
from backfile.archive.model.errors import UnreadableArticle

PLUGINS: tuple[Plugin, ...] = (WIRE,)  # rooms of formats beside the built-in ones
RECORD_FORMATS: tuple[RecordFormat, ...] = tuple(
    each for plugin in PLUGINS for each in plugin.record_formats
)


def article_of_record(record: Mapping[str, Any], origin: Origin, names: FieldMap) -> Article:
    """Make an article of a record; with an empty date field it has no date, whatever its address.

    Raises UnreadableArticle as `article_from` does.
    """
    article = article_from(record, origin, names)
    if article.date_source is not DateSource.TEXT or not leaves_empty("published", record, names):
        return article
    return replace(
        article,
        published=None,
        period=None,
        date_source=DateSource.NONE,
        date_certainty=DateCertainty.NONE,
    )


def leaves_empty(ours: str, record: Mapping[str, Any], names: FieldMap) -> bool:
    """Whether a record has a field for this article field, and it is empty.

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


LONGEST_ID = 1_000  # characters of an id that is received over HTTP
DEEPEST = 200  # levels of JSON; the paths that ijson builds grow with the square
SCHEMA_HOST = "json-schema.org"
# Fields that hold the list of articles in the responses of public news APIs.
LIST_NAMES = frozenset(
    (
        *("articles", "items", "results", "data", "docs", "documents", "entries", "stories"),
        *("news", "records", "hits", "rows", "item", "posts", "messages", "ordereditems", "edges"),
        *("nodes", "statuses", "@graph", "value"),
    )
)
BULK_LINE = re.compile(r'\{\s*"(?:index|create|update|delete)"\s*:\s*\{[^{}]*\}\s*\}')
BULK_NAMES = frozenset(
    (
        *("_index", "_id", "_type", "_routing", "routing", "require_alias", "pipeline", "version"),
        *("version_type", "if_seq_no", "if_primary_term", "retry_on_conflict", "dynamic_templates"),
    )
)
NO_ACTION: Mapping[str, Any] = MappingProxyType({})  # of a bulk request, before a line
MOST_BESIDE = 50_000  # events of a list within an article; a longer list is one of articles
OWN_TEXTS = frozenset(NORMAL_NAMES["text"]) - {"description"}  # of an article, not of a list


def read_json_lines(file: SourceFile, names: FieldMap) -> ReadResults:
    """Read one object a line, as `json_lines` does."""
    return made(json_lines(file, names))


def json_lines(file: SourceFile, names: FieldMap) -> Records:
    """Walk one object a line; other lines are refused, and reading goes on.

    A line of a bulk request (Elasticsearch, OpenSearch) that says what to do with the next one
    gives it its id.
    """
    names = with_order_shown(file, names)
    plain = partial(_from_line, names=names)
    bulk: Mapping[str, Any] = {}
    for number, line in enumerate(file.lines(), 1):
        origin = file.origin(number)
        if line is None:
            yield UnreadableArticle(str(origin), f"line over {LONGEST_TEXT >> 20} MiB")
        elif line := line.strip("\ufeff \t\r\n\x00"):
            if BULK_LINE.match(line) and (action := _bulk_action(line)):
                bulk = action
                if "delete" in bulk:
                    yield UnreadableArticle(str(origin), "a deletion, not an article")
                continue
            yield Record(line, origin, partial(plain, bulk=bulk) if bulk else plain)
        bulk = {}


def read_received(file: SourceFile) -> ReadResults:
    """Read the JSON lines that were received over HTTP; ids have a longest length there."""
    for found in read_json_lines(file, FieldMap()):
        if isinstance(found, Article) and len(found.id) > LONGEST_ID:
            yield UnreadableArticle(str(found.origin), f"its id has over {LONGEST_ID} characters")
        else:
            yield found


def read_json(file: SourceFile, names: FieldMap) -> ReadResults:
    """Read a file of JSON, as `json_records` does."""
    return made(json_records(file, names))


def json_records(file: SourceFile, names: FieldMap) -> Records:
    """Walk an array of objects, an object that contains such an array, or a single object."""
    import ijson

    make = partial(article_of, names=with_order_shown(file, names))
    number = 0
    try:
        with _opened(file) as stream:
            prefix = _array_prefix(stream)
        join = _join_of(file, prefix)
        with _opened(file) as stream:
            for number, record in enumerate(ijson.items(_events(stream), prefix), 1):
                yield Record(join(record), file.origin(number), make)
    except (ijson.JSONError, UnicodeDecodeError) as exc:
        origin = file.origin(number + 1)
        yield UnreadableArticle(str(origin), f"not valid JSON from here on ({first_line(exc)})")


def _join_of(file: SourceFile, prefix: str) -> Join:
    """What a record gets from the tables beside it."""
    if not is_related(prefix):
        return lambda record: record
    with _opened(file) as stream:
        return join_of(_events(stream), prefix)


def article_of(record: Any, origin: Origin, names: FieldMap) -> ReadResult:
    """Read a JSON record by its declared or recognised format, unless its fields are mapped."""
    if not names.chosen and isinstance(record, dict):
        if SCHEMA_HOST in str(record.get("$schema")):
            reason = "a JSON Schema, not an article"
            return UnreadableArticle(str(origin), reason, record=record)
        record = unwrapped(record)
        for candidate in RECORD_FORMATS:
            if candidate.recognises(record):
                return candidate.read(record, origin)
        if shape := shape_of(record):
            return _of_shape(shape, record, origin, names)
    return _from_fields(record, origin, names)


def _of_shape(
    shape: Shape, record: Mapping[str, Any], origin: Origin, names: FieldMap
) -> ReadResult:
    if reason := shape.refused(record):
        return UnreadableArticle(str(origin), reason, record=record)
    record = {**record, **shape.made(record)}
    return _from_fields(record, origin, shape.names_for(record, names))


def read_record(record: Any, origin: Origin, names: FieldMap) -> ReadResult:
    """Make an article of a table's row, or a refusal."""
    own = isinstance(record, dict) and not names.chosen
    return _from_fields(as_exported(record) if own else record, origin, names)


def _from_fields(record: Any, origin: Origin, names: FieldMap) -> ReadResult:
    if not isinstance(record, dict):
        reason = "not a JSON object with named fields"
        return UnreadableArticle(str(origin), reason, record=record)
    try:
        return article_of_record(record, origin, names)
    except UnreadableArticle as refused:
        return UnreadableArticle(refused.origin, refused.reason, record=record)


def _bulk_action(line: str) -> Mapping[str, Any]:
    """The action of a line of a bulk request, with its data; empty for a line of another kind.

    https://www.elastic.co/docs/api/doc/elasticsearch/operation/operation-bulk
    """
    try:
        action = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    ((_, about), *others) = action.items()
    is_action = isinstance(about, dict) and not others and about.keys() <= BULK_NAMES
    return action if is_action else {}


def with_order_shown(file: SourceFile, names: FieldMap) -> FieldMap:
    """Add the order of day and month that the dates at a file's beginning show."""
    # Digits are the same bytes in all encodings, except for the zeros in wide ones.
    shown = order_shown(file.head().replace(b"\x00", b"").decode("latin-1"))
    return replace(names, dates=replace(names.dates, shown=shown)) if shown else names


def _opened(file: SourceFile) -> BinaryIO:
    """Open after a byte order mark, which ijson does not accept."""
    stream = file.open()
    if stream.read(len(BOM_UTF8)) != BOM_UTF8:
        stream.seek(0)
    return stream


def _from_line(
    line: str, origin: Origin, names: FieldMap, bulk: Mapping[str, Any] = NO_ACTION
) -> ReadResult:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError) as exc:
        reason = f"not valid JSON ({first_line(exc)})"
        return UnreadableArticle(str(origin), reason, record=line)
    if bulk and isinstance(record, dict):
        (about,) = bulk.values()
        record = record["doc"] if isinstance(record.get("doc"), dict) else record
        record = {"_id": about["_id"], **record} if about.get("_id") else record
    return article_of(record, origin, names)


def _events(stream: BinaryIO) -> Iterator[tuple[str, str, Any]]:
    import ijson

    metered = _Metered(stream)
    events = _shallow(ijson.basic_parse(metered, use_float=True), metered)
    return cast(Iterator[tuple[str, str, Any]], ijson.parse(events))


class _Metered:
    """A stream that raises JSONError within a value of more than LONGEST_TEXT bytes."""

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
    """Pass events on; raise JSONError at more than DEEPEST levels."""
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
    """Find the ijson prefix of the articles: `item`, `results.item`, or empty for one object."""
    events = _events(stream)
    first = next(events, None)
    if first and first[1] == "start_array":
        return "item"
    found, count = "", 0
    for prefix, event, _ in chain([first] if first else [], events):
        if event == "string" and normal_name(prefix) in OWN_TEXTS:
            return ""  # an article, that may hold lists of others
        is_named = event == "start_array" and prefix.rpartition(".")[2].casefold() in LIST_NAMES
        if is_named and not found:
            _, inside, _ = next(events)
            found = f"{prefix}.item" if inside == "start_map" else ""
        count += bool(found)
        if count > MOST_BESIDE:
            break
    return found
