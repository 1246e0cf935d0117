"""Checks of an archive that is written to, was left by a kill, or cannot be written."""

import json
import os
import shutil

import numpy as np
import pytest

from backfile.archive.store.catalog import Catalog
from backfile.archive.store.directory import ArchiveDirectory
from backfile.archive.store.jobs import JobKind
from backfile.archive.store.vectors import VectorFile
from backfile.index.indexing.jobs import do_all
from backfile.index.indexing.verify import Part, count_received, repair, verify
from backfile.index.lexical.storage.whoosh_index import WhooshIndex
from tests.builders import engines_in, fill, indexer_of, write_stories

MORE = [{"id": "late", "title": "Late ferry", "text": "The last ferry left. It was late."}]


@pytest.fixture
def real(prepared, tmp_path):
    """The stories in the real engines."""
    made = prepared["engines"].copy(tmp_path / "archive")
    yield made
    made.catalog.close()


@pytest.fixture
def behind(real, tmp_path):
    """An archive as it is while a process indexes: an article is only in the catalogue."""
    fill(real, write_stories(tmp_path, MORE))
    real.lexical.remove(real.catalog.rows_of(["late"]))
    shutil.rmtree(tmp_path / "archive" / "chroma")
    return real


def parts(problems):
    return {problem.part for problem in problems}


def test_what_a_writer_has_still_to_do_is_no_problem(behind):
    assert list(verify(behind, is_written_to=lambda: True)) == []
    assert parts(verify(behind)) == {Part.LEXICAL, Part.NEIGHBOURS}


def test_damage_is_found_beside_a_writer_too(behind, tmp_path):
    next(tmp_path.glob("archive/lexical/*.trm")).unlink()
    behind.vectors.blank(behind.catalog.rows_of(["late"]))
    found = parts(verify(behind, is_written_to=lambda: True))
    assert found == {Part.LEXICAL, Part.VECTORS}


def test_a_writer_that_ends_during_a_check_is_no_problem(behind, monkeypatch):
    """What is in the catalogue alone is indexed once it was compared."""
    rows = behind.lexical.rows

    def finished_afterwards():
        monkeypatch.setattr(behind.lexical, "rows", rows)
        found = rows()
        indexer_of(behind).lexical.bring_up()
        indexer_of(behind).seal()
        return found

    behind.lexical.clear()
    monkeypatch.setattr(behind.lexical, "rows", finished_afterwards)
    assert list(verify(behind)) == []


def test_what_a_server_has_still_to_embed_is_counted_and_no_problem(real, tmp_path):
    indexer, inbox = indexer_of(real), real.catalog.inbox
    assert count_received(real) == 0
    with inbox.receiving(JobKind.POST) as job:
        for n in range(5):
            job.write(json.dumps({"id": f"late {n}", "text": f"Ferry {n} is late."}).encode())
            job.write(b"\n")
        job.accept()
    do_all(real.catalog, indexer)
    assert list(verify(real)) == []
    assert count_received(real) == 5
    assert indexer.embed_some(inbox.embed_from(), 3) == 3
    assert list(verify(real)) == []
    assert count_received(real) == 5  # as those that are embedded are in no part yet
    shutil.rmtree(tmp_path / "archive" / "chroma")
    assert parts(verify(real)) == {Part.NEIGHBOURS}  # which had what came in before
    repair(real, indexer)
    assert list(verify(real)) == []
    assert count_received(real) == 0


def test_a_lock_tells_whether_an_archive_is_written_to(tmp_path):
    directory = ArchiveDirectory(tmp_path)
    assert not directory.is_written_to()
    with directory.writing():
        assert directory.is_written_to()
    assert not directory.is_written_to()


def killed_after(function):
    def killed(*arguments):
        function(*arguments)
        raise InterruptedError

    return killed


KILLED = {
    "record": (Catalog, "remove"),
    "vectors": (VectorFile, "blank"),
    "words": (WhooshIndex, "remove"),
}


@pytest.mark.parametrize("moment", KILLED)
@pytest.mark.parametrize("following", ["remove", "index", "repair"])
def test_a_removal_that_was_killed_is_finished_by_the_next_command(
    real, tmp_path, monkeypatch, moment, following
):
    rows = real.catalog.rows_of(["ferry"])
    removing = indexer_of(real)
    removing.tidy = lambda: None  # it calls the same functions
    with monkeypatch.context() as patched:
        place, name = KILLED[moment]
        patched.setattr(place, name, killed_after(getattr(place, name)))
        with pytest.raises(InterruptedError):
            removing.remove(["ferry"])
    assert (parts(verify(real)) != set()) == (moment != "words")
    match following:
        case "remove":
            assert indexer_of(real).remove(["ferry"]) == 0
        case "index":
            fill(real, write_stories(tmp_path, MORE))
        case "repair":
            repair(real, indexer_of(real))
    assert list(verify(real)) == []
    assert not np.isin(rows, real.lexical.rows()).any()
    assert not real.vectors.read(int(rows.max()) + 1)[rows].any()


def test_vectors_beside_the_known_rows_are_found(tmp_path):
    file = VectorFile(tmp_path / "vectors", 2)
    assert file.filled_beside(np.array([1])).tolist() == []
    file.write(np.array([1, 3, 4]), np.ones((3, 2), np.float32))
    assert file.filled_beside(np.array([3])).tolist() == [1, 4]


def test_an_archive_that_cannot_be_written_is_checked_and_left_as_it_is(
    real, tmp_path, monkeypatch
):
    """The system's answer is feigned, as the one who tests may write everywhere."""
    root = tmp_path / "archive"
    real.catalog.close()
    before = {path: path.stat().st_mtime_ns for path in root.rglob("*") if path.is_file()}
    access = os.access
    monkeypatch.setattr(
        os, "access", lambda path, mode: access(path, mode) and not (mode & os.W_OK)
    )
    real = engines_in(root, in_memory=False)
    assert list(verify(real)) == []
    after = {path: path.stat().st_mtime_ns for path in root.rglob("*") if path.is_file()}
    assert after == before
    (damaged,) = root.glob("chroma/*/chroma.sqlite3")
    damaged.write_bytes(b"garbage")
    assert parts(verify(real)) == {Part.NEIGHBOURS}
    real.catalog.close()
