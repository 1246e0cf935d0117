"""Fixtures of the tests of the index."""

import pytest

from backfile.index.lexical.storage.whoosh_index import WhooshIndex
from tests.fakes import MemoryIndex


@pytest.fixture(params=[WhooshIndex, MemoryIndex])
def lexical(request, tmp_path):
    """An empty lexical index of each kind."""
    return MemoryIndex() if request.param is MemoryIndex else WhooshIndex(tmp_path / "lexical")
