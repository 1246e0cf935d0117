"""The commands that make and write shards: what was indexed is found, and a kill loses nothing."""

import re
import shutil
import sqlite3
from contextlib import closing

import pytest

from backfile.archive.store.directory import ArchiveDirectory
from backfile.index.cluster import following, shard_writing
from backfile.index.cluster.cluster_map import ClusterMap
from tests.builders import STORIES, backfile, one_line_error, write_records

MORE = {"title": "Ferry sold", "source": "Courier", "text": "The old ferry was sold for scrap."}


@pytest.fixture
def archive(indexed_by_words, tmp_path):
    return shutil.copytree(indexed_by_words, tmp_path / "archive")


@pytest.fixture
def divided(archive, tmp_path):
    """The stories, divided into shards."""
    folder = tmp_path / "cluster"
    succeeds("import", folder, "--shards", 3, "--archive", archive)
    return folder


def succeeds(*arguments):
    result = backfile("cluster", *arguments)
    assert result.exit_code == 0, result.output
    return result.stdout


def agrees(archive, folder):
    """The shards hold what the archive holds, and are sound."""
    for words in ([], ["ferry"], ["--sort", "oldest", "bridge"]):
        whole = backfile("export", *words, "--archive", archive, "--format", "jsonl")
        shards = backfile("cluster", "export", folder, *words, "--format", "jsonl")
        assert shards.exit_code == whole.exit_code, shards.output
        assert shards.stdout == whole.stdout
    assert succeeds("verify", folder) == "all shards are sound\n"


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
        (shard_writing, "copy_calibration"),
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
    assert error.startswith(f"backfile: another command has changed the shard {shard}; ")
    succeeds("update", divided, "--all", "--archive", archive)
    agrees(archive, divided)


def test_the_shards_of_one_archive_do_not_follow_another(divided, tmp_path):
    other = tmp_path / "other"
    assert backfile("index", stories(tmp_path, MORE | {"id": "sold"}), "--no-vectors",
                    "--archive", other).exit_code == 0  # fmt: skip
    error = one_line_error(backfile("cluster", "update", divided, "--archive", other))
    assert "were not made from the archive" in error


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
    for day in ("2024-12-01", "2024-12-01x"):
        assert backfile("cluster", "add", divided, day).exit_code != 0


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


def test_a_backup_is_a_divided_archive_that_can_follow(archive, divided, tmp_path):
    copy = tmp_path / "copy"
    succeeds("backup", divided, copy)
    agrees(archive, copy)
    news = stories(tmp_path, MORE | {"id": "sold", "published": "2024-12-24"})
    succeeds("index", divided, news, "--no-vectors", "--archive", archive)
    succeeds("backup", divided, copy)
    agrees(archive, copy)
