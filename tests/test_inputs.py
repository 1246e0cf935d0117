"""Tests of a whole pass over an input: in order, however many processes read."""

import json
import zipfile

import pytest

from archive.errors import UnreadableArticle
from archive.reading import inputs
from archive.reading.fields import FieldMap
from archive.reading.inputs import Reading
from index.workers import Workers
from tests.conftest import started


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Small files, large ones, members of an archive of either size, and what cannot be read."""
    monkeypatch.setattr(inputs, "CARRIED", 2_000)
    monkeypatch.setattr(inputs, "FILES_AT_ONCE", 3)
    monkeypatch.setattr(inputs, "AHEAD", 2)
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
        reading = Reading([folder], FieldMap(), pool=started(workers))
        spread = list(map(str, reading))
    assert spread == alone
    assert len(alone) == 30 + 20 + 8 * 21 + 1
    assert reading.bytes_done == reading.bytes_total


def test_refusals_come_from_processes_with_their_reasons(folder):
    with Workers(2) as workers:
        found = list(Reading([folder], FieldMap(), pool=started(workers)))
    refused = [each for each in found if isinstance(each, UnreadableArticle)]
    assert [each.reason for each in refused] == [
        "the file is empty",
        "the compressed data is cut short or damaged",
    ]
