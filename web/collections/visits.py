"""What is new: added since the reader's last visit, and in the last seven days.

The last visit is known by a cookie of times alone, which tells no reader from another. A visit ends
when nothing is asked for half an hour.
"""

import re
import time
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import NamedTuple, Self

from flask import Flask, Response, g, request

from backfile.archive.model.errors import ArchiveError
from backfile.index.model.filters import Filters, Moment, instant_of
from backfile.index.model.query import Query, Sort
from backfile.index.search.front_page import AskedAdded
from backfile.index.search.question import ArchiveSearcher

COOKIE = "visit"
REMEMBERED = 365 * 24 * 3600  # seconds
OVER = 30 * 60  # seconds without a request
NOTED = 60  # seconds after which a visit is noted again
DAYS = 7
WRITTEN = re.compile(r"(\d{1,15})\.(\d{1,11})\.(\d{1,15})\.(\d{1,11})", re.ASCII)
LATEST = 1 << 42  # milliseconds, in the year 2109


class Visit(NamedTuple):
    """This visit and the one before; 0 for an instant that is not known.

    `seen` is up to where the archive was filled (milliseconds) when the last visit ended, which
    was at `ended` (seconds); `filled` and `at` are the same of the latest request of this one.
    """

    seen: int = 0
    ended: int = 0
    filled: int = 0
    at: int = 0

    @classmethod
    def read(cls, cookie: str, now: int) -> Self:
        """Read the cookie; nothing is known from one that cannot be true."""
        found = WRITTEN.fullmatch(cookie)
        visit = cls(*map(int, found.groups())) if found else cls()
        possible = max(visit.seen, visit.filled) < LATEST and max(visit.ended, visit.at) <= now
        return visit if possible else cls()

    def going_on(self, filled: int, now: int) -> Self:
        """The visit with a request now; the one before ends if there was none for long."""
        if self.at and now - self.at > OVER:
            return type(self)(self.filled, self.at, filled, now)
        return self._replace(filled=filled, at=now)

    def __str__(self) -> str:
        return ".".join(map(str, self))


class Added(NamedTuple):
    """Articles that were added since a time, and the search that shows them."""

    articles: int
    query: Query


class News(NamedTuple):
    """What was added since the last visit, None if none is known, and in the last days."""

    last_visit: datetime | None
    since_visit: Added | None
    lately: Added


def added_since(searcher: ArchiveSearcher, *since: Moment) -> list[Added]:
    """Count the articles that were added since each of these days and instants."""
    queries = [Query(filters=Filters(added_since=each), sort=Sort.ADDED) for each in since]
    return list(map(Added, searcher.ask(AskedAdded(since)), queries))


def news_for(visit: Visit, searcher: ArchiveSearcher, today: date) -> News:
    """What is new for a reader."""
    days = today - timedelta(days=DAYS - 1)
    if not visit.ended:
        return News(None, None, *added_since(searcher, days))
    ended = instant_of(1000 * visit.ended).astimezone()
    return News(ended, *added_since(searcher, instant_of(visit.seen + 1), days))


def register(app: Flask, searcher: ArchiveSearcher, now: Callable[[], float] = time.time) -> None:
    """Add `news()` to templates, and note visits in the cookie of pages."""

    def visit() -> Visit:
        if "visit" not in g:
            before = Visit.read(request.cookies.get(COOKIE, ""), int(now()))
            g.visit = before.going_on(searcher.overview().last_added, int(now()))
        found: Visit = g.visit
        return found

    def news() -> News | None:
        today = datetime.fromtimestamp(now()).astimezone().date()
        return news_for(visit(), searcher, today)

    @app.after_request
    def note(response: Response) -> Response:
        if response.mimetype != "text/html" or response.status_code != 200:
            return response
        try:
            known, present = Visit.read(request.cookies.get(COOKIE, ""), int(now())), visit()
        except ArchiveError:  # the page was made without the archive
            return response
        if known[:2] != present[:2] or present.at - known.at > NOTED:
            response.set_cookie(COOKIE, str(present), REMEMBERED, httponly=True, samesite="Lax")
        return response

    app.jinja_env.globals["news"] = news
