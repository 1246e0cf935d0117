"""Reads the metadata of a web page: JSON-LD, OpenGraph and other meta tags."""

import html
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urljoin, urlsplit

from backfile.archive.formats.cleaning import clean_line
from backfile.archive.formats.dates.parsing import parse_date
from backfile.archive.formats.dates.spans import read_span
from backfile.archive.formats.web.page_bylines import Claim, authors_of
from backfile.archive.model.addresses import host_of
from backfile.archive.model.article import DateSource

LONGEST_JSON = 1 << 20  # characters of one block of JSON-LD
MOST_OBJECTS = 1_000  # examined in one block
# Schema.org's kinds of article: NewsArticle, ReportageNewsArticle, BlogPosting and so on.
ARTICLE_KIND = re.compile(r"(?:Article|Posting|Report|Review)$")
TITLE_SEPARATOR = re.compile(r"\s+[|\u2013\u2014·»-]\s+")

TITLES = ("og:title", "twitter:title", "dc.title", "parsely-title")
SITES = ("og:site_name", "application-name", "dc.publisher", "publisher")
SECTIONS = ("article:section", "parsely-section", "section", "sectionname", "og:section")
AUTHORS = ("author", "byl", "dc.creator", "parsely-author", "sailthru.author", "article:author")
LANGUAGES = ("content-language", "language", "dc.language", "og:locale")
DAYS = (
    *("article:published_time", "datepublished", "og:published_time", "article:published"),
    *(
        "parsely-pub-date",
        "sailthru.date",
        "pubdate",
        "publishdate",
        "publish-date",
        "publish_date",
    ),
    *("dc.date.issued", "dcterms.created", "dcterms.issued", "dc.date", "date", "originaldate"),
)

Marks = Mapping[str, list[str]]


def metadata_of(tree: Any, address: str) -> dict[str, Any]:
    """Title, source, section, authors, language and url of a page, as fields of a record.

    `address` is the address of the page, or empty; `published` is the date in JSON-LD alone: see
    `day_in`. `body` is the text in JSON-LD, which few pages have.
    """
    marks, linked = _marks(tree), _linked(tree)
    url = _canonical(tree, marks, address)
    site = _first(marks, SITES) or _name(linked.get("publisher"))
    site = site or host_of(url).removeprefix("www.")
    return {
        "title": _title(tree, marks, linked, site),
        "source": site,
        "section": _first(marks, SECTIONS) or _name(linked.get("articleSection")),
        "authors": authors_of(tree, _claims(tree, marks, linked), (site, host_of(url))),
        "language": tree.get("lang") or _first(marks, LANGUAGES) or _name(linked.get("inLanguage")),
        "url": url,
        "published": _name(linked.get("datePublished")),
        "body": body if isinstance(body := linked.get("articleBody"), str) else "",
    }


def day_in(tree: Any, record: Mapping[str, Any], address: str) -> tuple[str, DateSource]:
    """The date of publication as written, and whether it comes from metadata or the page's text.

    Metadata come before a guess from the address or the text. Metadata without a valid date are
    returned only if there is nothing else.
    """
    marks = _marks(tree)
    marked = [
        str(record.get("published", "")),
        *(each for name in DAYS for each in marks.get(name, ())),
    ]
    marked += tree.xpath("//time[@pubdate]/@datetime")
    for read in (parse_date, read_span):  # htmldate would make a day of a month or a year
        for written in map(str, marked):
            if read(written):
                return written, DateSource.META
    from htmldate import find_date

    try:
        guessed = find_date(tree, extensive_search=False, original_date=True, url=address or None)
    except (ValueError, TypeError, OverflowError, RecursionError):
        guessed = None
    if guessed:
        return guessed, DateSource.TEXT
    return next((str(each) for each in marked if each), ""), DateSource.META


def _marks(tree: Any) -> Marks:
    """The contents of the page's meta tags by name, in lower case, in the page's order."""
    marks: dict[str, list[str]] = {}
    for element in tree.xpath("//meta[@content]|//*[@itemprop='datePublished']"):
        names = [element.get(kind) for kind in ("property", "name", "itemprop", "http-equiv")]
        content = element.get("content") or element.get("datetime") or ""
        for name in filter(None, names):
            if content.strip():
                marks.setdefault(name.casefold(), []).append(content.strip())
    return marks


def _linked(tree: Any) -> dict[str, Any]:
    """The first article in the page's JSON-LD; empty if there is none."""
    for thing in _things(tree):
        kinds = thing.get("@type")
        kinds = kinds if isinstance(kinds, list) else [kinds]
        if any(ARTICLE_KIND.search(kind) for kind in kinds if isinstance(kind, str)):
            return thing
    return {}


def _things(tree: Any) -> Iterator[dict[str, Any]]:
    """All objects in the page's JSON-LD."""
    for script in tree.xpath("//script[contains(@type, 'ld+json')]/text()"):
        if len(script) > LONGEST_JSON:
            continue
        try:
            found = json.loads(script, strict=False)
        except (ValueError, RecursionError):
            continue
        yield from _objects(found)


def _objects(value: Any) -> Iterator[dict[str, Any]]:
    """Walk all objects in a JSON value, the outer ones first."""
    waiting = [value]
    for _ in range(MOST_OBJECTS):
        if not waiting:
            return
        value = waiting.pop(0)
        if isinstance(value, dict):
            yield value
            waiting += [each for each in value.values() if isinstance(each, dict | list)]
        elif isinstance(value, list):
            waiting += [each for each in value if isinstance(each, dict | list)]


def _title(tree: Any, marks: Marks, linked: Mapping[str, Any], site: str) -> str:
    given = _name(linked.get("headline")) or _first(marks, TITLES)
    if not given:
        headings = [" ".join(found.text_content().split()) for found in tree.xpath("//h1")]
        given = headings[0] if len(headings) == 1 else ""
    if not given:
        given = clean_line(html.unescape(" ".join(tree.xpath("//head/title/text()"))))
    return _without_site(given, site)


def _without_site(title: str, site: str) -> str:
    """Remove the site's name from the end of a title.

    >>> _without_site("Bridge closed - The Courier", "The Courier")
    'Bridge closed'
    """
    *before, last = TITLE_SEPARATOR.split(title)
    return (
        title[: title.rindex(last)].rstrip(" |\u2013\u2014·»-")
        if before and last == site
        else title
    )


def _claims(tree: Any, marks: Marks, linked: Mapping[str, Any]) -> Iterator[Claim]:
    """The authors that the metadata name, the surest first."""
    authors = linked.get("author")
    authors = authors if isinstance(authors, list) else [authors]
    are_referred = any(isinstance(each, dict) and not each.get("name") for each in authors)
    if are_referred:  # to the account of who published the page
        named = {each["@id"]: each for each in _things(tree) if _has_id(each) and each.get("name")}
        authors = [_referred(each, named) for each in authors]
    yield Claim(
        [_name(each) for each in authors], not are_referred and not any(map(_is_office, authors))
    )
    for name in AUTHORS:
        yield Claim([each for each in marks.get(name, ()) if "://" not in each][:1])


def _has_id(thing: Mapping[str, Any]) -> bool:
    return isinstance(thing.get("@id"), str)


def _referred(author: Any, named: Mapping[str, Any]) -> Any:
    """The object that another one refers to by its `@id`."""
    name = author.get("@id") if isinstance(author, dict) and not author.get("name") else None
    return named.get(name, author) if isinstance(name, str) else author


def _is_office(author: Any) -> bool:
    kind = author.get("@type") if isinstance(author, dict) else ""
    return "Organi" in str(kind)


def _canonical(tree: Any, marks: Marks, address: str) -> str:
    """The page's canonical address, unless that is the address of the whole site."""
    for each in (*tree.xpath("//link[@rel='canonical']/@href"), *marks.get("og:url", ())):
        try:
            url = urljoin(address, str(each).strip())
            parts = urlsplit(url)
        except ValueError:
            continue
        if parts.scheme in ("http", "https") and (parts.path.strip("/") or parts.query):
            return url
    return address


def _first(marks: Marks, names: tuple[str, ...]) -> str:
    """The content of the first of these meta tags that the page has."""
    return next((html.unescape(marks[name][0]) for name in names if name in marks), "")


def _name(value: Any) -> str:
    """The name in a value: a string, the name of an object, or the first name in a list."""
    if isinstance(value, list):
        return next(
            (name for each in value[:10] if not isinstance(each, list) if (name := _name(each))), ""
        )
    if isinstance(value, dict):
        value = value.get("name")
    return clean_line(html.unescape(value)) if isinstance(value, str) else ""
