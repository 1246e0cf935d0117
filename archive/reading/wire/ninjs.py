"""Reads ninjs 1 to 3, news in JSON: a record that is a news item."""

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from archive.article import Article, Origin
from archive.errors import UnreadableArticle, WithdrawnArticle
from archive.reading.fields import USUAL_NAMES, normal_name
from archive.reading.wire.bodies import without_title
from archive.reading.wire.bylines import names_in
from archive.reading.wire.contents import Content, best, content_of_text
from archive.reading.wire.items import Clock, WireItem, judged, right_now
from archive.reading.wire.ninjs_rules import broken_rule, is_known, lower

# Names that hardly any other JSON has; one of them beside a uri makes a record an item of ninjs.
TELLING = frozenset(
    (
        *("versioncreated", "pubstatus", "representationtype", "copyrightholder", "usageterms"),
        *("infosource", "infosources", "bodies", "headlines", "body_text", "body_html"),
        *("body_xhtml", "altids", "trustindicator", "trustindicators", "rightsinfo", "advice"),
        *("advices", "linkedrights", "encodedrights", "plannedcoverage", "eventdetails"),
        *("associations", "renditions", "contentcreated", "digitalsourcetype", "ednote"),
    )
)
IDS = {"uri", "guid"}  # the second is Superdesk's
NOT_NEWS = {"event": "an event", "planning": "planned coverage"}
KINDS = {"picture": "a picture", "graphic": "a graphic", "video": "a video", "audio": "an audio"}
TEXT_NAMES = frozenset(USUAL_NAMES["text"]) - {"description"}
MOST_BODIES = 50  # of one item, each another form of its text
BODY_TYPES = {
    "body_text": "text/plain",
    "body_xhtml": "text/html",
    "body_html": "text/html",
    "body_html5": "text/html",
    "body_nitf": "application/nitf+xml",
}


def is_ninjs(record: Any) -> bool:
    """Whether a record of JSON is an item of ninjs, valid or not."""
    if not isinstance(record, Mapping) or not (IDS & record.keys() or _declares_ninjs(record)):
        return False
    names = lower(record)
    if _declares_ninjs(record) or any(name.startswith("body_") for name in names):
        return True
    if any(normal_name(name) in TEXT_NAMES for name in names):
        return False
    return any(name in TELLING for name in names) or all(map(is_known, names))


def _declares_ninjs(record: Mapping[str, Any]) -> bool:
    said = record.get("standard") or record.get("$standard")
    return "ninjs" in str(said.get("name", "")).casefold() if isinstance(said, Mapping) else False


def read_item(
    record: Mapping[str, Any], origin: Origin, key: str, now: Clock = right_now
) -> Article | UnreadableArticle:
    """Make an article of an item, or say why there is none; `key` names its place."""
    item = {"uri": record.get("guid"), **lower(record)}
    status = item.get("pubstatus", "")
    if isinstance(status, str) and status.casefold() in ("cancelled", "killed"):
        item["pubstatus"] = "canceled"  # which the standard writes with one l
    found = _refused(item, origin) or _judged(item, origin, key, now)
    if isinstance(found, UnreadableArticle) and not isinstance(found, WithdrawnArticle):
        return UnreadableArticle(found.origin, found.reason, record=record, key=key)
    return found


def _refused(item: Mapping[str, Any], origin: Origin) -> UnreadableArticle | None:
    if planned := NOT_NEWS.get(str(item.get("type"))) or _planned(item):
        return UnreadableArticle(str(origin), f"{planned}, not news")
    if broken := broken_rule(item):
        reason = f"not valid ninjs: {broken}; --map text=NAME reads it as any JSON"
        return UnreadableArticle(str(origin), reason)
    return None


def _judged(
    item: Mapping[str, Any], origin: Origin, key: str, now: Clock
) -> Article | UnreadableArticle:
    try:
        return judged(item_of(item, str(origin)), origin, key, now=now)
    except UnreadableArticle as refused:
        return refused


def item_of(item: Mapping[str, Any], origin: str) -> WireItem:
    """What an item, its names without case, says of itself and its text."""
    content = best(_contents(item, origin)) or Content("", {}, "")
    body = content.fields
    uri = item["uri"]
    title = _headline(item) or str(body.get("title", "")) or item.get("title", "")
    fields = {
        "id": uri,
        "title": title,
        "text": without_title(content.text or _summary(item), title),
        "source": _source(item),
        "section": _section(item),
        "authors": names_in(item.get("byline") or item.get("by") or "") or body.get("authors", ()),
        "language": item.get("language", ""),
        "url": uri if uri.startswith(("https://", "http://")) else "",
    }
    return WireItem(
        fields,
        kind=KINDS.get(item.get("type", ""), "an item of ninjs"),
        days=tuple(
            item.get(name, "") for name in ("firstcreated", "versioncreated", "contentcreated")
        ),
        version=item.get("version", ""),
        status=item.get("pubstatus", ""),
        embargo=item.get("embargoeduntil") or item.get("embargoed") or "",
    )


def _contents(item: Mapping[str, Any], origin: str) -> Iterator[Content]:
    """The bodies of an item: listed with their types, or each under a name that says its type."""
    for body in item.get("bodies", ())[:MOST_BODIES]:
        each = lower(body)
        kind = str(each.get("contenttype") or BODY_TYPES.get(f"body_{each.get('role')}", ""))
        yield content_of_text(each["value"], kind, "", origin)
    named = (each for each in item.items() if each[0].startswith("body_"))
    for name, value in islice(named, MOST_BODIES):
        yield content_of_text(value, BODY_TYPES.get(name, ""), "", origin)


def _summary(item: Mapping[str, Any]) -> str:
    """The description of a text that is not here itself; a picture's is a caption, and no news."""
    if item.get("type") != "text":
        return ""
    listed = [each["value"] for each in map(lower, item.get("descriptions", ()))]
    return next(filter(None, (item.get("description_text", ""), *listed)), "")


def _planned(item: Mapping[str, Any]) -> str:
    """What an item is that says no type and describes what is to come; nothing if it has a body."""
    if item.get("bodies") or any(name.startswith("body_") for name in item):
        return ""
    return "an event" if "eventdetails" in item else ""


def _headline(item: Mapping[str, Any]) -> str:
    """The headline, of several the main one."""
    headlines = [lower(each) for each in item.get("headlines", ())]
    main = [each for each in headlines if each.get("role") == "main"]
    values = [str(each["value"]) for each in (*main, *headlines)]
    open_names = [str(value) for name, value in item.items() if name.startswith("headline_")]
    return next(filter(None, (item.get("headline", ""), *values, *open_names)), "")


def _names(item: Mapping[str, Any], *lists: str) -> list[tuple[str, Mapping[str, Any]]]:
    found = [lower(each) for name in lists for each in item.get(name, ())]
    return [(each["name"], each) for each in found if isinstance(each.get("name"), str)]


def _source(item: Mapping[str, Any]) -> str:
    sources = [name for name, _ in _names(item, "infosource", "infosources") if name.strip()]
    own = item.get("source")  # of Superdesk's
    said = own if isinstance(own, str) else ""
    return next(filter(None, (said, *sources, item.get("copyrightholder", ""))), "")


def _section(item: Mapping[str, Any]) -> str:
    """The first subject with a name, those of IPTC's vocabularies before others."""
    named = _names(item, "subject", "subjects")
    named.sort(key=lambda each: "iptc.org" not in f"{each[1].get('scheme')}{each[1].get('uri')}")
    return next((name for name, _ in named if name.strip()), "")
