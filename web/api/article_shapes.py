"""The shapes of articles in JSON, and what all shapes have in common."""

from datetime import date, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, WithJsonSchema

from backfile.archive.model.article import DateCertainty, DateSource, TextKind, TitleSource


def open_to_names(schema: dict[str, Any]) -> None:
    """Let clients accept names that a later version adds."""
    schema.pop("additionalProperties", None)


class Shape(BaseModel):
    """An object of which all names are known, and always there."""

    model_config = ConfigDict(extra="forbid", json_schema_extra=open_to_names)


def _instant(value: str) -> str:
    if datetime.fromisoformat(value).tzinfo is None:
        raise ValueError("an instant has an offset from UTC")
    return value


Natural = Annotated[int, Field(ge=0)]
Share = Annotated[float, Field(ge=0, le=1)]
Instant = Annotated[
    str, AfterValidator(_instant), WithJsonSchema({"type": "string", "format": "date-time"})
]
Span = Annotated[list[Natural], Field(min_length=2, max_length=2)]
Day = Annotated[date, Field(description="A calendar day, 2024-03-23.")]
Published = Annotated[
    date, Field(description="A calendar day; null also where only a month or a year is known.")
]
DATE = r"\d{4}(-\d\d(-\d\d)?)?"
Date = Annotated[
    str,
    Field(
        pattern=f"^{DATE}(/{DATE})?$",
        description=(
            "What is known of the date, as in EDTF level 0: a day 2024-03-23, a month 2024-05, a "
            "year 2024, or an interval of these, 2024-03/2024-05."
        ),
    ),
]


class ArticleFields(Shape):
    """The metadata of an article."""

    id: Annotated[str, Field(description="The source's own id; percent-encode it in a path.")]
    title: str
    title_source: Annotated[
        TitleSource, Field(description="`lead`: its first words stand in for a headline.")
    ]
    text_kind: Annotated[
        TextKind, Field(description="`abstract`: the source gives a summary, not the whole text.")
    ]
    source: str
    published: Published | None
    published_at: Instant | None
    date: Date | None
    date_source: DateSource
    date_certainty: DateCertainty
    date_written: Annotated[
        str, Field(description="The date as the source wrote it, if its day is not certain.")
    ]
    version: Annotated[int, Field(description="The source's own number, 0 if it has none.")]
    url: str
    section: str
    authors: list[str]
    language: str


class Passage(Shape):
    """A passage: the article's text from `start` to `end`, in characters, without furniture."""

    id: str
    start: Natural
    end: Natural
    heading: str
    text: str


class Copy(Shape):
    """Another article of the same story."""

    id: str
    title: str
    source: str
    published: Published | None
    date: Date | None
    url: str


class WholeArticle(ArticleFields):
    """A whole article, now or earlier."""

    text: str
    furniture: Annotated[
        list[Span],
        Field(description="The ranges of `text` that recur in its outlet, and are not searched."),
    ]
    copies: list[Copy]
    copies_total: Natural
    passages: list[Passage]


class Article(WholeArticle):
    """A whole article, with the names in its text, most mentioned first, once they were read."""

    people: list[str]
    organisations: list[str]
    places: list[str]


class Kept(Shape):
    """The times of a version."""

    kept_at: Annotated[str, Field(description="When it came in, ISO 8601 in UTC.")]
    replaced_at: Annotated[str, Field(description="Empty for the present version.")]


class Version(WholeArticle, Kept):
    """A version of an article."""


class Withdrawn(Shape):
    """The withdrawal of an article by its source."""

    version: int
    reason: str
    withdrawn_at: str


class History(Shape):
    """All versions of an article, the latest first."""

    versions: Annotated[list[Version], Field(min_length=1)]
    withdrawn: Withdrawn | None


class Outlet(Shape):
    """An outlet among the hits of a search."""

    source: Annotated[str, Field(description="The outlet; empty for hits without one.")]
    articles: Annotated[int, Field(ge=1, description="Its articles, each copy counted.")]
    share: Annotated[Share, Field(description="The share of all articles that were found.")]
    first: Annotated[Date | None, Field(description="The date of its first article.")]
    last: Annotated[Date | None, Field(description="The date of its last article.")]
    first_article: Annotated[ArticleFields | None, Field(description="Null if none has a date.")]


class Outlets(Shape):
    """All hits of a search by outlet; each copy counts for its own outlet."""

    articles: Annotated[Natural, Field(description="The number of articles that were found.")]
    outlets: list[Outlet]
    generation: Annotated[Natural, Field(description="It grows with each change of the archive.")]


class ExportedArticle(ArticleFields):
    """A line of an export, which `backfile index` can read again."""

    text: str
    score: float
