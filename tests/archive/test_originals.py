"""Tests of the bytes that articles were read from: kept, read again, and let go."""

import gzip
import json
import zipfile

import pytest

from backfile.archive.formats.fields import FieldMap
from backfile.archive.formats.inputs import Reading
from backfile.archive.formats.text import documents
from backfile.archive.model.errors import UnreadableArticle
from backfile.archive.store.rereading import Rereading
from backfile.index.indexing.verify import Part, repair, verify
from tests.builders import STORIES, engines_in, indexer_of, write_stories


@pytest.fixture
def opened(tmp_path):
    made = engines_in(tmp_path / "archive", in_memory=True)
    yield made
    made.catalog.close()


@pytest.fixture
def news(tmp_path):
    folder = tmp_path / "news"
    folder.mkdir()
    write_stories(folder)
    (folder / "tide.txt").write_text("Tide table\n\nThe tide came in.")
    with zipfile.ZipFile(folder / "more.zip", "w") as archive:
        archive.writestr("rain.txt", "Rain\n\nRain fell.")
    return folder


def index(engines, folder, names=None):
    originals = engines.catalog.originals
    return indexer_of(engines).index(Reading([folder], names or FieldMap(), originals=originals))


def reread(engines):
    return indexer_of(engines).index(Rereading(engines.catalog))


def kept(engines):
    return [file for file, _ in engines.catalog.originals]


def test_the_bytes_that_were_read_come_back(opened, news):
    index(opened, news)
    contents = {file.key: file.raw().read() for file in kept(opened)}
    assert contents == {
        "news/stories.jsonl": (news / "stories.jsonl").read_bytes(),
        "news/tide.txt": (news / "tide.txt").read_bytes(),
        "news/more.zip!/rain.txt": b"Rain\n\nRain fell.",
    }


def test_a_file_that_is_released_during_a_check_is_not_damaged(opened, news):
    index(opened, news)
    found = opened.catalog.originals.damaged()
    for path in opened.catalog.originals._folder.glob("??/*"):
        path.write_bytes(b"garbage")
    assert next(found)
    indexer_of(opened).remove([article.id for article, _ in opened.catalog.digests()])
    assert list(found) == []


def test_reading_again_changes_nothing(opened, news):
    index(opened, news)
    report = reread(opened)
    assert (report.new, report.changed, report.unchanged) == (0, 0, 9)


def test_a_better_reader_mends_articles_whose_files_are_gone(opened, news, monkeypatch):
    index(opened, news)
    for path in news.iterdir():
        path.unlink()

    def mended(written):
        return {"title": "Tides", "text": written.split("\n\n")[1]}

    monkeypatch.setattr(documents, "titled", mended)
    report = reread(opened)
    assert report.changed == 2
    assert opened.catalog.counts().articles == 9
    ids = [each.id for each, _ in opened.catalog.digests() if each.title == "Tides"]
    assert [v.article.title for each in ids for v in opened.catalog.history.of(each)] == [
        "Rain",
        "Tide table",
    ]


def test_a_file_is_read_again_as_it_was_told_to_be_read(opened, tmp_path):
    path = tmp_path / "odd.jsonl"
    path.write_text(json.dumps({"title": "Ash", "Prose": "Rain fell."}))
    index(opened, path, FieldMap.from_options(("text=Prose",)))
    assert reread(opened).unchanged == 1


def test_what_was_removed_or_replaced_is_not_brought_back(opened, news):
    index(opened, news)
    indexer_of(opened).remove(["bridge"])
    later = news.parent / "later.jsonl"
    later.write_text(json.dumps({**STORIES[0], "text": "The ferry goes on. " * 7}))
    index(opened, later)
    report = reread(opened)
    assert (report.new, report.changed) == (0, 0)
    assert opened.catalog.article("ferry").text.startswith("The ferry goes on")
    assert opened.catalog.counts().articles == 8


def test_a_file_that_grows_is_kept_once(opened, tmp_path):
    path = tmp_path / "growing.jsonl"
    for n in range(1, 4):
        stories = [{"id": str(i), "title": f"Day {i}", "text": "Rain."} for i in range(n)]
        path.write_text("".join(json.dumps(story) + "\n" for story in stories))
        index(opened, path)
    assert [file.raw().read() for file in kept(opened)] == [path.read_bytes()]
    assert len(list((tmp_path / "archive" / "originals").glob("??/*"))) == 1


def test_a_run_that_keeps_no_copies_leaves_those_there_are(opened, news):
    index(opened, news)
    report = indexer_of(opened).index(Reading([news], FieldMap()))
    assert report.unchanged == 9
    assert len(kept(opened)) == 3


def test_what_nothing_was_read_from_is_not_kept(opened, tmp_path):
    (tmp_path / "bad.jsonl").write_text('{"title": \n')
    (tmp_path / "photo.jpg").write_bytes(b"\xff\xd8\xff\xe0\x00\x10JFIF" + bytes(1000))
    report = index(opened, tmp_path / "bad.jsonl")
    index(opened, tmp_path / "photo.jpg")
    assert isinstance(report.refused[0], UnreadableArticle)
    assert kept(opened) == []


def test_the_bytes_go_with_the_last_article_that_was_read_from_them(opened, news, tmp_path):
    index(opened, news)
    (tide,) = [each.id for each, _ in opened.catalog.digests() if each.title == "Tide table"]
    indexer_of(opened).remove([tide])
    assert "news/tide.txt" not in {file.key for file in kept(opened)}
    assert len(list((tmp_path / "archive" / "originals").glob("??/*"))) == 2


def test_a_damaged_original_is_reported_and_copied_again(opened, news, tmp_path):
    index(opened, news)
    for path in (tmp_path / "archive" / "originals").glob("??/*"):
        if b"tide" in gzip.decompress(path.read_bytes()):
            path.write_bytes(path.read_bytes()[:-9])
    assert {problem.part for problem in verify(opened)} == {Part.ORIGINALS}
    repair(opened, indexer_of(opened))
    assert list(verify(opened)) == []
    index(opened, news)
    assert len(kept(opened)) == 3
    assert list(verify(opened)) == []
