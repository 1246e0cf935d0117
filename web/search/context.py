"""The matched words of a search in context: a page of them, and all of them as a file."""

import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from flask import Blueprint, Response, request

from backfile.index.model.query import Cursor, Query
from backfile.index.search.concordance import Concordance, Concordances, Occurrence
from backfile.web.api.exports import EXPORTS, cell, drain, with_byte_order_mark
from backfile.web.api.filenames import attachment, name_of

LINES = 50  # of a page, unless more hits are asked for
COLUMNS = ("left", "match", "right", "published", "source", "title", "article", "url")


@dataclass(frozen=True, slots=True)
class ContextPage:
    """A page of occurrences: the number of its first one, from 1, and the cursor of the next."""

    concordance: Concordance
    occurrences: tuple[Occurrence, ...]
    first: int
    next: Cursor | None

    @classmethod
    def of(cls, concordance: Concordance, query: Query) -> "ContextPage":
        """The page that the cursor and the limit of a query select."""
        begin = query.cursor.offset if query.cursor else 0
        end = begin + max(LINES, query.limit)
        more = end < len(concordance.occurrences)
        following = Cursor(concordance.generation, end) if more else None
        return cls(concordance, concordance.occurrences[begin:end], begin + 1, following)


def blueprint(concordances: Concordances) -> Blueprint:
    """The route of the file."""
    routes = Blueprint("context", __name__)

    @routes.get("/context.csv")
    def as_file() -> Response:
        query = Query.from_parameters(request.args.to_dict(flat=False)).first_page()
        written = with_byte_order_mark(_as_csv(concordances.every(query)))
        response = Response(written, content_type=EXPORTS["csv"].media_type)
        name = f"{name_of(query)} words in context"
        response.headers["Content-Disposition"] = attachment(name, "csv")
        return response

    return routes


def _as_csv(occurrences: Iterable[Occurrence]) -> Iterator[str]:
    """Write a header line, and a row for each occurrence."""
    written = io.StringIO()
    rows = csv.writer(written)
    rows.writerow(COLUMNS)
    for each in occurrences:
        article = each.article
        values = (
            *(each.left, each.match, each.right, article.date_span or "", article.source),
            *(article.title, article.id, article.url),
        )
        rows.writerow([cell(value) for value in values])
        yield drain(written)
    yield drain(written)
