"""A news archive as a library: open one, index articles, search them.

    import backfile

    with backfile.open("var/archive", create=True) as archive:
        archive.index([{"id": "a1", "title": "Swing bridge shut", "text": "It is closed."}])
        for hit in archive.search("swing bridge", since="2023"):
            print(hit.article.title, hit.passages[0].text)

Names and rules are those of the URL's parameters. All errors are kinds of ArchiveError. Importing
this package loads no engine: each one is imported when it is first used.
"""

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

from backfile.archive.model.article import (
    Article,
    DateCertainty,
    DateSource,
    Origin,
    TitleSource,
)
from backfile.archive.model.dates import DateSpan
from backfile.archive.model.errors import (
    ArchiveBusy,
    ArchiveClosed,
    ArchiveError,
    ArchiveMismatch,
    ArchiveMissing,
    ArchiveUntrusted,
    ArchiveUnwritable,
    ArticleNotFound,
    BadQuery,
    BadSetting,
    EngineUnavailable,
    WorkerLost,
)

if TYPE_CHECKING:
    from backfile.answers import Answer, Hit, PassageHit
    from backfile.library import Archive, Export, Refusal, Report

__all__ = [
    "Answer",
    "Archive",
    "ArchiveBusy",
    "ArchiveClosed",
    "ArchiveError",
    "ArchiveMismatch",
    "ArchiveMissing",
    "ArchiveUntrusted",
    "ArchiveUnwritable",
    "Article",
    "ArticleNotFound",
    "BadQuery",
    "BadSetting",
    "DateCertainty",
    "DateSource",
    "DateSpan",
    "EngineUnavailable",
    "Export",
    "Hit",
    "Origin",
    "PassageHit",
    "Refusal",
    "Report",
    "TitleSource",
    "WorkerLost",
    "open",
]

LAZY = {
    **dict.fromkeys(("Answer", "Hit", "PassageHit"), "backfile.answers"),
    **dict.fromkeys(("Archive", "Export", "Refusal", "Report"), "backfile.library"),
}
"""The module of each public name that needs an engine; it is imported with the first use."""


def open(
    path: str | os.PathLike[str],
    *,
    create: bool = False,
    model: str | None = None,
    threads: int | None = None,
    trust: bool = False,
) -> "Archive":
    """Open the archive in a directory; use it as a context manager, or close it.

    `create` makes an archive where there is none. `model` is a sentence-transformers model, a name
    or a path: for an archive that exists it must be the one that it was made with, which is the
    default. `threads` says how many cores to use, 0 for all. `trust` opens an archive that other
    users own or can write to. Everything else is set as for the `backfile` command, by the
    variables BACKFILE_*.

    Raises ArchiveMissing where there is no archive, ArchiveUntrusted where another user owns it or
    can write to it, ArchiveMismatch where it was made with another model or by another release,
    ArchiveUnwritable or ArchiveBusy where it cannot be created.
    """
    from backfile.library import Archive, settings_for

    return Archive(settings_for(path, model=model, threads=threads, trust=trust), create=create)


def __getattr__(name: str) -> Any:
    if name not in LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(LAZY[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
