"""The way in: keeps what was read, indexes its words at once, and embeds, newest first.

    read -> split -> catalogue row -> Whoosh, by row
            sign                   -> vectors on disk -> `embedded` -> a sealed Chroma part
                                   -> signature -> stories, of all signatures at once

While one batch is read, workers split and sign the one before and write the words of those
before that. Each step finds what is left to do by itself (rows beyond the last one in Whoosh, rows
not embedded, embedded rows in no part, articles not signed), so a run that was killed anywhere is
finished by the next.
"""

import threading
from collections import deque
from collections.abc import Iterator, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np

from backfile.archive.batching import batches
from backfile.archive.model.article import Article, Passage
from backfile.archive.model.errors import WithdrawnArticle
from backfile.archive.passages import USUAL_PASSAGES, PassageOptions, Tokenizer, split
from backfile.archive.workers import Task, Workers
from backfile.index.duplicates.clustering import StoryMaker
from backfile.index.duplicates.signatures import sign
from backfile.index.indexing.ingest_batch import (
    FIRST_BATCH,
    Admission,
    Admitted,
    Input,
    Report,
    growing_batches,
)
from backfile.index.indexing.stages import Meaning, Progress, Stage, WordIndexing
from backfile.index.seams.engines import Engines
from backfile.index.seams.protocols import LexicalEntry

SPLIT_AT_ONCE = 50  # articles a worker is given
BATCHES_AHEAD = 1  # that are being split while the next is read

Cut = list[tuple[int, int, str]]


class _Batch(NamedTuple):
    """What is to be kept, and the articles' passages and signatures once they are made."""

    admitted: Admitted
    cuts: list[Task[list[Cut]]]
    signed: list[Task[list[bytes]]]


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
        passages: PassageOptions = USUAL_PASSAGES,
    ) -> None:
        """Take who splits, and who embeds while words are still being indexed.

        They are started for an input of more than one batch; nobody works beside this process
        where they are None.
        """
        self._catalog = engines.catalog
        self._neighbours = engines.neighbours
        self._tokenizer = tokenizer
        self._progress = progress
        self._workers = workers or Workers(0)
        self._aside = aside or Workers(0)
        self._target = passages.tokens
        self._record = threading.Lock()  # held while the record is changed
        self.words = WordIndexing(engines, progress, self._record, self._workers)
        self._meaning = Meaning(
            engines, progress, self._record, self._aside, titled=passages.titled
        )
        self._stories = StoryMaker(engines.catalog.stories, self._record, self._workers)

    def run(self, source: Input) -> Report:
        """Index by words and by meaning, both at once where there are cores to spare."""
        with self._meaning.embedding_meanwhile():
            report = self._index(source, meanwhile=self._aside)
        self.index_meaning()
        return report

    def index(self, source: Input) -> Report:
        """Keep what is new or changed, and make it findable by words."""
        return self._index(source, meanwhile=None)

    def index_meaning(self) -> None:
        """Embed what is not embedded, newest first, and let Chroma know all of it."""
        self._meaning.embed_all()
        self.seal()

    def seal(self) -> None:
        """Bring Chroma up to the record."""
        table = self._catalog.passage_table()
        embedded = table[table[:, 2] != 0, 0]
        if len(np.setxor1d(embedded, self._neighbours.rows())):
            self._progress(Stage.SEALING, 0, len(embedded))
            self._neighbours.seal(embedded)
            self.words.announce()
            self._progress(Stage.SEALING, len(embedded), len(embedded))

    def rebuild_neighbours(self) -> None:
        """Make Chroma's index anew; the one that is there answers until that is done."""
        table = self._catalog.passage_table()
        embedded = table[table[:, 2] != 0, 0]
        self._progress(Stage.SEALING, 0, len(embedded))
        self._neighbours.rebuild(embedded)
        self.words.announce()
        self._progress(Stage.SEALING, len(embedded), len(embedded))

    def remove(self, article_ids: Sequence[str]) -> int:
        """Remove articles from the record, the words and the vectors; return how many."""
        rows = self._catalog.rows_of(article_ids)
        with self._record:
            removed = self._catalog.remove(article_ids)
            self._meaning.forget(rows)
        self.words.forget(rows)
        self._catalog.originals.collect()
        self._stories.bring_up()
        return removed

    def _index(self, source: Input, *, meanwhile: Workers | None) -> Report:
        report, admission = Report(), Admission(self._catalog)
        self.words.tidy()
        self.words.bring_up()  # what a killed run left
        ahead: deque[_Batch] = deque()
        for number, batch in enumerate(growing_batches(source)):
            if number or len(batch) >= FIRST_BATCH:  # there is more where this comes from
                self._workers.start()
                if meanwhile:
                    meanwhile.start()
            ahead.append(self._split(admission.admit(batch, report)))
            self._progress(Stage.READING, source.bytes_done, source.bytes_total)
            while len(ahead) > BATCHES_AHEAD or (ahead and all(t.done() for t in ahead[0].cuts)):
                self._keep(ahead.popleft())
            if not number:  # the first ones are found before anything else is done
                self._keep_all(ahead, report)
            self._meaning.check()
        self._keep_all(ahead, report)
        self._progress(Stage.READING, source.bytes_total, source.bytes_total)
        if report.new or report.changed or report.withdrawn:
            self.words.settle()
        self._catalog.originals.collect()
        self._stories.bring_up()
        if report.read or report.refused:
            self._catalog.runs.note(report.counts, report.refused)
        return report

    def _keep_all(self, ahead: deque[_Batch], report: Report) -> None:
        while ahead:
            self._keep(ahead.popleft())
        if report.new or report.changed:
            self.words.finish()

    def _split(self, admitted: Admitted) -> _Batch:
        some = list(batches(admitted.articles, SPLIT_AT_ONCE))
        cut = partial(self._workers.submit, _cut, self._tokenizer, self._target)
        return _Batch(
            admitted, [cut(a) for a in some], [self._workers.submit(sign, a) for a in some]
        )

    def _keep(self, batch: _Batch) -> None:
        """Put a batch on the record, and its words on their way."""
        admitted = batch.admitted
        if admitted.earlier:
            self._catalog.history.add(admitted.earlier)
        self._catalog.identities.move(admitted.moved)
        if admitted.withdrawn:
            self._withdraw(admitted.withdrawn)
        cuts = [cut for task in batch.cuts for cut in task.result()]
        entries = [
            (article, list(_passages(article, cut)))
            for article, cut in zip(admitted.articles, cuts, strict=True)
        ]
        if not entries:
            return
        ids = [article.id for article in admitted.articles]
        signed = [each for task in batch.signed for each in task.result()]
        replaced = self._catalog.rows_of(ids)
        with self._record:
            row = self._catalog.put(entries)
            self._catalog.stories.sign(dict(zip(ids, signed, strict=True)))
            self._meaning.forget(replaced)
        self.words.forget(replaced)
        found = ((article, each) for article, cut in entries for each in cut)
        self.words.add([LexicalEntry.of(n, *each) for n, each in enumerate(found, row)])

    def _withdraw(self, withdrawn: Sequence[WithdrawnArticle]) -> None:
        rows = self._catalog.rows_of([each.article_id for each in withdrawn])
        with self._record:
            self._catalog.withdraw(withdrawn)
            self._meaning.forget(rows)
        self.words.forget(rows)


def _cut(tokenizer: Tokenizer, target: int, articles: Sequence[Article]) -> list[Cut]:
    """Cut articles into passages; their texts stay where the articles are."""
    return [[(p.start, p.end, p.heading) for p in split(a, tokenizer, target)] for a in articles]


def _passages(article: Article, cut: Cut) -> Iterator[Passage]:
    for n, (start, end, heading) in enumerate(cut):
        yield Passage(article.id, n, start, end, heading, article.text[start:end])
