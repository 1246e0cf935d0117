"""Fetches the new pages that a sitemap lists: one after the other, as its host allows."""

import time
from collections.abc import Callable, Iterator
from datetime import datetime
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

MOST_PAGES = 100  # of one sitemap in one run, the latest
PAUSE, LONGEST_PAUSE = 1.0, 10.0  # seconds between two pages; the host may ask for more
AGENT = "Backfile"
FOUND = 200


class SitemapReading:
    """One reading of a sitemap; iterate it for the articles of its new pages.

    `latest` is then the instant of the newest page that was fetched.
    """

    def __init__(
        self,
        answer: Answer,
        since: datetime | None,
        fetcher: Fetcher,
        *,
        originals: OriginalStore | None,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        """Take the answer to a request for the sitemap, and the `latest` of the last reading."""
        self._answer = answer
        self._fetcher = fetcher
        self._originals = originals
        self._pause = pause
        self.latest = since or NEVER
        self._rules = cache(self._asked_rules)  # by host: each is asked once

    def __iter__(self) -> Iterator[Article | UnreadableArticle]:
        host, waited = host_of(self._answer.url), True
        for page in sorted(self._new_pages(), key=lambda page: page.at)[-MOST_PAGES:]:
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
            self.latest = max(self.latest, page.at)

    def _new_pages(self) -> Iterator[Page]:
        since = self.latest
        file, address = _file(self._answer.url, self._answer.content), self._answer.url
        if kind_of(file) != SITEMAP_INDEX:
            yield from (page for page in pages_in(file, address) if page.at > since)
            return
        for url in sitemaps_in(file, address, since):
            if host_of(url) == host_of(address):
                content = self._fetched(url).content
                yield from (page for page in pages_in(_file(url, content), url) if page.at > since)

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
        answer = self._fetcher.fetch(url, {})
        if answer.status != FOUND:
            raise UnreadableArticle(url, f"the server answered with status {answer.status}")
        return answer

    def _asked_rules(self, url: str) -> RobotFileParser:
        """The rules of a host for programs: https://www.rfc-editor.org/rfc/rfc9309"""
        rules = RobotFileParser(url)
        answer = self._fetcher.fetch(url, {})
        if answer.status >= 500:
            raise UnreadableArticle(url, f"the server answered with status {answer.status}")
        text = answer.content.decode(encoding_of(answer.content), "replace")
        rules.parse(text.splitlines() if answer.status == FOUND else [])
        return rules


def _file(url: str, content: bytes) -> SourceFile:
    return SourceFile(url, url, partial(open_bytes, content))
