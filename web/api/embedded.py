"""Describes an article inside a page, for reference managers: COinS, `citation_*` and JSON-LD."""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

from markupsafe import Markup

from backfile.archive.model.article import Article
from backfile.web.links import outlet_url

LONGEST = 200  # characters of a value; some articles come with a paragraph as headline
MOST_AUTHORS = 10
CONTEXT = (
    ("ctx_ver", "Z39.88-2004"),
    ("rft_val_fmt", "info:ofi/fmt:kev:mtx:dc"),
    ("rft.type", "newspaperArticle"),  # Zotero's own type, which Dublin Core has no word for
)
COINS = Markup('<span class="Z3988" title="{}"></span>')
META = Markup('<meta name="{}" content="{}">\n')
LINKED_DATA = Markup('<script type="application/ld+json">{}</script>')
IN_SCRIPT = {ord(sign): f"\\u{ord(sign):04x}" for sign in "<>&\u2028\u2029"}


def coins(article: Article) -> Markup:
    """A ContextObject in SPAN, by which Zotero finds each article of a list.

    https://www.zotero.org/support/dev/exposing_metadata
    """
    fields = [
        ("rft.title", article.title),
        *(("rft.creator", name) for name in article.authors[:MOST_AUTHORS]),
        ("rft.source", article.source),
        ("rft.date", str(article.date_span or "")),
        ("rft.language", article.language),
        ("rft.identifier", outlet_url(article.url)),
    ]
    described = [(name, value[:LONGEST]) for name, value in fields if value]
    return COINS.format(urlencode([*CONTEXT, *described], errors="replace"))


def citation_tags(article: Article, page: str) -> Markup:
    """The `citation_*` tags of an article; its own `page` stands for an original without address.

    https://scholar.google.com/intl/en/scholar/inclusion.html#indexing
    """
    return Markup("").join(META.format(name, value) for name, value in _tags(article, page))


def _tags(article: Article, page: str) -> Iterator[tuple[str, str]]:
    fields = {
        "citation_title": (article.title,),
        "citation_author": article.authors[:MOST_AUTHORS],
        "citation_publication_date": (_begin(article).replace("-", "/"),),
        "citation_journal_title": (article.source,),
        "citation_language": (article.language,),
        "citation_public_url": (outlet_url(article.url) or page,),
    }
    for name, values in fields.items():
        yield from ((name, value) for value in values if value)


def linked_data(article: Article, page: str) -> Markup:
    """An article as a NewsArticle of https://schema.org in JSON-LD: data, which is never run."""
    values: dict[str, Any] = {
        "@context": "https://schema.org",
        "@type": "NewsArticle",
        "headline": article.title,
        "author": [{"@type": "Person", "name": name} for name in article.authors[:MOST_AUTHORS]],
        "datePublished": _instant(article),
        "publisher": {"@type": "Organization", "name": article.source} if article.source else None,
        "articleSection": article.section,
        "inLanguage": article.language,
        "url": outlet_url(article.url) or page,
        "archivedAt": page,
        "identifier": article.id,
    }
    known = {name: value for name, value in values.items() if value}
    written = json.dumps(known, ensure_ascii=False).translate(IN_SCRIPT)
    return LINKED_DATA.format(Markup(written))  # noqa: S704, no sign of HTML is left in it


def _instant(article: Article) -> str:
    """The instant of publication in ISO 8601, or what is known of it."""
    return article.published_at.isoformat() if article.published_at else _begin(article)


def _begin(article: Article) -> str:
    """The day, month or year of an article, or the one in which an interval begins."""
    return str(article.date_span or "").partition("/")[0]
