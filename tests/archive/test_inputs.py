"""Tests of a whole pass over an input: in order, however many processes read."""

import csv
import json
import pickle
import sqlite3
import zipfile
from contextlib import closing
from importlib.util import find_spec
from types import SimpleNamespace

import pytest

from backfile.archive.formats import files
from backfile.archive.formats.fields import FieldMap
from backfile.archive.formats.inputs import Lots, Reading
from backfile.archive.model.article import Article
from backfile.archive.model.errors import UnreadableArticle
from backfile.archive.workers import Workers
from tests.builders import started

LOTS = Lots(carried=2_000, files=3, ahead=2)


@pytest.fixture
def folder(tmp_path):
    """Small files, large ones, members of an archive of either size, and what cannot be read."""
    for n in range(30):
        (tmp_path / f"{n:02}.txt").write_text(f"Title {n}\n\nText of story {n}.")
    (tmp_path / "05.txt").write_bytes(b"")
    large = [{"title": f"Large {n}", "text": "Rain fell. " * 20} for n in range(20)]
    lines = "".join(json.dumps(story) + "\n" for story in large)
    (tmp_path / "10.jsonl").write_text(lines)
    with zipfile.ZipFile(tmp_path / "20.zip", "w") as archive:
        for n in range(8):
            archive.writestr(f"{n}.txt", f"Packed {n}\n\nIn a ZIP file.")
            archive.writestr(f"{n}.jsonl", lines)
            archive.writestr(f"{n}-short.jsonl", lines[: lines.index("\n")])
            archive.writestr(f"{n}-short.csv", f"title,text\nRow {n},In a table.\n")
    (tmp_path / "25.zip").write_bytes(b"PK\x03\x04 cut short")
    return tmp_path


def test_processes_read_what_one_would_in_the_same_order(folder):
    alone = list(map(str, Reading([folder], FieldMap())))
    with Workers(2) as workers:
        reading = Reading([folder], FieldMap(), pool=started(workers), lots=LOTS)
        spread = list(map(str, reading))
    assert spread == alone
    assert len(alone) == 30 + 20 + 8 * 23 + 1
    assert reading.bytes_done == reading.bytes_total


def write_tables(folder):
    """Files of several kinds with 300 articles each, and records among them that are refused."""
    stories = [{"id": str(n), "title": f"Rain {n}", "text": f"{n} mm fell."} for n in range(300)]
    stories[150] |= {"text": ""}
    lines = [json.dumps(each) for each in stories]
    (folder / "a.jsonl").write_text("\n".join([*lines[:99], "{broken", *lines[99:]]))
    bulk = [
        json.dumps({"index": {"_id": f"bulk-{n}"}}) + "\n" + line for n, line in enumerate(lines)
    ]
    (folder / "b.ndjson").write_text("\n".join(bulk) + "\n")
    (folder / "c.json").write_text(json.dumps({"articles": stories}))
    with (folder / "d.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["id", "title", "text"], *(each.values() for each in stories)])
    with closing(sqlite3.connect(folder / "e.db")) as database:
        database.execute("CREATE TABLE news (id, title, text)")
        database.executemany("INSERT INTO news VALUES (:id, :title, :text)", stories)
        database.commit()
    if find_spec("pyarrow"):
        from pyarrow import Table, parquet

        parquet.write_table(Table.from_pylist(stories), folder / "f.parquet")


@pytest.mark.parametrize("records", [1, 7, 1_000])
def test_records_of_larger_files_are_made_by_processes_as_by_one(tmp_path, records):
    write_tables(tmp_path)
    alone = list(Reading([tmp_path], FieldMap()))
    pool = CountingPool()
    lots = Lots(carried=200, records=records)
    spread = list(Reading([tmp_path], FieldMap(), pool=pool, lots=lots))
    assert list(map(str, spread)) == list(map(str, alone))
    assert [each for each in spread if isinstance(each, Article)] == [
        each for each in alone if isinstance(each, Article)
    ]
    assert len(alone) >= 5 * 300
    assert {kind for kind, _ in pool.calls} == {"_made_all"}
    assert max(size for _, size in pool.calls) <= records
    assert len(pool.calls) >= len(alone) // records


class CountingPool:
    """Calls functions at once, with copies of what crosses, as another process would get them."""

    def __init__(self):
        self.calls = []

    def submit(self, function, lot):
        self.calls.append((function.__name__, len(lot)))
        found = pickle.loads(pickle.dumps(function(pickle.loads(pickle.dumps(lot)))))
        return SimpleNamespace(result=lambda: found)


def test_refusals_come_from_processes_with_their_reasons(folder):
    with Workers(2) as workers:
        found = list(Reading([folder], FieldMap(), pool=started(workers), lots=LOTS))
    refused = [each for each in found if isinstance(each, UnreadableArticle)]
    assert [each.reason for each in refused] == [
        "the file is empty",
        "the compressed data is cut short or damaged",
    ]


def test_a_small_file_is_opened_once(tmp_path, monkeypatch):
    opened = []

    def counted(path):
        opened.append(path.name)
        return path.open("rb")

    monkeypatch.setattr(files, "_opened", counted)
    (tmp_path / "a.txt").write_text("Title\n\nText of a story.")
    (tmp_path / "b.jsonl").write_text('{"title": "Rain", "text": "It fell."}\n' * 3_000)
    found = list(Reading([tmp_path], FieldMap()))
    assert len(found) == 3_001
    assert opened.count("a.txt") == 1
    assert opened.count("b.jsonl") > 1


def test_a_file_that_goes_before_it_is_read_is_reported(tmp_path):
    (tmp_path / "a.txt").write_text("Title\n\nText of a story.")
    reading = Reading([tmp_path], FieldMap())
    (tmp_path / "a.txt").unlink()
    assert [str(each) for each in reading] == [f"{tmp_path / 'a.txt'}: No such file or directory"]
