"""Reads news items of NewsML-G2: alone, in a message, or inline in a package."""

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from backfile.archive.formats.fields import FieldMap
from backfile.archive.formats.files import (
    ReadResult,
    ReadResults,
    Record,
    Records,
    SourceFile,
    made,
)
from backfile.archive.formats.wire.bodies import without_title
from backfile.archive.formats.wire.bylines import first_names, is_office, with_dateline
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
    local_name,
    packed,
    unpacked,
)
from backfile.archive.model.article import Origin
from backfile.archive.model.errors import UnreadableArticle

# The kinds of items, and descriptions of those that are not news: https://iptc.org/std/NewsML-G2/
NEWS = "newsItem"
OTHER_ITEMS = {
    "packageItem": "a package of references to other items",
    "conceptItem": "a concept of a vocabulary (conceptItem), not news",
    "knowledgeItem": "a vocabulary (knowledgeItem), not news",
    "catalogItem": "a catalog of vocabularies (catalogItem), not news",
    "planningItem": "planned coverage (planningItem), not news",
}
ITEMS = frozenset((NEWS, *OTHER_ITEMS))
PARTS = frozenset(("catalog", "contentmeta", "contentset", "groupset", "itemmeta", "itemset"))
ROOTS = PARTS | {name.casefold() for name in (*ITEMS, "newsMessage")}
CLASSES = {
    "picture": "a picture",
    "photo": "a picture",
    "graphic": "a graphic",
    "video": "a video",
    "audio": "an audio",
    "animation": "an animation",
    "composite": "a composite item",
}
# Kinds of subjects that are not sections: https://cv.iptc.org/newscodes/cpnature/
NO_SECTIONS = frozenset(
    (
        *("person", "organisation", "organization", "geoarea", "poi", "event", "object"),
        *("artwork", "team", "conf", "season"),
    )
)
SUBJECT_SCHEMES = ("medtop:", "subj:", "iptc-subject:")


def read_newsml_g2(file: SourceFile, names: FieldMap, now: Clock = right_now) -> ReadResults:
    """Read the items of a file, as `newsml_g2_records` does."""
    return made(newsml_g2_records(file, names, now))


def newsml_g2_records(file: SourceFile, _: FieldMap, now: Clock = right_now) -> Records:
    """Walk the news items of a file; other items are refused, with their kind."""
    make = partial(_settled, defaults=file.defaults, now=now)
    number = 0
    for number, item in enumerate(items_in(file, ITEMS), 1):
        origin = file.origin(number)
        if (name := local_name(item)) != NEWS:
            yield UnreadableArticle(str(origin), OTHER_ITEMS[name])
        else:
            yield Record(packed(item, file.place), origin, make)
    if not number:
        raise UnreadableArticle(
            file.place, "no news item in it, only a catalog or a part of NewsML-G2"
        )


def _settled(content: bytes, origin: Origin, defaults: Mapping[str, str], now: Clock) -> ReadResult:
    return settle_item(item_of(unpacked(content), str(origin)), origin, defaults, now)


def item_of(item: Any, origin: str) -> WireItem:
    """The metadata and the text of a news item."""
    content = best(_contents(item, origin)) or Content("", {}, "")
    body = content.fields
    language = _language(item, content)
    title = _headline(item, language) or str(body.get("title", ""))
    text = without_title(str(body.get("text", "")) or _summary(item), title)
    guid = item.get("guid", "").strip()
    fields = {
        "id": guid,
        "title": title,
        "text": with_dateline(text, line_at(item, "contentMeta/dateline")),
        "source": _source(item),
        "section": _section(item, language),
        "authors": _authors(item, body),
        "language": language,
        "url": guid if guid.startswith(("https://", "http://")) else "",
    }
    return WireItem(
        fields,
        kind=_kind(item),
        days=(
            line_at(item, "itemMeta/firstCreated"),
            line_at(item, "itemMeta/versionCreated"),
            line_at(item, "contentMeta/contentCreated"),
        ),
        version=item.get("version", ""),
        status=_status(item),
        embargo=line_at(item, "itemMeta/embargoed"),
    )


def _contents(item: Any, origin: str) -> Iterator[Content]:
    for each in item.iterfind("contentSet/*"):
        if local_name(each) in ("inlineXML", "inlineData"):
            kind = each.get("contenttype", "")
            yield content_of(each, kind, each.get(LANGUAGE, ""), origin)


def _kind(item: Any) -> str:
    """The kind of an item without text: "a picture"."""
    kind = _code(item.find("itemMeta/itemClass")).casefold()
    remote = item.find("contentSet/remoteContent") is not None
    fallback = "an item of references to content elsewhere," if remote else "a news item"
    return CLASSES.get(kind.rpartition(":")[2].rpartition("/")[2], fallback)


def _status(item: Any) -> str:
    """The status of an item; an empty `embargoed` element is an embargo without end."""
    status = _code(item.find("itemMeta/pubStatus"))
    embargo = item.find("itemMeta/embargoed")
    endless = embargo is not None and not line_of(embargo)
    return "embargoed" if endless and status in ("", "usable") else status


def _summary(item: Any) -> str:
    """The description of a text item whose text is elsewhere; captions of pictures are no news."""
    if _code(item.find("itemMeta/itemClass")).casefold() != "text":
        return ""
    return "\n\n".join(filter(None, map(line_of, item.iterfind("contentMeta/description"))))


def _code(element: Any) -> str:
    """The value of a property: its code without the vocabulary, its literal, or its URI's end."""
    if element is None:
        return ""
    code = element.get("qcode", "").rpartition(":")[2] or element.get("literal", "")
    return str(code or element.get("uri", "").rstrip("/").rpartition("/")[2])


def _language(item: Any, content: Content) -> str:
    element = item.find("contentMeta/language")
    tag = element.get("tag", "") if element is not None else ""
    return content.language or tag or item.get(LANGUAGE, "")


def _headline(item: Any, language: str) -> str:
    """The main headline, in the item's language if there are several."""
    headlines = item.findall("contentMeta/headline")
    main = [each for each in headlines if each.get("role", "main").endswith("main")]
    return _in_language(main or headlines, language) or line_at(item, "itemMeta/title")


def _in_language(elements: list[Any], language: str) -> str:
    """The text of the first element in a language, or else without one, or else of the first."""
    two = language[:2].casefold()
    tongues = [each.get(LANGUAGE, "")[:2].casefold() for each in elements]
    fitting = [each for each, tongue in zip(elements, tongues, strict=True) if tongue == two]
    neutral = [each for each, tongue in zip(elements, tongues, strict=True) if not tongue]
    return next((line for each in (*fitting, *neutral, *elements) if (line := line_of(each))), "")


def _source(item: Any) -> str:
    """The name of the provider or another source; its code if none has a name."""
    parties = [*item.iterfind("itemMeta/provider"), *item.iterfind("contentMeta/infoSource")]
    creators = [
        name for name in map(_name, item.iterfind("contentMeta/creator")) if is_office(name)
    ]
    holders = map(_name, item.iterfind("rightsInfo/copyrightHolder"))
    named = filter(None, (*map(_name, parties), *creators, *holders))
    return next(named, "") or next(filter(None, map(_code, parties)), "")


def _name(party: Any) -> str:
    names = [name for name in party.iterfind("name") if "mnemonic" not in name.get("role", "")]
    return line_of(names[0]) if names else ""


def _section(item: Any, language: str) -> str:
    """The first named subject that may be a section; subjects of IPTC's schemes come first."""
    subjects = [each for each in item.iterfind("contentMeta/subject") if _may_be_section(each)]
    subjects.sort(key=lambda each: not each.get("qcode", "").startswith(SUBJECT_SCHEMES))
    for subject in subjects:
        names = subject.findall("name") or subject.findall("mainConcept/name")
        if name := _in_language(names, language):
            return name
    return next(filter(None, (subject_name(each.get("qcode", "")) for each in subjects)), "")


def _may_be_section(subject: Any) -> bool:
    kind = subject.get("type", "") or subject.get("typeuri", "")
    return kind.rpartition(":")[2].rpartition("/")[2].casefold() not in NO_SECTIONS


def _authors(item: Any, body: dict[str, Any]) -> list[str]:
    """The names in the item's or the text's byline, or else the creators that are persons."""
    own = first_names(line_of(each) for each in item.iterfind("contentMeta/by"))
    if names := own or list(body.get("authors", ())):
        return names
    creators = [each for each in item.iterfind("contentMeta/creator") if _may_be_person(each)]
    return [name for name in map(_name, creators) if name and not is_office(name)]


def _may_be_person(creator: Any) -> bool:
    return "organi" not in creator.get("type", "").casefold()
