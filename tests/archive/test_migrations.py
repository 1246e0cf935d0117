"""Older catalogues are brought up to this release step by step; later ones are refused."""

import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing

import pytest
from sqlalchemy import create_engine

from backfile.archive.model.errors import ArchiveMismatch, EngineUnavailable
from backfile.archive.store.catalog import Catalog
from backfile.archive.store.database import bring_up, create_database
from backfile.archive.store.directory import BACKUP_LIST
from backfile.archive.store.migrations import (
    PERIODS,
    STEPS,
    UNCOUNTED,
    Column,
    Step,
    migrate,
    version_of,
)
from backfile.archive.store.schema import metadata

# As the first releases had them, before any column was added.
FIRST = """
CREATE TABLE counters (name TEXT NOT NULL PRIMARY KEY, value INTEGER NOT NULL);
INSERT INTO counters VALUES ('generation', 7);
CREATE TABLE articles (
    number INTEGER NOT NULL PRIMARY KEY, id TEXT NOT NULL UNIQUE, title TEXT NOT NULL,
    title_source TEXT NOT NULL, text TEXT NOT NULL, published INTEGER, published_at TEXT,
    date_source TEXT NOT NULL, source TEXT NOT NULL, section TEXT NOT NULL, authors TEXT NOT NULL,
    language TEXT NOT NULL, url TEXT NOT NULL, origin_file TEXT NOT NULL,
    origin_offset INTEGER NOT NULL, digest BLOB NOT NULL);
INSERT INTO articles VALUES (1, 'tide', 'Tide table', 'given', 'The tide came in.', NULL, NULL,
    'none', '', '', '[]', 'en', '', 'tide.txt', 1, x'00');
"""
# The tables that an archive lacks while it counts no versions, and that readers do not ask for.
ADDED = "DROP TABLE releases; PRAGMA user_version = 0;"


def connected(path):
    return closing(sqlite3.connect(path, isolation_level=None))


def tables_of(connection):
    """All tables with columns, defaults and keys, and all indexes with their conditions."""
    named = connection.execute("SELECT name, type, sql FROM sqlite_master").fetchall()
    tables = {
        name: (
            {row[1:] for row in connection.execute(f"PRAGMA table_info({name})")},
            {row[2:] for row in connection.execute(f"PRAGMA foreign_key_list({name})")},
            {row[2:4] for row in connection.execute(f"PRAGMA index_list({name})")},
        )
        for name, kind, _ in named
        if kind == "table"
    }
    indexes = {name: sql.replace('"', "") for name, kind, sql in named if kind == "index" and sql}
    spaced = {name: " ".join(sql.split()) for name, sql in indexes.items()}
    return tables, {name: sql.replace("IF NOT EXISTS ", "") for name, sql in spaced.items()}


def written(path, script):
    with connected(path) as connection:
        connection.executescript(script)
    return path


@pytest.fixture
def first(tmp_path):
    return written(tmp_path / "catalog.db", FIRST)


@pytest.fixture
def uncounted(tmp_path):
    """A catalogue whose release counted no versions, with all that is read."""
    create_database(tmp_path / "catalog.db")
    return written(tmp_path / "catalog.db", ADDED)


def version_at(path):
    with connected(path) as connection:
        return version_of(connection)


def test_the_steps_make_the_tables_that_the_program_works_with(tmp_path):
    create_database(tmp_path / "by-steps.db")
    metadata.create_all(create_engine(f"sqlite:///{tmp_path / 'by-schema.db'}"))
    with connected(tmp_path / "by-steps.db") as steps, connected(tmp_path / "by-schema.db") as one:
        assert tables_of(steps) == tables_of(one)
        assert version_of(steps) == len(STEPS)


def test_a_catalogue_of_the_first_releases_gets_the_same_tables_and_keeps_its_rows(first, tmp_path):
    bring_up(first)
    create_database(tmp_path / "new.db")
    with connected(first) as old, connected(tmp_path / "new.db") as new:
        assert tables_of(old) == tables_of(new)
    with closing(Catalog(first)) as catalog:
        article = catalog.article("tide")
        assert (article.title, article.version, article.date_written) == ("Tide table", 0, "")
        assert catalog.generation() == 7


def test_what_is_up_to_date_is_left_as_it_is(uncounted):
    bring_up(uncounted)
    with connected(uncounted) as connection:
        before = tables_of(connection), connection.execute("PRAGMA schema_version").fetchone()
    bring_up(uncounted)
    with connected(uncounted) as connection:
        after = tables_of(connection), connection.execute("PRAGMA schema_version").fetchone()
    assert before == after


def test_a_reader_reads_an_older_catalogue_and_changes_nothing(uncounted):
    with closing(Catalog(uncounted)) as catalog:
        assert catalog.counts() == (0, 0, 0)
        assert list(catalog.originals) == []
    assert version_at(uncounted) == 0
    with connected(uncounted) as connection:
        assert "releases" not in tables_of(connection)[0]


def test_a_reader_that_would_miss_a_column_says_what_adds_it(first):
    with pytest.raises(ArchiveMismatch, match=r"without articles\.date_certainty.*--repair"):
        Catalog(first)
    assert version_at(first) == 0
    (first.parent / BACKUP_LIST).touch()  # now it is read without writing beside it
    with pytest.raises(ArchiveMismatch, match="brings it up to date"):
        Catalog(first)


def test_a_catalogue_of_a_later_release_is_neither_read_nor_changed(uncounted):
    written(uncounted, f"PRAGMA user_version = {len(STEPS) + 1}")
    content = uncounted.read_bytes()
    for use in (Catalog, bring_up):
        with pytest.raises(ArchiveMismatch, match=r"by a later release.*use that release"):
            use(uncounted)
    assert uncounted.read_bytes() == content


def test_neither_a_missing_nor_a_strange_database_is_made_a_catalogue(tmp_path):
    bring_up(tmp_path / "missing.db")
    (tmp_path / "empty.db").touch()
    bring_up(tmp_path / "empty.db")
    strange = written(tmp_path / "strange.db", "CREATE TABLE songs (title TEXT)")
    bring_up(strange)
    assert not (tmp_path / "missing.db").exists()
    assert not (tmp_path / "empty.db").stat().st_size
    with connected(strange) as connection:
        assert set(tables_of(connection)[0]) == {"songs"}


def test_a_damaged_catalogue_is_an_error_that_says_what_to_do(tmp_path):
    (tmp_path / "catalog.db").write_bytes(b"no database" * 1_000)
    with pytest.raises(EngineUnavailable, match="verify --repair"):
        bring_up(tmp_path / "catalog.db")


MADE_OF_TWO = Step("CREATE TABLE one (n INTEGER); CREATE TABLE two (n INTEGER);")


def test_a_step_that_fails_leaves_nothing_of_itself_and_is_done_again(tmp_path):
    path = written(tmp_path / "catalog.db", FIRST)
    broken = Step("CREATE TABLE one (n INTEGER); CREATE TABLE two;")
    with connected(path) as connection:
        with pytest.raises(sqlite3.OperationalError):
            migrate(connection, (UNCOUNTED, broken))
        assert version_of(connection) == 1
        assert "one" not in tables_of(connection)[0]
        migrate(connection, (UNCOUNTED, MADE_OF_TWO))
        assert version_of(connection) == 2
        assert {"one", "two"} <= set(tables_of(connection)[0])


def test_a_column_is_added_once(tmp_path):
    path = written(tmp_path / "catalog.db", FIRST)
    added = Step("", (Column("articles", "mood", "TEXT DEFAULT 'calm' NOT NULL"),))
    with connected(path) as connection:
        migrate(connection, (added,))
        connection.execute("PRAGMA user_version = 0")
        migrate(connection, (added,))
        assert connection.execute("SELECT mood FROM articles").fetchall() == [("calm",)]


KILLED_WITHIN = """
import os, signal, sqlite3, sys
from backfile.archive.store.migrations import Step, UNCOUNTED, migrate

connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.create_function("killed", 0, lambda: os.kill(os.getpid(), signal.SIGKILL))
migrate(connection, (UNCOUNTED, Step("CREATE TABLE one (n INTEGER); SELECT killed();")))
"""


@pytest.mark.crash
@pytest.mark.parametrize("mode", ["delete", "wal"])
def test_a_kill_within_a_step_leaves_a_version_that_goes_on(tmp_path, mode):
    path = written(tmp_path / "catalog.db", f"PRAGMA journal_mode={mode};" + FIRST)
    command = [sys.executable, "-c", KILLED_WITHIN, str(path)]
    assert subprocess.run(command, env=os.environ).returncode == -signal.SIGKILL
    with connected(path) as connection:
        assert version_of(connection) == 1
        assert "one" not in tables_of(connection)[0]
    bring_up(path)
    assert version_at(path) == len(STEPS)
    with closing(Catalog(path)) as catalog:
        assert catalog.article("tide").title == "Tide table"


def test_a_writer_migrates_while_a_reader_has_the_catalogue_open(uncounted):
    with closing(Catalog(uncounted)) as reader:
        reader.counts()
        bring_up(uncounted)
        assert reader.counts() == (0, 0, 0)
    assert version_at(uncounted) == len(STEPS)


def test_a_reader_sees_every_column_that_an_older_catalogue_lacks(tmp_path, make_article):
    """Of one table it may lack several."""
    path = tmp_path / "catalog.db"
    create_database(path)
    number = len(STEPS[: STEPS.index(PERIODS)])
    dropped = "ALTER TABLE articles DROP COLUMN {};"
    written(
        path,
        f"""INSERT INTO articles (number, id, title, title_source, text, date_source, source,
        section, authors, language, url, origin_file, origin_offset, digest) VALUES (1, 'tide',
        'Tide', 'given', 'It came.', 'none', '', '', '[]', 'en', '', 'a', 1, x'00');
        {dropped.format("published_last")} {dropped.format("text_kind")}
        PRAGMA user_version = {number};""",
    )
    with closing(Catalog(path)) as catalog:
        article = catalog.article("tide")
    assert (article.text, article.period, article.text_kind.value) == ("It came.", None, "whole")
    assert version_at(path) == number
