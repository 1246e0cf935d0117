"""Reads feeds (RSS 0.9 to 2.0, RDF, Atom, JSON Feed); each entry is an article."""

import hashlib
import io
import json
import re
from collections.abc import Mapping
from datetime import date
from functools import partial
from typing import Any, NamedTuple, Self
from urllib.parse import urljoin

from backfile.archive.formats.dates.parsing import parse_date
from backfile.archive.formats.dates.spans import read_span
from backfile.archive.formats.fields import ILLEGIBLE, FieldMap, article_from
from backfile.archive.formats.files import (
    ReadResult,
    ReadResults,
    Record,
    Records,
    SourceFile,
    encoding_of,
    made,
)
from backfile.archive.formats.web.markup import text_of
from backfile.archive.model.article import Origin
from backfile.archive.model.errors import UnreadableArticle

FEED_ROOTS = frozenset(("rss", "rdf", "feed", "channel"))
JSON_FEED = re.compile(r'"version"\s*:\s*"https?:\\?/\\?/(?:www\.)?jsonfeed\.org')
OPENING_TAG = re.compile(rb"<[A-Za-z]")
MOST_UNCLOSED = 10_000  # includes `<br>` and the like in entries
ABSOLUTE = re.compile(r"https?://", re.I)


def read_feed(file: SourceFile, names: FieldMap) -> ReadResults:
    """Read a feed, as `feed_records` does."""
    return made(feed_records(file, names))


def feed_records(file: SourceFile, names: FieldMap) -> Records:
    """Walk the entries of an RSS or Atom feed; of a malformed feed, those that are recognised."""
    content = file.read_bytes()
    opened = len(OPENING_TAG.findall(content)) - content.count(b"</") - content.count(b"/>")
    if opened > MOST_UNCLOSED:  # feedparser searches all of them for each further tag
        raise UnreadableArticle(file.place, f"more than {MOST_UNCLOSED:,} tags are never closed")
    found = _parsed(content, "")
    feed = found.get("feed", {})
    base = _base_of(feed, file)
    if base and (b"xml:base" in content or not all(map(_has_address, found.entries))):
        ids = [entry.get("id", "") for entry in found.entries]  # feedparser takes them for links
        found = _parsed(content, base)
        for entry, written in zip(found.entries, ids, strict=True):
            entry["id"] = written
    about = {
        "source": _plain(feed.get("title_detail")) or _plain(feed.get("title", "")),
        "language": feed.get("language", ""),
    }
    make = partial(_from_entry, feed=_Feed.of(file, about, names))
    for number, entry in enumerate(found.entries, 1):
        yield Record(entry, file.origin(number), make)
    if not found.entries:
        broken = found.get("bozo_exception") if found.get("bozo") else None
        reason = f"not a feed that can be read ({str(broken)[:120]})" if broken else "no entries"
        raise UnreadableArticle(file.place, reason)


def read_json_feed(file: SourceFile, names: FieldMap) -> ReadResults:
    """Read a JSON Feed, as `json_feed_records` does."""
    return made(json_feed_records(file, names))


def json_feed_records(file: SourceFile, names: FieldMap) -> Records:
    """Walk the items of a JSON Feed: https://www.jsonfeed.org/version/1.1/."""
    content = file.read_bytes()
    try:
        feed = json.loads(content.decode(encoding_of(content)))
    except (ValueError, RecursionError) as exc:
        raise UnreadableArticle(file.place, f"not valid JSON ({str(exc)[:120]})") from exc
    items = feed.get("items") if isinstance(feed, dict) else None
    if not isinstance(items, list) or not items:
        raise UnreadableArticle(file.place, "a JSON Feed without items")
    about = {"source": feed.get("title", ""), "language": feed.get("language") or ""}
    make = partial(_from_item, home=_home(feed, file), feed=_Feed.of(file, about, names))
    for number, item in enumerate(items, 1):
        origin = file.origin(number)
        if isinstance(item, dict):
            yield Record(item, origin, make)
        else:
            yield UnreadableArticle(str(origin), "an item that is no object")


class _Feed(NamedTuple):
    """What the entries of a feed have in common."""

    address: str  # empty if the file was not fetched from one
    about: Mapping[str, Any]  # fields that an entry lacks
    defaults: Mapping[str, str]
    names: FieldMap

    @classmethod
    def of(cls, file: SourceFile, about: Mapping[str, Any], names: FieldMap) -> Self:
        address = file.key if ABSOLUTE.match(file.key) else ""
        return cls(address, about, file.defaults, FieldMap(dates=names.dates))


def _from_entry(entry: Mapping[str, Any], origin: Origin, feed: _Feed) -> ReadResult:
    return _article({**feed.about, **_record(entry)}, origin, feed)


def _from_item(item: Mapping[str, Any], origin: Origin, home: str, feed: _Feed) -> ReadResult:
    return _article(_record_of_item(item, feed.about, home), origin, feed)


def _article(record: dict[str, Any], origin: Origin, feed: _Feed) -> ReadResult:
    if not record["id"] and not record["url"]:
        record = {**record, "id": _made_id(record, feed.address)}
    try:
        return article_from(record, origin, feed.names, feed.defaults)
    except UnreadableArticle as refused:
        reason = "an entry with neither title nor text"
        reason = ILLEGIBLE if refused.reason == ILLEGIBLE else reason
        return UnreadableArticle(str(origin), reason)


def _made_id(record: Mapping[str, Any], address: str) -> str:
    """Make an id of what an entry is about: its position changes with each new entry.

    Entries of two followed feeds that are about the same have different ids.
    """
    content = f"{record['title']}\n{record['published']}" if record["title"] else record["text"]
    named = f"{address}\n{content}".encode("utf-8", "replace")
    return "entry-" + hashlib.sha256(named).hexdigest()[:20]


def _parsed(content: bytes, base: str) -> Any:
    """Parse a feed; its relative links are resolved against `base`, or nearer bases that it has."""
    import feedparser

    headers = {"content-location": base} if base else {}
    # A stream: feedparser may take bytes for the name of a file or an address.
    return feedparser.parse(io.BytesIO(content), response_headers=headers)


def _has_address(entry: Mapping[str, Any]) -> bool:
    return bool(ABSOLUTE.match(entry.get("link", "")))


def _base_of(feed: Mapping[str, Any], file: SourceFile) -> str:
    """The address that relative links of a feed are relative to, by its own and its site's."""
    own = [file.key, *(each.get("href") for each in _links(feed) if each.get("rel") == "self")]
    address = next((each for each in own if each and ABSOLUTE.match(each)), "")
    site = (each.get("href") for each in _links(feed) if each.get("rel") == "alternate")
    return _joined(address, next((each for each in site if each), "")) or address


def _links(feed: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return list(feed.get("links") or ())


def _joined(base: str, link: Any) -> str:
    """An absolute address; empty where the link is no address of the web."""
    try:
        url = urljoin(base, link.strip()) if isinstance(link, str) and link.strip() else ""
    except ValueError:
        return ""
    return url if ABSOLUTE.match(url) else ""


def _record(entry: Mapping[str, Any]) -> dict[str, Any]:
    contents = [_plain(each) for each in entry.get("content", ())]
    tags = [tag.get("label") or tag.get("term") for tag in entry.get("tags", ())]
    names = [author.get("name") for author in entry.get("authors", ())]
    record = {
        "id": entry.get("id", ""),
        "title": _plain(entry.get("title_detail")),
        "text": max([*contents, _plain(entry.get("summary_detail"))], key=len),
        "published": _day(entry),
        "authors": [name for name in names if name],
        "section": next((tag for tag in tags if tag), ""),
        "url": _joined("", entry.get("link")),
    }
    language = (entry.get("title_detail") or {}).get("language")
    return record | ({"language": language} if language else {})


def _day(entry: Mapping[str, Any]) -> str:
    """The date as the feed writes it.

    feedparser converts it to UTC, which may change the day, and makes a day of a month or a year.
    """
    for name in ("published", "updated", "created"):
        if written := entry.get(name):
            if parse_date(written) or read_span(str(written)):
                return str(written)
            if parsed := entry.get(f"{name}_parsed"):
                return date(*parsed[:3]).isoformat()
    return ""


def _record_of_item(item: Mapping[str, Any], about: Mapping[str, Any], home: str) -> dict[str, Any]:
    html, text = item.get("content_html"), item.get("content_text") or item.get("summary")
    authors = item.get("authors") or [item.get("author")]
    tags = item.get("tags")
    return {
        "id": item.get("id", ""),
        "title": item.get("title", ""),
        "text": text_of(html) if isinstance(html, str) and html.strip() else text,
        "published": item.get("date_published", ""),
        "source": about["source"],
        "authors": [a.get("name") for a in authors if isinstance(a, dict)]
        if isinstance(authors, list)
        else "",
        "section": tags[0] if isinstance(tags, list) and tags else "",
        "language": item.get("language") or about["language"],
        "url": _joined(home, item.get("url") or item.get("external_url")),
    }


def _home(feed: Mapping[str, Any], file: SourceFile) -> str:
    """The address that relative links of a JSON Feed are relative to."""
    own = file.key if ABSOLUTE.match(file.key) else _joined("", feed.get("feed_url"))
    return _joined(own, feed.get("home_page_url")) or own


def _plain(detail: Any) -> str:
    """The text of feedparser's {type, value}; all types but plain text are read as HTML."""
    if isinstance(detail, str):
        return detail
    value = (detail or {}).get("value") or ""
    return value if (detail or {}).get("type") == "text/plain" else text_of(value)
