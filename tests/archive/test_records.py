"""Tests of the formats that hold many articles as records: JSON and JSON Lines."""

import gzip
import json
import tracemalloc

import pytest

from backfile.archive.formats.fields import FieldMap
from backfile.archive.formats.files import LONGEST_TEXT, SourceFile
from backfile.archive.formats.inputs import read_file
from backfile.archive.model.article import Article
from backfile.archive.model.errors import UnreadableArticle

RAIN, SNOW = {"id": "r", "text": "Rain fell."}, {"id": "s", "text": "Snow fell."}


@pytest.fixture
def read(tmp_path):
    def read_all(name, content, *options):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return list(read_file(SourceFile.at(path, f"in/{name}"), FieldMap.from_options(options)))

    return read_all


def ids(found):
    return [each.id for each in found if isinstance(each, Article)]


def lines(*records):
    return "".join(f"{json.dumps(record)}\n" for record in records)


@pytest.mark.parametrize("bad", ["{broken", "[1, 2]", '"text"', "{}", '{"text": ""}', "{" * 5_000])
def test_a_bad_line_is_refused_by_its_number_and_the_rest_is_read(read, tmp_path, bad):
    first, refused, last = read("a.jsonl", f"{lines(RAIN)}\n{bad}\n{lines(SNOW)}")
    assert (first.id, last.id) == ("r", "s")
    assert refused.origin == f"{tmp_path / 'a.jsonl'}:3"
    assert str(refused).startswith(refused.origin)


def test_a_line_in_another_encoding_is_read_in_it(read):
    content = lines(RAIN).encode() + b'{"text": "The caf\xe9"}\n' + lines(SNOW).encode()
    first, other, last = read("a.jsonl", content)
    assert (first.id, last.id) == ("r", "s")
    assert other.text == "The café"


def test_an_accent_far_into_a_table_is_read_as_it_was_written(read):
    rows = b"Nothing happened,Nothing at all.\n" * 4_000 + b"N\xfa\xf1ez,The caf\xe9 closed.\n"
    *_, last = read("a.csv", b"title,text\n" + rows)
    assert (last.title, last.text) == ("Núñez", "The café closed.")


def test_json_lines_are_known_by_their_content_too(read):
    assert ids(read("dump", lines(RAIN, SNOW))) == ["r", "s"]


@pytest.mark.parametrize("name", ["a.json", "a.jsonl"])
def test_a_byte_order_mark_before_json_is_passed_over(read, name):
    content = lines(RAIN) if name.endswith("l") else json.dumps([RAIN])
    assert ids(read(name, content.encode("utf-8-sig"))) == ["r"]


@pytest.mark.parametrize(
    "content",
    [
        [RAIN, SNOW],
        {"articles": [RAIN, SNOW]},
        {"status": "ok", "tags": ["x"], "response": {"Results": [RAIN, SNOW]}},
    ],
)
def test_a_list_of_articles_is_found_in_json(read, content):
    assert ids(read("a.json", json.dumps(content, indent=1))) == ["r", "s"]


def test_a_single_json_object_is_one_article(read):
    assert ids(read("a.json", json.dumps(RAIN, indent=1))) == ["r"]


def test_an_array_that_is_never_closed_keeps_what_was_before(read, tmp_path):
    content = json.dumps([RAIN, SNOW])[:-12]
    article, refused = read("a.json", content)
    assert article.id == "r"
    assert refused.origin == f"{tmp_path / 'a.json'}:2"
    assert refused.reason.startswith("not valid JSON from here on")


def test_something_else_in_an_array_is_refused_by_its_number(read):
    first, refused, last = read("a.json", json.dumps([RAIN, 3, SNOW]))
    assert (first.id, last.id) == ("r", "s")
    assert refused.origin.endswith("a.json:2")


def test_a_text_nested_a_thousand_lists_deep_is_refused(read):
    nested = '{"text": ' + "[" * 1_000 + "]" * 1_000 + "}"
    (refused,) = read("a.json", f"[{nested}]")
    assert isinstance(refused, UnreadableArticle)


def test_records_without_id_or_url_are_named_by_their_content(read):
    rain, snow = {"text": "Rain."}, {"text": "Snow."}
    first, second = read("a.jsonl", lines(rain, snow))
    assert first.id != second.id
    assert ids(read("b.jsonl", lines(snow, rain, rain))) == [second.id, first.id, first.id]


@pytest.mark.parametrize("name", ["a.jsonl.gz", "a.json.gz", "a.csv.gz"])
def test_compressed_files_are_read_by_the_suffix_below(read, name):
    content = {"jsonl": lines(RAIN), "json": json.dumps([RAIN]), "csv": "id,text\nr,Rain fell.\n"}
    assert ids(read(name, gzip.compress(content[name.split(".")[1]].encode()))) == ["r"]


def test_a_truncated_gz_keeps_the_lines_before_the_cut(read):
    content = lines(*({"id": str(n), "text": f"Rain {n}." * 10} for n in range(5_000)))
    *articles, refused = read("a.jsonl.gz", gzip.compress(content.encode())[:-500])
    assert 1_000 < len(articles) < 5_000
    assert ids(articles) == [str(n) for n in range(len(articles))]
    assert refused.reason == "the compressed data is cut short or damaged"


def test_damage_inside_a_gz_is_refused_and_not_raised(read):
    content = bytearray(gzip.compress(lines(RAIN, SNOW).encode()))
    content[15:25] = bytes(10)
    assert isinstance(read("a.jsonl.gz", bytes(content))[-1], UnreadableArticle)


@pytest.mark.long
def test_a_large_file_of_lines_is_streamed(tmp_path):
    line = json.dumps({"text": "Rain" * 5_000, "unused": "x" * 80_000}) + "\n"
    with (tmp_path / "a.jsonl").open("w") as stream:
        stream.writelines(line for _ in range(80_000_000 // len(line) + 1))
    assert (tmp_path / "a.jsonl").stat().st_size >= 80_000_000
    tracemalloc.start()
    read = sum(1 for _ in read_file(SourceFile.at(tmp_path / "a.jsonl", "a.jsonl"), FieldMap()))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert read == 80_000_000 // len(line) + 1
    assert peak < 8_000_000


def test_a_line_too_long_for_an_article_is_passed_over(read):
    first, refused, last = read("a.jsonl", lines(RAIN, {"text": "x" * LONGEST_TEXT}, SNOW))
    assert (first.id, last.id) == ("r", "s")
    assert refused.reason.startswith("line over")


@pytest.mark.timeout(20)
@pytest.mark.parametrize("opening", ["", '{"a": ', '[{"text": "Rain."}, '])
def test_json_nested_without_end_is_refused_at_once(read, opening):
    *before, refused = read("a.json", opening + "[" * 100_000)
    assert isinstance(refused, UnreadableArticle)
    assert "nested more than 200 levels deep" in refused.reason
    assert len(before) == opening.count("Rain")


def test_the_lines_of_a_bulk_request_give_the_next_ones_their_ids(read):
    without_id = {name: value for name, value in RAIN.items() if name != "id"}
    found = read(
        "bulk.ndjson",
        lines(
            {"index": {"_index": "news", "_id": "7"}},
            without_id,
            {"create": {}},
            SNOW,
            {"update": {"_id": "9", "routing": "x"}},
            {"doc": without_id | {"text": "It rained again in the harbour."}},
            {"delete": {"_id": "r"}},
        ),
    )
    assert ids(found) == ["7", "s", "9"]
    assert [each.origin.offset for each in found[:3]] == [2, 4, 6]
    assert found[3].reason == "a deletion, not an article"


@pytest.mark.parametrize(
    "record",
    [
        {"index": {"text": "It rained in the harbour."}},
        {"index": {"_id": "7"}, "text": "It rained in the harbour."},
        {"create": "It rained in the harbour."},
    ],
)
def test_a_record_with_the_name_of_an_action_is_no_action(read, record):
    first, second = read("a.jsonl", lines(record, SNOW))
    assert second.id == "s"
    assert isinstance(first, Article) or first.reason.startswith("no text and no title")
