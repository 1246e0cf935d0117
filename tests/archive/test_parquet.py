"""Tests of Parquet files as input: rows of any type, read in small batches."""

import io
import random
import sys
from datetime import UTC, date, datetime

import pytest

from backfile.archive.formats.fields import FieldMap
from backfile.archive.formats.files import SourceFile
from backfile.archive.formats.inputs import read_file
from backfile.archive.formats.tables import parquet, parquet_rows
from backfile.archive.model.article import Article
from backfile.archive.model.errors import UnreadableArticle
from tests.builders import zipped

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")


def written(columns, **options):
    made = io.BytesIO()
    pq.write_table(pa.table(columns), made, **options)
    return made.getvalue()


@pytest.fixture
def read(tmp_path):
    def read_all(content, *options, name="news.parquet"):
        (tmp_path / name).write_bytes(content)
        file = SourceFile.at(tmp_path / name, f"in/{name}")
        return list(read_file(file, FieldMap.from_options(options)))

    return read_all


def news(rows=100):
    return {
        "Headline": pa.array([f"Ferry {n % 7}" for n in range(rows)]).dictionary_encode(),
        "text": [f"The night ferry stops on day {n}." for n in range(rows)],
        "photo": [b"\x00" * 100] * rows,
    }


@pytest.mark.parametrize("compression", ["none", "snappy", "gzip", "zstd", "lz4", "brotli"])
def test_rows_are_articles_by_their_number(read, tmp_path, compression):
    found = read(written(news(), compression=compression, row_group_size=30))
    assert [each.origin.offset for each in found] == list(range(1, 101))
    assert (found[8].title, found[8].text) == ("Ferry 1", "The night ferry stops on day 8.")
    assert found[0].origin.file == str(tmp_path / "news.parquet")


def test_what_columns_hold_is_understood_whatever_its_type(read):
    instant = datetime(2024, 3, 23, 22, 30, tzinfo=UTC)
    berlin = pa.timestamp("ns", "Europe/Berlin")
    nanoseconds = int(instant.timestamp()) * 10**9 + 1
    table = {
        "text": pa.array([b"The caf\xe9 shut.", None]).cast(pa.binary()),
        "title": ["Ash", "Snow"],
        "published_at": pa.array([nanoseconds, None], berlin),
        "date": pa.array([None, date(2024, 3, 24)]),
        "source": [{"name": "Courier", "city": "Ash"}, None],
        "authors": [["Ana Ruiz", "José Núñez"], []],
        "meta": [{"desk": "Transport"}, {"desk": "Weather"}],
        "id": pa.array([7, 8], pa.int64()),
    }
    first, second = read(written(table), "section=meta.desk")
    assert (first.id, first.text, first.source) == ("7", "The café shut.", "Courier")
    assert (first.published, first.published_at) == (date(2024, 3, 23), instant)
    assert first.authors == ("Ana Ruiz", "José Núñez")
    assert (first.section, second.section) == ("Transport", "Weather")
    assert (second.text, second.published, second.source) == ("Snow", date(2024, 3, 24), "")


def test_a_file_without_a_text_column_names_its_columns(read):
    (refused,) = read(written({"day": [1], "copy": ["Rain."]}))
    assert "among: day, copy; name one with --map text=COLUMN" in refused.reason
    assert read(written({"day": [1], "copy": ["Rain."]}), "text=copy")[0].text == "Rain."


def test_a_file_within_another_is_read_in_memory(read):
    packed = zipped(("a/news.parquet", written(news())))
    assert len(read(packed, name="a.zip")) == 100


def test_a_file_that_breaks_off_is_refused(read):
    (refused,) = read(written(news())[:-20])
    assert refused.reason.startswith("not Parquet that can be read (")


@pytest.mark.long
@pytest.mark.skipif(sys.platform != "linux", reason="other systems limit no memory so")
def test_a_file_that_would_fill_the_memory_is_given_up(read):
    once = pa.DictionaryArray.from_arrays(pa.array([0] * 100, pa.int32()), ["x" * 60_000_000])
    options = {"compression": "zstd", "dictionary_pagesize_limit": 1 << 30, "store_schema": False}
    content = written({"text": once}, **options)
    assert len(content) < 20_000
    (refused,) = read(content)
    assert isinstance(refused, UnreadableArticle)


def test_a_value_too_long_for_an_article_is_refused_and_the_rest_is_read():
    content = pa.py_buffer(written({"text": ["Rain.", "x" * (2 << 20), "Snow."]}))
    assert list(parquet_rows.messages_of(content, FieldMap(), longest=1 << 20)) == [
        {"row": 1, "cells": {"text": "Rain."}},
        {"row": 2, "refused": "a value of more than 1 MiB"},
        {"row": 3, "cells": {"text": "Snow."}},
        {"end": 3},
    ]


def test_a_reader_that_is_ended_by_a_file_is_no_end_of_the_run(read, monkeypatch, tmp_path):
    (tmp_path / "ends.py").write_text(
        "import os, sys\n"
        "def main():\n"
        '    sys.stdout.write(\'{"row": 1, "cells": {"text": "Rain."}}\\n{"row": \')\n'
        "    sys.stdout.flush()\n"
        "    os.abort()\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(parquet, "MODULE", "ends")
    article, refused = read(written(news()))
    assert article.text == "Rain."
    assert refused.origin.endswith("news.parquet:2")
    assert refused.reason.startswith("damaged, or made to do harm")


def test_without_its_library_the_way_to_it_is_named(read, monkeypatch):
    monkeypatch.setattr(parquet, "find_spec", lambda name: None)
    (refused,) = read(written(news()))
    assert refused.reason.endswith("`pip install 'backfile[parquet]'` brings it")


@pytest.mark.parametrize("seed", range(20))
def test_a_damaged_file_is_read_as_far_as_it_goes_or_refused(read, seed):
    chance = random.Random(seed)
    content = bytearray(
        written(news(), row_group_size=40, compression=chance.choice(("snappy", "zstd")))
    )
    for _ in range(chance.choice((1, 3, 20))):
        content[chance.randrange(4, len(content) - 8)] = chance.randrange(256)
    found = read(bytes(content))
    assert found
    assert all(isinstance(each, Article | UnreadableArticle) for each in found)
