"""Tests of the nouns of the archive."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backfile.archive.model.article import DateSource, Origin, Passage, TitleSource, shortened


@pytest.mark.parametrize(
    "change",
    [
        {"title": "Other"},
        {"title_source": TitleSource.LEAD},
        {"text": "Other."},
        {"published": date(2023, 11, 4)},
        {"published_at": datetime(2023, 11, 4, 12, tzinfo=UTC)},
        {"source": "Courier"},
        {"section": "Weather"},
        {"authors": ("Ana Ruiz",)},
        {"language": "de"},
        {"url": "https://courier.example/7"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_digest_changes_with_all_that_a_reader_can_see(make_article, change):
    assert make_article(**change).digest != make_article().digest


@pytest.mark.parametrize(
    "change", [{"id": "x"}, {"origin": Origin("b.txt", 9)}, {"date_source": DateSource.FILE}]
)
def test_a_digest_is_indifferent_to_where_an_article_came_from(make_article, change):
    assert make_article(**change).digest == make_article().digest


def test_a_digest_tells_one_author_from_two(make_article):
    one, two = make_article(authors=("Ana, Li",)), make_article(authors=("Ana", "Li"))
    assert one.digest != two.digest


def test_a_stand_in_title_is_no_given_title(make_article):
    assert make_article(title="Ash").given_title == "Ash"
    assert make_article(title="Ash", title_source=TitleSource.LEAD).given_title == ""


def test_an_origin_and_a_passage_name_themselves():
    assert str(Origin("in/a.jsonl", 7)) == "in/a.jsonl:7"
    assert Passage("ash", 2, 0, 5, "", "Rain.").id == "ash:2"


@given(st.text(max_size=300), st.integers(1, 120))
def test_a_shortened_text_is_one_line_within_its_limit(text, limit):
    short = shortened(text, limit)
    assert len(short) <= limit + 1
    assert "\n" not in short
    assert short == " ".join(text.split()) or short.endswith("…")
