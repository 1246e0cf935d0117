"""The commands for a divided archive: what a user sees, and that a killed one can be run again."""

import json
import math
import os
import re
import shutil
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backfile.archive.model.errors import EngineUnavailable
from backfile.archive.model.settings import Settings
from backfile.archive.store.directory import write_json
from backfile.archive.store.sealing import with_digest
from backfile.index.cluster.map.cluster_map import DRAFT, FILE, UNDATED, ClusterMap
from backfile.index.cluster.search.searching import ClusterSearcher
from backfile.index.cluster.writing import dividing, shard_writing
from backfile.scripts.commands import cluster
from backfile.web.app import create_app
from backfile.web.metrics import SearchMetrics
from backfile.web.served import Source
from tests.builders import DAMAGES, ROOT, backfile, damage, one_line_error
from tests.web.servers import get, serving, wait_until

CURSOR = re.compile("more: --cursor .*")


@pytest.fixture
def divided(indexed_by_words, tmp_path):
    """The stories, divided into shards."""
    folder = tmp_path / "cluster"
    made = backfile("cluster", "import", folder, "--shards", 3, "--archive", indexed_by_words)
    assert made.exit_code == 0, made.output
    return folder


def test_a_divided_archive_is_searched_as_the_archive_that_it_was(indexed_by_words, divided):
    for words in (["ferry"], ["harbour", "dues"], ["bridge", "--sort", "newest"], ["nowhere"]):
        whole = backfile("search", *words, "--archive", indexed_by_words)
        shards = backfile("cluster", "search", divided, *words)
        assert shards.exit_code == whole.exit_code
        assert CURSOR.sub("", shards.stdout) == CURSOR.sub("", whole.stdout)


def test_the_cursor_that_is_printed_gives_the_next_page(divided):
    first = backfile("cluster", "search", divided, "harbour", "--limit", 1)
    cursor = re.search(r"more: --cursor (\S+)", first.stderr)[1]
    second = backfile("cluster", "search", divided, "harbour", "--limit", 1, "--cursor", cursor)
    assert second.stdout.startswith("2. ")


def test_shards_that_are_opened_here_may_take_as_long_as_an_archive(divided, monkeypatch):
    made = []

    def searcher(shards, **limits):
        made.append(limits)
        return ClusterSearcher(shards, **limits)

    monkeypatch.setattr(cluster, "ClusterSearcher", searcher)
    assert backfile("cluster", "search", divided, "harbour").exit_code == 0
    assert made[0]["budget"] == math.inf
    assert made[0]["seconds_a_round"] > 600  # to load a model takes seconds


def test_all_articles_of_shards_are_written_as_those_of_the_archive(indexed_by_words, divided):
    for words in ([], ["ferry"], ["nowhere"]):
        whole = backfile("export", *words, "--archive", indexed_by_words, "--format", "jsonl")
        shards = backfile("cluster", "export", divided, *words, "--format", "jsonl")
        assert (shards.stdout, shards.exit_code) == (whole.stdout, whole.exit_code)


def test_status_names_each_shard_with_what_it_holds(divided):
    lines = backfile("cluster", "status", divided).stdout.splitlines()
    assert lines[0] == "undated: 1 article, 1 passage, 0% by meaning"
    assert len(lines) == 4
    assert sum(int(re.search(r": (\d+) article", line)[1]) for line in lines) == 7


def test_status_goes_on_behind_a_shard_that_cannot_be_opened(divided):
    shard = ClusterMap.read(divided).folders(divided)[1]
    damage(shard / "catalog.db", "cut", 0.4)
    result = backfile("cluster", "status", divided)
    assert result.exit_code == 1
    assert len(result.stdout.splitlines()) == 3
    assert result.stderr.startswith(f"{shard.name}: ")


def test_the_first_shards_hold_the_first_days(divided):
    found = ClusterMap.read(divided)
    assert (found.shards[0].name, found.shards[0].since) == (UNDATED, None)
    begins = [each.since for each in found.shards if each.since]
    assert begins == sorted(begins)
    for folder, entry in zip(found.folders(divided), found.shards, strict=True):
        until = next((each for each in begins if entry.since is None or each > entry.since), None)
        listed = backfile("export", "--archive", folder, "--format", "csv").stdout
        days = re.findall(r",(\d{4}-\d{2}-\d{2}),", listed)
        for day in map(date.fromisoformat, days):
            assert entry.name != UNDATED
            assert entry.since is None or day >= entry.since
            assert until is None or day < until


def test_a_shard_is_split_in_two_and_the_answers_stay_the_same(indexed_by_words, divided):
    before = ClusterMap.read(divided)
    largest = before.shards[1].name
    result = backfile("cluster", "split", divided, largest)
    assert result.exit_code == 0, result.output
    after = ClusterMap.read(divided)
    assert len(after.shards) == len(before.shards) + 1
    assert (divided / "shards" / largest).exists()  # servers may have it open
    assert backfile("cluster", "verify", divided).exit_code == 0
    for words in (["ferry"], ["harbour", "dues"], []):
        whole = backfile("export", *words, "--archive", indexed_by_words)
        assert backfile("cluster", "export", divided, *words).stdout == whole.stdout


def test_a_shard_of_one_day_or_without_days_is_not_split(divided):
    for name, why in (("undated", "its news are of one day, or undated"), ("nine", "no shard is")):
        assert why in one_line_error(backfile("cluster", "split", divided, name))
    assert backfile("cluster", "verify", divided).exit_code == 0


def test_a_damaged_shard_is_named(divided):
    assert backfile("cluster", "verify", divided).stdout == "all shards are sound\n"
    shard = ClusterMap.read(divided).folders(divided)[1]
    damage(shard / "catalog.db", "cut", 0.4)
    result = backfile("cluster", "verify", divided)
    assert result.exit_code == 1
    assert all(line.startswith(f"{shard.name}: ") for line in result.stdout.splitlines())


def test_a_folder_with_something_in_it_is_refused(indexed_by_words, divided, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    (other / "letters.txt").write_text("mine")
    for folder in (divided, other):
        result = backfile("cluster", "import", folder, "--archive", indexed_by_words)
        error = one_line_error(result)
        assert error == (
            f"backfile: no shards can be made in {folder}: it is not empty; name a new folder"
        )
    assert (other / "letters.txt").read_text() == "mine"


def test_shards_without_a_map_are_not_deleted(indexed_by_words, divided):
    (divided / FILE).unlink()
    result = backfile("cluster", "import", divided, "--archive", indexed_by_words)
    assert one_line_error(result).endswith("it is not empty; name a new folder")
    assert (divided / "shards" / UNDATED / "catalog.db").exists()


def test_the_files_of_a_shard_are_their_owners_alone(indexed_by_words, tmp_path, monkeypatch):
    archive, folder = tmp_path / "archive", tmp_path / "cluster"
    shutil.copytree(indexed_by_words, archive)
    shutil.copy(indexed_by_words / "manifest.json", archive / "noise.json")  # any file of JSON
    monkeypatch.setattr(os, "link", refuse)  # as between file systems
    umask = os.umask(0o022)
    try:
        assert backfile("cluster", "import", folder, "--archive", archive).exit_code == 0
    finally:
        os.umask(umask)
    made = list(folder.rglob("*"))
    assert any(path.suffix == ".gz" for path in made)
    assert any(path.name == "noise.json" for path in made)
    assert [path for path in made if path.stat().st_mode & 0o077] == []


def refuse(*_):
    raise OSError


def test_a_shard_has_the_graph_that_belongs_to_its_vectors(indexed_by_words, tmp_path):
    archive, folder = tmp_path / "archive", tmp_path / "cluster"
    shutil.copytree(indexed_by_words, archive)
    (archive / "int8-graph").mkdir(mode=0o700)
    (archive / "int8-graph" / "model.onnx").write_bytes(b"graph")
    assert backfile("cluster", "import", folder, "--archive", archive).exit_code == 0
    for shard in ClusterMap.read(folder).folders(folder):
        assert (shard / "int8-graph" / "model.onnx").read_bytes() == b"graph"


def test_an_archive_is_not_divided_into_a_folder_that_it_lies_in(indexed_by_words, tmp_path):
    archive = tmp_path / "cluster" / "shards"
    shutil.copytree(indexed_by_words, archive)
    result = backfile("cluster", "import", archive.parent, "--archive", archive)
    assert "no shards can be made" in one_line_error(result)
    inside = backfile("cluster", "import", archive / "originals", "--archive", archive)
    assert "no shards can be made" in one_line_error(inside)
    assert backfile("verify", "--archive", archive).exit_code == 0


@pytest.mark.parametrize(
    ("where", "stage"), [(shard_writing, "mark_record"), (dividing, "ClusterMap.write")]
)
def test_a_killed_import_is_run_again(indexed_by_words, tmp_path, monkeypatch, where, stage):
    folder = tmp_path / "cluster"

    def killed(*_args, **_options):
        (folder / DRAFT).touch()  # as if the map were being written
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(f"{where.__name__}.{stage}", killed)
        result = backfile("cluster", "import", folder, "--archive", indexed_by_words)
        assert result.exit_code == 130
    assert "no divided archive at" in one_line_error(backfile("cluster", "status", folder))
    assert backfile("cluster", "import", folder, "--archive", indexed_by_words).exit_code == 0
    assert backfile("cluster", "verify", folder).exit_code == 0


@pytest.mark.parametrize("kind", [each for each in DAMAGES if each != "delete"])
def test_a_damaged_map_is_said_to_be_one(divided, kind):
    damage(divided / FILE, kind)
    error = one_line_error(backfile("cluster", "search", divided, "ferry"))
    assert error.startswith("backfile: the map of the cluster is unavailable: ")


@pytest.mark.parametrize(
    "names",
    [["../../archive"], ["/etc"], [".."], ["a/b"], [""], ["a\n"], ["a", "a"], [], [None], [7, {}]],
    ids=str,
)
def test_a_map_names_no_archive_elsewhere_and_none_twice(tmp_path, names):
    shards = [{"name": name, "since": None} for name in names]
    write_json(tmp_path / FILE, with_digest({"format": 1, "shards": shards}))
    with pytest.raises(EngineUnavailable, match="cannot be read"):
        ClusterMap.read(tmp_path)


def test_a_map_whose_days_are_in_disorder_is_said_to_be_damaged(tmp_path):
    for days in (["2024-02-01", "2024-01-01"], ["2024-02-01", None], ["2024-01-01"] * 2):
        shards = [{"name": f"s{n}", "since": day} for n, day in enumerate(days)]
        write_json(tmp_path / FILE, with_digest({"format": 1, "shards": shards}))
        with pytest.raises(EngineUnavailable, match="cannot be read"):
            ClusterMap.read(tmp_path)


@given(
    st.lists(st.tuples(st.integers(0, 40), st.integers(1, 9)), max_size=40),
    st.integers(1, 6),
)
def test_each_day_has_one_shard_and_shards_are_of_about_equal_sizes(news, n_shards):
    days = np.array([day and 738_000 + day for day, _ in news], np.int32)
    sizes = np.array([size for _, size in news], np.int64)
    made = ClusterMap.of_days(days, sizes, n_shards)
    places = made.place_of(days)
    dated = [each for each in made.shards if each.name != UNDATED]
    assert len(dated) <= n_shards
    filled = [
        place for place, each in enumerate(made.shards) if (days > 0).any() or each.name == UNDATED
    ]
    assert set(places.tolist()) == set(filled) or not len(news)
    for day in set(days.tolist()):
        assert len(set(places[days == day].tolist())) == 1
    if len(dated) > 1:
        largest_day = max(sizes[days == day].sum() for day in set(days[days > 0].tolist()))
        share = sizes[days > 0].sum() / n_shards
        found = [sizes[places == place].sum() for place in set(places[days > 0].tolist())]
        assert max(found) <= share + largest_day


@pytest.mark.crash
def test_a_divided_archive_is_served_also_without_one_of_its_shards(indexed_by_words, divided):
    shard = sorted((divided / "shards").iterdir())[0]
    aside = shard.rename(divided / "aside")
    with serving("--cluster", divided, seconds=60) as port:
        status, headers, body = get(port, "/api/search?q=&copies=show&fields=total,query.notes")
        found = json.loads(body)
        assert (status, found["query"]["notes"]) == (200, [headers["Backfile-Incomplete"]])
        assert found["query"]["notes"][0] == "3 of 4 parts of the archive answered"
        assert b"3 of 4 parts of the archive answered." in get(port, "/?q=bridge")[2]
        assert get(port, "/article/ferry?q=ferry")[0] in (200, 503)
        aside.rename(shard)
        wait_until(lambda: b'"total":7' in get(port, "/api/search?q=&fields=total")[2], 60)
        whole = backfile("search", "bridge", "--archive", indexed_by_words, "--json")
        ids = [hit["article"]["id"] for hit in json.loads(whole.stdout)["hits"]]
        answer = json.loads(get(port, "/api/search?q=bridge")[2])
        assert [hit["article"]["id"] for hit in answer["hits"]] == ids
        assert get(port, "/?q=bridge")[1].get("Backfile-Incomplete") is None


def test_an_address_is_that_of_a_divided_archive(indexed_by_words):
    result = backfile("serve", "--address", "auto", "--archive", indexed_by_words)
    assert result.exit_code == 2
    assert "--address is that of a divided archive; name it with --cluster DIR" in result.output


@pytest.mark.parametrize("number", ["0", "-1", "101", "two"])
def test_a_shard_has_one_replica_or_some(divided, number):
    result = backfile("cluster", "start", divided, "--replicas", number)
    assert result.exit_code == 2
    assert "Invalid value for '--replicas'" in result.output


def test_what_is_no_divided_archive_is_not_served(indexed_by_words):
    result = backfile("serve", "--cluster", indexed_by_words)
    assert result.exit_code == 2
    assert result.stderr.startswith("backfile: no divided archive at ")


def test_a_feed_of_shards_has_the_ids_that_the_archive_gave(indexed_by_words, divided):
    settings = replace(Settings.from_environment(), archive=indexed_by_words)
    ids = []
    for folder in (None, divided):
        served = Source(settings, folder).open(SearchMetrics())
        with closing(served):
            feed = create_app(served.searcher, served.reader).test_client().get("/search.json")
        ids.append([item["id"] for item in feed.json["items"]])
    assert ids[0] == ids[1]
    assert len(ids[0]) == 7


WITHOUT_RAY = """
import sys
from pathlib import Path
from backfile.archive.model.settings import Settings
from backfile.index.model.query import Query
from backfile.web.metrics import SearchMetrics
from backfile.web.served import Source
import backfile.web.server
served = Source(Settings.from_environment(), Path(sys.argv[1])).open(SearchMetrics())
assert served.searcher.search(Query("bridge")).total
assert "ray" not in sys.modules
"""


def test_who_names_no_ray_cluster_imports_no_ray(divided):
    subprocess.run([sys.executable, "-c", WITHOUT_RAY, divided], cwd=ROOT, check=True)
