"""Ids of articles: which are unique everywhere, and which are made of an address or of the content.

Numbers, and names such as `news-12`, are unique only within a feed or an outlet. Where articles of
two outlets claim one such id, or one outlet uses it for two stories, the first article keeps it and
the other one gets a scoped id: the same id, and behind it `~` with a hash of what tells it apart.
"""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import replace

from backfile.archive.model.addresses import canonical_url, site_of
from backfile.archive.model.article import Article, Origin, TextKind
from backfile.archive.model.dates import DateSpan

GLOBAL = re.compile(
    r"""[a-z][a-z0-9+.-]*://\S                                # an address
      | (?:tag|urn|doi|hdl|ark|info|oai|mid|cid):\S           # a scheme that someone registers
      | 10\.\d{4,9}/\S                                        # a DOI without its scheme
      | [^\s@]+@[^\s@]+\.[^\s@]+\Z                            # the Message-ID of a mail
      | \{?[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\}?\Z   # a UUID
      | url-[0-9a-f]{20}\Z | [0-9a-f]{32,}\Z                 # a hash of an address, or any hash
    """,
    re.I | re.X,
)
UNNAMED = re.compile(r"(?:text|part|file|entry)-[0-9a-f]{20}(?:~[0-9a-f]{12})*\Z")
DERIVED = re.compile(r"(?:text|part|file)-[0-9a-f]{20}(?:~[0-9a-f]{12})*\Z")
PART = "part-"
SCOPE = re.compile(r"~[0-9a-f]{12}\Z")


def is_global(article_id: str) -> bool:
    """Whether an id is unique everywhere, and not only within its feed or outlet.

    >>> [is_global(each) for each in ("tag:bote.example,2024:1", "7@list.example", "news-12", "1")]
    [True, True, False, False]
    """
    return bool(GLOBAL.match(article_id))


def is_derived(article_id: str) -> bool:
    """Whether an id stands for an article that has neither an id nor an address of its own.

    It is made of the content; `file-` and most `part-` in older archives are made of the path.
    """
    return bool(DERIVED.match(article_id))


def is_unnamed(article_id: str) -> bool:
    """Whether an id was made by us of anything but an address."""
    return bool(UNNAMED.match(article_id))


def is_part(article_id: str) -> bool:
    """Whether an id is that of an article whose place others share."""
    return is_derived(article_id) and article_id.startswith(PART)


def id_of_address(url: str) -> str:
    """Make an id of an address; all addresses of one page give the same."""
    return f"url-{_hash(canonical_url(url), 20)}"


def id_of_content(article: Article, prefix: str = "text-") -> str:
    """Make an id of all that a reader can see."""
    # Archives of before did not know which texts are abstracts; their ids stay.
    return prefix + replace(article, text_kind=TextKind.WHOLE).digest.hex()[:20]


def with_part_id(article: Article) -> Article:
    """Change an id made of the content, for an article whose place others share."""
    if not is_derived(article.id):
        return article
    return replace(article, id=id_of_content(article, PART))


def folded(title: str) -> str:
    """Fold a title for comparison: its letters and figures, without case.

    >>> folded("Bridge closed!") == folded("BRIDGE  CLOSED")
    True
    """
    return "".join(filter(str.isalnum, title.casefold()))


def scoped_ids(
    article_id: str, source: str, url: str, date_span: DateSpan | None, title: str = ""
) -> Iterator[str]:
    """The ids for an article whose own id another one has, in the order in which to try them.

    They are made of its outlet; of that and its day; and of its title and its host, too.
    """
    given = SCOPE.sub("", article_id)
    host = site_of(url) if url else ""
    parts = (source.casefold() or host, str(date_span), f"{folded(title)} {host}")
    for length in (1, 2, 3):
        yield scoped_id(given, "\n".join(parts[:length]))


def scoped_id(given: str, scope: str) -> str:
    """An id, and a hash of what tells its article from others with that id."""
    return f"{given}~{_hash(scope, 12)}"


def candidate_ids(article: Article) -> tuple[str, ...]:
    """The ids under which an archive may hold an article, or take it in; its own comes first."""
    scoped = scoped_ids(article.id, article.source, article.url, article.date_span, article.title)
    return article.id, *scoped


def place_mark(origin: Origin) -> str:
    """Stands in the list of removals for a place of the input, with the bytes that were there."""
    return f"place-{_hash(f'{origin} {origin.digest}', 20)}"


def former_ids(key: str, offset: int) -> tuple[str, ...]:
    """The ids that older releases made of a file's path below the input, and of a line in it."""
    in_file = _hash(f"{key}#{offset}", 20)
    return f"file-{_hash(key, 20)}", f"file-{in_file}", f"part-{in_file}"


def _hash(text: str, digits: int) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:digits]
