"""Reads the feeds that are followed: those that are due, each as a file of the input would be."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from functools import partial
from urllib.parse import urldefrag

from archive.article import Article
from archive.errors import UnreadableArticle
from archive.fetching.discovery import feed_on
from archive.fetching.fetching import Answer, Fetcher
from archive.fetching.freshness import due_after, due_after_refusal, minutes_to_live
from archive.fetching.subscriptions import Subscription, Subscriptions
from archive.reading.fields import FieldMap
from archive.reading.files import SourceFile, held
from archive.reading.formats import format_of
from archive.reading.inputs import READING_ERRORS, Keeper, refusal_of
from archive.reading.plain.encodings import encoding_of

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
