"""Writes citations of an article: as plain text, BibTeX, RIS and CSL-JSON."""

import json
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from hashlib import blake2b
from typing import Any

from babel.dates import format_interval

from backfile.archive.model.article import Article, TextKind
from backfile.archive.model.dates import DateSpan

# https://www.bibtex.org/SpecialSymbols/
BIBTEX_SPECIAL = str.maketrans(
    {
        "\\": r"\textbackslash{}",
        # By name: BibTeX counts braces, also those behind a backslash.
        "{": r"\textbraceleft{}",
        "}": r"\textbraceright{}",
        "&": r"\&",
        "%": r"\%",
        "$": r"\$",
        "#": r"\#",
        "_": r"\_",
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
    }
)
LONGEST_KEY, DIGEST = 60, 4  # characters; bytes
NOT_A_KEY = re.compile(r"[^A-Za-z0-9]+")
THIN_SPACE = "\N{THIN SPACE}"
SPACED_DASH = re.compile(r"(?<=[^\W\d_])\s–\s(?=[^\W\d_]+\s\d{4}$)")  # of two months
DATABASE = "Backfile"  # that a record is from
WEB = ("http://", "https://")
INNER_QUOTATION = str.maketrans("“”", "‘’")  # of a title that stands in quotation marks itself


def plain(article: Article) -> str:
    """Cite in one line: authors, title, source, date, address."""
    parts = [
        ", ".join(article.authors),
        f"“{article.title.translate(INNER_QUOTATION)}”",
        article.source,
        in_english(article.date_span),
        _address(article),
    ]
    return ", ".join(part for part in parts if part)


def bibtex(article: Article) -> str:
    """Cite as an @article; the title keeps its capitals.

    `date` is biblatex's field, for an interval or an instant. A text is too much for BibTeX, which
    limits the length of a field; an abstract is not.
    """
    span = article.date_span
    fields = {
        "author": " and ".join(f"{{{name.translate(BIBTEX_SPECIAL)}}}" for name in article.authors),
        "title": f"{{{article.title.translate(BIBTEX_SPECIAL)}}}",
        "journal": article.source.translate(BIBTEX_SPECIAL),
        "date": _exact_date(article),
        "year": _years(span) if span else "",
        "month": str(span.first.month) if span and (span.is_day or span.is_month) else "",
        "day": str(span.first.day) if span and span.is_day else "",
        "url": _address(article).translate({ord("{"): "%7B", ord("}"): "%7D"}),
        "language": article.language,
        "abstract": _latex(_abstract(article)),
        # No style shows these two: what the key and the entry would lose.
        "id": article.id.translate(BIBTEX_SPECIAL) if _key(article.id) != article.id else "",
        "section": article.section.translate(BIBTEX_SPECIAL),
    }
    lines = [f"  {name} = {{{value}}}" for name, value in fields.items() if value]
    return f"@article{{{_key(article.id)},\n" + ",\n".join(lines) + "\n}\n"


def ris(article: Article, *, with_text: bool = False) -> str:
    """Cite as a news record: https://en.wikipedia.org/wiki/RIS_(file_format).

    With its text, if that is no abstract, as a note (N1).
    """
    span = article.date_span
    is_note = with_text and not _abstract(article)
    tags = [
        ("TY", "NEWS"),
        ("ID", article.id),
        ("TI", article.title),
        *(("AU", name) for name in article.authors),
        ("T2", article.source),
        ("DA", _ris_date(article, span) if span else ""),
        ("PY", str(span.first.year) if span else ""),
        ("SE", article.section),
        ("LA", article.language),
        ("UR", _address(article)),
    ]
    texts = [("AB", _abstract(article)), ("N1", article.text if is_note else "")]
    lines = [f"{tag}  - {_line(value)}" for tag, value in tags if value]
    # Lines without a tag go on with the value before them; none may look as if it had one.
    lines += [f"{tag}  - " + value.strip().replace("\n", "\r\n ") for tag, value in texts if value]
    return "\r\n".join([*lines, f"DB  - {DATABASE}", "ER  - "]) + "\r\n"


def csl(article: Article) -> dict[str, Any]:
    """Cite as a CSL-JSON item: https://docs.citationstyles.org/en/stable/specification.html."""
    span = article.date_span
    item = {
        "id": article.id,
        "type": "article-newspaper",
        "title": article.title,
        "author": [{"literal": name} for name in article.authors],
        "container-title": article.source,
        "section": article.section,
        "issued": {"date-parts": _date_parts(span)} if span else None,
        "language": article.language,
        "abstract": _abstract(article),
        "URL": _address(article),
    }
    return {name: value for name, value in item.items() if value}


STYLES: Mapping[str, tuple[str, Callable[[Article], Any]]] = {
    "plain": ("text/plain; charset=utf-8", plain),
    "bibtex": ("application/x-bibtex; charset=utf-8", bibtex),
    "ris": ("application/x-research-info-systems; charset=utf-8", ris),
    "csl": ("application/vnd.citationstyles.csl+json", csl),
}
"""By the style's name in URLs: the media type, and the function that writes the citation."""


def written(article: Article) -> dict[str, str]:
    """All citations of an article, by the name of the style."""
    cited = {style: write(article) for style, (_, write) in STYLES.items()}
    return cited | {"csl": json.dumps(cited["csl"], ensure_ascii=False, indent=2)}


def in_english(span: DateSpan | None) -> str:
    """A date in words.

    >>> in_english(DateSpan.parse("2024-03-23")), in_english(DateSpan.parse("2024-03/2024-04"))
    ('23 March 2024', 'March–April 2024')
    >>> in_english(DateSpan.parse("2023-12/2024-01"))
    'December 2023 – January 2024'
    """
    if span is None:
        return "no date"
    if span.is_day:
        return f"{span.first.day} {span.first:%B %Y}"
    if span.is_interval:
        skeleton = {"y": "y", "yM": "yMMMM", "yMd": "yMMMd"}[span.fields]
        shown = format_interval(span.first, span.last, skeleton, locale="en_GB")
        return SPACED_DASH.sub("–", str(shown).replace(THIN_SPACE, " "))
    return f"{span.first:%B %Y}" if span.is_month else str(span.first.year)


def _key(article_id: str) -> str:
    """A key that no other article of a file has; BibTeX does not tell upper from lower case.

    >>> _key("cc-2023-002"), _key("https://bote.example/a?b=1")
    ('cc-2023-002', 'https-bote-example-a-b-1-b4809de0')
    """
    key = NOT_A_KEY.sub("-", article_id.lower()).strip("-")[:LONGEST_KEY]
    if key == article_id:
        return key
    digest = blake2b(article_id.encode("utf-8", "replace"), digest_size=DIGEST).hexdigest()
    return f"{key or 'article'}-{digest}"


def _years(span: DateSpan) -> str:
    first, last = span.first.year, span.last.year
    return str(first) if first == last else f"{first}--{last}"


def _ris_date(article: Article, span: DateSpan) -> str:
    """Year, month, day and other information such as the time, each empty if it is not known."""
    first = span.first
    if span.is_day:
        instant = _instant(article)
        return f"{first:%Y/%m/%d}" + (f"/{instant.timetz().isoformat()}" if instant else "")
    month = f"{first:%m}" if span.is_month else ""
    return f"{first:%Y}/{month}//{in_english(span) if span.is_interval else ''}"


def _date_parts(span: DateSpan) -> list[list[int]]:
    """The fields that are known, of one date or of the ends of an interval."""
    ends = (span.first, span.last) if span.is_interval else (span.first,)
    return [[day.year, day.month, day.day][: len(span.fields)] for day in ends]


def _instant(article: Article) -> datetime | None:
    """The instant of an article, if it lies in its day where it was written."""
    instant = article.published_at
    return instant if instant and instant.date() == article.published else None


def _exact_date(article: Article) -> str:
    """An interval or an instant, for which BibTeX has no fields; else empty."""
    span = article.date_span
    if span and span.is_interval:
        return str(span)
    instant = _instant(article)
    return instant.isoformat() if instant else ""


def _abstract(article: Article) -> str:
    return article.text if article.text_kind is TextKind.ABSTRACT else ""


def _latex(text: str) -> str:
    r"""A text of several paragraphs.

    >>> _latex("Rain & snow.\n\nIt fell.")
    'Rain \\& snow. \\par It fell.'
    """
    paragraphs = (" ".join(each.split()) for each in text.translate(BIBTEX_SPECIAL).split("\n\n"))
    return r" \par ".join(paragraphs)


def _address(article: Article) -> str:
    return article.url if article.url.startswith(WEB) else ""


def _line(value: str) -> str:
    return " ".join(value.split())
