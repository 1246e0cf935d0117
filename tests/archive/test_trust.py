"""An archive that somebody else can write to is found out, and made private."""

import os
import stat
from pathlib import Path

import pytest

from backfile.archive.model.errors import ArchiveUntrusted
from backfile.archive.store import trust
from backfile.archive.store.directory import ArchiveDirectory
from backfile.archive.store.trust import (
    find_stranger,
    make_private,
    make_private_folder,
    open_private,
    own_users,
    require_trusted,
)

ME = {os.geteuid()}


@pytest.fixture
def root(tmp_path):
    """A private archive, with files in folders."""
    root = tmp_path / "archive"
    for folder in ("lexical", "originals/ab", "chroma/part-1"):
        make_private_folder(root / folder)
    for name in ("manifest.json", "lexical/a.toc", "originals/ab/x.gz", "chroma/part-1/rows.npy"):
        with open(root / name, "wb", opener=open_private):
            pass
    return root


def modes(root):
    return {path: stat.S_IMODE(path.stat().st_mode) for path in (root, *root.rglob("*"))}


def opened_to_all(root):
    for path in (root, *root.rglob("*")):
        path.chmod(0o777 if path.is_dir() else 0o666)


def all_private(root):
    wanted = {path: 0o700 if path.is_dir() else 0o600 for path in modes(root)}
    return modes(root) == wanted


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_what_is_made_is_private_whatever_the_umask(tmp_path, umask):
    before = os.umask(umask)
    try:
        make_private_folder(tmp_path / "a" / "b" / "c")
        with open(tmp_path / "a" / "b" / "c" / "file", "w", opener=open_private) as stream:
            stream.write("kept")
    finally:
        os.umask(before)
    assert all_private(tmp_path / "a")
    assert (tmp_path / "a" / "b" / "c" / "file").read_text() == "kept"


def test_what_others_could_read_becomes_private_and_nothing_else(root, tmp_path):
    opened_to_all(root)
    (root / "catalog.db").touch()
    (root / "catalog.db").chmod(0o440)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.touch(mode=0o644)
    elsewhere.chmod(0o644)
    (root / "lexical" / "link").symlink_to(elsewhere)
    make_private(root)
    assert stat.S_IMODE((root / "catalog.db").stat().st_mode) == 0o400
    assert stat.S_IMODE(elsewhere.stat().st_mode) == 0o644
    (root / "lexical" / "link").unlink()
    (root / "catalog.db").unlink()
    assert all_private(root)


def test_originals_are_looked_at_until_their_folder_is_private(root, monkeypatch):
    opened_to_all(root)
    make_private(root)
    looked = []
    scandir = os.scandir
    monkeypatch.setattr(trust.os, "scandir", lambda path: looked.append(str(path)) or scandir(path))
    make_private(root)
    assert looked
    assert not [path for path in looked if path.startswith(str(root / "originals"))]


def test_the_writer_makes_an_archive_private(root):
    opened_to_all(root)
    with ArchiveDirectory(root).writing():
        assert all_private(root)


def test_a_private_archive_is_trusted(root):
    assert find_stranger(root, ME) is None
    require_trusted(root, trust=False)


def test_an_archive_that_is_not_there_is_not_judged(tmp_path):
    require_trusted(tmp_path / "archive", trust=False)
    (tmp_path / "file").touch(mode=0o666)
    require_trusted(tmp_path / "file", trust=False)


@pytest.mark.parametrize(
    ("mode", "who"),
    [(0o720, "its group"), (0o702, "all users"), (0o777, "its group and all users")],
)
def test_a_folder_that_others_can_write_to_is_refused(root, mode, who):
    root.chmod(mode)
    with pytest.raises(ArchiveUntrusted) as refused:
        require_trusted(root, trust=False)
    assert f"because {root} can be written by {who}; " in str(refused.value)
    assert f"`chmod -R go-w {root}`" in str(refused.value)
    assert "--trust (BACKFILE_TRUST=yes)" in str(refused.value)
    require_trusted(root, trust=True)


@pytest.mark.parametrize(
    "name", ["manifest.json", "lexical", "lexical/a.toc", "chroma/part-1/rows.npy"]
)
def test_a_file_that_others_can_write_to_is_refused_where_they_come_to_it(root, name):
    path = root / name
    path.chmod(path.stat().st_mode | 0o020)
    assert find_stranger(root, ME) is None  # nobody else comes into the folder
    root.chmod(0o750)
    assert find_stranger(root, ME).path == path
    path.chmod(path.stat().st_mode & ~0o022)
    assert find_stranger(root, ME) is None


def test_a_link_leads_out_of_a_private_folder(root, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    (root / "lexical").rename(elsewhere)
    (root / "lexical").symlink_to(elsewhere)
    assert find_stranger(root, ME) is None
    (elsewhere / "a.toc").chmod(0o666)
    assert find_stranger(root, ME).path == root / "lexical" / "a.toc"


def test_what_belongs_to_another_user_is_refused(root):
    found = find_stranger(root, {max(ME) + 1})
    assert (found.path, "belongs to" in found.reason) == (root, True)
    assert found.remedy.startswith("chown -R ")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
@pytest.mark.parametrize("name", ["manifest.json", "lexical", "chroma/part-1/rows.npy"])
def test_a_file_that_belongs_to_another_user_is_refused(root, name):
    root.chmod(0o755)
    os.chown(root / name, 12345, -1)
    assert find_stranger(root, ME).reason == f"{root / name} belongs to 12345"


def test_root_acts_for_the_user_who_called_sudo(monkeypatch):
    monkeypatch.setenv("SUDO_UID", "1234")
    monkeypatch.setattr(trust.os, "geteuid", lambda: 0)
    assert own_users() == {0, 1234}
    monkeypatch.setattr(trust.os, "geteuid", lambda: 77)
    assert own_users() == {77}  # anybody may set a variable
    monkeypatch.setattr(trust.os, "geteuid", lambda: 0)
    monkeypatch.setenv("SUDO_UID", "nobody")
    assert own_users() == {0}


def test_a_system_without_users_trusts_all(root, monkeypatch):
    opened_to_all(root)
    monkeypatch.delattr(trust.os, "geteuid")
    require_trusted(root, trust=False)


def test_a_path_with_blanks_is_quoted_in_the_remedy(root):
    spaced = root.rename(root.with_name("my archive"))
    spaced.chmod(0o777)
    assert find_stranger(spaced, ME).remedy == f"chmod -R go-w '{spaced}'"
    assert Path(find_stranger(spaced, ME).path) == spaced
