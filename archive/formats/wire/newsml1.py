"""Reads NewsML 1.0 to 1.2; a news item is one article for each of its languages."""

import re
from collections.abc import Iterator, Mapping
from functools import partial
from itertools import pairwise
from typing import Any, NamedTuple

from backfile.archive.formats.fields import FieldMap
from backfile.archive.formats.files import ReadResults, Record, Records, SourceFile, made
from backfile.archive.formats.wire.bodies import without_title
from backfile.archive.formats.wire.bylines import first_names, with_dateline
from backfile.archive.formats.wire.contents import Content, best, content_of
from backfile.archive.formats.wire.items import (
    Clock,
    WireItem,
    right_now,
    settle_item,
    subject_name,
)
from backfile.archive.formats.wire.xml import (
    LANGUAGE,
    items_in,
    line_at,
    line_of,
    named_at,
    packed,
    unpacked,
)
from backfile.archive.model.article import Origin
from backfile.archive.model.errors import UnreadableArticle

NEWS_ITEM = frozenset(("NewsItem",))
ROOTS = frozenset(("newsml",))
# Roles of components that are the story, and roles of all other components.
STORY = re.compile(r"^(?:body|main|maintext|lead|story|text|article|content|news)$", re.I)
BESIDE = re.compile(
    r"style|head-?line|title|contact|logo|photo|picture|image|video|audio|graphic|caption|byline|"
    r"date-?line|summary|abstract|teaser|keyword|copyright|thumb|quicklook|note|link|metadata",
    re.I,
)
REVISION = re.compile(r":\d+[NUA]?$")  # at the end of a public identifier
DEEPEST = 20  # levels of nested components; agencies use three or four
MOST_LANGUAGES = 50
MOST_CODES = 20  # codes of subjects that are looked up
NO_TEXT_TYPES = ("text/css", "text/javascript", "image/", "video/", "audio/")


class StoryPart(NamedTuple):
    """A component with a text: the path of components down to it, and its content."""

    within: tuple[Any, ...]
    content: Content


class Envelope(NamedTuple):
    """What an item is sent in: when, and by whom."""

    sent: str
    sender: str


def read_newsml1(file: SourceFile, names: FieldMap, now: Clock = right_now) -> ReadResults:
    """Read the news items of a file, as `newsml1_records` does."""
    return made(newsml1_records(file, names, now))


def newsml1_records(file: SourceFile, _: FieldMap, now: Clock = right_now) -> Records:
    """Walk the news items of a file; packages of references are refused when made."""
    make = partial(_settled, defaults=file.defaults, now=now)
    number = 0
    for number, item in enumerate(items_in(file, NEWS_ITEM), 1):
        content = {"item": packed(item, file.place), "envelope": _envelope(item.getroottree())}
        yield Record(content, file.origin(number), make)
    if not number:
        raise UnreadableArticle(file.place, "NewsML without a news item")


def _envelope(tree: Any) -> Envelope:
    return Envelope(
        sent=line_at(tree, "NewsEnvelope/DateAndTime"),
        sender=named_at(tree, "FormalName", "NewsEnvelope/SentFrom/Party"),
    )


def _settled(
    content: Mapping[str, Any], origin: Origin, defaults: Mapping[str, str], now: Clock
) -> ReadResults:
    for found in items_of(unpacked(content["item"]), content["envelope"], str(origin)):
        yield settle_item(found, origin, defaults, now)


def items_of(item: Any, envelope: Envelope, origin: str) -> Iterator[WireItem]:
    """The metadata and text of a news item in each language; the first one gets the item's id."""
    parts = _story(list(_parts(item, origin)))
    languages = list(dict.fromkeys(part.content.language for part in parts)) or [""]
    if len(languages) > MOST_LANGUAGES:
        raise UnreadableArticle(origin, f"more than {MOST_LANGUAGES} languages in one item")
    for language in languages:
        own = [part for part in parts if part.content.language == language]
        mark = "" if language == languages[0] else f"#{language}"
        yield _in_language(item, envelope, own, language, mark)


def _in_language(
    item: Any, envelope: Envelope, parts: list[StoryPart], language: str, mark: str
) -> WireItem:
    within = parts[0].within if parts else tuple(item.iterfind("NewsComponent"))[:1]
    body = parts[0].content.fields if parts else {}
    title = _line(within, "HeadLine") or _role_text(within, "headline") or body.get("title", "")
    text = _joined([part.content.text for part in parts])
    management = "NewsManagement"
    fields = {
        "id": _id(item) + mark if _id(item) else "",
        "title": title,
        "text": with_dateline(without_title(text, title), _line(within, "DateLine")),
        "source": _source(item, envelope, within),
        "section": _section(item, within, language),
        "authors": first_names([_line(within, "ByLine")]) or body.get("authors", ()),
        "language": language or item.get(LANGUAGE, ""),
    }
    return WireItem(
        fields,
        kind=_kind(item),
        days=(
            line_at(item, f"{management}/FirstCreated"),
            line_at(item, f"{management}/ThisRevisionCreated"),
            line_at(item, "Identification/NewsIdentifier/DateId"),
            envelope.sent,
        ),
        version=line_at(item, "Identification/NewsIdentifier/RevisionId"),
        status=named_at(item, "FormalName", f"{management}/Status"),
        embargo=_embargo(item),
    )


def _joined(texts: list[str]) -> str:
    """Join the parts of a story, without a lead that the next part begins with."""
    parts = [text for text, after in pairwise(texts) if not after.startswith(text)]
    return "\n\n".join([*parts, *texts[-1:]])


def _parts(item: Any, origin: str) -> Iterator[StoryPart]:
    """The components with a text, in document order; without recursion, for deep documents."""
    waiting = [(each,) for each in reversed(item.findall("NewsComponent"))]
    while waiting:
        within: tuple[Any, ...] = waiting.pop()
        if len(within) > DEEPEST:
            raise UnreadableArticle(origin, f"more than {DEEPEST} components in one another")
        contents = list(_contents(within, origin))
        whole = [best(contents)] if _equivalent(within[-1]) else contents
        yield from (StoryPart(within, each) for each in whole if each and each.text.strip())
        waiting += [(*within, each) for each in reversed(within[-1].findall("NewsComponent"))]


def _equivalent(component: Any) -> bool:
    """Whether the contents of a component are forms of one text, declared or by their types."""
    kinds = {
        named_at(each, "FormalName", "MimeType", "Format")
        for each in component.iterfind("ContentItem")
    }
    return component.get("EquivalentsList") == "yes" or len(kinds) > 1


def _contents(within: tuple[Any, ...], origin: str) -> Iterator[Content]:
    language = _nearest(within, "FormalName", "DescriptiveMetadata/Language").casefold()
    language = language or next(filter(None, (each.get(LANGUAGE) for each in reversed(within))), "")
    for each in within[-1].iterfind("ContentItem"):
        data = each.find("DataContent")
        kind = named_at(each, "FormalName", "MimeType", "Format").casefold()
        if data is None or kind.startswith(NO_TEXT_TYPES):
            continue
        encoding = each.find("Encoding")
        if encoding is not None and (inner := encoding.find("DataContent")) is not None:
            data = inner
            data.set("encoding", encoding.get("Notation", "").casefold())
        yield content_of(data, kind, language, origin)


def _story(parts: list[StoryPart]) -> list[StoryPart]:
    """The parts with a role of the story, or else those without another role."""
    roles = [named_at(part.within[-1], "FormalName", "Role") for part in parts]
    story = [part for part, role in zip(parts, roles, strict=True) if STORY.match(role)]
    beside = [part for part, role in zip(parts, roles, strict=True) if not BESIDE.search(role)]
    return story or beside


def _nearest(within: tuple[Any, ...], attribute: str, path: str) -> str:
    found = (named_at(component, attribute, path) for component in reversed(within))
    return next(filter(None, found), "")


def _line(within: tuple[Any, ...], name: str) -> str:
    found = (line_at(component, f"NewsLines/{name}") for component in reversed(within))
    return next(filter(None, found), "")


def _role_text(within: tuple[Any, ...], role: str) -> str:
    """The text of a component with this role beside the story."""
    for component in reversed(within):
        for beside in component.iterfind("NewsComponent"):
            if named_at(beside, "FormalName", "Role").casefold() == role:
                return line_of(beside.find("ContentItem/DataContent"))
    return ""


def _id(item: Any) -> str:
    """The identifier without its revision, so that a later revision replaces an earlier one."""
    names = "Identification/NewsIdentifier"
    parts = [line_at(item, f"{names}/{part}") for part in ("ProviderId", "DateId", "NewsItemId")]
    if all(parts):
        return ":".join(["urn:newsml", *parts])
    return REVISION.sub("", line_at(item, f"{names}/PublicIdentifier"))


def _embargo(item: Any) -> str:
    """The end of the embargo; empty if the status is not an embargo."""
    if named_at(item, "FormalName", "NewsManagement/Status").casefold() != "embargoed":
        return ""
    return line_at(item, "NewsManagement/StatusWillChange/DateAndTime")


def _kind(item: Any) -> str:
    if item.find(".//NewsItemRef") is not None or item.find(".//NewsItem") is not None:
        return "a package of references to other items"
    if item.find("NewsComponent") is None:
        return "a vocabulary or an update (no news component)"
    media = named_at(item, "FormalName", ".//ContentItem/MediaType").casefold()
    return f"an item of media ({media})" if media not in ("", "text") else "a news item"


def _source(item: Any, envelope: Envelope, within: tuple[Any, ...]) -> str:
    party = "AdministrativeMetadata/{}/Party"
    return (
        _nearest(within, "FormalName", party.format("Provider"))
        or envelope.sender
        or _nearest(within, "FormalName", party.format("Source"))
        or _nearest(within, "FormalName", party.format("Creator"))
        or line_at(item, "Identification/NewsIdentifier/ProviderId")
    )


def _section(item: Any, within: tuple[Any, ...], language: str) -> str:
    """The first subject with a name, in the item or by its code."""
    codes = [
        each.get("FormalName", "").strip()
        for component in reversed(within)
        for level in ("Subject", "SubjectMatter", "SubjectDetail")
        for each in component.iterfind(f"DescriptiveMetadata/SubjectCode/{level}")
    ]
    codes = codes[:MOST_CODES]
    named = (code if not code.isdigit() else _topic(item, code, language) for code in codes)
    return next(filter(None, named), "") or next(filter(None, map(subject_name, codes)), "")


def _topic(item: Any, code: str, language: str) -> str:
    """The name of a code in the item's own list of topics."""
    for topic in item.iterfind(".//TopicSet/Topic"):
        if line_at(topic, "FormalName") != code:
            continue
        names = [each for each in topic.iterfind("Description") if each.get("Variant") == "Name"]
        own = [each for each in names if each.get(LANGUAGE, "")[:2] == language[:2]]
        return line_of(next(iter(own or names), None))
    return ""
