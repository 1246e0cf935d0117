"""An archive that a program has opened: indexes, searches, exports and removes."""

import os
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, NamedTuple, Self, Unpack

from backfile.answers import Answer
from backfile.archive.model.article import Article
from backfile.archive.model.errors import ArchiveClosed, ArticleNotFound, BadQuery, BadSetting
from backfile.archive.model.settings import Settings
from backfile.archive.store.collections import (
    MOST_ARTICLES,
    MOST_COLLECTIONS,
    Collection,
    Entry,
)
from backfile.archive.store.directory import ArchiveDirectory
from backfile.archive.store.manifest import Manifest
from backfile.index.indexing.status import Status, status_of
from backfile.index.model.query import DEFAULT_HITS, Query, parse_limit
from backfile.index.seams.engines import Engines
from backfile.index.search.related import MOST_RELATED, Related
from backfile.index.search.searcher import Searcher
from backfile.index.wiring import open_engines, searcher_over, settings_now
from backfile.parameters import SearchParameters, query_of
from backfile.web.api.exports import EXPORTS

if (
    TYPE_CHECKING
):  # what writes is imported when something is written: who only searches saves 0.1 s
    from backfile.index.indexing.ingest_batch import Report as IngestReport
    from backfile.index.indexing.stages import Progress as StageProgress
    from backfile.index.indexing.stages import Stage
    from backfile.index.writing import Writing
    from backfile.records import Given

Progress = Callable[[str, int, int], None]


class Refusal(NamedTuple):
    """What was not indexed: its place, why, and the record itself where there is one."""

    origin: str
    reason: str
    record: object = None


@dataclass(frozen=True, slots=True)
class Report:
    """What became of the articles that were given.

    `read` is the sum of `new`, `changed`, `unchanged` and `duplicate`; `undated`, `likely` and
    `doubtful` say how sure their days are; of `thin` ones, a field with far more text was not read.
    """

    read: int
    new: int
    changed: int
    unchanged: int
    duplicate: int
    withdrawn: int
    undated: int
    likely: int
    doubtful: int
    thin: int
    refused: tuple[Refusal, ...]

    @classmethod
    def of(cls, found: "IngestReport") -> Self:
        refused = (Refusal(each.origin, each.reason, each.record) for each in found.refused)
        return cls(**found.counts, refused=tuple(refused))


class Export(Iterator[str]):
    """All that a search finds, written as a file, piece by piece; `total` counts the hits."""

    def __init__(self, pieces: Iterator[str], total: int) -> None:
        self._pieces = pieces
        self.total = total

    def __next__(self) -> str:
        return next(self._pieces)


class _Reader(NamedTuple):
    """What is open for reading in one process."""

    engines: Engines
    searcher: Searcher


class Archive:
    """An open archive. Any number of threads and processes may read, and one may write at a time.

    After os.fork() the child opens what it needs anew; it must end as the children of
    multiprocessing do, by os._exit(), because onnxruntime, once imported, never lets a forked
    process end in another way. Pickled, an archive travels as its settings.
    """

    def __init__(self, settings: Settings, *, create: bool = False) -> None:
        """Open what the settings name; raise ArchiveMissing unless it is there or is created."""
        self._settings = settings
        self._directory = ArchiveDirectory(settings.archive)
        # By process: after a fork, locks and connections of the parent must be left alone.
        self._locks: dict[int, threading.Lock] = {}
        self._readers: dict[int, _Reader] = {}
        self._closed = False
        if create and not self._directory.exists():
            with self._writing(create=True):
                pass
        self._directory.require()
        self._reader()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        self.close()

    def __reduce__(self) -> tuple[Any, ...]:
        return Archive, (self._settings,)

    def __repr__(self) -> str:
        return f"<Archive {str(self._settings.archive)!r}>"

    def close(self) -> None:
        """Let go of what is open; later calls raise ArchiveClosed. Closing twice does no harm."""
        self._closed = True
        if reader := self._readers.pop(os.getpid(), None):
            reader.engines.catalog.close()

    def index(
        self,
        articles: "Iterable[Given]",
        *,
        vectors: bool = True,
        fields: Mapping[str, str] | None = None,
        date_order: str | None = None,
        progress: Progress | None = None,
    ) -> Report:
        """Add articles and make them findable: an iterable of dicts or Articles, read as a stream.

        A dict is read as a record of a file is: the usual names of its fields are known, `fields`
        names others (`{"text": "Body"}`), `date_order` (`DMY`, `MDY`, `YMD`) is that of dates in
        figures. What cannot become an article is refused, and listed in the report. An article
        whose id is known replaces what is there, which stays in the history; without an id and a
        url, it is named by its content.

        `vectors=False` indexes words alone; the next call without it makes up for it. `progress` is
        called with a stage (`reading`, `names`, in articles; `words`, `meaning`, `neighbours`, in
        passages), how much of it is done, and how much there is; from more than one thread. Each
        call loads the model: give many articles to one call.

        Raises ArchiveBusy while another writes, and BadSetting for `fields` and `date_order`. What
        the iterable itself raises is raised again, once all that came before it is indexed.
        """
        from backfile.records import Records, names_of

        if isinstance(articles, Mapping | Article | str | bytes):
            raise TypeError(f"a list of articles is needed, not one {type(articles).__name__}")
        source = Records(articles, names_of(fields, date_order))
        reader = self._reader()
        with self._writing(progress) as opened:
            run = opened.indexer.run if vectors else opened.indexer.index
            report = run(source)
        reader.searcher.look_again()
        if source.failure:
            raise source.failure
        return Report.of(report)

    def search(self, text: str | None = "", **parameters: Unpack[SearchParameters]) -> Answer:
        """Find articles by words and by meaning; without a text, all that pass the filters.

        `text` may use the query language; for the parameters see SearchParameters. Raises BadQuery
        with the name of the parameter that is wrong.
        """
        return self._answer(query_of(text, parameters))

    def export(
        self,
        text: str | None = "",
        *,
        format: str = "csv",
        **parameters: Unpack[SearchParameters],
    ) -> Export:
        """Write every article that a search finds, whatever its limit, as a file.

        `format` is `csv`, `jsonl`, `ris`, `bib` (BibTeX) or `txt` (citations, one a line).

        What finds nothing is not relaxed, as it is by `search` without `strict`.
        Raises BadQuery as `search` does, and for an unknown format.
        """
        if format not in EXPORTS:
            raise BadQuery("format", f"{format!r} is none of: {', '.join(EXPORTS)}")
        query = query_of(text, parameters)
        searcher = self._reader().searcher
        found = searcher.find_all(query, relaxes=False)
        return Export(EXPORTS[format].write(searcher.articles(found)), found.answer.total)

    def article(self, article_id: str) -> Article:
        """Fetch an article whole; raise ArticleNotFound."""
        return self._reader().engines.catalog.article(article_id)

    def related(self, article_id: str, *, limit: int = DEFAULT_HITS) -> Related:
        """Find earlier and later coverage of an article's subject, at most `limit` of each kind.

        Raises ArticleNotFound, and BadQuery for the limit.
        """
        most = parse_limit(str(limit), most=MOST_RELATED)
        return self._reader().searcher.related(article_id, limit=most)

    def collections(self) -> list[Collection]:
        """List the collections of starred articles, by name."""
        return self._reader().engines.catalog.collections.listed(MOST_COLLECTIONS)

    def collected(self, name: str) -> list[Entry]:
        """List the articles of a collection with their notes and tags; raise BadQuery.

        One that is no longer in the archive is listed, too. `search` takes the name as a filter.
        """
        return self._reader().engines.catalog.collections.entries(name, MOST_ARTICLES)

    def collect(self, name: str, article_ids: str | Iterable[str]) -> int:
        """Put articles into a collection, which is made if need be; return how many are new in it.

        Raises ArticleNotFound for one that is not in the archive, and BadQuery for the name.
        """
        ids, catalog = _listed(article_ids), self._reader().engines.catalog
        known = catalog.articles_of(ids)
        for each in ids:
            if each not in known:
                raise ArticleNotFound(each)
        return catalog.collections.add(name, [(each, known[each].title) for each in ids])

    def uncollect(self, name: str, article_ids: str | Iterable[str]) -> int:
        """Take articles out of a collection; return how many were in it. Raises BadQuery."""
        collections = self._reader().engines.catalog.collections
        return collections.remove(name, _listed(article_ids))

    def rename_collection(self, name: str, new: str) -> Collection:
        """Give a collection another name; raise BadQuery."""
        return self._reader().engines.catalog.collections.rename(name, new)

    def delete_collection(self, name: str) -> Collection:
        """Delete a collection with its notes and tags; its articles stay in the archive."""
        return self._reader().engines.catalog.collections.delete(name)

    def remove(self, article_ids: str | Iterable[str]) -> int:
        """Remove articles from the record and from what is found; return how many there were."""
        ids = _listed(article_ids)
        reader = self._reader()
        with self._writing() as opened:
            removed = opened.indexer.remove(ids)
        reader.searcher.look_again()
        return removed

    def status(self) -> Status:
        """Count what the archive holds, and how much of it can be found by meaning."""
        return status_of(self._directory, self._reader().engines)

    def _writing(
        self, progress: Progress | None = None, *, create: bool = False
    ) -> "AbstractContextManager[Writing]":
        from backfile.index.writing import open_for_writing

        return open_for_writing(self._settings, _stages(progress), create=create)

    def _answer(self, query: Query) -> Answer:
        return Answer(self._reader().searcher.search(query), self._answer)

    def _reader(self) -> _Reader:
        """What is open in this process, opened with the first use; raise ArchiveClosed."""
        if self._closed:
            raise ArchiveClosed(self._settings.archive)
        process = os.getpid()
        found = self._readers.get(process)
        if found and not self._is_replaced(found):
            return found
        with self._locks.setdefault(process, threading.Lock()):
            found = self._readers.get(process)
            if found is None or self._is_replaced(found):
                if found:
                    self._settings = settings_now(self._settings)
                engines = open_engines(self._settings)
                found = _Reader(engines, searcher_over(engines, self._settings))
                self._readers[process] = found
            return found

    def _is_replaced(self, reader: _Reader) -> bool:
        """Whether another archive stands where the one was that is open: `reembed` made it."""
        return not reader.engines.catalog.is_in_place() and self._directory.exists()


def settings_for(
    path: str | os.PathLike[str],
    *,
    model: str | None = None,
    threads: int | None = None,
    trust: bool = False,
) -> Settings:
    """The settings of the environment, for one archive; its own model unless another is named.

    Raises BadSetting.
    """
    settings = replace(Settings.from_environment(), archive=Path(path))
    directory = ArchiveDirectory(settings.archive)
    if model is None and "model" not in settings.given and directory.exists():
        model = Manifest.read(directory.manifest).model
    if threads is not None and threads < 0:
        raise BadSetting("threads", f"{threads} is less than 0")
    return replace(
        settings,
        model=settings.model if model is None else model,
        threads=settings.threads if threads is None else threads,
        trust=trust or settings.trust,
    )


def _listed(article_ids: str | Iterable[str]) -> list[str]:
    return [article_ids] if isinstance(article_ids, str) else list(article_ids)


def _stages(progress: Progress | None) -> "StageProgress":
    """Name stages to a program as texts; nobody is told where it does not want to know."""

    def tell(stage: "Stage", done: int, total: int) -> None:
        if progress:
            progress(stage.value, done, total)

    return tell
