"""Answers a list of queries, one after the other."""

import csv
import gzip
import io
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import BinaryIO, NamedTuple, TextIO

from backfile.archive.formats.files import SAMPLE, encoding_of
from backfile.archive.model.errors import BadQuery, EngineUnavailable
from backfile.archive.model.message import Message
from backfile.index.model.filters import FACET_FILTERS
from backfile.index.model.query import Query
from backfile.index.model.results import Results
from backfile.index.search.question import ArchiveSearcher
from backfile.index.search.result_cache import ScoredArticle

Parameters = Mapping[str, Sequence[str]]
TEXTS = ("q", "query")
COLUMNS = {
    *TEXTS,
    "id",
    "mode",
    "since",
    "until",
    "date",
    "day",
    *FACET_FILTERS,
    "collection",
    "added_since",
    "match",
    "sort",
    "copies",
    "limit",
}
QUOTATION_MARKS = re.compile(r'["“”„«»]')
DELIMITERS = ",;\t"
GZIP = b"\x1f\x8b"
LARGEST = 32 << 20  # bytes of a list of queries


class ListedQuery(NamedTuple):
    """One query of a list: `name` is its id, or its number from 1; `error` if it is unreadable."""

    name: str
    text: str
    parameters: Parameters = MappingProxyType({})
    error: str = ""


class Answer(NamedTuple):
    """The answer to one query of a list, or the error that prevented it."""

    asked: ListedQuery
    results: Results | None
    hits: tuple[ScoredArticle, ...] = ()
    error: str = ""


def text_of(stream: BinaryIO) -> TextIO:
    """Wrap a seekable stream as text, with its detected encoding; gzip is unpacked.

    Raises BadQuery if it is damaged, or unpacked larger than LARGEST.
    """
    if stream.read(len(GZIP)) == GZIP:
        stream.seek(0)
        stream = io.BytesIO(_unpacked(stream))
    stream.seek(0)
    encoding = encoding_of(stream.read(SAMPLE))
    stream.seek(0)
    return io.TextIOWrapper(stream, encoding, errors="replace", newline="")


def _unpacked(stream: BinaryIO) -> bytes:
    try:
        content = gzip.GzipFile(fileobj=stream).read(LARGEST + 1)
    except (OSError, EOFError, zlib.error) as exc:
        raise BadQuery("queries", Message("the gzip file is damaged or cut short")) from exc
    if len(content) > LARGEST:
        most = LARGEST >> 20
        reason = Message("unpacked, the file has more than %(most)s MB", most=most)
        raise BadQuery("queries", reason)
    return content


def read_queries(lines: Iterable[str]) -> Iterator[ListedQuery]:
    """Read a table with a header, or else one query a line; empty lines are skipped.

    A first line is a header if it contains `q` or `query`, or if all columns after the first are
    search parameters: the first column then has the queries.

    >>> [asked.text for asked in read_queries(["fire, flood"])]
    ['fire, flood']
    >>> [(asked.name, asked.parameters) for asked in read_queries(["q;id;since", "fire;a;2024"])]
    [('a', {'since': ['2024']})]
    """
    remaining = iter(lines)
    first = next(remaining, "")
    for delimiter in DELIMITERS:
        is_header = first.strip() and len(first) <= csv.field_size_limit()
        (header,) = csv.reader([first], delimiter=delimiter) if is_header else ([],)
        names = [name.strip().lower() for name in header]
        if set(names) & set(TEXTS) or (names[1:] and set(names[1:]) <= COLUMNS):
            yield from _of_table(names, csv.reader(remaining, delimiter=delimiter))
            return
    for number, line in enumerate([first, *remaining] if first else (), 1):
        if line.strip():
            yield ListedQuery(str(number), line.strip())


def as_phrase(asked: ListedQuery) -> ListedQuery:
    """The same query as one exact phrase, such as a name: nothing similar is shown instead.

    >>> as_phrase(ListedQuery("1", "Ana “Annie” Ruiz")).text
    '"Ana Annie Ruiz"'
    """
    words = " ".join(QUOTATION_MARKS.sub(" ", asked.text).split())
    parameters = {**asked.parameters, "strict": ["1"]}
    return asked._replace(text=f'"{words}"' if words else "", parameters=parameters)


def answers(
    searcher: ArchiveSearcher,
    asked: Iterable[ListedQuery],
    usual: Parameters,
    *,
    most: int | None = None,
) -> Iterator[Answer]:
    """Answer queries in their order, each with its first hits: as its limit says, or `most`.

    `usual` are the default parameters. A BadQuery or EngineUnavailable becomes the `error` of its
    answer; the next queries follow.
    """
    for each in asked:
        try:
            yield _answer(searcher, each, usual, most)
        except (BadQuery, EngineUnavailable) as exc:
            yield Answer(each, None, error=str(exc))


def _answer(
    searcher: ArchiveSearcher, asked: ListedQuery, usual: Parameters, most: int | None
) -> Answer:
    if asked.error:
        return Answer(asked, None, error=asked.error)
    query = Query.from_parameters({**usual, **asked.parameters, "q": [asked.text]})
    if not query.text and not query.filters:
        raise BadQuery("q", Message("nothing is asked"))
    found = searcher.all_hits(query, corrects=True, most=query.limit if most is None else most)
    return Answer(asked, found.answer, tuple(found.articles))


def _of_table(names: Sequence[str], rows: Iterator[list[str]]) -> Iterator[ListedQuery]:
    text_at = next((at for at, name in enumerate(names) if name in TEXTS), 0)
    number = 0
    while True:
        try:
            row = next(rows)
        except StopIteration:
            return
        except csv.Error as exc:  # the reader goes on with the next line
            number += 1
            yield ListedQuery(str(number), "", error=f"it cannot be read: {exc}")
            continue
        if any(cell.strip() for cell in row):
            number += 1
            yield _asked(number, names, row, text_at)


def _asked(number: int, names: Sequence[str], row: Sequence[str], text_at: int) -> ListedQuery:
    cells = dict.fromkeys(names, "") | dict(zip(names, row, strict=False))
    parameters: dict[str, list[str]] = {}
    for at, (name, cell) in enumerate(zip(names, row, strict=False)):
        if cell.strip() and at != text_at and name not in (*TEXTS, "id"):
            parameters.setdefault(name, []).append(cell)
    text = row[text_at] if text_at < len(row) else ""
    return ListedQuery(cells.get("id", "").strip() or str(number), text, parameters)
