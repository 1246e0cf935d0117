"""Words exactly as they are written, functions as on Nexis, and wildcards within phrases."""

import time

import numpy as np
import pytest

from backfile.index.lexical.highlighter import Highlighter
from backfile.index.lexical.query_parser.parser import parse
from backfile.index.lexical.scoring.lexical_search import LexicalSearch
from backfile.index.lexical.spelling.wildcards import is_match
from backfile.index.lexical.storage.whoosh_index import WhooshIndex
from backfile.index.seams.protocols import LexicalEntry
from tests.builders import table
from tests.fakes import MemoryIndex

TEXTS = [
    "The ferry left. Howells saw the Who at a co-operative jetty.",
    "Ferries left, and the WHO said: no comment on pipelines.",
    "Who left? No comment, said Howell's wife.\n\nAn apple fell on the oil pipeline.",
    "The ferry, the ferry and the ferry met Apple in the colour of Johann Doe's oil pipes.",
]
TITLES = ["A quay", "Ferry", "Quay", "WHO"]
EXPECTED = {
    "=ferries": [2],
    "=ferry": [1, 2, 4],
    "==ferry": [1, 4],
    "==Ferry": [2],
    "=Howell": [3],
    '"Howell"': [1, 3],
    "==Who": [1, 3],
    "ALLCAPS(WHO)": [2, 4],
    "CAPS(apple)": [4],
    "NOCAPS(apple)": [3],
    '="No comment"': [2, 3],
    '=="No comment"': [3],
    '="no comments"': [],
    "ATLEAST3(ferry)": [4],
    "ATLEAST2(ferry)": [2, 4],
    "ATLEAST2(ferr*)": [2, 4],
    'ATLEAST2("the ferry")': [4],
    "HLEAD(quay)": [1, 3],
    "HLEAD(apple)": [4],
    "HLEAD(apple OR ferries)": [1, 2, 4],
    'HLEAD("no comment")': [2, 3],
    '"oil pipel*"': [3],
    '"oil pip*s"': [4],
    '"the * left"': [1],
    '"fell * the oil"': [3],
    '"ferry * the ferry"': [4],
    '"ferry * * ferry"': [4],
    '"ferry * ferry"': [4],
    '"ferry * * * ferry"': [],
    '"Joh* Doe"': [4],
    "Joh* W/2 Doe": [4],
    "joh?nn": [4],
    "col*r": [4],
    '"the co* of"': [4],
    '"a co* jetty"': [1],
    "ferr?": [1, 2, 4],
    "(comment OR apple) W/5 pipelines": [2, 3],
    "LENGTH>13": [3, 4],
    "LENGTH<11": [2],
    "NOT =ferry": [3],
    "=ferries OR NOCAPS(apple)": [2, 3],
}


@pytest.fixture(params=[WhooshIndex, MemoryIndex])
def search(request, tmp_path):
    index = request.param(tmp_path / "words") if request.param is WhooshIndex else MemoryIndex()
    for row, (title, text) in enumerate(zip(TITLES, TEXTS, strict=True), 1):
        index.add([LexicalEntry(row, title, text, "en")])
    index.flush()
    index.settle()
    return LexicalSearch(index.snapshot(), table(len(TEXTS)))


@pytest.mark.parametrize("text", EXPECTED)
def test_the_articles_that_are_written_so_are_found(search, text):
    matches = search.match(parse(text).expression)
    assert (np.flatnonzero(matches.matching) + 1).tolist() == EXPECTED[text]
    rows = np.flatnonzero(matches.scores)
    assert set(rows.tolist()) <= set(EXPECTED[text])


@pytest.mark.parametrize(
    ("text", "marked"),
    [
        ("=ferries", ["Ferries"]),
        ("ALLCAPS(WHO)", ["WHO"]),
        ('"oil pipel*"', ["oil pipeline"]),
        ('"fell * the"', ["fell on the"]),
        ("joh?nn", ["Johann"]),
        ("==Who", ["Who", "Who"]),
        ('="No comment"', ["no comment", "No comment"]),
        ("ATLEAST3(ferry)", ["ferry", "Ferries", "ferry", "ferry", "ferry"]),
        ("Joh* W/2 Doe", ["Johann", "Doe's"]),
    ],
)
def test_what_is_written_so_is_marked_and_nothing_else(text, marked):
    highlighter = Highlighter(parse(text).expression)
    assert [each[slice(*mark)] for each in TEXTS for mark in highlighter.mark(each)] == marked


def test_forms_survive_the_merging_of_segments_and_removals(tmp_path):
    index = WhooshIndex(tmp_path / "words")
    for row in range(1, 41):
        text = ("ferry", "Ferries", "FERRY", "co-op", "coop")[row % 5]
        index.add([LexicalEntry(row, "", f"{text} number {row}")])
    index.remove(np.array([1, 2, 3]))
    index.settle()
    search = LexicalSearch(index.snapshot(), table(40))
    for text, rest in (("==FERRY", 2), ("==Ferries", 1), ("==ferry", 0), ("==coop", 4)):
        matches = search.match(parse(text).expression)
        expected = [row for row in range(4, 41) if row % 5 == rest]
        assert (np.flatnonzero(matches.matching) + 1).tolist() == expected
    joined = search.match(parse('"coop number"').expression)
    expected = [row for row in range(4, 41) if row % 5 in (3, 4)]
    assert (np.flatnonzero(joined.matching) + 1).tolist() == expected


def test_a_pattern_of_many_stars_is_answered_at_once(search):
    start = time.process_time()
    matches = search.match(parse("aa" + "*a" * 30 + "*z OR ferry").expression)
    assert (np.flatnonzero(matches.matching) + 1).tolist() == [1, 2, 4]
    assert not is_match("aa" + "*a" * 30 + "*z")("a" * 64)
    assert time.process_time() - start < 1


def test_a_word_in_thousands_of_spellings_is_indexed_and_merged(tmp_path):
    """The names of a term have at most 65,535 bytes: the other spellings count as the first."""
    index = WhooshIndex(tmp_path / "words")
    word = "extraordinarily"
    for row in (1, 2):
        spellings = (
            "".join(c.upper() if n >> i & 1 else c for i, c in enumerate(word))
            for n in range(row * 2_600, (row + 1) * 2_600)
        )
        index.add([LexicalEntry(row, "", f"Extraordinarily {' '.join(spellings)} quiet", "en")])
    index.flush()
    index.settle()
    search = LexicalSearch(index.snapshot(), table(2))
    for text in ("extraordinarily", '"extraordinarily quiet"', "=extraordinarily"):
        assert np.flatnonzero(search.match(parse(text).expression).matching).tolist() == [0, 1]
