"""Reads feeds: RSS 0.9 to 2.0, RDF, Atom and JSON Feed, an article for each entry."""

import hashlib
import io
import json
import re
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any
from urllib.parse import urljoin

from backfile.archive.formats.dates.parsing import parse_date
from backfile.archive.formats.fields import FieldMap, article_from
from backfile.archive.formats.files import LONGEST_TEXT, SourceFile
from backfile.archive.formats.text.encodings import encoding_of
from backfile.archive.formats.web.markup import text_of
from backfile.archive.model.article import Article
from backfile.archive.model.errors import UnreadableArticle

FEED_ROOTS = frozenset(("rss", "rdf", "feed", "channel"))
JSON_FEED = re.compile(r'"version"\s*:\s*"https?:\\?/\\?/(?:www\.)?jsonfeed\.org')
OPENING_TAG = re.compile(rb"<[A-Za-z]")
MOST_UNCLOSED = 10_000  # `<br>` and the like in entries too
ABSOLUTE = re.compile(r"https?://", re.I)

Read = Iterator[Article | UnreadableArticle]


def read_feed(file: SourceFile, names: FieldMap) -> Read:
    """Read the entries of an RSS or Atom feed; a broken one as far as its entries can be told."""
    import feedparser

    content = _content(file)
    opened = len(OPENING_TAG.findall(content)) - content.count(b"</") - content.count(b"/>")
    if opened > MOST_UNCLOSED:  # feedparser looks through all of them at each one that follows
        raise UnreadableArticle(file.place, f"more than {MOST_UNCLOSED:,} tags are never closed")
    # A stream, as what is given otherwise may be taken for the name of a file or an address.
    found = feedparser.parse(io.BytesIO(content))
    feed = found.get("feed", {})
    about = {
        "source": _plain(feed.get("title_detail")) or _plain(feed.get("title", "")),
        "language": feed.get("language", ""),
    }
    for number, entry in enumerate(found.entries, 1):
        record = {**about, **_record(entry)}
        yield _article(record, file, number, names)
    if not found.entries:
        broken = found.get("bozo_exception") if found.get("bozo") else None
        reason = f"not a feed that can be read ({str(broken)[:120]})" if broken else "no entries"
        raise UnreadableArticle(file.place, reason)


def read_json_feed(file: SourceFile, names: FieldMap) -> Read:
    """Read the items of a JSON Feed: https://www.jsonfeed.org/version/1.1/."""
    content = _content(file)
    try:
        feed = json.loads(content.decode(encoding_of(content)))
    except (ValueError, RecursionError) as exc:
        raise UnreadableArticle(file.place, f"not valid JSON ({str(exc)[:120]})") from exc
    items = feed.get("items") if isinstance(feed, dict) else None
    if not isinstance(items, list) or not items:
        raise UnreadableArticle(file.place, "a JSON Feed without items")
    for number, item in enumerate(items, 1):
        if isinstance(item, dict):
            yield _article(_record_of_item(item, feed), file, number, names)
        else:
            yield UnreadableArticle(str(file.origin(number)), "an item that is no object")


def _article(
    record: dict[str, Any], file: SourceFile, n: int, names: FieldMap
) -> Article | UnreadableArticle:
    usual = FieldMap(dates=names.dates)
    if not record["id"] and not record["url"]:
        record = {**record, "id": _made_id(record, file)}
    try:
        return article_from(record, file.origin(n), usual, f"{file.key}#{n}", file.told)
    except UnreadableArticle:
        return UnreadableArticle(str(file.origin(n)), "an entry with neither title nor text")


def _made_id(record: Mapping[str, Any], file: SourceFile) -> str:
    """Name an entry that has no name by what it says: its place changes whenever one is added."""
    said = f"{record['title']}\n{record['published']}" if record["title"] else record["text"]
    return (
        "entry-" + hashlib.sha256(f"{file.key}\n{said}".encode("utf-8", "replace")).hexdigest()[:20]
    )


def _content(file: SourceFile) -> bytes:
    with file.open() as stream:
        content = stream.read(LONGEST_TEXT + 1)
    if len(content) > LONGEST_TEXT:
        raise UnreadableArticle(file.place, f"longer than {LONGEST_TEXT >> 20} MiB")
    return content


def _record(entry: Mapping[str, Any]) -> dict[str, Any]:
    contents = [_plain(each) for each in entry.get("content", ())]
    tags = [tag.get("label") or tag.get("term") for tag in entry.get("tags", ())]
    names = [author.get("name") for author in entry.get("authors", ())]
    link = entry.get("link", "")
    record = {
        "id": entry.get("id", ""),
        "title": _plain(entry.get("title_detail")),
        "text": max([*contents, _plain(entry.get("summary_detail"))], key=len),
        "published": _day(entry),
        "authors": [name for name in names if name],
        "section": next((tag for tag in tags if tag), ""),
        "url": link if ABSOLUTE.match(link) else "",
    }
    language = (entry.get("title_detail") or {}).get("language")
    return record | ({"language": language} if language else {})


def _day(entry: Mapping[str, Any]) -> str:
    """The day as the feed writes it; what feedparser makes of it is moved to Greenwich."""
    for name in ("published", "updated", "created"):
        if written := entry.get(name):
            if parse_date(written):
                return str(written)
            if parsed := entry.get(f"{name}_parsed"):
                return date(*parsed[:3]).isoformat()
    return ""


def _record_of_item(item: Mapping[str, Any], feed: Mapping[str, Any]) -> dict[str, Any]:
    html, said = item.get("content_html"), item.get("content_text") or item.get("summary")
    authors = item.get("authors") or [item.get("author")]
    tags = item.get("tags")
    return {
        "id": item.get("id", ""),
        "title": item.get("title", ""),
        "text": text_of(html) if isinstance(html, str) and html.strip() else said,
        "published": item.get("date_published", ""),
        "source": feed.get("title", ""),
        "authors": [a.get("name") for a in authors if isinstance(a, dict)]
        if isinstance(authors, list)
        else "",
        "section": tags[0] if isinstance(tags, list) and tags else "",
        "language": item.get("language") or feed.get("language") or "",
        "url": _address(item, feed),
    }


def _address(item: Mapping[str, Any], feed: Mapping[str, Any]) -> str:
    url, home = item.get("url") or item.get("external_url"), feed.get("home_page_url")
    try:
        return urljoin(home if isinstance(home, str) else "", url) if isinstance(url, str) else ""
    except ValueError:
        return ""


def _plain(detail: Any) -> str:
    """The text of what feedparser gives as {type, value}; only what is HTML has marks in it."""
    if isinstance(detail, str):
        return detail
    value = (detail or {}).get("value") or ""
    return value if (detail or {}).get("type") == "text/plain" else text_of(value)
