"""Reads METS: the files, the articles and the descriptions of a digitised issue.

https://www.loc.gov/standards/mets/; descriptions are MODS or Dublin Core. The words are in other
files (ALTO).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from urllib.parse import unquote

from backfile.archive.formats.files import SourceFile
from backfile.archive.formats.wire.xml import items_in, line_at, line_of

ROOT = frozenset(("mets",))
MOST_FILES = 2_000  # that one METS file names
FILE_SCHEME = re.compile(r"file:(?:(?!/)|//(?!/))(?:\./)*", re.I)
ELSEWHERE = re.compile(r"[a-z][a-z0-9+.-]*:|[/\\]|(?:.*[/\\])?\.\.(?:[/\\]|$)", re.I)
PAGE = ("page", "nppage")
# Divisions that are never an article, but have some; what they point to as a whole are pages.
CONTAINERS = frozenset(
    (
        *("newspaper", "periodical", "journal", "serial", "volume", "year", "month", "day"),
        *("issue", "npissue", "edition", "supplement", "content", "contents", "monograph", "book"),
        *("", *PAGE),
    )
)
ASIDE = frozenset(
    (
        *("advertisement", "advertisements", "advertisementsection", "advert", "advertising", "ad"),
        *("titlesection", "masthead", "impressum", "imprint", "tableofcontents", "pagenumber"),
        *("runningtitle", "runninghead", "cover", "titlepage"),
    )
)
HEADINGS, TITLES = ("heading", "head", "header"), ("title", "headline", "maintitle", "hl")
AUTHORS = ("author", "byline", "creator")
# Divisions within an article.
PARTS = frozenset(
    (
        *(*HEADINGS, *TITLES, *AUTHORS, "overline", "subtitle", "subheadline", "subheading"),
        *("body", "bodycontent", "paragraph", "p", "text", "textblock", "block", "area", "line"),
        *("illustration", "image", "picture", "graphic", "photo", "caption", "table", "footnote"),
        *("motto", "dateline", "quote", "lead", "column", "list", "crosshead", "interheading"),
    )
)
# Behind the title in a label: The Daily Ash (Ashford), 1905-04-02.
DAY_OF_LABEL = re.compile(r"[\s,;:(–-]+\d{4}-\d\d(?:-\d\d)?\b.*$")
NO_LABEL = re.compile(r"\W*(?:article|artikel|section|untitled|ohne titel)?[\W\d]*", re.I)
CREATORS = ("", "aut", "author", "cre", "creator", "jrn", "journalist")
DAYS = (
    *("originInfo/dateIssued", "part/date", "issued", "date", "originInfo/dateCreated"),
    "relatedItem/originInfo/dateIssued",
)


class Pointer(NamedTuple):
    """Points to a block of a file, to all from one to another one, or to the whole file.

    `paragraph` numbers the paragraph of which the block is a part. `role` is HEADINGS, TITLES,
    AUTHORS or empty.
    """

    file: str
    begin: str
    end: str
    paragraph: int
    role: tuple[str, ...]


class Description(NamedTuple):
    """What is known of an issue or an article; `host` is what it was published in."""

    title: str = ""
    host: str = ""
    day: str = ""
    language: str = ""
    authors: tuple[str, ...] = ()


@dataclass
class Division:
    """A part of an issue: an article, unless `is_aside`; `own` and `above` describe it."""

    kind: str
    label: str
    section: str
    own: list[Description]
    above: list[Description]
    pointers: list[Pointer] = field(default_factory=list)

    @property
    def is_aside(self) -> bool:
        """Whether it is no text of the newspaper, but an advertisement or the head of a page."""
        return self.kind in ASIDE


def trees_in(mets: SourceFile) -> Iterator[Any]:
    """The tree of a METS file; raise UnreadableArticle if it is not well-formed, or too large."""
    yield from items_in(mets, ROOT)


def type_of(element: Any) -> str:
    """The type of a division, without space and case: `np:page`, BODY_CONTENT."""
    return re.sub(r"[\W_]+", "", element.get("TYPE") or "").casefold()


def files_of(tree: Any) -> dict[str, str]:
    """The paths of the files of XML by their ids, as they are named, without the scheme of files.

    >>> FILE_SCHEME.sub("", "file://./alto/1.xml"), FILE_SCHEME.sub("", "file:///etc/1.xml")
    ('alto/1.xml', 'file:///etc/1.xml')
    """
    found: dict[str, str] = {}
    for each in tree.iterfind("fileSec//file"):
        for location in each.iterfind("FLocat"):
            href = next((v for name, v in location.items() if name.endswith("href")), "")
            path = unquote(FILE_SCHEME.sub("", href.strip(), count=1)).removeprefix("./")
            if path.casefold().endswith(".xml") and len(found) < MOST_FILES:
                found.setdefault(each.get("ID", ""), path)
    return found


def is_elsewhere(path: str) -> bool:
    """Whether a path leads out of the folder of its METS file, or to another machine.

    >>> [is_elsewhere(each) for each in ("alto/1.xml", "../1.xml", "/1.xml", "http://a.example/1")]
    [False, True, True, True]
    """
    return bool(ELSEWHERE.match(path))


def pages_of(tree: Any) -> list[str]:
    """The ids of files in the order of the pages."""
    return [
        pointer.get("FILEID", "")
        for page in tree.iterfind("structMap//div")
        if type_of(page) in PAGE
        for pointer in page.iter("fptr", "area")
    ]


def descriptions_of(tree: Any) -> dict[str, Description]:
    """The descriptions by their ids."""
    return {each.get("ID", ""): _described(each) for each in tree.iterfind("dmdSec")}


def _described(section: Any) -> Description:
    inner = section.find(".//mods")
    inner = section.find(".//xmlData") if inner is None else inner
    if inner is None:
        return Description()
    article = line_at(inner, "titleInfo/nonSort")
    authors = []
    for name in (*inner.iterfind("name"), *inner.iterfind("creator")):
        if line_at(name, "role/roleTerm").casefold() in CREATORS:
            parts = [line_of(each) for each in name.iterfind("namePart")] or [line_of(name)]
            authors.append(", ".join(part for part in parts if part))
    return Description(
        f"{article} {line_at(inner, 'titleInfo/title', 'title')}".strip(),
        line_at(inner, "relatedItem[@type='host']/titleInfo/title", "isPartOf"),
        line_at(inner, *DAYS),
        line_at(inner, "language/languageTerm", "language"),
        tuple(authors),
    )


def name_of(tree: Any) -> str:
    """The name of the newspaper in the label of a METS file."""
    return DAY_OF_LABEL.sub("", tree.get("LABEL") or "").strip()


def label_of(division: Any) -> str:
    """The label of a division, unless it says no more than what it is.

    >>> bool(NO_LABEL.fullmatch("Article 12")), bool(NO_LABEL.fullmatch("12 hurt"))
    (True, False)
    """
    label = " ".join((division.get("LABEL") or "").split())
    return "" if NO_LABEL.fullmatch(label) else label


def divisions_of(tree: Any) -> list[Division]:
    """The articles in the logical structure, in its order, and what stands beside them.

    A division is an article with all that is in it, but for the articles in it. One with nothing
    but a heading above its articles is none.
    """
    maps = tree.findall("structMap")
    logical = [each for each in maps if (each.get("TYPE") or "").casefold() == "logical"]
    walk = _Walk(descriptions_of(tree))
    for each in logical or maps:
        for division in each.iterfind("div"):
            walk.divide(division, [], "")
    return [each for each in walk.found if each.pointers]


class _Walk:
    """Walks down the divisions of a structure."""

    def __init__(self, described: dict[str, Description]) -> None:
        self._described = described
        self._paragraphs = 0
        self.found: list[Division] = []

    def divide(self, element: Any, above: list[Description], section: str) -> None:
        """Find the articles in a division that is none of the parts of one."""
        ids = (element.get("DMDID") or "").split()
        own = [self._described[each] for each in ids if each in self._described]
        kind, label = type_of(element), label_of(element)
        division = Division(kind, label, section, own, above)
        self.found.append(division)
        inner: list[Any] = []
        self._collect(element, division.pointers, (), inner)
        if kind in CONTAINERS:  # the whole files of an issue are its pages
            division.pointers[:] = [each for each in division.pointers if each.begin]
        if inner and all(each.role for each in division.pointers):
            division.pointers.clear()
        for each in inner:
            self.divide(each, [*own, *above], label if "section" in kind else section)

    def _collect(
        self, element: Any, found: list[Pointer], role: tuple[str, ...], inner: list[Any]
    ) -> None:
        """Find what a division points to, and the divisions in it that are not its parts."""
        self._paragraphs += 1
        paragraph = self._paragraphs
        for each in element:
            if each.tag == "div":
                kind = type_of(each)
                if kind in PARTS:
                    roles = (known for known in (TITLES, AUTHORS, HEADINGS) if kind in known)
                    self._collect(each, found, next(roles, role), inner)
                else:
                    inner.append(each)
            elif each.tag == "fptr":
                areas = [area for area in each.iter("area") if area.get("FILEID")] or [each]
                found += (
                    Pointer(
                        area.get("FILEID", ""),
                        area.get("BEGIN", ""),
                        area.get("END", ""),
                        paragraph,
                        role,
                    )
                    for area in areas
                )
