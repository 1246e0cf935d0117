"""Matching by words is timed beside the other engines over one archive."""

import pytest

from backfile.archive.model.settings import Settings
from backfile.scripts.bench import words_by_turns
from backfile.scripts.bench.baselines.words import Kind


def test_each_engine_is_asked_every_query_in_every_turn_and_the_first_turn_warms():
    asked, calls = {Kind.WORDS: [["a"], ["b"]], Kind.QUESTION: [["c"], ["d"]]}, []
    ways = {name: lambda kind, words, name=name: calls.append((name, *words)) for name in "xy"}
    head, *lines = words_by_turns._lines(ways, asked, 2)
    assert head.split()[-2:] == ["words", "question"]
    assert [line.split()[0] for line in lines] == ["x", "y"]
    once = [(name, word) for name in "xy" for word in "abcd"]
    assert calls == 3 * once


def test_a_cell_is_the_median_and_the_95th_percentile():
    assert words_by_turns._cell([float(n) for n in range(1, 102)]) == "51.00 / 96.00"


ENGINES = ("Backfile", words_by_turns.WHOLE, "tantivy, with totals", "bm25s")


@pytest.mark.parametrize("engine", ENGINES)
def test_an_engine_finds_passages_of_the_archive(engine, engines, tmp_path):
    ours = words_by_turns._ours(engines, Settings(tmp_path))
    found = (ours | words_by_turns._others(engines, tmp_path))[engine](Kind.WORDS, ["ferry"])
    assert found.hits if engine == words_by_turns.WHOLE else found
