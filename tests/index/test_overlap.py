"""Reading, words and meaning at once make the archive that they make one after the other."""

import json
import os
import signal
import time

import numpy as np
import pytest

from backfile.archive.formats.fields import FieldMap
from backfile.archive.formats.inputs import Reading
from backfile.archive.model.errors import EngineUnavailable, WorkerLost
from backfile.archive.workers import Workers
from backfile.index.indexing.stages import Sizes
from backfile.index.indexing.verify import verify
from backfile.index.lexical.storage import whoosh_index
from tests.builders import (
    STORIES,
    engines_in,
    fill,
    indexer_of,
    seen,
    started,
    write_news,
    write_stories,
)
from tests.fakes import HashedWords, LateWorkers, ReadyWorkers

SMALL = Sizes(batches=(2, 4), split=2, words=3)


@pytest.fixture
def opened(tmp_path):
    made = engines_in(tmp_path / "archive", in_memory=True)
    yield made
    made.catalog.close()


def reading(*paths):
    return Reading(paths, FieldMap())


@pytest.mark.long
def test_many_processes_make_the_archive_that_one_makes(tmp_path):
    news = write_news(tmp_path / "news.jsonl", articles=60)
    alone = engines_in(tmp_path / "alone", in_memory=False)
    fill(alone, news)
    with Workers(3) as workers, Workers(1) as aside:
        helped = engines_in(tmp_path / "helped", in_memory=False, workers=started(workers))
        indexer = indexer_of(helped, workers=workers, aside=started(aside), sizes=SMALL)
        assert indexer.run(reading(news)).new == 60
        assert indexer.run(reading(news)).unchanged == 60
    assert len(helped.lexical._opened()._segments()) <= whoosh_index.MOST_SEGMENTS
    assert not list((tmp_path / "helped" / "lexical" / "staging").iterdir())
    assert helped.catalog.rows_after(0).tolist() == alone.catalog.rows_after(0).tolist()
    for made in (alone, helped):
        made.catalog.close()
    assert seen(tmp_path / "helped") == seen(tmp_path / "alone")


def test_an_id_is_judged_by_batches_that_are_not_on_the_record_yet(opened, tmp_path):
    path = tmp_path / "twice.jsonl"
    other = {**STORIES[1], "title": "Another", "text": "Another."}
    stories = [*STORIES[:4], STORIES[1], other, *STORIES[4:], STORIES[0]]
    path.write_text("".join(json.dumps(story) + "\n" for story in stories))
    report = indexer_of(opened, workers=LateWorkers(), sizes=SMALL).index(reading(path))
    assert (report.new, report.changed, report.duplicate, report.refused) == (8, 0, 2, [])
    assert opened.catalog.article("bridge").title == "Swing bridge shut"
    assert opened.catalog.counts().articles == 8
    assert list(opened.lexical.rows()) == list(opened.catalog.rows_after(0))


def test_a_file_that_is_read_twice_in_a_run_is_one_article(opened, tmp_path):
    folder = tmp_path / "news" / "2024"
    folder.mkdir(parents=True)
    for n in range(3):
        (folder / f"{n}.txt").write_text(f"Title {n}\n\nText of story {n}.")
    paths = (folder, tmp_path / "news")
    report = indexer_of(opened, workers=LateWorkers(), sizes=SMALL).index(reading(*paths))
    assert opened.catalog.counts().articles == report.new == 3


class Losing:
    """Stories, in the midst of which a worker is killed."""

    bytes_done = bytes_total = 1

    def __init__(self, workers, path):
        self.workers, self.path = workers, path

    def __iter__(self):
        for n, found in enumerate(reading(self.path)):
            if n == 12:
                os.kill(self.workers.submit(os.getpid).result(), signal.SIGKILL)
            yield found


def test_a_lost_worker_is_an_error_and_the_next_run_goes_on(tmp_path):
    news = write_news(tmp_path / "news.jsonl", articles=30)
    with Workers(1) as workers:
        engines = engines_in(tmp_path / "archive", in_memory=False, workers=started(workers))
        with pytest.raises(WorkerLost):
            indexer_of(engines, workers=workers, sizes=SMALL).index(Losing(workers, news))
    engines.catalog.close()
    engines = engines_in(tmp_path / "archive", in_memory=False)
    fill(engines, news)
    assert engines.catalog.counts().articles == 30
    assert list(verify(engines)) == []
    engines.catalog.close()


class Waiting:
    """Stories of which the last comes only when something of the others is embedded."""

    bytes_done = bytes_total = 1

    def __init__(self, engines, path):
        self.engines, self.path = engines, path

    def __iter__(self):
        *first, last = reading(self.path)
        yield from first
        until = time.monotonic() + 20
        while not self.engines.catalog.counts().embedded and time.monotonic() < until:
            time.sleep(0.02)
        self.embedded = self.engines.catalog.counts().embedded
        yield last


def test_what_is_on_the_record_is_embedded_while_more_is_read(opened, tmp_path):
    source = Waiting(opened, write_stories(tmp_path))
    indexer_of(opened, aside=ReadyWorkers(), sizes=SMALL).run(source)
    assert source.embedded
    assert opened.catalog.counts() == (7, 8, 8)
    assert list(verify(opened)) == []


class Torn(HashedWords):
    """A model that cannot be loaded."""

    def embed_passages(self, texts):
        raise EngineUnavailable("the model", "torn")


def test_what_ends_the_embedding_meanwhile_ends_the_run(tmp_path):
    engines = engines_in(tmp_path / "archive", in_memory=True)
    source = Waiting(engines, write_stories(tmp_path))
    broken = type(engines)(**{**_parts(engines), "embedder": Torn()})
    with pytest.raises(EngineUnavailable, match="torn"):
        indexer_of(broken, aside=ReadyWorkers(), sizes=SMALL).run(reading(source.path))
    fill(engines, source.path)
    assert engines.catalog.counts() == (7, 8, 8)
    engines.catalog.close()


class Removing(HashedWords):
    """A model during whose work an article is removed."""

    def __init__(self):
        self.indexer = None

    def embed_passages(self, texts):
        if self.indexer:
            self.indexer.remove(["bridge"])
            self.indexer = None
        return super().embed_passages(texts)


def test_what_is_removed_while_it_is_embedded_leaves_no_vector(opened, tmp_path):
    engines = type(opened)(**{**_parts(opened), "embedder": Removing()})
    indexer = indexer_of(engines)
    indexer.index(reading(write_stories(tmp_path)))
    rows = engines.catalog.rows_of(["bridge"])
    engines.embedder.indexer = indexer
    indexer.embed()
    assert engines.catalog.counts() == (6, 7, 7)
    assert not engines.vectors.read(int(rows.max()) + 1)[rows].any()
    assert list(verify(engines)) == []
    assert np.isin(rows, engines.neighbours.rows()).sum() == 0


def _parts(engines):
    return {name: getattr(engines, name) for name in type(engines).__slots__}
