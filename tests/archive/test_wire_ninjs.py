"""Tests of ninjs: each generation's names, its rules, and what is no article."""

import json
from datetime import UTC, date, datetime

import pytest

from backfile.archive.formats.fields import FieldMap
from backfile.archive.formats.files import SourceFile
from backfile.archive.formats.inputs import read_file
from backfile.archive.formats.wire.ninjs import is_ninjs, read_item
from backfile.archive.model.article import Article, Origin
from backfile.archive.model.errors import UnreadableArticle, WithdrawnArticle
from tests.builders import NINJS

THIRD = {
    "standard": {"name": "ninjs", "version": "3.0"},
    "uri": "urn:cc:8",
    "type": "text",
    "version": "2",
    "versionCreated": "2024-03-24T09:00:00-05:00",
    "pubStatus": "usable",
    "language": "de",
    "headlines": [{"role": "sub", "value": "Zweitens"}, {"role": "main", "value": "Fähre"}],
    "by": "Von Ana Ruiz, dpa",
    "copyrightHolder": "dpa",
    "subjects": [{"name": "Verkehr"}],
    "bodies": [
        {"role": "text", "contentType": "text/plain", "value": "Die Fähre hört auf."},
        {"role": "xhtml", "contentType": "text/html", "value": "<body><p>Die Fähre hört auf.</p>"},
    ],
    "associations": [{"name": "photo", "uri": "x", "versionCreated": "2024-03-24"}],
}


@pytest.fixture
def read(tmp_path):
    def read_all(content, name="a.json", names=None):
        path = tmp_path / name
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return list(read_file(SourceFile.at(path, name), names or FieldMap()))

    return read_all


@pytest.fixture
def read_at():
    return lambda item, now: read_item(item, Origin("a", 1), lambda: now)


def test_the_first_generation_is_read(read):
    (article,) = read(NINJS)
    assert (article.id, article.url, article.version) == (NINJS["uri"], NINJS["uri"], 3)
    assert (article.title, article.text) == ("Night ferry stops", "The ferry stops.\n\nIn May.")
    assert article.authors == ("Ana Ruiz", "José Núñez")
    assert (article.section, article.source) == ("transport", "Coastal Courier")
    assert (article.published, article.language) == (date(2024, 3, 23), "en")


def test_the_third_generation_is_read(read):
    (article,) = read(THIRD)
    assert (article.id, article.url, article.version) == ("urn:cc:8", "", 2)
    assert (article.title, article.text) == ("Fähre", "Die Fähre hört auf.")
    assert (article.authors, article.source) == (("Ana Ruiz",), "dpa")
    assert (article.section, article.published) == ("Verkehr", date(2024, 3, 24))


def test_items_are_read_alone_in_lists_and_in_lines(read):
    assert len(read([NINJS, THIRD])) == 2
    assert len(read({"items": [NINJS, THIRD]})) == 2
    lines = json.dumps(NINJS) + "\n" + json.dumps(THIRD)
    assert [found.origin.offset for found in read(lines, "a.jsonl")] == [1, 2]


def test_a_map_of_names_goes_before_what_the_format_says(read):
    (article,) = read(NINJS, names=FieldMap({"text": "slugline"}))
    assert article.text == "ferry-vote"


@pytest.mark.parametrize(
    "record",
    [
        {"title": "A", "text": "B", "uri": "c"},
        {"uri": "c", "content": "B", "versioncreated": "2024-03-23"},
        {"uri": "c", "colour": "red"},
        {"uri": "c", "body": "B", "versioncreated": "2024-03-23"},
        {"headline": "A", "body_text": "B"},
        ["uri"],
        "uri",
    ],
)
def test_other_json_is_not_taken_for_ninjs(record):
    assert not is_ninjs(record)


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("picture", "a picture without text"),
        ("video", "a video without text"),
        ("audio", "an audio without text"),
        ("composite", "an item of ninjs without text"),
        ("event", "an event, not news"),
        ("planning", "planned coverage, not news"),
    ],
)
def test_what_has_no_text_is_refused_as_what_it_is(read, kind, reason):
    item = {"uri": "u", "type": kind, "headline": "A", "description_text": "A caption."}
    (refused,) = read(item)
    assert refused.reason == reason


def test_a_text_that_is_only_described_is_read_by_its_description(read):
    (article,) = read({"uri": "u", "type": "text", "headline": "A", "description_text": "A lead."})
    assert (article.title, article.text) == ("A", "A lead.")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"uri": None}, "no uri"),
        ({"uri": ""}, "no uri"),
        ({"version": 2}, "version is not a text"),
        ({"type": "story"}, "type is 'story', not one of text, audio"),
        ({"pubstatus": "commissioned"}, "pubstatus is 'commissioned', not one of usable"),
        ({"subject": "Sport"}, "subject is not a list of objects"),
        ({"subject": ["Sport"]}, "subject is not a list of objects"),
        ({"urgency": "high"}, "urgency is not a number"),
        ({"rightsinfo": "x"}, "rightsinfo is not an object"),
        ({"body_text": {"a": 1}}, "body_text is not a text"),
        ({"bodies": [{"role": "main"}]}, "bodies is not a list of objects with a text"),
        ({"associations": 7}, "associations is not an object or a list"),
        ({"associations": {"a": 7}}, "an association is not an object"),
        ({"associations": {"a": {"uri": "x", "odd": 1}}}, "an association has a property"),
        ({"associations": [{"uri": "x"}]}, "an association without name"),
        ({"associations": [{"name": "x"}]}, "an association without uri"),
    ],
)
def test_an_item_that_breaks_a_rule_is_refused_with_the_rule(read, change, reason):
    (refused,) = read({**NINJS, **change})
    assert isinstance(refused, UnreadableArticle)
    assert refused.reason.startswith(f"not valid ninjs: {reason}")


def test_a_table_is_not_held_to_the_rules_of_ninjs(read):
    (article,) = read("uri,headline,body_text,subject\nu,Ash,Rain fell.,Sport\n", "a.csv")
    assert (article.id, article.text) == ("u", "Rain fell.")


def test_an_agencys_own_names_are_no_fault(read):
    own = {"priority": 6, "service": [{"name": "National"}], "source": "CC Wire"}
    (article,) = read({**NINJS, **own, "associations": {"a": {"guid": "x", "priority": 6}}})
    assert article.source == "CC Wire"


@pytest.mark.parametrize("status", ["canceled", "cancelled", "withheld"])
def test_an_item_that_is_taken_back_names_its_article_and_version(read, status):
    (withdrawn,) = read({"uri": "u", "version": "4", "pubstatus": status})
    assert isinstance(withdrawn, WithdrawnArticle)
    assert (withdrawn.article_id, withdrawn.version) == ("u", 4)


@pytest.mark.parametrize("name", ["embargoed", "embargoedUntil"])
def test_an_embargo_keeps_an_item_out_until_it_ends(read_at, name):
    item = {**NINJS, name: "2024-03-25T12:00:00Z"}
    refused = read_at(item, datetime(2024, 3, 25, tzinfo=UTC))
    assert refused.reason == "under embargo until 2024-03-25T12:00:00+00:00"
    assert isinstance(read_at(item, datetime(2024, 3, 26, tzinfo=UTC)), Article)


def test_a_body_of_nitf_brings_its_own_headline_and_byline(read):
    nitf = """<?xml version="1.0" encoding="latin-1"?><nitf><body><body.head><hedline><hl1>Fähre
    </hl1></hedline><byline>By Ana Ruiz</byline></body.head>
    <body.content><p>Rain.</p></body.content></body></nitf>"""
    bodies = [{"contentType": "text/vnd.IPTC.NITF", "value": nitf}]
    (article,) = read({"uri": "u", "title": "x", "bodies": bodies})
    assert (article.title, article.text, article.authors) == ("Fähre", "Rain.", ("Ana Ruiz",))


def test_a_summary_is_not_taken_where_the_whole_text_is_there(read):
    bodies = [
        {"contentType": "text/html", "value": "<p>Short.</p>"},
        {"contentType": "text/plain", "value": "The whole text, which is longer.\nAnd more."},
        {"contentType": "application/xml", "value": "<TTNITF>A format of its own</TTNITF>"},
    ]
    (article,) = read({"uri": "u", "bodies": bodies})
    assert article.text == "The whole text, which is longer.\nAnd more."


def test_a_schema_is_no_article(read):
    (refused,) = read({"$schema": "http://json-schema.org/draft-07/schema#", "title": "ninjs"})
    assert refused.reason == "a JSON Schema, not an article"
