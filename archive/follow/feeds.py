"""Follows feeds: fetches each feed when it may have changed, and reads it like an input file."""

import json
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, fields, replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import StrEnum
from functools import partial
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import urldefrag, urljoin

from backfile.archive.follow.address_lists import NEVER, OPML, SITEMAP_INDEX, feeds_in, kind_of
from backfile.archive.follow.client import Answer, Fetcher
from backfile.archive.follow.sitemaps import SitemapReading
from backfile.archive.formats.fields import FieldMap
from backfile.archive.formats.files import SourceFile, encoding_of, open_bytes
from backfile.archive.formats.inputs import READING_ERRORS, OriginalStore, refusal_of
from backfile.archive.formats.registry import format_of
from backfile.archive.model.article import Article
from backfile.archive.model.errors import EngineUnavailable, UnreadableArticle
from backfile.archive.store.directory import write_json


@dataclass(frozen=True, slots=True)
class Subscription:
    """A followed feed: the address that a person named, and the one it has moved to.

    `etag` and `last_modified` are the server's validators for conditional requests; `minutes` is
    the feed's time to live; `due_at` is the first instant at which it may be fetched again.
    `latest_at` is the instant up to which the pages of a sitemap are done; `done` names those that
    are done from there on.
    """

    url: str
    moved_to: str = ""
    etag: str = ""
    last_modified: str = ""
    minutes: int = 0
    fetched_at: datetime | None = None
    due_at: datetime | None = None
    latest_at: datetime | None = None
    done: tuple[str, ...] = ()

    @property
    def address(self) -> str:
        return self.moved_to or self.url

    def is_due(self, now: datetime) -> bool:
        return self.due_at is None or now >= self.due_at


STORED_TIMES = {
    "fetched_at": "fetched",
    "due_at": "due",
    "latest_at": "latest",
}  # attribute, name in the file


class Subscriptions:
    """The followed feeds of an archive, in order of subscription; changes need its lock."""

    def __init__(self, path: Path) -> None:
        """Read the file; raise EngineUnavailable if it is damaged."""
        self._path = path
        self._by_url: dict[str, Subscription] = {}
        try:
            stored = json.loads(path.read_text())["feeds"]
            self._by_url = {each["url"]: _restored(each) for each in stored}
        except FileNotFoundError:
            return
        except (OSError, ValueError, KeyError, TypeError) as exc:
            reason = f"{path} cannot be read; remove it, and follow each feed again"
            raise EngineUnavailable("the list of feeds", reason) from exc

    def __iter__(self) -> Iterator[Subscription]:
        return iter(self._by_url.values())

    def get(self, url: str) -> Subscription:
        """The subscription of this address, or a new one, which `put` can add."""
        return self._by_url.get(url) or Subscription(url)

    def put(self, subscription: Subscription) -> None:
        """Add a subscription, or replace the one with the same address."""
        self._by_url[subscription.url] = subscription

    def forget(self, url: str) -> bool:
        """Remove a subscription; return whether there was one."""
        return self._by_url.pop(url, None) is not None

    def write(self) -> None:
        """Write the file atomically."""
        write_json(self._path, {"feeds": [_stored(each) for each in self]})


def _stored(subscription: Subscription) -> dict[str, Any]:
    return {
        STORED_TIMES.get(name, name): value.isoformat() if isinstance(value, datetime) else value
        for name, value in asdict(subscription).items()
        if value
    }


def _restored(stored: dict[str, Any]) -> Subscription:
    stored = {**stored, "done": tuple(stored.get("done", ()))}
    attributes = (field.name for field in fields(Subscription))
    names = [(name, STORED_TIMES.get(name, name)) for name in attributes]
    return Subscription(
        **{
            name: datetime.fromisoformat(stored[key]) if name in STORED_TIMES else stored[key]
            for name, key in names
            if key in stored
        }  # type: ignore[arg-type]
    )


MAX_AGE = re.compile(r"(?:^|[\s,])max-age\s*=\s*\"?(\d{1,9})", re.I)
AT_ONCE = re.compile(r"(?:^|[\s,])no-(?:cache|store)(?:$|[\s,])", re.I)
TIME_TO_LIVE = re.compile(rb"<ttl>\s*(\d{1,6})\s*</ttl>", re.I)  # minutes, in RSS 2.0
LONGEST_WAIT = timedelta(days=1)  # servers that ask for a year are misconfigured
USUAL_WAIT = timedelta(minutes=30)  # after "too many requests" without a Retry-After


def minutes_to_live(content: bytes) -> int:
    """The time to live that a feed declares, in minutes; 0 if it declares none."""
    found = TIME_TO_LIVE.search(content[: 1 << 16])
    return int(found[1]) if found else 0


def due_after(headers: Mapping[str, str], minutes: int, now: datetime) -> datetime:
    """The instant until which a response of now is fresh; `minutes` is the feed's time to live."""
    wait = timedelta(minutes=minutes)
    control = headers.get("cache-control", "")
    if not AT_ONCE.search(control) and (found := MAX_AGE.search(control)):
        age = headers.get("age", "").strip()
        seconds = int(found[1]) - (int(age) if age.isdecimal() and len(age) < 10 else 0)
        wait = max(wait, timedelta(seconds=seconds))
    return now + min(max(wait, timedelta()), LONGEST_WAIT)


def due_after_refusal(headers: Mapping[str, str], now: datetime) -> datetime:
    """The instant for the next request after a refusal (429, 503), by its Retry-After."""
    retry_after = headers.get("retry-after", "").strip()
    wait = USUAL_WAIT
    if retry_after.isdecimal() and len(retry_after) < 10:
        wait = timedelta(seconds=int(retry_after))
    elif retry_after:
        try:
            wait = parsedate_to_datetime(retry_after).astimezone(UTC) - now
        except (ValueError, OverflowError):
            wait = USUAL_WAIT
    return now + min(max(wait, timedelta()), LONGEST_WAIT)


FEED_TYPES = ("application/rss+xml", "application/atom+xml", "application/feed+json")
LONGEST_HEAD = 1 << 18  # characters


def feed_on(page: str, url: str) -> str:
    """The address of the first feed that a page at `url` links to; empty if there is none.

    >>> feed_on('<link rel=alternate type="application/rss+xml" href="/feed">', "https://a.example/b")
    'https://a.example/feed'
    """
    links = _Links()
    links.feed(page[:LONGEST_HEAD])
    try:
        return urljoin(urljoin(url, links.base), links.found) if links.found else ""
    except ValueError:
        return ""


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found, self.base = "", ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        if tag == "base" and not self.base:
            self.base = attributes.get("href", "")
        is_alternate = "alternate" in attributes.get("rel", "").lower().split()
        kind = attributes.get("type", "").partition(";")[0].strip().lower()
        if tag == "link" and is_alternate and kind in FEED_TYPES and not self.found:
            self.found = attributes.get("href", "")


FEEDS = ("feed", "JSON Feed")
FOUND, UNCHANGED, GONE = 200, 304, 410
LATER = (429, 503)


class Outcome(StrEnum):
    """The result for a feed in one run."""

    READ = "read"
    UNCHANGED = "unchanged"
    NOT_DUE = "not due"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class FeedReport:
    """A feed in one run: the outcome, the number of entries, and when it may be fetched again."""

    url: str
    outcome: Outcome
    entries: int = 0
    due_at: datetime | None = None


class FeedRun:
    """One pass over feeds; iterate it for articles and refusals, then write the subscriptions.

    It writes nothing itself, so that after a crash the same feeds are fetched again. `reports` has
    the feeds that are done.
    """

    bytes_done = bytes_total = 0  # the size of a feed is not known in advance

    def __init__(
        self,
        urls: Iterable[str],
        subscriptions: Subscriptions,
        fetcher: Fetcher,
        *,
        originals: OriginalStore | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        """Choose the feeds (all that are followed if `urls` is empty) and where originals go.

        `pause` waits for so many seconds between two pages of a sitemap.
        """
        named = list(dict.fromkeys(urldefrag(url.strip()).url for url in urls))
        self._urls = named or [each.url for each in subscriptions]
        self._subscriptions = subscriptions
        self._fetcher = fetcher
        self._originals = originals
        self._clock = clock
        self._pause = pause
        self.reports: list[FeedReport] = []

    def __iter__(self) -> Iterator[Article | UnreadableArticle]:
        for url in self._urls:
            try:
                yield from self._follow(self._subscriptions.get(url))
            except READING_ERRORS as exc:
                yield refusal_of(exc, url)
                self.reports.append(FeedReport(url, Outcome.REFUSED))

    def not_due(self) -> list[FeedReport] | None:
        """Reports of all feeds if none of them is due; None if one is."""
        known = [self._subscriptions.get(url) for url in self._urls]
        if any(each.is_due(self._clock()) for each in known):
            return None
        return [FeedReport(each.url, Outcome.NOT_DUE, due_at=each.due_at) for each in known]

    def _follow(
        self, known: Subscription, *, found_on_page: bool = False
    ) -> Iterator[Article | UnreadableArticle]:
        if not known.is_due(self._clock()):
            self.reports.append(FeedReport(known.url, Outcome.NOT_DUE, due_at=known.due_at))
            return
        answer = self._fetcher.fetch(known.address, _conditions(known))
        now = self._clock()
        if answer.status in LATER:
            refused = replace(known, due_at=due_after_refusal(answer.headers, now))
            self._subscriptions.put(refused)
            raise UnreadableArticle(known.url, _later(answer.status, refused))
        if answer.status == UNCHANGED and known.fetched_at:
            updated = replace(known, due_at=due_after(answer.headers, known.minutes, now))
            self._update(updated, answer, Outcome.UNCHANGED)
            return
        if answer.status != FOUND:
            raise UnreadableArticle(known.url, _refused(answer.status))
        if not found_on_page and (feed := _feed_on(answer, known.url)):
            yield from self._follow(self._subscriptions.get(feed), found_on_page=True)
            return
        kind = kind_of(_file(known.url, answer.content))
        if kind == OPML:
            yield from self._listed(answer, found_on_page=found_on_page)
        elif kind:
            yield from self._pages(known, answer, now)
        else:
            yield from self._entries(known, answer, now)

    def _listed(
        self, answer: Answer, *, found_on_page: bool
    ) -> Iterator[Article | UnreadableArticle]:
        """Follow the feeds of a file of OPML from now on; a list in a list is not followed."""
        urls = feeds_in(_file(answer.url, answer.content))
        if found_on_page or not urls:
            raise UnreadableArticle(answer.url, "a list (OPML) without feeds")
        for url in urls:
            try:
                yield from self._follow(self._subscriptions.get(url), found_on_page=True)
            except READING_ERRORS as exc:
                yield refusal_of(exc, url)
                self.reports.append(FeedReport(url, Outcome.REFUSED))

    def _pages(
        self, known: Subscription, answer: Answer, now: datetime
    ) -> Iterator[Article | UnreadableArticle]:
        """Read the pages of a sitemap that are newer than those of the last run."""
        pages = SitemapReading(
            answer,
            known.latest_at,
            known.done,
            self._fetcher,
            now=now,
            originals=self._originals,
            pause=self._pause,
        )
        entries = 0
        for found in pages:
            entries += isinstance(found, Article)
            yield found
        latest = known.latest_at if pages.latest == NEVER else pages.latest
        updated = replace(_fresh(known, answer, 0, now), latest_at=latest, done=pages.done)
        # "Unchanged" would be no answer; of an index it says nothing about the sitemaps in it.
        if not pages.is_complete or kind_of(_file(known.url, answer.content)) == SITEMAP_INDEX:
            updated = replace(updated, etag="", last_modified="")
        self._update(updated, answer, Outcome.READ, entries)

    def _entries(
        self, known: Subscription, answer: Answer, now: datetime
    ) -> Iterator[Article | UnreadableArticle]:
        file, names = _file(known.url, answer.content), FieldMap()
        entries = 0
        reader = format_of(file)
        if reader.name not in FEEDS:
            raise UnreadableArticle(known.url, f"not a feed, but a {reader.name}")
        if self._originals:
            file = self._originals.keep(file, names.to_stored())
        for found in reader.read(file, names):
            entries += isinstance(found, Article)
            yield found
        minutes = minutes_to_live(answer.content)
        self._update(_fresh(known, answer, minutes, now), answer, Outcome.READ, entries)

    def _update(
        self, feed: Subscription, answer: Answer, outcome: Outcome, entries: int = 0
    ) -> None:
        moved_to = answer.moved_to if answer.moved_to != feed.url else ""
        self._subscriptions.put(replace(feed, moved_to=moved_to))
        self.reports.append(FeedReport(feed.url, outcome, entries, feed.due_at))


def _fresh(known: Subscription, answer: Answer, minutes: int, now: datetime) -> Subscription:
    """A subscription after an answer with its content."""
    return replace(
        known,
        minutes=minutes,
        etag=answer.headers.get("etag", ""),
        last_modified=answer.headers.get("last-modified", ""),
        fetched_at=now,
        due_at=due_after(answer.headers, minutes, now),
    )


def _conditions(known: Subscription) -> dict[str, str]:
    """A conditional request; https://www.rfc-editor.org/rfc/rfc9110#name-conditional-requests"""
    validators = {"If-None-Match": known.etag, "If-Modified-Since": known.last_modified}
    return {name: value for name, value in validators.items() if value and known.fetched_at}


def _feed_on(answer: Answer, url: str) -> str:
    file = _file(url, answer.content)
    try:
        if format_of(file).name != "web page":
            return ""
    except UnreadableArticle:
        return ""
    return feed_on(answer.content.decode(encoding_of(answer.content), "replace"), answer.url)


def _file(url: str, content: bytes) -> SourceFile:
    return SourceFile(url, url, partial(open_bytes, content))


def _later(status: int, feed: Subscription) -> str:
    due = f"{feed.due_at:%Y-%m-%d %H:%M} UTC" if feed.due_at else "later"
    return f"the server asks to wait ({status}); it is asked again from {due} on"


def _refused(status: int) -> str:
    if status == GONE:
        return "the server says that it is gone for good; `backfile follow --forget` drops it"
    return f"the server answered with status {status}"
