"""Tests of a whole pass over an input: in order, however many processes read."""

import csv
import json
import sqlite3
import tarfile
import zipfile
from contextlib import closing
from importlib.util import find_spec

import pytest

from backfile.archive.formats import files, mail
from backfile.archive.formats.fields import FieldMap
from backfile.archive.formats.files import Record, made
from backfile.archive.formats.inputs import Lots, Reading
from backfile.archive.formats.text import sgml
from backfile.archive.formats.wire import telegrams, xml
from backfile.archive.model.article import Article, Origin
from backfile.archive.model.errors import UnreadableArticle
from backfile.archive.workers import Workers
from tests.archive.exports import EXPORTS, READABLE, stories_of
from tests.archive.pools import CountingPool, WaitingPool, told
from tests.builders import started, zipped

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


@pytest.mark.parametrize("name", READABLE)
def test_pieces_of_larger_files_are_made_by_processes_as_by_one(tmp_path, name):
    content = EXPORTS[name](stories_of(40)).encode()
    damaged = content[: len(content) * 3 // 4 + 11]
    (tmp_path / name).write_bytes(content)
    (tmp_path / f"damaged-{name}").write_bytes(damaged)
    (tmp_path / "packed.zip").write_bytes(zipped((name, content), (f"damaged-{name}", damaged)))
    with tarfile.open(tmp_path / "packed.tar", "w") as archive:
        archive.add(tmp_path / name, name)
    alone = list(Reading([tmp_path], FieldMap()))
    for records in (1, 7, 1_000):
        pool = CountingPool()
        lots = Lots(carried=100, records=records)
        spread = list(Reading([tmp_path], FieldMap(), pool=pool, lots=lots))
        assert list(map(told, spread)) == list(map(told, alone))
        assert {kind for kind, _ in pool.calls} == {"_made_all"}
        assert max(size for _, size in pool.calls) <= records
    read = [each.origin.file for each in alone if isinstance(each, Article)]
    assert read.count(str(tmp_path / name)) >= 25
    assert read.count(f"{tmp_path / 'packed.zip'}!/{name}") >= 25
    assert read.count(f"{tmp_path / 'packed.tar'}!/{name}") >= 25


OVERSIZED = {
    "a.mbox": (mail, "LONGEST_TEXT", "a message of more than"),
    "a.sgm": (sgml, "LONGEST_TEXT", "a document over"),
    "wxr.xml": (xml, "LONGEST_TEXT", "MiB in one item"),
    "g2.xml": (xml, "LONGEST_TEXT", "MiB in one item"),
    "newsml.xml": (xml, "LONGEST_TEXT", "MiB in one item"),
    "wire.7901": (telegrams, "LONGEST_MESSAGE", "a message of more than 1 MiB"),
}


@pytest.mark.parametrize("name", OVERSIZED)
def test_an_oversized_piece_of_a_larger_file_is_refused_as_by_one(tmp_path, monkeypatch, name):
    module, limit, reason = OVERSIZED[name]
    monkeypatch.setattr(module, limit, 4_000)
    stories = stories_of(20)
    stories[12]["text"] = "It rains on Ash. " * 400
    content = EXPORTS[name](stories).encode()
    (tmp_path / name).write_bytes(content)
    (tmp_path / "packed.zip").write_bytes(zipped((name, content)))
    alone = list(Reading([tmp_path], FieldMap()))
    pool = CountingPool()
    spread = list(Reading([tmp_path], FieldMap(), pool=pool, lots=Lots(carried=100, records=7)))
    assert list(map(told, spread)) == list(map(told, alone))
    assert sum(reason in str(each) for each in spread) == 2
    assert sum(isinstance(each, Article) for each in spread) >= 2 * 8


def test_processes_make_the_pieces_of_files_of_all_kinds_in_order(tmp_path):
    for name in READABLE:
        (tmp_path / name).write_text(EXPORTS[name](stories_of(20)), newline="")
    alone = list(map(told, Reading([tmp_path], FieldMap())))
    with Workers(2) as workers:
        lots = Lots(carried=100, records=3, ahead=2)
        reading = Reading([tmp_path], FieldMap(), pool=started(workers), lots=lots)
        assert list(map(told, reading)) == alone
    assert reading.bytes_done == reading.bytes_total


def test_a_lot_of_large_pieces_is_no_longer_than_a_file_that_is_carried_whole(tmp_path):
    stories = stories_of(40)
    for each in stories:
        each["text"] = "It rains on Ash. " * 100
    for name in ("a.mbox", "a.sgm", "wxr.xml", "wire.7901"):
        (tmp_path / name).write_text(EXPORTS[name](stories), newline="")
    pool = CountingPool()
    lots = Lots(carried=5_000, records=1_000)
    assert len(list(Reading([tmp_path], FieldMap(), pool=pool, lots=lots))) >= 4 * 40
    assert max(size for _, size in pool.calls) <= 3


def test_few_large_pieces_are_on_their_way_at_once(tmp_path):
    stories = stories_of(40)
    for each in stories:
        each["text"] = "It rains on Ash. " * 100
    for name in ("a.mbox", "a.sgm", "wxr.xml", "wire.7901"):
        (tmp_path / name).write_text(EXPORTS[name](stories), newline="")
    for sent, most in ((800, 1), (8_000, 4), (800_000, 8)):
        pool = WaitingPool()
        lots = Lots(carried=100, records=1, ahead=8, sent=sent)
        assert len(list(Reading([tmp_path], FieldMap(), pool=pool, lots=lots))) >= 4 * 40
        assert pool.most <= most + 1  # the one that was just cut off


def test_what_a_record_gave_stays_where_it_is_refused_half_way():
    def make(content, origin):
        yield UnreadableArticle(str(origin), content)
        raise UnreadableArticle(str(origin), "the rest")

    records = [Record("first", Origin("a.xml", 1), make), UnreadableArticle("a.xml", "cut short")]
    assert [each.reason for each in made(records)] == ["first", "the rest", "cut short"]


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
