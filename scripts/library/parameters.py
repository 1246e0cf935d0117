"""Reads the keywords of a search in Python by the very rules of the URL's parameters."""

from collections.abc import Iterable, Iterator
from datetime import date, datetime
from typing import TypedDict

from backfile.archive.model.errors import BadQuery
from backfile.index.model.query import Query

Day = str | int | date
Names = str | Iterable[str]


class SearchParameters(TypedDict, total=False):
    """What a search may be told beside its text; each is optional, and None is as if left out."""

    mode: str | None
    """`hybrid` (the default), `keyword` or `semantic`."""
    since: Day | None
    """The first day: `2024-03-23`, `2024-03`, `2024`, or a date."""
    until: Day | None
    """The last day, inclusive."""
    date: str | None
    """`any`, or `none` for articles without a day."""
    day: str | None
    """A day of any year: `03-23`."""
    source: Names | None
    section: Names | None
    language: Names | None
    author: Names | None
    person: Names | None
    organisation: Names | None
    place: Names | None
    not_source: Names | None
    not_section: Names | None
    not_language: Names | None
    not_author: Names | None
    not_person: Names | None
    not_organisation: Names | None
    not_place: Names | None
    collection: str | None
    """A collection of starred articles, by name."""
    added_since: Day | None
    """Added to the archive from this day on, or from this instant on, a datetime."""
    match: str | None
    """`all`, `most`, `some` or `related`: the last group of hits that is wanted."""
    sort: str | None
    """`relevance`, `newest`, `oldest` or `added`."""
    copies: str | None
    """`fold`: copies of one story are one hit; `show`: one each."""
    timeline: str | None
    """`count` or `share`; only how a page draws it."""
    mark: str | None
    """`words`, or `sentence` to mark the sentence that is nearest in meaning too."""
    strict: bool | None
    """Whether phrases, operators and fields bind even if nothing is found so."""
    limit: int | None
    """The hits of a page, 1 to 200."""
    cursor: str | None
    """The `next` of an earlier answer."""


KNOWN = tuple(SearchParameters.__annotations__)


def query_of(text: str | None, parameters: SearchParameters) -> Query:
    """Read a text and its parameters; raise BadQuery with the name of the one that is wrong.

    >>> query_of("swing bridge", {"since": date(2023, 1, 1), "source": ["Courier"]}).to_url()
    'q=swing+bridge&since=2023-01-01&source=Courier'
    """
    for name in parameters:
        if name not in KNOWN:
            raise BadQuery(name, f"there is no such parameter; there are: {', '.join(KNOWN)}")
    given = {name: list(_written(value)) for name, value in parameters.items()}
    if isinstance(since := parameters.get("added_since"), datetime):
        given["added_since"] = [since.isoformat()]
    if isinstance(strict := parameters.get("strict"), bool):
        given["strict"] = [str(int(strict))]
    return Query.from_parameters({"q": list(_written(text)), **given})


def _written(value: object) -> Iterator[str]:
    """Write a value, or each of several, as a URL has it.

    >>> list(_written(datetime(2023, 1, 1, 12))), list(_written(["a", None, 2023]))
    (['2023-01-01'], ['a', '2023'])
    """
    match value:
        case None:
            return
        case str():
            yield value
        case datetime():
            yield value.date().isoformat()
        case date():
            yield value.isoformat()
        case Iterable():
            for each in value:
                yield from _written(each)
        case _:
            yield str(value)
