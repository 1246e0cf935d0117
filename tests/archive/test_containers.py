"""Tests of files that hold files: what is in them is read, and what would do harm is refused."""

import bz2
import io
import lzma
import tarfile
from functools import partial

import pytest

from backfile.archive.formats.containers import IN_MEMORY, in_tar, in_zip
from backfile.archive.formats.fields import FieldMap
from backfile.archive.formats.files import SourceFile, open_bytes
from backfile.archive.formats.inputs import read_file
from backfile.archive.model.article import Article, Origin
from backfile.archive.model.errors import UnreadableArticle
from tests.builders import FERRY_ITEM, ROOT, rss, warc, web_page, web_response, zipped

WARCS = ROOT.parent / "shared/data/formats/warc_warcio"
RECORD = b'{"id": "r1", "title": "Ferry", "text": "The night ferry stops."}\n'


@pytest.fixture
def read(tmp_path):
    def read_all(content, name="news.zip"):
        (tmp_path / name).write_bytes(content)
        return list(read_file(SourceFile.at(tmp_path / name, f"in/{name}"), FieldMap()))

    return read_all


def tarred(*members, mode="w"):
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode=mode) as opened:
        for name, content in members:
            info = tarfile.TarInfo(name)
            if isinstance(content, bytes):
                info.size = len(content)
                opened.addfile(info, io.BytesIO(content))
            else:
                info.type, info.linkname = content
                opened.addfile(info)
    return made.getvalue()


MEMBERS = [
    ("dump/a.jsonl", RECORD),
    ("pages/ferry.html", web_page().encode()),
    ("feed.xml", rss(FERRY_ITEM).encode()),
    (".hidden.txt", b"Not this."),
    ("__MACOSX/a.txt", b"Nor this."),
]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("news.zip", zipped(*MEMBERS)),
        ("news.tar", tarred(*MEMBERS)),
        ("news.tgz", tarred(*MEMBERS, mode="w:gz")),
        ("news", tarred(*MEMBERS, mode="w:xz")),
        ("news.tar.bz2", tarred(*MEMBERS, mode="w:bz2")),
    ],
)
def test_everything_in_a_container_is_read(read, tmp_path, name, content):
    found = read(content, name)
    assert [article.title for article in found] == [
        "Ferry",
        "Ferry - Coastal Courier",
        "Night ferry & letters",
    ]
    assert found[1].origin == Origin(f"{tmp_path / name}!/pages/ferry.html", 1)
    assert found[1].origin.path == tmp_path / name


@pytest.mark.parametrize(("pack", "suffix"), [(bz2.compress, ".bz2"), (lzma.compress, ".xz")])
def test_a_single_packed_file_is_read(read, tmp_path, pack, suffix):
    (article,) = read(pack(RECORD), f"news.jsonl{suffix}")
    assert article.title == "Ferry"
    assert article.origin.file == f"{tmp_path / 'news.jsonl'}{suffix}!/news.jsonl"
    found = read(pack(RECORD * 9)[:-9], f"news.jsonl{suffix}")
    assert found[-1].reason == "the compressed data is cut short or damaged"


def test_a_large_member_of_a_tar_is_sought_again(read):
    large = RECORD.replace(b"}", b', "scan": "' + b"x" * IN_MEMORY + b'"}')
    found = read(tarred(("a.jsonl", RECORD), ("b.jsonl", large), mode="w:gz"), "news.tar.gz")
    assert [article.title for article in found] == ["Ferry", "Ferry"]


def test_containers_are_walked_in_one_another_but_not_for_ever(read):
    inner = zipped(("a.txt", b"Ferry\n\nThe night ferry stops."))
    (article,) = read(zipped(("b.tar", tarred(("c.zip", inner)))))
    assert article.text == "The night ferry stops."
    assert article.origin.file.endswith("news.zip!/b.tar!/c.zip!/a.txt")
    for _ in range(3):
        inner = zipped(("a.zip", inner))
    (refused,) = read(inner)
    assert refused.reason == "more than 3 archives in one another"


def test_two_members_of_one_name_are_two(read):
    first, second = read(zipped(("a.txt", b"One\n\nRain."), ("a.txt", b"Two\n\nSnow.")))
    assert (first.title, second.title) == ("One", "Two")
    assert first.id != second.id


@pytest.mark.parametrize(
    ("member", "reason"),
    [
        (("../../etc/passwd.txt", b"Rain."), "its name leads out of the archive"),
        (("/etc/passwd.txt", b"Rain."), "its name leads out of the archive"),
        (("link.txt", (tarfile.SYMTYPE, "/etc/passwd")), "a link or a device, not a file"),
        (("link.txt", (tarfile.LNKTYPE, "other")), "a link or a device, not a file"),
        (("pipe.txt", (tarfile.FIFOTYPE, "")), "a link or a device, not a file"),
        (("bad\udcff.txt", b"Rain."), "its name is not UTF-8"),
    ],
)
def test_a_member_that_would_lead_elsewhere_is_refused_and_the_rest_is_read(read, member, reason):
    refused, article = read(tarred(member, ("a.jsonl", RECORD)), "news.tar")
    assert isinstance(refused, UnreadableArticle)
    assert refused.reason == reason
    assert article.title == "Ferry"


def test_an_encrypted_member_is_refused(read):
    content = bytearray(zipped(("a.txt", b"Rain.")))
    content[6] |= 1
    content[content.index(b"PK\x01\x02") + 8] |= 1
    (refused,) = read(bytes(content))
    assert refused.reason == "it is encrypted; unpack it first"


def test_a_bomb_is_refused_before_it_is_unpacked(read):
    bomb = zipped(("a.jsonl", RECORD), ("zeros.txt", bytes(100 << 20)))
    article, refused = read(bomb)
    assert isinstance(article, Article)
    assert refused.origin.endswith("news.zip!/zeros.txt")
    assert refused.reason == "more than 200 times as large as it was packed"
    many = [(f"{n}.txt", b"\n" * (10 << 20)) for n in range(8)]
    assert sum(each.reason.startswith("more than 200") for each in read(zipped(*many))) == 2


def test_more_members_than_any_archive_has_are_not_read():
    members = [(f"{n}.txt", b"Rain fell.") for n in range(4)]
    for walk, content in ((in_zip, zipped(*members)), (in_tar, tarred(*members))):
        file = SourceFile("a", "a", partial(open_bytes, content))
        *walked, refused = walk(file, most=2)
        assert [each.key for each in walked] == ["a!/0.txt", "a!/1.txt"]
        assert refused.reason == "more than 2 files in it; those behind were not read"


@pytest.mark.parametrize("name", ["news.zip", "news.tar.gz"])
def test_a_container_that_is_cut_short_is_reported(read, name):
    content = zipped(*MEMBERS) if name.endswith("zip") else tarred(*MEMBERS, mode="w:gz")
    found = read(content[: len(content) * 2 // 3], name)
    assert found[-1].reason == "the compressed data is cut short or damaged"


def test_an_office_document_is_no_folder_of_news(read):
    (refused,) = read(zipped(("[Content_Types].xml", b"<x/>"), ("word/a.xml", b"<x/>")), "a.docx")
    assert refused.reason == "an office document of a kind that is not read; convert it"


@pytest.mark.parametrize("compressed", [True, False])
def test_the_pages_of_a_web_archive_are_read_at_their_records(read, tmp_path, compressed):
    content = warc(
        web_response("https://courier.example/ferry", web_page().encode(),
                     "text/html; charset=utf-8"),
        web_response("https://courier.example/a.png", b"png", "image/png"),
        web_response("https://courier.example/gone", web_page().encode(), status="404 Not Found"),
        web_response("https://blatt.example/x", web_page().replace("May", "Mäi").encode("latin-1"),
                     "text/html; charset=latin-1"),
        compressed=compressed,
    )  # fmt: skip
    first, second = read(content, "news.warc.gz")
    assert (first.url, first.source) == ("https://courier.example/ferry", "courier.example")
    assert first.origin.file == f"{tmp_path / 'news.warc.gz'}!/https://courier.example/ferry"
    assert 0 <= first.origin.offset < second.origin.offset < len(content)
    assert "Mäi" in second.text


def test_a_wacz_is_a_web_archive_in_a_zip(read):
    inner = warc(web_response("https://courier.example/ferry", web_page().encode()))
    lines = b'{"url": "https://courier.example/ferry", "title": "Ferry"}\n'
    members = [("datapackage.json", b"{}"), ("pages/pages.jsonl", lines)]
    (article,) = read(zipped(*members, ("archive/data.warc.gz", inner)), "news.wacz")
    assert article.url == "https://courier.example/ferry"


def test_a_web_archive_that_breaks_off_is_reported_where_it_does(read, tmp_path):
    whole = warc(
        *(web_response(f"https://courier.example/{n}", web_page().encode()) for n in range(3))
    )
    first, second, refused = read(whole[: len(whole) - 250], "news.warc.gz")
    assert (first.url[-1], second.url[-1]) == ("0", "1")
    assert refused.origin.startswith(f"{tmp_path / 'news.warc.gz'}!/https://courier.example/2:")
    assert refused.reason == "the record breaks off"
    (refused,) = read(warc(web_response("https://courier.example/a.png", b"png", "image/png")))
    assert refused.reason == "no page in it was answered in full (HTML, status 200)"


@pytest.mark.skipif(not WARCS.exists(), reason="../shared/data is not here")
def test_every_web_archive_of_a_collection_is_read_or_refused():
    read_of = {}
    for path in sorted(WARCS.iterdir()):
        found = list(read_file(SourceFile.at(path, path.name), FieldMap()))
        assert found, f"{path.name} is neither read nor refused"
        read_of[path.name] = sum(isinstance(each, Article) for each in found)
    assert sum(map(bool, read_of.values())) >= 8
    assert read_of["example.warc"] == read_of["example.warc.gz"] == read_of["example.arc.gz"] == 1


def test_a_zip_whose_directory_lies_before_its_beginning_is_damaged(read):
    content = bytearray(zipped(("a.txt", b"Rain fell.")))
    end = content.rindex(b"PK\x05\x06")
    content[end + 12 : end + 16] = (2000).to_bytes(4, "little")  # the directory's size
    (refused,) = read(bytes(content))
    assert refused.reason == "the compressed data is cut short or damaged"


def test_a_zip_packed_in_a_way_nobody_knows_is_damaged(read):
    content = bytearray(zipped(("a.txt", b"Rain fell.")))
    for mark, at in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
        begin = content.index(mark)
        content[begin + at : begin + at + 2] = (99).to_bytes(2, "little")
    (refused,) = read(bytes(content))
    assert refused.reason == "the compressed data is cut short or damaged"
