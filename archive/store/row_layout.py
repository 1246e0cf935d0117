"""How articles and passages are laid out in the rows of the catalogue, and read from them."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from itertools import chain
from typing import Any

from backfile.archive.model.addresses import canonical_url
from backfile.archive.model.article import (
    Article,
    DateCertainty,
    DateSource,
    Origin,
    Passage,
    TextKind,
    TitleSource,
)
from backfile.archive.model.dates import DateSpan
from backfile.archive.model.errors import EngineUnavailable


def article_values(article: Article, number: int) -> dict[str, Any]:
    """Lay an article out as a row."""
    return {
        "number": number,
        "id": article.id,
        "title": article.title,
        "title_source": article.title_source.value,
        "text": article.text,
        "text_kind": article.text_kind.value,
        "published": article.date_span.first.toordinal() if article.date_span else None,
        "published_last": article.period.last.toordinal() if article.period else None,
        "published_at": article.published_at.isoformat() if article.published_at else None,
        "date_source": article.date_source.value,
        "date_certainty": article.date_certainty.value,
        "date_written": article.date_written,
        "source": article.source,
        "section": article.section,
        "authors": json.dumps(article.authors, ensure_ascii=False),
        "language": article.language,
        "url": article.url,
        "canonical": canonical_url(article.url) if article.url else "",
        "origin_file": article.origin.file,
        "origin_offset": article.origin.offset,
        "origin_digest": article.origin.digest,
        "version": article.version,
        "digest": article.digest,
    }


def article_of(row: Mapping[str, Any]) -> Article:
    """Read an article back from its row; raise EngineUnavailable if the row is damaged."""
    try:
        return _article_of(row)
    except (ValueError, TypeError, OverflowError) as exc:
        raise EngineUnavailable(
            "the catalogue",
            f"the article {row['id']!r} is damaged; `backfile verify --repair` restores it",
        ) from exc


def is_sound(row: Mapping[str, Any]) -> bool:
    """Whether an article's row is complete, and its digest that of what a reader sees."""
    try:
        return bool(article_of(row).digest == row["digest"])
    except (EngineUnavailable, KeyError, TypeError):
        return False


SEALED = ("number", "id", "date_source", "date_certainty", "canonical", "kept_at")
Cut = tuple[int, int, int, str] | tuple[int, int, int, str, str]


def seal_of(row: Mapping[str, Any], cuts: Iterable[Cut], signature: bytes) -> bytes:
    """Digest of what an article's own digest leaves out, but for its origin, which may change.

    `cuts` are its passages, each as n, start, end, heading, and what is left out if anything is.
    """
    sealed = json.dumps([[row[name] for name in SEALED], *cuts], default=repr)
    return hashlib.blake2b(sealed.encode() + signature, digest_size=16).digest()


def date_span_of(published: int | None, last: int | None) -> DateSpan | None:
    """The date of an article, from the columns `published` and `published_last`."""
    if published is None:
        return None
    first = date.fromordinal(published)
    return DateSpan(first, date.fromordinal(last) if last else first)


def _article_of(row: Mapping[str, Any]) -> Article:
    span = date_span_of(row["published"], row.get("published_last"))  # not in earlier versions
    return Article(
        id=row["id"],
        title=row["title"],
        title_source=TitleSource(row["title_source"]),
        text=row["text"],
        published=span.first if span and span.is_day else None,
        published_at=datetime.fromisoformat(row["published_at"]) if row["published_at"] else None,
        date_source=DateSource(row["date_source"]),
        source=row["source"],
        section=row["section"],
        authors=tuple(json.loads(row["authors"])),
        language=row["language"],
        url=row["url"],
        origin=Origin(row["origin_file"], row["origin_offset"], row["origin_digest"]),
        date_certainty=DateCertainty(row["date_certainty"]),
        date_written=row["date_written"],
        version=row["version"],
        period=span if span and not span.is_day else None,
        text_kind=TextKind(row.get("text_kind", TextKind.WHOLE)),  # not in earlier versions
    )


def passage_of(row: Mapping[str, Any], article: Article) -> Passage:
    """Read a passage back from its row; its text is cut from the article."""
    start, end, gaps = row["start"], row["end"], unpacked_ranges(row["left_out"])
    bounds = [start, *chain.from_iterable(gaps), end]
    body = "".join(article.text[a:b] for a, b in zip(bounds[::2], bounds[1::2], strict=True))
    return Passage(article.id, row["n"], start, end, row["heading"], body, gaps)


def packed_ranges(ranges: Iterable[tuple[int, int]]) -> str:
    """Write ranges as a text.

    >>> packed_ranges([(120, 142), (300, 331)]), unpacked_ranges("120-142 300-331")
    ('120-142 300-331', ((120, 142), (300, 331)))
    """
    return " ".join(f"{start}-{end}" for start, end in ranges)


def unpacked_ranges(packed: str) -> tuple[tuple[int, int], ...]:
    """Read ranges back."""
    bounds = (each.partition("-") for each in packed.split())
    return tuple((int(start), int(end)) for start, _, end in bounds)


def cut_of(row: Mapping[str, Any]) -> Cut:
    """A passage's row as a seal has it."""
    cut = (row["n"], row["start"], row["end"], row["heading"])
    return (*cut, row["left_out"]) if row["left_out"] else cut


def passage_values(passage: Passage, article: int, row: int) -> dict[str, Any]:
    """Lay a passage out as a row, not yet embedded."""
    return {
        "row": row,
        "article": article,
        "n": passage.n,
        "start": passage.start,
        "end": passage.end,
        "heading": passage.heading,
        "left_out": packed_ranges(passage.left_out),
        "embedded": False,
    }
