"""The commands that make and write shards: what was indexed is found, and a kill loses nothing."""

import json
import os
import re
import shutil
import sqlite3
from contextlib import closing
from dataclasses import replace

import pytest

from backfile.archive.store.catalog import Catalog
from backfile.archive.store.directory import ArchiveDirectory
from backfile.archive.store.jobs import JobKind
from backfile.archive.store.manifest import Manifest
from backfile.index.cluster.map.cluster_map import ClusterMap
from backfile.index.cluster.writing import following, shard_writing
from tests.builders import STORIES, backfile, one_line_error, paper_model, write_records
from tests.clusters import MORE, agrees, divided_into, succeeds


@pytest.fixture
def archive(indexed_by_words, tmp_path):
    return shutil.copytree(indexed_by_words, tmp_path / "archive")


@pytest.fixture
def divided(archive, tmp_path):
    """The stories, divided into shards."""
    return divided_into(tmp_path / "cluster", archive)


def stories(tmp_path, *changed):
    return write_records(tmp_path / "more.jsonl", changed)


def state_of(folder):
    """The bytes of each shard's catalogue and words, by its name."""
    return {
        shard.name: [
            path.read_bytes()
            for path in sorted(shard.rglob("*"))
            if path.is_file() and "catalog.db-" not in path.name
        ]
        for shard in ClusterMap.read(folder).folders(folder)
    }


def test_what_is_indexed_is_found_in_the_shard_of_its_day_and_no_other_is_written(
    archive, divided, tmp_path
):
    before = state_of(divided)
    news = stories(tmp_path, MORE | {"id": "sold", "published": "2024-12-24"})
    succeeds("index", divided, news, "--no-vectors", "--archive", archive)
    agrees(archive, divided)
    after = state_of(divided)
    changed = {name for name in before if before[name] != after[name]}
    last = ClusterMap.read(divided).shards[-1].name
    assert changed == {"undated", last}  # the first shard has what belongs to no article: the run


def test_an_article_moves_when_its_day_changes(archive, divided, tmp_path):
    ferry = next(each for each in STORIES if each["id"] == "ferry")
    news = stories(tmp_path, ferry | {"published": "1999-01-01"})
    output = succeeds("index", divided, news, "--no-vectors", "--archive", archive)
    assert "from-beginning: 1 article new or changed\n" in output
    assert ": 0 articles new or changed, 1 left\n" in output
    agrees(archive, divided)


def test_what_is_removed_leaves_its_shard(archive, divided):
    assert backfile("remove", "ferry", "--archive", archive).exit_code == 0
    output = succeeds("update", divided, "--archive", archive)
    assert ": 0 articles new or changed, 1 left\n" in output
    agrees(archive, divided)
    assert succeeds("update", divided, "--archive", archive) == ""


def test_tuned_weights_are_those_of_all_shards(archive, divided):
    weights = ArchiveDirectory(archive).ranking
    weights.write_text('{"vector_weight": 0.5}')
    before = state_of(divided)
    succeeds("update", divided, "--archive", archive)
    for shard in ClusterMap.read(divided).folders(divided):
        assert ArchiveDirectory(shard).ranking.read_text() == weights.read_text()
    assert state_of(divided) != before  # readers are told to look again
    again = state_of(divided)
    succeeds("update", divided, "--archive", archive)
    assert state_of(divided) == again


@pytest.mark.parametrize(
    ("where", "stage"),
    [
        (shard_writing, "copy_shard"),
        (shard_writing, "_copy_calibration"),
        (shard_writing, "mark_record"),
        (shard_writing, "note_written"),
        (following, "ClusterMap.write"),
    ],
)
def test_a_killed_update_is_run_again(archive, divided, tmp_path, monkeypatch, where, stage):
    ferry = next(each for each in STORIES if each["id"] == "ferry")
    news = stories(
        tmp_path,
        ferry | {"published": "1999-01-01"},
        MORE | {"id": "sold", "published": "2024-12-24"},
        MORE | {"id": "when"},
    )
    assert backfile("index", news, "--no-vectors", "--archive", archive).exit_code == 0

    def killed(*_args, **_options):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(f"{where.__name__}.{stage}", killed)
        assert backfile("cluster", "update", divided, "--archive", archive).exit_code == 130
    succeeds("update", divided, "--archive", archive)
    agrees(archive, divided)


def test_a_shard_that_another_command_has_changed_is_not_overwritten(archive, divided, tmp_path):
    shard = ClusterMap.read(divided).folders(divided)[-1]
    news = stories(tmp_path, MORE | {"id": "sold", "published": "2024-12-24"})
    assert backfile("index", news, "--no-vectors", "--archive", shard).exit_code == 0
    error = one_line_error(backfile("cluster", "update", divided, "--archive", archive))
    assert error.startswith(f"backfile: the shard {shard} is lost, or another command has ")
    succeeds("update", divided, "--all", "--archive", archive)
    agrees(archive, divided)


def leave_unfinished(archive, divided, monkeypatch):
    """Have an update killed while it writes a shard."""

    def killed(*_args, **_options):
        raise KeyboardInterrupt

    assert backfile("remove", "sold before", "--archive", archive).exit_code == 0
    with monkeypatch.context() as patched:
        patched.setattr(shard_writing, "note_written", killed)
        assert backfile("cluster", "update", divided, "--archive", archive).exit_code == 130


@pytest.mark.model
@pytest.mark.parametrize(
    ("left", "command"),
    [
        ("repaired", "index"),
        ("repaired twice", "remove"),
        ("repaired", "receive"),
        ("killed", "index"),
        ("killed and repaired", "remove"),
    ],
)
def test_what_is_changed_in_a_shard_after_a_repair_or_a_kill_is_not_taken_back(
    archive, divided, tmp_path, monkeypatch, left, command
):
    before = stories(tmp_path, MORE | {"id": "sold before", "published": "2024-12-22"})
    succeeds("index", divided, before, "--no-vectors", "--archive", archive)
    shard = ClusterMap.read(divided).folders(divided)[-1]
    if left.startswith("killed"):
        leave_unfinished(archive, divided, monkeypatch)
    for _ in range(left.count("repaired") + left.count("twice")):
        assert backfile("verify", "--repair", "--archive", shard).exit_code == 0
    if command == "index":
        news = stories(tmp_path, MORE | {"id": "sold", "published": "2024-12-24"})
        assert backfile("index", news, "--no-vectors", "--archive", shard).exit_code == 0
    elif command == "remove":
        held = backfile("export", "--archive", shard, "--format", "jsonl").stdout
        assert backfile("remove", json.loads(held.splitlines()[0])["id"], "--archive", shard
                        ).exit_code == 0  # fmt: skip
    else:  # what came in over HTTP, and was not done yet: a repair does it
        catalog = Catalog(shard / "catalog.db")
        with closing(catalog), catalog.inbox.receiving(JobKind.POST) as job:
            job.write(json.dumps(MORE | {"id": "sold", "published": "2024-12-24"}).encode())
            job.accept()
        assert backfile("verify", "--repair", "--archive", shard).exit_code == 0
    before = state_of(divided)
    for name in ("update", "index"):
        result = backfile("cluster", name, divided, *["x.jsonl"] * (name == "index"),
                          "--archive", archive)  # fmt: skip
        error = one_line_error(result)
        assert error.startswith(f"backfile: the shard {shard} is lost, or another command has ")
        assert f"`backfile cluster update {divided} --all`" in error
    split = backfile("cluster", "split", divided, ClusterMap.read(divided).shards[-1].name)
    assert str(shard) in one_line_error(split)
    assert state_of(divided) == before
    succeeds("update", divided, "--all", "--archive", archive)
    agrees(archive, divided)


def test_the_shards_of_one_archive_do_not_follow_another(divided, tmp_path):
    other = tmp_path / "other"
    assert backfile("index", stories(tmp_path, MORE | {"id": "sold"}), "--no-vectors",
                    "--archive", other).exit_code == 0  # fmt: skip
    error = one_line_error(backfile("cluster", "update", divided, "--archive", other))
    assert "were not made from the archive" in error


def test_an_id_that_was_removed_and_read_again_is_one_article(archive, divided, tmp_path):
    news = stories(tmp_path, next(each for each in STORIES if each["id"] == "ferry"))
    assert backfile("remove", "ferry", "--archive", archive).exit_code == 0
    assert backfile("index", news, "--no-vectors", "--archive", archive).exit_code == 0
    succeeds("update", divided, "--archive", archive)
    agrees(archive, divided)


def test_shards_follow_an_archive_that_was_restored(archive, divided, tmp_path):
    saved = tmp_path / "saved"
    assert backfile("backup", saved, "--archive", archive).exit_code == 0
    news = stories(tmp_path, MORE | {"id": "sold", "published": "2024-12-24"})
    succeeds("index", divided, news, "--no-vectors", "--archive", archive)
    assert backfile("restore", saved, "--archive", archive).exit_code == 0
    for n in range(4):  # until the generation is beyond that of the shards
        news = stories(tmp_path, MORE | {"id": f"kept-{n}", "published": "2024-12-23"})
        assert backfile("index", news, "--no-vectors", "--archive", archive).exit_code == 0
    succeeds("update", divided, "--archive", archive)
    agrees(archive, divided)


def test_a_shard_that_was_restored_takes_over_what_it_lacks(archive, divided, tmp_path):
    saved = tmp_path / "saved"
    succeeds("backup", divided, saved)
    last = ClusterMap.read(divided).shards[-1].name
    news = stories(tmp_path, MORE | {"id": "sold", "published": "2024-12-24"})
    succeeds("index", divided, news, "--no-vectors", "--archive", archive)
    shard = divided / "shards" / last
    assert backfile("restore", saved / "shards" / last, "--archive", shard).exit_code == 0
    news = stories(tmp_path, MORE | {"id": "kept", "published": "2024-12-23"})
    succeeds("index", divided, news, "--no-vectors", "--archive", archive)
    agrees(archive, divided)


@pytest.mark.parametrize("lost", ["catalog.db", "manifest.json", "."])
def test_a_lost_shard_is_made_again(archive, divided, lost):
    path = ClusterMap.read(divided).folders(divided)[1] / lost
    shutil.rmtree(path) if lost == "." else path.unlink()
    error = one_line_error(backfile("cluster", "update", divided, "--archive", archive))
    assert f"`backfile cluster update {divided} --all`" in error
    assert not path.exists()
    succeeds("update", divided, "--all", "--archive", archive)
    agrees(archive, divided)


def test_one_command_at_a_time_writes_to_shards(archive, divided, tmp_path):
    name = ClusterMap.read(divided).shards[1].name
    with ArchiveDirectory(divided).locked():
        for command in (
            ["update", divided, "--archive", archive],
            ["split", divided, name],
            ["add", divided, "2024-12-01"],
            ["backup", divided, tmp_path / "copy"],
        ):
            assert "another process" in one_line_error(backfile("cluster", *command))
    agrees(archive, divided)


def test_a_graph_is_copied_once_and_replaced_as_a_whole(archive, divided):
    graph, name = ArchiveDirectory(archive).query_graph, ArchiveDirectory(archive).query_graph.name
    graph.mkdir()
    copies = [shard / name / "model.onnx" for shard in ClusterMap.read(divided).folders(divided)]
    for content in ("first", "second"):
        (graph / "contract.json").write_text(content)
        (graph / "model.onnx").write_text(content)
        succeeds("update", divided, "--archive", archive)
        assert {copy.read_text() for copy in copies} == {content}
        before = [copy.stat().st_ino for copy in copies]
        succeeds("update", divided, "--archive", archive)
        assert [copy.stat().st_ino for copy in copies] == before


def test_nothing_is_indexed_for_shards_of_another_archive(divided, tmp_path):
    other = tmp_path / "other"
    news = stories(tmp_path, MORE | {"id": "sold"})
    assert backfile("index", news, "--no-vectors", "--archive", other).exit_code == 0
    more = write_records(tmp_path / "second.jsonl", [MORE | {"id": "sold again"}])
    result = backfile("cluster", "index", divided, more, "--no-vectors", "--archive", other)
    assert "were not made from the archive" in one_line_error(result)
    assert backfile("export", "--archive", other, "--format", "jsonl").stdout.count("\n") == 1


def test_originals_are_copied_whole_where_they_cannot_be_linked(archive, tmp_path, monkeypatch):
    def refused(*_args):
        raise OSError("Invalid cross-device link")

    monkeypatch.setattr(os, "link", refused)
    folder = tmp_path / "cluster"
    succeeds("import", folder, "--archive", archive)
    agrees(archive, folder)
    assert not list(folder.rglob("*.copying"))


def test_a_folder_with_other_files_is_left_alone(archive, divided, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    (other / "letter.txt").write_text("Dear Ana")
    assert "other files are there" in one_line_error(backfile("cluster", "backup", divided, other))
    within = one_line_error(backfile("cluster", "backup", divided, divided / "copy"))
    assert "name a folder outside" in within
    new = tmp_path / "new"
    refused = one_line_error(backfile("cluster", "init", other, "--archive", new))
    assert "it is not empty" in refused
    assert not new.exists()
    inside = backfile("cluster", "import", archive / "shards", "--archive", archive)
    assert "the archive that is to be divided lies there" in one_line_error(inside)


def test_where_changes_were_not_noted_every_article_is_compared(archive, divided):
    assert backfile("remove", "bridge", "--archive", archive).exit_code == 0
    with closing(sqlite3.connect(archive / "catalog.db")) as catalog, catalog:  # as after a repair
        catalog.execute(
            "UPDATE counters SET value = (SELECT value FROM counters WHERE name = 'generation') "
            "WHERE name = 'noted'"
        )
    output = succeeds("update", divided, "--archive", archive)
    assert sum(map(int, re.findall(r": (\d+) article", output))) == len(STORIES) - 1
    agrees(archive, divided)


def test_news_from_a_day_on_goes_to_a_shard_of_its_own(archive, divided, tmp_path):
    succeeds("add", divided, "2024-12-01")
    names = [each.name for each in ClusterMap.read(divided).shards]
    assert names[-1] == "from-2024-12-01"
    agrees(archive, divided)
    news = stories(tmp_path, MORE | {"id": "sold", "published": "2024-12-24"})
    succeeds("index", divided, news, "--no-vectors", "--archive", archive)
    assert "from-2024-12-01: 1 article" in succeeds("status", divided)
    agrees(archive, divided)
    for day in ("2024-12-01", "2024-12-01x", "0001-01-01"):
        assert backfile("cluster", "add", divided, day).exit_code in (1, 2)
        assert backfile("cluster", "add", divided, day).stdout == ""


def test_a_new_archive_begins_with_empty_shards(tmp_path):
    archive, folder = tmp_path / "archive", tmp_path / "cluster"
    succeeds("init", folder, "--since", "2024-01-01", "--archive", archive)
    assert [each.name for each in ClusterMap.read(folder).shards] == [
        "undated",
        "from-beginning",
        "from-2024-01-01",
    ]
    assert backfile("cluster", "search", folder, "ferry").exit_code == 1  # nothing is found
    news = write_records(tmp_path / "news.jsonl", STORIES)
    succeeds("index", folder, news, "--no-vectors", "--archive", archive)
    agrees(archive, folder)


def test_refused_files_are_listed_and_the_others_are_found(archive, divided, tmp_path):
    broken = tmp_path / "broken.jsonl"
    broken.write_text('{"id": "sold"')
    news = stories(tmp_path, MORE | {"id": "sold", "published": "2024-12-24"})
    result = backfile("cluster", "index", divided, broken, news, "--no-vectors",
                      "--archive", archive)  # fmt: skip
    assert result.exit_code == 1
    assert "broken.jsonl" in result.output
    agrees(archive, divided)


def test_a_backup_is_a_divided_archive_with_what_people_have_collected(archive, divided, tmp_path):
    copy = tmp_path / "copy"
    with closing(sqlite3.connect(divided / "collections.sqlite")) as collections, collections:
        collections.execute("CREATE TABLE kept (id TEXT)")
        collections.execute("INSERT INTO kept VALUES ('ferry')")
    succeeds("backup", divided, copy)
    agrees(archive, copy)
    news = stories(tmp_path, MORE | {"id": "sold", "published": "2024-12-24"})
    succeeds("index", divided, news, "--no-vectors", "--archive", archive)
    succeeds("backup", divided, copy)
    agrees(archive, copy)
    with closing(sqlite3.connect(copy / "collections.sqlite")) as collections:
        assert collections.execute("SELECT id FROM kept").fetchall() == [("ferry",)]


def test_the_archive_gets_another_model_and_then_its_shards_do(archive, divided, tmp_path):
    model = paper_model(tmp_path / "paper")
    before = state_of(divided)
    output = succeeds("reembed", divided, "--model", model, "--archive", archive)
    assert f"have the model {model} now" in output
    assert Manifest.read(archive / "manifest.json").model == model
    assert state_of(divided) == before
    assert "Ferry timetable cut" in succeeds("search", divided, "ferry", "--mode", "keyword")
    updated = backfile("cluster", "update", divided, "--archive", archive, BACKFILE_MODEL=model)
    assert updated.exit_code == 0, updated.output
    shards = ClusterMap.read(divided).folders(divided)
    models = {Manifest.read(each / "manifest.json").model for each in shards}
    assert models == {model}
    assert "Ferry timetable cut" in succeeds("search", divided, "ferry", "--mode", "keyword")
    assert succeeds("verify", divided) == "all shards are sound\n"
    again = ("reembed", divided, "--archive", archive)
    assert (
        f"{archive} has the model {model}"
        in backfile("cluster", *again, BACKFILE_MODEL=model).stdout
    )


def test_an_archive_of_other_shards_gets_no_other_model(divided, tmp_path):
    other = tmp_path / "other"
    news = stories(tmp_path, MORE | {"id": "sold"})
    assert backfile("index", news, "--no-vectors", "--archive", other).exit_code == 0
    model = paper_model(tmp_path / "paper")
    before = Manifest.read(other / "manifest.json")
    said = one_line_error(
        backfile("cluster", "reembed", divided, "--model", model, "--archive", other)
    )
    assert str(other) in said
    assert Manifest.read(other / "manifest.json") == before
    missing = backfile("cluster", "reembed", divided, "--archive", tmp_path / "nowhere")
    assert "no archive at" in one_line_error(missing)


@pytest.fixture
def partly_here(divided):
    """Shards that lie on several machines; one of them is not on this one."""
    cluster = ClusterMap.read(divided)
    replace(cluster, copies=1).write(divided)
    shutil.rmtree(cluster.folders(divided)[1])
    return divided


def test_shards_on_other_machines_are_not_said_to_be_lost(archive, partly_here, tmp_path):
    name = ClusterMap.read(partly_here).shards[-1].name
    commands = [
        ["search", "ferry"], ["export"], ["split", name], ["add", "2030-01-01"],
        ["update", "--archive", archive], ["index", tmp_path, "--archive", archive],
        ["reembed", "--model", "other", "--archive", archive],
    ]  # fmt: skip
    for command, *arguments in commands:
        message = one_line_error(backfile("cluster", command, partly_here, *arguments))
        assert "on the machines of a Ray cluster; name it with --address" in message
    served = backfile("serve", "--cluster", partly_here)
    assert served.exit_code == 2
    assert "name it with --address" in served.stderr
    message = one_line_error(backfile("cluster", "backup", partly_here, tmp_path / "copy"))
    assert "`backfile backup` copies the archive that they follow" in message
    shards = len(ClusterMap.read(partly_here).shards)
    assert succeeds("verify", partly_here) == (
        f"the {shards - 1} of {shards} shards that lie here are sound\n"
    )
    assert ": on other machines\n" in succeeds("status", partly_here)


def test_copies_go_with_an_address(archive, divided):
    result = backfile("cluster", "update", divided, "--copies", 2, "--archive", archive)
    assert result.exit_code == 2
    assert "--copies goes with --address" in result.stderr
