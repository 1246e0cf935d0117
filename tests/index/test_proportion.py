"""One more article takes as much work in a large archive as in a small one."""

import sqlite3
from pathlib import Path
from typing import NamedTuple

import pytest

from backfile.archive.formats.fields import FieldMap
from backfile.archive.formats.inputs import Reading
from backfile.archive.model.settings import Settings
from backfile.archive.store import database
from backfile.index.writing import open_for_writing
from tests.builders import invented_text, silent, write_records

SMALL, LARGE = 500, 2_000  # the fewest pages that are written are as many as bands
ONE_BY_ONE = 3  # articles that come in before the one that is measured
LEEWAY = 1.25  # trees in the database are a level deeper


class Work(NamedTuple):
    """What a run did: steps of SQLite's machine, in hundreds, and bytes read and written."""

    steps: int
    read: int
    written: int


@pytest.fixture
def steps(monkeypatch):
    """A list that grows with each hundred steps of SQLite's machine."""
    counted = []
    connect = database._connect

    def counting(uri):
        connection = connect(uri)
        connection.set_progress_handler(lambda: counted.append(1), 100)
        return connection

    monkeypatch.setattr(database, "_connect", counting)
    return counted


def record(n):
    # Each month has its articles, so that no sentence of them recurs for months.
    return {
        "id": f"a{n}",
        "title": f"Report {n}",
        "text": invented_text(n, words=104),
        "published": f"{1990 + n // 300}-{1 + n // 25 % 12:02}-{1 + n % 25:02}",
    }


def bytes_so_far():
    found = dict(line.split(": ") for line in Path("/proc/self/io").read_text().splitlines())
    return int(found["rchar"]), int(found["wchar"])


def index(archive, news):
    with open_for_writing(Settings(archive=archive), silent, create=True) as opened:
        opened.indexer.index(Reading([news], FieldMap()))


def work_of_one_more(folder, size, steps):
    """Make an archive of a size, add some articles one by one, and measure the last."""
    archive = folder / f"of-{size}"
    index(archive, write_records(folder / f"{size}.jsonl", map(record, range(size))))
    for n in range(ONE_BY_ONE):
        index(archive, write_records(folder / f"more-{n}.jsonl", [record(5_000 + n)]))
    news = write_records(folder / "last.jsonl", [record(6_000)])
    steps.clear()
    before = bytes_so_far()
    index(archive, news)
    read, written = (now - then for now, then in zip(bytes_so_far(), before, strict=True))
    return Work(len(steps), read, written)


@pytest.mark.skipif(not Path("/proc/self/io").exists(), reason="bytes are counted by Linux")
def test_one_more_article_takes_the_same_work_in_an_archive_of_four_times_the_size(tmp_path, steps):
    small, large = (work_of_one_more(tmp_path, size, steps) for size in (SMALL, LARGE))
    assert large.steps <= LEEWAY * small.steps
    assert large.read <= LEEWAY * small.read
    assert large.written <= LEEWAY * small.written


def test_sqlite_counts_its_steps(steps, tmp_path):
    path = tmp_path / "some.db"
    sqlite3.connect(path).close()
    connection = database._connect(f"{path.as_uri()}?mode=rw")
    connection.execute("SELECT sum(value) FROM json_each('[" + "1," * 999 + "1]')").fetchone()
    assert len(steps) > 20
    connection.close()
