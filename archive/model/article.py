"""The nouns of the archive: an article as it was read, and the passages it is cut into."""

import hashlib
import json
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path


class DateSource(StrEnum):
    """Where an article's day comes from."""

    FIELD = "field"
    META = "meta"
    TEXT = "text"
    FILE = "file"
    NONE = "none"


class DateCertainty(StrEnum):
    """How sure an article's day is."""

    CERTAIN = "certain"
    """Written so that it can be read in one way only."""
    LIKELY = "likely"
    """The order of day and month, or the place where it was found, had to be assumed."""
    DOUBTFUL = "doubtful"
    """It lies in the future, or is no day of the calendar, and then there is none."""
    NONE = "none"


class TitleSource(StrEnum):
    """Whether the title was given, or is the first sentence, shortened, in place of one."""

    GIVEN = "given"
    LEAD = "lead"


PROGRAM = "<python>"  # as Python itself has `<stdin>`: no path that a person would use


@dataclass(frozen=True, slots=True)
class Origin:
    """Where an article was read: a file, and the line or record in it (1 for a whole file).

    `file` is PROGRAM, and the line its number among others, where a program gave the article.
    `digest` is the SHA-256 of the file's bytes, in hex; empty where these were not kept.
    """

    file: str
    offset: int
    digest: str = field(default="", compare=False)

    @property
    def path(self) -> Path:
        """The file on disk; what lies in it is named behind `!/`."""
        return Path(self.file.partition("!/")[0])

    def __str__(self) -> str:
        return f"{self.file}:{self.offset}"


@dataclass(frozen=True, slots=True)
class Article:
    """One article as it was read and cleaned.

    `published` is the calendar day the source names, in the source's own calendar: no time zone
    ever moves it. `published_at` is the instant, where the source gives one. An absent source,
    section, language or url is the empty string. `date_written` is what the source wrote for the
    day where that is not certain. `version` is the source's own, 0 where it counts none.
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

    @property
    def given_title(self) -> str:
        """The title, or nothing where the first sentence only stands in for one."""
        return self.title if self.title_source is TitleSource.GIVEN else ""

    @property
    def digest(self) -> bytes:
        """SHA-256 over all that a reader of the article can see; the origin is not part of it."""
        seen: list[object] = [
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
        # Only where there is something, so that digests from before still hold.
        seen += [self.date_written] if self.date_written else []
        seen += [self.version] if self.version else []
        return hashlib.sha256(json.dumps(seen).encode()).digest()


@dataclass(frozen=True, slots=True)
class Passage:
    """A stretch of an article: `article.text[start:end] == passage.text`, in characters."""

    article_id: str
    n: int
    start: int
    end: int
    heading: str
    text: str

    @property
    def id(self) -> str:
        return f"{self.article_id}:{self.n}"


def shortened(text: str, limit: int = 110) -> str:
    """Cut a sentence to a headline's length, at a word.

    >>> shortened("The bridge over the river Ash is closed.", 24)
    'The bridge over the…'
    """
    text = " ".join(text.split())
    if len(text) <= limit:
        return text
    return text[:limit].rsplit(" ", 1)[0].rstrip(" ,;:–—-") + "…"
