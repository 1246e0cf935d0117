"""Tests of how files are found and opened."""

import gzip
import os
import sys

import pytest

from backfile.archive.formats.files import SourceFile, encoding_of, path_or_bytes
from backfile.archive.formats.inputs import InputMissing, find_files
from backfile.archive.model.errors import UnreadableArticle

ENGLISH = "The council met on Tuesday to speak about the harbour wall before winter. "


def test_folders_are_walked_in_a_settled_order_without_hidden_files(tmp_path):
    for name in ["b.txt", "a/z.txt", ".hidden.txt", ".git/config.txt", "a/.draft.txt"]:
        path = tmp_path / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")
    assert [found.key for found in find_files([tmp_path / "in"])] == ["in/b.txt", "in/a/z.txt"]


def test_what_must_be_held_in_memory_is_refused_where_it_is_too_large(tmp_path):
    path = tmp_path / "a.db.gz"
    path.write_bytes(gzip.compress(bytes(2_000)))
    file = SourceFile.at(path, path.name)
    assert path_or_bytes(file, b"SQLite", most=2_000) == bytes(2_000)
    with pytest.raises(UnreadableArticle, match="unpack it first"):
        path_or_bytes(file, b"SQLite", most=1_999)


def test_a_path_named_twice_is_read_once(tmp_path):
    (tmp_path / "a.txt").write_text("x")
    found = list(find_files([tmp_path, tmp_path / ".", tmp_path]))
    assert len(found) == 1


def test_a_missing_path_is_an_error_before_anything_is_read(tmp_path):
    with pytest.raises(InputMissing, match=r"nothing at .*absent; name a file"):
        find_files([tmp_path, tmp_path / "absent"])


def test_a_broken_link_is_refused_and_the_rest_is_found(tmp_path):
    (tmp_path / "a.txt").symlink_to(tmp_path / "gone")
    (tmp_path / "b.txt").write_text("x")
    broken, sound = find_files([tmp_path])
    assert broken.reason == "neither a file nor a folder"
    assert sound.key.endswith("/b.txt")


@pytest.mark.skipif(sys.platform != "linux", reason="other systems take no such name")
def test_a_name_that_is_not_utf8_is_refused_and_can_be_printed(tmp_path):
    (tmp_path / os.fsdecode(b"caf\xe9.txt")).write_text("x")
    for root in (tmp_path, tmp_path / os.fsdecode(b"caf\xe9.txt")):
        (refused,) = find_files([root])
        assert isinstance(refused, UnreadableArticle)
        assert str(refused).encode()
        assert "not UTF-8; rename it" in refused.reason


@pytest.mark.parametrize(
    ("name", "suffix"),
    [("a.JSONL", ".jsonl"), ("a.csv.gz", ".csv"), ("a.GZ", ""), ("README", ""), ("a.b.md", ".md")],
)
def test_a_suffix_is_the_last_one_below_gz(tmp_path, name, suffix):
    assert SourceFile.at(tmp_path / name, name).suffix == suffix


@pytest.mark.parametrize("name", ["a.txt", "a.txt.gz"])
def test_compression_is_told_by_the_content_and_not_the_name(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(gzip.compress(b"Rain."))
    assert SourceFile.at(path, name).read_text() == "Rain."
    path.write_bytes(b"Rain.")
    assert SourceFile.at(path, name).read_text() == "Rain."


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32", "cp1252"])
def test_text_is_read_in_the_encoding_it_was_written_in(tmp_path, encoding):
    text = ENGLISH * 3 + "José Núñez’s “café” charges £4. " + ENGLISH
    (tmp_path / "a.txt").write_bytes(text.encode(encoding))
    assert SourceFile.at(tmp_path / "a.txt", "a.txt").read_text() == text


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("Мэр города сообщил, что мост закрыт. О расходах поговорят позже.", "cp1251"),
        ("市長は火曜日に橋が閉鎖されたと述べた。費用については後で話し合う。", "shift_jis"),
        ("Die Brücke über den Fluß bleibt geschlossen, sagte der Bürgermeister.", "cp1252"),
    ],
)
def test_other_languages_are_read_in_their_old_encodings(text, encoding):
    content = (text * 3).encode(encoding)
    assert content.decode(encoding_of(content)) == text * 3


def test_an_accent_beyond_the_head_of_a_long_file_is_read(tmp_path):
    text = ENGLISH * 1_000 + "The café shut."
    (tmp_path / "a.txt").write_bytes(text.encode("cp1252"))
    assert SourceFile.at(tmp_path / "a.txt", "a.txt").read_text() == text


def test_one_damaged_byte_does_not_change_the_encoding():
    assert encoding_of("Über die Brücke. ".encode() * 20 + b"\xff!") == "utf-8"


def test_a_head_cut_inside_a_character_is_still_utf8():
    assert encoding_of("Brücke €".encode()[:-1]) == "utf-8"


def test_a_file_too_long_for_one_article_is_refused(tmp_path):
    with (tmp_path / "a.txt").open("wb") as stream:
        stream.truncate((32 << 20) + 1)
    with pytest.raises(UnreadableArticle, match="longer than 32 MiB"):
        SourceFile.at(tmp_path / "a.txt", "a.txt").read_text()


def test_a_link_to_a_folder_is_refused_with_the_way_out(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "a.txt").write_text("x")
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "linked").symlink_to(tmp_path / "elsewhere")
    (refused,) = find_files([tmp_path / "in"])
    assert refused.origin == str(tmp_path / "in" / "linked")
    assert refused.reason == "a link to a folder is not followed; name the folder itself"


def test_a_file_reached_through_two_roots_or_a_link_is_read_once(tmp_path):
    (tmp_path / "in" / "deep").mkdir(parents=True)
    (tmp_path / "in" / "deep" / "a.txt").write_text("x")
    (tmp_path / "in" / "deep" / "b.txt").symlink_to(tmp_path / "in" / "deep" / "a.txt")
    (tmp_path / "in" / "deep" / "gone.txt").symlink_to(tmp_path / "nowhere")
    file, refused = find_files([tmp_path / "in", tmp_path / "in" / "deep"])
    assert file.key == "in/deep/a.txt"
    assert refused.reason == "neither a file nor a folder"
