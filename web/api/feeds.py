"""Writes a search as an Atom or JSON feed, with the last added articles first.

An entry was `updated` when its article was added to the archive, or changed there; it is
`published` on the article's day.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, time
from typing import Any, NamedTuple
from uuid import UUID, uuid5
from xml.etree import ElementTree

from backfile.archive.model.article import Article
from backfile.index.model.results import Hit, Results
from backfile.web.links import article_path, outlet_url, search_url

ATOM = "http://www.w3.org/2005/Atom"
ENTRIES = 50
LONG_AGO = datetime.fromtimestamp(0, UTC).isoformat()
NOON = time(12, tzinfo=UTC)  # the same day nearly everywhere on Earth


class Place(NamedTuple):
    """Where a feed is: the addresses of the archive and of the feed, and the archive's number.

    `added` is when each article was added or changed, by id: ISO 8601, empty if unknown.
    """

    root: str
    own: str
    archive: int
    added: Mapping[str, str]

    def urn(self, kind: str, name: str) -> str:
        """An id that is the same wherever the archive is served: RFC 9562, version 5.

        >>> Place("http://localhost/", "", 7, {}).urn("article", "ferry")
        'urn:uuid:d2aeb16e-e1ac-5a47-b666-c9631228378f'
        """
        return uuid5(UUID(int=self.archive), f"{kind} {name}").urn

    def page(self, article: Article) -> str:
        """The address of an article's page."""
        return self.root.rstrip("/") + article_path(article)

    def search(self, results: Results) -> str:
        """The address of the search that is the feed."""
        return self.root.rstrip("/") + search_url(results.query)

    def updated(self, article: Article) -> str:
        """When an article was added or changed; if unknown, its day, as Atom needs an instant."""
        return self.added.get(article.id) or _published(article) or LONG_AGO


def atom(results: Results, place: Place) -> bytes:
    """Write hits as Atom (RFC 4287)."""
    feed = ElementTree.Element(f"{{{ATOM}}}feed")
    _add(feed, "title", title_of(results))
    _add(feed, "id", place.urn("search", results.query.first_page().to_url()))
    _link(feed, "self", place.own)
    _link(feed, "alternate", place.search(results))
    _add(feed, "updated", _latest(results.hits, place))
    _add(feed, "generator", "Backfile")
    for hit in results.hits:
        feed.append(_entry(hit, place))
    ElementTree.register_namespace("", ATOM)
    written: bytes = ElementTree.tostring(feed, encoding="utf-8", xml_declaration=True)
    return written


def json_feed(results: Results, place: Place) -> dict[str, Any]:
    """Write hits as JSON Feed 1.1: https://www.jsonfeed.org/version/1.1/."""
    return {
        "version": "https://jsonfeed.org/version/1.1",
        "title": title_of(results),
        "home_page_url": place.search(results),
        "feed_url": place.own,
        "items": [_item(hit, place) for hit in results.hits],
    }


def title_of(results: Results) -> str:
    """The title of the feed."""
    query = results.query
    named = ", ".join(filter(None, (query.filters.collection, query.text)))
    return f"Backfile: {named or 'newly added'}"


def _entry(hit: Hit, place: Place) -> ElementTree.Element:
    article = hit.article
    entry = ElementTree.Element(f"{{{ATOM}}}entry")
    _add(entry, "title", article.title)
    _add(entry, "id", place.urn("article", article.id))
    _link(entry, "alternate", place.page(article))
    if url := outlet_url(article.url):
        _link(entry, "via", url)
    _add(entry, "updated", place.updated(article))
    if published := _published(article):
        _add(entry, "published", published)
    for name in article.authors or ((article.source,) if article.source else ("unknown",)):
        _add(_add(entry, "author", ""), "name", name)
    if article.section:
        ElementTree.SubElement(entry, f"{{{ATOM}}}category", term=article.section)
    _add(entry, "summary", _summary(hit))
    return entry


def _item(hit: Hit, place: Place) -> dict[str, Any]:
    article = hit.article
    item = {
        "id": place.urn("article", article.id),
        "url": place.page(article),
        "external_url": outlet_url(article.url),
        "title": article.title,
        "summary": _summary(hit),
        "content_text": _summary(hit),
        "date_published": _published(article),
        "date_modified": place.updated(article),
        "authors": [{"name": name} for name in article.authors],
        "tags": [article.section] if article.section else None,
        "language": article.language,
    }
    return {name: value for name, value in item.items() if value}


def _summary(hit: Hit) -> str:
    return hit.passages[0].passage.text


def _published(article: Article) -> str:
    """The instant of publication (RFC 3339); noon for a day alone, empty without a day."""
    if article.published is None:
        return ""
    return (article.published_at or datetime.combine(article.published, NOON)).isoformat()


def _latest(hits: Sequence[Hit], place: Place) -> str:
    instants = [place.updated(hit.article) for hit in hits]
    return max(instants, key=datetime.fromisoformat, default=LONG_AGO)


def _add(parent: ElementTree.Element, name: str, text: str) -> ElementTree.Element:
    element = ElementTree.SubElement(parent, f"{{{ATOM}}}{name}")
    element.text = _xml(text)
    return element


def _link(parent: ElementTree.Element, rel: str, href: str) -> None:
    ElementTree.SubElement(parent, f"{{{ATOM}}}link", rel=rel, href=href)


def _xml(text: str) -> str:
    """Remove characters that XML 1.0 forbids: https://www.w3.org/TR/xml/#charsets."""
    return "".join(c for c in text if c >= " " or c in "\n\t").translate(
        {0xFFFE: None, 0xFFFF: None}
    )
