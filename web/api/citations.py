"""Writes citations of an article: as plain text, BibTeX, RIS and CSL-JSON."""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from backfile.archive.model.article import Article

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
NOT_A_KEY = re.compile(r"[^A-Za-z0-9]+")
WEB = ("http://", "https://")


def plain(article: Article) -> str:
    """Cite in one line: authors, title, source, day, address."""
    day = article.published
    parts = [
        ", ".join(article.authors),
        f"“{article.title}”",
        article.source,
        f"{day.day} {day:%B %Y}" if day else "no date",
        _address(article),
    ]
    return ", ".join(part for part in parts if part)


def bibtex(article: Article) -> str:
    """Cite as an @article; the title keeps its capitals."""
    day = article.published
    fields = {
        "author": " and ".join(f"{{{name.translate(BIBTEX_SPECIAL)}}}" for name in article.authors),
        "title": f"{{{article.title.translate(BIBTEX_SPECIAL)}}}",
        "journal": article.source.translate(BIBTEX_SPECIAL),
        "year": str(day.year) if day else "",
        "month": str(day.month) if day else "",
        "day": str(day.day) if day else "",
        "url": _address(article).translate({ord("{"): "%7B", ord("}"): "%7D"}),
        "language": article.language,
    }
    lines = [f"  {name} = {{{value}}}" for name, value in fields.items() if value]
    key = NOT_A_KEY.sub("-", article.id).strip("-")[:60] or "article"
    return f"@article{{{key},\n" + ",\n".join(lines) + "\n}\n"


def ris(article: Article) -> str:
    """Cite as a news record: https://en.wikipedia.org/wiki/RIS_(file_format)."""
    day = article.published
    tags = [
        ("TY", "NEWS"),
        ("ID", article.id),
        ("TI", article.title),
        *(("AU", name) for name in article.authors),
        ("T2", article.source),
        ("DA", f"{day:%Y/%m/%d}" if day else ""),
        ("PY", str(day.year) if day else ""),
        ("SE", article.section),
        ("LA", article.language),
        ("UR", _address(article)),
        ("ER", ""),
    ]
    lines = (f"{tag}  - {_line(value)}" for tag, value in tags if value or tag == "ER")
    return "\r\n".join(lines) + "\r\n"


def csl(article: Article) -> dict[str, Any]:
    """Cite as a CSL-JSON item: https://docs.citationstyles.org/en/stable/specification.html."""
    day = article.published
    item = {
        "id": article.id,
        "type": "article-newspaper",
        "title": article.title,
        "author": [{"literal": name} for name in article.authors],
        "container-title": article.source,
        "section": article.section,
        "issued": {"date-parts": [[day.year, day.month, day.day]]} if day else None,
        "language": article.language,
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


def _address(article: Article) -> str:
    return article.url if article.url.startswith(WEB) else ""


def _line(value: str) -> str:
    return " ".join(value.split())
