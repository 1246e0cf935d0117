"""Reads the exports of Factiva: with a tag before each field, or with a header of bare lines."""

import re
from typing import Any

from backfile.archive.formats.dates.parsing import is_date
from backfile.archive.formats.text.exported_lines import (
    LONGEST_DAY,
    LabelOf,
    Lines,
    body_of,
    is_notice,
    joined,
    labelled,
    tail_start,
)
from backfile.archive.formats.wire.bylines import names_in

END = re.compile(
    r"^[ \t]*(?:AN[ \t]+)?(?:Document|Dokument) ([A-Z][A-Z0-9]{9,40}[a-z0-9]{0,12})[ \t]*$", re.M
)
DAY_OF_ID = re.compile(r"\d{8}")
WORDS = re.compile(r"^\d[\d.,]* (?:words|Wörter|mots|palabras|parole|woorden)$", re.I)
HEAD_TAGS = "SE|HD|BY|CR|WC|PD|ET|SN|SC|ED|PG|VOL|LA|CY|LP|TD"
TAIL_TAGS = "CT|IPC|IPD|PUB|AN|RF|ART|CLM"
CODED_TAGS = "CO|IN|NS|RE"  # their values are codes with names: "gcat : Political News"
CODED = re.compile(rf"^({CODED_TAGS})[ \t]+([a-z0-9]{{1,10}} : .*)$")
SURE = frozenset(CODED_TAGS.casefold().split("|"))
TAIL = SURE | frozenset(TAIL_TAGS.casefold().split("|"))
DATE_TAG = re.compile(r"^PD([ \t]*)(.*)$", re.M)

MOST_OF_HEADER = 12  # lines
TIME = re.compile(r"\d\d?:\d\d\b.*")
CODE = re.compile(r"[A-Z][A-Z0-9]{1,11}")
PAGE = re.compile(r"[A-Z]{0,2}\d{1,4}|.{0,40}\b(?:Edition|Ausgabe|Final)", re.I)
LONGEST_NAME_OF_SECTION = 4  # words
LANGUAGES = frozenset(
    (
        *("English", "German", "French", "Spanish", "Italian", "Dutch", "Portuguese", "Swedish"),
        *("Danish", "Norwegian", "Russian", "Polish", "Deutsch", "Français", "Español"),
    )
)


def is_factiva(text: str) -> bool:
    """Whether a text is such an export."""
    return bool(_ends(text)) and any(
        WORDS.match(line.strip().removeprefix("WC").strip()) for line in text.splitlines()
    )


def factiva_documents(text: str) -> list[str]:
    """The documents of an export."""
    ends = [found.end() for found in _ends(text)]
    return [text[start:end] for start, end in zip([0, *ends], ends, strict=False)]


def from_factiva(document: str) -> dict[str, Any] | None:
    """Read a document as a record; None if it has no text."""
    found = next(iter(_ends(document)), None)
    lines = (document[: found.start()] if found else document).split("\n")
    record = _from_tags(lines) or _from_header(lines)
    return {**record, "id": found[1] if found else ""} if record and record["text"] else None


def _ends(text: str) -> list[re.Match[str]]:
    """The last lines of documents, with their ids; in an id stands a day."""
    return [found for found in END.finditer(text) if DAY_OF_ID.search(found[1])]


def _from_tags(lines: Lines) -> dict[str, Any] | None:
    tag_of = _tags_of(lines)
    names = [found[0] if (found := tag_of(line)) else "" for line in lines]
    begin = next((n for n, name in enumerate(names) if name in ("lp", "td")), len(lines))
    tags = labelled(lines[:begin], tag_of)
    if not {"hd", "pd"} <= tags.keys():
        return None
    body = lines[begin:]
    second = names.index("td", begin) - begin if "td" in names[begin:] else 0
    for n in {0, second} if body else ():
        body[n] = "\n" + (tag_of(body[n]) or ("", ""))[1]
    body = "\n".join(body).split("\n")
    end = tail_start(body, lambda line: _of_tail(tag_of(line)), SURE)
    return {
        "title": joined(tags.get("hd")),
        "text": body_of(body[:end]),
        "published": joined(tags.get("pd")),
        "source": joined(tags.get("sn")),
        "section": joined(tags.get("se")),
        "authors": names_in(joined(tags.get("by"))),
        "language": joined(tags.get("la")),
    }


def _tags_of(lines: Lines) -> LabelOf:
    """How a document writes its tags: with the space behind them that its date's has."""
    dated = next((found for line in lines if (found := DATE_TAG.match(line))), None)
    space = min(len(dated[1]), 2) if dated and dated[2] else 0
    gap = ("", r"|[ \t](.*)$", r"|[ \t]{2,}(.*)$")[space]
    tag = re.compile(rf"^({HEAD_TAGS}|{TAIL_TAGS})(?:[ \t]*${gap})|^({CODED_TAGS})[ \t]*$")

    def tag_of(line: str) -> tuple[str, str] | None:
        if found := CODED.match(line) or tag.match(line):
            name = next(filter(None, (found[1], found[found.re.groups])))
            return name.casefold(), line[len(name) :].strip()
        return None

    return tag_of


def _of_tail(found: tuple[str, str] | None) -> tuple[str, str] | None:
    return found if found and found[0] in TAIL else None


def _from_header(lines: Lines) -> dict[str, Any] | None:
    """Read a document whose header has no tags: section, title, byline; words, date, source."""
    counted = next((n for n, line in enumerate(lines) if WORDS.match(line.strip())), None)
    if counted is None:
        return None
    above = [line.strip() for line in lines[:counted] if line.strip()]
    authors = names_in(above.pop()) if len(above) > 1 and _is_byline(above) else []
    end = _end_of_header(lines, counted + 1)
    header = [line.strip() for line in lines[counted + 1 : end] if line.strip()]
    dated = next((n for n, line in enumerate(header) if is_date(line[:LONGEST_DAY])), None)
    rest = [line for line in header[(dated or 0) + 1 :] if not TIME.match(line)]
    return {
        "title": above[-1] if above else "",
        "section": above[0] if len(above) > 1 else "",
        "authors": authors,
        "published": header[dated] if dated is not None else "",
        "source": rest[0] if rest else "",
        "language": next((line for line in rest[1:] if line in LANGUAGES), ""),
        "text": body_of(lines[end:]),
    }


def _end_of_header(lines: Lines, start: int) -> int:
    """Where the body begins: at a blank line, or, with one behind each line, where its signs end.

    The last sign is the notice of copyright, or else the language, or the outlet's code and page.
    """
    full = [n for n in range(start, len(lines)) if lines[n].strip()][:MOST_OF_HEADER]
    blank = next((n for n in range(start, len(lines)) if not lines[n].strip()), len(lines))
    if blank - start > 1:
        return blank
    texts = [lines[n].strip() for n in full]
    last = _last(texts, is_notice)
    if last is None:
        last = _last(texts, LANGUAGES.__contains__)
    if last is None:
        dated = _last(texts[:2], is_date)
        coded = [n for n, text in enumerate(texts) if CODE.fullmatch(text)][:1]
        last = coded[0] if coded else 1 if dated is not None else None
        while last is not None and last + 1 < len(texts) and PAGE.fullmatch(texts[last + 1]):
            last += 1
    return start if last is None else full[last] + 1


def _last(texts: Lines, is_sign: Any) -> int | None:
    return max((n for n, text in enumerate(texts) if is_sign(text)), default=None)


def _is_byline(above: Lines) -> bool:
    """Whether the last of section, title and byline is a byline."""
    last, first = above[-1], above[0]
    is_short = len(last.split()) <= LONGEST_NAME_OF_SECTION < len(first.split())
    return bool(re.match(r"(?:by|von|par|por|di|door) ", last, re.I)) or len(above) > 2 or is_short
