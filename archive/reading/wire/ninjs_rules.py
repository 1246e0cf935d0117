"""The rules of ninjs that we rely on: what its properties are called, and what they hold."""

from collections.abc import Mapping
from typing import Any

# https://iptc.org/std/ninjs/ : the names of generations 1 to 3 and of its drafts, without case.
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
EITHER = frozenset(("associations", "renditions", "altids"))  # by name in 1, listed from 2 on
RIGHTS = frozenset(("linkedrights", "encodedrights"))
NAMES = TEXTS | LISTS | NUMBERS | OBJECTS | EITHER | RIGHTS
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
    """The rule that an item breaks, in words; nothing for a valid one.

    `item` has its names without case. An item with names of its agency's own is held to the kinds
    of what it has of ninjs; one of ninjs alone to the names in its associations as well.
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
    """Whether a name, without case, is one of ninjs."""
    return name in NAMES or name.startswith(OPEN_NAMES)


def lower(item: Item) -> dict[str, Any]:
    """An item with its names without case, in which alone generation 3 differs from 2."""
    return {str(name).casefold(): value for name, value in item.items()}


def associations_of(item: Item) -> list[Any]:
    """The items that go with an item, named or listed."""
    found = item.get("associations") or ()
    return list(found.values() if isinstance(found, Mapping) else found)


def _wrong_kind(name: str, value: Any) -> str:
    """What a property ought to hold and does not."""
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
