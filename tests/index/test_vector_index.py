"""Chroma's parts under many threads, and over many changes."""

import errno
import gc
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backfile.archive.model.errors import DiskFull, EngineUnavailable
from backfile.archive.store.vectors import VectorFile
from backfile.index.lexical.scoring import bm25
from backfile.index.vector import chroma_part, part_files
from backfile.index.vector.chroma_index import ChromaIndex
from backfile.index.vector.chroma_part import ChromaPart

N_ROWS = 1200


@pytest.fixture
def vectors(tmp_path):
    file = VectorFile(tmp_path / "vectors", 8)
    made = np.random.default_rng(0).standard_normal((N_ROWS, 8)).astype(np.float32)
    file.write(np.arange(1, N_ROWS + 1), made / np.linalg.norm(made, axis=1, keepdims=True))
    return file


def embedded(last):
    mask = np.zeros(N_ROWS + 1, np.bool_)
    mask[1 : last + 1] = True
    return mask


def test_the_first_searches_of_many_threads_all_find_their_neighbours(vectors, tmp_path):
    ChromaIndex(tmp_path / "chroma", vectors).seal(np.arange(1, 101))
    reader = ChromaIndex(tmp_path / "chroma", vectors)
    reader.warm()
    query = np.eye(8, dtype=np.float32)[0]

    def ask(_):
        return reader.snapshot(embedded(100)).nearest(query, None, 10).rows.tolist()

    with ThreadPoolExecutor(16) as threads:
        answers = list(threads.map(ask, range(16)))
    assert len(answers[0]) == 10
    assert all(answer == answers[0] for answer in answers)


def test_a_part_that_was_moved_is_not_made_anew(vectors, tmp_path):
    ChromaIndex(tmp_path / "chroma", vectors).seal(np.arange(1, 101))
    (path,) = (tmp_path / "chroma").iterdir()
    part = ChromaPart(path)
    (tmp_path / "chroma").rename(tmp_path / "moved")
    with pytest.raises(EngineUnavailable, match="No such file"):
        part.open()
    assert not (tmp_path / "chroma").exists()


def test_a_part_that_cannot_be_copied_is_not_opened(vectors, tmp_path, monkeypatch):
    ChromaIndex(tmp_path / "chroma", vectors).seal(np.arange(1, 101))
    reader = ChromaIndex(tmp_path / "chroma", vectors)
    reader.warm()
    full = mock.Mock(side_effect=OSError(errno.ENOSPC, "No space"))
    monkeypatch.setattr(part_files.shutil, "copyfile", full)
    query = np.eye(8, dtype=np.float32)[0]
    assert len(reader.snapshot(embedded(100)).nearest(query, None, 10).rows) == 10
    assert full.called
    assert not any(part.is_open for part in reader._known.values())


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space"), ValueError("disk is full")])
def test_a_disk_that_is_full_for_chroma_is_named(vectors, tmp_path, monkeypatch, error):
    monkeypatch.setattr(chroma_part, "_client", mock.Mock(side_effect=error))
    with pytest.raises(DiskFull):
        ChromaIndex(tmp_path / "chroma", vectors).seal(np.arange(1, 101))


@pytest.mark.long
@pytest.mark.skipif(sys.platform != "linux", reason="counts open files as Linux shows them")
def test_parts_that_were_replaced_are_closed(vectors, tmp_path):
    writer = ChromaIndex(tmp_path / "chroma", vectors)
    reader = ChromaIndex(tmp_path / "chroma", vectors)
    reader.warm()
    open_files = []
    for last in range(200, N_ROWS + 1, 200):
        writer.seal(np.arange(1, last + 1))
        found = reader.snapshot(embedded(last)).nearest(np.eye(8, dtype=np.float32)[0], None, 10)
        assert len(found.rows) == 10
        gc.collect()
        open_files.append(len(list(Path("/proc/self/fd").iterdir())))
    assert max(open_files) - open_files[0] < 25  # a part has about ten files; six were sealed


N_CROWD, N_NEAREST = 4_000, 100


@pytest.fixture(scope="module")
def crowd(tmp_path_factory):
    """Clustered vectors, as those of news are, with queries near some of them.

    Snapshots of one warm index: one that always asks Chroma, one that compares all rows.
    """
    folder, chance = tmp_path_factory.mktemp("crowd"), np.random.default_rng(3)
    made = chance.standard_normal((40, 64))[chance.integers(0, 40, N_CROWD)]
    made = made + 0.8 * chance.standard_normal((N_CROWD, 64))
    queries = made[chance.integers(0, N_CROWD, 20)] + 0.5 * chance.standard_normal((20, 64))
    file = VectorFile(folder / "vectors", 64)
    file.write(np.arange(1, N_CROWD + 1), _of_length_1(made))
    ChromaIndex(folder / "chroma", file).seal(np.arange(1, N_CROWD + 1))
    mask = np.ones(N_CROWD + 1, np.bool_)
    mask[0] = False

    def snapshot(rows_a_neighbour):
        index = ChromaIndex(folder / "chroma", file, rows_a_neighbour=rows_a_neighbour)
        index.warm()
        return index.snapshot(mask)

    return {True: snapshot(0), False: snapshot(1_000_000)}, _of_length_1(queries)


def _of_length_1(vectors):
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


@pytest.mark.long
@pytest.mark.parametrize("asking_chroma", [True, False])
@pytest.mark.parametrize("choice", ["by chance", "the nearest", "the farthest"])
@pytest.mark.parametrize("passing", [1, 3, 50, 400, 2_000, 3_900, N_CROWD, None])
def test_hardly_a_neighbour_is_missed_whatever_the_filter(passing, choice, asking_chroma, crowd):
    snapshots, queries = crowd
    snapshot = snapshots[asking_chroma]
    everyone = np.arange(1, N_CROWD + 1)
    recalls = []
    for n, query in enumerate(queries):
        similar = snapshot.similarities(query, everyone)
        order = {
            "by chance": np.random.default_rng(n).permutation(N_CROWD),
            "the nearest": np.argsort(-similar),
            "the farthest": np.argsort(similar),
        }[choice]
        wanted = np.zeros(N_CROWD + 1, np.bool_)
        wanted[everyone[order[:passing]]] = True
        exact = everyone[wanted[1:]][np.argsort(-similar[wanted[1:]], kind="stable")[:N_NEAREST]]
        found = snapshot.nearest(query, None if passing is None else wanted, N_NEAREST).rows
        assert wanted[found].all()
        assert len(found) == len(exact)
        recalls.append(len(np.intersect1d(found, exact)) / len(exact))
    assert np.mean(recalls) >= 0.98


@given(
    st.lists(st.sampled_from([0, 0, 0.5, 1, 2, 3.25]), min_size=1, max_size=400),
    st.integers(1, 30),
    st.integers(1, 5),
)
def test_the_best_rows_are_found_whatever_does_not_pass(scores, limit, every):
    scores = np.array(scores, np.float32)
    with mock.patch.object(bm25, "BLOCK", 4):
        found = bm25.best_rows(scores, limit, lambda rows: rows % every == 0)
    passing = [n for n, score in enumerate(scores) if score > 0 and n % every == 0]
    expected = sorted((scores[n] for n in passing), reverse=True)[:limit]
    assert set(found.tolist()) <= set(passing)
    assert sorted(scores[found], reverse=True)[: len(expected)] == expected
