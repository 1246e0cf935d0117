"""`backfile collections`, the option --collection, and collections in the library."""

import json
import shutil

import pytest

import backfile as library
from tests.builders import backfile, one_line_error


@pytest.fixture
def archive(tmp_path, indexed_by_words):
    return shutil.copytree(indexed_by_words, tmp_path / "archive")


def run(archive, *arguments):
    return backfile(*arguments, "--archive", archive)


def test_a_collection_is_made_shown_renamed_and_deleted(archive):
    assert "--add ID" in run(archive, "collections").stdout
    added = run(archive, "collections", "Boats", "--add", "ferry", "--add", "/2023/05/pier%20")
    assert added.stdout == "put 2 of 2 articles into Boats\n"
    assert run(archive, "collections").stdout == "       2  Boats\n"
    assert run(archive, "collections", "boats").stdout.splitlines() == [
        "ferry  Ferry timetable cut",
        "/2023/05/pier%20  Pier repainted",
    ]
    run(archive, "collections", "Boats", "--remove", "ferry", "--rename", "Piers")
    shown = json.loads(run(archive, "collections", "Piers", "--json").stdout)
    assert [each["article_id"] for each in shown] == ["/2023/05/pier%20"]
    assert run(archive, "collections", "Piers", "--delete").exit_code == 0
    assert json.loads(run(archive, "collections", "--json").stdout) == []


def test_what_is_not_there_is_named(archive):
    assert "no article has the id 'x'" in one_line_error(
        run(archive, "collections", "Boats", "--add", "x")
    )
    run(archive, "collections", "Boats", "--add", "ferry")
    assert "there is 'Boats'" in one_line_error(run(archive, "collections", "Boat"))
    assert "Missing argument" in run(archive, "collections", "--delete").stderr


def test_searches_and_exports_take_a_collection(archive):
    run(archive, "collections", "Boats", "--add", "ferry")
    found = run(archive, "search", "ferry", "--mode", "keyword", "--collection", "boats", "--json")
    assert [hit["article"]["id"] for hit in json.loads(found.stdout)["hits"]] == ["ferry"]
    written = run(archive, "export", "--collection", "Boats", "--format", "jsonl").stdout
    assert json.loads(written)["id"] == "ferry"
    assert run(archive, "export", "--added-since", "2999", "--format", "jsonl").exit_code == 1


def test_damaged_collections_are_found_and_set_aside(archive):
    run(archive, "collections", "Boats", "--add", "ferry")
    (archive / "collections.sqlite").write_bytes(b"no database" * 999)
    found = run(archive, "verify")
    assert found.exit_code == 1
    assert "collections: " in found.stdout
    assert run(archive, "search", "ferry", "--mode", "keyword").exit_code == 0


def test_the_library_collects_articles(archive):
    with library.open(archive) as opened:
        assert opened.collect("Boats", "ferry") == 1
        assert opened.collect("Boats", ["ferry", "bridge"]) == 1
        assert [each.name for each in opened.collections()] == ["Boats"]
        assert {each.article_id for each in opened.collected("Boats")} == {"ferry", "bridge"}
        assert opened.search(collection="Boats").total == 2
        assert opened.uncollect("Boats", "ferry") == 1
        with pytest.raises(library.ArticleNotFound):
            opened.collect("Boats", ["nowhere"])
        assert opened.rename_collection("Boats", "Ships").name == "Ships"
        assert opened.delete_collection("Ships").articles == 1
