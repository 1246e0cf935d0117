"""Pickles in the files of an archive: our classes are found, strangers are refused and not run."""

import io
import json
import os
import pickle
import sqlite3
import struct
import sys
from contextlib import closing, suppress
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
from whoosh.codec.whoosh3 import W3TermInfo
from whoosh.index import TOC

from backfile.archive.model.errors import EngineUnavailable
from backfile.index.lexical.storage import codec, unpickling
from backfile.index.lexical.storage.codec import ArrayCodec
from backfile.index.lexical.storage.segments import INDEX_NAME, schema
from backfile.index.lexical.storage.unpickling import CODEC, IndexFolder
from backfile.index.lexical.storage.whoosh_index import WhooshIndex
from backfile.index.model.expression import Field
from backfile.index.seams.protocols import LexicalEntry
from backfile.index.vector.chroma_part import ROWS, ChromaPart, write_part
from backfile.index.vector.part_files import seal_part
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


def test_a_list_among_the_terms_is_not_read(tmp_path, monkeypatch):
    """Whoosh would unpickle it: a codec may keep short lists there, and ours never does."""
    strange = pickle.dumps(Stranger(tmp_path / "mark"))
    known = W3TermInfo._struct.pack(1, 1.0, 1, 1, 1, 1.0, 0, 0)
    made = WhooshIndex(tmp_path / "lexical")
    made.add([LexicalEntry(1, "", "A ferry")])
    made.flush()
    monkeypatch.setattr(codec, "TERM_INFO", SimpleNamespace(pack=lambda *_: known + strange))
    made.add([LexicalEntry(2, "", "another ferry")])
    made.flush()
    monkeypatch.undo()
    with WhooshIndex(tmp_path / "lexical")._opened().reader() as reader:
        for use in (
            lambda: reader.postings("text", b"ferri"),  # as a merge of segments does
            lambda: reader.term_info("text", b"ferri"),
            lambda: list(reader),
            lambda: list(reader.iter_from("text", b"")),
        ):
            with pytest.raises(EngineUnavailable, match="pickled list"):
                use()
    assert not (tmp_path / "mark").exists()


def test_files_within_a_file_are_not_read(index, tmp_path):
    """Whoosh can join the files of a segment, and reads pickles there as it likes; we never do."""
    folder = IndexFolder(str(tmp_path / "lexical"))
    contents = index._opened_for_writing()._read_toc()
    (segment,) = contents.segments
    strange = pickle.dumps(Stranger(tmp_path / "mark"))
    with folder.create_file(segment.make_filename(".trm")) as stream:
        stream.write(strange)
    segment.create_compound_file(folder)
    segment.compound = True
    contents.generation += 1
    contents.write(folder, INDEX_NAME)
    for use in (WhooshIndex.snapshot, WhooshIndex.settle):
        with suppress(EngineUnavailable, AttributeError, OSError):
            use(WhooshIndex(tmp_path / "lexical"))
    assert not (tmp_path / "mark").exists()


@pytest.fixture
def part(tmp_path):
    """A part of Chroma's index with vectors of a few rows."""
    folder = tmp_path / "part"
    folder.mkdir()
    vectors = np.eye(8, dtype=np.float16)
    write_part(folder, np.arange(1, 8), vectors)
    return folder


def nearest_in(part):
    """Search a part of a stranger, who has sealed it."""
    seal_part(part)
    opened = ChromaPart(part)
    opened.open()
    return opened.nearest(np.eye(8, dtype=np.float32)[3], 1).tolist()


def test_a_pickle_of_chroma_is_not_run(part, tmp_path):
    (folder,) = (path for path in part.iterdir() if path.is_dir())
    (folder / "index_metadata.pickle").write_bytes(pickle.dumps(Stranger(tmp_path / "mark")))
    with suppress(EngineUnavailable):
        nearest_in(part)
    assert not (tmp_path / "mark").exists()


def test_a_model_that_a_part_of_chroma_names_is_not_made(part, monkeypatch):
    from chromadb.utils import embedding_functions

    made = []
    names = ("default", "sentence_transformer")
    for name in names:
        kind = embedding_functions.known_embedding_functions[name]
        monkeypatch.setattr(kind, "build_from_config", staticmethod(made.append))
    for name in names:
        stored = {"embedding_function": {"type": "known", "name": name, "config": {}}}
        with closing(sqlite3.connect(part / "chroma.sqlite3")) as database, database:
            changed = "UPDATE collections SET config_json_str = ?"
            assert database.execute(changed, (json.dumps(stored),)).rowcount == 1
        with suppress(EngineUnavailable):
            nearest_in(part)
    assert made == []


def test_rows_that_are_pickled_objects_are_not_read(part, tmp_path):
    strange = np.array([Stranger(tmp_path / "mark")], object)
    np.save(part / ROWS, strange, allow_pickle=True)
    with pytest.raises(EngineUnavailable, match="allow_pickle=False"):
        nearest_in(part)
    assert not (tmp_path / "mark").exists()
