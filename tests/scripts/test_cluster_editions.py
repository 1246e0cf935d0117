"""Shards that are made anew: the map names them once all are whole, and what is left goes later."""

import json
import operator
import os
import shutil
import time
from pathlib import Path

import pytest

from backfile.archive.model.errors import EngineUnavailable
from backfile.archive.model.settings import DEFAULT_MODEL
from backfile.archive.store.directory import ArchiveDirectory, write_json
from backfile.archive.store.manifest import Manifest
from backfile.archive.store.sealing import with_digest
from backfile.index.cluster.map import shard_folders
from backfile.index.cluster.map.cluster_map import FILE, SHARDS, ClusterMap, ShardEntry
from backfile.index.cluster.writing import dividing, following, shard_writing
from tests.builders import backfile, damage, one_line_error, write_records
from tests.clusters import MORE, agrees, divided_into, give_another_model, succeeds

LATER = MORE | {"id": "sold", "published": "2024-12-24"}


@pytest.fixture
def archive(indexed_by_words, tmp_path):
    return shutil.copytree(indexed_by_words, tmp_path / "archive")


@pytest.fixture
def divided(archive, tmp_path):
    """The stories, divided into shards."""
    return divided_into(tmp_path / "cluster", archive)


@pytest.fixture
def other_model(archive, divided, tmp_path, monkeypatch):
    """Give the archive another model, which reads words as the bundled one does."""
    model = give_another_model(archive, tmp_path / "model")
    monkeypatch.setenv("BACKFILE_MODEL", model)
    return model


def models_of(folder):
    """The models of the shards that the map names."""
    shards = map(ArchiveDirectory, ClusterMap.read(folder).folders(folder))
    return {Manifest.read(each.manifest).model for each in shards}


def editions(folder):
    return [each.edition for each in ClusterMap.read(folder).shards]


def there(folder):
    """The names of the folders that are among the shards."""
    return {each.name for each in (folder / SHARDS).iterdir()}


def named(folder):
    return {each.folder for each in ClusterMap.read(folder).shards}


def generations(folder):
    return [each.generation for each in ClusterMap.read(folder).shards]


def articles_in(shard):
    return Manifest.read(ArchiveDirectory(shard).manifest).articles


def killed(nth, patched, where, stage):
    """Have the n-th call of a stage end its command."""
    calls, found = [], operator.attrgetter(stage)(where)

    def ends(*arguments, **options):
        calls.append(stage)
        if len(calls) == nth:
            raise KeyboardInterrupt
        return found(*arguments, **options)

    patched.setattr(f"{where.__name__}.{stage}", ends)


def test_a_map_of_an_earlier_release_has_shards_of_the_first_edition(tmp_path):
    shards = [{"name": "undated", "since": None}, {"name": "from-beginning", "since": None}]
    write_json(tmp_path / FILE, with_digest({"format": 1, "shards": shards}))
    found = ClusterMap.read(tmp_path)
    assert [each.edition for each in found.shards] == [0, 0]
    assert [each.name for each in found.folders(tmp_path)] == ["undated", "from-beginning"]
    found.write(tmp_path)
    assert json.loads((tmp_path / FILE).read_text())["format"] == 1  # as it names no editions


def test_a_map_with_editions_is_read_as_it_was_written(tmp_path):
    made = ClusterMap((ShardEntry("undated", generation=3), ShardEntry("from-beginning")))
    made = made.renewed([1]).renewed([1])
    made.write(tmp_path)
    assert ClusterMap.read(tmp_path) == made
    assert [each.name for each in made.folders(tmp_path)] == ["undated", "from-beginning.2"]
    assert json.loads((tmp_path / FILE).read_text())["format"] == 2  # an earlier release refuses it


@pytest.mark.parametrize("edition", [-1, "two", [1], {}, 1e400])
def test_an_edition_that_is_none_is_damage(tmp_path, edition):
    shards = [{"name": "undated", "since": None, "edition": edition}]
    write_json(tmp_path / FILE, with_digest({"format": 2, "shards": shards}))
    with pytest.raises(EngineUnavailable, match="cannot be read"):
        ClusterMap.read(tmp_path)


def test_shards_follow_an_archive_to_another_model(archive, divided, other_model):
    before, generation = there(divided), generations(divided)
    output = succeeds("update", divided, "--archive", archive)
    assert output.splitlines()[0] == "undated: 1 article new or changed"
    assert models_of(divided) == {other_model}
    assert editions(divided) == [1] * len(before)
    assert there(divided) == before | {f"{each}.1" for each in before}
    assert all(after > was for after, was in zip(generations(divided), generation, strict=True))
    agrees(archive, divided)
    assert succeeds("update", divided, "--archive", archive) == ""
    assert len(succeeds("status", divided).splitlines()) == len(before)


def test_what_is_indexed_with_another_model_comes_along(archive, divided, other_model, tmp_path):
    news = write_records(tmp_path / "more.jsonl", [LATER])
    succeeds("index", divided, news, "--no-vectors", "--archive", archive)
    assert models_of(divided) == {other_model}
    agrees(archive, divided)


@pytest.mark.parametrize(
    ("where", "stage", "nth"),
    [
        (shard_writing, "copy_shard", 1),
        (shard_writing, "_copy_calibration", 2),
        (shard_writing, "mark_record", 3),
        (shard_writing, "note_written", 4),
        (following, "ClusterMap.write", 1),
    ],
)
def test_a_killed_change_of_the_model_leaves_the_earlier_shards(
    archive, divided, other_model, monkeypatch, where, stage, nth
):
    before = backfile("cluster", "export", divided, "--format", "jsonl").stdout
    with monkeypatch.context() as patched:
        killed(nth, patched, where, stage)
        assert backfile("cluster", "update", divided, "--archive", archive).exit_code == 130
    assert models_of(divided) == {DEFAULT_MODEL}
    assert backfile("cluster", "export", divided, "--format", "jsonl").stdout == before
    assert succeeds("verify", divided) == "all shards are sound\n"
    succeeds("update", divided, "--archive", archive)
    assert models_of(divided) == {other_model}
    assert editions(divided) == [1] * 4
    agrees(archive, divided)


def test_what_is_left_is_deleted_by_the_next_command_once_nobody_needs_it(
    archive, divided, other_model, monkeypatch
):
    earlier = there(divided)
    (divided / SHARDS / "from-mine.copy").mkdir()
    (divided / SHARDS / "notes.txt").write_text("mine")
    mine = {"from-mine.copy", "notes.txt"}
    succeeds("update", divided, "--archive", archive)
    succeeds("update", divided, "--archive", archive)
    assert there(divided) == earlier | named(divided) | mine  # servers may have them open
    long_ago = time.time() - 2 * shard_folders.SECONDS_KEPT
    for name in earlier | mine:
        os.utime(divided / SHARDS / name, (long_ago, long_ago))
    succeeds("update", divided, "--archive", archive)
    assert there(divided) == named(divided) | mine
    agrees(archive, divided)


@pytest.mark.parametrize("command", ["split", "add", "update", "index"])
def test_every_command_that_writes_deletes_what_is_left(
    archive, divided, tmp_path, monkeypatch, command
):
    monkeypatch.setattr(shard_folders, "SECONDS_KEPT", 0.0)
    left = divided / SHARDS / "from-2031-01-01-to-2032-01-01.3"
    shutil.copytree(divided / SHARDS / "undated", left)
    news = write_records(tmp_path / "more.jsonl", [LATER])
    arguments = {
        "split": [ClusterMap.read(divided).shards[1].name],
        "add": ["2030-01-01"],
        "update": ["--archive", archive],
        "index": [news, "--no-vectors", "--archive", archive],
    }
    succeeds(command, divided, *arguments[command])
    assert not left.exists()


def test_a_link_among_the_shards_is_left_alone(archive, divided, tmp_path, monkeypatch):
    monkeypatch.setattr(shard_folders, "SECONDS_KEPT", 0.0)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "letters.txt").write_text("mine")
    link = divided / SHARDS / "from-2031-01-01"
    link.symlink_to(tmp_path / "elsewhere")
    succeeds("update", divided, "--archive", archive)
    assert link.is_symlink()
    assert (tmp_path / "elsewhere" / "letters.txt").exists()


@pytest.mark.parametrize(
    ("where", "stage"),
    [(shard_writing, "mark_record"), (dividing, "ClusterMap.write"), (dividing, "note_left")],
)
def test_a_killed_split_is_run_again_and_leaves_nothing_for_ever(
    archive, divided, monkeypatch, where, stage
):
    name = ClusterMap.read(divided).shards[1].name
    with monkeypatch.context() as patched:
        killed(1, patched, where, stage)
        assert backfile("cluster", "split", divided, name).exit_code == 130
    agrees(archive, divided)
    if name in named(divided):
        succeeds("split", divided, name)
    agrees(archive, divided)
    monkeypatch.setattr(shard_folders, "SECONDS_KEPT", 0.0)
    succeeds("update", divided, "--archive", archive)
    assert there(divided) == named(divided)


def test_a_shard_of_a_later_edition_is_split_and_backed_up(archive, divided, other_model, tmp_path):
    copy = tmp_path / "copy"
    succeeds("backup", divided, copy)
    succeeds("update", divided, "--archive", archive)
    succeeds("split", divided, ClusterMap.read(divided).shards[1].name)
    assert sorted(editions(divided)) == [0, 0, 1, 1, 1]
    agrees(archive, divided)
    succeeds("backup", divided, copy)
    assert named(copy) == named(divided)
    agrees(archive, copy)
    for shard in (copy / SHARDS).iterdir():
        os.utime(shard, (0, 0))
    succeeds("backup", divided, copy)
    assert there(copy) == named(copy)
    agrees(archive, copy)


def test_a_lost_shard_is_made_anew_in_another_folder(archive, divided):
    shard = ClusterMap.read(divided).folders(divided)[1]
    generation = generations(divided)[1]
    for lose in (shutil.rmtree, lambda path: damage(path / "catalog.db", "cut", 0.01)):
        lose(shard)
        succeeds("update", divided, "--all", "--archive", archive)
        agrees(archive, divided)
        shard = ClusterMap.read(divided).folders(divided)[1]
    assert editions(divided) == [0, 2, 0, 0]
    assert generations(divided)[1] > generation


@pytest.mark.model
@pytest.mark.parametrize("damaged", [False, True])
def test_a_shard_that_was_repaired_follows_again(archive, divided, tmp_path, damaged):
    shard = ClusterMap.read(divided).folders(divided)[-1]
    if damaged:
        damage(max((shard / "lexical").glob("*.toc")), "cut")
    assert backfile("verify", "--repair", "--archive", shard).exit_code == 0
    news = write_records(tmp_path / "more.jsonl", [LATER])
    succeeds("index", divided, news, "--no-vectors", "--archive", archive)
    agrees(archive, divided)


@pytest.mark.model
def test_the_halves_of_what_was_repaired_are_compared_as_a_whole(archive, divided):
    for _ in range(2):
        sizes = map(articles_in, ClusterMap.read(divided).folders(divided))
        place = max(enumerate(sizes), key=operator.itemgetter(1))[0]
        cluster = ClusterMap.read(divided)
        shard = cluster.folders(divided)[place]
        assert backfile("verify", "--repair", "--archive", shard).exit_code == 0
        succeeds("split", divided, cluster.shards[place].name)
        assert generations(divided)[place : place + 2] == [0, 0]
    succeeds("update", divided, "--archive", archive)
    assert all(generations(divided))
    agrees(archive, divided)


@pytest.mark.model
def test_a_repair_does_not_hide_what_another_command_has_added(archive, divided, tmp_path):
    shard = ClusterMap.read(divided).folders(divided)[-1]
    news = write_records(tmp_path / "more.jsonl", [LATER])
    assert backfile("index", news, "--no-vectors", "--archive", shard).exit_code == 0
    assert backfile("verify", "--repair", "--archive", shard).exit_code == 0
    error = one_line_error(backfile("cluster", "update", divided, "--archive", archive))
    assert error.startswith(f"backfile: the shard {shard} is lost, or another command has ")


def test_a_shard_is_opened_with_its_own_model_whatever_is_set(archive, divided, other_model):
    succeeds("update", divided, "--archive", archive)
    for model in (DEFAULT_MODEL, other_model, str(Path(other_model) / "nowhere")):
        result = backfile("cluster", "search", divided, "ferry", BACKFILE_MODEL=model)
        assert result.exit_code == 0, result.output
