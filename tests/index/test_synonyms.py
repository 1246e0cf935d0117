"""Words that mean the same, by a file: each finds the others, and the reading says so."""

from datetime import date

import numpy as np
import pytest

from backfile.archive.model.errors import BadSetting
from backfile.index.asking.reader import read_query
from backfile.index.asking.synonyms import NO_SYNONYMS, Synonyms
from backfile.index.lexical.highlighter import Highlighter
from backfile.index.lexical.scoring.lexical_search import LexicalSearch
from backfile.index.model.query import Query
from backfile.index.seams.protocols import LexicalEntry
from tests.builders import table
from tests.fakes import MemoryIndex

TEXTS = [
    "The healthcare reform failed",
    "A reform of health care",
    "Care for the health of a reform",
    "The NHS reform",
    "Health-care reform",
]


@pytest.fixture
def synonyms(tmp_path):
    file = tmp_path / "synonyms.txt"
    file.write_text("# medicine\n\nhealthcare, health care, NHS\n", encoding="utf-8")
    return Synonyms.read(file)


@pytest.fixture
def search():
    index = MemoryIndex()
    index.add(LexicalEntry(row, "", text, "en") for row, text in enumerate(TEXTS, 1))
    return LexicalSearch(index.snapshot(), table(len(TEXTS)))


def read(text, synonyms):
    return read_query(Query(text), date.min, synonyms)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("healthcare", [1, 2, 4, 5]),
        ("health care", [1, 2, 4, 5]),
        ("NHS reform", [1, 2, 4, 5]),
        ('"the nhs reform"', [1, 4]),
        ("=healthcare", [1]),
        ("reform NOT nhs", [3]),
        ("health", [2, 3, 5]),
    ],
)
def test_each_of_a_group_finds_all_of_it(search, synonyms, text, found):
    matches = search.match(read(text, synonyms).expression)
    assert (np.flatnonzero(matches.holds_all) + 1).tolist() == found


def test_the_reading_names_them_and_the_parts_are_as_typed(synonyms):
    found = read("health care reform", synonyms)
    assert found.description == "the words (health care OR healthcare OR NHS) reform"
    assert [part.text for part in found.parts] == ["health", "care", "reform"]
    assert read("health care", NO_SYNONYMS).description == "the words health care"


def test_what_is_found_by_a_synonym_is_marked(synonyms):
    highlighter = Highlighter(read("nhs", synonyms).expression)
    assert [TEXTS[0][slice(*mark)] for mark in highlighter.mark(TEXTS[0])] == ["healthcare"]


@pytest.mark.parametrize("line", ["alone", ", ,", "one, two three four five six seven eight"])
def test_a_line_that_is_no_group_is_an_error_that_names_it(tmp_path, line):
    file = tmp_path / "synonyms.txt"
    file.write_text(f"ferry, boat\n{line}\n", encoding="utf-8")
    if not line.strip(", "):
        assert Synonyms.read(file).groups
        return
    with pytest.raises(BadSetting, match="line 2"):
        Synonyms.read(file)


def test_a_file_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(BadSetting, match="cannot be read"):
        Synonyms.read(tmp_path / "nowhere")
