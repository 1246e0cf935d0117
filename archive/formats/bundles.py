"""Finds digitised issues in an input: a METS file and the ALTO files that it names become one file.

Only files of the same folder or ZIP file, and below it, are joined, and only where they are in the
input themselves: what a METS file names elsewhere is never opened.
"""

import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from io import BufferedReader
from posixpath import normpath
from zipfile import BadZipFile

from backfile.archive.formats.documents.digitised_issues import METS_NAME, bundled
from backfile.archive.formats.documents.mets import files_of, is_elsewhere, trees_in
from backfile.archive.formats.files import MOST_IN_MEMORY, SourceFile
from backfile.archive.formats.web.markup import root_of
from backfile.archive.model.errors import UnreadableArticle

SUFFIXES = (".xml", ".mets")
HEAD = 2_048  # bytes, in which the root of a METS or an ALTO file stands
MARKS = (b"mets", b"METS")
UNREADABLE = (UnreadableArticle, OSError, EOFError, zlib.error, BadZipFile)
Found = SourceFile | UnreadableArticle


class Bundles:
    """The METS files among files of one folder or container, with the pages that they name."""

    def __init__(self, files: Iterable[Found]) -> None:
        self._pages: dict[str, dict[str, SourceFile]] = {}
        self._named: set[str] = set()
        candidates = [
            each for each in files if isinstance(each, SourceFile) and each.suffix in SUFFIXES
        ]
        described = [each for each in candidates if is_mets(_head(each))]
        if not described:
            return
        places = {each.place: each for each in candidates}
        for each in described:
            with suppress(*UNREADABLE):  # its reader will report that
                pages = _named_pages(each, places)
                if pages and _size([each, *pages.values()]) <= MOST_IN_MEMORY:
                    self._pages[each.place] = pages
                    self._named.update(page.place for page in pages.values())

    def joined(self, found: Found) -> Found | None:
        """A METS file with its pages; None for such a page; other files as they are."""
        if not isinstance(found, SourceFile):
            return found
        if found.place in self._named:
            return None
        pages = self._pages.get(found.place)
        return replace(found, raw=partial(_open_bundle, found, pages)) if pages else found


def joined(files: Sequence[Found]) -> Iterator[Found]:
    """Files of a folder or container, digitised issues in the places of their METS files."""
    bundles = Bundles(files)
    for each in files:
        if (found := bundles.joined(each)) is not None:
            yield found


def is_mets(head: bytes) -> bool:
    """Whether a file of XML describes others."""
    is_likely = any(mark in head for mark in MARKS)
    return is_likely and root_of(head.decode("utf-8", "replace")) == "mets"


def _named_pages(described: SourceFile, places: dict[str, SourceFile]) -> dict[str, SourceFile]:
    """The ALTO files that a METS file names, by the paths by which it does."""
    folder = described.place.rpartition("/")[0]
    found: dict[str, SourceFile] = {}
    for tree in trees_in(described):
        for path in files_of(tree).values():
            page = None if is_elsewhere(path) else places.get(f"{folder}/{normpath(path)}")
            if page and root_of(_head(page).decode("utf-8", "replace")) == "alto":
                found[path] = page
    return found


def _head(file: SourceFile) -> bytes:
    with suppress(*UNREADABLE), file.open() as stream:
        return stream.read(HEAD)
    return b""


def _size(files: Sequence[SourceFile]) -> int:
    """The bytes of files, as far as they may be read."""
    size = 0
    for each in files:
        with each.open() as stream:
            while size <= MOST_IN_MEMORY and (some := stream.read(1 << 20)):
                size += len(some)
    return size


def _open_bundle(described: SourceFile, pages: dict[str, SourceFile]) -> BufferedReader:
    files = [(METS_NAME, described), *pages.items()]
    return BufferedReader(bundled((name, each.read_bytes(MOST_IN_MEMORY)) for name, each in files))
