"""An index is made anew beside the one that is there; a kill leaves one of them."""

import os
import signal
from pathlib import Path

import numpy as np
import pytest

from backfile.archive.store import switching
from backfile.index.indexing.verify import Part, verify
from backfile.index.lexical.storage import whoosh_index
from backfile.index.model.query import Mode, Query
from backfile.index.search.ranking import RankingOptions
from backfile.index.search.searcher import Searcher
from backfile.index.vector.chroma_index import ChromaIndex
from tests.builders import engines_in, fill, indexer_of, write_stories
from tests.processes import PROCESSES

MOMENTS = ["words", "switch", "aside", "exchanged", "part", "retired"]


@pytest.fixture
def folder(tmp_path):
    engines = engines_in(tmp_path / "archive", in_memory=False)
    fill(engines, write_stories(tmp_path))
    engines.catalog.close()
    return tmp_path / "archive"


def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)


def dying_rename(rename, name):
    def renamed(path, target):
        rename(path, target)
        if target.name == name:
            die()

    return renamed


def killed_rebuild(folder, moment):
    engines = engines_in(folder, in_memory=False)
    indexer = indexer_of(engines)
    match moment:
        case "words":
            indexer.lexical.announce = die
            indexer.lexical.rebuild()
        case "switch":
            whoosh_index.switch = die
            indexer.lexical.rebuild()
        case "aside":  # on a system that cannot exchange two names
            switching.CALLS = ()
            Path.rename = dying_rename(Path.rename, ".lexical.backfile-aside")
            indexer.lexical.rebuild()
        case "exchanged":
            switching.CALLS = ()
            Path.rename = dying_rename(Path.rename, "lexical")
            indexer.lexical.rebuild()
        case "part":
            ChromaIndex._build = die
            indexer.rebuild_neighbours()
        case "retired":
            build = ChromaIndex._build
            ChromaIndex._build = lambda *args: (build(*args), die())
            indexer.rebuild_neighbours()


def found(engines, mode):
    results = Searcher(engines, RankingOptions(floor=0.2)).search(Query("ferry bridge", mode=mode))
    return [(hit.article.id, round(hit.score, 5)) for hit in results.hits]


@pytest.mark.crash
@pytest.mark.parametrize("moment", MOMENTS)
def test_a_kill_leaves_the_earlier_index_and_the_next_rebuild_is_whole(folder, moment):
    engines = engines_in(folder, in_memory=False)
    expected = [found(engines, mode) for mode in Mode]
    process = PROCESSES.Process(target=killed_rebuild, args=(folder, moment))
    process.start()
    process.join(60)
    assert process.exitcode == -signal.SIGKILL
    engines.catalog.close()
    engines = engines_in(folder, in_memory=False)
    assert list(verify(engines)) == []
    assert [found(engines, mode) for mode in Mode] == expected
    indexer = indexer_of(engines)
    indexer.lexical.rebuild()
    indexer.rebuild_neighbours()
    assert list(verify(engines)) == []
    assert [found(engines, mode) for mode in Mode] == expected
    assert not (folder / "lexical.new").exists()
    engines.catalog.close()


def test_searches_go_on_while_words_are_indexed_anew(folder, monkeypatch):
    engines = engines_in(folder, in_memory=False)
    searcher = Searcher(engines, RankingOptions())
    indexer = indexer_of(engines)
    answers = []

    def search():
        announce()
        searcher.look_again()
        answers.append(searcher.search(Query("ferry", mode=Mode.KEYWORD)))

    announce = indexer.lexical.announce
    monkeypatch.setattr(indexer.lexical, "announce", search)
    indexer.lexical.rebuild()
    assert len(answers) > 1
    assert {(answer.totals.articles, answer.words_coverage) for answer in answers} == {(3, 1.0)}
    engines.catalog.close()


def test_a_damaged_index_is_made_anew(folder):
    next(folder.glob("lexical/*.toc")).unlink()
    next(folder.glob("chroma/*/rows.npy")).write_bytes(b"nonsense")
    engines = engines_in(folder, in_memory=False)
    assert {problem.part for problem in verify(engines)} == {Part.LEXICAL, Part.NEIGHBOURS}
    indexer = indexer_of(engines)
    indexer.lexical.rebuild()
    indexer.rebuild_neighbours()
    assert list(verify(engines)) == []
    assert len(engines.lexical.rows()) == len(np.unique(engines.neighbours.rows()))
    engines.catalog.close()
