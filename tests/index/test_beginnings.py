"""Words found by their first letters: every word that has a term is among them."""

import sys

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from backfile.archive.formats.fields import FieldMap
from backfile.archive.formats.inputs import Reading
from backfile.index.lexical.analysis.analyser import term_spans, word_terms
from backfile.index.lexical.analysis.beginnings import words_with
from backfile.index.lexical.analysis.stemming import ENGLISH, STEMMED, fold
from backfile.index.lexical.analysis.word_delimiter import WORD
from tests.builders import ROOT

SAMPLE = ROOT / "scripts" / "sample"
LANGUAGES = (ENGLISH, *sorted(STEMMED), "tr", "ar", "x")
ENDINGS = ("", "s", "ies", "ying", "ed", "ational", "iveness", "'s", "ung", "en", "isch", "ción")
PIECES = st.sampled_from(
    ("bridge", "Brücke", "brucke", "US", "U.S.", "swing-bridge", "l'eau", "won't", "will", "1 500",
     "東京NHK", "NHK", "æther", "Æ", "ﬁnd", "𝐁ridge", "R&B", "B", "C++", "e\u0301tat", "Étude",
     "Übung", "Uebung", "budget_bridge", "\u2019twas", "die", "dying", "sky", "skies", "-", "(")
)  # fmt: skip
TEXTS = st.lists(st.one_of(PIECES, st.text(max_size=6)), max_size=12).map(" ".join)


def found(text, terms, language):
    """What is marked: the words with one of the terms, and their places."""
    return [
        (word.start(), word.group())
        for word in words_with(frozenset(terms), language)(text)
        if any(span.term in terms for span in word_terms(word.group(), language))
    ]


def every(text, terms, language):
    """The same, read word by word."""
    return [
        (word.start(), word.group())
        for word in WORD.finditer(text)
        if any(span.term in terms for span in word_terms(word.group(), language))
    ]


@given(TEXTS, st.sampled_from(LANGUAGES), st.data())
@example("The dying day", ENGLISH, None)
def test_whatever_is_searched_the_same_words_are_found(text, language, data):
    known = sorted({span.term for span in term_spans(text, language)})
    terms = data.draw(st.sets(st.sampled_from(known), max_size=3)) if data and known else known
    assert found(text, set(terms), language) == every(text, set(terms), language)


def test_what_is_folded_twice_or_to_signs_is_found():
    for word in ("ǽssu", "ǿker", "ᴬbc", "ab⑴de", "⑴", "Ǽgir"):
        for language in LANGUAGES:
            for term in {span.term for span in word_terms(word, language)}:
                text = f"It was {word}."
                assert found(text, {term}, language) == every(text, {term}, language), (term, word)


@given(st.from_regex(r"[a-zäöüéçñ]{1,8}", fullmatch=True), st.sampled_from(ENDINGS))
def test_a_word_is_found_by_its_own_term_in_every_language(beginning, ending):
    text = f"It was: {beginning}{ending}."
    for language in LANGUAGES:
        for term in {span.term for span in word_terms(f"{beginning}{ending}", language)}:
            assert found(text, {term}, language) == every(text, {term}, language)


@pytest.mark.parametrize("language", ["", "de", "fr"])
def test_every_word_of_the_sample_is_found_by_each_of_its_terms(language):
    words = {word for text in _texts() for word in WORD.findall(text)}
    assert len(words) > 1000
    for word in words:
        for span in word_terms(word, language):
            assert (0, word) in found(word, {span.term}, language)


def test_every_character_that_is_folded_to_a_letter_is_known_as_its_beginning():
    lost = [
        character
        for character in map(chr, range(0xA0, sys.maxunicode))
        if character.isalnum() and fold(character)[:1].isascii() and fold(character)[:1].isalpha()
        if not any(words_with(frozenset([fold(character)[0]]), "x")(character))
    ]
    assert lost == []


def test_most_other_words_are_skipped():
    text = " ".join(_texts())
    walked = sum(1 for _ in words_with(frozenset(["bridg"]))(text))
    assert 0 < walked < len(WORD.findall(text)) / 50


def _texts():
    return [each.text for each in Reading([SAMPLE], FieldMap()) if hasattr(each, "text")]
