"""Commands on a disk that is full: each says so, and what is in the archive can be searched."""

import json
import shutil
import subprocess

import numpy as np
import pytest

from backfile.archive.store.vectors import VectorFile
from tests.builders import backfile, one_line_error, paper_model, write_news

pytestmark = pytest.mark.long
SIZE = 12 << 20  # bytes


@pytest.fixture
def disk(tmp_path):
    """A small disk in memory."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(folder)]
    if shutil.which("mount") is None or subprocess.run(mount, check=False).returncode:
        pytest.skip("only root may mount a disk in memory")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)  # commands run in this process


def fill(disk, left):
    """Leave so many bytes, rounded down to pages of memory."""
    with (disk / "other").open("ab") as other:
        other.write(bytes(max(0, shutil.disk_usage(disk).free - left)))


@pytest.mark.parametrize("left", [0, 100_000])
def test_a_full_disk_is_named_and_reading_goes_on(disk, indexed_by_words, tmp_path, left):
    archive = shutil.copytree(indexed_by_words, disk / "archive")
    news = write_news(tmp_path / "news.jsonl", articles=2_000)
    fill(disk, left)
    at = ("--archive", archive)
    error = one_line_error(backfile("index", news, "--no-vectors", "--quiet", *at))
    assert error == (
        "backfile: the disk is full; free some space, then run this again: "
        "what is in the archive stays there and can be searched"
    )
    fill(disk, 0)
    found = backfile("search", "ferry", "--mode", "keyword", "--json", *at)
    assert json.loads(found.stdout)["total"] >= 3
    assert json.loads(backfile("status", "--json", *at).stdout)["articles"] >= 7
    for command in (["remove", "ferry"], ["rebuild", "lexical"]):
        assert one_line_error(backfile(*command, *at)) == error
    assert "the disk is full" in one_line_error(backfile("backup", disk / "copy", *at))
    elsewhere = backfile("backup", tmp_path / "copy", *at)
    assert (elsewhere.exit_code, elsewhere.stderr) == (0, "")
    restored = ("--archive", disk / "restored")
    assert one_line_error(backfile("restore", tmp_path / "copy", *restored)) == error
    (disk / "other").unlink()
    assert backfile("index", news, "--no-vectors", "--quiet", *at).exit_code == 0
    assert json.loads(backfile("status", "--json", *at).stdout)["articles"] == 2_007
    assert backfile("verify", *at).stdout == "the archive is sound\n"


# Whoosh leaves a file open that could not be written, and this process goes on.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("left", [0, 100_000, 300_000])
def test_another_model_that_has_no_room_changes_nothing_and_is_given_later(
    disk, indexed_by_words, tmp_path, left
):
    archive = shutil.copytree(indexed_by_words, disk / "archive")
    model = paper_model(tmp_path / "paper")
    command = ("reembed", "--model", model, "--quiet", "--archive", archive)
    fill(disk, left)
    assert "the disk is full" in one_line_error(backfile(*command))
    found = backfile("search", "ferry", "--mode", "keyword", "--json", "--archive", archive)
    assert json.loads(found.stdout)["total"] >= 3
    (disk / "other").unlink()
    assert backfile(*command).exit_code == 0
    sound = backfile("verify", "--archive", archive, BACKFILE_MODEL=model)
    assert sound.stdout == "the archive is sound\n"
    assert [path.name for path in disk.iterdir()] == ["archive"]


def test_vectors_that_have_no_room_are_an_error_and_can_be_read_on(disk):
    file = VectorFile(disk / "vectors", 1024)
    file.write(np.array([1]), np.ones((1, 1024), np.float32))
    fill(disk, 0)
    with pytest.raises(OSError, match="No space left"):  # a mapped file would end the process
        file.write(np.arange(2, 200), np.ones((198, 1024), np.float32))
    assert (file.read(2)[1] == 1).all()
