"""Fetches the new pages that a sitemap lists: one after the other, as its host allows."""

import time
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from functools import cache, partial
from urllib.parse import urljoin
from urllib.robotparser import RobotFileParser

from backfile.archive.follow.address_lists import (
    NEVER,
    SITEMAP_INDEX,
    Page,
    kind_of,
    pages_in,
    sitemaps_in,
)
from backfile.archive.follow.client import Answer, Fetcher
from backfile.archive.formats.fields import FieldMap
from backfile.archive.formats.files import SourceFile, encoding_of, open_bytes
from backfile.archive.formats.inputs import READING_ERRORS, OriginalStore, refusal_of
from backfile.archive.formats.registry import format_of
from backfile.archive.model.addresses import host_of
from backfile.archive.model.article import Article
from backfile.archive.model.errors import UnreadableArticle

MOST_PAGES = 100  # of one sitemap in one run: at first the latest, then the oldest
PATIENCE = timedelta(days=7)  # after this time a page that fails is given up
PAUSE, LONGEST_PAUSE = 1.0, 10.0  # seconds between two pages; the host may ask for more
AGENT = "Backfile"
FOUND = 200
LATER = (408, 425, 429)  # and all from 500 on


class _NotNow(UnreadableArticle):
    """An address that a later run may get."""


class SitemapReading:
    """One reading of a sitemap; iterate it for the articles of its new pages.

    `latest` is then the instant up to which all pages are done, and `done` names the listed pages
    from there on that are done as well. `is_complete` is false if a later run has to get some.
    """

    def __init__(
        self,
        answer: Answer,
        since: datetime | None,
        done: Iterable[str],
        fetcher: Fetcher,
        *,
        now: datetime,
        originals: OriginalStore | None,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        """Take the answer to a request for the sitemap, and the state after the last reading."""
        self._answer = answer
        self._fetcher = fetcher
        self._originals = originals
        self._pause = pause
        self._now = now
        self.latest = min(since or NEVER, now)
        self.done = tuple(done)
        self.is_complete = True
        self._rules = cache(self._asked_rules)  # by host: each is asked once

    def __iter__(self) -> Iterator[Article | UnreadableArticle]:
        listed = sorted(self._listed(), key=lambda page: page.at)
        dated = [page for page in listed if page.at > NEVER]
        if listed and not dated:
            raise UnreadableArticle(self._answer.url, "none of its pages has a date (lastmod)")
        known = frozenset(self.done)
        new = [page for page in dated if page.at >= self.latest and _key(page) not in known]
        chosen, waiting = new[:MOST_PAGES], new[MOST_PAGES:]
        if self.latest == NEVER:
            chosen, waiting = new[-MOST_PAGES:], []
        if left := len(new) - len(chosen):
            which = (
                "newest pages are left for the next run" if waiting else "oldest pages are left out"
            )
            reason = f"its {left:,} {which}; at most {MOST_PAGES} are fetched at once"
            yield UnreadableArticle(self._answer.url, reason)
        host, waited = host_of(self._answer.url), True
        for page in chosen:
            if host_of(page.url) != host:
                yield UnreadableArticle(page.url, "on another host than the sitemap that lists it")
                continue
            try:
                rules = self._rules(urljoin(page.url, "/robots.txt"))
                if not rules.can_fetch(AGENT, page.url):
                    raise UnreadableArticle(page.url, "its host forbids programs to fetch it")
                if not waited:
                    delay = float(rules.crawl_delay(AGENT) or PAUSE)
                    self._pause(min(max(delay, PAUSE), LONGEST_PAUSE))
                waited = False
                yield from self._read(page)
            except READING_ERRORS as exc:
                yield refusal_of(exc, page.url)
                if isinstance(exc, _NotNow) and page.at > self._now - PATIENCE:
                    waiting.append(page)
        if new:
            self._remember(dated, waiting)

    def _remember(self, dated: list[Page], waiting: list[Page]) -> None:
        """Go on from the first page that waits, else from the newest, which may have followers.

        A page of the future, such as a wrong year, does not hide those of the days before it.
        """
        self.latest = min(self._now, dated[-1].at, *(page.at for page in waiting))
        left = frozenset(map(_key, waiting))
        later = (_key(page) for page in dated if page.at >= self.latest)
        self.done = tuple(dict.fromkeys(key for key in later if key not in left))
        self.is_complete = not waiting

    def _listed(self) -> Iterator[Page]:
        file, address = _file(self._answer.url, self._answer.content), self._answer.url
        if kind_of(file) != SITEMAP_INDEX:
            yield from pages_in(file, address)
            return
        for url in sitemaps_in(file, address, self.latest):
            if host_of(url) == host_of(address):
                yield from pages_in(_file(url, self._fetched(url).content), url)

    def _read(self, page: Page) -> Iterator[Article | UnreadableArticle]:
        answer, names = self._fetched(page.url), FieldMap()
        about = {**page.about, "url": answer.url}
        file = SourceFile(page.url, page.url, partial(open_bytes, answer.content), defaults=about)
        reader = format_of(file)
        if reader.name != "web page":
            raise UnreadableArticle(page.url, f"not a web page, but a {reader.name}")
        if self._originals:
            file = self._originals.keep(file, names.to_stored())
        yield from reader.read(file, names)

    def _fetched(self, url: str) -> Answer:
        answer = self._asked(url)
        if answer.status != FOUND:
            raise UnreadableArticle(url, f"the server answered with status {answer.status}")
        return answer

    def _asked_rules(self, url: str) -> RobotFileParser:
        """The rules of a host for programs: https://www.rfc-editor.org/rfc/rfc9309"""
        rules = RobotFileParser(url)
        answer = self._asked(url)
        text = answer.content.decode(encoding_of(answer.content), "replace")
        rules.parse(text.splitlines() if answer.status == FOUND else [])
        return rules

    def _asked(self, url: str) -> Answer:
        """A final answer; raise _NotNow if there is none yet."""
        try:
            answer = self._fetcher.fetch(url, {})
        except UnreadableArticle as exc:
            raise _NotNow(url, exc.reason) from exc
        if answer.status >= 500 or answer.status in LATER:
            raise _NotNow(url, f"the server answered with status {answer.status}")
        return answer


def _key(page: Page) -> str:
    """Names a page as it was at its instant: one that has changed is fetched again."""
    return f"{page.at.isoformat()} {page.url}"


def _file(url: str, content: bytes) -> SourceFile:
    return SourceFile(url, url, partial(open_bytes, content))
