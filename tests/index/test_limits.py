"""Indexing under limits of open files and of memory: each is named, and the next run finishes."""

import os
import resource
from pathlib import Path

import pytest

from backfile.archive.model.errors import (
    ArchiveError,
    EngineUnavailable,
    OutOfMemory,
    Shortage,
    TooManyFiles,
    shortage_of,
)
from backfile.archive.model.message import Message
from backfile.index.indexing.verify import verify
from backfile.index.model.query import Mode, Query
from backfile.index.seams.failures import translated
from backfile.index.search.ranking import RankingOptions
from backfile.index.search.searcher import Searcher
from tests.builders import engines_in, fill, write_news
from tests.processes import PROCESSES

pytestmark = [pytest.mark.crash, pytest.mark.long]
MB = 1 << 20
FINISHED, SHORT = 0, 9


def limit_more(limit: int, more: int) -> None:
    """Limit this process to little more than it has: so many files, or bytes of memory."""
    if limit == resource.RLIMIT_NOFILE:
        free = os.open(os.devnull, os.O_RDONLY)  # the lowest number that is free
        os.close(free)
        used = free
    else:
        used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(limit, (used + more, resource.getrlimit(limit)[1]))


def index_within(folder: Path, news: Path, limit: int, more: int) -> None:
    """Index with vectors, and exit as it ended."""
    limit_more(limit, more)
    try:
        engines = engines_in(folder, in_memory=False)
        refused = fill(engines, news).refused  # a file that could not be opened is named
        engines.catalog.close()
    except (ArchiveError, OSError, MemoryError, ImportError) as exc:  # as the commands name them
        if isinstance(exc, Shortage) or shortage_of(exc):
            os._exit(SHORT)
        raise
    os._exit(SHORT if refused and "Too many open files" in refused[0].reason else FINISHED)


def ended(folder, news, limit, more):
    process = PROCESSES.Process(target=index_within, args=(folder, news, limit, more))
    process.start()
    process.join(45)
    if process.is_alive():
        process.kill()
        process.join()
    return process.exitcode


def is_finished_by_the_next(folder, news):
    engines = engines_in(folder, in_memory=False)
    fill(engines, news)
    assert list(verify(engines)) == []
    found = Searcher(engines, RankingOptions(floor=0.2)).search(Query("ferry", mode=Mode.SEMANTIC))
    count = engines.catalog.counts()
    engines.catalog.close()
    return count.articles, count.embedded == count.passages, bool(found.hits)


@pytest.mark.parametrize("more", [4, 8, 12, 16])
def test_too_many_open_files_are_named_and_the_next_run_finishes(more, tmp_path):
    news = write_news(tmp_path / "news.jsonl", articles=40)
    assert ended(tmp_path / "archive", news, resource.RLIMIT_NOFILE, more) == SHORT
    assert is_finished_by_the_next(tmp_path / "archive", news) == (40, True, True)


# Code in Rust ends its process where it gets no memory, or waits for ever; it does not raise.
@pytest.mark.parametrize("more", [1, 8, 32, 64])
def test_too_little_memory_leaves_what_the_next_run_finishes(more, tmp_path):
    news = write_news(tmp_path / "news.jsonl", articles=40)
    how = ended(tmp_path / "archive", news, resource.RLIMIT_AS, more * MB)
    assert how in (SHORT, FINISHED) or how < 0
    assert is_finished_by_the_next(tmp_path / "archive", news) == (40, True, True)


def test_damage_that_asks_for_memory_is_told_from_too_little_of_it():
    for more, error in ((1, OutOfMemory), (256, EngineUnavailable)):
        process = PROCESSES.Process(target=raised_as_the_engines_do, args=(more, error))
        process.start()
        process.join(45)
        assert process.exitcode == FINISHED


def raised_as_the_engines_do(more: int, error: type[ArchiveError]) -> None:
    """Exit as finished where a MemoryError is translated to this error."""
    limit_more(resource.RLIMIT_AS, more * MB)
    with pytest.raises(error), translated(Message("Whoosh")):
        bytearray(1 << 60)
    os._exit(FINISHED)


def test_a_shortage_is_named_whatever_a_vendor_says_of_it():
    assert isinstance(shortage_of(MemoryError()), OutOfMemory)
    missing = ImportError("libx.so: failed to map segment from shared object")
    assert isinstance(shortage_of(missing), OutOfMemory)
    for lost in (
        SystemError("error return without exception set"),
        RuntimeError("Resource temporarily unavailable (os error 11)"),
    ):
        assert isinstance(shortage_of(lost), OutOfMemory)
    assert shortage_of(ValueError("it is damaged")) is None
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    limit_more(resource.RLIMIT_NOFILE, 3)
    try:
        assert isinstance(shortage_of(ValueError("unable to open database file")), TooManyFiles)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
