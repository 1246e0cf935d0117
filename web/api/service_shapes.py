"""The shapes of the service itself: its health, its parts, and the jobs that write."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from backfile.archive.formats.records import LONGEST_ID
from backfile.archive.store.jobs import MOST_REFUSALS, JobKind, JobStatus
from backfile.index.search.readiness import Status
from backfile.web.api.article_shapes import Natural, Shape, Share, open_to_names


class PartReady(Shape):
    """A part of the archive; `absent`: nothing is embedded, so it is not needed."""

    status: Status
    detail: Annotated[str, Field(description="What is wrong, and what to do.")] = ""


class Alive(Shape):
    """The process answers."""

    status: Literal["ok"]


class Disk(Shape):
    """The file system of the archive; a read-only archive is served as well."""

    free_bytes: Natural
    writable: bool


class Ready(Shape):
    """The archive can be searched: by words and by meaning, or `degraded`, not by all of them."""

    status: Literal["ok", "degraded"]
    generation: Natural
    coverage: Share
    generation_seconds: Annotated[
        float, Field(ge=0, description="Since this process switched to this generation.")
    ]
    behind: Annotated[Natural, Field(description="Changes since, which are being opened.")]
    parts: Annotated[
        dict[str, PartReady],
        Field(
            description="`record`, `words`, `vectors`, `model`; `shards` and `replicas` if divided."
        ),
    ]
    disk: Disk | None


class JobRefusal(Shape):
    """A line that did not become an article."""

    line: Annotated[int, Field(ge=1)]
    reason: str


class Job(Shape):
    """What was received, and what became of it; the counts are of articles."""

    id: str
    kind: JobKind
    status: JobStatus
    waits_for: Annotated[str, Field(description="What keeps the writer from it, if known.")]
    reason: Annotated[str, Field(description="Why the job failed.")]
    finished_at: Annotated[str, Field(description="ISO 8601 in UTC; null before.")] | None
    added: Natural
    updated: Natural
    unchanged: Annotated[Natural, Field(description="They were in the archive already.")]
    removed: Natural
    refused: Annotated[Natural, Field(description="Lines that did not become an article.")]
    refusals: Annotated[
        list[JobRefusal], Field(description=f"At most the first {MOST_REFUSALS} of them.")
    ]


class SentArticle(BaseModel):
    """An article as it is sent. Names are read as in a file of JSON Lines: `headline`, `body`, …"""

    model_config = ConfigDict(extra="allow", json_schema_extra=open_to_names)

    id: Annotated[str, Field(max_length=LONGEST_ID)] = ""
    title: str = ""
    text: Annotated[str, Field(min_length=1, description="Paragraphs with empty lines between.")]
    published: Annotated[
        str, Field(description="A day, a month, a year, an interval or an instant, as in ISO 8601.")
    ] = ""
    source: str = ""
    section: str = ""
    authors: list[str] = Field(default_factory=list)
    language: Annotated[str, Field(description="A code; without one it is recognised.")] = ""
    url: str = ""


WRITES: tuple[type[BaseModel], ...] = (Job, SentArticle)
"""The shapes of the routes that write."""
