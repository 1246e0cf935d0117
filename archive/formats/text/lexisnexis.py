"""Reads the exports of LexisNexis and Nexis Uni, in the languages of the program."""

import re
from itertools import dropwhile
from typing import Any

from backfile.archive.formats.dates.parsing import is_date
from backfile.archive.formats.dates.words import is_calendar_word
from backfile.archive.formats.text.exported_lines import (
    LabelOf,
    Lines,
    block_starts,
    blocks_of,
    body_of,
    day_in,
    is_notice,
    is_sentence,
    joined,
    labelled,
    tail_start,
)
from backfile.archive.formats.wire.bylines import names_in

# "1 of 2 DOCUMENTS", also with the number behind the word, in the languages of the program.
MARK = re.compile(
    r"^[ \t]*(?:\d+ (?:of|von|de|di|van|sur) \d+ (?:DOCUMENT|DOKUMENT|DOCUMENTO)\w{0,2}"
    r"|(?:Document|Dokument|Documento) \d+ (?:of|von|de|di|van|sur) \d+)[ \t]*$",
    re.M | re.I,
)
MARK_WITHIN = 2000  # characters
END = re.compile(
    r"^[ \t]*(?:End of Document|Ende des Dokuments|Fin du document|Fin del documento)[ \t]*$",
    re.M | re.I,
)
LENGTH = re.compile(r"^(?:length|länge|longueur|longitud|lengte)[ \t]?:[ \t]*\d", re.M | re.I)
EDITION = re.compile(r"\b(?:edition|édition|edición|editie|edizione|final)\b|ausgabe\b", re.I)
MONTH = re.compile(r"([^\W\d_]+)\.?,? \d{4}")
WORD = re.compile(r"[^\W\d_]+")
LONGEST_EDITION = 60  # characters
# The first page of a download says who asked for what.
COVER = re.compile(
    r"[ \t]*(?:User Name|Date and Time|Job Number|Search Terms|Search Type|Narrowed by"
    r"|Client/Matter):",
    re.I,
)

BODY = "body"
HEAD = (
    *("byline", "section", "length", "dateline", "highlight", "headline", "title", "edition"),
    *("series", "correction", "type", "distribution", "source"),
)
TAIL = (
    *("load-date", "language", "graphic", "publication-type", "journal-code", "pub-type", "acc-no"),
    *("copyright", "notes", "subject", "company", "ticker", "industry", "geographic", "person"),
    *("organization", "country", "state", "city", "url", "issn", "classification"),
    *("correction-date", "document-type", "cite", "loaddate", "update"),
)
# No paragraph begins with one of these.
SURE = frozenset(
    (
        *("load-date", "loaddate", "publication-type", "pub-type", "journal-code", "acc-no"),
        *("correction-date", "document-type", "classification"),
    )
)
# Their values may be sentences.
PROSE = frozenset(
    (
        *("byline", "dateline", "highlight", "headline", "title", "series", "correction"),
        *("graphic", "notes", "copyright", "classification", BODY),
    )
)
ENGLISH = {
    theirs.replace("_", " "): ours
    for ours, other in {
        "byline": "autor auteur autore",
        "section": "rubrik rubrique sección sectie sezione",
        "length": "länge longueur longitud lengte lunghezza",
        "headline": "überschrift titre titel título",
        "language": "sprache langue idioma taal lingua",
        "graphic": "grafik",
        "load-date": "date-chargement date_de_chargement ladedatum fecha-carga fecha_de_carga"
        " laaddatum data-caricamento",
        "publication-type": "type-publication type_de_publication publikationstyp"
        " tipo-publicación tipo_de_publicación tipo-pubblicazione publicatietype",
        "classification": "klassifizierung clasificación",
        BODY: "hauptteil corps cuerpo",
    }.items()
    for theirs in other.split()
}
NAMES = "|".join(map(re.escape, (*HEAD, BODY, *TAIL, *ENGLISH)))
LABEL = re.compile(
    rf"^({NAMES})[ \t]?:[ \t]*(.*)$"
    r"|^(Body|Hauptteil|Corps|Cuerpo|Classification|Klassifizierung|Clasificación)[ \t]*$",
    re.I,
)


def is_lexis(text: str) -> bool:
    """Whether a text is such an export: two signs of one are in it."""
    if MARK.search(text[:MARK_WITHIN]):
        names = {found[1] for line in text.splitlines() if (found := LABEL.match(line))}
        return bool(LENGTH.search(text)) or len(names) > 1
    return bool(END.search(text) and LENGTH.search(text))


def lexis_documents(text: str) -> list[str]:
    """The documents of an export."""
    if MARK.search(text):
        return MARK.split(text)[1:]
    return [piece for piece in END.split(text) if piece.strip()]


def from_lexis(document: str) -> dict[str, Any] | None:
    """Read a document as a record; None if it has no text."""
    lines = _without_cover(END.split(document)[0].split("\n"))
    label_of = _labels_of(lines)
    first = next((n for n, line in enumerate(lines) if label_of(line)), None)
    if first is None:
        first = below_head = _end_of_title(lines)
    else:
        below_head = _end_of_head(lines, first, label_of)
    fields = labelled(lines[first:below_head], label_of)
    opening = fields.pop(BODY, None) or fields.get("length", [])[1:]
    rest = opening + lines[below_head:]
    end = tail_start(rest, lambda line: _of_tail(label_of(line)), SURE)
    fields = labelled(rest[end:], label_of) | fields
    text = body_of(rest[:end])
    if not text:
        return None
    head = _above_labels(lines[:first])
    return {
        **head,
        "title": joined(fields.get("headline")) or joined(fields.get("title")) or head["title"],
        "text": text,
        "authors": names_in(joined(fields.get("byline"))),
        "section": joined(fields.get("section")).partition(";")[0],
        "language": joined(fields.get("language")).partition(";")[0].title(),
        "dateline": joined(fields.get("dateline")),
        "url": joined(fields.get("url")),
    }


def _labels_of(lines: Lines) -> LabelOf:
    """How a document writes its labels: all in capitals if its first one is."""
    first = next((found[1] for line in lines if (found := LABEL.match(line))), None)
    in_capitals = bool(first and first.isupper())

    def label_of(line: str) -> tuple[str, str] | None:
        found = LABEL.match(line)
        written = (found[1] or found[3]) if found else ""
        if not found or (in_capitals and not written.isupper()):
            return None
        name = ENGLISH.get(written.casefold(), written.casefold())
        value = found[2] or ""
        return None if name not in PROSE and is_sentence(value) else (name, value)

    return label_of


def _of_tail(found: tuple[str, str] | None) -> tuple[str, str] | None:
    return found if found and found[0] in TAIL else None


def _without_cover(lines: Lines) -> Lines:
    """The lines below the first page of a download, which ends with its last label's block."""
    head = next((n for n, line in enumerate(lines) if LENGTH.match(line)), len(lines))
    last = max((n for n in range(head) if COVER.match(lines[n])), default=None)
    if last is None:
        return lines
    return lines[next((n for n in range(last, head) if not lines[n].strip()), last + 1) :]


def _end_of_title(lines: Lines) -> int:
    """Where a document without labels goes on below its date and its title."""
    dated = next((n for n, line in enumerate(lines) if _is_dated(line.strip())), -1)
    starts = [start for start in block_starts(lines) if start > dated]
    starts = [n for n in starts if not is_notice(lines[n]) and not _is_edition(lines[n])]
    return starts[1] if len(starts) > 1 else len(lines)


def _end_of_head(lines: Lines, first: int, label_of: LabelOf) -> int:
    """Where the labels above a body end: below its own label, or with their unbroken run."""
    for n in range(first, len(lines)):
        found = label_of(lines[n])
        if found and found[0] == BODY:
            return n + 1
    below = (start for start in block_starts(lines) if start > first)
    return next((start for start in below if not label_of(lines[start])), len(lines))


def _above_labels(lines: Lines) -> dict[str, str]:
    """Outlet, date and title above the labels: the title is at the top, or below the date."""
    lines = ["" if is_notice(line) else line.strip() for line in lines]
    dated = next((n for n in reversed(range(len(lines))) if _is_dated(lines[n])), None)
    if dated is None:
        return {"title": joined(lines)}
    above = blocks_of(lines[:dated])
    outlet = above[-1].pop() if above else ""
    below = list(dropwhile(lambda line: not line or _is_edition(line), lines[dated + 1 :]))
    at_top = next((block for block in reversed(above) if block), [])
    title = at_top if above and above[-1] else next(iter(blocks_of(below)), at_top)
    return {"published": _day_of(lines[dated]), "source": outlet, "title": " ".join(title)}


def _day_of(line: str) -> str:
    """The date of a line that has nothing but it, a weekday, a time and an edition."""
    day = day_in(line)
    before, _, after = line.partition(day or "\n")
    if not day or not is_date(before + day):
        return ""
    first = WORD.match(after.lstrip(" ,;"))
    is_weekday = bool(first and is_calendar_word(first[0]))
    return day if is_date(line) or is_weekday or (after[:1] in " ,;" and _is_edition(after)) else ""


def _is_dated(line: str) -> bool:
    """Whether a line is a date, or the month of a magazine."""
    month = MONTH.fullmatch(line)
    return bool((month and is_calendar_word(month[1])) or _day_of(line))


def _is_edition(line: str) -> bool:
    return len(line) < LONGEST_EDITION and bool(EDITION.search(line))
