"""The nouns of the archive: an article, its origin, and its passages."""

import hashlib
import json
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

from backfile.archive.model.dates import DateSpan


class DateSource(StrEnum):
    """Where an article's day comes from."""

    FIELD = "field"
    META = "meta"
    TEXT = "text"
    FILE = "file"
    NONE = "none"


class DateCertainty(StrEnum):
    """How certain an article's day is."""

    CERTAIN = "certain"
    """The written date has one reading only."""
    LIKELY = "likely"
    """The order of day and month is assumed, or the day comes from beside the date field."""
    DOUBTFUL = "doubtful"
    """The day lies in the future, or the written date is not in the calendar (then no day)."""
    NONE = "none"


class TitleSource(StrEnum):
    """Where the title comes from: the source, or the first sentence (shortened)."""

    GIVEN = "given"
    LEAD = "lead"


class TextKind(StrEnum):
    """How much of the article its text is."""

    WHOLE = "whole"
    ABSTRACT = "abstract"
    """A summary or the beginning: the source gives no more."""


PROGRAM = "<python>"  # no path that a person would use
STANDARD_INPUT = "<stdin>"

RECEIVED = "<api>/"  # before the number of the job by which an article was received over HTTP


@dataclass(frozen=True, slots=True)
class Origin:
    """The file an article comes from, and its line or record number (1 for a whole file).

    `file` is PROGRAM, and the line its number among others, where a program gave the article, and
    STANDARD_INPUT where it was read from there.
    `file` is RECEIVED and the number of a job, and the line one of that job, where it came by HTTP.
    `digest` is the SHA-256 of the file's bytes, in hex; empty where these were not kept.
    """

    file: str
    offset: int
    digest: str = field(default="", compare=False)

    @property
    def is_received(self) -> bool:
        """Whether the article was received over HTTP: then its id alone says which one it is."""
        return self.file.startswith(RECEIVED)

    @property
    def is_passing(self) -> bool:
        """Whether the next run has other articles at this place."""
        return self.file in (PROGRAM, STANDARD_INPUT)

    @property
    def path(self) -> Path:
        """The file on disk; `file` names a member of it after `!/`."""
        return Path(self.file.partition("!/")[0])

    def __str__(self) -> str:
        return f"{self.file}:{self.offset}"


@dataclass(frozen=True, slots=True)
class Article:
    """One article, read and cleaned.

    `published` is the calendar day as the source writes it: no time zone ever moves it.
    `published_at` is the instant, if the source gives one. `period` is the month, the year or the
    interval, if the source gives no day: then `published` is None. An absent source, section,
    language or url is the empty string. `date_written` is the source's text for a date that is not
    certain. `version` is the source's version number, 0 if it has none. `left_out` names a field of
    the source with more than ten times as much text as was read; it is reported, and not stored.
    """

    id: str
    title: str
    title_source: TitleSource
    text: str
    published: date | None
    published_at: datetime | None
    date_source: DateSource
    source: str
    section: str
    authors: tuple[str, ...]
    language: str
    url: str
    origin: Origin
    date_certainty: DateCertainty = DateCertainty.NONE
    date_written: str = ""
    version: int = 0
    period: DateSpan | None = None
    text_kind: TextKind = TextKind.WHOLE
    left_out: str = field(default="", compare=False)

    @property
    def date_span(self) -> DateSpan | None:
        """The day, month, year or interval of publication; None if nothing is known."""
        return DateSpan(self.published, self.published) if self.published else self.period

    @property
    def given_title(self) -> str:
        """The title, or nothing if it was made of the first sentence."""
        return self.title if self.title_source is TitleSource.GIVEN else ""

    @property
    def digest(self) -> bytes:
        """SHA-256 of everything a reader can see; the origin is not included."""
        visible: list[object] = [
            self.title,
            self.title_source,
            self.text,
            self.published.isoformat() if self.published else None,
            self.published_at.isoformat() if self.published_at else None,
            self.source,
            self.section,
            self.authors,
            self.language,
            self.url,
        ]
        # Added only if not empty, so that digests of older archives stay valid.
        visible += [self.date_written] if self.date_written else []
        visible += [self.version] if self.version else []
        visible += [str(self.period)] if self.period else []
        visible += [self.text_kind] if self.text_kind is not TextKind.WHOLE else []
        return hashlib.sha256(json.dumps(visible).encode()).digest()


class ArticleNames(NamedTuple):
    """The names in an article's text, most mentioned first; empty until they are read."""

    people: tuple[str, ...] = ()
    organisations: tuple[str, ...] = ()
    places: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Passage:
    """A part of an article's text: `article.text[start:end]`, in characters, is its `text`.

    The ranges `left_out`, in characters of the article, are not in its text: they are furniture.
    """

    article_id: str
    n: int
    start: int
    end: int
    heading: str
    text: str
    left_out: tuple[tuple[int, int], ...] = ()

    @property
    def id(self) -> str:
        return f"{self.article_id}:{self.n}"


def shortened(text: str, limit: int = 110) -> str:
    """Cut a sentence to the length of a headline, after a word.

    >>> shortened("The bridge over the river Ash is closed.", 24)
    'The bridge over the…'
    """
    text = " ".join(text.split())
    if len(text) <= limit:
        return text
    return text[:limit].rsplit(" ", 1)[0].rstrip(" ,;:–—-") + "…"
