"""Tests of what values of records become: nested ones, of other programs, and names of persons."""

import json
import time
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backfile.archive.formats.cleaning.characters import is_legible
from backfile.archive.formats.fields import FieldMap, article_from
from backfile.archive.formats.values import as_cell, as_date, as_names, as_text, dotted
from backfile.archive.model.article import Origin
from backfile.archive.model.errors import UnreadableArticle

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["text", "type", "content", "name", "$date", "x"]), inner)
    ),
    max_leaves=12,
)
PARAGRAPHS = "The ferry stops in May.\n\nCommuters were told by letter."


def read(record, *options):
    return article_from(record, Origin("in.jsonl", 7), FieldMap.from_options(options))


@pytest.mark.parametrize(
    "value",
    [
        ["The ferry stops in May.", "Commuters were told by letter."],
        {"html": "<p>The ferry stops in May.</p><p>Commuters were told by letter.</p>"},
        {"plain": PARAGRAPHS, "html": "<p>The ferry stops.</p>", "format": "full_html"},
        {"rendered": "<p>The ferry stops in May.</p><p>Commuters were told by letter.</p>"},
        {"#text": PARAGRAPHS},
        {"en": PARAGRAPHS},
        {"body": {"value": PARAGRAPHS, "summary": ""}},
        [
            {"type": "p", "data": "The ferry stops in May."},
            {"type": "image", "caption": "The old ferry at its pier, in the rain"},
            {"type": "p", "data": "Commuters were told by letter."},
        ],
        {
            "blocks": [
                {"type": "paragraph", "data": {"text": "The ferry stops in <b>May</b>."}},
                {"type": "paragraph", "data": {"text": "Commuters were told by letter."}},
            ]
        },
        {
            "blocks": [
                {"key": "a", "text": "The ferry stops in May.", "type": "unstyled"},
                {"key": "b", "text": "Commuters were told by letter.", "type": "unstyled"},
            ],
            "entityMap": {},
        },
        {
            "nodeType": "document",
            "content": [
                {
                    "nodeType": "paragraph",
                    "content": [
                        {"nodeType": "text", "value": "The ferry stops in ", "marks": []},
                        {"nodeType": "hyperlink", "data": {"uri": "https://a.example"},
                         "content": [{"nodeType": "text", "value": "May"}]},
                        {"nodeType": "text", "value": ".", "marks": []},
                    ],
                },
                {
                    "nodeType": "paragraph",
                    "content": [{"nodeType": "text", "value": "Commuters were told by letter."}],
                },
            ],
        },
        [
            {"_type": "block", "children": [
                {"_type": "span", "text": "The ferry stops in "}, {"_type": "span", "text": "May."}
            ]},
            {"_type": "block", "children": [
                {"_type": "span", "text": "Commuters were told by letter."}
            ]},
        ],
        [
            {"children": [{"text": "The ferry stops in "}, {"text": "May.", "bold": True}]},
            {"children": [{"text": "Commuters were told by letter."}]},
        ],
        ["The ferry stops ", {"type": "bold", "text": "in May"},
         ".\n\nCommuters were told by letter."],
        {"S": PARAGRAPHS},
        {"stringValue": PARAGRAPHS},
    ],
)  # fmt: skip
def test_a_text_is_read_wherever_it_lies(value):
    assert as_text(value) == PARAGRAPHS
    article = read({"title": "Ferry", "text": value})
    assert (article.text, article.left_out) == (PARAGRAPHS, "")


def test_blocks_give_the_title_the_byline_the_kicker_and_the_text():
    record = {
        "id": "w1",
        "article_url": "https://post.example/ferry",
        "published_date": 1711184400000,
        "contents": [
            {"type": "kicker", "content": "Transport", "mime": "text/plain"},
            {"type": "title", "content": "Night ferry ends", "mime": "text/plain"},
            {"type": "byline", "content": "By Ana Ruiz"},
            {"type": "date", "content": 1711184400000},
            {"type": "image", "fullcaption": "The ferry", "imageURL": "https://post.example/a.jpg"},
            None,
            {"type": "sanitized_html", "subtype": "paragraph", "mime": "text/html",
             "content": "The ferry stops in <b>May</b>."},
            {"type": "sanitized_html", "subtype": "paragraph",
             "content": "Commuters were told by letter."},
            {"type": "author_info", "name": "Ana Ruiz", "bio": "Ana Ruiz writes about boats."},
        ],
    }  # fmt: skip
    article = read(record)
    assert (article.title, article.text) == ("Night ferry ends", PARAGRAPHS)
    assert (article.section, article.authors) == ("Transport", ("Ana Ruiz",))
    assert article.published == date(2024, 3, 23)
    assert article.url == "https://post.example/ferry"


@pytest.mark.parametrize(
    "value",
    [
        {"$date": "2024-03-23T10:00:00Z"},
        {"$date": {"$numberLong": "1711188000000"}},
        {"$date": 1711188000000},
        {"_seconds": 1711188000, "_nanoseconds": 0},
        {"date": "2024-03-23 10:00:00.000000", "timezone_type": 3, "timezone": "UTC"},
        {"__type": "Date", "iso": "2024-03-23T10:00:00.000Z"},
        {"date-parts": [[2024, 3, 23]]},
        {"year": 2024, "month": 3, "day": 23},
        [2024, 3, 23, 10, 0],
        ["2024-03-23"],
        {"timestampValue": "2024-03-23T10:00:00Z"},
    ],
)
def test_a_date_of_another_program_is_read(value):
    assert read({"text": "Rain.", "date": value}).published == date(2024, 3, 23)


def test_a_date_that_is_no_date_is_kept_as_it_was_written():
    article = read({"text": "Rain.", "date": {"era": "before the flood"}})
    assert (article.published, article.date_written) == (None, '{"era": "before the flood"}')
    assert as_date({"date-parts": [["2024", 3]]}) == "2024-03"


def test_an_id_in_an_object_is_the_id():
    assert read({"_id": {"$oid": "65f0c0ffee"}, "text": "Rain."}).id == "65f0c0ffee"


def test_a_number_is_the_name_of_no_person_section_or_source():
    article = read({"text": "Rain.", "author": 7, "categories": [3, 9], "source": 4})
    assert (article.authors, article.section, article.source) == ((), "", "")
    assert read({"text": "Rain.", "author": "7"}).authors == ()


@pytest.mark.parametrize(
    ("value", "names"),
    [
        ("Ruiz, Ana; Ek, Bo", ("Ruiz, Ana", "Ek, Bo")),
        ("Ruiz, Ana", ("Ruiz, Ana",)),
        ("Ruiz, Ana M. and Ek, Bo", ("Ruiz, Ana M.", "Ek, Bo")),
        ("Ana Ruiz, Bo Ek", ("Ana Ruiz", "Bo Ek")),
        ("Ana Ruiz, Reuters", ("Ana Ruiz",)),
        ("Ana Ruiz, The Daily Star", ("Ana Ruiz",)),
        ("Ana Ruiz, Staff Writer", ("Ana Ruiz",)),
        ("van der Berg, Jan; O'Neill, Sinéad", ("van der Berg, Jan", "O'Neill, Sinéad")),
        ("García Márquez, Gabriel", ("García Márquez, Gabriel",)),
        ("Ruiz, Ana Maria", ("Ruiz, Ana Maria",)),
        ("Food and Drink Desk", ("Food and Drink Desk",)),
        ("By: Ana Ruiz", ("Ana Ruiz",)),
        ("Ana Ruiz and Bo Ek in Ashford", ("Ana Ruiz", "Bo Ek")),
        (["By Ana Ruiz and Bo Ek"], ("Ana Ruiz", "Bo Ek")),
        ({"family": "Berg", "given": "Jan", "dropping-particle": "van der", "suffix": "Jr."},
         ("Jan van der Berg Jr.",)),
        ("Reuters, AFP", ("Reuters", "AFP")),
        ("By Ana Ruiz and Bo Ek", ("Ana Ruiz", "Bo Ek")),
        ([{"given": "Ana", "family": "Ruiz"}, {"first_name": "Bo", "last_name": "Ek"}],
         ("Ana Ruiz", "Bo Ek")),
        ({"original": "By Ana Ruiz and Bo Ek", "person": []}, ("Ana Ruiz", "Bo Ek")),
        ("['Ana Ruiz', \"Bo Ek\"]", ("Ana Ruiz", "Bo Ek")),
        ("['Ana Ruiz", ("['Ana Ruiz",)),
        ({"L": [{"S": "Ana Ruiz"}, {"S": "Bo Ek"}]}, ("Ana Ruiz", "Bo Ek")),
        ({"arrayValue": {"values": [{"stringValue": "Ana Ruiz"}]}}, ("Ana Ruiz",)),
        ({"firstname": "Ana", "lastname": "Ruiz"}, ("Ana Ruiz",)),
    ],
)  # fmt: skip
def test_a_person_is_one_person(value, names):
    assert as_names(value) == names


NAMES = st.text("AnaRuizé,'&.- ", min_size=1).map(lambda name: " ".join(name.split()))


@given(st.lists(NAMES.filter(lambda n: n and not n.lower().startswith("by ")), unique=True))
def test_names_in_one_cell_are_read_as_they_were_written(names):
    assert as_names(as_cell(tuple(names))) == tuple(names)


@pytest.mark.parametrize(
    ("record", "left_out"),
    [
        ({"title": "Ferry", "copy": "The ferry stops in May. " * 20}, "copy"),
        ({"title": "Ferry", "deep": {"er": [{"p": "It stops in May."}] * 20}}, "deep.er.p"),
        ({"text": "It stops.", "page": "<p>The ferry stops.</p>" * 20}, "page"),
        ({"text": "It stops.", "page": "<html><p>The ferry stops.</p>" * 20}, ""),
        ({"title": "Ferry", "page": "<html><p>The ferry stops.</p>" * 20}, "page"),
        ({"text": "It stops.", "picture": "iVBORw0KGgo" * 99}, ""),
        ({"text": "It stops.", "note": "<p class='a b c d'></p>" * 20}, ""),
        ({"text": "It stops in May.", "note": "The ferry stops. " * 5}, ""),
    ],
)
def test_a_field_with_far_more_text_than_was_read_is_named(record, left_out):
    assert read(record).left_out == left_out


def test_a_record_of_unknown_names_is_refused_with_the_options_that_would_read_it():
    record = {
        "name": {"de": "Fähre"},
        "sys": {"at": "2024-03-23", "link": "https://courier.example/1"},
        "payload": {"copy text": "The ferry stops in May. Commuters were told by letter."},
    }
    with pytest.raises(UnreadableArticle) as refused:
        read(record)
    options = "--map text='payload.copy text' --map published=sys.at --map url=sys.link"
    assert refused.value.reason.endswith(f"try {options}")
    article = read(record, "text=payload.copy text", "published=sys.at", "url=sys.link")
    assert (article.text[:9], article.published) == ("The ferry", date(2024, 3, 23))


def test_text_that_is_decoded_binary_data_is_no_article():
    packed = bytes(n * n * 7919 % 251 for n in range(999))
    for encoding in ("utf-8", "latin-1", "cp437"):
        with pytest.raises(UnreadableArticle, match="not made of letters"):
            read({"title": "Rain", "text": packed.decode(encoding, "replace")})


@given(JSON_VALUES)
def test_no_value_is_too_odd(value):
    for name in ("text", "date", "authors", "section", "id"):
        try:
            article = read({"title": "Rain", "text": "It fell.", name: value})
        except UnreadableArticle:
            continue
        assert article.text


@pytest.mark.parametrize("shape", ['{"text": %s}', "[%s]", '{"content": [%s]}', '{"x": [%s]}'])
def test_values_in_one_another_end_somewhere(shape):
    nested = '"It fell."'
    for _ in range(60):
        nested = shape % nested
    assert read({"title": "Rain", "text": json.loads(nested)}).title == "Rain"


def test_a_path_may_have_numbers_of_a_list():
    record = {"authors": [{"name": "Ana"}, {"name": "Bo"}]}
    assert dotted(record, "authors.1.name") == "Bo"
    assert dotted(record, "authors.2.name") is None


def test_names_are_divided_at_once_however_many_blanks_stand_between():
    began = time.perf_counter()
    assert as_names("Ana" + " " * 9_000 + "Ruiz") == ("Ana Ruiz",)
    assert as_names("Ana" + " " * 900_000 + "Ruiz") == ("Ana",)
    assert time.perf_counter() - began < 2


def test_a_few_control_characters_are_no_binary_data():
    assert is_legible("Half a pair and NUL \0 in it. \x01")
    assert not is_legible("\x00\x01\x02\x03\x04\x05 text")
