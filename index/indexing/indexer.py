"""The way in of articles: into the catalogue and the lexical index at once, then embedded.

    read -> sort -> split, sign -> catalogue -> Whoosh, by row
                                             -> vectors on disk -> `embedded` -> sealed Chroma part
                                             -> clusters of all signatures
                                             -> names

While a batch is read, workers split and sign the one before and index the words of earlier ones.
A batch is one transaction of the catalogue, the end of a run another one. Each step finds by itself
what is left to do (rows beyond the last one in Whoosh, rows not embedded, embedded rows in no part,
signatures newer than the clusters, articles whose names were not read), so the next run finishes a
run that was killed anywhere.
"""

import threading
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np

from backfile.archive.furniture import cut_article
from backfile.archive.model.article import Article
from backfile.archive.passages import Tokenizer
from backfile.archive.store.entries import Changes
from backfile.archive.store.recutting import NewCut, Recut
from backfile.archive.workers import Task, Workers, batches
from backfile.index.duplicates.clustering import Clusterer
from backfile.index.duplicates.signatures import sign
from backfile.index.indexing.ingest_batch import (
    Ingest,
    IngestBatch,
    Input,
    Report,
    growing_batches,
)
from backfile.index.indexing.names_stage import NamesStage
from backfile.index.indexing.stages import (
    SIZES,
    EmbedStage,
    LexicalStage,
    Progress,
    Sizes,
    Stage,
    entry_of,
)
from backfile.index.model.arrays import Rows
from backfile.index.model.article_table_file import latest
from backfile.index.seams.engines import Engines

BATCHES_AHEAD = 1  # batches that are split while the next one is read

UNCUT_AT_ONCE = 500  # articles that are cut again in one transaction


class _Batch(NamedTuple):
    """A sorted batch, and how its articles are cut once workers did so."""

    sorted: IngestBatch
    cuts: list[Task[list[NewCut]]]

    @property
    def is_ready(self) -> bool:
        return all(task.done() for task in self.cuts)

    def changes(self) -> Changes:
        """Wait for the workers; lay out what the batch changes in the catalogue."""
        found, earlier, withdrawn, moved = self.sorted
        cuts = [cut for task in self.cuts for cut in task.result()]
        entries = [(article, cut.passages) for article, cut in zip(found, cuts, strict=True)]
        cut_of = dict(zip((article.id for article in found), cuts, strict=True))
        signatures = {each: cut.signature for each, cut in cut_of.items()}
        recurring = {each: cut.recurring for each, cut in cut_of.items()}
        return Changes(entries, signatures, earlier, withdrawn, moved, recurring)


class Indexer:
    """Writes to one archive; its caller holds the writer's lock."""

    def __init__(
        self,
        engines: Engines,
        tokenizer: Tokenizer,
        progress: Progress,
        *,
        workers: Workers | None = None,
        aside: Workers | None = None,
        elsewhere: Workers | None = None,
        sizes: Sizes = SIZES,
        furniture: bool = True,
    ) -> None:
        """Take the processes that split and sign, and those that embed beside the lexical stage.

        They are started for an input of more than one batch. Where they are None, this process
        does their work. If some are `elsewhere`, they split, sign and read names in the place of
        the workers. `furniture` says whether sentences that recur are left out.
        """
        self._catalog = engines.catalog
        self._neighbours = engines.neighbours
        self._table = engines.table
        self._tokenizer = tokenizer
        self._progress = progress
        self._workers = workers or Workers(0)
        self._elsewhere = elsewhere or self._workers
        self._aside = aside or Workers(0)
        self._sizes = sizes
        self._leaves_out = furniture
        self.has_embedded = False
        self._writing = threading.Lock()  # held while the catalogue is changed
        self.lexical = LexicalStage(engines, progress, self._writing, self._workers, sizes.words)
        self._embed = EmbedStage(engines, progress, self._writing, self._aside, sizes.embedded)
        self._names = NamesStage(engines, progress, self._writing, sizes.named)
        self._clusterer = Clusterer(engines.catalog.clusters, self._writing, self._workers)

    def run(self, source: Input) -> Report:
        """Index an input lexically and embed it, both at once where cores are idle; read names."""
        with self._embed.embedding_aside():
            report = self._index(source, aside=self._aside)
        self.embed()
        self.read_names()
        return report

    def index(self, source: Input, report: Report | None = None) -> Report:
        """Put new and changed articles into the catalogue and the lexical index.

        They are counted in `report` if one is given.
        """
        return self._index(source, aside=None, report=report)

    def embed(self) -> None:
        """Embed all passages that are not embedded, newest first, and add them to Chroma."""
        self._embed.embed_all()
        self.has_embedded = True
        self.seal()

    def embed_some(self, first: int, most: int) -> int:
        """Embed at most so many passages from row `first` on, newest first; return how many.

        Another thread may index meanwhile. Without any left, Chroma is brought up.
        """
        embedded = self._embed.embed_some(first, most)
        self.has_embedded |= embedded > 0
        if not embedded:
            self.seal(self._aside)  # Chroma holds the interpreter's lock for seconds
        return embedded

    def read_names(self, *, again: bool = False) -> None:
        """Read the names of all articles that were not read; `again` where another model did."""
        self._names.read_all(self._elsewhere, again=again)

    def read_some_names(self, first: int, most: int) -> int:
        """Read the names of at most so many articles with passages from row `first` on.

        Another thread may index meanwhile. Returns how many.
        """
        return self._names.read_some(first, most, self._aside)

    def seal(self, workers: Workers | None = None) -> None:
        """Bring Chroma up to the catalogue, in a process of `workers` if they are started."""
        embedded = self._embedded_rows()
        if self._neighbours.is_behind(embedded):
            self._progress(Stage.SEALING, 0, len(embedded))
            (workers or Workers(0)).submit(self._neighbours.seal, embedded).result()
            with self._writing:
                self._catalog.announce()
            self._progress(Stage.SEALING, len(embedded), len(embedded))

    def rebuild_neighbours(self) -> None:
        """Make Chroma's index anew; the one that is there answers until that is done."""
        embedded = self._embedded_rows()
        self._progress(Stage.SEALING, 0, len(embedded))
        self._neighbours.rebuild(embedded)
        with self._writing:
            self._catalog.announce()
        self._progress(Stage.SEALING, len(embedded), len(embedded))

    def _embedded_rows(self) -> Rows:
        """All rows that are embedded; those that have changed are read from the catalogue."""
        table = latest(self._catalog, self._catalog.generation(), self._table.read())
        return np.flatnonzero(table.embedded)

    def remove(self, article_ids: Sequence[str]) -> int:
        """Remove articles everywhere; return how many there were."""
        self.tidy()
        with self._writing:
            removed = self._catalog.remove(article_ids)
            self._embed.forget(removed.rows)
        self.lexical.forget(removed.rows)
        self.recut()
        self.lexical.finish()
        self.finish()
        return removed.articles

    def recut(self) -> None:
        """Cut the articles again whose furniture has changed; the words are then to be finished."""
        for articles, recut in self._recuts():
            self.lexical.forget(recut.gone)
            self.lexical.add(
                [entry_of(row, articles[n], each) for row, (n, each) in recut.added.items()]
            )

    def cut_all(self) -> None:
        """Cut all articles that are to be cut, then index the words of all passages at once.

        For a catalogue whose passages are in no index yet, or not all of them after a kill.
        """
        self.tidy()
        done, total = 0, self._catalog.recurring.count_uncut()
        if total > self._sizes.split:
            self._workers.start()
        for articles, recut in self._recuts():
            self.lexical.forget(recut.gone)
            done += len(articles)
            self._progress(Stage.CUTTING, done, max(done, total))
        self.lexical.bring_up()
        self.lexical.finish()
        self.finish()

    def _recuts(self) -> Iterator[tuple[Mapping[int, Article], Recut]]:
        """Cut articles again, some at once, by number, until none is to be cut."""
        recurring = self._catalog.recurring
        with self._writing:
            recurring.use_rule(on=self._leaves_out)
        while waiting := recurring.some_uncut(UNCUT_AT_ONCE):
            tasks = self._cut(list(waiting.values()))
            cuts = [cut for task in tasks for cut in task.result()]
            with self._writing:
                recut = self._catalog.recutting.recut(dict(zip(waiting, cuts, strict=True)))
                self._embed.forget(recut.gone)
            yield waiting, recut

    def tidy(self, *, anyway: bool = False) -> None:
        """Take passages that are gone out of the lexical index and the vectors, after a kill.

        `anyway`: even if the last run has ended.
        """
        if self._catalog.is_tidy() and not anyway:
            return
        self.lexical.tidy()
        self._embed.tidy()

    def discard(self, rows: Rows) -> None:
        """Take rows out of the caches that the catalogue has no more."""
        self._embed.forget(rows)
        self.lexical.forget(rows)

    def _index(
        self, source: Input, *, aside: Workers | None, report: Report | None = None
    ) -> Report:
        report, ingest = report or Report(), Ingest(self._catalog)
        self.tidy()
        self.lexical.bring_up()  # what a killed run has left to do
        ahead: deque[_Batch] = deque()
        for number, found in enumerate(growing_batches(source, *self._sizes.batches)):
            if number or len(found) >= self._sizes.batches[0]:  # more batches will follow
                self._workers.start()
                if aside:
                    aside.start()
            ahead.append(self._split(ingest.sort(found, report)))
            self._progress(Stage.READING, source.bytes_done, source.bytes_total)
            while ahead and (len(ahead) > BATCHES_AHEAD or not number or ahead[0].is_ready):
                self._keep(ahead.popleft())
            if number:
                self.lexical.announce()
            else:  # the first articles can be found before anything else is done
                self.lexical.finish()
            self._embed.check()
        while ahead:
            self._keep(ahead.popleft())
        self.recut()
        self.lexical.finish()
        self._progress(Stage.READING, source.bytes_total, source.bytes_total)
        if report.new or report.changed or report.withdrawn:
            self.lexical.settle()
        self.finish(report)
        return report

    def _split(self, batch: IngestBatch) -> _Batch:
        return _Batch(batch, self._cut(batch.articles))

    def _cut(self, articles: Sequence[Article]) -> list[Task[list[NewCut]]]:
        """Have articles cut without the furniture that is known by now, and signed."""
        known = self._catalog.recurring.furniture()
        submit = partial(self._elsewhere.submit, _cut, self._tokenizer, known)
        return [submit(some) for some in batches(articles, self._sizes.split)]

    def _keep(self, batch: _Batch) -> None:
        """Write a batch to the catalogue, and have its passages indexed lexically."""
        changes = batch.changes()
        if not any(changes):
            return
        found = [(article, each) for article, cut in changes.entries for each in cut]
        with self._writing:
            written = self._catalog.write(changes)
            self._embed.inherit(written, found)
            self._embed.forget(written.gone)
        self.lexical.forget(written.gone)
        self.lexical.add(
            [entry_of(row, *each) for row, each in enumerate(found, written.first_row)]
        )

    def finish(self, report: Report | None = None) -> None:
        """End a run in the catalogue: unused originals, clusters, and the report if there is one.

        Changed clusters count as a change of the archive, so readers see merged segments, too.
        """
        clustering = self._clusterer.clustering()
        noted = report if report and (report.read or report.refused) else None
        with self._writing:
            self._catalog.finish(
                clustering,
                counts=noted.counts if noted else None,
                refused=noted.refused if noted else (),
            )


def _cut(tokenizer: Tokenizer, known: frozenset[int], articles: Sequence[Article]) -> list[NewCut]:
    """Split and sign articles without their furniture."""
    cuts = [cut_article(each, tokenizer, known) for each in articles]
    signed = sign([cut.searched for cut in cuts])
    return [
        NewCut(cut.passages, signature, cut.recurring)
        for cut, signature in zip(cuts, signed, strict=True)
    ]
