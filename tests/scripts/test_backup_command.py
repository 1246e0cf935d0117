"""`backfile backup` and `backfile restore`: what they print, beside a writer, and when killed."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from backfile.archive.store.backup_list import BackupList, damages
from backfile.archive.store.directory import ArchiveDirectory
from tests.builders import ROOT, backfile, one_line_error, write_news, write_stories

COMMAND = [sys.executable, "-m", "backfile.scripts.backfile"]


@pytest.fixture
def archive(tmp_path):
    """The stories, by words alone: no model is run."""
    folder = tmp_path / "archive"
    result = backfile("index", write_stories(tmp_path), "--archive", folder, "--no-vectors")
    assert result.exit_code == 0, result.output
    return folder


def started(*arguments):
    return subprocess.Popen(
        [*COMMAND, *map(str, arguments)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def searched(folder, text="ferry"):
    result = backfile("search", text, "--mode", "keyword", "--archive", folder, "--json")
    return [hit["article"]["id"] for hit in json.loads(result.stdout)["hits"]]


def test_an_archive_is_backed_up_lost_and_restored(archive, tmp_path):
    result = backfile("backup", tmp_path / "backup", "--archive", archive)
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.startswith("backed up 7 articles (20")
    expected = searched(archive)
    assert searched(tmp_path / "backup") == expected
    assert "articles    7" in backfile("status", "--archive", tmp_path / "backup").stdout
    (archive / "catalog.db").unlink()
    result = backfile("restore", tmp_path / "backup", "--archive", archive)
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.startswith("restored 7 articles (20")
    assert searched(archive) == expected
    assert backfile("verify", "--archive", archive).exit_code == 0
    again = backfile("index", tmp_path / "stories.jsonl", "--archive", archive, "--no-vectors")
    assert "unchanged             7" in again.stdout


def test_what_is_told_as_json(archive, tmp_path):
    result = backfile("backup", tmp_path / "backup", "--archive", archive, "--json")
    told = json.loads(result.stdout)
    assert (told["articles"], told["unchanged"], told["notes"]) == (7, 0, [])
    assert told["files"] == told["copied"] + told["linked"]
    again = json.loads(
        backfile("backup", tmp_path / "backup", "--archive", archive, "--json").stdout
    )
    assert again["unchanged"] == told["files"] - 1
    options = ("--archive", archive, "--keep", "--json")
    told = json.loads(backfile("restore", tmp_path / "backup", *options).stdout)
    assert ArchiveDirectory(archive.with_name(told["replaced"].rpartition("/")[2])).exists()


def test_bad_input_is_one_line_that_says_what_to_do(archive, tmp_path):
    (tmp_path / "file").write_text("")
    cases = [
        (("backup", archive / "inside"), "give a folder outside"),
        (("backup", tmp_path / "file"), "it is a file; give a folder"),
        (("backup", ROOT / "scripts"), "no backup; give an empty or a new folder"),
        (("backup", tmp_path / "file" / "below"), "unchanged"),
        (("restore", tmp_path / "none"), "is no backup"),
        (("restore", archive), "is no backup"),
    ]
    for arguments, said in cases:
        assert said in one_line_error(backfile(*arguments, "--archive", archive)), arguments
    missing = backfile("backup", tmp_path / "new", "--archive", tmp_path / "nowhere")
    assert "backfile index" in one_line_error(missing)
    assert not (tmp_path / "new").exists()


def test_a_damaged_backup_is_not_restored(archive, tmp_path):
    backfile("backup", tmp_path / "backup", "--archive", archive)
    with (tmp_path / "backup" / "catalog.db").open("r+b") as stream:
        stream.seek(5000)
        stream.write(b"damage")
    error = one_line_error(backfile("restore", tmp_path / "backup", "--archive", archive))
    assert "catalog.db does not have the digest that is listed" in error
    assert "nothing was changed" in error
    assert len(searched(archive)) == 3


def test_a_cache_that_is_not_restored_is_exit_code_1_with_what_makes_it(archive, tmp_path):
    backfile("backup", tmp_path / "backup", "--archive", archive)
    next((tmp_path / "backup" / "lexical").glob("*.toc")).unlink()
    result = backfile("restore", tmp_path / "backup", "--archive", archive)
    assert result.exit_code == 1
    assert "`backfile rebuild lexical` makes it" in result.stderr
    assert backfile("rebuild", "lexical", "--archive", archive).exit_code == 0
    assert len(searched(archive)) == 3


def test_a_backup_is_written_to_by_no_command(archive, tmp_path):
    backfile("backup", tmp_path / "backup", "--archive", archive)
    arguments = ("index", tmp_path / "stories.jsonl", "--no-vectors", "--archive")
    assert "it is a backup" in one_line_error(backfile(*arguments, tmp_path / "backup"))
    searched(tmp_path / "backup")
    backfile("verify", "--archive", tmp_path / "backup")
    listed = BackupList.read(tmp_path / "backup")
    assert list(damages(tmp_path / "backup", listed.files)) == []


@pytest.mark.crash
def test_a_server_that_reads_the_archive_keeps_it_from_being_replaced(archive, tmp_path):
    backfile("backup", tmp_path / "backup", "--archive", archive)
    script = (
        "import sys, pathlib; from backfile.archive.store.catalog import Catalog\n"
        f"catalog = Catalog(pathlib.Path({str(archive / 'catalog.db')!r})); catalog.counts()\n"
        "print('open', flush=True); sys.stdin.read()"
    )
    reader = subprocess.Popen(
        [sys.executable, "-c", script],
        cwd=ROOT,
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert reader.stdout.readline() == "open\n"
    result = backfile("restore", tmp_path / "backup", "--archive", archive)
    reader.communicate("")
    assert "reading or serving" in one_line_error(result)
    assert backfile("restore", tmp_path / "backup", "--archive", archive).exit_code == 0


@pytest.mark.crash
def test_backups_beside_a_running_command_that_indexes(archive, tmp_path):
    news = write_news(tmp_path / "news.jsonl", 3_000)
    writer = started("index", news, "--archive", archive, "--no-vectors", "--quiet")
    counts = []
    while writer.poll() is None or not counts:
        result = backfile("backup", tmp_path / "backup", "--archive", archive, "--json")
        assert result.exit_code == 0, result.output
        counts.append(json.loads(result.stdout)["articles"])
    assert writer.wait() == 0, writer.stderr.read()
    writer.communicate()
    assert counts == sorted(counts)
    backfile("restore", tmp_path / "backup", "--archive", tmp_path / "again")
    result = backfile("index", news, "--archive", tmp_path / "again", "--no-vectors", "--json")
    report = json.loads(result.stdout)
    assert report["new"] + report["changed"] + counts[-1] >= 3_007
    assert backfile("verify", "--archive", tmp_path / "again").exit_code == 0
    assert searched(tmp_path / "again") == searched(archive)


@pytest.mark.crash
@pytest.mark.parametrize("delay", [0.0, 0.02, 0.1, 0.4])
def test_a_killed_command_leaves_a_backup_that_can_be_restored(archive, tmp_path, delay):
    assert backfile("backup", tmp_path / "backup", "--archive", archive).exit_code == 0
    news = write_news(tmp_path / "news.jsonl", 200)
    backfile("index", news, "--archive", archive, "--no-vectors")
    command = started("backup", tmp_path / "backup", "--archive", archive)
    draft = tmp_path / ".backup.backfile-draft"
    while command.poll() is None and not draft.exists():
        time.sleep(0.005)
    time.sleep(delay)
    os.kill(command.pid, signal.SIGKILL)
    command.communicate()
    listed = BackupList.read(tmp_path / "backup")
    assert listed.articles in (7, 207)
    assert list(damages(tmp_path / "backup", listed.files)) == []
    assert backfile("restore", tmp_path / "backup", "--archive", tmp_path / "r").exit_code == 0
    assert backfile("backup", tmp_path / "backup", "--archive", archive).exit_code == 0
    assert not draft.exists()
