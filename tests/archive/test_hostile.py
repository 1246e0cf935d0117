"""Tests that no file, however it is made, takes a reader more than seconds or 500 MB of memory."""

import gzip
import json
import subprocess
import sys
from zipfile import ZIP_DEFLATED, ZipFile

import pytest

from tests.builders import ROOT

pytestmark = pytest.mark.crash
MEGABYTE = 1 << 20
MOST_MEMORY = 500  # MB, the interpreter and its libraries included
MOST_SECONDS = 20  # of processor, for a file; six at the most were measured
# Each file is read in a process of its own, forked from one that has loaded what all of them need.
READ = """
import json, os, resource, signal, sys
from pathlib import Path
from backfile.archive.formats.fields import FieldMap
from backfile.archive.formats.files import SourceFile
from backfile.archive.formats.inputs import read_file
loading = sum(os.times()[:2])  # a process that is forked counts from nothing

def read(path):
    found = read_file(SourceFile.at(path, path.name), FieldMap())
    kinds = {type(each).__name__ for each in found}
    took = loading + sum(os.times()[:4])  # of processor, with those of processes that have ended
    status = Path("/proc/self/status")
    if status.exists():  # what getrusage says is at least what whoever started this process had
        memory = int(status.read_text().partition("VmHWM:")[2].split()[0]) >> 10
    else:
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
    return {"kinds": sorted(kinds), "seconds": took, "megabytes": memory}

for line in sys.stdin:
    if child := os.fork():
        _, status = os.waitpid(child, 0)
        print(json.dumps({"status": status}), flush=True)
    else:
        signal.alarm(int(sys.argv[1]))
        print(json.dumps(read(Path(json.loads(line)))), flush=True)
        break
"""
OPENINGS = {
    "a.txt": b"Title\n\nRain fell. ",
    "a.md": b"# Title\n\nRain fell. ",
    "a.html": b"<!DOCTYPE html><html><body><p>Rain fell. ",
    "a.json": b'[{"title": "Rain", "text": "',
    "a.jsonl": b'{"title": "Rain", "text": "It fell."}\n{"text": "',
    "a.csv": b'title,text\nRain,It fell.\nSnow,"',
    "feed.json": b'{"version": "https://jsonfeed.org/version/1.1", "items": [{"content_text": "',
    "feed.xml": b'<?xml version="1.0"?><rss version="2.0"><channel><item><title>',
    "native.txt": b" date 2024-03-23 Rain fell. ",
    "front.md": b"---\ntitle: ",
    "a.nitf": b"<nitf><body><body.content><p>Rain fell. ",
    "message.xml": b"<newsMessage><itemSet><newsItem guid='a'><contentSet><inlineData>Rain fell. ",
    "newsml.xml": b"<NewsML><NewsItem><NewsComponent><ContentItem><DataContent>Rain fell. ",
    "wire.7901": b"\x01ccc0007 4 sp 85\r\n\x02Rain\r\n\r\nIt fell. ",
    "a.eml": b"From: a@b.example\nTo: c@d.example\nSubject: Rain\n\nIt fell. ",
    "a.mbox": b"From a@b.example Sat Mar 23 07:00:00 2024\nSubject: Rain\n\nIt fell. ",
    "a.db": b"SQLite format 3\x00",
    "a.parquet": b"PAR1",
    "lexis.txt": b"1 of 2 DOCUMENTS\n\nCourier\n\nMarch 23, 2024\n\nRain\n\nBODY:\nIt fell. ",
    "a.ris": b"TY  - NEWS\nTI  - ",
    "a.bib": b"@article{a, title={",
    "a.sgm": b"<REUTERS NEWID='1'><TEXT><TITLE>Rain</TITLE><BODY>It fell. ",
    "wxr.xml": b"<rss xmlns:wp='http://wordpress.org/export/1.2/'><channel><item><title>",
    "wiki.xml": b"<mediawiki><page><title>Rain</title><ns>0</ns><revision><text>",
    "alto.xml": b"<alto><Layout><Page><TextBlock><TextLine><String CONTENT='",
    "a.pdf": b"%PDF-1.7\n",
    "a.rtf": b"{\\rtf1 ",
    "a.mhtml": b"From: <Saved by Blink>\nSubject: a\nMIME-Version: 1.0\n"
    b"Content-Type: multipart/related; boundary=x\n\n--x\nContent-Type: text/html\n\n<p>",
    "a.warc": b"WARC/1.0\r\nWARC-Type: response\r\nContent-Length: 9999999999\r\n\r\n",
}
LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
BILLION_LAUGHS = f'<!DOCTYPE rss [<!ENTITY l0 "lol">{LAUGHS}]>'


@pytest.fixture(scope="module")
def read():
    """Reads a file within the bounds; gives the kinds of what is in it."""
    process = subprocess.Popen(
        [sys.executable, "-c", READ, str(MOST_SECONDS * 10)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )

    def read_one(path):
        process.stdin.write(json.dumps(str(path)) + "\n")
        process.stdin.flush()
        told = json.loads(process.stdout.readline())
        assert "kinds" in told, "it has ended; its stderr says why"
        assert json.loads(process.stdout.readline()) == {"status": 0}
        assert told["megabytes"] <= MOST_MEMORY
        assert told["seconds"] <= MOST_SECONDS
        return told["kinds"]

    with process:
        yield read_one
        process.stdin.close()
    assert process.returncode == 0


@pytest.mark.parametrize("name", OPENINGS)
def test_a_gigabyte_of_zeros_behind_an_opening_is_refused(read, tmp_path, name):
    path = tmp_path / name
    path.write_bytes(OPENINGS[name])
    with path.open("r+b") as stream:
        stream.truncate(1024 * MEGABYTE)  # a hole, which takes no room on disk
    assert "UnreadableArticle" in read(path)


@pytest.mark.parametrize("name", OPENINGS)
def test_a_line_of_a_hundred_megabytes_is_refused(read, tmp_path, name):
    path = tmp_path / name
    with path.open("wb") as stream:
        stream.write(OPENINGS[name])
        for _ in range(100):
            stream.write(b"tide " * (MEGABYTE // 5))
    assert "UnreadableArticle" in read(path)


def test_zeros_that_were_packed_small_are_refused(read, tmp_path):
    packed, zipped = tmp_path / "zeros.gz", tmp_path / "zeros.zip"
    with gzip.open(packed, "wb", 1) as stream:
        stream.write(b"Rain fell. ")
        for _ in range(256):
            stream.write(bytes(MEGABYTE))
    with ZipFile(zipped, "w", ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr("zeros.txt", b"Rain fell. " + bytes(256 * MEGABYTE))
    for path in (packed, zipped):
        assert read(path) == ["UnreadableArticle"]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("deep.json", b"[" * 5_000_000),
        ("deep.json", b'{"items": ' * 500_000),
        ("deep.jsonl", b'{"text": ' + b"[" * 1_000_000 + b"]" * 1_000_000 + b"}"),
        ("deep.html", b"<html><body>" + b"<div>" * 1_000_000),
        ("deep.xml", b'<?xml version="1.0"?><rss version="2.0"><channel>' + b"<item>" * 500_000),
        ("deep.md", b"> " * 500_000),
        ("deep.md", b"- " * 500_000 + b"x"),
        ("marks.md", b"*a **b " * 200_000),
        ("front.md", b"---\na: " + b"[" * 200_000),
        ("laughs.xml", f"{BILLION_LAUGHS}<rss><channel><item><title>&l9;</title>".encode()),
        ("blocks.json", b'[{"title": "a", "text": ' + b'{"text": [' * 90 + b"]}" * 90 + b"}]"),
        ("leaves.json", b'[{"title": "a", "x": [' + b'"a b c d e", ' * 900_000 + b'""]}]'),
        ("names.json", b'[{"title": "a", "authors": "' + b"a, b and " * 900_000 + b'"}]'),
        (
            "keys.jsonl",
            b'{"title": "a"' + b"".join(b', "k%d": "a b c"' % n for n in range(300_000)) + b"}",
        ),
        ("wrapped.json", b'[{"data": ' * 1 + b'{"data": ' * 150 + b"1" + b"}" * 151 + b"]"),
        ("marks.txt", b"1 of 2 DOCUMENTS\nLENGTH: 1\n" * 300_000),
        ("letters.txt", b"1 of 2 DOCUMENTS\n" + b"a" * 9_000_000 + b"\nLENGTH: 1\n"),
        ("spaces.txt", b"Document A0000000000a\n1 words\n" + b" " * 9_000_000),
        ("groups.rtf", b"{\\rtf1 " + b"{\\field{" * 500_000),
        ("nested.bib", b"@article{a, title={" + b"{" * 1_000_000),
        ("nested.sgm", b"<REUTERS>" * 500_000),
        (
            "links.xml",
            b"<mediawiki><page><title>a</title><revision><text>"
            + b"[[a|{{b|" * 100_000
            + b"</text></revision></page></mediawiki>",
        ),
        (
            "codes.xml",
            b"<rss xmlns:wp='http://wordpress.org/export/1.2/'><channel><item><title>a"
            b"</title><encoded>" + b"[caption a=" * 500_000 + b"</encoded></item></channel></rss>",
        ),
        ("before.html", b"<!-- " * 500_000 + b"<html><p>Rain"),
        ("commas.csv", b"title,text\n" + b"," * 5_000_000),
        ("columns.csv", b"title,text" + b",c" * 1_000_000 + b"\n1,2\n"),
        ("quotes.csv", b"title,text\n" + b'"a","' * 500_000),
    ],
)
def test_what_is_nested_or_repeated_without_end_is_read_or_refused_at_once(
    read, tmp_path, name, content
):
    (tmp_path / name).write_bytes(content)
    assert set(read(tmp_path / name)) <= {"Article", "UnreadableArticle"}
