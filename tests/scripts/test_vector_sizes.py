"""The table of vectors of several sizes has a line for each way, with how much it finds."""

import mmap
import re

import numpy as np
import pytest

from backfile.scripts.bench import vector_sizes
from backfile.scripts.bench.baselines.registry import faiss_indexes
from backfile.scripts.bench.timing import own_memory

SIZE, DIMENSION = 3_000, 32


@pytest.fixture(scope="module")
def asked():
    made = np.random.default_rng(7).standard_normal((4, DIMENSION)).astype(np.float32)
    return list(made / np.linalg.norm(made, axis=1, keepdims=True))


@pytest.fixture(scope="module")
def folder(tmp_path_factory, asked):
    """A folder with vectors and codes, as the first half of the measurement leaves it."""
    made = tmp_path_factory.mktemp("vectors")
    real = np.random.default_rng(8).standard_normal((200, DIMENSION)).astype(np.float16)
    lines = [*vector_sizes._measured(made, real, asked, SIZE, with_chroma=False)]
    assert lines[0].startswith("3,000 rows: codes made in ")
    by_codes = [line for line in lines if " by codes " in line]
    assert len(by_codes) == 8
    assert all("recall 1.000 (least 1.00)" in line for line in by_codes)
    return made


@pytest.mark.parametrize(
    ("name", "least"), [("faiss, exact", 0.999), ("faiss, codes", 0.9), ("faiss, graph", 0.6)]
)
def test_an_index_of_faiss_is_asked_for_the_same_as_ours(name, least, folder, asked):
    index = next(each for each in faiss_indexes() if each.name == name)
    made, *lines = vector_sizes._beside(index, folder, DIMENSION, asked, SIZE)
    assert re.fullmatch(rf"  {name} made in \d+ s, \d+ processor; -?\d+ MB of memory", made)
    assert [line.split("newest ")[1].split()[0] for line in lines] == ["100%", "50%", "10%"]
    recalls = [float(re.search(r"recall (\S+)", line)[1]) for line in lines]
    assert min(recalls) > least


def test_memory_of_its_own_is_what_no_file_backs():
    before, size = own_memory(), 32_000_000
    # Not an array: for that, memory may be used again that others have given back.
    with mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS) as held:
        held.write(bytes(size))
        assert own_memory() - before > 0.9 * size
