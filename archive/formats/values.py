"""Makes lines, texts, names and dates of values of records: strings, objects, lists of blocks."""

import json
import re
from ast import literal_eval
from collections.abc import Mapping
from typing import Any

from backfile.archive.formats.cleaning import clean_line
from backfile.archive.formats.web.markup import plain_text
from backfile.archive.formats.wire.bylines import is_office

DEEPEST_VALUE = 8  # levels of lists and objects around a name; hostile records have thousands
DEEPEST_TEXT = 24  # around a text: editors nest a paragraph in a list in a quotation
LONGEST_WRITTEN = 200  # characters of a date that cannot be read
YEAR = re.compile(r"[12]\d{3}")
SEPARATOR = re.compile(r"\s*[;|]\s*")
AND = re.compile(r"\s*(?:\band\b|&)\s*", re.I)
COMMA = re.compile(r"\s*,(?!\s*(?:jr|sr|ph\.?d|m\.?d)\b)\s*", re.I)
NAME = r"[^\W\d_][\w'’.-]{0,40}"
PARTICLES = (
    r"(?:(?:van|von|de[rnl]?|della|di|da|dos|du|la|le|el|al|bin|ibn|te[rn]|zu[mr]?|af|av)\s)*"
)
LAST_FIRST = re.compile(  # one word on one side of the only comma, or initials after it
    rf"(?i:{PARTICLES}){NAME},\s*{NAME}(?:\s{NAME}){{0,2}}|(?i:{PARTICLES}){NAME}\s{NAME},\s*{NAME}"
)
BYLINE = re.compile(r"^\s*by(?:\s*:\s*|\s+)", re.IGNORECASE)
REPORTED_FROM = re.compile(r"^([^\W\d_]\S*(?:\s[^\W\d_]\S*){1,3})\sin\s[A-Z][\w ,.'’-]*$")
LONGEST_NAMES = 10_000  # characters
# Names of the one value in an object. With `$`: MongoDB's Extended JSON.
LINE_NAMES = (
    *("name", "title", "value", "text", "rendered", "plain", "main", "basic", "original"),
    *("literal", "displayname", "label", "default", "$oid", "$date", "$numberlong", "$numberint"),
    *("$numberdouble", "$numberdecimal", "$uuid", "$symbol", "#text", "@value", "_", "stringvalue"),
    *("timestampvalue", "integervalue", "s", "n", "html", "content", "id"),
)
DATE_NAMES = (
    *("$date", "iso", "date", "datetime", "value", "@value", "seconds", "_seconds", "timestamp"),
    *("published", "start", "raw", "utc", "string-date"),
)
# Names of what is a text in an object, the likeliest first; the longest of them is taken.
TEXT_NAMES = (
    *("text", "plain", "plaintext", "body", "content", "contents", "bodytext", "html", "bodyhtml"),
    *("rendered", "processed", "value", "data", "raw", "markdown", "main", "default", "basic"),
    *(
        "paragraphs",
        "blocks",
        "content_elements",
        "children",
        "items",
        "sections",
        "elements",
        "p",
        "#text",
        "#cdata",
    ),
    *("__cdata", "_", "stringvalue", "arrayvalue", "values", "mapvalue", "fields", "s", "l", "m"),
    *("bodytextsummary", "heading", "$numberlong", "name", "title"),
)
LIST_NAMES = ("l", "ss", "arrayvalue", "values", "nodes", "edges")
NODE = "node"  # of GraphQL: what an edge leads to
LIST = re.compile(r"\s*\[\s*[\"'].*[\"']\s*\]\s*", re.S)
LONGEST_LIST = 5_000  # characters
INLINE_NAMES = ("children", "content")
INLINE_KINDS = frozenset(
    (
        *("text", "span", "link", "hyperlink", "a", "strong", "em", "b", "i", "bold", "italic"),
        *("mention", "hashtag", "hash_tag", "text_link", "entry-hyperlink", "asset-hyperlink"),
        *("hardbreak", "hard_break", "br", "code", "plain", "email", "phone", "bot_command"),
        *("underline", "strikethrough", "spoiler", "custom_emoji"),
        *("cashtag", "mention_name", "pre", "blockquote"),
    )
)
# Kinds that are never a paragraph of their own, as the other inline ones may be.
FORMATTING = frozenset(
    (
        *("strong", "em", "b", "i", "bold", "italic", "underline", "strikethrough", "spoiler"),
        *("plain", "mention", "mention_name", "hashtag", "cashtag", "text_link", "custom_emoji"),
    )
)
BREAKS = frozenset(("hardbreak", "hard_break", "br"))
# Kinds of blocks that are not part of a text.
APART = frozenset(
    (
        *("title", "headline", "byline", "kicker", "date", "image", "photo", "picture", "video"),
        *("audio", "gallery", "embed", "oembed", "oembed_response", "tweet", "author_info", "ad"),
        *("figure", "advertisement", "promo", "related"),
        *("related_links", "divider", "interstitial"),
        *("interstitial_link", "raw_html", "reference", "media", "iframe", "newsletter", "deck"),
        *("custom_embed", "story_card", "link_list", "embedded-asset-block", "inline-promo"),
    )
)
BLOCK_FIELDS = {
    "title": "title",
    "headline": "title",
    "byline": "authors",
    "kicker": "section",
    "date": "published",
}


def dotted(record: Mapping[str, Any], path: str) -> Any:
    """The value at a path of names, and of numbers in lists: `authors.0.name`."""
    if path in record:
        return record[path]
    value: Any = record
    for part in path.split("."):
        if isinstance(value, list) and part.isdecimal() and len(part) < 6:
            value = value[int(part)] if int(part) < len(value) else None
        else:
            value = value.get(part) if isinstance(value, Mapping) else None
    return value


def as_line(value: Any, levels: int = DEEPEST_VALUE) -> str:
    """The value as a line: a string, the name in an object, or the first of these in a list."""
    return _line(value, LINE_NAMES, levels)


def _line(value: Any, names: tuple[str, ...], levels: int) -> str:
    if isinstance(value, str):
        return value
    if value is None or isinstance(value, bool) or not levels:
        return ""
    if isinstance(value, Mapping):
        folded = _folded(value)
        inner = [folded[name] for name in names if name in folded]
    elif isinstance(value, list | tuple):
        inner = list(value)
    else:
        return str(value)
    lines = (_line(each, names, levels - 1) for each in inner)
    return next((line for line in lines if line), "")


def as_name(value: Any) -> str:
    """The value as the name of a source or a section; a number is a key of another table.

    >>> as_name({"name": "Sport"}), as_name([3, 9])
    ('Sport', '')
    """
    value = _listed(value)
    values = value if isinstance(value, list | tuple) else [value]
    named = (as_line(each) for each in values if not _is_number(each))
    return next((name for name in named if name), "")


def as_date(value: Any) -> str:
    """The value as a written date; an object that is none is returned as JSON.

    >>> as_date({"$date": {"$numberLong": "1711233000000"}}), as_date([2024, 3, 23, 10, 0])
    ('1711233000000', '2024-03-23')
    >>> as_date({"date-parts": [[2024, 3], [2024, 4]]})
    '2024-03/2024-04'
    """
    if isinstance(value, Mapping):
        folded = _folded(value)
        if "year" in folded:
            return _figures([folded.get(name) for name in ("year", "month", "day")])
        if "date-parts" in folded:
            return as_date(folded["date-parts"])
    if isinstance(value, list | tuple) and value:
        if isinstance(value[0], list | tuple):
            lists = (end for end in value[:2] if isinstance(end, list | tuple) and end)
            ends = [as_date(end) for end in lists if not isinstance(end[0], list)]
            return "/".join(dict.fromkeys(ends))
        if len(value) > 1 and YEAR.fullmatch(as_line(value[0])):
            return _figures(list(value[:3]))
        if isinstance(value[0], Mapping):
            return as_date(value[0])
    line = _line(value, DATE_NAMES, DEEPEST_VALUE) or as_line(value)
    if line or not isinstance(value, Mapping | list | tuple) or not value:
        return line
    return json.dumps(value, default=str)[:LONGEST_WRITTEN]


def _figures(parts: list[Any]) -> str:
    """A date of year, month and day, as far as they are there."""
    found = [as_line(part) for part in parts]
    figures = found[: next((n for n, each in enumerate(found) if not each.isdecimal()), len(found))]
    return "-".join(each.zfill(2) for each in figures)


def as_names(value: Any) -> tuple[str, ...]:
    """The names of persons: of a list, each of its items; of a string, what separators divide.

    >>> as_names("Ruiz, Ana; Ek, Bo"), as_names("By Ana Ruiz, Bo Ek and Li Wei")
    (('Ruiz, Ana', 'Ek, Bo'), ('Ana Ruiz', 'Bo Ek', 'Li Wei'))
    """
    value = _listed(value)
    if isinstance(value, list | tuple):
        names = [name for item in value for name in _persons(item)]
    elif isinstance(value, Mapping) and (name := _full_name(value)):
        names = [name]
    elif isinstance(value, Mapping) and value.keys() == {NODE}:
        names = _persons(value)
    else:
        names = _of_byline(as_line(value))
    cleaned = (clean_line(name) for name in names)
    return tuple(dict.fromkeys(name for name in cleaned if name and not name.isdecimal()))


def as_cell(names: tuple[str, ...]) -> str:
    """Write names so that `as_names` reads the same: a semicolon at the end forbids other dividers.

    >>> as_cell(("Ana Ruiz", "Bo Ek")), as_cell(("Holt and Sons",))
    ('Ana Ruiz; Bo Ek', 'Holt and Sons;')
    """
    written = "; ".join(names)
    return written if as_names(written) == names else f"{written};"


def _listed(value: Any) -> Any:
    """The list in a value: of DynamoDB and Firestore, or written as Python or JSON writes it."""
    while isinstance(value, Mapping) and len(value) == 1:
        ((name, inner),) = value.items()
        if str(name).casefold() not in LIST_NAMES:
            break
        value = inner
    if not isinstance(value, str) or not LIST.fullmatch(value[:LONGEST_LIST]):
        return value
    try:
        found = literal_eval(value.strip())
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        return value
    return found if isinstance(found, list) else value


def _persons(item: Any) -> list[str]:
    """The persons of an item of a list: one, unless it is a byline."""
    if isinstance(item, str) and BYLINE.match(item):
        return _of_byline(item)
    return [_person(item)]


def _of_byline(line: str) -> list[str]:
    """The persons in a line, without the place that they report from, offices and outlets."""
    line = BYLINE.sub("", " ".join(line[:LONGEST_NAMES].split()))
    if line.endswith(";"):
        return _divided(line)
    names = [REPORTED_FROM.sub(r"\1", name) for name in _divided(line)]
    persons = [name for name in names if not is_office(name)]
    if "," in line:
        return persons or names
    is_one = len(persons) < len(names) and not any(" " in name for name in persons)
    return [line] if is_one else names  # the Food and Drink Desk


def _divided(line: str) -> list[str]:
    if line.rstrip().endswith(";"):  # as `as_cell` writes it
        return line.split(";")
    if SEPARATOR.search(line):
        return [name for part in SEPARATOR.split(line) for name in AND.split(part)]
    return [
        name
        for part in AND.split(line)
        for name in ([part] if _is_last_first(part) else COMMA.split(part))
    ]


def _is_last_first(part: str) -> bool:
    return bool(LAST_FIRST.fullmatch(part.strip())) and not any(map(is_office, part.split(",")))


def _person(value: Any) -> str:
    if isinstance(value, Mapping) and value.keys() == {NODE}:
        value = value[NODE]
    return (_full_name(value) if isinstance(value, Mapping) else "") or as_line(value)


def _full_name(value: Mapping[str, Any]) -> str:
    """The name of a person whose object has the parts of it."""
    folded = {name.replace("_", ""): each for name, each in _folded(value).items()}
    first = next((n for n in ("firstname", "given", "givenname") if folded.get(n)), "")
    last = next((n for n in ("lastname", "family", "familyname", "surname") if folded.get(n)), "")
    if not last or any(as_line(folded.get(n)) for n in ("name", "displayname", "original")):
        return ""
    particles = ("dropping-particle", "non-dropping-particle")
    parts = [folded.get(n) for n in (first, "middlename", *particles, last, "suffix")]
    return " ".join(line for line in map(as_line, parts) if line)


def as_text(value: Any) -> str:
    """The value as a text: its paragraphs, divided by blank lines, without HTML.

    An object may hold it under several names, the longest is taken; a list holds blocks, or the
    pieces of one.
    """
    if isinstance(value, str):
        return plain_text(value)
    return "\n\n".join(block for block in _blocks(value, DEEPEST_TEXT) if block.strip())


def _blocks(value: Any, levels: int) -> list[str]:
    if isinstance(value, str):
        return [plain_text(value)]
    if value is None or isinstance(value, bool) or not levels:
        return []
    if isinstance(value, list | tuple):
        if any(map(_is_formatted, value)) and _are_inline(value, untyped=False):
            return ["".join(_pieces(value, levels - 1))]
        return [block for each in value for block in _blocks(each, levels - 1)]
    if isinstance(value, Mapping):
        return _blocks_of_object(value, levels)
    return [str(value)]


def _blocks_of_object(value: Mapping[str, Any], levels: int) -> list[str]:
    if _kind(value) in APART:
        return []
    folded = _folded(value)
    best: list[str] = []
    for name in TEXT_NAMES:
        inner = folded.get(name)
        if name in INLINE_NAMES and isinstance(inner, list) and _are_inline(inner, untyped=True):
            blocks = ["".join(_pieces(inner, levels - 1))]
        elif isinstance(inner, str | list | Mapping):
            blocks = _blocks(inner, levels - 1)
        else:
            continue
        if sum(map(len, blocks)) > sum(map(len, best)):
            best = blocks
    if best or _kind(value):
        return best
    others = [_blocks(each, levels - 1) for name, each in folded.items() if name not in TEXT_NAMES]
    wordy = [each for each in others if any(" " in block.strip() for block in each)]
    return max(wordy, key=lambda each: sum(map(len, each)), default=[])


def _is_formatted(item: Any) -> bool:
    """Whether an item of a list can only be a piece of a paragraph."""
    return isinstance(item, str) or (isinstance(item, Mapping) and _kind(item) in FORMATTING)


def _are_inline(items: Any, *, untyped: bool) -> bool:
    """Whether items are pieces of one paragraph; `untyped` ones are, inside of a block."""
    for each in items:
        if isinstance(each, Mapping):
            kind = _kind(each)
            if kind not in INLINE_KINDS and (kind or not untyped or "text" not in each):
                return False
        elif not isinstance(each, str):
            return False
    return any(isinstance(each, Mapping) for each in items)


def _pieces(items: Any, levels: int) -> list[str]:
    return [
        "\n"
        if isinstance(each, Mapping) and _kind(each) in BREAKS
        else each
        if isinstance(each, str)
        else " ".join(_blocks(each, levels))
        for each in items
    ]


def _kind(value: Mapping[str, Any]) -> str:
    kind = value.get("type") or value.get("_type") or value.get("nodeType")
    return kind.casefold() if isinstance(kind, str) else ""


def fields_of_blocks(value: Any) -> dict[str, Any]:
    """The fields of an article that typed blocks of its text hold: title, byline, kicker, date."""
    found: dict[str, Any] = {}
    for each in value if isinstance(value, list) else ():
        if isinstance(each, Mapping) and (ours := BLOCK_FIELDS.get(_kind(each))):
            found.setdefault(ours, each.get("content") or as_text(dict(each, type="")))
    return found


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _folded(value: Mapping[str, Any]) -> dict[str, Any]:
    """An object by its names in lower case."""
    return {str(name).casefold(): each for name, each in value.items()}
