"""Tests of web archives: packed pages, members, and files that break off."""

import gzip
import zlib
from functools import partial

import brotli
import pytest
import zstandard

from backfile.archive.formats.fields import FieldMap
from backfile.archive.formats.files import SourceFile, open_bytes
from backfile.archive.formats.inputs import read_file
from backfile.archive.formats.web import web_archives
from backfile.archive.formats.web.content_codings import StillCoded, decoded
from backfile.archive.model.article import Article
from tests.builders import warc, web_page, web_response

PAGE = web_page().encode()
MOST = 1 << 24
PACKED = {
    "br": brotli.compress(PAGE),
    "zstd": zstandard.compress(PAGE),
    "gzip": gzip.compress(PAGE),
    "x-gzip": gzip.compress(PAGE[:99]) + gzip.compress(PAGE[99:]),
    "deflate": zlib.compress(PAGE),
    "Deflate": zlib.compress(PAGE)[2:-4],
    "gzip, br": brotli.compress(gzip.compress(PAGE)),
    "identity": PAGE,
}


def read(content, name="news.warc.gz"):
    return list(read_file(SourceFile(name, name, partial(open_bytes, content)), FieldMap()))


def coded_response(coding, body, address="https://courier.example/ferry"):
    headers = [("Content-Type", "text/html; charset=utf-8"), ("Content-Encoding", coding)]
    return address, "200 OK", headers, body


@pytest.mark.parametrize("coding", PACKED)
def test_a_page_is_read_whatever_coding_it_was_sent_in(coding):
    (article,) = read(warc(coded_response(coding, PACKED[coding])))
    assert article.text == read(warc(coded_response("identity", PAGE)))[0].text


@pytest.mark.parametrize("coding", ["br", "gzip", "aes128gcm"])
def test_a_page_that_was_stored_without_its_coding_is_read(coding):
    (article,) = read(warc(coded_response(coding, PAGE)))
    assert "night ferry" in article.text


def test_a_page_in_a_coding_that_nobody_knows_is_refused():
    (refused,) = read(warc(coded_response("aes128gcm", b"\x01\x99\xfe" * 99)))
    assert refused.reason == "packed in a way that is not known (Content-Encoding: aes128gcm)"


@pytest.mark.parametrize("coding", ["br", "zstd", "gzip", "deflate"])
def test_a_packed_page_that_is_cut_or_damaged_is_refused(coding):
    content = PACKED[coding]
    for cut in range(1, len(content)):
        with pytest.raises(StillCoded):
            decoded(content[:cut], coding, MOST)
    with pytest.raises(StillCoded, match="damaged"):
        decoded(content[:9] + b"\xff" * 99, coding, MOST)


@pytest.mark.parametrize("coding", ["br", "zstd", "gzip"])
def test_a_bomb_is_unpacked_to_the_limit_only(coding):
    zeros = bytes(1 << 26)
    pack = {"br": partial(brotli.compress, quality=3), "zstd": zstandard.compress}
    bomb = pack.get(coding, gzip.compress)(zeros)
    assert len(decoded(bomb, coding, MOST)) == MOST + 1


def whole(packing):
    pages = [web_response(f"https://courier.example/{n}", PAGE) for n in range(3)]
    content = warc(*pages, compressed=packing == "members")
    return gzip.compress(content) if packing == "one member" else content


@pytest.mark.parametrize("packing", ["members", "one member", "plain"])
def test_a_web_archive_is_read_however_it_is_packed(packing):
    found = read(whole(packing))
    assert [each.url[-1] for each in found] == ["0", "1", "2"]
    offsets = [each.origin.offset for each in found]
    assert offsets == sorted(set(offsets))


@pytest.mark.parametrize(
    ("packing", "end"), [("members", 1), ("one member", 1), ("plain", len("\r\n\r\n") + 1)]
)
def test_wherever_a_web_archive_is_cut_that_is_said_once(packing, end):
    content = whole(packing)
    boundaries = {each.origin.offset for each in read(content)} if packing != "one member" else ()
    for cut in [*range(30, len(content) - end, 17), *range(len(content) - 40, len(content) - end)]:
        found = read(content[:cut])
        refused = [each for each in found if not isinstance(each, Article)]
        assert len(refused) == (cut not in boundaries), cut


def test_a_cut_is_reported_at_its_record():
    content = whole("members")
    offset = read(content)[2].origin.offset
    for cut in (offset + 5, offset + 60, len(content) - 3):  # gzip's header, the record's, the end
        *_, refused = read(content[:cut])
        assert refused.reason == "the record breaks off"
        assert refused.origin.endswith(f":{offset}")


def test_a_damaged_member_ends_the_reading_and_that_is_said():
    content = bytearray(whole("members"))
    offset = read(bytes(content))[1].origin.offset
    content[offset + 200 : offset + 240] = b"\xff" * 40
    first, refused = read(bytes(content))
    assert first.url == "https://courier.example/0"
    assert refused.reason == "a damaged record; nothing behind it was read"


def test_padding_between_members_is_no_damage():
    one, two = (warc(web_response(f"https://courier.example/{n}", PAGE)) for n in range(2))
    assert [each.url[-1] for each in read(one + bytes(512) + two + b"\n")] == ["0", "1"]


def test_a_page_that_is_too_long_unpacked_is_refused(monkeypatch):
    monkeypatch.setattr(web_archives, "LONGEST_RECORD", 1 << 20)
    page = b"<html>" + bytes(1 << 21)
    (refused,) = read(warc(coded_response("br", brotli.compress(page, quality=3))))
    assert refused.reason == "longer than 1 MiB, too long for one page"


@pytest.mark.parametrize("name", ["a.html", "a.txt", "a.csv", "a.md", "a"])
def test_packed_data_is_no_text_whatever_it_is_called(name):
    (refused,) = read(brotli.compress(bytes(n * n % 251 for n in range(1 << 16)))[16:], name)
    assert not isinstance(refused, Article)
