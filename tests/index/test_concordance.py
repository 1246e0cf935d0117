"""The concordance: every matched word, with what stands on both sides, in four orders."""

from dataclasses import replace

import pytest

from backfile.index.answers.marks import ArticleMarker
from backfile.index.lexical.analysis.languages import Languages
from backfile.index.model.query import ContextOrder, Copies, Cursor, Mode, Query, View
from backfile.index.search.concordance import WIDTH, Concordances, occurrences

FERRY = Query("ferry", mode=Mode.KEYWORD, copies=Copies.SHOW, view=View.CONTEXT)


def of(searcher, text, article):
    marker = ArticleMarker(searcher.read(replace(FERRY, text=text)), Languages.of(("en",)))
    return list(occurrences(article, marker))


def test_all_occurrences_of_all_articles_are_there(searcher):
    found = Concordances(searcher).of(FERRY)
    answered = searcher.find_all(FERRY)
    expected = 0
    for article, _ in searcher.articles(answered):
        for text in (article.title, article.text):
            words = text.casefold().replace("ferries", "ferry").split("ferry")
            expected += len(words) - 1
    assert len(found.occurrences) == expected > 0
    assert found.read == found.total == answered.answer.total
    assert found.articles == len({each.article.id for each in found.occurrences})


def test_a_match_stands_between_whole_words_of_its_sides(searcher, make_article):
    long = " ".join(f"word{n}" for n in range(40))
    article = make_article(title="Title", text=f"{long} ferry\n\n{long}")
    (only,) = of(searcher, "ferry", article)
    assert only.match == "ferry"
    assert article.text.replace("\n\n", " ").startswith(
        f"{only.left} ferry {only.right}", article.text.index(only.left)
    )
    assert WIDTH - 8 < len(only.left) <= WIDTH
    assert WIDTH - 8 < len(only.right) <= WIDTH
    assert only.right.startswith("word0 word1")
    assert only.left.endswith("word39")


def test_a_phrase_is_one_occurrence_and_matches_count_from_the_title_on(searcher, make_article):
    article = make_article(title="Night ferry", text="The night ferry sails. A night ferry.")
    found = of(searcher, '"night ferry"', article)
    assert [(each.match, each.number) for each in found] == [
        ("Night ferry", 1), ("night ferry", 2), ("night ferry", 3)
    ]  # fmt: skip


@pytest.mark.parametrize("order", ContextOrder)
def test_occurrences_are_sorted_by_what_is_asked_for(searcher, order):
    found = Concordances(searcher).of(replace(FERRY, context=order)).occurrences
    keys = {
        ContextOrder.RIGHT: lambda each: first_word(each.right),
        ContextOrder.LEFT: lambda each: first_word(" ".join(each.left.split()[::-1])),
        ContextOrder.DATE: lambda each: str(each.article.date_span or "9999"),
        ContextOrder.SOURCE: lambda each: each.article.source.casefold(),
    }
    listed = [keys[order](each) for each in found]
    assert listed == sorted(listed)
    assert len(set(listed)) > 1


def first_word(text):
    words = ("".join(c for c in word if c.isalnum()) for word in text.casefold().split())
    return next((word for word in words if word), "")


def test_reading_stops_when_the_time_is_over_and_says_how_far_it_came(searcher):
    clock = iter(range(100))
    found = Concordances(searcher, seconds=lambda: next(clock)).of(FERRY, seconds=0)
    assert found.read == 1 < found.total


def test_a_later_page_is_cut_from_the_same_concordance(searcher):
    concordances = Concordances(searcher)
    first = concordances.of(FERRY)
    assert concordances.of(replace(FERRY, cursor=Cursor(first.generation, 50))) is first
    assert concordances.of(replace(FERRY, context=ContextOrder.LEFT)) is not first


def test_a_file_has_all_occurrences_also_where_a_page_does_not(searcher):
    whole = Concordances(searcher).of(FERRY).occurrences
    assert list(Concordances(searcher).every(FERRY)) == list(whole)
    late = iter(range(0, 10**6, 100))
    cut = Concordances(searcher, seconds=lambda: next(late))
    assert cut.of(FERRY).read < cut.of(FERRY).total
    assert sorted(cut.every(FERRY), key=str) == sorted(whole, key=str)
