"""Tests of the catalogue."""

import shutil
import sqlite3
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, datetime, timedelta, timezone

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import event

from backfile.archive.model.article import (
    Article,
    DateCertainty,
    DateSource,
    Origin,
    Passage,
    TextKind,
    TitleSource,
)
from backfile.archive.model.errors import (
    ArticleNotFound,
    DiskFull,
    EngineUnavailable,
    WithdrawnArticle,
)
from backfile.archive.model.ids import id_of_content
from backfile.archive.passages import split
from backfile.archive.store.catalog import Catalog, Counts
from backfile.archive.store.database import is_writable, read_only_uri
from backfile.archive.store.entries import Changes
from backfile.archive.store.identities import known_as
from tests.builders import ROOT

# What is cleaned holds no zeros, and SQLite would count characters up to the first.
STORABLE = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=40)
INSTANTS = st.datetimes(
    timezones=st.integers(-840, 840).map(lambda minutes: timezone(timedelta(minutes=minutes)))
)
ARTICLES = st.builds(
    Article,
    id=STORABLE.filter(bool),
    title=STORABLE,
    title_source=st.sampled_from(TitleSource),
    text=STORABLE,
    published=st.none() | st.dates(),
    published_at=st.none() | INSTANTS,
    date_source=st.sampled_from(DateSource),
    source=STORABLE,
    section=STORABLE,
    authors=st.lists(STORABLE, max_size=3).map(tuple),
    language=STORABLE,
    url=STORABLE,
    origin=st.builds(Origin, STORABLE, st.integers(1, 2**40), STORABLE),
    date_certainty=st.sampled_from(DateCertainty),
    date_written=STORABLE,
    version=st.integers(0, 2**40),
)


@pytest.fixture
def catalog(tmp_path):
    opened = Catalog.create(tmp_path / "catalog.db")
    yield opened
    opened.close()


@pytest.fixture
def put(catalog, word_tokenizer):
    def put_all(*articles):
        entries = [(article, split(article, word_tokenizer)) for article in articles]
        return catalog.write(Changes(entries))

    return put_all


@pytest.fixture(scope="module")
def shared_catalog(tmp_path_factory):
    opened = Catalog.create(tmp_path_factory.mktemp("catalog") / "catalog.db")
    yield opened
    opened.close()


@given(ARTICLES)
@settings(deadline=None, max_examples=60)
def test_an_article_comes_back_as_it_was_put(shared_catalog, article):
    passages = [Passage(article.id, 0, 0, len(article.text), "Heading", article.text)]
    shared_catalog.write(Changes([(article, passages)]))
    assert shared_catalog.article(article.id) == article
    assert shared_catalog.article(article.id).digest == article.digest
    stored = shared_catalog.stored_article(article.id)
    assert (stored.article, list(stored.passages)) == (article, passages)
    known = shared_catalog.identities.known([article.id, article.id + "?"])
    assert known == {article.id: known_as(article)}


def test_an_id_nobody_has_is_not_found(catalog):
    with pytest.raises(ArticleNotFound, match="no article has the id 'ash'"):
        catalog.article("ash")
    assert catalog.identities.known(["ash"]) == {}
    assert catalog.rows_of(["ash"]).tolist() == []


def test_a_changed_article_takes_new_rows_and_leaves_none_behind(catalog, put, make_article):
    put(make_article("Rain fell."), make_article("Snow fell.", id="snow"))
    catalog.embedded.mark(np.array([1, 2]))
    written = put(make_article("Fog came."))
    assert (written.first_row, written.gone.tolist()) == (3, [1])
    assert catalog.rows_of(["tide"]).tolist() == [3]
    assert catalog.rows_after(0).tolist() == [2, 3]
    assert catalog.counts() == Counts(articles=2, passages=2, embedded=1)
    (stored,) = catalog.stored([1, 3])
    assert (stored.row, stored.passage.text) == (3, "Fog came.")
    assert catalog.article("tide").text == "Fog came."


def test_a_row_is_never_used_again(catalog, put, make_article):
    put(make_article())
    removed = catalog.remove(["tide", "absent"])
    assert (removed.articles, removed.rows.tolist()) == (1, [1])
    assert catalog.counts() == Counts(0, 0, 0)
    put(make_article())
    assert catalog.rows_after(0).tolist() == [2]


def test_rows_wait_for_embedding_newest_first_and_undated_last(catalog, put, make_article):
    days = {"undated": None, "old": date(1963, 5, 1), "new": date(2024, 5, 1)}
    put(*(make_article(id=name, published=day) for name, day in days.items()))
    assert catalog.embedded.missing().tolist() == [3, 2, 1]
    catalog.embedded.mark(np.array([3, 1]))
    assert catalog.embedded.missing().tolist() == [2]
    catalog.embedded.forget(np.array([1]))
    assert catalog.embedded.missing().tolist() == [2, 1]


def test_tables_hold_every_row_with_its_article(catalog, put, make_article):
    put(make_article("Rain fell heavily. " * 40), make_article(id="snow", authors=("Núñez",)))
    catalog.embedded.mark(np.array([2]))
    table = catalog.passage_table()
    assert table[:, 0].tolist() == list(range(1, len(table) + 1))
    assert table[:, 1].tolist() == [1] * (len(table) - 1) + [2]
    assert table[:, 2].nonzero()[0].tolist() == [1]
    assert [(row.number, row.authors) for row in catalog.article_table()] == [
        (1, "[]"),
        (2, '["Núñez"]'),
    ]


def test_an_empty_catalogue_has_empty_tables(catalog):
    assert catalog.passage_table().shape == (0, 3)
    assert catalog.rows_after(0).shape == (0,)
    assert list(catalog.stored([1])) == []
    assert list(catalog.digests()) == []
    assert catalog.generation() == 0


def test_every_change_moves_the_generation_on(catalog, put, make_article):
    seen = [catalog.generation()]
    for change in (
        lambda: put(make_article()),
        lambda: catalog.embedded.mark(np.array([1])),
        catalog.announce,
        lambda: catalog.remove(["tide"]),
    ):
        change()
        seen.append(catalog.generation())
    assert seen == sorted(set(seen))


def test_a_put_that_fails_changes_nothing(catalog, put, make_article):
    put(make_article("Rain fell."))
    broken = replace(make_article("Snow fell."), url=None)
    with pytest.raises(EngineUnavailable, match="the catalogue is unavailable"):
        put(make_article("Fog came."), replace(broken, id="snow"))
    assert catalog.article("tide").text == "Rain fell."
    assert catalog.counts() == Counts(1, 1, 0)


def test_a_batch_is_one_transaction_whatever_it_changes(catalog, put, make_article):
    put(make_article("Rain fell.", version=2), make_article(id="snow"), make_article(id="fog"))
    commits = []
    event.listen(catalog._database.engine, "commit", commits.append)
    fog = make_article("Fog rose.", id="fog")
    changes = Changes(
        entries=[(fog, [Passage("fog", 0, 0, 9, "", fog.text)])],
        signatures={"fog": b"signed"},
        earlier=[make_article("It rained.", version=1)],
        withdrawn=[WithdrawnArticle("wire.xml", "snow", 0, "canceled")],
        moved={"tide": Origin("moved.txt", 1)},
    )
    written = catalog.write(changes)
    assert len(commits) == 1
    assert sorted(written.gone.tolist()) == [2, 3]
    assert sorted(catalog.rows_of(["tide", "snow", "fog"])) == [1, written.first_row]
    assert catalog.article("tide").origin == Origin("moved.txt", 1)
    assert [each.article.text for each in catalog.history.of("tide")] == ["It rained."]
    assert list(catalog.history.withdrawn(["snow", "fog"])) == ["snow"]
    assert catalog.clusters.signed()[1] == b"signed"


def test_stored_digests_are_those_of_the_articles(catalog, put, make_article):
    offset = timezone(timedelta(hours=-5))
    put(
        make_article(published_at=datetime(2023, 11, 4, 23, 40, tzinfo=offset)),
        make_article(id="snow", authors=("Ana", "Li")),
    )
    walked = list(catalog.digests())
    assert [article.id for article, _ in walked] == ["tide", "snow"]
    assert all(article.digest == digest for article, digest in walked)


def test_a_second_reader_sees_what_is_committed(tmp_path, catalog, put, make_article):
    reader = Catalog(tmp_path / "catalog.db")
    put(make_article())
    assert reader.article("tide") == make_article()
    assert reader.problems() == []
    reader.close()


def test_what_is_read_at_once_is_of_one_state(tmp_path, catalog, put, make_article):
    put(make_article())
    reader = Catalog(tmp_path / "catalog.db")
    counted = "SELECT COUNT(*) FROM articles"
    with reader._database.reading() as connection:
        assert connection.exec_driver_sql(counted).scalar() == 1
        put(make_article(id="later"))
        assert connection.exec_driver_sql(counted).scalar() == 1
    assert reader.counts().articles == 2
    reader.close()


def test_a_full_disk_is_named_with_what_to_do(catalog, put, make_article):
    put(make_article())
    event.listen(
        catalog._database.engine,
        "checkout",
        lambda connection, *_: connection.execute("PRAGMA max_page_count=1"),
    )
    with pytest.raises(DiskFull, match="the disk is full; free some space"):
        put(*(make_article(id=f"{n}", text="Rain fell. " * 1_000) for n in range(20)))
    assert catalog.counts().articles == 1


READ_WITHOUT_ROOM = """
import resource, sys
from pathlib import Path
from backfile.archive.model.errors import ArchiveError
from backfile.archive.store.catalog import Catalog
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
catalog = Catalog(Path(sys.argv[1]))
print(catalog.counts().articles, catalog.problems())
catalog.close()
"""


@pytest.mark.parametrize("log", ["", "-wal"])
def test_an_archive_is_read_where_there_is_no_room_for_the_index_of_a_log(
    tmp_path, catalog, put, make_article, log
):
    """A limit to the size of files stands for the full disk: 32 KiB are needed."""
    put(make_article())
    if not log:
        catalog.close()
    (tmp_path / "copy").mkdir()
    for name in ("catalog.db", f"catalog.db{log}"):
        shutil.copy(tmp_path / name, tmp_path / "copy" / name)
    done = subprocess.run(
        [sys.executable, "-c", READ_WITHOUT_ROOM, str(tmp_path / "copy" / "catalog.db")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("1 []\n", "")


def test_a_damaged_file_says_what_to_do(tmp_path):
    (tmp_path / "catalog.db").write_bytes(b"rain" * 1_000)
    with pytest.raises(EngineUnavailable, match="brings a backup back"):
        Catalog(tmp_path / "catalog.db")


def test_a_new_catalogue_is_for_its_owner_alone(tmp_path, catalog):
    assert (tmp_path / "catalog.db").stat().st_mode & 0o077 == 0


def test_a_database_without_a_log_is_read_as_it_is_and_one_with_a_log_is_not(tmp_path):
    path = tmp_path / "a?b#c.db"
    assert read_only_uri(path).endswith("/a%3Fb%23c.db?mode=ro&immutable=1")
    (tmp_path / "a?b#c.db-wal").touch()
    assert read_only_uri(path).endswith("?mode=ro")


def test_what_can_be_written_is_what_the_system_says_of_the_directory(tmp_path, monkeypatch):
    assert is_writable(tmp_path / "catalog.db")
    assert not is_writable(tmp_path / "absent" / "catalog.db")
    monkeypatch.setattr("os.access", lambda path, _: path != tmp_path)
    assert not is_writable(tmp_path / "catalog.db")


def test_a_catalogue_that_cannot_be_written_is_read_and_refuses_changes(
    tmp_path, catalog, put, make_article, monkeypatch
):
    put(make_article())
    catalog.close()
    (tmp_path / "copy").mkdir()
    shutil.copy(tmp_path / "catalog.db", tmp_path / "copy" / "catalog.db")
    monkeypatch.setattr("backfile.archive.store.database.is_writable", lambda _: False)
    reader = Catalog(tmp_path / "copy" / "catalog.db")
    assert reader.article("tide") == make_article()
    assert reader.counts() == Counts(1, 1, 0)
    with pytest.raises(EngineUnavailable, match="readonly"):
        reader.announce()
    reader.close()
    assert [path.name for path in (tmp_path / "copy").iterdir()] == ["catalog.db"]


def test_more_threads_than_a_pool_holds_read_at_once(catalog):
    together = threading.Barrier(40, timeout=20)

    def read(_):
        with catalog._database.reading() as connection:
            together.wait()
            return connection.exec_driver_sql("SELECT 1").scalar()

    with ThreadPoolExecutor(40) as threads:
        assert list(threads.map(read, range(40))) == [1] * 40


def test_what_is_looked_up_by_address_content_or_place_is_found_by_an_index(catalog, tmp_path):
    asked = []

    def note(_connection, _cursor, statement, *_rest):
        asked.append(statement)

    event.listen(catalog._database.engine, "before_cursor_execute", note)
    catalog.identities.under(["//courier.example/ferry"])
    catalog.identities.with_content([b"x"])
    catalog.identities.at([Origin("a.jsonl", 1)])
    catalog.finish()
    marks = ("canonical", "substr(id", "json_each", "EXISTS")
    lookups = [each for each in asked if any(mark in each for mark in marks)]
    assert len(lookups) == 4
    with sqlite3.connect(tmp_path / "catalog.db") as opened:
        for each in lookups:
            values = ("x",) * each.count("?")
            plan = " ".join(row[3] for row in opened.execute(f"EXPLAIN QUERY PLAN {each}", values))
            assert "SCAN articles" not in plan
            assert "SCAN versions" not in plan
    opened.close()


def test_an_abstract_is_stored_as_one_and_is_another_article_than_the_whole(
    catalog, put, make_article
):
    abstract = make_article(text_kind=TextKind.ABSTRACT)
    put(abstract, make_article(id="whole"))
    assert catalog.article("tide").text_kind is TextKind.ABSTRACT
    assert catalog.article("whole").text_kind is TextKind.WHOLE
    assert abstract.digest != make_article().digest
    assert id_of_content(abstract) == id_of_content(make_article())
