"""Tests of how a record becomes an article by the names of its fields."""

from datetime import date

import pytest

from backfile.archive.formats.fields import FieldMap, article_from
from backfile.archive.model.addresses import canonical_url
from backfile.archive.model.article import DateSource, Origin, TitleSource
from backfile.archive.model.errors import BadSetting, UnreadableArticle

ORIGIN = Origin("in.jsonl", 7)


def read(record, *options):
    return article_from(record, ORIGIN, FieldMap.from_options(options))


def test_usual_names_are_found_whatever_their_case_and_punctuation():
    article = read(
        {
            "GUID": "ash/7",
            "Head-line": " Ash  rises ",
            "article_body": ["First part.", "Second part."],
            "datePublished": "2023-11-04",
            "Publisher": {"name": "Courier"},
            "byline": "By Ana Ruiz and Li Wei; Noor Haddad, Jr.",
            "Topics": ["Weather", "Rivers"],
            "lang": "en_GB",
            "link": "https://courier.example/7",
        }
    )
    assert (article.id, article.title) == ("ash/7", "Ash rises")
    assert article.title_source is TitleSource.GIVEN
    assert article.text == "First part.\n\nSecond part."
    assert (article.published, article.date_source) == (date(2023, 11, 4), DateSource.FIELD)
    assert (article.source, article.section, article.language) == ("Courier", "Weather", "en")
    assert article.authors == ("Ana Ruiz", "Li Wei", "Noor Haddad, Jr.")
    assert (article.url, article.origin) == ("https://courier.example/7", ORIGIN)


def test_the_likeliest_name_that_holds_something_wins():
    article = read({"title": "Ash", "text": "", "description": "Rain.", "content": "Much rain."})
    assert article.text == "Much rain."


def test_a_first_sentence_stands_in_for_a_missing_title():
    article = read({"text": "Rain fell on Dr. Moor. Then it stopped."})
    assert (article.title, article.given_title) == ("Rain fell on Dr. Moor.", "")
    assert article.title_source is TitleSource.LEAD


def test_a_long_stand_in_title_is_shortened_at_a_word():
    title = read({"text": "rain " * 100}).title
    assert title.endswith("rain…")
    assert len(title) <= 111


def test_a_title_alone_is_text_enough():
    article = read({"title": "Ash rises"})
    assert (article.text, article.title_source) == ("Ash rises", TitleSource.GIVEN)


def test_a_date_that_cannot_be_read_leaves_the_article_undated():
    article = read({"text": "Rain.", "date": "soon"})
    assert (article.published, article.date_source) == (None, DateSource.NONE)


def test_a_record_with_nothing_to_read_names_its_fields_and_the_way_out():
    with pytest.raises(UnreadableArticle) as refused:
        read({"summary": "Rain.", "text": " "})
    assert str(refused.value).startswith("in.jsonl:7: no text and no title")
    assert "(summary, text)" in refused.value.reason
    assert "--map text=NAME" in refused.value.reason


def test_a_mapped_field_that_is_absent_is_named():
    with pytest.raises(UnreadableArticle, match="'Copy', mapped to text, is absent or empty"):
        read({"body": "Rain."}, "text=Copy")


def test_a_map_overrides_the_usual_names_and_reaches_into_objects():
    record = {
        "title": "Kicker",
        "real": {"title": "Ash rises", "copy": ["Rain."]},
        "a.b": "Courier",
        "meta": {"desk": {"name": "Weather"}},
    }
    chosen = ["title=real.title", "text=real.copy", "source=a.b", "section=meta.desk"]
    article = read(record, *chosen)
    assert (article.title, article.text) == ("Ash rises", "Rain.")
    assert (article.source, article.section) == ("Courier", "Weather")


def test_a_map_into_something_that_is_no_object_finds_nothing():
    assert read({"text": "Rain.", "meta": "x"}, "section=meta.desk").section == ""


@pytest.mark.parametrize("option", ["text", "text=", "=body", "colour=red", ""])
def test_an_option_that_maps_nothing_is_refused(option):
    with pytest.raises(BadSetting, match=r"FIELD=NAME with FIELD one of id, title"):
        FieldMap.from_options((option,))


def test_an_id_comes_from_the_url_else_from_the_content():
    by_url = read({"text": "Rain.", "url": "http://www.courier.example/7/?utm_source=x#top"})
    assert by_url.id == read({"text": "Snow.", "url": "https://courier.example/7"}).id
    assert by_url.id.startswith("url-")
    by_content = read({"text": "Rain."})
    assert by_content.id == read({"text": " Rain."}).id != read({"text": "Snow."}).id
    assert by_content.id.startswith("text-")


@pytest.mark.parametrize("url", ["//[", "http://[::1", "mailto:x", "\x00", "?&utm_a=1"])
def test_an_odd_url_still_names_its_article(url):
    assert isinstance(canonical_url(url), str)
    assert read({"text": "Rain.", "url": f"x{url}"}).id.startswith("url-")


@pytest.mark.parametrize(
    ("value", "authors"),
    [
        ("by Ana Ruiz & Li Wei", ("Ana Ruiz", "Li Wei")),
        ("Ana Ruiz | Ana Ruiz", ("Ana Ruiz",)),
        ([{"name": "Ana Ruiz"}, "Li Wei", None], ("Ana Ruiz", "Li Wei")),
        ({"name": "Ana Ruiz"}, ("Ana Ruiz",)),
        (["Ruiz, Ana"], ("Ruiz, Ana",)),
        (True, ()),
    ],
)
def test_authors_are_cut_at_what_separates_names(value, authors):
    assert read({"text": "Rain.", "authors": value}).authors == authors


def test_a_value_nested_without_end_holds_nothing():
    nested = "Rain."
    for _ in range(5_000):
        nested = [nested]
    assert read({"title": "Ash", "text": nested}).text == "Ash"


@pytest.mark.parametrize(
    ("record", "source", "url"),
    [
        ({"source": "https://www.courier.example/"}, "courier.example", ""),
        ({"source": "https://courier.example/a"}, "courier.example", "https://courier.example/a"),
        (
            {"source_url": "https://courier.example", "url": "https://b.example/a"},
            "courier.example",
            "https://b.example/a",
        ),
    ],
)
def test_an_outlet_that_is_an_address_is_its_site(record, source, url):
    article = article_from(record | {"text": "Ice melts."}, Origin("a", 1), FieldMap())
    assert (article.source, article.url) == (source, url)
