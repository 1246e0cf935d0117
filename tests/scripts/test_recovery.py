"""A record that is lost or damaged: no wrong answer, and the originals bring it back."""

import json
import shutil
import sqlite3
from contextlib import closing

import pytest

from backfile.archive.store.catalog import Catalog
from backfile.archive.store.journal import NAMES, Journal
from tests.builders import STORIES, backfile, write_stories

PAGE = 4096  # bytes, of SQLite's


@pytest.fixture
def archive(indexed_by_words, tmp_path):
    return shutil.copytree(indexed_by_words, tmp_path / "archive")


def stories_in(folder, stories):
    folder.mkdir()
    return write_stories(folder, stories)


def run(archive, *arguments):
    return backfile(*arguments, "--archive", archive)


def reread(archive):
    return run(archive, "reread", "--all", "--no-vectors", "--quiet")


def articles_in(archive):
    with closing(Catalog(archive / "catalog.db")) as catalog:
        return {article.id: article for article, _ in catalog.digests()}


def files_in(archive):
    passing = ("writer.lock", "catalog.db-wal", "catalog.db-shm")
    return {path for path in archive.rglob("*") if path.name not in passing}


def drop_log(archive):
    for suffix in ("-wal", "-shm"):
        (archive / f"catalog.db{suffix}").unlink(missing_ok=True)


def lose(archive, tmp_path, way):
    record = archive / "catalog.db"
    drop_log(archive)
    match way:
        case "missing":
            record.unlink()
        case "empty":
            record.write_bytes(b"")
        case "of another archive":
            other = tmp_path / "other"
            stories = stories_in(tmp_path / "of-another", STORIES[:1])
            assert run(other, "index", stories, "--no-vectors").exit_code == 0
            shutil.copy(other / "catalog.db", record)
        case "another database":
            record.unlink()
            with closing(sqlite3.connect(record)) as connection:
                connection.execute("CREATE TABLE things (name)")
        case "older":
            with closing(sqlite3.connect(record)) as connection, connection:
                connection.execute("UPDATE counters SET value = 1 WHERE name = 'generation'")
        case "lacking articles":
            with closing(sqlite3.connect(record)) as connection, connection:
                connection.execute("DELETE FROM articles WHERE id = 'ferry'")


WAYS = ("missing", "empty", "of another archive", "another database", "older", "lacking articles")


@pytest.mark.parametrize("way", WAYS)
def test_a_lost_record_is_an_error_until_it_is_read_again(archive, tmp_path, way):
    known = articles_in(archive)
    stories = stories_in(tmp_path / "again", STORIES[:2])
    lose(archive, tmp_path, way)
    there = files_in(archive)
    commands = [["index", stories, "--no-vectors"], ["verify", "--repair"], ["remove", "ferry"]]
    if way != "lacking articles":  # readers do not count
        commands += [["status"], ["search", "ferry"], ["verify"]]
    for command in commands:
        result = run(archive, *command)
        assert result.exit_code == 2, result.output
        assert "backfile reread --all" in result.output
        assert files_in(archive) == there
    assert reread(archive).exit_code == 0
    assert articles_in(archive) == known
    assert run(archive, "verify").output == "the archive is sound\n"
    assert run(archive, "search", "ferry", "--json").exit_code == 0


def test_removed_articles_stay_removed_when_the_record_is_read_again(archive, tmp_path):
    assert run(archive, "remove", "ferry").exit_code == 0
    lose(archive, tmp_path, "missing")
    assert reread(archive).exit_code == 0
    assert "ferry" not in articles_in(archive)
    assert len(articles_in(archive)) == len(STORIES) - 1


def test_originals_that_were_released_are_not_missed(archive, tmp_path):
    alone = stories_in(tmp_path / "alone", [{**STORIES[0], "id": "alone", "title": "A boat"}])
    assert run(archive, "index", alone, "--no-vectors").exit_code == 0
    assert run(archive, "remove", "alone").exit_code == 0
    lose(archive, tmp_path, "missing")
    result = reread(archive)
    assert result.exit_code == 0, result.output
    assert len(articles_in(archive)) == len(STORIES)


def test_originals_without_an_article_are_set_aside_and_listed(archive, tmp_path):
    kept = next(archive.glob("originals/??/*.gz"))
    lose(archive, tmp_path, "missing")
    kept.write_bytes(kept.read_bytes()[:-20])
    result = reread(archive)
    assert result.exit_code == 1
    (aside,) = archive.glob("set-aside-*")
    assert f"what was set aside is in {aside}" in result.output
    assert "no article was read from it" in result.output
    assert (aside / kept.name).exists()
    assert [note["digest"] for note in Journal(aside).notes()] == [kept.name.removesuffix(".gz")]


def test_a_run_deletes_the_originals_that_it_releases_and_no_others(archive, tmp_path):
    stray = archive / "originals" / "00" / "00ff.gz"
    stray.parent.mkdir(exist_ok=True)
    stray.write_bytes(b"of a run that was killed")
    before = {path for path in archive.glob("originals/??/*.gz") if path != stray}
    changed = stories_in(tmp_path / "changed", [{**STORIES[0], "text": "It runs again."}])
    assert run(archive, "index", changed, "--no-vectors").exit_code == 0
    assert run(archive, "remove", *(story["id"] for story in STORIES[1:] if "id" in story))
    assert stray.exists()
    assert set(archive.glob("originals/??/*.gz")) - before - {stray}


def flip(archive, text):
    """Change one letter of a text in the record."""
    drop_log(archive)
    path = archive / "catalog.db"
    content = bytearray(path.read_bytes())
    at = content.index(text.encode())
    content[at] ^= 2
    path.write_bytes(content)


@pytest.mark.model
def test_a_damaged_article_is_named_and_restored_from_its_original(archive):
    known = articles_in(archive)
    flip(archive, "Commuters were told by letter")
    found = run(archive, "verify")
    assert found.exit_code == 1
    assert "the article 'ferry' is not what was read from" in found.output
    repaired = run(archive, "verify", "--repair", "--quiet")
    assert "restored 'ferry' from the original of" in repaired.output
    assert repaired.exit_code == 0, repaired.output
    assert articles_in(archive) == known
    assert not list(archive.glob("set-aside-*"))


def test_indexing_the_source_again_restores_a_damaged_article(archive, tmp_path, indexed_by_words):
    known = articles_in(archive)
    flip(archive, "Commuters were told by letter")
    source = indexed_by_words.parent / known["ferry"].origin.path.name
    report = run(archive, "index", source, "--no-vectors", "--json")
    assert json.loads(report.stdout)["changed"] == 1
    assert articles_in(archive) == known
    assert run(archive, "verify").exit_code == 0
    with closing(Catalog(archive / "catalog.db")) as catalog:
        assert catalog.history.count("ferry") == 0  # the damage is no version


@pytest.mark.model
def test_a_damaged_article_without_an_original_is_set_aside_and_listed(archive, tmp_path):
    for path in archive.glob("originals/??/*.gz"):
        path.unlink()
    flip(archive, "Commuters were told by letter")
    repaired = run(archive, "verify", "--repair", "--quiet")
    assert "set aside 'ferry': there is no original" in repaired.output
    (aside,) = archive.glob("set-aside-*")
    (left,) = map(json.loads, (aside / "articles.jsonl").read_text().splitlines())
    assert left["id"] == "ferry"
    assert "ommuters were told by letter" in left["text"]
    assert "ferry" not in articles_in(archive)


@pytest.mark.model
def test_passages_that_leave_out_text_are_damage(archive):
    with closing(sqlite3.connect(archive / "catalog.db")) as connection, connection:
        connection.execute("DELETE FROM passages WHERE n = 0")
    assert "is not what was read" in run(archive, "verify").output
    assert run(archive, "verify", "--repair", "--quiet").exit_code == 0


@pytest.mark.model
@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE signatures SET signature = substr(signature, 2) WHERE article = 1",
        'UPDATE passages SET "end" = "end" - 1 WHERE article = 1',
        "UPDATE passages SET heading = 'Another' WHERE article = 1",
        "UPDATE articles SET kept_at = '2001-01-01T00:00:00+00:00' WHERE number = 1",
        "UPDATE articles SET date_certainty = 'likely' WHERE number = 1",
        "UPDATE articles SET title = x'ff' WHERE number = 1",
        "UPDATE seals SET seal = x'00' WHERE article = 1",
    ],
)
def test_what_belongs_to_an_article_is_named_and_restored_with_it(archive, damage):
    known = articles_in(archive)
    with closing(sqlite3.connect(archive / "catalog.db")) as connection, connection:
        assert connection.execute(damage).rowcount
    found = run(archive, "verify")
    assert found.exit_code == 1
    assert "is not what was read from" in found.output
    repaired = run(archive, "verify", "--repair", "--quiet")
    assert (repaired.exit_code, repaired.output.count("restored ")) == (0, 1), repaired.output
    assert articles_in(archive) == known


def test_an_article_of_an_earlier_release_has_no_seal_and_is_sound(archive):
    with closing(sqlite3.connect(archive / "catalog.db")) as connection, connection:
        connection.execute("DELETE FROM seals WHERE article = 1")
    assert run(archive, "verify").exit_code == 0


@pytest.mark.model
@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE versions SET content = substr(content, 1, 40)",
        "UPDATE versions SET digest = x'00'",
        "UPDATE versions SET replaced_at = 'never'",
    ],
)
def test_a_damaged_version_is_named_and_set_aside(archive, tmp_path, damage):
    longer = STORIES[0]["text"] + " It runs again."
    changed = stories_in(tmp_path / "changed", [{**STORIES[0], "text": longer}])
    assert run(archive, "index", changed, "--no-vectors").exit_code == 0
    with closing(sqlite3.connect(archive / "catalog.db")) as connection, connection:
        assert connection.execute(damage).rowcount == 1
    assert "catalogue: the version of 'ferry' that was replaced at" in run(archive, "verify").output
    if "content" in damage:
        shown = run(archive, "show", "ferry", "--history")
        assert "an earlier version is damaged; `backfile verify --repair`" in shown.output
    repaired = run(archive, "verify", "--repair", "--quiet")
    assert repaired.exit_code == 0, repaired.output
    (aside,) = archive.glob("set-aside-*")
    (left,) = map(json.loads, (aside / "versions.jsonl").read_text().splitlines())
    assert (left["id"], left["sequence"]) == ("ferry", 1)
    assert run(archive, "show", "ferry", "--history").exit_code == 0
    assert articles_in(archive)["ferry"].text == longer


@pytest.mark.model
def test_a_malformed_record_is_copied_as_far_as_it_can_be_read(archive):
    known = articles_in(archive)
    drop_log(archive)
    path = archive / "catalog.db"
    content = bytearray(path.read_bytes())
    at = content.index(b"Commuters were told by letter") // PAGE * PAGE
    content[at : at + PAGE] = b"\xff" * PAGE
    path.write_bytes(content)
    assert run(archive, "verify").exit_code != 0
    repaired = run(archive, "verify", "--repair", "--quiet")
    assert repaired.exit_code == 0, repaired.output
    assert "the damaged catalogue was replaced" in repaired.output
    (aside,) = archive.glob("set-aside-*")
    assert (aside / "catalog.db").read_bytes() == content
    assert articles_in(archive) == known


def test_a_record_whose_recovery_was_killed_is_not_searched(archive):
    with closing(sqlite3.connect(archive / "catalog.db")) as connection, connection:
        connection.execute("INSERT INTO counters VALUES ('unfinished', 1)")
        connection.execute("DELETE FROM passages")
        connection.execute("DELETE FROM articles")
    for command in (["search", "ferry"], ["index", archive.parent, "--no-vectors"]):
        result = run(archive, *command)
        assert result.exit_code == 2
        assert "still to be read again" in result.output
    assert reread(archive).exit_code == 0
    assert len(articles_in(archive)) == len(STORIES)
    assert run(archive, "verify").exit_code == 0


def test_a_new_manifest_is_not_written_over_a_record_with_articles(archive, tmp_path):
    (archive / "manifest.json").unlink()
    result = run(archive, "index", stories_in(tmp_path / "again", STORIES[:1]), "--no-vectors")
    assert result.exit_code == 2
    assert "manifest.json is missing" in result.output


def test_a_journal_line_that_was_cut_short_costs_no_other_line(tmp_path):
    journal = Journal(tmp_path)
    note = dict.fromkeys(NAMES, "{}") | {"digest": "a"}
    journal.add([note])
    (tmp_path / "notes.jsonl").write_text((tmp_path / "notes.jsonl").read_text() + '{"digest": "b')
    journal.add([{**note, "digest": "c"}])
    assert [each["digest"] for each in journal.notes()] == ["a", "c"]
