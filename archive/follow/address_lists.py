"""Reads lists of addresses: OPML with feeds, sitemaps and news sitemaps with pages."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from urllib.parse import urljoin

from backfile.archive.formats.dates.parsing import parse_date
from backfile.archive.formats.files import SourceFile
from backfile.archive.formats.web.markup import root_of
from backfile.archive.formats.wire.xml import items_in, line_at

OPML, SITEMAP, SITEMAP_INDEX = "opml", "urlset", "sitemapindex"
MOST_FEEDS = 1_000  # of one OPML file
MOST_SITEMAPS = 5  # of an index, the latest
NEVER = datetime(1, 1, 2, tzinfo=UTC)
LATEST = datetime.max.replace(tzinfo=UTC)


class Page(NamedTuple):
    """A page that a sitemap lists: its address, its instant, and fields of an article about it."""

    url: str
    at: datetime
    about: dict[str, str]


def kind_of(file: SourceFile) -> str:
    """The root element of a list of addresses; empty for everything else."""
    root = root_of(file.head().decode("utf-8", "replace"))
    return root if root in (OPML, SITEMAP, SITEMAP_INDEX) else ""


def feeds_in(file: SourceFile) -> list[str]:
    """The addresses of the feeds in a file of OPML, in its order, each once.

    Raises UnreadableArticle where the file is not well-formed.
    """
    found = (
        value.strip()
        for each in items_in(file, frozenset(("outline",)))
        for name, value in each.items()
        if name.casefold() == "xmlurl"
    )
    return list(dict.fromkeys(filter(None, found)))[:MOST_FEEDS]


def sitemaps_in(file: SourceFile, address: str, since: datetime) -> list[str]:
    """The latest sitemaps of an index that may have changed since an instant."""
    dated = []
    for each in items_in(file, frozenset(("sitemap",))):
        url, written = line_at(each, "loc"), line_at(each, "lastmod")
        at = instant_of(written) if written else LATEST
        # A day without a time is over a day later.
        if url and at > since - timedelta(days=1):
            dated.append((at, "news" in url, urljoin(address, url)))
    return [url for *_, url in sorted(dated, reverse=True)[:MOST_SITEMAPS]]


def pages_in(file: SourceFile, address: str) -> Iterator[Page]:
    """The pages of a sitemap, at the date of publication, else of their last change, or NEVER."""
    for each in items_in(file, frozenset(("url",))):
        url = line_at(each, "loc")
        published = line_at(each, "news/publication_date")
        at = instant_of(published or line_at(each, "lastmod"))
        if url:
            about = {
                "title": line_at(each, "news/title"),
                "published": published,
                "source": line_at(each, "news/publication/name"),
                "language": line_at(each, "news/publication/language"),
            }
            yield Page(urljoin(address, url), at, {k: v for k, v in about.items() if v})


def instant_of(written: str) -> datetime:
    """The instant of a written date, the beginning of a day if it has no time; or NEVER."""
    found = parse_date(written) if written else None
    if found is None or found.day is None:
        return NEVER
    return found.instant or datetime(found.day.year, found.day.month, found.day.day, tzinfo=UTC)
