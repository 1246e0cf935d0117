"""A run that is killed anywhere, and run again, ends in the archive of an undisturbed run."""

import json
import multiprocessing
import os
import random
import signal
import threading
from pathlib import Path
from typing import Any

import pytest

from backfile.archive.formats.fields import FieldMap
from backfile.archive.formats.inputs import Reading
from backfile.archive.store.directory import ArchiveDirectory
from backfile.archive.workers import Workers
from backfile.index.indexing import (
    indexer as indexing,
)
from backfile.index.indexing import (
    ingest_batch as inputs,
)
from backfile.index.indexing import (
    stages as meaning,
)
from backfile.index.indexing import (
    stages as words,
)
from backfile.index.indexing.stages import Stage
from backfile.index.indexing.verify import verify
from backfile.index.model.query import Mode, Query
from backfile.index.search.ranking import RankingOptions
from backfile.index.search.searcher import Searcher
from tests.conftest import engines_in, indexer_of, started

PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["tests.index.test_crash", "chromadb"])
WORDS = [
    "harbour",
    "ferry",
    "bridge",
    "council",
    "strike",
    "storm",
    "museum",
    "budget",
    "school",
    "rain",
    "vote",
    "court",
]
KILLS_A_STAGE = 6


def write_news(path: Path, articles: int = 120) -> Path:
    choose = random.Random(7)
    with path.open("w") as stream:
        sentences: list[str] = []
        for n in range(articles):
            if n % 10 != 9:  # else it is a copy of the one before
                sentences = [
                    " ".join(choose.choices(WORDS, k=9)).capitalize() + "."
                    for _ in range(choose.randint(6, 14))
                ]
            day = f"202{choose.randint(0, 4)}-0{choose.randint(1, 9)}-1{choose.randint(0, 9)}"
            record = {"id": f"a{n}", "title": f"{choose.choice(WORDS)} {n}", "published": day}
            stream.write(json.dumps(record | {"text": " ".join(sentences)}) + "\n")
    return path


def index(folder: Path, news: Path, kill_in: Stage | None = None, after: float = 0.0) -> None:
    """Index in this process; once the stage has begun, wait so long and die as by `kill -9`."""
    indexing.FIRST_BATCH = inputs.FIRST_BATCH = 15
    inputs.LARGEST_BATCH, indexing.SPLIT_AT_ONCE, words.WORDS_AT_ONCE = 30, 5, 20
    meaning.EMBEDDED_AT_ONCE = 40
    armed = []

    def progress(stage: Stage, done: int, total: int) -> None:
        if stage is kill_in and not armed:
            armed.append(stage)
            timer = threading.Timer(after, os.kill, (os.getpid(), signal.SIGKILL))
            timer.daemon = True
            timer.start()

    folder.mkdir(exist_ok=True)
    with ArchiveDirectory(folder).writing(), Workers(2) as workers, Workers(1) as aside:
        engines = engines_in(folder, in_memory=False, workers=started(workers))
        indexer = indexer_of(engines, progress, workers=workers, aside=started(aside))
        indexer.run(Reading([news], FieldMap()))


def run(*arguments: object) -> int:
    process = PROCESSES.Process(target=index, args=arguments)
    process.start()
    process.join(60)
    assert process.exitcode is not None
    return process.exitcode


def seen(folder: Path) -> dict[str, Any]:
    """All that a reader can tell of an archive."""
    engines = engines_in(folder, in_memory=False)
    assert [str(problem) for problem in verify(engines)] == []
    searcher = Searcher(engines, RankingOptions())
    found: dict[str, Any] = {"counts": engines.catalog.counts()}
    for stored in engines.catalog.stored(engines.catalog.rows_after(0).tolist()):
        found[stored.passage.id] = (stored.article, stored.passage)
        copies = engines.catalog.clusters.copies_of(stored.article.id)
        found[f"copies of {stored.article.id}"] = copies
    for mode in Mode:
        for text in ("ferry strike", "museum budget vote", '"school rain"', "court"):
            results = searcher.search(Query(text, mode=mode, limit=50))
            ranking = [(hit.article.id, round(hit.score, 5)) for hit in results.hits]
            found[f"{mode} {text}"] = (results.totals, ranking)
    engines.catalog.close()
    return found


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("undisturbed")
    news = write_news(folder / "news.jsonl")
    assert run(folder / "archive", news) == 0
    found = seen(folder / "archive")
    assert found["copies of a9"].listed[0].id == "a8"
    return news, found


@pytest.mark.parametrize("kill", range(KILLS_A_STAGE))
@pytest.mark.parametrize("stage", list(Stage))
def test_a_killed_run_is_finished_by_the_next(stage, kill, undisturbed, tmp_path):
    news, expected = undisturbed
    delay = random.uniform(0, 0.25) * kill / KILLS_A_STAGE  # at once, or well into the stage
    killed = run(tmp_path / "archive", news, stage, delay)
    assert killed in (-signal.SIGKILL, 0)
    assert killed == -signal.SIGKILL or kill > 0, "the first kill of each stage always strikes"
    assert run(tmp_path / "archive", news) == 0
    assert seen(tmp_path / "archive") == expected


def test_a_run_that_is_killed_over_and_over_gets_there_too(undisturbed, tmp_path):
    news, expected = undisturbed
    for stage in [*Stage, *Stage]:
        run(tmp_path / "archive", news, stage, random.uniform(0, 0.05))
    assert run(tmp_path / "archive", news) == 0
    assert seen(tmp_path / "archive") == expected
