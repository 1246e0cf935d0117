"""Tests of what was refused: written to a file, mended there, and fed back."""

import json

import pytest

from backfile.archive.formats.fields import FieldMap
from backfile.archive.formats.rejects import BadRejects, Rejects, write_rejects
from backfile.archive.model.errors import UnreadableArticle
from tests.builders import backfile


@pytest.fixture
def news(tmp_path):
    folder = tmp_path / "news"
    folder.mkdir()
    lines = ['{"title": "Ash", "text": "Rain fell."}', '{"id": "b", "title": ', '{"id": "c"}']
    (folder / "a.jsonl").write_text("\n".join(lines))
    (folder / "b.csv").write_text("title,text\nOne,Two,Three\n")
    (folder / "c.txt").write_bytes(b"")
    return folder


def index(archive, *arguments):
    result = backfile("index", *arguments, "--archive", archive, "--no-vectors", "--json")
    return json.loads(result.stdout)


def test_rejects_name_the_place_the_reason_and_the_record(news, tmp_path):
    rejects = tmp_path / "rejects.jsonl"
    assert index(tmp_path / "archive", news, "--rejects", rejects)["new"] == 1
    lines = [json.loads(line) for line in rejects.read_text().splitlines()]
    assert [line["origin"].rpartition("/")[2] for line in lines] == [
        "a.jsonl:2",
        "a.jsonl:3",
        "b.csv:2",
        "c.txt",
    ]
    assert lines[0]["record"] == '{"id": "b", "title":'
    assert lines[1]["record"] == {"id": "c"}
    assert lines[2]["record"] == {"title": "One", "text": "Two", "further cells": ["Three"]}
    assert "record" not in lines[3]
    assert all(line["reason"] for line in lines)


def test_mended_rejects_are_taken_in_and_the_rest_is_refused_again(news, tmp_path):
    rejects, archive = tmp_path / "rejects.jsonl", tmp_path / "archive"
    index(archive, news, "--rejects", rejects)
    lines = [json.loads(line) for line in rejects.read_text().splitlines()]
    lines[0]["record"] = '{"id": "b", "title": "Mended", "text": "It was a quote."}'
    lines[2]["record"] = {"title": "One", "text": "Two, Three"}
    rejects.write_text("".join(json.dumps(line) + "\n" for line in lines))
    (news / "c.txt").write_text("Tide\n\nIt came in.")
    report = index(archive, "--retry", rejects, "--rejects", tmp_path / "left.jsonl")
    assert (report["new"], len(report["refused"])) == (3, 1)
    (left,) = [json.loads(line) for line in (tmp_path / "left.jsonl").read_text().splitlines()]
    assert left["record"] == {"id": "c"}
    shown = json.loads(backfile("show", "b", "--archive", archive, "--json").stdout)
    assert shown["title"] == "Mended"


def test_a_reject_that_is_mended_where_it_was_is_the_same_article(news, tmp_path):
    rejects, archive = tmp_path / "rejects.jsonl", tmp_path / "archive"
    index(archive, news, "--rejects", rejects)
    line = json.loads(rejects.read_text().splitlines()[2])
    line["record"] = {"title": "One", "text": "Two"}
    rejects.write_text(json.dumps(line))
    assert index(archive, "--retry", rejects)["new"] == 1
    (news / "b.csv").write_text("title,text\nOne,Two\n")
    assert index(archive, news / "b.csv")["unchanged"] == 1


@pytest.mark.parametrize("content", ["not JSON", "[]", '{"reason": "x"}', '{"origin": 7}'])
def test_what_is_no_file_of_rejects_is_said_in_one_line(tmp_path, content):
    path = tmp_path / "rejects.jsonl"
    path.write_text(content)
    with pytest.raises(BadRejects, match=r"line 1 of .* is not a rejected article"):
        Rejects(path, FieldMap())


def test_a_very_long_record_is_left_where_it_is(tmp_path):
    path = tmp_path / "rejects.jsonl"
    write_rejects(path, [UnreadableArticle("a.jsonl:1", "bad", record="x" * (2 << 20))])
    assert json.loads(path.read_text()) == {"origin": "a.jsonl:1", "reason": "bad"}


def test_index_needs_something_to_read(tmp_path):
    result = backfile("index", "--archive", tmp_path / "archive")
    assert result.exit_code == 2
    assert "PATHS" in result.stderr
