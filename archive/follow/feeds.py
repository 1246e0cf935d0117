"""Reads the feeds that an archive follows: those that are due, each as a file of the input."""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, fields, replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import StrEnum
from functools import partial
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urldefrag, urljoin

from backfile.archive.follow.client import Answer, Fetcher
from backfile.archive.formats.fields import FieldMap
from backfile.archive.formats.files import SourceFile, held
from backfile.archive.formats.inputs import READING_ERRORS, Keeper, refusal_of
from backfile.archive.formats.registry import format_of
from backfile.archive.formats.text.encodings import encoding_of
from backfile.archive.model.article import Article
from backfile.archive.model.errors import EngineUnavailable, UnreadableArticle
from backfile.archive.store.directory import write_json


@dataclass(frozen=True, slots=True)
class Subscription:
    """A feed that is followed: by the address that it was named by, and where it has moved.

    `etag` and `last_modified` are the server's, to ask only for what is new; `minutes` is how long
    the feed says that it stays as it is; `fetched` and `due` are instants, `due` the first at which
    it may be asked again.
    """

    url: str
    moved_to: str = ""
    etag: str = ""
    last_modified: str = ""
    minutes: int = 0
    fetched: datetime | None = None
    due: datetime | None = None

    @property
    def address(self) -> str:
        return self.moved_to or self.url

    def is_due(self, now: datetime) -> bool:
        return self.due is None or now >= self.due


class Subscriptions:
    """All of an archive, in the order in which they came; who changes them holds the lock."""

    def __init__(self, path: Path) -> None:
        """Read them; raise EngineUnavailable if the file is damaged."""
        self._path = path
        self._held: dict[str, Subscription] = {}
        try:
            stored = json.loads(path.read_text())["feeds"]
            self._held = {each["url"]: _restored(Subscription, each) for each in stored}
        except FileNotFoundError:
            return
        except (OSError, ValueError, KeyError, TypeError) as exc:
            reason = f"{path} cannot be read; remove it, and follow each feed again"
            raise EngineUnavailable("the list of feeds", reason) from exc

    def __iter__(self) -> Iterator[Subscription]:
        return iter(self._held.values())

    def get(self, url: str) -> Subscription:
        """The one of this address, or a new one that is not kept yet."""
        return self._held.get(url) or Subscription(url)

    def keep(self, subscription: Subscription) -> None:
        """Put one in place of what is held of its address."""
        self._held[subscription.url] = subscription

    def forget(self, url: str) -> bool:
        """Drop one; say whether there was one."""
        return self._held.pop(url, None) is not None

    def write(self) -> None:
        """Write whole or not at all."""
        write_json(self._path, {"feeds": [_stored(each) for each in self]})


def _stored(subscription: Subscription) -> dict[str, str]:
    said = asdict(subscription)
    return {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in said.items()
        if value
    }


def _restored(kind: type[Subscription], stored: dict[str, str]) -> Subscription:
    times = ("fetched", "due")
    known = {field.name for field in fields(kind)}
    return kind(
        **{
            name: datetime.fromisoformat(value) if name in times else value
            for name, value in stored.items()
            if name in known
        }  # type: ignore[arg-type]
    )


MAX_AGE = re.compile(r"(?:^|[\s,])max-age\s*=\s*\"?(\d{1,9})", re.I)
AT_ONCE = re.compile(r"(?:^|[\s,])no-(?:cache|store)(?:$|[\s,])", re.I)
TIME_TO_LIVE = re.compile(rb"<ttl>\s*(\d{1,6})\s*</ttl>", re.I)  # minutes, in RSS 2.0
LONGEST_WAIT = timedelta(days=1)  # a server that says a year is mistaken
USUAL_WAIT = timedelta(minutes=30)  # after "too many requests" that does not say how long


def minutes_to_live(content: bytes) -> int:
    """How long a feed says itself that it stays as it is; 0 where it says nothing."""
    found = TIME_TO_LIVE.search(content[: 1 << 16])
    return int(found[1]) if found else 0


def due_after(headers: Mapping[str, str], minutes: int, now: datetime) -> datetime:
    """When an answer that came now, of a feed with so many minutes to live, is no longer fresh."""
    wait = timedelta(minutes=minutes)
    control = headers.get("cache-control", "")
    if not AT_ONCE.search(control) and (found := MAX_AGE.search(control)):
        age = headers.get("age", "").strip()
        seconds = int(found[1]) - (int(age) if age.isdecimal() and len(age) < 10 else 0)
        wait = max(wait, timedelta(seconds=seconds))
    return now + min(max(wait, timedelta()), LONGEST_WAIT)


def due_after_refusal(headers: Mapping[str, str], now: datetime) -> datetime:
    """When a server that had too many requests (429, 503) may be asked again."""
    said = headers.get("retry-after", "").strip()
    wait = USUAL_WAIT
    if said.isdecimal() and len(said) < 10:
        wait = timedelta(seconds=int(said))
    elif said:
        try:
            wait = parsedate_to_datetime(said).astimezone(UTC) - now
        except (ValueError, OverflowError):
            wait = USUAL_WAIT
    return now + min(max(wait, timedelta()), LONGEST_WAIT)


FEED_TYPES = ("application/rss+xml", "application/atom+xml", "application/feed+json")
LONGEST_HEAD = 1 << 18  # characters


def feed_on(page: str, url: str) -> str:
    """The address of the first feed that a page at `url` names; nothing where it names none.

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
        said = {name: value or "" for name, value in attrs}
        if tag == "base" and not self.base:
            self.base = said.get("href", "")
        named = "alternate" in said.get("rel", "").lower().split()
        kind = said.get("type", "").partition(";")[0].strip().lower()
        if tag == "link" and named and kind in FEED_TYPES and not self.found:
            self.found = said.get("href", "")


FEEDS = ("feed", "JSON Feed")
FOUND, UNCHANGED, GONE = 200, 304, 410
LATER = (429, 503)


class Outcome(StrEnum):
    """What became of a feed in one run."""

    READ = "read"
    UNCHANGED = "unchanged"
    NOT_DUE = "not due"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Followed:
    """A feed in one run: how it went, how many entries it had, and when it may be asked again."""

    url: str
    outcome: Outcome
    entries: int = 0
    due: datetime | None = None


class Following:
    """One pass over feeds; iterate it for articles and refusals, and write the subscriptions then.

    Nothing is written here, so that what is lost in a crash is fetched again. `told` holds what
    became of each feed so far.
    """

    bytes_done = bytes_total = 0  # how long a feed is, nobody knows beforehand

    def __init__(
        self,
        urls: Iterable[str],
        subscriptions: Subscriptions,
        fetcher: Fetcher,
        *,
        originals: Keeper | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Take which feeds to read, all that are followed if none is named, and who keeps them."""
        named = list(dict.fromkeys(urldefrag(url.strip()).url for url in urls))
        self._urls = named or [each.url for each in subscriptions]
        self._subscriptions = subscriptions
        self._fetcher = fetcher
        self._originals = originals
        self._clock = clock
        self.told: list[Followed] = []

    def __iter__(self) -> Iterator[Article | UnreadableArticle]:
        for url in self._urls:
            try:
                yield from self._follow(self._subscriptions.get(url))
            except READING_ERRORS as exc:
                yield refusal_of(exc, url)
                self.told.append(Followed(url, Outcome.REFUSED))

    def waiting(self) -> list[Followed] | None:
        """What to say where no feed is due; None where one is."""
        known = [self._subscriptions.get(url) for url in self._urls]
        if any(each.is_due(self._clock()) for each in known):
            return None
        return [Followed(each.url, Outcome.NOT_DUE, due=each.due) for each in known]

    def _follow(
        self, known: Subscription, *, found_on_page: bool = False
    ) -> Iterator[Article | UnreadableArticle]:
        if not known.is_due(self._clock()):
            self.told.append(Followed(known.url, Outcome.NOT_DUE, due=known.due))
            return
        answer = self._fetcher.fetch(known.address, _conditions(known))
        now = self._clock()
        if answer.status in LATER:
            kept = replace(known, due=due_after_refusal(answer.headers, now))
            self._subscriptions.keep(kept)
            raise UnreadableArticle(known.url, _later(answer.status, kept))
        if answer.status == UNCHANGED and known.fetched:
            kept = replace(known, due=due_after(answer.headers, known.minutes, now))
            self._keep(kept, answer, Followed(known.url, Outcome.UNCHANGED, due=kept.due))
            return
        if answer.status != FOUND:
            raise UnreadableArticle(known.url, _refused(answer.status))
        if not found_on_page and (feed := _feed_on(answer, known.url)):
            yield from self._follow(self._subscriptions.get(feed), found_on_page=True)
            return
        yield from self._entries(known, answer, now)

    def _entries(
        self, known: Subscription, answer: Answer, now: datetime
    ) -> Iterator[Article | UnreadableArticle]:
        file, names = _file(known.url, answer.content), FieldMap()
        entries = 0
        reader = format_of(file)
        if reader.name not in FEEDS:
            raise UnreadableArticle(known.url, f"not a feed, but a {reader.name}")
        if self._originals:
            file = self._originals.keep(file, names.to_keep())
        for found in reader.read(file, names):
            entries += isinstance(found, Article)
            yield found
        minutes = minutes_to_live(answer.content)
        kept = replace(
            known,
            minutes=minutes,
            etag=answer.headers.get("etag", ""),
            last_modified=answer.headers.get("last-modified", ""),
            fetched=now,
            due=due_after(answer.headers, minutes, now),
        )
        self._keep(kept, answer, Followed(known.url, Outcome.READ, entries, kept.due))

    def _keep(self, kept: Subscription, answer: Answer, told: Followed) -> None:
        moved = answer.moved_to if answer.moved_to != kept.url else ""
        self._subscriptions.keep(replace(kept, moved_to=moved))
        self.told.append(told)


def _conditions(known: Subscription) -> dict[str, str]:
    """Ask for what is new alone; https://www.rfc-editor.org/rfc/rfc9110#name-conditional-requests"""
    said = {"If-None-Match": known.etag, "If-Modified-Since": known.last_modified}
    return {name: value for name, value in said.items() if value and known.fetched}


def _feed_on(answer: Answer, url: str) -> str:
    file = _file(url, answer.content)
    try:
        if format_of(file).name != "web page":
            return ""
    except UnreadableArticle:
        return ""
    return feed_on(answer.content.decode(encoding_of(answer.content), "replace"), answer.url)


def _file(url: str, content: bytes) -> SourceFile:
    return SourceFile(url, url, partial(held, content))


def _later(status: int, kept: Subscription) -> str:
    due = f"{kept.due:%Y-%m-%d %H:%M} UTC" if kept.due else "later"
    return f"the server asks to wait ({status}); it is asked again from {due} on"


def _refused(status: int) -> str:
    if status == GONE:
        return "the server says that it is gone for good; `backfile follow --forget` drops it"
    return f"the server answered with status {status}"
