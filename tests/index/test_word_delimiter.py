"""One word in many spellings: whichever is written, each of them finds it and is marked."""

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backfile.index.lexical.analysis.analyser import name_words
from backfile.index.lexical.analysis.languages import Languages
from backfile.index.lexical.analysis.word_delimiter import WORD, tokens
from backfile.index.lexical.highlighter import Highlighter
from backfile.index.lexical.query_parser.parser import parse
from backfile.index.lexical.scoring.lexical_search import LexicalSearch
from backfile.index.lexical.storage.whoosh_index import WhooshIndex
from backfile.index.model.expression import Phrase
from backfile.index.seams.protocols import LexicalEntry
from tests.builders import table
from tests.fakes import MemoryIndex

SPELLINGS = [
    ("U.N.", "UN", "u.n."),
    ("the U.S.", "the US"),
    ("U.S.A.", "USA"),
    ("F.B.I.", "FBI", "fbi"),
    ("D.C.", "DC"),
    ("N.A.T.O.", "NATO"),
    ("F-16", "F16", "F‑16"),
    ("covid-19", "covid19", "COVID-19"),
    ("e-mail", "email", "emails"),
    ("co-operative", "cooperative"),
    ("anti-vax", "antivax"),
    ("O'Hara", "OHara", "O’Hara"),
    ("1,500", "1500", "1.500", "1 500", "1\u00a0500", "1'500"),
    ("3.5", "3,5"),
    ("didn't", "did not", "didn’t"),
    ("can't", "can not"),
    ("they're", "they are"),
    ('צה"ל', "צהל", "צה״ל"),
    ("مدرسة", "مدرسه"),
    ("Ph.D.", "PhD"),
    ("9-mm", "9mm"),
]
PARTS = [
    ("Amazon.com", "Amazon"),
    ("budget_2024_final.xlsx", "budget_2024_final"),
    ("budget_2024_final.xlsx", "budget"),
    ("He voted.The mayor resigned.Nobody saw it", "resigned"),
    ("co-operative", "operative"),
    ("Trump-backed", "Trump"),
    ("an anti-Semitism law", "antisemitism"),
    ("US-led", "US"),
]
APART = [
    ("he told us so", "US"),
    ("the fourth of 4 10-day trips", "410"),
    ("1,2,3", "123"),
    ("2024-11-28", "20241128"),
    ("she'll", "shell"),
    ("F-16", "F-15"),
    ("4.5", "45"),
]


def searched(index, *texts, language="en"):
    index.add(LexicalEntry(row, "", text, language) for row, text in enumerate(texts, 1))
    index.flush()
    known = table(len(texts))
    return LexicalSearch(index.snapshot(), known)


def found(search, expression):
    return (np.flatnonzero(search.match(expression).matching) + 1).tolist()


@pytest.fixture(params=[WhooshIndex, MemoryIndex])
def index(request, tmp_path):
    return request.param(tmp_path / "words") if request.param is WhooshIndex else MemoryIndex()


@pytest.mark.parametrize("spellings", SPELLINGS, ids=lambda spellings: spellings[0])
def test_each_spelling_finds_all_of_them_alone_and_within_phrases(index, spellings):
    texts = [f"A quay by {each} bridge" for each in spellings]
    search = searched(index, *texts, "nothing of the kind")
    for each in spellings:
        every = list(range(1, len(spellings) + 1))
        assert found(search, Phrase(each)) == every, each
        assert found(search, Phrase(f"by {each} bridge")) == every, each
        for text in texts:
            (mark,) = Highlighter(Phrase(f"by {each} bridge")).mark(text, "en")
            assert text[slice(*mark)] == text.removeprefix("A quay ")


@pytest.mark.parametrize(("text", "part"), PARTS)
def test_a_part_of_a_compound_is_found(index, text, part):
    search = searched(index, f"It was {text}, they said", "nothing of the kind")
    assert found(search, Phrase(part)) == [1]
    assert Highlighter(Phrase(part)).mark(text, "en")


@pytest.mark.parametrize(("text", "other"), APART)
def test_what_is_another_word_stays_apart(index, text, other):
    search = searched(index, text, "nothing of the kind")
    assert found(search, Phrase(other)) == []


def test_the_pronoun_is_a_stop_word_and_the_country_is_none(index):
    search = searched(index, "The US sent troops", "Troops told us so", "U.S. troops")
    masks = (search.match(parse(text).expression).holds_all for text in ("US troops", "us troops"))
    country, pronoun = ((np.flatnonzero(mask) + 1).tolist() for mask in masks)
    assert country == [1, 3]
    assert pronoun == [1, 2, 3]
    assert found(search, Phrase("us troops")) == [3]


def test_an_ending_behind_an_apostrophe_is_no_part_of_a_turkish_name():
    assert Languages(("tr",)).terms("İzmir'den") == Languages(("tr",)).terms("İzmir")


def test_names_are_compared_without_their_joints():
    assert name_words("www.Gazette.example") == ["www", "gazette", "example"]
    assert name_words("O'Dowd") == name_words("ODowd")


CONCEPTS = [*SPELLINGS[:15], ("ferry",), ("quay",), ("Trump-backed",)]
sequences = st.lists(st.integers(0, len(CONCEPTS) - 1), min_size=1, max_size=6)


def spelt(sequence, choose):
    return " ".join(CONCEPTS[each][choose % len(CONCEPTS[each])] for each in sequence)


@given(st.lists(sequences, min_size=1, max_size=4), st.data())
@settings(deadline=None)
def test_a_phrase_is_found_however_its_words_are_spelt(archive, data):
    texts = [spelt(each, data.draw(st.integers(0, 5))) for each in archive]
    whole = data.draw(st.sampled_from(archive))
    start = data.draw(st.integers(0, len(whole) - 1))
    asked_for = whole[start : data.draw(st.integers(start + 1, len(whole)))]
    search = searched(MemoryIndex(), *texts)
    expected = [
        row
        for row, each in enumerate(archive, 1)
        if any(each[i : i + len(asked_for)] == asked_for for i in range(len(each)))
    ]
    assert set(expected) <= set(
        found(search, Phrase(spelt(asked_for, data.draw(st.integers(0, 5)))))
    )


@given(st.text("ab1.'-_,’ \u00a0U東S\"ל", max_size=20))
@settings(max_examples=300, deadline=None)
def test_tokens_cover_the_positions_of_a_word_without_a_gap(text):
    for word in WORD.findall(text):
        cut = tokens(word)
        alone = [each.position for each in cut if each.length == 1]
        assert sorted(set(alone)) == list(range(max(alone) + 1))
        assert all(0 <= each.start < each.end <= len(word) for each in cut)
        assert all(each.position + each.length <= max(alone) + 1 for each in cut)


@pytest.mark.parametrize("part", ["ab.", "a.", "a-", "a_", "1,", "1.", "a'", "1,500.", "didn't."])
def test_a_long_word_is_cut_in_proportion_to_its_length(part):
    start = time.process_time()
    for word in WORD.findall(part * (60_000 // len(part))):
        assert tokens(word)
    assert time.process_time() - start < 2
