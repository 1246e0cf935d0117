"""Tests of IPTC 7901 and ANPA 1312: messages cut from a transmission, and their parts."""

from datetime import UTC, date, datetime

import pytest

from backfile.archive.formats.fields import FieldMap
from backfile.archive.formats.files import SourceFile
from backfile.archive.formats.inputs import read_file
from backfile.archive.formats.registry import format_of
from backfile.archive.formats.wire.telegrams import full_year, paragraphs
from tests.builders import AFP, ANPA, DPA


@pytest.fixture
def read(tmp_path):
    def read_all(content, name="wire.txt"):
        (tmp_path / name).write_bytes(content)
        return list(read_file(SourceFile.at(tmp_path / name, name), FieldMap()))

    return read_all


def test_a_message_of_iptc_7901_is_read_by_its_lines(read):
    (article,) = read(DPA.encode())
    assert article.title == "Board ends the night ferry: A long headline that goes on here"
    assert article.text == (
        "Ashford (cc) - The night ferry across the Ash stops in May.\n\nIt is “final”.\n\n"
        "Name      Goals   Points\nAnn          1       22\nBob          2       33"
    )
    assert (article.authors, article.source) == (("Ana Ruiz",), "cc-tns")
    assert (article.section, article.published) == ("sport", date(2024, 3, 23))
    assert article.published_at == datetime(2024, 3, 23, 23, 40, tzinfo=UTC)


def test_a_message_of_anpa_is_read_by_its_marks(read):
    (article,) = read(ANPA.encode())
    assert article.title == "Board ends the night ferry 5-4"
    assert (
        article.text
        == "ASHFORD (CC) — The ferry stops “for good,” the board said — at last.\n\nIn May."
    )
    assert (article.authors, article.source) == (("CHARLES ROE",), "CC")
    assert (article.section, article.published) == ("sport", date(2016, 3, 23))


def test_a_transmission_is_cut_into_its_messages(read):
    first, second, third = read((DPA + AFP + ANPA).encode("cp1252"))
    assert (second.title, second.section) == ("Une manchette", "politics")
    assert second.text == "ASHFORD, 3 jan (CC) - Un été chaud.\n\nDeux."
    assert second.published_at == datetime(2005, 1, 3, 0, 12, tzinfo=UTC)
    assert [found.origin.offset for found in (first, second, third)] == [1, 2, 3]
    assert len({first.id, second.id, third.id}) == 3


def test_a_transmission_of_any_length_is_read_but_for_messages_beyond_all_measure(read):
    long = f"\x01ccc0007 4 sp 85\r\n\x02{'Rain. ' * 200_000}\x03\r\n"
    first, refused, last = read((DPA + long + AFP).encode())
    assert refused.reason == "a message of more than 1 MiB"
    assert (first.source, last.source) == ("cc-tns", "cc")
    first, second = read(f"{DPA.strip()}{AFP}".encode())  # on one line
    assert second.title == "Une manchette"


@pytest.mark.parametrize("name", ["a.txt", "a", "a.tst", "a.json"])
@pytest.mark.parametrize("filling", [b"", b"\x16\x16", b"\x00" * 9, b"\r\n\x7f"])
def test_a_message_is_told_by_its_control_characters(tmp_path, name, filling):
    (tmp_path / name).write_bytes(filling + DPA.encode())
    assert format_of(SourceFile.at(tmp_path / name, name)).name == "IPTC 7901 or ANPA"


def test_a_message_without_a_headline_or_a_start_of_text_is_read(read):
    story = "The ferry stops. " * 30
    (article,) = read(f"\x01ccc0007 4 sp 85\r\n\r\n{story}\r\n\r\nIn May.\r\n".encode())
    assert article.text == f"{story.strip()}\n\nIn May."
    assert article.title_source == "lead"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"\x01ccc0007 something else\r\n\x02Rain\x03", "a header that is neither"),
        (b"\x01ccc0007 4 sp 85\r\n\x02\x03", "a message without text"),
        (b"\x01z6715\x1f-----\r\n\x02^Mark<\r\n\x03", "a message without text"),
        (b"\x01\x02\x03" * 99, "not text (binary data)"),
    ],
)
def test_what_is_no_message_is_refused(read, content, reason):
    (refused,) = read(content, "a.bin")
    assert refused.reason.startswith(reason)


@pytest.mark.parametrize(
    ("written", "year"), [("79", "1979"), ("99", "1999"), ("00", "2000"), ("78", "2078")]
)
def test_two_figures_are_a_year_of_the_formats_own_century(written, year):
    assert full_year(written) == year


def test_a_story_in_marked_lines_alone_is_read_by_them(read):
    header = "\x01z6715\x1f-----\r\nr s\x13\x11BC-X   03-23 0500\r\n"
    content = header + "\x02^BC-X,1<\r\n^Head<\r\n^The story.<\r\n\x03"
    (article,) = read(content.encode())
    assert (article.title, article.text, article.published) == ("Head", "The story.", None)


def test_lines_are_joined_and_columns_are_not():
    assert paragraphs(["a", "b", "", "  c", "d", "  e", "x    1    2", "y    3    4", "f"]) == [
        "a b",
        "c d",
        "e",
        "x    1    2\ny    3    4",
        "f",
    ]
