"""Tests of a whole pass over an input: in order, however many processes read."""

import json
import zipfile

import pytest

from backfile.archive.formats import files
from backfile.archive.formats.fields import FieldMap
from backfile.archive.formats.inputs import Lots, Reading
from backfile.archive.model.errors import UnreadableArticle
from backfile.archive.workers import Workers
from tests.builders import started

LOTS = Lots(carried=2_000, files=3, ahead=2)


@pytest.fixture
def folder(tmp_path):
    """Small files, large ones, members of an archive of either size, and what cannot be read."""
    for n in range(30):
        (tmp_path / f"{n:02}.txt").write_text(f"Title {n}\n\nText of story {n}.")
    (tmp_path / "05.txt").write_bytes(b"")
    large = [{"title": f"Large {n}", "text": "Rain fell. " * 20} for n in range(20)]
    lines = "".join(json.dumps(story) + "\n" for story in large)
    (tmp_path / "10.jsonl").write_text(lines)
    with zipfile.ZipFile(tmp_path / "20.zip", "w") as archive:
        for n in range(8):
            archive.writestr(f"{n}.txt", f"Packed {n}\n\nIn a ZIP file.")
            archive.writestr(f"{n}.jsonl", lines)
    (tmp_path / "25.zip").write_bytes(b"PK\x03\x04 cut short")
    return tmp_path


def test_processes_read_what_one_would_in_the_same_order(folder):
    alone = list(map(str, Reading([folder], FieldMap())))
    with Workers(2) as workers:
        reading = Reading([folder], FieldMap(), pool=started(workers), lots=LOTS)
        spread = list(map(str, reading))
    assert spread == alone
    assert len(alone) == 30 + 20 + 8 * 21 + 1
    assert reading.bytes_done == reading.bytes_total


def test_refusals_come_from_processes_with_their_reasons(folder):
    with Workers(2) as workers:
        found = list(Reading([folder], FieldMap(), pool=started(workers), lots=LOTS))
    refused = [each for each in found if isinstance(each, UnreadableArticle)]
    assert [each.reason for each in refused] == [
        "the file is empty",
        "the compressed data is cut short or damaged",
    ]


def test_a_small_file_is_opened_once(tmp_path, monkeypatch):
    opened = []

    def counted(path):
        opened.append(path.name)
        return path.open("rb")

    monkeypatch.setattr(files, "_opened", counted)
    (tmp_path / "a.txt").write_text("Title\n\nText of a story.")
    (tmp_path / "b.jsonl").write_text('{"title": "Rain", "text": "It fell."}\n' * 3_000)
    found = list(Reading([tmp_path], FieldMap()))
    assert len(found) == 3_001
    assert opened.count("a.txt") == 1
    assert opened.count("b.jsonl") > 1


def test_a_file_that_goes_before_it_is_read_is_reported(tmp_path):
    (tmp_path / "a.txt").write_text("Title\n\nText of a story.")
    reading = Reading([tmp_path], FieldMap())
    (tmp_path / "a.txt").unlink()
    assert [str(each) for each in reading] == [f"{tmp_path / 'a.txt'}: No such file or directory"]
