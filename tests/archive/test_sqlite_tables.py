"""Tests of SQLite databases as input: real tables alone are read, and nothing in one is run."""

import gzip
import json
import random
import sqlite3
from contextlib import closing
from datetime import date

import pytest

from backfile.archive.formats.fields import FieldMap
from backfile.archive.formats.files import LONGEST_TEXT, SourceFile
from backfile.archive.formats.inputs import read_file
from backfile.archive.formats.tables.databases import Patience
from backfile.archive.formats.tables.sqlite_tables import read_sqlite
from backfile.archive.model.article import Article
from backfile.archive.model.errors import UnreadableArticle
from tests.builders import backfile, zipped

NEWS = """
    CREATE TABLE news (n INTEGER PRIMARY KEY, headline TEXT, body TEXT, date TEXT, photo BLOB);
    INSERT INTO news VALUES (3, 'Ferry', 'The night ferry stops.', '2024-03-23', x'00ff');
    INSERT INTO news VALUES (9, 'Bridge', 'The bridge is shut.', '2024-03-24', NULL);
"""


@pytest.fixture
def made(tmp_path):
    def make(*statements, name="news.db"):
        path = tmp_path / name
        with closing(sqlite3.connect(path, isolation_level=None)) as database:
            for each in statements:
                database.executescript(each)
        return path

    return make


def read(path, *options):
    return list(read_file(SourceFile.at(path, f"in/{path.name}"), FieldMap.from_options(options)))


def test_each_row_is_an_article_by_the_number_that_the_database_gave_it(made):
    path = made(NEWS)
    first, second = read(path)
    assert (first.title, first.text) == ("Ferry", "The night ferry stops.")
    assert first.published == date(2024, 3, 23)
    assert [str(each.origin) for each in (first, second)] == [f"{path}:3", f"{path}:9"]
    assert first.id != second.id
    assert first.origin.path == path


def test_a_database_is_left_as_it_was(made):
    path = made("PRAGMA journal_mode=WAL", NEWS)
    before = path.read_bytes()
    assert len(read(path)) == 2
    assert path.read_bytes() == before
    assert [each.name for each in path.parent.iterdir()] == [path.name]


def test_tables_with_a_title_and_a_text_go_before_those_with_a_text_alone(made):
    comments = "CREATE TABLE comments (body TEXT); INSERT INTO comments VALUES ('First!');"
    sport = "CREATE TABLE sport AS SELECT 'Cup' AS title, 'We won.' AS text;"
    found = read(made(NEWS, comments, sport))
    assert [each.title for each in found] == ["Ferry", "Bridge", "Cup"]
    assert [each.text for each in read(made(comments, name="b.db"))] == ["First!"]


def test_another_table_and_column_can_be_named(made):
    path = made(NEWS, "CREATE TABLE wire (slug TEXT, copy TEXT)",
                "INSERT INTO wire VALUES ('ash', 'The Ash froze.')")  # fmt: skip
    (article,) = read(path, "text=wire.copy", "title=wire.slug")
    assert (article.title, article.text) == ("ash", "The Ash froze.")


def test_a_database_without_a_text_lists_what_it_has(made):
    (refused,) = read(made("CREATE TABLE prices (day TEXT, price REAL)"))
    assert "(prices: day, price); name one with --map text=TABLE.COLUMN" in refused.reason
    (refused,) = read(made("PRAGMA user_version = 1", name="b.db"))
    assert refused.reason == "a database without tables"


def test_views_virtual_tables_and_computed_columns_are_not_run(made):
    endless = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n)"
    path = made(
        NEWS,
        f"CREATE VIEW story AS {endless} SELECT x AS title, x AS text FROM n",
        "CREATE VIRTUAL TABLE found USING fts5(title, text)",
        "CREATE TABLE computed (title TEXT, text TEXT AS (printf('%.*c', 1000000, 'x')))",
        "INSERT INTO computed (title) VALUES ('Only this')",
    )
    assert [each.title for each in read(path)] == ["Ferry", "Bridge"]
    (computed,) = read(path, "text=computed.title")
    assert computed.text == "Only this"


def test_rows_without_numbers_and_a_column_named_rowid_are_read(made):
    path = made(
        "CREATE TABLE a (rowid TEXT, title TEXT, text TEXT)",
        "INSERT INTO a VALUES ('x', 'Ash', 'Rain.')",
        "CREATE TABLE b (title TEXT PRIMARY KEY, text TEXT) WITHOUT ROWID",
        "INSERT INTO b VALUES ('Tide', 'Low.'), ('Snow', 'Deep.')",
    )
    assert [(a.title, a.origin.offset) for a in read(path)] == [
        ("Ash", 1),
        ("Snow", 1),
        ("Tide", 2),
    ]


def test_a_value_too_long_for_an_article_is_refused_and_the_rest_is_read(made):
    text = f"printf('%.*c', {LONGEST_TEXT + 1}, 'x')"
    long = f"INSERT INTO news VALUES (5, 'Long', {text}, '', NULL)"
    path = made(NEWS, long)
    first, refused, last = read(path)
    assert (first.title, last.title) == ("Ferry", "Bridge")
    assert refused.origin == f"{path}:5"
    assert refused.reason == "a value of more than 32 MiB (table news)"


def test_text_that_is_not_utf8_is_read_in_the_likeliest_encoding(made):
    path = made("CREATE TABLE a (text TEXT)")
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute(
            "INSERT INTO a VALUES (CAST(? AS TEXT))", ("The café shut.".encode("cp1252"),)
        )
        database.execute("INSERT INTO a VALUES (?)", (b"The bridge, in bytes.",))
    assert [each.text for each in read(path)] == ["The café shut.", "The bridge, in bytes."]


@pytest.mark.parametrize("name", ["news.db.gz", "news.zip"])
def test_a_database_within_another_file_is_read_in_memory(made, name, tmp_path):
    content = made("PRAGMA journal_mode=WAL", NEWS).read_bytes()
    packed = gzip.compress(content) if name.endswith("gz") else zipped(("a/news.db", content))
    (tmp_path / name).write_bytes(packed)
    inner = "" if name.endswith("gz") else "!/a/news.db"
    found = read(tmp_path / name)
    assert [str(a.origin) for a in found] == [f"{tmp_path / name}{inner}:{n}" for n in (3, 9)]


def test_changes_that_lie_in_a_journal_are_reported(made):
    path = made("PRAGMA journal_mode=WAL", NEWS)
    with closing(sqlite3.connect(path, isolation_level=None)) as writing:
        writing.execute("INSERT INTO news VALUES (11, 'Late', 'After that.', '', NULL)")
        refused, *articles = read(path)
    assert refused.origin == f"{path}-wal"
    assert len(articles) == 2


def test_what_takes_too_long_is_given_up(made):
    path, patience = made(NEWS), Patience(seconds=-1, steps=1)
    with pytest.raises(UnreadableArticle, match=r"\(it took too long\)$"):
        list(read_sqlite(SourceFile.at(path, path.name), FieldMap(), patience=patience))


def test_a_schema_that_cannot_even_be_quoted_is_refused(made):
    path = made(NEWS)
    path.write_bytes(path.read_bytes().replace(b"CREATE TABLE", b"CREATE TABL\x80"))
    (refused,) = read(path)
    assert refused.reason.startswith("not a SQLite database that can be read (")


def test_rows_of_one_number_in_two_tables_stay_apart_in_every_run(made, tmp_path):
    sport = "CREATE TABLE sport AS SELECT 'Cup' AS title, 'We won.' AS text;"
    path = made(NEWS.replace("(3,", "(1,"), sport)
    for new, unchanged in ((3, 0), (0, 3)):
        archive = ("--archive", tmp_path / "archive", "--no-vectors", "--json")
        report = json.loads(backfile("index", path, *archive).stdout)
        assert (report["new"], report["unchanged"], report["refused"]) == (new, unchanged, [])
    again = json.loads(backfile("reread", *archive).stdout)
    assert (again["unchanged"], again["refused"]) == (3, [])


@pytest.mark.parametrize("seed", range(60))
def test_a_damaged_database_is_read_as_far_as_it_goes_or_refused(made, seed):
    rows = "INSERT INTO news SELECT NULL, headline, body, date, photo FROM news;" * 6
    path = made(NEWS, rows)
    content, chance = bytearray(path.read_bytes()), random.Random(seed)
    for _ in range(chance.choice((1, 5, 50))):
        content[chance.randrange(16, len(content))] = chance.randrange(256)
    path.write_bytes(content[: chance.randrange(600, len(content))] if seed % 5 == 0 else content)
    found = read(path)
    assert found
    assert all(isinstance(each, Article | UnreadableArticle) for each in found)
