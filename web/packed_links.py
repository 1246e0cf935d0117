"""Short links for pages of long searches: the search once, packed, and in each link what changes.

A page of a long search has `<base href="/search/PACKED/">`. Its links are relative: `?sort=newest`
sets a parameter, `?source=CNN` adds a value, `?-source=CNN` takes one away, `?-source=` takes
all away, `article/ID` leads to a hit, `export.csv` to a file. These addresses keep nothing on the
server, and lead on to the address that has all parameters.
"""

import base64
import binascii
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from urllib.parse import parse_qsl, urlencode

from backfile.archive.model.errors import BadQuery
from backfile.archive.model.message import Message
from backfile.index.model.filters import FACET_FILTERS
from backfile.index.model.query import COMPARE, Query

LONG = 300  # characters of parameters; a page of many links sets less
PATH = "/search/"
_longest = ContextVar("longest", default=LONG)
TAKEN_AWAY = "-"  # before the name of a parameter
REPEATED = (*FACET_FILTERS, COMPARE)
WRITTEN_ALWAYS = ("since", "until")  # a script reads them in the links of the timeline
LARGEST = 1 << 17  # bytes of unpacked parameters

Pairs = Sequence[tuple[str, str]]


def packed_path(query: Query) -> str:
    """The path under which a search is packed that is too long for links; empty for others."""
    return _packed_path(query, _longest.get())


@contextmanager
def longest_link(characters: int) -> Iterator[None]:
    """Pack searches whose parameters have more characters, while the block runs."""
    before = _longest.set(characters)
    try:
        yield
    finally:
        _longest.reset(before)


@lru_cache(maxsize=16)
def _packed_path(query: Query, longest: int) -> str:
    parameters = query.first_page().to_url()
    if len(parameters) <= longest:
        return ""
    packed = base64.urlsafe_b64encode(zlib.compress(parameters.encode(), 9)).decode()
    return f"{PATH}{packed.rstrip('=')}/"


def unpacked(packed: str) -> Pairs:
    """The parameters of a packed search; raise BadQuery if it was damaged on its way."""
    try:
        content = base64.urlsafe_b64decode(packed + "=" * (-len(packed) % 4))
        unpacking = zlib.decompressobj()
        parameters = unpacking.decompress(content, LARGEST)
        if not unpacking.eof:
            raise zlib.error
        return parse_qsl(parameters.decode(), strict_parsing=True)
    except (binascii.Error, zlib.error, ValueError) as exc:
        raise BadQuery("search", Message("this address was cut short or changed")) from exc


def changes_of(before: Pairs, after: Pairs) -> str:
    """Write what turns some parameters into others, as parameters of a link."""
    known = {pair for pair in before if pair[0] not in WRITTEN_ALWAYS}
    wanted = set(after)
    set_again = {name for name, _ in after}
    away = [
        (TAKEN_AWAY + name, value if name in REPEATED else "")
        for name, value in before
        if (name, value) not in wanted and (name in REPEATED or name not in set_again)
    ]
    return urlencode([*away, *(pair for pair in after if pair not in known)])


def changed(before: Pairs, changes: Iterable[tuple[str, str]]) -> Pairs:
    """Apply the parameters of a link to those of the search."""
    pairs = list(before)
    for name, value in changes:
        if name.startswith(TAKEN_AWAY):
            name = name.removeprefix(TAKEN_AWAY)
            one = name in REPEATED and value  # an empty value: all of the facet
            pairs = [each for each in pairs if each[0] != name or (one and each[1] != value)]
            continue
        if name not in REPEATED:
            pairs = [each for each in pairs if each[0] != name]
        pairs.append((name, value))
    return pairs
