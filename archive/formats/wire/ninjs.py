"""Reads news items of ninjs 1 to 3, news in JSON."""

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from backfile.archive.formats.fields import MAP_TEXT, USUAL_NAMES, normal_name
from backfile.archive.formats.files import ReadResult
from backfile.archive.formats.wire.bodies import without_title
from backfile.archive.formats.wire.bylines import names_in
from backfile.archive.formats.wire.contents import Content, best, content_of_text
from backfile.archive.formats.wire.items import Clock, WireItem, right_now, settle_item
from backfile.archive.model.article import Origin
from backfile.archive.model.errors import UnreadableArticle, WithdrawnArticle

# https://iptc.org/std/ninjs/ : properties of generations 1 to 3 and of drafts, in lower case.
TEXTS = frozenset(
    (
        *("uri", "type", "mimetype", "representationtype", "profile", "version", "title", "by"),
        *("firstcreated", "versioncreated", "contentcreated", "embargoed", "embargoeduntil"),
        *("embargoedreason", "pubstatus", "copyrightholder", "copyrightnotice", "usageterms"),
        *("ednote", "language", "byline", "headline", "slugline", "located", "expires", "rel"),
    )
)
LISTS = frozenset(
    (
        *("person", "people", "organisation", "organisations", "place", "places", "subject"),
        *("subjects", "event", "events", "object", "objects", "infosource", "infosources", "genre"),
        *("genres", "trustindicator", "trustindicators", "bodies", "headlines", "descriptions"),
        *("plannedcoverage", "advice", "advices"),
    )
)
NUMBERS = frozenset(("urgency", "charcount", "wordcount"))
OBJECTS = frozenset(("rightsinfo", "eventdetails", "$standard", "standard", "digitalsourcetype"))
EITHER = frozenset(("associations", "renditions", "altids"))  # objects in 1, lists from 2 on
RIGHTS = frozenset(("linkedrights", "encodedrights"))
PROPERTY_NAMES = TEXTS | LISTS | NUMBERS | OBJECTS | EITHER | RIGHTS
OPEN_NAMES = ("body_", "description_", "headline_")
VALUES = {
    "type": (
        *("text", "audio", "video", "picture", "graphic", "composite", "component"),
        *("event", "planning"),
    ),
    "representationtype": ("complete", "incomplete", "full", "partial"),
    "pubstatus": ("usable", "withheld", "canceled"),
}
HAVE_VALUES = ("bodies", "headlines", "descriptions")

Item = Mapping[str, Any]


def broken_rule(item: Item) -> str:
    """A message with the rule that an item breaks; empty for a valid item.

    The names of `item` are in lower case. If it has names of its agency, only its values of ninjs
    names are checked; otherwise also the names in its associations.
    """
    if not isinstance(item.get("uri"), str) or not item["uri"]:
        return "no uri"
    for name, value in item.items():
        if kind := _wrong_kind(name, value):
            return f"{name} is not {kind}"
        allowed = VALUES.get(name)
        if allowed and value not in allowed:
            return f"{name} is {str(value)[:40]!r}, not one of {', '.join(allowed)}"
    return _broken_in_associations(item) if all(map(is_known, item)) else ""


def is_known(name: str) -> bool:
    """Whether a name in lower case belongs to ninjs."""
    return name in PROPERTY_NAMES or name.startswith(OPEN_NAMES)


def lower(item: Item) -> dict[str, Any]:
    """An item with its names in lower case; generations 2 and 3 differ in case only."""
    return {str(name).casefold(): value for name, value in item.items()}


def associations_of(item: Item) -> list[Any]:
    """The items associated with an item, by name or as a list."""
    found = item.get("associations") or ()
    return list(found.values() if isinstance(found, Mapping) else found)


def _wrong_kind(name: str, value: Any) -> str:
    """The expected kind of a property's value; empty if the value has it."""
    if name in TEXTS or name.startswith(OPEN_NAMES):
        return "" if isinstance(value, str) else "a text"
    if name in LISTS:
        listed = isinstance(value, list) and all(isinstance(each, Mapping) for each in value)
        if listed and name in HAVE_VALUES:
            listed = all(isinstance(each.get("value"), str) for each in value)
            return "" if listed else "a list of objects with a text as their value"
        return "" if listed else "a list of objects"
    if name in NUMBERS:
        number = isinstance(value, int | float) and not isinstance(value, bool)
        return "" if number else "a number"
    if name in OBJECTS:
        return "" if isinstance(value, Mapping) else "an object"
    if name in EITHER:
        return "" if isinstance(value, Mapping | list) else "an object or a list"
    return ""


def _broken_in_associations(item: Item) -> str:
    listed = isinstance(item.get("associations"), list)
    for association in associations_of(item):
        if not isinstance(association, Mapping):
            return "an association is not an object"
        names = lower(association)
        strange = next((name for name in names if name != "name" and not is_known(name)), "")
        if strange:
            return f"an association has a property of no kind of ninjs ({strange[:40]})"
        missing = [name for name in ("name", "uri") if listed and name not in names]
        if missing:
            return f"an association without {' and '.join(missing)}"
    return ""


# Names that are rare in other JSON: a record with a uri and one of them is an item of ninjs.
DISTINCTIVE = frozenset(
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
MOST_BODIES = 50  # forms of one item's text
BODY_TYPES = {
    "body_text": "text/plain",
    "body_xhtml": "text/html",
    "body_html": "text/html",
    "body_html5": "text/html",
    "body_nitf": "application/nitf+xml",
}


def is_ninjs(record: Any) -> bool:
    """Whether a JSON record is an item of ninjs, valid or not."""
    if not isinstance(record, Mapping) or not (IDS & record.keys() or _declares_ninjs(record)):
        return False
    names = lower(record)
    if _declares_ninjs(record) or any(name.startswith("body_") for name in names):
        return True
    if any(normal_name(name) in TEXT_NAMES for name in names):
        return False
    return any(name in DISTINCTIVE for name in names) or all(map(is_known, names))


def _declares_ninjs(record: Mapping[str, Any]) -> bool:
    standard = record.get("standard") or record.get("$standard")
    return isinstance(standard, Mapping) and "ninjs" in str(standard.get("name", "")).casefold()


def read_item(record: Mapping[str, Any], origin: Origin, now: Clock = right_now) -> ReadResult:
    """Make an article of an item, or a refusal."""
    item = {"uri": record.get("guid"), **lower(record)}
    status = item.get("pubstatus", "")
    if isinstance(status, str) and status.casefold() in ("cancelled", "killed"):
        item["pubstatus"] = "canceled"  # the standard's spelling
    altids = item.get("altids")
    if isinstance(item.get("version"), int) and isinstance(altids, Mapping) and "etag" in altids:
        # https://api.ap.org/media/v/docs/
        item["version"] = str(item["version"])
    found = _refused(item, origin) or _settled(item, origin, now)
    if isinstance(found, UnreadableArticle) and not isinstance(found, WithdrawnArticle):
        return UnreadableArticle(found.origin, found.reason, record=record)
    return found


def _refused(item: Mapping[str, Any], origin: Origin) -> UnreadableArticle | None:
    if planned := NOT_NEWS.get(str(item.get("type"))) or _planned(item):
        return UnreadableArticle(str(origin), f"{planned}, not news")
    if broken := broken_rule(item):
        reason = f"not valid ninjs: {broken}; {MAP_TEXT} reads it as any JSON"
        return UnreadableArticle(str(origin), reason)
    return None


def _settled(item: Mapping[str, Any], origin: Origin, now: Clock) -> ReadResult:
    try:
        return settle_item(item_of(item, str(origin)), origin, now=now)
    except UnreadableArticle as refused:
        return refused


def item_of(item: Mapping[str, Any], origin: str) -> WireItem:
    """The metadata and the text of an item with names in lower case."""
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
        "authors": names_in(_byline(item)) or body.get("authors", ()),
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
    """The bodies of an item: a list with types, or properties with the type in their names."""
    for body in item.get("bodies", ())[:MOST_BODIES]:
        each = lower(body)
        kind = str(each.get("contenttype") or BODY_TYPES.get(f"body_{each.get('role')}", ""))
        yield content_of_text(each["value"], kind, "", origin)
    named = (each for each in item.items() if each[0].startswith("body_"))
    for name, value in islice(named, MOST_BODIES):
        yield content_of_text(value, BODY_TYPES.get(name, ""), "", origin)


def _summary(item: Mapping[str, Any]) -> str:
    """The description of a text item whose text is elsewhere; captions of pictures are no news."""
    if item.get("type") != "text":
        return ""
    listed = [each["value"] for each in map(lower, item.get("descriptions", ()))]
    named = ("description_text", "description_summary", "description_caption")
    return next(filter(None, (*(item.get(name, "") for name in named), *listed)), "")


def _byline(item: Mapping[str, Any]) -> str:
    """The byline; AP's is a list."""
    listed = item.get("bylines")
    first = listed[0] if isinstance(listed, list) and listed else None
    of_list = first.get("by") if isinstance(first, Mapping) else ""
    return item.get("byline") or item.get("by") or (of_list if isinstance(of_list, str) else "")


def _planned(item: Mapping[str, Any]) -> str:
    """ "an event" for an item without a type that describes a future event; empty with a body."""
    if item.get("bodies") or any(name.startswith("body_") for name in item):
        return ""
    return "an event" if "eventdetails" in item else ""


def _headline(item: Mapping[str, Any]) -> str:
    """The headline; if there are several, the main one."""
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
    source = item.get("source")  # an extension of Superdesk
    own = source if isinstance(source, str) else ""
    return next(filter(None, (own, *sources, item.get("copyrightholder", ""))), "")


def _section(item: Mapping[str, Any]) -> str:
    """The first subject with a name; subjects of IPTC's vocabularies come first."""
    named = _names(item, "subject", "subjects")
    named.sort(key=lambda each: "iptc.org" not in f"{each[1].get('scheme')}{each[1].get('uri')}")
    return next((name for name, _ in named if name.strip()), "")
