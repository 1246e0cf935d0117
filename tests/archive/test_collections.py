import os
import sqlite3
import stat
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from multiprocessing import get_context

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backfile.archive.model.errors import (
    ArchiveMismatch,
    ArchiveUnwritable,
    BadQuery,
    EngineUnavailable,
)
from backfile.archive.store import collections as store
from backfile.archive.store.collections import Collections, clean_note, clean_tags
from backfile.archive.store.collections_file import LONGEST_NAME, clean_name
from backfile.archive.store.directory import ArchiveDirectory

FERRY = ("urn:ferry/1?a=b", "The ferry runs again")
BRIDGE = ("bridge", "Swing bridge shut")


@pytest.fixture
def path(tmp_path):
    return tmp_path / "collections.sqlite"


@pytest.fixture
def kept(path):
    return Collections(path)


def test_reading_makes_no_file(kept, path):
    assert kept.listed(10) == []
    assert kept.count() == kept.revision() == 0
    assert kept.holding(["bridge"]) == {}
    assert kept.searches.listed() == [] == kept.problems()
    assert not path.exists()


def test_the_first_write_makes_a_file_for_its_owner_alone(kept, path):
    assert kept.add("Ferries", [FERRY]) == 1
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [each.name for each in path.parent.iterdir()] == [path.name]


def test_articles_are_in_a_collection_once_the_last_starred_first(kept):
    assert kept.add("Ferries", [FERRY]) == 1
    assert kept.add("ferries", [BRIDGE, FERRY]) == 1
    assert [each.article_id for each in kept.entries("FERRIES", 10)] == ["bridge", FERRY[0]]
    assert [each[1:3] for each in kept.listed(10)] == [("Ferries", 2)]
    assert kept.holding([FERRY[0], "nowhere"]) == {FERRY[0]: ["Ferries"]}


def test_a_version_changes_with_the_articles_and_never_comes_again(kept):
    versions = []
    for change in (
        lambda: kept.add("A", [FERRY]),
        lambda: kept.add("A", [BRIDGE]),
        lambda: kept.remove("A", ["bridge"]),
        lambda: (kept.delete("A"), kept.add("A", [FERRY])),
    ):
        change()
        versions.append(kept.named("A").version)
    kept.add("A", [FERRY])
    kept.annotate("A", FERRY[0], "a note", ["tag"])
    assert kept.named("A").version == versions[-1]
    assert len(set(versions)) == 4


def test_a_note_and_tags_belong_to_an_article_of_a_collection(kept):
    kept.add("A", [FERRY, BRIDGE])
    entry = kept.annotate("A", "bridge", " who paid?\r\nask ", ["harbour, money", "Money"])
    assert (entry.note, entry.tags) == ("who paid?\nask", ("harbour", "money"))
    assert [each.article_id for each in kept.entries("A", 10, tag="money")] == ["bridge"]
    assert kept.count_tags("A") == {"harbour": 1, "money": 1}
    kept.annotate("A", "bridge", "", [])
    assert kept.count_tags("A") == {}
    with pytest.raises(BadQuery, match="'other' is not in this collection"):
        kept.annotate("A", "other", "x", [])


def test_an_unknown_collection_is_named_with_the_nearest(kept):
    with pytest.raises(BadQuery, match="collection: there is no 'Fery', and no other collection"):
        kept.named("Fery")
    kept.make("Ferry")
    kept.make("Bridges")
    with pytest.raises(BadQuery, match="there is no 'Fery'; there is 'Ferry'"):
        kept.named("Fery")
    with pytest.raises(BadQuery, match="there are 'Bridges', 'Ferry'"):
        kept.named("zzz")


def test_a_collection_is_renamed_but_not_to_the_name_of_another(kept):
    kept.add("A", [FERRY])
    kept.make("B")
    assert kept.rename("a", "  C  c ").name == "C c"
    assert kept.rename("C c", "c C").name == "c C"
    with pytest.raises(BadQuery, match="there is a collection B already"):
        kept.rename("c C", "b")
    assert [each.name for each in kept.listed(10)] == ["B", "c C"]


def test_deleting_a_collection_deletes_its_notes_and_tags(kept, path):
    kept.add("A", [FERRY])
    kept.annotate("A", FERRY[0], "a note", ["tag"])
    assert kept.delete("A").articles == 1
    with closing(sqlite3.connect(path)) as connection:
        for table in ("collections", "entries", "tags"):
            assert connection.execute(f"SELECT COUNT(*) FROM {table}").fetchone() == (0,)


@pytest.mark.parametrize(
    "name", ["", "  ", "a/b", "a\\b", "..", "a\x00b", "a\u202eb", "x" * (LONGEST_NAME + 1)]
)
def test_a_name_that_cannot_be_shown_or_addressed_is_refused(kept, path, name):
    with pytest.raises(BadQuery):
        kept.make(name)
    assert not path.exists() or kept.count() == 0


@given(st.text(max_size=200))
def test_any_text_is_a_clean_name_or_refused(text):
    try:
        name = clean_name("name", text)
    except BadQuery:
        return
    assert clean_name("name", name) == name
    name.encode()


@given(st.text())
def test_any_note_can_be_stored(text):
    note = clean_note(text)
    note.encode()
    assert clean_note(note) == note
    assert "\r" not in note


def test_there_is_an_end_to_everything(kept, monkeypatch):
    monkeypatch.setattr(store, "MOST_COLLECTIONS", 2)
    monkeypatch.setattr(store, "MOST_ARTICLES", 3)
    kept.make("A")
    kept.make("B")
    with pytest.raises(BadQuery, match="at most 2 collections"):
        kept.make("C")
    with pytest.raises(BadQuery, match="at most 3 articles"):
        kept.add("A", [(str(n), "") for n in range(4)])
    assert kept.named("A").articles == 0, "nothing of it was done"
    with pytest.raises(BadQuery, match="at most 4,000 characters"):
        clean_note("x" * 4_001)
    with pytest.raises(BadQuery, match="at most 20 tags"):
        clean_tags(map(str, range(21)))


def test_collections_are_listed_in_pages(kept):
    for n in range(25):
        kept.make(f"{n:02}")
    assert [each.name for each in kept.listed(10, 20)] == ["20", "21", "22", "23", "24"]


def test_a_search_is_saved_once_and_knows_up_to_where_it_was_looked_at(kept):
    saved = kept.searches.save("Ferries", "q=ferry", 100)
    again = kept.searches.save("All ferries", "q=ferry", 900)
    assert (again.number, again.name, again.seen) == (saved.number, "All ferries", 100)
    assert kept.searches.look(saved.number, 700).seen == 100
    assert kept.searches.look(saved.number, 300).seen == 700
    assert kept.searches.find(saved.number).seen == 700, "it never goes back"
    kept.searches.rename(saved.number, "F")
    assert kept.searches.delete(saved.number).name == "F"
    with pytest.raises(BadQuery, match="no longer saved"):
        kept.searches.look(saved.number, 1)


def star(path, writer):
    for n in range(20):
        Collections(path).add("Shared", [(f"{writer}-{n}", "")])


def test_writers_in_several_processes_lose_nothing(path):
    """All begin where there is no file yet."""
    with ProcessPoolExecutor(4, mp_context=get_context("spawn")) as pool:
        list(pool.map(star, [path] * 4, range(4)))
    kept = Collections(path)
    assert kept.named("Shared").articles == 80
    assert kept.revision() == 80
    assert kept.problems() == []


def test_an_archive_that_is_only_read_has_no_collections(kept, path):
    (path.parent / "backup.json").touch()
    with pytest.raises(ArchiveUnwritable, match="it is a backup"):
        kept.make("A")
    assert kept.listed(10) == []


def test_the_collections_of_a_backup_are_read(kept, path):
    kept.make("A")
    (path.parent / "backup.json").touch()
    assert [each.name for each in kept.listed(10)] == ["A"]
    assert [each.name for each in path.parent.iterdir() if "-" in each.name] == []


@pytest.mark.parametrize("content", [b"no database at all, but a longer text" * 99, b"SQLite"])
def test_a_damaged_file_is_named_and_set_aside(kept, path, content):
    path.write_bytes(content)
    for attempt in (kept.revision, lambda: kept.make("A"), lambda: kept.named("A")):
        with pytest.raises(EngineUnavailable, match="the file of collections"):
            attempt()
    assert kept.problems()
    aside = kept.set_aside()
    assert (aside / path.name).read_bytes() == content
    assert kept.problems() == []
    assert kept.set_aside() is None
    assert kept.make("A").name == "A"


def test_a_file_that_a_killed_process_left_empty_is_filled(kept, path):
    path.touch()
    assert kept.listed(10) == [] == kept.problems()
    assert kept.add("A", [FERRY]) == 1


def test_a_file_of_a_later_release_is_left_alone(kept, path):
    kept.make("A")
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 99")
    for attempt in (kept.revision, lambda: kept.make("B")):
        with pytest.raises(ArchiveMismatch, match="by a later release"):
            attempt()
    assert kept.problems() == []
    assert kept.set_aside() is None


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written_to_says_so(kept, path):
    path.parent.chmod(0o500)
    with pytest.raises(ArchiveUnwritable, match="only read"):
        kept.make("A")


def test_there_is_always_a_collection_for_stars(kept):
    assert kept.named("starred")[1:3] == ("Starred", 0)
    assert kept.entries("Starred", 10) == []
    assert kept.rename("Starred", "My stars").name == "My stars"
    assert [each.name for each in kept.listed(10)] == ["My stars"]
    assert kept.delete("Starred").articles == 0


def test_a_star_does_not_wait_for_the_writer_of_the_archive(kept, path):
    with ArchiveDirectory(path.parent).writing():
        assert kept.add("Ferries", [FERRY]) == 1
    assert ArchiveDirectory(path.parent).collections == path
