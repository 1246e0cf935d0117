"""Chroma's parts under many threads, and over many changes."""

import gc
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from archive.store.vectors import VectorFile
from index.vector import ChromaIndex

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


@pytest.mark.skipif(sys.platform != "linux", reason="counts open files as Linux shows them")
def test_parts_that_were_replaced_are_closed(vectors, tmp_path):
    writer = ChromaIndex(tmp_path / "chroma", vectors)
    reader = ChromaIndex(tmp_path / "chroma", vectors)
    reader.warm()
    open_files = []
    for last in range(100, N_ROWS + 1, 100):
        writer.seal(np.arange(1, last + 1))
        found = reader.snapshot(embedded(last)).nearest(np.eye(8, dtype=np.float32)[0], None, 10)
        assert len(found.rows) == 10
        gc.collect()
        open_files.append(len(list(Path("/proc/self/fd").iterdir())))
    assert max(open_files) - open_files[0] < 40  # a part has about ten files; twelve were sealed
