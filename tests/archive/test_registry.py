"""Tests of how a file's format is told, and that no file at all makes a reader raise."""

import gzip
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backfile.archive.formats import registry
from backfile.archive.formats.fields import FieldMap
from backfile.archive.formats.files import SourceFile
from backfile.archive.formats.inputs import Reading, read_file
from backfile.archive.formats.registry import format_of
from backfile.archive.model.article import Article
from backfile.archive.model.errors import UnreadableArticle

SUFFIXES = ["", ".txt", ".md", ".json", ".jsonl", ".csv", ".tsv", ".gz", ".jsonl.gz", ".pdf"]
OPENINGS = [
    *(b"", b"---\ntitle: ", b"# ", b" date 2023-11-04 ", b"title,text,date\n", b"text;title\n"),
    *(b'{"text": "a"}\n{"text": ', b'[{"text": "a"}, {"date": ', b'{"items": [{"text": '),
    *(
        b"SQLite format 3\x00",
        b"PAR1",
        b"From a@b 10:00 2024\nTo: c\n",
        b"From: a\nTo: b\nDate: c\n",
    ),
    *(b"sep=;\n", b"id\ttitle\ttext\n\\N\t", b"From: a\nTo: b\nContent-Type: multipart/mixed;"),
    *(
        b"TY  - NEWS\nTI  - ",
        b"@misc{a, title={",
        b"1 of 2 DOCUMENTS\n\nLENGTH: 1\n",
        b"<DOC><DOCNO>",
    ),
    *(b"<alto><Page>", b"<mediawiki><page>", b"{\\rtf1 ", b"PK\x03\x04", b"<opml>", b"<urlset>"),
    *(b"\x1f\x8b\x08", b"\xef\xbb\xbf", b"\xff\xfe", b"\xff\xfe\x00\x00", b"<html>", b"%PDF"),
]
BODIES = st.binary(max_size=200) | st.text(
    st.sampled_from('ab1 \n"{}[]:,;-&*!|#é\u2028'), max_size=80
).map(str.encode)


@pytest.mark.long
@given(st.sampled_from(SUFFIXES), st.sampled_from(OPENINGS), BODIES, st.integers(0, 300))
@settings(max_examples=200, deadline=None)
def test_a_reader_never_raises_on_arbitrary_bytes(tmp_path_factory, suffix, opening, body, cut):
    content = opening + body
    if suffix.endswith(".gz"):
        content = gzip.compress(content)[: max(cut, 1)]
    path = tmp_path_factory.getbasetemp() / f"arbitrary{suffix}"
    path.write_bytes(content)
    for found in read_file(SourceFile.at(path, path.name), FieldMap()):
        assert isinstance(found, Article | UnreadableArticle)
        assert str(found)


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.txt", b"", "the file is empty"),
        ("a.json", b" \n\t ", "the file is empty"),
        ("a.txt", b"Rain\x00\x01\x02", "not text (binary data)"),
        ("a.html", b"<!DOCTYPE html><p>", "no article was found on the page"),
        ("a.txt", b"<!-- x --> <HTML></HTML>", "no article was found on the page"),
        (
            "a.xml",
            b"<?xml version='1.0'?><a/>",
            "XML of a kind that is not read (a); convert to JSON",
        ),
        ("feed", b"<rss version='2.0'/>", "no entries"),
        (
            "a.pdf",
            b"%PDF-1.7 Rain",
            "not a PDF that can be read (Failed to load document (PDFium: Data format error).)",
        ),
        ("a.docx", b"PK\x03\x04Rain", "the compressed data is cut short or damaged"),
        ("a.log", b"Rain fell.", "no reader for this kind of file (.log)"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_reason(tmp_path, name, content, reason):
    (tmp_path / name).write_bytes(content)
    (refused,) = Reading([tmp_path], FieldMap())
    assert (refused.origin, refused.reason) == (str(tmp_path / name), reason)


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("a.txt", '{"text": "Rain"}\n{"text": "Snow"}', "JSON Lines"),
        ("a.json", '{"text": "Rain"}\n{"text": "Snow"}', "JSON Lines"),
        ("a.jsonl", '{"text": "Rain"}', "JSON Lines"),
        ("a.txt", '[{"text": "Rain"}]', "JSON"),
        ("a", " date 2023-11-04 Rain fell.", "native"),
        ("a.csv", "a,b\n1,2", "table"),
        ("a.txt", '"Title";"Text"\nAsh;Rain', "table"),
        ("a.txt", "# Ash\n\nRain", "Markdown"),
        ("a.md", "Rain", "Markdown"),
        ("a.txt", "Title, text and tide\n\nRain", "plain text"),
        ("a.txt", "[Photo] Rain fell.", "plain text"),
        ("a.html", "Warning: no such key in x.php<br />\n<!DOCTYPE html><html>", "web page"),
        ("a", "Notice: x\n<html lang=en><head><title>Rain</title>", "web page"),
        ("a.htm", "<p>Rain fell.</p>", "web page"),
        ("a.html", '{"text": "Rain"}', "JSON"),
        ("a.txt", "About <html> and <body>: two tags", "plain text"),
        ("a", "<p>Rain</p>", "plain text"),
        ("a", "<news><story>Rain</story></news>", "other XML"),
        ("a.json", "<rss version='2.0'><channel/></rss>", "feed"),
        ("a", "Delivered-To: a@b.example\nSubject: Rain\n\nIt fell.", "mail"),
        ("a", "X-Odd: 1\nReceived: by x\nFrom: a@b.example\n\nIt fell.", "mail"),
        ("a.txt", "Subject: Rain\nDate: today\n\nIt fell.", "plain text"),
    ],
)
def test_a_format_is_told_by_content_first(tmp_path, name, content, expected):
    (tmp_path / name).write_text(content)
    assert format_of(SourceFile.at(tmp_path / name, name)).name == expected


def test_a_reading_goes_on_after_a_refusal_and_counts_its_bytes(tmp_path):
    for name, content in [("a.txt", "Rain fell."), ("b.pdf", "%PDF"), ("c.txt", "Snow fell.")]:
        (tmp_path / name).write_text(content)
    (tmp_path / ".hidden.txt").write_text("Fog.")
    reading = Reading([tmp_path], FieldMap())
    assert (reading.bytes_done, reading.bytes_total) == (0, 24)
    rain, refused, snow = reading
    assert (rain.text, snow.text) == ("Rain fell.", "Snow fell.")
    assert refused.origin.endswith("b.pdf")
    assert reading.bytes_done == 24


def test_an_id_does_not_depend_on_the_name_of_a_folder(tmp_path):
    ids = set()
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.txt").write_text("Rain fell.")
        ids |= {found.id for found in Reading([tmp_path / name], FieldMap())}
    assert len(ids) == 1


def test_a_file_that_went_meanwhile_is_refused(tmp_path):
    (refused,) = read_file(SourceFile.at(tmp_path / "gone.txt", "gone.txt"), FieldMap())
    assert refused.reason == "No such file or directory"


def test_a_file_that_goes_during_the_reading_is_refused_and_the_rest_is_read(tmp_path):
    for name in ("a.txt", "b.txt", "c.txt"):
        (tmp_path / name).write_text("Rain fell.")
    reading = Reading([tmp_path], FieldMap())
    found = iter(reading)
    next(found)
    (tmp_path / "a.txt").unlink()
    (tmp_path / "b.txt").unlink()
    refused, last = found
    assert refused.reason == "No such file or directory"
    assert last.origin.file.endswith("c.txt")
    assert reading.bytes_done == reading.bytes_total == 30


def test_a_file_is_recognised_at_once_whatever_it_opens_with():
    heads = ("<!-- -->" * 8_000, "<" + "a" * 60_000, "<a" + " " * 60_000, "<!--" * 15_000)
    began = time.perf_counter()
    for head in heads:
        for pattern in (registry.HTML_OPENING, registry.XML_OPENING, registry.TAG_OPENING):
            assert not pattern.match(f"{head}x")
    assert time.perf_counter() - began < 2
