"""Tests of how articles are cut into passages."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backfile.archive.formats.cleaning import clean_text
from backfile.archive.model.article import Passage, TitleSource
from backfile.archive.passages import (
    FEWEST_WORDS,
    LONGEST_PASSAGE,
    SPARE_TOKENS,
    Span,
    embedded_text,
    paragraphs,
    split,
    word_count,
)

WORDS = st.sampled_from(["rain", "harbour", "wall", "tide", "Ash", "boats", "écluse", "雨", "🚢"])
SENTENCES = st.lists(WORDS, min_size=3, max_size=20).map(lambda words: " ".join(words) + " fell.")
LONG_SENTENCES = st.lists(WORDS, min_size=70, max_size=200).map(
    lambda words: " ".join(words) + " fell."
)
HEADINGS = st.sampled_from(["What Comes Next", "Tides", "The Wall And The Boats"])
PARAGRAPHS = st.lists(SENTENCES, min_size=1, max_size=8).map(" ".join) | HEADINGS
NEWS = st.lists(PARAGRAPHS, min_size=1, max_size=8).map("\n\n".join)
SCRAPS = st.sampled_from(
    ["Tide ", "He left. ", "\n", "\n\n", "“Yes,” ", "A Heading", "é🚢", "。", "! ", "1. ", "Mr. "]
)
ANY_TEXT = (
    (st.text(max_size=300) | st.lists(SCRAPS, max_size=150).map("".join) | NEWS | LONG_SENTENCES)
    .map(clean_text)
    .filter(bool)
)
laws = settings(deadline=None, max_examples=100)


@pytest.mark.long
@given(ANY_TEXT)
@laws
def test_passages_cover_the_text_and_their_offsets_are_true(make_article, word_tokenizer, text):
    passages = split(make_article(text), word_tokenizer)
    assert [passage.n for passage in passages] == list(range(len(passages)))
    assert all(text[p.start : p.end] == p.text for p in passages)
    assert all(p.text and p.text == p.text.strip() for p in passages)
    ends = [Span(0, 0), *(Span(p.start, p.end) for p in passages), Span(len(text), len(text))]
    for before, after in pairwise(ends):
        assert before.end <= after.start
        assert not text[before.end : after.start].strip()


@given(ANY_TEXT)
@laws
def test_a_passage_fits_the_window(make_article, word_tokenizer, text):
    for passage in split(make_article(text), word_tokenizer):
        embedded = embedded_text(passage, "Tide table")
        assert len(word_tokenizer.starts(embedded)) <= word_tokenizer.window


@given(NEWS)
@laws
def test_a_passage_never_ends_inside_a_sentence(make_article, word_tokenizer, text):
    *inner, last = split(make_article(text), word_tokenizer)
    assert all(passage.text.endswith(" fell.") for passage in inner)
    assert last.end == len(text)


@given(SENTENCES, LONG_SENTENCES, SENTENCES)
@laws
def test_only_a_sentence_longer_than_the_window_is_cut_inside(
    make_article, word_tokenizer, first, long, last
):
    text = f"{first} {long} {last}"
    ends = {passage.end for passage in split(make_article(text), word_tokenizer)}
    inside = range(len(first) + 2, len(first) + 1 + len(long))
    sentence_ends = {len(first), inside.stop, len(text)}
    assert all(end in sentence_ends or end in inside for end in ends)
    assert ends & set(inside)


def test_a_long_sentence_is_cut_at_a_clause_if_there_is_one(make_article, word_tokenizer):
    text = "rain " * 39 + "fell; " + "snow " * 40 + "fell."
    first, second = split(make_article(text), word_tokenizer)
    assert first.text.endswith("fell;")
    assert second.text.startswith("snow")


def test_a_word_without_end_is_cut_where_tokens_are(make_article):
    class Letters:
        window = 60

        def starts(self, text):
            return range(len(text))

    text = "x" * 500
    passages = split(make_article(text, title="t"), Letters())
    assert "".join(passage.text for passage in passages) == text
    assert max(len(passage.text) for passage in passages) <= 60


def test_a_heading_opens_its_passage_and_names_those_that_follow(make_article, word_tokenizer):
    sentences = "The harbour wall fell into the sea again. " * 12
    first = "It rained all night on the harbour, and the boats stayed where they were."
    text = f"{first}\n\nWhat Comes Next\n\n{sentences.strip()}"
    lead, *section = split(make_article(text), word_tokenizer)
    assert (lead.heading, lead.text) == ("", first)
    assert len(section) > 1
    assert {passage.heading for passage in section} == {"What Comes Next"}
    assert section[0].text.startswith("What Comes Next\n\nThe harbour")


def test_the_shape_of_quotation_marks_makes_no_difference_to_what_is_embedded():
    ways = [
        """It is the "warden's" bell.""",
        """It is the ""warden's"" bell.""",
        """It is the 'warden's' bell.""",
        """It is the “warden's” bell.""",
        """It is the »warden's« bell.""",
    ]
    passages = [Passage("a", 0, 0, len(way), "", way) for way in ways]
    assert {embedded_text(each, "") for each in passages} == {ways[0]}


def test_an_embedded_text_says_title_and_heading_once(make_article, word_tokenizer):
    sentences = "The harbour wall fell into the sea again. " * 12
    first, second, *_ = split(make_article(f"Tides\n\n{sentences.strip()}"), word_tokenizer)
    assert embedded_text(first, "Wall").startswith("Wall\nTides\n\nThe harbour")
    assert embedded_text(second, "Wall").startswith("Wall\nTides\nThe harbour")
    assert embedded_text(second, "") == f"Tides\n{second.text}"


def test_a_short_last_line_is_no_heading(make_article, word_tokenizer):
    (passage,) = split(make_article("Rain fell.\n\nAna Ruiz"), word_tokenizer)
    assert (passage.heading, passage.text) == ("", "Rain fell.\n\nAna Ruiz")


def test_a_stand_in_title_takes_no_room(make_article, word_tokenizer):
    title, text = "harbour " * 30, "Rain fell on the old wall. " * 9
    given_title = make_article(text.strip(), title=title)
    stand_in = make_article(text.strip(), title=title, title_source=TitleSource.LEAD)
    assert len(split(given_title, word_tokenizer)) > len(split(stand_in, word_tokenizer))


def test_an_abbreviation_ends_no_sentence(make_article, word_tokenizer):
    sentence = "Dr. Moor and Mr. Haddad of the U.S. office left at 6 p.m. on Tuesday for the wall."
    text = " ".join([sentence] * 8)
    assert {passage.text[-5:] for passage in split(make_article(text), word_tokenizer)} == {"wall."}


def test_paragraphs_are_long_lines_where_there_are_no_blank_ones():
    line = "Rain fell on the harbour. " * 8
    found = list(paragraphs(f"{line}\n{line}"))
    assert [(span.start, span.end) for span in found] == [(0, 208), (209, 417)]
    assert len(list(paragraphs("Rain fell\non the\nharbour."))) == 1


class OneToken:
    """Takes any text for a single unknown token, as WordPiece does a word without end."""

    window = 60

    def starts(self, text):
        return [0] if text else []


def test_a_passage_has_an_end_where_the_model_counts_one_token(make_article):
    text = "x" * 3_000_000
    passages = split(make_article(text), OneToken())
    assert "".join(passage.text for passage in passages) == text
    assert max(len(passage.text) for passage in passages) == LONGEST_PASSAGE


def test_words_of_great_length_are_not_packed_beyond_the_longest_passage(
    make_article, word_tokenizer
):
    text = " ".join(f"{'x' * 1_500}, {'y' * 1_500} fell." for _ in range(9))
    passages = split(make_article(text), word_tokenizer)
    assert max(len(passage.text) for passage in passages) <= LONGEST_PASSAGE
    assert "".join("".join(p.text for p in passages).split()) == "".join(text.split())


def test_a_smaller_target_makes_more_passages_of_the_same_text(make_article, word_tokenizer):
    article = make_article("The tide came in. The boats went out. " * 20)
    few, many = (split(article, word_tokenizer, target) for target in (40, 16))
    assert len(many) > len(few) > 1
    assert max(len(p.text.split()) for p in many) <= 24


SIGN_OFFS = ["- Ana Ruiz", "REUTERS/Ana Ruiz", "(Ana Ruiz for the Courier)", "It is quiet."]
LONG = "The harbour wall fell into the sea on Monday, and the boats stayed out. " * 2


@pytest.mark.parametrize("scrap", SIGN_OFFS)
def test_a_passage_of_a_few_words_joins_the_one_before_it(make_article, word_tokenizer, scrap):
    text = f"{LONG.strip()}\n\nTides And Boats\n\n{LONG.strip()}\n\nWhat Comes Next\n\n{scrap}"
    _, second = split(make_article(text), word_tokenizer)
    assert second.heading == "Tides And Boats"
    assert second.text.endswith(f"the boats stayed out.\n\nWhat Comes Next\n\n{scrap}")


@pytest.mark.parametrize("scrap", SIGN_OFFS)
def test_a_first_passage_of_a_few_words_joins_the_one_after_it(make_article, word_tokenizer, scrap):
    text = f"{scrap}\n\nWhat Comes Next\n\n{LONG.strip()}"
    (passage,) = split(make_article(text), word_tokenizer)
    assert passage.text == text


@given(NEWS)
@laws
def test_no_passage_of_a_few_words_stands_where_it_fits_a_neighbour(
    make_article, word_tokenizer, text
):
    passages = split(make_article(text, title="t"), word_tokenizer)
    for one, other in pairwise(passages):
        if min(word_count(one.text), word_count(other.text)) < FEWEST_WORDS:
            both = text[one.start : other.end]
            headings = max(len(p.heading.split()) for p in (one, other))
            assert len(both.split()) > word_tokenizer.window - headings - 1 - SPARE_TOKENS


def test_an_article_of_a_few_words_is_one_passage(make_article, word_tokenizer):
    assert [p.text for p in split(make_article("Rain fell."), word_tokenizer)] == ["Rain fell."]


def test_letters_make_words_where_a_script_has_no_spaces(make_article, word_tokenizer):
    assert word_count("旋回橋は火曜日に閉鎖された。") == 7
    assert word_count("สะพานเปิดอีกครั้ง") > 3
    assert word_count("La Ville-Éveillée, l’été") == 5
