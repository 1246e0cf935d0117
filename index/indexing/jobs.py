"""Does the jobs of the inbox: puts their articles into the archive, or removes articles."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Any

from backfile.archive.formats.fields import FieldMap
from backfile.archive.formats.records import read_received
from backfile.archive.model.article import Article
from backfile.archive.model.errors import DamagedJob, UnreadableArticle, WithdrawnArticle
from backfile.archive.store.catalog import Catalog
from backfile.archive.store.history import moment
from backfile.archive.store.jobs import MOST_REFUSALS, Job, JobKind, JobResult, Refusal
from backfile.index.indexing.indexer import Indexer
from backfile.index.indexing.ingest_batch import Report

MOST_JOBS = 500  # that are done, and committed, together
MOST_BYTES = 4 << 20  # of their files; a larger job is done by itself
NAMES = {
    "new": "added",
    "changed": "updated",
    "unchanged": "unchanged",
    "duplicate": "unchanged",
    "withdrawn": "removed",
}  # of the counts of a report in a result


class Interrupted(Exception):
    """The writer is to stop; jobs that are not finished are done again by the next one."""


def never() -> bool:
    """Do not interrupt."""
    return False


def next_lot(waiting: Sequence[Job]) -> list[Job]:
    """The first jobs that can be done together, deletions before the rest.

    That is no other order than theirs as long as they put and delete different articles; what a
    job adds whose ids are not known may be any article.
    """
    lot: list[Job] = []
    size, put, deleted = 0, set[str](), set[str]()
    for job in waiting[:MOST_JOBS]:
        size += job.size
        deletes = job.kind is JobKind.DELETE
        article_id = job.article_id() if job.kind is not JobKind.POST else ""
        others = put if deletes else deleted
        clash = article_id in others if article_id and "" not in others else bool(others)
        if lot and (size > MOST_BYTES or clash):
            break
        lot.append(job)
        (deleted if deletes else put).add(article_id)
    return lot


def do_jobs(
    lot: Sequence[Job],
    catalog: Catalog,
    indexer: Indexer,
    *,
    interrupted: Callable[[], bool] = never,
) -> list[JobResult]:
    """Do jobs that can be done together, up to the commit; finish them in the inbox.

    A job whose file is damaged fails, and its file is set aside. Raises Interrupted between two
    articles if that is asked for.
    """
    inbox = catalog.inbox
    inbox.begin(lot)
    failed: dict[int, JobResult] = {}
    sound = []
    for job in lot:
        try:
            job.check()
            sound.append(job)
        except DamagedJob as exc:
            failed[job.number] = failed_job(catalog, job, str(exc))
    deletions = [job for job in sound if job.kind is JobKind.DELETE]
    rest = [job for job in sound if job.kind is not JobKind.DELETE]
    done = _delete(deletions, catalog, indexer) if deletions else []
    done += _put(rest, catalog, indexer, interrupted) if rest else []
    by_number = {each.number: each for each in done} | failed
    results = [by_number[job.number] for job in lot]
    inbox.finish(results)
    return results


def failed_job(catalog: Catalog, job: Job, reason: str) -> JobResult:
    """Set a job aside that cannot be done."""
    aside = catalog.inbox.set_aside(job)
    reason = f"{reason}; it lies in {aside.name}"
    return JobResult(job.number, job.kind, moment(), reason=reason)


def do_all(catalog: Catalog, indexer: Indexer) -> list[JobResult]:
    """Do all jobs that wait; return what became of them."""
    catalog.inbox.tidy()
    results: list[JobResult] = []
    while lot := next_lot(catalog.inbox.waiting()):
        catalog.touched.note_writer()  # in a shard, this is not what a repair has left
        results += do_jobs(lot, catalog, indexer)
    return results


class JobInput:
    """The articles of jobs as an input, each job a file of it; their bytes become originals."""

    def __init__(
        self, jobs: Sequence[Job], catalog: Catalog, interrupted: Callable[[], bool]
    ) -> None:
        self._jobs = jobs
        self._interrupted = interrupted
        self._originals = catalog.originals
        self.bytes_done = 0
        self.bytes_total = sum(job.size for job in jobs)

    def __iter__(self) -> Iterator[Article | UnreadableArticle]:
        options = FieldMap().to_stored()
        for job in self._jobs:
            size = job.size
            for found in read_received(self._originals.keep(job.file(), options)):
                if self._interrupted():
                    raise Interrupted
                yield found
            self.bytes_done += size


def _put(
    jobs: Sequence[Job], catalog: Catalog, indexer: Indexer, interrupted: Callable[[], bool]
) -> list[JobResult]:
    counts: dict[str, dict[str, Any]] = {job.place: {} for job in jobs}

    def count(place: str, name: str) -> None:
        ours = counts[place]
        ours[NAMES[name]] = ours.get(NAMES[name], 0) + 1

    report = indexer.index(JobInput(jobs, catalog, interrupted), Report(watch=count))
    refusals: dict[str, list[Refusal]] = {job.place: [] for job in jobs}
    for each in report.refused:
        place, _, line = each.origin.rpartition(":")
        # A withdrawal by the source is an instruction that was followed.
        if not isinstance(each, WithdrawnArticle):
            with suppress(KeyError):
                refusals[place].append(Refusal(int(line), each.reason))
    now = moment()
    return [
        JobResult(
            job.number,
            job.kind,
            now,
            refused=len(refusals[job.place]),
            refusals=tuple(refusals[job.place][:MOST_REFUSALS]),
            **counts[job.place],
        )
        for job in jobs
    ]


def _delete(jobs: Sequence[Job], catalog: Catalog, indexer: Indexer) -> list[JobResult]:
    ids = {job.number: job.article_id() for job in jobs}
    there = set(catalog.identities.known(set(ids.values())))
    indexer.remove(list(there))
    now, results = moment(), []
    for job in jobs:
        removed = int(ids[job.number] in there)
        there.discard(ids[job.number])
        results.append(JobResult(job.number, job.kind, now, removed=removed))
    return results
