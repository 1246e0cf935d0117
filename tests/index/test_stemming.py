"""Words of many languages as terms: folded, stemmed, marked; scripts without spaces in pairs."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backfile.index.lexical.analysis.analyser import (
    NewsAnalyzer,
    asked,
    name_words,
    term_spans,
    terms,
)
from backfile.index.lexical.analysis.languages import Languages
from backfile.index.lexical.analysis.ngrams import LONGEST_ASKED, has_run
from backfile.index.lexical.analysis.ngrams import asked as asked_of_run
from backfile.index.lexical.analysis.stemming import MARK, STEMMED, fold, reading, term_of
from backfile.index.lexical.analysis.word_delimiter import WORD

ALIKE = {
    "de": [("Brücke", "Brücken", "Bruecke", "brucke"), ("Straße", "Strassen"), ("Häuser", "Haus")],
    "fr": [
        ("élection", "élections"),
        ("l'eau", "L’eau", "eau"),
        ("fermée", "fermées", "fermer", "fermee"),
        ("musée", "musees"),
    ],
    "es": [
        ("canción", "canciones", "cancion"),
        ("reparación", "reparacion"),
        ("pescador", "pescadores"),
    ],
    "it": [("dell'acqua", "acqua"), ("pescatore", "pescatori")],
    "ru": [("мост", "моста", "мосты"), ("Москва", "Москвы")],
    "sv": [("hamnen", "hamn")],
    "ar": [("المدينة", "مدينة", "للمدينة")],
}
PAIRS = [(code, forms) for code, groups in ALIKE.items() for forms in groups]
texts = st.text(max_size=60) | st.text("橋再開のはフェリ가다ไทย国ab1' ", max_size=30)
LANGUAGES = sorted({"", "tr", "x", *STEMMED})


@pytest.mark.parametrize(("code", "forms"), PAIRS)
def test_the_forms_of_a_word_are_one_term(code, forms):
    assert len({term_of(form, code) for form in forms}) == 1


@pytest.mark.parametrize("code", sorted(STEMMED))
def test_a_term_bears_the_mark_of_its_language_unless_it_is_a_number(code):
    assert term_of("hotel", code).endswith(f"{MARK}{code}")
    assert term_of("1,200", code) == term_of("1,200")


def test_letters_that_differ_by_more_than_an_accent_stay_apart():
    assert fold("パリ") != fold("バリ")
    assert fold("한국") == "한국"
    assert [fold(word) for word in ("Łódź", "Ørsted", "Æbler")] == ["lodz", "orsted", "aebler"]


def test_signs_are_part_of_their_word():
    assert WORD.findall("हिन्दी समाचार مُحَمَّد") == ["हिन्दी", "समाचार", "مُحَمَّد"]
    assert fold("مُحَمَّد") == fold("محمد")


@given(texts, st.sampled_from(LANGUAGES))
@settings(max_examples=300, deadline=None)
def test_any_text_has_terms_where_they_stand(text, code):
    spans = list(term_spans(text, code))
    alone = {
        s.position: s.term for s in reversed(spans) if s.length == 1
    }  # the first at each place
    assert terms(text, code) == [alone[place] for place in sorted(alone)]
    assert all(0 <= start < end <= len(text) for _, start, end, *_ in spans)
    assert [span.start for span in spans] == sorted(span.start for span in spans)
    assert all(span.term for span in spans)


@given(st.lists(st.sampled_from("橋再開東京都庁"), min_size=2, max_size=12).map("".join), st.data())
def test_what_stands_in_a_run_is_asked_for_as_terms_that_follow_each_other(run, data):
    start = data.draw(st.integers(0, len(run) - 2))
    part = run[start : data.draw(st.integers(start + 2, len(run)))]
    held, wanted = terms(run), [span.term for span in asked(part)]
    assert len(wanted) == len(part) - 1
    assert any(held[i : i + len(wanted)] == wanted for i in range(len(held)))


def test_words_between_runs_keep_their_own_terms():
    assert terms("iPhone発売 in Ferries駅") == ["iphon", "発売", "売", "in", "ferri", "駅"]
    assert name_words("田中 Ana") == ["田", "中", "ana"]


def test_a_sentence_without_spaces_is_asked_for_by_what_may_be_its_words():
    assert asked_of_run("東京都庁") == ["東京都庁"]
    assert asked_of_run("スイングブリッジはいつ再開しますか") == ["スイングブリッジ", "再開"]
    assert asked_of_run("大桥什么时候重新开放给行人")[:3] == ["大桥", "桥什", "什么"]
    assert asked_of_run("ひらがなばかりのぶんです")[0] == "ひら"


@given(texts)
def test_what_a_sentence_is_asked_for_by_is_never_nothing(text):
    for word in WORD.findall(text):
        found = asked_of_run(word)
        assert found
        assert all(found)
        assert found == [word] or has_run(word)
        assert len(word) > LONGEST_ASKED or found == [word]


def test_a_query_is_read_in_each_language_of_the_archive():
    several = Languages.of(["en", "de", "", "pl", "nb", "tr"])
    assert several.readings == ("", "de", "x", "no", "tr")
    assert several.terms("Häuser") == (
        ("hauser", "haus|de", "hauser|x", "haus|no", "hauser|tr"),
    )  # fmt: skip
    assert several.terms("2024") == (("2024",),)
    joined, apart = Languages(("", "de")).paths("covid-19")
    assert [place.terms for place in joined] == [("covid19",)]
    assert [place.terms for place in apart] == [("covid", "covid|de"), ("19",)]


@given(st.lists(st.text(max_size=12), max_size=6))
def test_an_english_archive_reads_a_query_as_its_own_terms_alone(words):
    english = Languages.of(["en", ""])
    assert english == Languages()
    for word in words:
        assert english.terms(word) == tuple((span.term,) for span in asked(word))


def test_stop_words_are_those_of_the_language_a_query_is_in():
    several = Languages(("", "de", "fr"))
    assert several.weighty(["Wo", "ist", "die", "Fähre"]) == ["Fähre"]
    assert several.weighty(["où", "est", "le", "pont"])[-1] == "pont"
    assert several.weighty(["die", "hard"]) == ["die", "hard"]
    assert several.weighty(["the", "ferry"]) == ["ferry"]
    assert Languages(("de",)).weighty(["die", "Fähre"]) == ["Fähre"]


def test_the_codes_of_languages_without_a_stemmer_are_read_alike():
    assert [reading(code) for code in ("", "en", "pl", "ja", "nn")] == ["", "", "x", "x", "no"]


def test_whoosh_is_given_the_same_terms():
    tokens = [t.copy() for t in NewsAnalyzer()("The bridges 再開", positions=True, chars=True)]
    assert [(t.text, t.pos, t.startchar, t.endchar) for t in tokens] == [
        ("the", 0, 0, 3), ("bridg", 1, 4, 11), ("再開", 2, 12, 14), ("開", 3, 13, 14)
    ]  # fmt: skip
