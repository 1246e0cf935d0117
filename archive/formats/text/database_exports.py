"""Reads the exports of news databases: LexisNexis, Factiva and ProQuest; many documents a file."""

import re
from collections.abc import Callable
from typing import Any, NamedTuple

from backfile.archive.formats.dates.parsing import is_date
from backfile.archive.formats.fields import FieldMap, article_from
from backfile.archive.formats.files import ReadResults, SourceFile, encoding_of
from backfile.archive.formats.web.markup import text_of
from backfile.archive.formats.web.pages import LONGEST_PAGE, bounded
from backfile.archive.formats.wire.bylines import names_in, with_dateline
from backfile.archive.model.article import Origin
from backfile.archive.model.errors import UnreadableArticle

Lines = list[str]
MOST_DOCUMENTS = 50_000  # of one file; the databases export 500 at most
# "1 of 2 DOCUMENTS", also with the number behind the word, in the languages of the program.
LEXIS_MARK = re.compile(
    r"^[ \t]*(?:\d+ (?:of|von|de|di|van|sur) \d+ (?:DOCUMENT|DOKUMENT|DOCUMENTO)\w{0,2}"
    r"|(?:Document|Dokument|Documento) \d+ (?:of|von|de|di|van|sur) \d+)[ \t]*$",
    re.M | re.I,
)
HTML_SIGN = re.compile(
    r"\d (?:of|von|de|di|van|sur) \d+ DO[CK]UMENT|End of Document|Ende des Dokuments"
    r"|Fin du document|(?:Document|Dokument) [A-Z][A-Z0-9]{9}|ProQuest"
)
LEXIS_END = re.compile(
    r"^[ \t]*(?:End of Document|Ende des Dokuments|Fin du document)[ \t]*$", re.M | re.I
)
FACTIVA_END = re.compile(
    r"^[ \t]*(?:Document|Dokument) ([A-Z][A-Z0-9]{9,40}[a-z0-9]{0,12})[ \t]*$", re.M
)
DAY_OF_ID = re.compile(r"\d{8}")
FACTIVA_WORDS = re.compile(r"^\d[\d.,]* (?:words|Wörter|mots|palabras|parole|woorden)$", re.I)
PROQUEST_MARK = re.compile(r"^[ \t]*Document \d+ of \d+[ \t]*$", re.M)
PROQUEST_SIGN = re.compile(r"^(?:ProQuest document ID|Publication info|Full text):", re.M | re.I)
RULE = re.compile(r"^_{20,}[ \t]*$", re.M)
COPYRIGHT = re.compile(r"^\W*(?:copyright\b|©|\(c\)\s*\d{4}|all rights reserved)", re.I)
EDITION = re.compile(r"\b(?:edition|ausgabe|édition|edición|editie|edizione)\b", re.I)
WRITTEN_DAY = re.compile(
    r"[^\W\d_]+\.? \d{1,2},? \d{4}|\d{1,2}\.? (?:de )?[^\W\d_]+\.?,? (?:de )?\d{4}|\d{4}-\d\d-\d\d"
)
LONGEST_DAY = 100  # characters of a line with a date
LONGEST_NAME_OF_SECTION = 4  # words

LEXIS_HEAD = (
    *("byline", "section", "length", "dateline", "highlight", "headline", "title", "edition"),
    *("series", "correction", "type", "distribution", "source"),
)
LEXIS_BODY = "body"
LEXIS_TAIL = (
    *("load-date", "language", "graphic", "publication-type", "journal-code", "pub-type", "acc-no"),
    *("copyright", "notes", "subject", "company", "ticker", "industry", "geographic", "person"),
    *(
        "organization",
        "country",
        "state",
        "city",
        "url",
        "issn",
        "classification",
        "correction-date",
    ),
    *("document-type", "cite", "loaddate"),
)
LEXIS_LABEL = re.compile(
    rf"^({'|'.join(map(re.escape, (*LEXIS_HEAD, LEXIS_BODY, *LEXIS_TAIL)))}):[ \t]*(.*)$"
    r"|^(Body)[ \t]*$",
    re.I,
)
FACTIVA_TAGS = (
    "SE HD BY CR WC PD ET SN SC ED PG VOL LA CY LP TD CT CO IN NS RE IPC IPD PUB AN RF ART CLM"
)
FACTIVA_LABEL = re.compile(rf"^({FACTIVA_TAGS.replace(' ', '|')})(?:$|[ \t]{{1,6}}(.*)$)")
PROQUEST_LABEL = re.compile(
    r"^(Author|Publication info|Abstract|Links|Full text|Subject|Location|People|Company"
    r"|Company / organization|Business indexing term|Identifier / keyword|Classification|Title"
    r"|Alternate title|Publication title|Volume|Issue|Pages|First page|Number of pages"
    r"|Publication year|Publication date|Year|Section|Publisher|Place of publication"
    r"|Country of publication|Publication subject|ISSN|e-ISSN|Source type|Language of publication"
    r"|Document type|Document feature|ProQuest document ID|Document URL|Copyright|Last updated"
    r"|Database|Dateline|Credit|Illustration|Column|Source attribution|References|DOI"
    r"|Online publication date|Publication history|Subtitle|Accession number):[ \t]*(.*)$",
    re.I,
)  # fmt: skip

FACTIVA_LANGUAGES = frozenset(
    (
        *("English", "German", "French", "Spanish", "Italian", "Dutch", "Portuguese", "Swedish"),
        *("Danish", "Norwegian", "Russian", "Polish", "Deutsch", "Français", "Español"),
    )
)


class Database(NamedTuple):
    """A database: how its export is known, where it is cut, and how one document is read."""

    name: str
    is_export: Callable[[str], bool]
    cut: Callable[[str], list[str]]
    read: Callable[[str], dict[str, Any] | None]


def is_export(head: str) -> bool:
    """Whether a text is the export of a news database."""
    return _database_of(_with_plain_ends(head)) is not None


def read_export(file: SourceFile, names: FieldMap) -> ReadResults:
    """Read each document of an export, by its number."""
    yield from documents_in(file.read_text(), file, names)


def is_html_export(head: str) -> bool:
    """Whether a web page is the export of a news database."""
    return bool(HTML_SIGN.search(head)) and is_export(text_of(head))


def read_html_export(file: SourceFile, names: FieldMap) -> ReadResults:
    """Read each document of an export as a web page, by its number."""
    content = file.read_bytes(LONGEST_PAGE, note="; export fewer documents at once")
    markup = bounded(content.decode(encoding_of(content), "replace"), file.place)
    yield from documents_in(text_of(markup), file, names)


def documents_in(text: str, file: SourceFile, names: FieldMap) -> ReadResults:
    """Read each document in the text of an export; raise UnreadableArticle if it is none."""
    text = _with_plain_ends(text)
    database = _database_of(text)
    if database is None:
        raise UnreadableArticle(file.place, "no export of LexisNexis, Factiva or ProQuest")
    usual = FieldMap(dates=names.dates)
    for number, document in enumerate(database.cut(text)[:MOST_DOCUMENTS], 1):
        origin = file.origin(number)
        if record := database.read(document):
            yield _article(record, origin, usual)
        else:
            yield UnreadableArticle(str(origin), f"a document of {database.name} without a text")


def _with_plain_ends(text: str) -> str:
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text.replace("\xa0", " ").replace("\f", "\n").lstrip("\ufeff")


def _article(record: dict[str, Any], origin: Origin, names: FieldMap) -> Any:
    record["text"] = with_dateline(record.get("text", ""), record.pop("dateline", ""))
    try:
        return article_from(record, origin, names)
    except UnreadableArticle as refused:
        return refused


def _database_of(text: str) -> Database | None:
    return next((each for each in DATABASES if each.is_export(text)), None)


def _is_lexis(text: str) -> bool:
    if LEXIS_MARK.search(text[:2000]) and not PROQUEST_SIGN.search(text):
        return any(LEXIS_LABEL.match(line) for line in text.splitlines())
    return bool(LEXIS_END.search(text) and re.search(r"^Length:", text, re.M | re.I))


def _is_factiva(text: str) -> bool:
    if not _factiva_ends(text):
        return False
    return any(
        FACTIVA_WORDS.match(line.strip().removeprefix("WC").strip()) for line in text.splitlines()
    )


def _is_proquest(text: str) -> bool:
    return bool(PROQUEST_MARK.search(text) and PROQUEST_SIGN.search(text))


def _lexis_documents(text: str) -> list[str]:
    if LEXIS_MARK.search(text):
        return LEXIS_MARK.split(text)[1:]
    return [piece for piece in LEXIS_END.split(text) if piece.strip()]


def _factiva_ends(text: str) -> list[re.Match[str]]:
    """The last lines of documents, with their ids; in an id stands a day."""
    return [found for found in FACTIVA_END.finditer(text) if DAY_OF_ID.search(found[1])]


def _factiva_documents(text: str) -> list[str]:
    ends = [found.end() for found in _factiva_ends(text)]
    return [text[start:end] for start, end in zip([0, *ends], ends, strict=False)]


def _proquest_documents(text: str) -> list[str]:
    return [RULE.split(piece)[0] for piece in PROQUEST_MARK.split(text)[1:]]


def _labelled(lines: Lines, label: re.Pattern[str]) -> tuple[Lines, dict[str, Lines]]:
    """The lines before the first label, and those of each label; of a repeated one, the first."""
    before: Lines = []
    fields: dict[str, Lines] = {}
    here = before
    for line in lines:
        if found := label.match(line):
            name, value, alone = (*found.groups(), None)[:3]
            here = [value or ""]
            fields.setdefault((name or alone or "").casefold(), here)
        else:
            here.append(line)
    return before, fields


def _blocks(lines: Lines) -> list[Lines]:
    """The runs of lines between blank ones."""
    blocks: list[Lines] = [[]]
    for line in lines:
        if line.strip():
            blocks[-1].append(line.strip())
        elif blocks[-1]:
            blocks.append([])
    return [block for block in blocks if block]


def _joined(lines: Lines | None) -> str:
    """The first block of lines as one line."""
    blocks = _blocks(lines or [])
    return " ".join(blocks[0]) if blocks else ""


def _body(lines: Lines) -> str:
    """The paragraphs of lines, without notices of copyright at both ends."""
    blocks = [" ".join(block) for block in _blocks(lines)]
    while blocks and COPYRIGHT.match(blocks[-1]):
        blocks.pop()
    while blocks and COPYRIGHT.match(blocks[0]):
        blocks.pop(0)
    return "\n\n".join(blocks)


def _day_in(line: str) -> str:
    """The date in a line, without a weekday and an edition; empty if there is none."""
    return next((found for found in WRITTEN_DAY.findall(line[:LONGEST_DAY]) if is_date(found)), "")


def _from_lexis(document: str) -> dict[str, Any] | None:
    lines = LEXIS_END.split(document)[0].split("\n")
    before, fields = _labelled(lines, LEXIS_LABEL)
    above = [line for block in _blocks(before) for line in _without_copyright(block)]
    dated = next((n for n, line in enumerate(above) if _day_in(line)), None)
    head = _lexis_head(before, above, dated)
    body = fields.get(LEXIS_BODY) or _after_head(fields)
    if not head and not body:
        return None
    headline = _joined(fields.get("headline")) or _joined(fields.get("title"))
    return {
        **head,
        "title": headline or head.get("title", ""),
        "text": _body(body),
        "authors": names_in(_joined(fields.get("byline"))),
        "section": _joined(fields.get("section")).partition(";")[0],
        "language": _joined(fields.get("language")).partition(";")[0].title(),
        "dateline": _joined(fields.get("dateline")),
        "url": _joined(fields.get("url")),
    }


def _without_copyright(block: Lines) -> Lines:
    return [line for line in block if not COPYRIGHT.match(line)]


def _lexis_head(before: Lines, above: Lines, dated: int | None) -> dict[str, str]:
    """Outlet, date and title above the labels: the title is below the date, or at the top."""
    if dated is None:
        return {"title": _joined(before)} if above else {}
    day, outlet = _day_in(above[dated]), above[dated - 1] if dated else ""
    below = _blocks(before[_position(before, above[dated]) + 1 :])
    titles = [b for b in below if not COPYRIGHT.match(b[0]) and not _is_edition(b)]
    title = " ".join(titles[0]) if titles else " ".join(above[: max(dated - 1, 0)])
    return {"published": day, "source": outlet, "title": title}


def _position(lines: Lines, wanted: str) -> int:
    return next(n for n, line in enumerate(lines) if line.strip() == wanted)


def _is_edition(block: Lines) -> bool:
    return len(block) == 1 and len(block[0]) < 60 and bool(EDITION.search(block[0]))


def _after_head(fields: dict[str, Lines]) -> Lines:
    """The body where no label announces it: what follows the last label of the head."""
    last = [lines for name, lines in fields.items() if name in LEXIS_HEAD][-1:]
    for lines in last:
        blank = next((n for n, line in enumerate(lines) if n and not line.strip()), len(lines))
        return lines[blank:]
    return []


def _from_factiva(document: str) -> dict[str, Any] | None:
    found = next(iter(_factiva_ends(document)), None)
    lines = (document[: found.start()] if found else document).split("\n")
    _, tagged = _labelled(lines, FACTIVA_LABEL)
    record = _from_tags(tagged) if {"hd", "pd"} <= tagged.keys() else _from_header(lines)
    return {**record, "id": found[1] if found else ""} if record else None


def _from_tags(tags: dict[str, Lines]) -> dict[str, Any]:
    return {
        "title": _joined(tags.get("hd")),
        "text": _body([*tags.get("lp", []), "", *tags.get("td", [])]),
        "published": _joined(tags.get("pd")),
        "source": _joined(tags.get("sn")),
        "section": _joined(tags.get("se")),
        "authors": names_in(_joined(tags.get("by"))),
        "language": _joined(tags.get("la")),
    }


def _from_header(lines: Lines) -> dict[str, Any] | None:
    """Read a document whose header has no tags: section, title, byline; words, date, source."""
    counted = next((n for n, line in enumerate(lines) if FACTIVA_WORDS.match(line.strip())), None)
    if counted is None:
        return None
    above = [line.strip() for line in lines[:counted] if line.strip()]
    authors = names_in(above.pop()) if len(above) > 1 and _is_byline(above) else []
    end = next(
        (n for n, line in enumerate(lines[counted:], counted) if n > counted and not line.strip()),
        len(lines),
    )
    header = [line.strip() for line in lines[counted + 1 : end]]
    dated = next((n for n, line in enumerate(header) if is_date(line[:LONGEST_DAY])), None)
    rest = [line for line in header[(dated or 0) + 1 :] if not re.match(r"\d\d?:\d\d", line)]
    return {
        "title": above[-1] if above else "",
        "section": above[0] if len(above) > 1 else "",
        "authors": authors,
        "published": header[dated] if dated is not None else "",
        "source": rest[0] if rest else "",
        "language": next((line for line in rest[1:] if line in FACTIVA_LANGUAGES), ""),
        "text": _body(lines[end:]),
    }


def _is_byline(above: list[str]) -> bool:
    """Whether the last of section, title and byline is a byline."""
    last, first = above[-1], above[0]
    is_short = len(last.split()) <= LONGEST_NAME_OF_SECTION < len(first.split())
    return bool(re.match(r"(?:by|von|par|por|di|door) ", last, re.I)) or len(above) > 2 or is_short


def _from_proquest(document: str) -> dict[str, Any] | None:
    before, fields = _labelled(document.split("\n"), PROQUEST_LABEL)
    text = _body(fields.get("full text", [])) or _body(fields.get("abstract", []))
    title = _joined(fields.get("title")) or _joined(before)
    if not text and not title:
        return None
    outlet = _joined(fields.get("publication title")) or _joined(fields.get("publication info"))
    return {
        "id": _joined(fields.get("proquest document id")),
        "title": title,
        "text": text,
        "published": _joined(fields.get("publication date"))
        or _day_in(_joined(fields.get("publication info"))),
        "source": outlet.partition(";")[0],
        "section": _joined(fields.get("section")),
        "authors": [each.strip() for each in _joined(fields.get("author")).split(";")],
        "language": _joined(fields.get("language of publication")),
        "url": _joined(fields.get("document url")),
        "dateline": _joined(fields.get("dateline")),
    }


DATABASES = (
    Database("ProQuest", _is_proquest, _proquest_documents, _from_proquest),
    Database("LexisNexis", _is_lexis, _lexis_documents, _from_lexis),
    Database("Factiva", _is_factiva, _factiva_documents, _from_factiva),
)
