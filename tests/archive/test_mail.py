"""Tests of mail as input: a newsletter is an article, whatever its parts and encodings."""

import json
import random
import time
import tracemalloc
from datetime import date
from email.message import EmailMessage

import pytest

from backfile.archive.formats import mail
from backfile.archive.formats.fields import FieldMap
from backfile.archive.formats.files import LONGEST_TEXT, SourceFile
from backfile.archive.formats.inputs import read_file
from backfile.archive.formats.registry import format_of
from backfile.archive.model.article import Article, Origin
from backfile.archive.model.errors import UnreadableArticle
from tests.builders import backfile, zipped

LETTER = b"""Received: from mail.courier.example by mx.example; Sun, 24 Mar 2024 04:40:01 +0000
Message-ID: <morning-1@courier.example>
Date: Sat, 23 Mar 2024 23:40:00 -0500 (EST)
From: =?utf-8?q?Der_K=C3=BCsten-Kurier?= <news@courier.example>
To: readers@courier.example
List-Id: "Morning Briefing" <morning.courier.example>
Content-Language: de
Archived-At: <https://courier.example/morning/1>
Subject: =?iso-8859-1?Q?Drehbr=FCcke?= =?utf-8?b?IGdlc2NobG9zc2Vu?=
Content-Type: text/plain; charset="iso-8859-1"
Content-Transfer-Encoding: quoted-printable

Die Drehbr=FCcke ist geschlossen. Fu=DFg=E4nger nehmen die =
F=E4hre.
"""
DIVIDER = b"From news@courier.example Sat Mar 23 07:00:00 2024\n"


@pytest.fixture
def read(tmp_path):
    def read_all(content, name="a.eml"):
        content = content if isinstance(content, bytes) else content.as_bytes()
        (tmp_path / name).write_bytes(content)
        return list(read_file(SourceFile.at(tmp_path / name, f"in/{name}"), FieldMap()))

    return read_all


def letter(title="Ferry", text="The night ferry stops.", html=""):
    made = EmailMessage()
    made["From"], made["To"], made["Subject"] = "Courier <news@courier.example>", "a@b", title
    made["Date"] = "Sat, 23 Mar 2024 07:00:00 +0000"
    made.set_content(text)
    if html:
        made.add_alternative(html, subtype="html")
    return made


def test_what_the_headers_say_is_what_the_article_has(read):
    (article,) = read(LETTER)
    assert article.id == "morning-1@courier.example"
    assert article.title == "Drehbrücke geschlossen"
    assert article.text == "Die Drehbrücke ist geschlossen. Fußgänger nehmen die Fähre."
    assert (article.source, article.section) == ("Der Küsten-Kurier", "Morning Briefing")
    assert article.published == date(2024, 3, 23)  # where it was sent, it was still Saturday
    assert article.published_at.isoformat() == "2024-03-23T23:40:00-05:00"
    assert (article.language, article.url) == ("de", "https://courier.example/morning/1")


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
@pytest.mark.parametrize("name", ["a.eml", "a.txt", "a"])
def test_mail_is_known_by_its_headers(tmp_path, name, end):
    (tmp_path / name).write_bytes(LETTER.replace(b"\n", end))
    assert format_of(SourceFile.at(tmp_path / name, name)).name == "mail"


@pytest.mark.parametrize(
    "content", ["Date: Monday\nPlace: Ash\n\nRain fell.", "From: here\nto there, rain fell."]
)
def test_a_text_that_only_begins_like_mail_is_none(tmp_path, content):
    (tmp_path / "a.txt").write_text(content)
    assert format_of(SourceFile.at(tmp_path / "a.txt", "a.txt")).name == "plain text"


def test_the_marked_up_form_is_read_unless_the_plain_one_says_much_more(read):
    html = (
        "<div style='display: none'>Preview</div><h1>Ferry</h1><p>The <b>night</b> ferry stops.</p>"
    )
    links = "View online ( https://courier.example/x )\nThe night ferry\nstops."
    assert read(letter(text=links, html=html))[0].text == "Ferry\n\nThe night ferry stops."
    plain = "The night ferry stops. Nobody was asked, and many are angry about it."
    assert read(letter(text=plain, html="<img src=x> Open online"))[0].text == plain


def test_a_refused_message_does_not_name_an_option_that_mail_is_read_without(tmp_path):
    headers = [line for line in LETTER.splitlines()[:9] if not line.startswith(b"Subject")]
    (tmp_path / "a.eml").write_bytes(b"\n".join([*headers, b"", "\u200b".encode()]))
    file = SourceFile.at(tmp_path / "a.eml", "a.eml")
    (refused,) = read_file(file, FieldMap.from_options(()))
    assert "no text and no title" in refused.reason
    assert "--map" not in refused.reason


def test_a_part_of_no_or_a_wrong_encoding_is_read_in_the_likeliest(read):
    for said in (b"", b'; charset="x-unknown"', b'; charset="utf-8"', b'; charset="us-ascii"'):
        content = LETTER.replace(b'; charset="iso-8859-1"', said)
        assert "Drehbrücke" in read(content)[0].text


def test_raw_bytes_in_a_header_are_read_too(read):
    raw = LETTER.replace(
        b"=?iso-8859-1?Q?Drehbr=FCcke?= =?utf-8?b?IGdlc2NobG9zc2Vu?=", b"Die Br\xfccke"
    )
    assert read(raw)[0].title == "Die Brücke"
    raw = LETTER.replace(b"=?iso-8859-1?Q?", b"=?x-none?Q?")
    assert read(raw)[0].title.endswith("geschlossen")


def test_lines_that_were_only_wrapped_for_mail_are_joined(read):
    flowed = LETTER.replace(b"text/plain;", b"text/plain; format=flowed;").replace(
        b"Die Drehbr=FCcke ist geschlossen.", b"Die Drehbr=FCcke =20\nist zu.\n> Zitat"
    )
    assert read(flowed)[0].text.startswith("Die Drehbrücke  ist zu.\n> Zitat")


def test_attachments_are_left_out_and_attached_messages_are_articles(read):
    outer = letter("Fwd: two stories", "See below.")
    outer.add_attachment(b"%PDF", maintype="application", subtype="pdf", filename="a.pdf")
    outer.add_attachment("A note of its own.", filename="note.txt")
    outer.add_attachment(letter("Ferry", "The night ferry stops."))
    outer.add_attachment(letter("Bridge", "The bridge is shut."))
    found = read(outer)
    assert [each.title for each in found] == ["Fwd: two stories", "Ferry", "Bridge"]
    assert found[0].text == "See below."
    assert len({each.id for each in found}) == 3


def test_attached_messages_stay_apart_in_every_run(tmp_path):
    outer = letter("Fwd: two stories", "See below.")
    outer.add_attachment(letter("Ferry", "The night ferry stops."))
    outer.add_attachment(letter("Bridge", "The bridge is shut."))
    (tmp_path / "a.eml").write_bytes(outer.as_bytes())
    for new, unchanged in ((3, 0), (0, 3)):
        archive = ("--archive", tmp_path / "archive", "--no-vectors", "--json")
        report = json.loads(backfile("index", tmp_path / "a.eml", *archive).stdout)
        assert (report["new"], report["unchanged"], report["refused"]) == (new, unchanged, [])


def test_a_message_without_text_is_refused_with_what_it_has(read):
    made = letter()
    made.set_content(b"%PDF", maintype="application", subtype="pdf")
    (refused,) = read(made)
    assert refused.reason == "no text in the message (application/pdf)"


def test_a_mailbox_is_read_message_by_message(read, tmp_path):
    quoted = LETTER.replace(b"Die Dreh", b">From here on:\n\nFrom above to below\nDie Dreh")
    content = DIVIDER + quoted + b"\n" + DIVIDER + letter().as_bytes() + b"\n" + DIVIDER + b"\n"
    first, second, refused = read(content, "news.mbox")
    assert first.text.startswith("From here on:\n\nFrom above to below\nDie Drehbr")
    assert [str(a.origin) for a in (first, second)] == [
        f"{tmp_path / 'news.mbox'}:{n}" for n in (1, 2)
    ]
    assert refused.origin.endswith("news.mbox:3")


@pytest.mark.parametrize("name", ["a/news.eml", "a/news.mbox"])
def test_mail_in_a_zip_is_read(read, name):
    content = LETTER if name.endswith("eml") else DIVIDER + LETTER
    (article,) = read(zipped((name, content)), "mail.zip")
    assert article.title == "Drehbrücke geschlossen"
    assert article.origin.file.endswith(f"mail.zip!/{name}")


def test_a_message_too_long_is_refused_and_the_next_is_read(read):
    long = DIVIDER + LETTER + (b"Rain. " * 10_000 + b"\n") * (LONGEST_TEXT // 60_000 + 1)
    refused, article = read(long + b"\n" + DIVIDER + LETTER, "a.mbox")
    assert refused.reason.startswith("a message of more than")
    assert isinstance(article, Article)


def test_a_large_mailbox_is_streamed(tmp_path):
    message = (
        DIVIDER + LETTER.replace(b"text/plain", b"image/png") + b"Rain fell. " * 90_000 + b"\n\n"
    )
    (tmp_path / "a.mbox").write_bytes(message * 30)
    tracemalloc.start()
    file = SourceFile.at(tmp_path / "a.mbox", "a.mbox")
    assert sum(1 for _ in read_file(file, FieldMap())) == 30
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(message) * 30 > 29_000_000
    assert peak < 12_000_000


@pytest.mark.parametrize(
    "body",
    [
        b"\n--b" * 1_000_000,
        b"".join(b'\n--b%d\nContent-Type: multipart/mixed; boundary="b%d"\n' % (n, n + 1)
                 for n in range(5_000)),
        b"\n--b0\nContent-Type: text/plain" + b";a" * 1_000_000 + b"\n\nRain.",
        b"\n--b0\nContent-Type: text/plain" + b";a\n " * 1_000_000 + b"\n\nRain.",
        b"\n--b0\nContent-Type: message/rfc822\n\nSubject: x" * 5_000,
        b"\n--b0\nContent-Type: text/html\n\n" + b"<div>" * 300_000,
    ],
)  # fmt: skip
def test_hostile_mail_is_refused_or_read_within_seconds(read, body):
    opening = b'From: a\nTo: b\nSubject: c\nContent-Type: multipart/mixed; boundary="b0"\n'
    begun = time.monotonic()
    found = read(opening + body)
    assert found
    assert time.monotonic() - begun < 5


@pytest.mark.parametrize("seed", range(80))
def test_a_damaged_message_never_raises(read, seed):
    chance = random.Random(seed)
    whole = letter(html="<p>The ferry.</p>")
    whole.add_attachment(letter("Inner", "Inside."))
    content = bytearray(chance.choice((LETTER, DIVIDER + LETTER, whole.as_bytes())))
    for _ in range(chance.choice((1, 5, 40))):
        content[chance.randrange(len(content))] = chance.choice(b'\x00\x80\xff=?\n\r:;" ()<>-az')
    for found in mail.articles_in(bytes(content), Origin("a.eml", 1)):
        assert isinstance(found, Article | UnreadableArticle)
