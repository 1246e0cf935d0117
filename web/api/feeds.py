"""Writes a search as an Atom or JSON feed, with the last added articles first."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time
from typing import Any
from xml.etree import ElementTree

from backfile.archive.model.article import Article
from backfile.index.model.results import Hit, Results
from backfile.web.links import article_path, outlet_url, search_url

ATOM = "http://www.w3.org/2005/Atom"
ENTRIES = 50
NOON = time(12, tzinfo=UTC)  # the same day nearly everywhere on Earth


def atom(results: Results, root: str, own: str) -> bytes:
    """Write hits as Atom (RFC 4287); `root` is the address of the archive, `own` of the feed."""
    feed = ElementTree.Element(f"{{{ATOM}}}feed")
    _add(feed, "title", title_of(results))
    _add(feed, "id", own)
    _link(feed, "self", own)
    _link(feed, "alternate", root.rstrip("/") + search_url(results.query))
    _add(feed, "updated", _latest(results.hits))
    _add(feed, "generator", "Backfile")
    for hit in results.hits:
        feed.append(_entry(hit, root))
    ElementTree.register_namespace("", ATOM)
    written: bytes = ElementTree.tostring(feed, encoding="utf-8", xml_declaration=True)
    return written


def json_feed(results: Results, root: str, own: str) -> dict[str, Any]:
    """Write hits as JSON Feed 1.1: https://www.jsonfeed.org/version/1.1/."""
    return {
        "version": "https://jsonfeed.org/version/1.1",
        "title": title_of(results),
        "home_page_url": root.rstrip("/") + search_url(results.query),
        "feed_url": own,
        "items": [_item(hit, root) for hit in results.hits],
    }


def title_of(results: Results) -> str:
    """The title of the feed."""
    query = results.query
    named = ", ".join(filter(None, (query.filters.collection, query.text)))
    return f"Backfile: {named or 'newly added'}"


def _entry(hit: Hit, root: str) -> ElementTree.Element:
    article = hit.article
    entry = ElementTree.Element(f"{{{ATOM}}}entry")
    _add(entry, "title", article.title)
    _add(entry, "id", _page(article, root))
    _link(entry, "alternate", _page(article, root))
    if url := outlet_url(article.url):
        _link(entry, "via", url)
    _add(entry, "updated", _instant(article))
    if article.published:
        _add(entry, "published", _instant(article))
    for name in article.authors or ((article.source,) if article.source else ("unknown",)):
        _add(_add(entry, "author", ""), "name", name)
    if article.section:
        ElementTree.SubElement(entry, f"{{{ATOM}}}category", term=article.section)
    _add(entry, "summary", _summary(hit))
    return entry


def _item(hit: Hit, root: str) -> dict[str, Any]:
    article = hit.article
    item = {
        "id": _page(article, root),
        "url": _page(article, root),
        "external_url": outlet_url(article.url),
        "title": article.title,
        "summary": _summary(hit),
        "content_text": _summary(hit),
        "date_published": _instant(article) if article.published else None,
        "authors": [{"name": name} for name in article.authors],
        "tags": [article.section] if article.section else None,
        "language": article.language,
    }
    return {name: value for name, value in item.items() if value}


def _page(article: Article, root: str) -> str:
    return root.rstrip("/") + article_path(article)


def _summary(hit: Hit) -> str:
    return hit.passages[0].passage.text


def _instant(article: Article) -> str:
    """The instant of publication; noon for a day alone, the year 1 for an undated article.

    Atom has no months and years: their beginning stands for them in `updated`, which it demands.
    """
    if article.published_at:
        return article.published_at.isoformat()
    first = article.date_span.first if article.date_span else date.min
    return datetime.combine(first, NOON).isoformat()


def _latest(hits: Sequence[Hit]) -> str:
    instants = [datetime.fromisoformat(_instant(hit.article)) for hit in hits]
    return max(instants, default=datetime.fromtimestamp(0, UTC)).isoformat()


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
