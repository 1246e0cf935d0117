"""An archive in many languages is searched by words: their forms, phrases, prefixes, copies."""

import numpy as np
import pytest

from backfile.index.lexical.analysis.stemming import fold
from backfile.index.lexical.scoring.lexical_search import LexicalSearch
from backfile.index.lexical.storage.whoosh_index import WhooshIndex
from backfile.index.model.article_table import ArticleTable
from backfile.index.model.category import Category
from backfile.index.model.expression import Word, Words
from backfile.index.model.query import Mode, Query
from backfile.index.model.results import ScorePartKind, Verdict
from backfile.index.seams.protocols import LexicalEntry
from backfile.index.search.ranking import RankingOptions
from backfile.index.search.searcher import Searcher
from tests.builders import FOREIGN, engines_in, fill, prepared_in_both, table, write_stories
from tests.fakes import MemoryIndex


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """In place of the stories, articles in many languages."""
    return prepared_in_both(tmp_path_factory.mktemp("foreign"), FOREIGN)


def found(searcher, text):
    results = searcher.search(Query(text, mode=Mode.KEYWORD, strict=True))
    return [hit.article.id for hit in results.hits], results


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Brücke", ["de-bridge"]),
        ("bruecken", ["de-bridge"]),
        ("Haus Ufer", ["de-bridge"]),
        ("Hauptstrasse", ["de-bridge"]),
        ("école fermée", ["fr-strike"]),
        ("ecoles", ["fr-strike"]),
        ("ecole fermee", ["fr-strike"]),
        ("eau", ["fr-strike"]),
        ("hôtel", ["fr-strike"]),
        ("pescador", ["es-fishers"]),
        ("cancion", ["es-fishers"]),
        ("再開", ["ja-bridge"]),
        ("旋回橋", ["ja-bridge"]),
        ("フェリー 時刻表", ["ja-bridge"]),
        ("旋回橋はいつ通行を再開したのか", ["ja-bridge"]),
        ("大桥", ["zh-bridge"]),
        ("时刻表", ["zh-bridge"]),
        ("港口大桥什么时候重新开放", ["zh-bridge"]),
        ("мост", ["ru-bridge"]),
        ("ميناء", ["ar-harbour"]),
        ("다리", ["ko-bridge"]),
        ("houses", ["en-bridge"]),
        ("bridges", ["en-bridge"]),
    ],
)
def test_words_are_found_by_their_forms_in_their_language(searcher, text, expected):
    assert found(searcher, text)[0] == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('"neue Brücken"', ["de-bridge"]),
        ('"Brücken neue"', []),
        ('"通行を再開"', ["ja-bridge"]),
        ("「再開を通行」", []),
        ("開再", []),
        ("橋", ["ja-bridge"]),
        ("桥", ["zh-bridge"]),
        ("表", ["ja-bridge", "zh-bridge"]),
        ("開*", ["ja-bridge"]),
        ("再開*", ["ja-bridge"]),
        ("Mühl*", ["de-bridge"]),
        ("pesca*", ["es-fishers"]),
        ("Monday NOT houses", []),
        ("再開 NOT 歩行者", []),
        ("再開 NOT 市役所", ["ja-bridge"]),
        ("Brücken OR pescadores", ["de-bridge", "es-fishers"]),
        ("title:旋回橋", ["ja-bridge"]),
        ("title:歩行者", []),
        ("language:fr", ["fr-strike"]),
    ],
)
def test_phrases_prefixes_and_operators_hold_in_each(searcher, text, expected):
    assert sorted(found(searcher, text)[0]) == expected


@pytest.mark.parametrize(
    ("text", "marked"),
    [
        ("Brücke Hauptstrasse", {"Brücken", "Hauptstraße"}),
        ("eau jeudi", {"d'eau", "L'eau", "jeudi"}),
        ("旋回橋 再開", {"旋回橋", "再開"}),
        ("橋 フェリー", {"橋", "フェリー"}),
        ("мост", {"моста"}),
        ("다리", {"다리"}),
        ("Ufer*", {"Ufer"}),
    ],
)
def test_the_right_stretches_are_marked(searcher, text, marked):
    _, results = found(searcher, text)
    passage = results.hits[0].passages[0]
    spans = passage.highlights
    assert {passage.passage.text[start:end] for start, end in spans} == marked
    assert results.hits[0].why.parts
    assert all(
        part.kind in (ScorePartKind.WORD, ScorePartKind.PREFIX)
        for part in results.hits[0].why.parts
    )


def test_a_question_in_german_is_read_without_its_stop_words(searcher):
    ids, results = found(searcher, "Wann werden die Häuser am Ufer und der Bahnhof")
    assert ids == ["de-bridge"]
    said = {part.text for part in results.hits[0].why.parts}
    assert said == {"Häuser", "Ufer", "Bahnhof"}


@pytest.mark.parametrize(
    ("text", "offered"), [("Brücxen", "brücken"), ("pescatores", "pescadores")]
)
def test_words_spelt_alike_are_offered_as_they_are_written(searcher, text, offered):
    ids, results = found(searcher, text)
    assert (ids, results.verdict) == ([], Verdict.NONE)
    assert fold(offered) in [fold(offer.word) for offer in results.offers]


def test_coverage_in_another_language_is_related_by_its_own_key_words(tmp_path):
    again = [
        {"id": "de-2", "title": "Mühlbach: Bau der Brücken beginnt", "text": FOREIGN[0]["text"]
         + " Der Bau der Brücken am Mühlbach beginnt im Herbst, sagte die Bürgermeisterin."},
        {"id": "ja-2", "title": "旋回橋の再開に歓声",
         "text": "港の旋回橋が通行を再開し、歩行者から歓声が上がった。"
         "旋回橋の修理は四か月かかった。歩行者は橋を渡ってフェリー乗り場へ向かった。"},
    ]  # fmt: skip
    made = engines_in(tmp_path / "archive", in_memory=False)
    fill(made, write_stories(tmp_path, [*FOREIGN, *again]))
    table = ArticleTable.load(made.catalog, made.catalog.generation())
    search = LexicalSearch(made.lexical.snapshot(), table)
    for one, other, word in (("de-bridge", "de-2", "Mühlbach"), ("ja-bridge", "ja-2", "旋回")):
        own, others = (made.catalog.rows_of([article]) for article in (one, other))
        alike = search.more_like_this(made.catalog.article(one), own)
        assert word in [each.text for each in alike.words]
        rest = np.delete(alike.shares, own)
        assert alike.shares[others].max() == rest.max() > 0
    made.catalog.close()


def test_copies_are_told_in_scripts_without_spaces(tmp_path):
    story = (
        "港の旋回橋は修理を終え、月曜日に通行を再開した。歩行者は朝六時から橋を渡り、市長が式典であいさつした。"
        * 3
    )
    edited = story.replace("市長", "知事", 1)
    made = engines_in(tmp_path / "archive", in_memory=True)
    stories = [
        {"id": "a", "title": "旋回橋が再開", "date": "2024-03-01", "text": story},
        {"id": "b", "title": "港の橋、通行再開", "date": "2024-03-02", "text": edited},
        {"id": "c", "title": "魚市場", "date": "2024-03-02", "text": FOREIGN[4]["text"] * 3},
    ]
    fill(made, write_stories(tmp_path, stories))
    hits = Searcher(made, RankingOptions()).search(Query("再開", mode=Mode.KEYWORD)).hits
    assert [(hit.article.id, hit.copies.total) for hit in hits] == [("a", 1)]
    made.catalog.close()


def spoken(n_rows, names):
    """Articles of one passage each, in these languages."""
    made = table(n_rows)
    return type(made)(**{**made.__dict__, "language": Category.of([(name,) for name in names])})


def test_english_scores_are_the_same_whether_articles_name_their_language_or_not(tmp_path):
    texts = ["The uses of bridges", "Bridges and ferries", "A ferry, a ferry", "US ferry law"]
    expression = Words((Word("ferries"), Word("bridge"), Word("uses")))
    scores = []
    for names in (["en"] * 4, [""] * 4):
        index = WhooshIndex(tmp_path / names[0] / "lexical")
        (tmp_path / names[0]).mkdir(exist_ok=True)
        entries = zip(texts, names, strict=True)
        index.add([LexicalEntry(n, "", *each) for n, each in enumerate(entries, 1)])
        scores.append(LexicalSearch(index.snapshot(), spoken(4, names)).match(expression).scores)
    assert scores[0].max() > 0
    np.testing.assert_array_equal(*scores)


def test_a_little_french_changes_no_english_score_but_by_the_number_of_passages():
    texts = ["The dates were set", "A dated act", "The times of ferries", "Tim took the ferry"]
    others = ["Le pont est ouvert", "La mairie est fermée", "Un musée de la mer", "Une école"]
    expression = Words((Word("dates"), Word("ferry"), Word("times")))
    scores = []
    for codes in (["en"] * 8, ["en"] * 4 + ["fr"] * 4):
        index = MemoryIndex()
        entries = zip([*texts, *others], codes, strict=True)
        index.add([LexicalEntry(n, "", *each) for n, each in enumerate(entries, 1)])
        scores.append(LexicalSearch(index.snapshot(), spoken(8, codes)).match(expression).scores)
    np.testing.assert_allclose(*scores, rtol=1e-6)


def test_a_word_of_two_languages_is_one_word_to_the_score():
    index = MemoryIndex()
    index.add([LexicalEntry(1, "", "hotel on the quay", "en"),
               LexicalEntry(2, "", "hotel am alten kai", "de"),
               LexicalEntry(3, "", "nothing of it", "en")])  # fmt: skip
    search = LexicalSearch(index.snapshot(), spoken(3, ["en", "de", "en"]))
    found = search.match(Word("Hotels"))
    assert found.matching.tolist() == [True, True, False]
    assert found.scores[1] == pytest.approx(found.scores[2])
    assert found.most == pytest.approx(2.2 * (np.log(3 / 3) + 1))
