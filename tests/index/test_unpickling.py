"""Pickles in an index's files: classes under former names are found, strangers are refused."""

import io
import os
import pickle
import struct
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from whoosh.index import TOC

from backfile.archive.model.errors import EngineUnavailable
from backfile.index.lexical.storage import unpickling
from backfile.index.lexical.storage.codec import ArrayCodec
from backfile.index.lexical.storage.segments import INDEX_NAME, schema
from backfile.index.lexical.storage.unpickling import CODEC, IndexFolder
from backfile.index.lexical.storage.whoosh_index import WhooshIndex
from backfile.index.model.expression import Field
from backfile.index.seams.protocols import LexicalEntry
from tests.builders import unseal


class Stranger:
    """Pickles as a call of os.system."""

    def __init__(self, mark: Path) -> None:
        self._mark = mark

    def __reduce__(self):
        return os.system, (f"touch {self._mark}",)


@pytest.fixture
def index(tmp_path):
    made = WhooshIndex(tmp_path / "lexical")
    made.add([LexicalEntry(1, "", "A ferry"), LexicalEntry(2, "", "a ferry, too")])
    made.remove(np.array([2]))  # segments then hold a set
    return made


def contents_of(folder):
    """The latest table of contents, a file."""
    return max(folder.glob("*.toc"), key=lambda path: path.stat().st_mtime_ns)


def test_every_class_that_an_index_names_is_allowed(index, tmp_path):
    assert WhooshIndex(tmp_path / "lexical").rows().tolist() == [1]


@pytest.mark.parametrize("former", unpickling.MOVED)
def test_an_index_that_names_a_module_by_its_former_name_is_opened(tmp_path, former, monkeypatch):
    there = ModuleType(former)
    there.ArrayCodec = ArrayCodec
    monkeypatch.setitem(sys.modules, former, there)
    monkeypatch.setattr(ArrayCodec, "__module__", former)
    made = WhooshIndex(tmp_path / "lexical")
    made.add([LexicalEntry(1, "", "A ferry")])
    made.flush()
    monkeypatch.undo()
    assert CODEC.encode() not in contents_of(tmp_path / "lexical").read_bytes()
    reopened = WhooshIndex(tmp_path / "lexical")
    assert reopened.snapshot().postings(Field.TEXT, "ferri").rows.tolist() == [1]
    reopened.add([LexicalEntry(2, "", "another ferry")])
    reopened.settle()  # merges the old segment with the new
    assert WhooshIndex(tmp_path / "lexical").rows().tolist() == [1, 2]


def test_a_pickle_of_anything_else_is_refused_by_name_and_not_run(index, tmp_path):
    folder = IndexFolder(str(tmp_path / "lexical"))
    TOC(schema(), [Stranger(tmp_path / "mark")], 99).write(folder, INDEX_NAME)
    for use in (WhooshIndex.snapshot, WhooshIndex.rows, WhooshIndex.settle):
        with pytest.raises(EngineUnavailable, match=r"posix\.system.*rebuild lexical"):
            use(WhooshIndex(tmp_path / "lexical"))
    assert not (tmp_path / "mark").exists()


def test_a_schema_of_a_stranger_is_not_read(index, tmp_path):
    path = unseal(tmp_path / "lexical")
    written = path.read_bytes()
    known, strange = (pickle.dumps(each, 2) for each in (schema(), Stranger(tmp_path / "mark")))
    assert known in written
    path.write_bytes(written.replace(known, strange.ljust(len(known), b".")))
    assert WhooshIndex(tmp_path / "lexical").rows().tolist() == [1]
    assert not (tmp_path / "mark").exists()


def test_the_terms_of_a_segment_may_name_nothing(index, tmp_path):
    unseal(tmp_path / "lexical")
    (path,) = (tmp_path / "lexical").glob("*.trm")
    strange = pickle.dumps(Stranger(tmp_path / "mark"))
    path.write_bytes(path.read_bytes() + strange + struct.pack(">i", len(strange)))
    with pytest.raises(EngineUnavailable, match=r"posix\.system"):
        WhooshIndex(tmp_path / "lexical").snapshot()
    assert not (tmp_path / "mark").exists()


@pytest.mark.parametrize("name", ["ArrayCodec.__init__", "vocabulary", "zlib"])
def test_only_classes_are_found_in_a_module_of_ours(name):
    finder = unpickling._Unpickler(io.BytesIO())
    assert finder.find_class(CODEC, "ArrayCodec") is ArrayCodec
    with pytest.raises(EngineUnavailable):
        finder.find_class(CODEC, name)
