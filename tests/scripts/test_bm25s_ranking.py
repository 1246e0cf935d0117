"""Another engine beside our own search by words, on the same passages and terms."""

import json
import sys
from pathlib import Path

import pytest

from backfile.archive.model.errors import EngineUnavailable
from backfile.scripts.bench.bm25s_ranking import bm25s_over, require_rival
from tests.builders import STORIES, backfile, engines_in, fill, write_judged, write_stories


@pytest.fixture
def ranked(tmp_path):
    pytest.importorskip("bm25s", reason="needs the benchmark extra")
    engines = engines_in(tmp_path / "archive", in_memory=True)
    fill(engines, write_stories(tmp_path, STORIES))
    with bm25s_over(engines) as ranked:
        yield ranked
    engines.catalog.close()


def test_each_article_is_listed_once_and_the_best_first(ranked):
    found = ranked("night ferry timetable")
    assert found[0] == "ferry"
    assert len(found) == len(set(found))


@pytest.mark.parametrize("text", ["", "the and", "Mxyzptlk", "?!"])
def test_a_text_whose_words_stand_nowhere_finds_nothing(ranked, text):
    assert not set(ranked(text)) - set(ranked("the and"))


def test_evaluate_sets_it_beside_our_search_by_words(tmp_path):
    pytest.importorskip("bm25s", reason="needs the benchmark extra")
    folder = write_judged(tmp_path / "stories")
    kept = tmp_path / "kept"
    result = backfile("evaluate", folder, "--archive", kept, "--beside", "bm25s", "--json")
    assert result.exit_code == 0, result.output
    (found,) = json.loads(result.stdout)
    rival = found["systems"][-1]
    assert (rival["name"], rival["engine"]) == ("bm25s, Lucene", "bm25s")
    assert rival["measures"]["nDCG@10"]["mean"] == 1
    assert rival["reference"] == "keyword"  # ours in the same mode, not hybrid
    table = backfile("evaluate", folder, "--archive", kept, "--beside", "bm25s").stdout
    assert table.rstrip().endswith("(keyword less this)")


def test_an_engine_that_is_not_installed_is_an_error_in_one_line(monkeypatch):
    monkeypatch.setitem(sys.modules, "bm25s", None)
    with pytest.raises(EngineUnavailable, match="pip install"):
        require_rival()
    result = backfile("evaluate", Path("anywhere"), "--beside", "bm25s")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.count("\n") == 1
