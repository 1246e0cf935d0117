"""Reads the articles of a digitised issue: METS says where they stand, ALTO has their words.

Both are read as one file, a bundle (`archive/formats/bundles.py`). So the original that is kept of
an article has the coordinates of its words, too.
"""

import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import partial
from itertools import chain
from typing import Any
from zipfile import ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from backfile.archive.formats.documents import mets
from backfile.archive.formats.documents.mets import Description, Division, Pointer
from backfile.archive.formats.documents.scans import NO_TEXT, PAGES, alto_lines, text_of_blocks
from backfile.archive.formats.fields import FieldMap, article_from
from backfile.archive.formats.files import (
    MOST_IN_MEMORY,
    STUMBLES,
    ReadResult,
    ReadResults,
    SourceFile,
)
from backfile.archive.formats.wire.bylines import names_in
from backfile.archive.formats.wire.xml import items_in
from backfile.archive.model.errors import UnreadableArticle
from backfile.archive.model.ids import with_part_id

TYPE = b"application/x-mets-with-alto"
# The first member of a bundle is its type, as in OpenDocument; behind its header of 30 bytes.
OPENING = re.compile(rb"PK\x03\x04.{26}mimetype" + re.escape(TYPE), re.S)
TYPE_NAME, METS_NAME = "mimetype", "METS"
EPOCH = (1980, 1, 1, 0, 0, 0)  # equal files make equal bundles
BLOCKS = ("ComposedBlock", "TextBlock", "TextLine")
Blocks = list[list[str]]  # lines


def is_bundle(head: bytes) -> bool:
    """Whether a file is METS with the files that it names."""
    return bool(OPENING.match(head))


def bundled(files: Iterable[tuple[str, bytes]]) -> io.BytesIO:
    """Pack a METS file, as METS_NAME, and its pages, by their paths, into one file."""
    packed = io.BytesIO()
    with ZipFile(packed, "w", ZIP_STORED) as opened:
        for name, content in chain(((TYPE_NAME, TYPE),), files):
            opened.writestr(ZipInfo(name, EPOCH), content)
    packed.seek(0)
    return packed


def read_bundle(file: SourceFile, names: FieldMap) -> ReadResults:
    """Read each article, and each page of which METS names no part; the offset is the page."""
    with _unpacked(file.read_bytes(MOST_IN_MEMORY)) as opened:
        described = replace(file, raw=partial(_opened, opened, METS_NAME))
        for tree in mets.trees_in(described):
            issue = _Issue(tree, file, opened)
            yield from issue.refused
            for number, record in issue.records():
                yield _article(record, file, number, names)


def _unpacked(content: bytes) -> ZipFile:
    try:
        return ZipFile(io.BytesIO(content))
    except STUMBLES as exc:
        raise BadZipFile(str(exc)) from exc


def _opened(bundle: ZipFile, name: str) -> io.BufferedReader:
    try:
        member: Any = bundle.open(name)
    except STUMBLES as exc:
        raise BadZipFile(str(exc)) from exc
    return io.BufferedReader(member)


def _article(record: dict[str, Any], file: SourceFile, number: int, names: FieldMap) -> ReadResult:
    origin, usual = file.origin(number), FieldMap(dates=names.dates)
    try:
        article = article_from(record, origin, usual, file.defaults, file_name=file.key)
        return with_part_id(article)
    except UnreadableArticle:
        return UnreadableArticle(str(origin), NO_TEXT)


class _Page:
    """The blocks of a page, and where those with an id begin and end."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.blocks: Blocks = []
        self._lines: dict[str, Blocks] = {}
        self._spans: dict[str, tuple[int, int]] = {}

    def add(self, page: Any) -> None:
        """Add a page of ALTO; a file may have several."""
        begin = {}
        for element in page.iter(*BLOCKS):
            name, known = element.get("ID", ""), len(self.blocks)
            if element.tag == "ComposedBlock":
                begin[name] = known, known + sum(1 for _ in element.iter("TextBlock"))
            elif element.tag == "TextBlock":
                begin[name] = known, known + 1
                self.blocks.append(alto_lines(element))
            else:
                self._lines[name] = [alto_lines(element)]
        self._spans |= begin

    def pointed(self, pointer: Pointer) -> Blocks:
        """The blocks that a pointer names; none for a picture."""
        if not pointer.begin:
            return self.blocks
        if pointer.begin in self._lines:
            return self._lines[pointer.begin]
        begin, end = self._spans.get(pointer.begin, (0, 0))
        return self.blocks[begin : max(end, self._spans.get(pointer.end, (0, 0))[1])]


class _Issue:
    """An issue as METS describes it, and the words of its pages."""

    def __init__(self, tree: Any, file: SourceFile, bundle: ZipFile) -> None:
        self.refused: list[UnreadableArticle] = []
        self._tree = tree
        self._file = file
        self._bundle = bundle
        self._pages = self._read_pages()

    def _read_pages(self) -> dict[str, _Page]:
        """The pages by the ids that METS gives to their files, in the order of the pages."""
        paths = mets.files_of(self._tree)
        ids = [
            each for each in dict.fromkeys((*mets.pages_of(self._tree), *paths)) if each in paths
        ]
        pages: dict[str, _Page] = {}
        members = set(self._bundle.namelist())
        for path in dict.fromkeys(paths[each] for each in ids):
            if path in members:
                pages[path] = self._page(path, len(pages) + 1)
        missing = [path for path in paths.values() if path not in pages]
        self._list("leads out of its folder, and is not read", filter(mets.is_elsewhere, missing))
        absent = (path for path in missing if not mets.is_elsewhere(path))
        self._list("is not beside it, or no ALTO", absent)
        return {each: pages[paths[each]] for each in ids if paths[each] in pages}

    def _list(self, trouble: str, paths: Iterable[str]) -> None:
        """Refuse files that METS names, with the first of them and their number."""
        if several := list(dict.fromkeys(paths)):
            more = f", like {len(several) - 1} more" if len(several) > 1 else ""
            reason = f"METS names a file that {trouble} ({several[0][:100]}{more})"
            self.refused.append(UnreadableArticle(self._file.place, reason))

    def _page(self, path: str, number: int) -> _Page:
        page = _Page(number)
        place, raw = f"{self._file.place}!/{path}", partial(_opened, self._bundle, path)
        try:
            for each in items_in(SourceFile(place, self._file.key, raw), PAGES):
                page.add(each)
        except UnreadableArticle as refused:
            self.refused.append(UnreadableArticle(refused.origin, refused.reason))
        return page

    def records(self) -> Iterator[tuple[int, dict[str, Any]]]:
        """The number of a page, and the fields of an article that begins there."""
        seen: set[int] = set()
        divisions = mets.divisions_of(self._tree)
        of_articles = {each for division in divisions for each in division.own}
        described = mets.descriptions_of(self._tree).values()
        of_issue = [each for each in described if each not in of_articles]
        for division in divisions:
            pages = [self._pages[each.file] for each in self._known(division)]
            seen.update(page.number for page in pages)
            record = self._record(division) if pages and not division.is_aside else {}
            if record.keys() & {"title", "text"}:
                yield pages[0].number, self._about(division, of_issue) | record
        whole = mets.Division("page", "", "", [], [])
        for page in dict.fromkeys(self._pages.values()):
            if page.number not in seen:
                text = text_of_blocks(page.blocks)
                yield page.number, self._about(whole, [*of_issue, *of_articles]) | {"text": text}

    def _known(self, division: Division) -> list[Pointer]:
        return [each for each in division.pointers if each.file in self._pages]

    def _about(self, division: Division, of_issue: list[Description]) -> dict[str, str]:
        """The newspaper, the day and the language of an article.

        The newspaper is what a description calls the host, or else the title of the outermost one
        above the article, or the first title with a day, or the name in the label of the file.
        """
        known = [*division.above, *of_issue]
        hosts = (each.host for each in [*division.own, *known] if each.host)
        titles = [each.title for each in reversed(division.above) if each.title]
        titles += [each.title for each in of_issue if each.title and each.day]
        return {
            "source": next(hosts, "") or next(iter(titles), mets.name_of(self._tree)),
            "published": next((each.day for each in known if each.day), ""),
            "language": next((each.language for each in known if each.language), ""),
        }

    def _record(self, division: Division) -> dict[str, Any]:
        """The fields that an article has of its own."""
        blocks: Blocks = []
        above: Blocks = []
        authors: Blocks = []
        roles = {each.role for each in division.pointers}
        title_role = next((role for role in (mets.TITLES, mets.HEADINGS) if role in roles), None)
        paragraph = 0
        for pointer in self._known(division):
            found = self._pages[pointer.file].pointed(pointer)
            if pointer.role == title_role:
                above += found
            elif pointer.role == mets.AUTHORS:
                authors += found
            elif found and paragraph == pointer.paragraph:
                blocks[-1] = [*blocks[-1], *found[0]]  # it goes on in another column
                blocks += found[1:]
            else:
                blocks += found
            paragraph = pointer.paragraph if found else paragraph
        headline = text_of_blocks([[line for block in above for line in block]])
        titles = (each.title for each in division.own if each.title)
        byline = " ".join(line for block in authors for line in block)
        known = (each.authors for each in division.own if each.authors)
        days = (each.day for each in division.own if each.day)
        languages = (each.language for each in division.own if each.language)
        record = {
            "title": headline or division.label or next(titles, ""),
            "text": text_of_blocks(blocks),
            "section": division.section,
            "authors": next(known, ()) or names_in(byline),
            "published": next(days, ""),
            "language": next(languages, ""),
        }
        return {name: value for name, value in record.items() if value}
