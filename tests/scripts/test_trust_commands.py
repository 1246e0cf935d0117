"""Commands keep an archive private, and open one that others can write to only if told so."""

import os
import stat

import numpy as np
import pytest

import backfile as library
from backfile.archive.model.errors import ArchiveUntrusted
from backfile.archive.store import trust
from backfile.archive.store.directory import ArchiveDirectory
from backfile.archive.store.manifest import Tuning
from tests.builders import backfile, engines_in, fill, one_line_error, write_stories


def not_private(root):
    """The files that others have rights to, and folders likewise."""
    return {
        str(path.relative_to(root)): oct(stat.S_IMODE(path.stat().st_mode))
        for path in (root, *root.rglob("*"))
        if stat.S_IMODE(path.stat().st_mode) != (0o700 if path.is_dir() else 0o600)
    }


@pytest.fixture(params=[0o000, 0o022, 0o077], ids=oct)
def umask(request):
    before = os.umask(request.param)
    yield
    os.umask(before)


@pytest.fixture
def archive(indexed_by_words, tmp_path):
    """A copy of the stories as a command has indexed them, by words alone."""
    place = tmp_path / "archive"
    assert backfile("backup", tmp_path / "backup", "--archive", indexed_by_words).exit_code == 0
    result = backfile("restore", tmp_path / "backup", "--archive", place, "--quiet")
    assert result.exit_code == 0, result.output
    return place


@pytest.mark.long
@pytest.mark.usefixtures("umask")
def test_every_file_is_private_whatever_the_umask(tmp_path):
    archive = tmp_path / "archive"
    news = write_stories(tmp_path)
    assert backfile("index", news, "--archive", archive, "--no-vectors").exit_code == 0
    assert not_private(archive) == {}
    (tmp_path / "more.jsonl").write_text('{"id": "new", "title": "T", "text": "One text more."}')
    for command in (
        ("index", tmp_path / "more.jsonl", "--no-vectors"),
        ("rebuild", "lexical"),
        ("reread", "--no-vectors"),
        ("backup", tmp_path / "backup"),
        ("restore", tmp_path / "backup"),
    ):
        result = backfile(*command, "--archive", archive)
        assert result.exit_code == 0, result.output
    directory = ArchiveDirectory(archive)
    Tuning(0.5).write(directory.ranking)
    directory.catalog.write_bytes(b"")
    for log in archive.glob("catalog.db-*"):
        log.unlink()
    assert backfile("reread", "--all", "--no-vectors", "--archive", archive).exit_code == 0
    assert list(archive.glob("set-aside-*/*"))
    assert not_private(archive) == {}
    assert not_private(tmp_path / "backup") == {}


@pytest.mark.long
@pytest.mark.usefixtures("umask")
def test_the_parts_of_chroma_and_the_vectors_are_private_too(tmp_path):
    archive = tmp_path / "archive"
    archive.mkdir(mode=0o700)
    engines = engines_in(archive, in_memory=False)
    fill(engines, write_stories(tmp_path))
    table = engines.catalog.passage_table()
    engines.neighbours.rebuild(table[:, 0])  # the earlier part is marked as retired
    engines.neighbours.check()
    mask = np.ones(int(table[-1, 0]) + 1, np.bool_)
    mask[0] = False  # it is never used
    assert len(engines.neighbours.snapshot(mask).similarities(np.ones(64), table[:1, 0]))
    engines.catalog.close()
    assert list(archive.glob("chroma/*/retired"))
    assert not_private(archive) == {}


def test_the_exported_model_is_private(sample):
    assert not_private(sample) == {}
    assert (sample / "query-graph" / "model.onnx").exists()


@pytest.mark.long
def test_an_archive_that_others_could_read_is_made_private_by_the_next_that_writes(archive):
    for path in archive.rglob("*"):
        path.chmod(0o775 if path.is_dir() else 0o664)
    assert backfile("search", "ferry", "--mode", "keyword", "--archive", archive).exit_code == 0
    assert not_private(archive) != {}  # a reader changes nothing
    assert backfile("remove", "nothing", "--archive", archive).exit_code == 1
    assert not_private(archive) == {}


COMMANDS = {
    "search": ("search", "ferry", "--mode", "keyword"),
    "export": ("export", "ferry", "--mode", "keyword"),
    "show": ("show", "cc-1"),
    "status": ("status",),
    "verify": ("verify",),
    "repair": ("verify", "--repair"),
    "index": ("index", "{news}", "--no-vectors"),
    "reread": ("reread", "--no-vectors"),
    "remove": ("remove", "nothing"),
    "rebuild": ("rebuild", "lexical"),
    "list": ("follow", "--list"),
    "forget": ("follow", "--forget", "https://x.example"),
    "serve": ("serve", "--port", "1"),
    "backup": ("backup", "{other}"),
}


@pytest.mark.long
@pytest.mark.parametrize("name", COMMANDS)
def test_no_command_opens_an_archive_that_others_can_write_to(archive, tmp_path, name):
    places = {"news": write_stories(tmp_path), "other": tmp_path / "other"}
    command = [part.format(**places) for part in COMMANDS[name]]
    archive.chmod(0o777)
    before = (archive / "catalog.db").read_bytes()
    result = backfile(*command, "--archive", archive)
    assert result.exit_code == 2
    (message,) = result.stderr.splitlines()
    assert f"because {archive} can be written by its group and all users" in message
    assert (archive / "catalog.db").read_bytes() == before
    assert stat.S_IMODE(archive.stat().st_mode) == 0o777
    assert not places["other"].exists()


@pytest.mark.long
def test_what_is_trusted_is_opened(archive):
    archive.chmod(0o777)
    command = ("search", "ferry", "--mode", "keyword", "--archive", archive)
    assert backfile(*command, "--trust").exit_code == 0
    assert backfile(*command, BACKFILE_TRUST="yes").exit_code == 0
    assert one_line_error(backfile(*command, BACKFILE_TRUST="no"))
    with pytest.raises(ArchiveUntrusted, match="can be written by"):
        library.open(archive)
    with library.open(archive, trust=True) as opened:
        assert opened.search("ferry", mode="keyword").total


@pytest.mark.long
def test_the_archive_of_another_user_is_named_with_its_owner(archive, monkeypatch):
    monkeypatch.setattr(trust, "own_users", lambda: {os.geteuid() + 1})
    message = one_line_error(backfile("status", "--archive", archive))
    assert f"because {archive} belongs to " in message
    assert "`chown -R " in message
    assert backfile("status", "--archive", archive, "--trust").exit_code == 0


@pytest.mark.long
def test_a_backup_that_others_can_write_to_is_neither_restored_nor_continued(archive, tmp_path):
    backup = tmp_path / "backup"
    backup.chmod(0o770)
    for command in ("restore", "backup"):
        message = one_line_error(backfile(command, backup, "--archive", archive))
        assert f"because {backup} can be written by its group" in message
    result = backfile("restore", backup, "--archive", archive, "--trust", "--quiet")
    assert result.exit_code == 0, result.output


@pytest.mark.long
def test_a_folder_that_was_made_for_an_archive_becomes_private(tmp_path):
    archive = tmp_path / "archive"
    archive.mkdir()
    archive.chmod(0o775)  # as `mkdir` makes it for a user with a group of her own
    news = write_stories(tmp_path)
    assert backfile("index", news, "--archive", archive, "--no-vectors").exit_code == 0
    assert not_private(archive) == {}
