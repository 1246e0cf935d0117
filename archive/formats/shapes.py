"""Knows the JSON records of services and programs: which field is what, and which are no news.

A new shape is one more row in SHAPES. Other records are read by the usual names of their fields.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

from backfile.archive.formats.fields import FieldMap, stand_in_title
from backfile.archive.formats.values import as_line, as_text, dotted

Record = Mapping[str, Any]

# Names under which other programs put the record itself, such as `_source` of Elasticsearch.
WRAPPERS = (
    *("_source", "item", "article", "attributes", "node", "object", "document", "data", "post"),
    *("response", "content", "result", "fields", "record"),
)
MOST_WRAPPERS = 4  # in one another
UNPUBLISHED = {
    **dict.fromkeys(("draft", "auto-draft", "pending"), "a draft"),
    **dict.fromkeys(("future", "scheduled"), "not yet published"),
    **dict.fromkeys(("private", "trash", "inherit", "sent"), "not a published post"),
}


@dataclass(frozen=True)
class Shape:
    """The records of one program: those that have a value at all paths of one of `needs`.

    `fields` are paths for the fields of an article; of several, the first with a value is taken,
    of texts the longest. `made` gives fields that come before those of the record, `refused` the
    reason why a record is no news.
    """

    name: str
    needs: tuple[tuple[str, ...], ...]
    fields: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    made: Callable[[Record], dict[str, Any]] = lambda _: {}
    refused: Callable[[Record], str] = lambda _: ""

    @cached_property
    def first_names(self) -> frozenset[str]:
        """The names of which a record of this shape has one."""
        return frozenset(paths[0].partition(".")[0] for paths in self.needs)

    def fits(self, record: Record) -> bool:
        return any(all(_is_there(record, path) for path in paths) for paths in self.needs)

    def names_for(self, record: Record, names: FieldMap) -> FieldMap:
        """The paths of this record, as if they had been chosen with `--map`."""
        chosen = {}
        for ours, paths in self.fields.items():
            filled = [path for path in paths if _is_there(record, path)]
            if ours == "text":
                filled.sort(key=lambda path: -len(as_text(dotted(record, path))))
            if filled:
                chosen[ours] = filled[0]
        return names.choosing(chosen)


def shape_of(record: Record) -> Shape | None:
    """The shape of a record; None if it has none that is known."""
    likely = (shape for shape in SHAPES if not shape.first_names.isdisjoint(record))
    return next((shape for shape in likely if shape.fits(record)), None)


def unwrapped(record: Record, levels: int = MOST_WRAPPERS) -> Record:
    """The record inside of one that is only a wrapper: it has neither text nor title itself."""
    if not levels or _is_readable(record):
        return record
    if (shape := shape_of(record)) and shape is not ACTIVITY:
        return record
    for name, inner in record.items():
        if str(name).casefold() in WRAPPERS and isinstance(inner, Mapping):
            found = unwrapped(inner, levels - 1)
            if _is_readable(found) or shape_of(found):
                about = {each: value for each, value in record.items() if each != name}
                return {**about, **found}
    return record


def _is_readable(record: Record) -> bool:
    """Whether a record has a title, or a text that is no record itself."""
    if record.get("title") or isinstance(record.get("text"), str):  # the quick answer
        return True
    found = FieldMap().find(record)
    text = found.get("text")
    return "title" in found or (text is not None and not _is_record(text))


def _is_record(value: Any) -> bool:
    if not isinstance(value, Mapping):
        return False
    return shape_of(value) is not None or {"title", "text"} <= FieldMap().find(value).keys()


def _is_there(record: Record, path: str) -> bool:
    return dotted(record, path) not in (None, "", [], {})


def _unpublished(record: Record) -> str:
    kind = record.get("type") or record.get("post_type")
    if kind in ("page", "attachment", "revision", "nav_menu_item"):
        return f"a {kind}, not a post"
    return UNPUBLISHED.get(str(record.get("status")), "")


def _service_message(record: Record) -> str:
    return "a message of the service, not a post" if record.get("type") == "service" else ""


def _boost(record: Record) -> str:
    is_boost = record.get("type") == "Announce" or record.get("reblog")
    return "a boost of another post, whose text is elsewhere" if is_boost else ""


def _account(record: Record) -> dict[str, Any]:
    """The account of a post in the Fediverse, by its address: @ana@social.example."""
    address = as_line(dotted(record, "account.url") or record.get("attributedTo"))
    try:
        parts = urlsplit(address)
        host, name = parts.hostname or "", parts.path.rstrip("/").rpartition("/")[2]
    except ValueError:
        return {}
    return {"source": f"@{name.lstrip('@')}@{host}"} if host and name else {}


def _new_york_times(record: Record) -> dict[str, Any]:
    names = [as_line(record.get(name)) for name in ("uri", "_id", "web_url", "url")]
    is_named = any("nyt://" in name or "nytimes.com/" in name for name in names)
    return {"source": "The New York Times"} if is_named and not record.get("source") else {}


def _lead(record: Record) -> dict[str, Any]:
    """A title of our own export that was made of the first sentence is none of the source."""
    return {"title": ""} if record.get("title_source") == "lead" else {}


OWN_COLUMNS = frozenset(("date_certainty", "score", "authors", "text"))  # of our export as CSV
GUARD = re.compile(r"\A'(?=[=+\-@\t\r])")  # before what a spreadsheet would read as a formula


def as_exported(row: Record) -> Record:
    """A row of our own export as it was before that: without guards, and titles that we made.

    >>> row = {"date_certainty": "", "score": "1", "authors": "'-A", "text": "Rain."}
    >>> as_exported(row)["authors"]
    '-A'
    """
    if not row.keys() >= OWN_COLUMNS:
        return row
    plain = {name: GUARD.sub("", str(value)) for name, value in row.items()}
    title = given_title(plain.get("title", ""), plain["text"])
    dates = (plain.get(name, "") for name in ("published_at", "published", "date"))
    return plain | {"title": title, "published": next(filter(None, dates), "")}


def given_title(title: str, text: str) -> str:
    """The title of an article that we wrote; empty if we had made it of the text."""
    return "" if text and title == stand_in_title(text) else title


def _no_reference(record: Record) -> str:
    kind = as_line(record.get("itemType"))
    return f"an {kind}, not a reference" if kind in ("attachment", "annotation") else ""


# Where people put the whole text that they fetched themselves.
WHOLE = ("text", "body", "full_text", "fulltext", "fullText", "article")
ACTIVITY = Shape("activity of the Fediverse", (("actor", "object", "type"),), refused=_boost)
SHAPES: tuple[Shape, ...] = (
    Shape(
        "Backfile",
        (("title_source", "date_certainty"),),
        {"published": ("published_at", "published", "date")},
        made=_lead,
    ),
    Shape(
        "Guardian",
        (("webTitle", "webPublicationDate"),),
        {
            "title": ("webTitle",),
            "text": (
                *("fields.bodyText", "fields.body", "blocks.body", "fields.standfirst"),
                *("fields.trailText", *WHOLE),
            ),
            "published": ("webPublicationDate",),
            "url": ("webUrl",),
            "authors": ("fields.byline",),
            "section": ("sectionName",),
            "language": ("fields.lang",),
        },
        made=lambda _: {"source": "The Guardian"},
    ),
    Shape(
        "New York Times",
        (("headline.main",), ("web_url", "pub_date")),
        {
            "id": ("uri", "_id"),
            "title": ("headline.main", "headline.print_headline"),
            "text": ("lead_paragraph", "abstract", "snippet", *WHOLE),
            "published": ("pub_date",),
            "url": ("web_url",),
            "authors": ("byline.original", "byline.person"),
            "section": ("section_name", "news_desk"),
        },
        made=_new_york_times,
    ),
    Shape(
        "New York Times, lists",
        (("published_date", "abstract"),),
        {
            "id": ("uri", "id"),
            "text": ("abstract", *WHOLE),
            "published": ("published_date",),
            "authors": ("byline",),
        },
        made=_new_york_times,
    ),
    Shape(
        "Arc",
        (("headlines.basic", "content_elements"), ("headlines.basic", "display_date")),
        {
            "id": ("_id",),
            "title": ("headlines.basic",),
            "text": ("content_elements", "description.basic"),
            "published": ("display_date", "first_publish_date", "publish_date"),
            "authors": ("credits.by",),
            "section": ("taxonomy.primary_section.name",),
            "url": ("canonical_url", "website_url"),
        },
    ),
    Shape(
        "NewsAPI",
        (("source.name", "publishedAt", "url"),),
        {"source": ("source.name",), "text": ("content", "description", *WHOLE), "id": ("uuid",)},
    ),
    Shape(
        "trafilatura",
        (("source-hostname", "text"), ("hostname", "fingerprint", "text")),
        {
            "source": ("sitename", "source-hostname", "hostname"),
            "url": ("source", "url"),
            "section": ("categories",),
        },
    ),
    Shape(
        "Bing",
        (("name", "datePublished", "provider", "url"),),
        {
            "title": ("name",),
            "text": ("description", *WHOLE),
            "source": ("provider",),
            "section": ("category",),
        },
        made=lambda _: {"text_kind": "abstract"},
    ),
    Shape(
        "Webz.io",
        (("thread.site", "uuid", "text"),),
        {"source": ("thread.site",), "section": ("thread.section_title",)},
    ),
    Shape(
        "WordPress",
        (("title.rendered",), ("content.rendered",)),
        {
            "title": ("title.rendered",),
            "text": ("content.rendered", "excerpt.rendered"),
            "authors": ("_embedded.author",),
            "section": ("_embedded.wp:term",),
        },
        refused=_unpublished,
    ),
    Shape(
        "Ghost",
        (("slug", "uuid", "published_at"), ("slug", "uuid", "status")),
        {
            "text": ("plaintext", "html"),
            "published": ("published_at",),
            "authors": ("authors", "primary_author"),
            "section": ("primary_tag.name", "tags"),
            "url": ("canonical_url", "url"),
        },
        refused=_unpublished,
    ),
    Shape(
        "Telegram",
        (("date_unixtime",), ("from_id", "text_entities")),
        {"published": ("date", "date_unixtime"), "source": ("from",), "authors": ("author",)},
        refused=_service_message,
    ),
    ACTIVITY,
    Shape(
        "Mastodon",
        (("account.acct", "created_at"), ("attributedTo", "content")),
        {
            "text": ("content",),
            "title": ("name", "spoiler_text"),
            "published": ("published", "created_at"),
            "authors": ("account.display_name", "account.username"),
            "url": ("url", "uri", "id"),
        },
        made=_account,
        refused=_boost,
    ),
    Shape(
        "Zotero",
        (("itemType", "title"), ("itemType", "note"), ("itemType", "key")),
        {
            "id": ("key",),
            "text": ("abstractNote", "note"),
            "source": ("publicationTitle", "websiteTitle", "blogTitle", "publisher"),
            "authors": ("creators",),
            "section": ("section",),
        },
        refused=_no_reference,
    ),
    Shape(
        "CSL-JSON",
        (("container-title", "type"), ("issued.date-parts",), ("issued.raw",)),
        {
            "text": ("abstract", "note"),
            "published": ("issued",),
            "source": ("container-title", "publisher"),
            "url": ("URL",),
        },
    ),
)
