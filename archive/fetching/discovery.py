"""Finds the feed that a web page names in its head."""

from html.parser import HTMLParser
from urllib.parse import urljoin

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
