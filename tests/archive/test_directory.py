"""Tests of the archive directory and its one writer."""

import stat
import subprocess
import sys

import pytest

from backfile.archive.model.errors import ArchiveBusy, ArchiveMissing, ArchiveUnwritable
from backfile.archive.store.directory import ArchiveDirectory
from tests.builders import ROOT

HOLD = """
import sys, time
from pathlib import Path
from backfile.archive.store.directory import ArchiveDirectory
with ArchiveDirectory(Path(sys.argv[1])).writing():
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def directory(tmp_path):
    made = ArchiveDirectory(tmp_path / "deep" / "archive")
    made.create()
    return made


def test_a_new_directory_is_for_its_owner_alone(directory):
    assert stat.S_IMODE(directory.root.stat().st_mode) == 0o700
    directory.create()  # once more is no error


def test_an_archive_is_there_once_its_manifest_is(directory):
    assert not directory.exists()
    with pytest.raises(ArchiveMissing, match=r"no archive at .*archive; `backfile index"):
        directory.require()
    directory.manifest.write_text("{}")
    directory.require()
    assert directory.exists()


def test_every_part_lies_below_the_root(directory):
    parts = ["catalog", "vectors", "lexical", "chroma", "manifest", "lock"]
    paths = [getattr(directory, part) for part in parts]
    assert {path.parent for path in paths} == {directory.root}
    assert len(set(paths)) == len(parts)


def test_bytes_on_disk_count_files_in_folders_too(directory):
    assert directory.bytes_on_disk() == 0
    (directory.root / "lexical").mkdir()
    (directory.root / "lexical" / "a").write_bytes(b"12345")
    directory.manifest.write_bytes(b"123")
    assert directory.bytes_on_disk() == 8
    assert ArchiveDirectory(directory.root / "absent").bytes_on_disk() == 0


def test_there_is_one_writer_at_a_time_and_then_the_next(directory):
    second = ArchiveDirectory(directory.root).writing()
    with (
        directory.writing(),
        pytest.raises(ArchiveBusy, match="another process is writing"),
        second,
    ):
        pytest.fail("two writers")
    with directory.writing():
        assert directory.lock.exists()


def test_a_writer_that_failed_leaves_no_lock(directory):
    with pytest.raises(ZeroDivisionError), directory.writing():
        raise ZeroDivisionError
    with directory.writing():
        assert directory.lock.exists()


@pytest.mark.crash
def test_a_writer_that_was_killed_leaves_no_lock(directory):
    writer = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(directory.root)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
    )
    with writer:
        assert writer.stdout.readline() == b"held\n"
        with pytest.raises(ArchiveBusy), directory.writing():
            pytest.fail("two writers")
        writer.kill()
    with directory.writing():
        assert directory.lock.exists()


def test_a_path_that_is_a_file_is_an_error_that_says_what_to_do(tmp_path):
    (tmp_path / "file").write_text("x")
    for path in (tmp_path / "file", tmp_path / "file" / "below"):
        directory = ArchiveDirectory(path)
        with pytest.raises(ArchiveUnwritable, match=r"is a file.*another directory with --archive"):
            directory.create()
        with pytest.raises(ArchiveUnwritable, match="is a file"), directory.writing():
            pytest.fail("written")


def test_a_lock_that_cannot_be_written_is_an_error_that_says_what_to_do(directory):
    directory.lock.mkdir()
    with pytest.raises(ArchiveUnwritable, match="make this one writable"), directory.writing():
        pytest.fail("written")
