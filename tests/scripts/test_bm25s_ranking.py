"""bm25s beside our own keyword search, on the same passages and terms."""

import json
import sys

import pytest
from click.testing import CliRunner

from backfile.archive.model.errors import EngineUnavailable
from backfile.scripts.bench.bm25s_ranking import bm25s_over, main
from tests.builders import STORIES, engines_in, fill, write_judged, write_stories


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


@pytest.mark.model
def test_the_script_compares_it_with_our_keyword_search(tmp_path):
    pytest.importorskip("bm25s", reason="needs the benchmark extra")
    options = [str(write_judged(tmp_path / "stories")), "--archive", str(tmp_path / "kept")]
    result = CliRunner().invoke(main, [*options, "--json"])
    assert result.exit_code == 0, result.output
    (found,) = json.loads(result.stdout)
    keyword, bm25s = found["systems"]
    assert (keyword["name"], bm25s["name"]) == ("keyword", "bm25s, Lucene")
    assert bm25s["measures"]["nDCG@10"]["mean"] == 1
    assert bm25s["reference"] == "keyword"
    table = CliRunner().invoke(main, options).stdout
    assert "keyword less this, nDCG@10" in table


def test_an_engine_that_is_not_installed_is_named_with_the_remedy(monkeypatch):
    monkeypatch.setitem(sys.modules, "bm25s", None)
    failed = CliRunner().invoke(main, ["anywhere"]).exception
    assert isinstance(failed, EngineUnavailable)
    assert "pip install" in str(failed)
