"""Archives that earlier releases made are read, brought up to date, and know what they hold."""

import json
import sqlite3
import tarfile
from contextlib import closing
from pathlib import Path

import pytest

from backfile.archive.store.migrations import STEPS
from tests.builders import backfile, one_line_error
from tests.releases import make

RELEASES = sorted(Path(make.__file__).parent.glob("*.tar.xz"))
COUNTED = ("articles", "versions", "withdrawals", "removals", "originals", "stories", "signatures")
PLACES = {"articles": "origin_file", "versions": "origin_file", "originals": "place"}


class Unpacked:
    """The archive that a release made, and the folder that it was made of."""

    def __init__(self, packed: Path, folder: Path) -> None:
        with tarfile.open(packed) as files:
            files.extraction_filter = lambda member, _: member  # 3.11.3 has no filters
            files.extractall(folder)
        self.news = folder / "news"
        self.archive = folder / "archive"
        self.again = json.loads((folder / "again.json").read_text())

    def run(self, *arguments):
        return backfile(*arguments, "--archive", self.archive)

    def json(self, *arguments):
        return json.loads(self.run(*arguments, "--json").stdout)

    def search(self, text, mode="keyword"):
        """The titles of all hits."""
        hits = self.json("search", text, "--mode", mode)["hits"]
        return [hit["article"]["title"] for hit in hits]

    def index(self, *options):
        return self.json("index", self.news, "--quiet", *options)

    def connected(self):
        return closing(sqlite3.connect(self.archive / "catalog.db"))

    def version(self):
        with self.connected() as connection:
            return connection.execute("PRAGMA user_version").fetchone()[0]

    def counts(self):
        """How many rows the record has, and all rows of what happened to its articles."""
        with self.connected() as connection:
            counted = {
                name: connection.execute(f"SELECT COUNT(*) FROM {name}").fetchone()[0]
                for name in COUNTED
            }
            named = connection.execute(
                "SELECT number, id, digest, kept_at FROM articles"
            ).fetchall()
            past = connection.execute("SELECT id, place, replaced_at FROM versions").fetchall()
            return counted, sorted(named), sorted(past)

    def stand_in_place(self):
        """Name the folder as it is now in the record, as if nothing had been moved."""
        place = self.again["refused"][0]["origin"].partition("/news/")[0]
        with self.connected() as connection, connection:
            for table, column in PLACES.items():
                connection.execute(
                    f"UPDATE {table} SET {column} = replace({column}, ?, ?)",
                    (place, str(self.news.parent)),
                )
        return self


@pytest.fixture(params=RELEASES, ids=lambda path: path.name.partition(".")[0])
def unpacked(request, tmp_path):
    return Unpacked(request.param, tmp_path)


def told(report):
    """A report without the places of what was refused; early releases did not count `thin`."""
    refused = sorted(each["reason"] for each in report["refused"])
    return {"thin": 0, **report, "refused": refused}


def test_there_are_archives_of_earlier_releases():
    assert "abd7c89" in {path.name.partition(".")[0] for path in RELEASES}


@pytest.mark.long
def test_readers_read_it_as_it_is(unpacked):
    before = unpacked.version()
    found = unpacked.search("swing bridge")
    assert any("swing bridge over the river Ash" in title for title in found), found
    assert unpacked.search(f'"{make.SCRAP}"') == [
        "After 112 years, Gorse & Daughter sells its last shackle"
    ]
    totals = unpacked.json("search", "engineers cracks beams", "--mode", "keyword")["totals"]
    assert (totals["articles"], totals["stories"]) == (2, 1)
    history = unpacked.json("show", make.CORRECTED, "--history")["versions"]
    assert len(history) == 2
    assert [make.SCRAP in each["text"] for each in history] == [True, False]
    assert unpacked.run("show", make.REMOVED).exit_code == 2
    assert unpacked.run("show", make.WITHDRAWN).exit_code == 2
    assert unpacked.json("status")["articles"] == unpacked.again["unchanged"]
    verified = unpacked.run("verify")
    assert (verified.exit_code, verified.stdout) == (0, "the archive is sound\n")
    assert unpacked.version() == before


@pytest.mark.long
@pytest.mark.model  # the repair embeds
def test_it_is_divided_once_it_is_brought_up_to_date(unpacked, tmp_path):
    folder = tmp_path / "cluster"
    refused = unpacked.run("cluster", "import", folder)
    assert "`backfile verify --repair` brings it up to date" in one_line_error(refused)
    assert not folder.exists()
    assert unpacked.run("verify", "--repair").exit_code == 0
    assert unpacked.run("cluster", "import", folder).exit_code == 0
    assert backfile("cluster", "verify", folder).stdout == "all shards are sound\n"


@pytest.mark.long
def test_the_unchanged_folder_is_unchanged_and_its_history_too(unpacked):
    unpacked.stand_in_place()
    before = unpacked.counts()
    report = unpacked.index("--no-vectors")
    assert told(report) == told(unpacked.again)
    assert (report["new"], report["changed"], report["withdrawn"]) == (0, 0, 0)
    assert unpacked.counts() == before
    assert unpacked.version() == len(STEPS)
    assert unpacked.run("verify").stdout == "the archive is sound\n"


@pytest.mark.long
def test_a_copy_of_the_folder_elsewhere_is_nothing_new(unpacked):
    before = unpacked.counts()
    report = unpacked.index("--no-vectors")
    assert (report["new"], report["changed"], report["withdrawn"]) == (0, 0, 0)
    assert report["read"] == unpacked.again["read"]
    assert unpacked.counts() == before


@pytest.mark.long
def test_what_was_kept_is_read_again_without_a_change(unpacked):
    before = unpacked.counts()
    report = unpacked.json("reread", "--quiet", "--no-vectors")
    assert (report["new"], report["changed"]) == (0, 0)
    assert report["unchanged"] == unpacked.again["unchanged"]
    assert unpacked.counts() == before


@pytest.mark.long
def test_indexes_are_made_anew_and_articles_added_and_removed(unpacked):
    assert unpacked.run("rebuild", "--quiet").exit_code == 0
    line = json.dumps({"id": "new", "title": "Ferry again", "text": "A ferry sails again."})
    (unpacked.news / "more.jsonl").write_text(line)
    assert unpacked.index("--no-vectors")["new"] == 1
    assert unpacked.search("ferry sails again")[0] == "Ferry again"
    assert unpacked.run("remove", "new", "cc-2023-002").exit_code == 0
    assert unpacked.search("ferry sails again")[:1] != ["Ferry again"]
    assert unpacked.run("verify").stdout == "the archive is sound\n"


def test_all_modes_find_what_the_earlier_release_embedded(unpacked, sample):
    (unpacked.archive / "query-graph").symlink_to(sample / "query-graph")
    for _ in range(2):  # as it was made, and brought up to date
        for mode in ("keyword", "semantic", "hybrid"):
            found = unpacked.search("why was the bridge closed", mode)
            assert any(title.startswith("The swing bridge") for title in found), (mode, found)
        assert unpacked.json("status")["coverage"] == 1
        assert unpacked.index()["new"] == 0
        assert unpacked.version() == len(STEPS)
