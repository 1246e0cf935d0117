"""Finds the files of an input: folders walked in a settled order, each file once."""

import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from archive.errors import ArchiveError, UnreadableArticle
from archive.reading.files import SourceFile

ADDRESSES = ("http:", "https:", "feed:")  # how their paths begin


class InputMissing(ArchiveError):
    """A path that was named and does not exist."""

    def __init__(self, path: Path) -> None:
        self.path = path
        if _is_address(path):
            address = str(path).replace(":/", "://", 1)  # a path has no two slashes in a row
            super().__init__(f"{address} is an address; `backfile follow {address}` fetches feeds")
        else:
            super().__init__(f"nothing at {path}; name a file or folder that exists")


def find_files(paths: Iterable[Path]) -> Iterator[SourceFile | UnreadableArticle]:
    """Walk the paths in a settled order; hidden files and folders are left out.

    What is reached twice, through two roots or a link, is yielded once.

    Raises InputMissing at once, before anything is read, for a path that is not there.
    """
    roots = []
    for path in map(Path, paths):
        if not path.exists():
            raise InputMissing(path if _is_address(path) else path.resolve())
        roots.append(path.resolve())
    return _once(found for root in dict.fromkeys(roots) for found in _walk(root))


def _is_address(path: Path) -> bool:
    return bool(path.parts) and path.parts[0].casefold() in ADDRESSES


def _once(
    found: Iterable[SourceFile | UnreadableArticle],
) -> Iterator[SourceFile | UnreadableArticle]:
    seen: set[str] = set()
    for each in found:
        place = each.origin if isinstance(each, UnreadableArticle) else _place(Path(each.place))
        if place not in seen:
            seen.add(place)
            yield each


def _place(path: Path) -> str:
    """Where a file really lies; the folders above it are resolved already."""
    return str(path.resolve() if path.is_symlink() else path)


def _walk(root: Path) -> Iterator[SourceFile | UnreadableArticle]:
    if root.is_file():
        yield _named(root, f"{root.parent.name}/{root.name}")
        return
    failures: list[OSError] = []
    collect: Callable[[OSError], None] = failures.append
    for folder, subfolders, names in os.walk(root, onerror=collect):
        subfolders[:] = sorted(name for name in subfolders if not name.startswith("."))
        yield from _links(folder, subfolders)
        for name in sorted(names):
            path = Path(folder, name)
            if name.startswith("."):
                continue
            if not path.is_file():
                yield UnreadableArticle(str(path), "neither a file nor a folder")
                continue
            yield _named(path, f"{root.name}/{path.relative_to(root).as_posix()}")
        yield from _reported(failures)
    yield from _reported(failures)


def _links(folder: str, subfolders: list[str]) -> Iterator[UnreadableArticle]:
    for name in subfolders:
        path = Path(folder, name)
        if path.is_symlink():
            reason = "a link to a folder is not followed; name the folder itself"
            yield UnreadableArticle(_printable(path), reason)


def _printable(path: Path) -> str:
    return os.fsencode(path).decode("utf-8", "replace")


def _named(path: Path, key: str) -> SourceFile | UnreadableArticle:
    """Refuse a name that is not UTF-8: neither an id nor the catalogue could hold it."""
    name = _printable(path)
    if name != str(path):
        return UnreadableArticle(name, "the name of the file is not UTF-8; rename it")
    return SourceFile.at(path, key)


def _reported(failures: list[OSError]) -> Iterator[UnreadableArticle]:
    while failures:
        failure = failures.pop(0)
        yield UnreadableArticle(str(failure.filename), failure.strerror or str(failure))
