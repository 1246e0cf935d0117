"""Chroma's parts are sealed: Chroma opens a copy of sound files, and nothing that is damaged."""

import os
import shutil
import signal
import tempfile
from hashlib import blake2b

import numpy as np
import pytest

from backfile.archive.model.errors import EngineUnavailable
from backfile.archive.store.directory import BACKUP_LIST
from backfile.archive.store.vectors import VectorFile
from backfile.index.vector.chroma_index import ChromaIndex
from backfile.index.vector.chroma_part import ChromaPart
from backfile.index.vector.part_files import COPY, SEALS
from tests.builders import DAMAGES, damage
from tests.processes import PROCESSES

pytestmark = pytest.mark.long
N_ROWS, DIMENSION = 500, 8
ALL = np.arange(1, N_ROWS + 1)
EMBEDDED = np.arange(N_ROWS + 1) > 0
QUERY = np.eye(DIMENSION, dtype=np.float32)[0]
FILES = (
    "chroma.sqlite3", "rows.npy", SEALS, "*/data_level0.bin", "*/header.bin", "*/length.bin",
    "*/link_lists.bin", "*/index_metadata.pickle",
)  # fmt: skip


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sound") / "archive"
    folder.mkdir()
    made = np.random.default_rng(0).standard_normal((N_ROWS, DIMENSION)).astype(np.float32)
    file = VectorFile(folder / "vectors", DIMENSION)
    file.write(ALL, made / np.linalg.norm(made, axis=1, keepdims=True))
    ChromaIndex(folder / "chroma", file).seal(ALL)
    return folder


@pytest.fixture
def archive(sound, tmp_path):
    return shutil.copytree(sound, tmp_path / "archive")


def opened(archive, rows_a_neighbour=0):
    """An index that always asks Chroma, as a server of a large archive does."""
    vectors = VectorFile(archive / "vectors", DIMENSION)
    return ChromaIndex(archive / "chroma", vectors, rows_a_neighbour=rows_a_neighbour)


def nearest(archive, limit=20):
    index = opened(archive)
    index.warm()
    return index.snapshot(EMBEDDED).nearest(QUERY, None, limit).rows.tolist()


def digests(archive):
    files = (path for path in archive.rglob("*") if path.is_file())
    return {path.relative_to(archive): blake2b(path.read_bytes()).digest() for path in files}


def test_every_file_that_chroma_writes_is_sealed_and_damaged_here(archive):
    (part,) = (archive / "chroma").iterdir()
    files = {path for path in part.rglob("*") if path.is_file()}
    assert {path for name in FILES for path in part.glob(name)} == files
    assert len(ChromaPart(part)._seals) == len(files) - 1


@pytest.mark.parametrize("kind", DAMAGES)
@pytest.mark.parametrize("name", FILES)
def test_a_damaged_part_is_not_opened_and_its_rows_are_compared(name, kind, archive, sound):
    expected = nearest(sound)
    (path,) = (archive / "chroma").glob(f"*/{name}")
    damage(path, kind)
    assert nearest(archive) == expected
    index = opened(archive)
    if (name, kind) == (SEALS, "delete"):
        index.check()  # as it was made by an earlier release, and is not opened
    else:
        with pytest.raises(EngineUnavailable, match=r"--repair"):
            index.check()
    index.rebuild(ALL)
    index.check()
    assert nearest(archive) == expected


def test_opening_a_part_changes_none_of_its_files_and_leaves_none(archive):
    before = digests(archive)
    index = opened(archive)
    index.warm()
    snapshot = index.snapshot(EMBEDDED)
    assert [part.is_open for part in snapshot._parts] == [True]
    assert len(list((archive / "chroma").glob(f"{COPY}*"))) == 2
    for path in (archive / "chroma").rglob("*"):
        assert path.stat().st_mode & 0o777 == (0o700 if path.is_dir() else 0o600), path
    snapshot.nearest(QUERY, None, 20)
    index.check()
    del snapshot, index
    assert digests(archive) == before


def test_the_parts_of_an_archive_that_is_only_read_are_opened_elsewhere(archive, monkeypatch):
    (archive / BACKUP_LIST).touch()
    before = digests(archive)
    monkeypatch.setattr(tempfile, "tempdir", str(archive.parent / "temporary"))
    (archive.parent / "temporary").mkdir()
    index = opened(archive)
    index.warm()
    snapshot = index.snapshot(EMBEDDED)
    assert [part.is_open for part in snapshot._parts] == [True]
    assert digests(archive) == before
    assert len(snapshot.nearest(QUERY, None, 20).rows) == 20
    del snapshot, index
    assert list((archive.parent / "temporary").iterdir()) == []


def die_with_an_open_part(archive):
    index = opened(archive)
    index.warm()
    index.snapshot(EMBEDDED)
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.crash
def test_what_a_killed_process_had_open_is_removed_by_the_next_that_opens(archive):
    process = PROCESSES.Process(target=die_with_an_open_part, args=(archive,))
    process.start()
    process.join(60)
    assert process.exitcode == -signal.SIGKILL
    left = set((archive / "chroma").glob(f"{COPY}*"))
    assert len(left) == 2
    index = opened(archive)
    index.warm()
    snapshot = index.snapshot(EMBEDDED)
    there = set((archive / "chroma").glob(f"{COPY}*"))
    assert len(there) == 2
    assert not left & there
    other = opened(archive)
    other.warm()
    other.snapshot(EMBEDDED)  # leaves alone what is open
    assert there <= set((archive / "chroma").glob(f"{COPY}*"))
    assert len(snapshot.nearest(QUERY, None, 20).rows) == 20


def test_a_part_without_seals_is_compared_and_sealed_when_the_index_grows(archive, sound):
    (old,) = (archive / "chroma").iterdir()
    (old / SEALS).unlink()
    assert nearest(archive) == nearest(sound)
    index = opened(archive)
    index.warm()
    assert index.snapshot(EMBEDDED)._parts == []
    assert index.rows().tolist() == ALL.tolist()
    index.seal(ALL[:-1])
    (part,) = index.snapshot(EMBEDDED)._parts
    assert part.path != old
    assert part.is_open


def test_chroma_failing_at_a_query_is_not_asked_again(archive, sound, monkeypatch):
    class PanicException(BaseException):
        """As code in Rust raises it."""

    def panic(*_, **__):
        asked.append(1)
        raise PanicException

    asked = []
    index = opened(archive)
    index.warm()
    snapshot = index.snapshot(EMBEDDED)
    monkeypatch.setattr(type(snapshot._parts[0]._opened), "query", panic)
    for _ in range(2):
        assert snapshot.nearest(QUERY, None, 20).rows.tolist() == nearest_exactly(sound)
    assert len(asked) == 1


def nearest_exactly(archive):
    snapshot = opened(archive, rows_a_neighbour=1_000_000).snapshot(EMBEDDED)
    return snapshot.nearest(QUERY, None, 20).rows.tolist()


@pytest.mark.parametrize("count", [1, 2, 3])
def test_a_part_stays_as_it_was_sealed_however_few_rows_it_has(count, archive):
    shutil.rmtree(archive / "chroma")
    few = EMBEDDED & (np.arange(N_ROWS + 1) <= count)
    opened(archive).seal(np.flatnonzero(few))
    index = opened(archive)
    index.warm()
    assert len(index.snapshot(few).nearest(QUERY, None, 20).rows) == count
    opened(archive).check()
