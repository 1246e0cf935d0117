"""Backups: whole, incremental, made beside a writer; a kill leaves the old one or the new one."""

import errno
import gc
import gzip
import hashlib
import json
import os
import random
import shutil
import signal
import sqlite3
import time
from contextlib import closing
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from backfile.archive.model.errors import (
    ArchiveBusy,
    ArchiveMissing,
    ArchiveUnwritable,
    BackupRefused,
    BackupUnusable,
    DiskFull,
    EngineUnavailable,
    RecordLost,
)
from backfile.archive.store import backup as backups
from backfile.archive.store import backup_files, switching
from backfile.archive.store import draft as drafts
from backfile.archive.store import restore as restores
from backfile.archive.store.backup import back_up
from backfile.archive.store.backup_files import Cache
from backfile.archive.store.backup_list import BackupList, damages
from backfile.archive.store.catalog import Catalog
from backfile.archive.store.collections import Collections
from backfile.archive.store.directory import ArchiveDirectory
from backfile.archive.store.manifest import SCHEMA, Manifest
from backfile.archive.store.record import mark_record
from backfile.archive.store.restore import restore
from backfile.index.indexing.verify import Part, verify
from backfile.index.vector.codes import CodeFile
from backfile.index.wiring import caches_of
from tests.builders import engines_in, fill, index_in_small_batches, write_news, write_stories
from tests.fakes import HashedWords
from tests.processes import PROCESSES, share_forkserver

MANIFEST = Manifest(SCHEMA, "splitter", "analyser", "model", "weights", HashedWords.dimension, "")
KILLS = 12
MORE = [{"id": "late", "title": "Late ferry", "text": "The last ferry left. It was late."}]


@pytest.fixture
def archive(tmp_path):
    """The stories in an archive with every part that one may have."""
    directory = ArchiveDirectory(tmp_path / "archive")
    engines = engines_in(directory.root, in_memory=False)
    MANIFEST.write(directory.manifest)
    fill(engines, write_stories(tmp_path))
    engines.table.bring_up(engines.catalog)
    engines.catalog.close()
    directory.followed.write_text("{}")
    directory.int8_graph.mkdir()
    (directory.int8_graph / "graph.json").write_text("{}")
    original = directory.originals / "ab" / f"ab{'0' * 62}.gz"
    original.parent.mkdir(parents=True)
    original.write_bytes(b"bytes of a file")
    with sqlite3.connect(directory.catalog) as catalogue:
        values = (original.name[:64], "place", 0, "key", "{}", "{}")
        catalogue.execute("INSERT INTO originals VALUES (?, ?, ?, ?, ?, ?)", values)
    catalogue.close()
    return directory


def add_more(directory, stories=MORE):
    engines = engines_in(directory.root, in_memory=False)
    folder = directory.root.with_name("more")
    folder.mkdir(exist_ok=True)
    fill(engines, write_stories(folder, stories))
    engines.catalog.close()


def make(directory, place, watch=lambda _: None):
    return back_up(directory, place, caches_of(directory), watch)


def content(folder):
    """Every file of an archive or a backup, but for its list, its lock and its codes."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name not in ("backup.json", "writer.lock", *backup_files.CODES)
    }


def test_codes_are_made_again_and_in_no_backup(archive, tmp_path):
    assert all((archive.root / name).exists() for name in backup_files.CODES)
    assert make(archive, tmp_path / "backup").notes == ()
    assert not any((tmp_path / "backup" / name).exists() for name in backup_files.CODES)
    restore(tmp_path / "backup", ArchiveDirectory(tmp_path / "again"))
    add_more(ArchiveDirectory(tmp_path / "again"), MORE)
    engines = engines_in(tmp_path / "again", in_memory=False)
    assert not CodeFile(engines.vectors).is_behind(engines.neighbours.rows())
    engines.catalog.close()


def ids_in(folder):
    catalog = Catalog(folder / "catalog.db")
    found = {article.id for article, _ in catalog.digests()}
    catalog.close()
    return found


def is_whole(place):
    return not list(damages(place, BackupList.read(place).files))


def left_beside(place):
    return [path.name for path in place.parent.iterdir() if path.name.startswith(f".{place.name}")]


def test_a_backup_holds_every_file_with_size_and_digest(archive, tmp_path):
    report = make(archive, tmp_path / "backup")
    listed = BackupList.read(tmp_path / "backup")
    assert set(listed.files) == set(content(tmp_path / "backup")) == set(content(archive.root))
    assert listed == report.made
    assert (listed.articles, listed.embedded) == (7, listed.passages)
    assert (report.notes, report.kept, listed.archive) == ((), 0, str(archive.root))
    assert is_whole(tmp_path / "backup")
    assert left_beside(tmp_path / "backup") == []


def test_what_is_written_once_is_linked_and_the_record_never_is(archive, tmp_path):
    report = make(archive, tmp_path / "backup")
    linked = {
        path.relative_to(tmp_path / "backup").parts[0]
        for path in (tmp_path / "backup").rglob("*")
        if path.is_file() and path.stat().st_nlink > 1
    }
    assert linked == {"lexical"}
    assert report.linked > 0


def test_a_backup_is_open_to_its_owner_alone(archive, tmp_path):
    make(archive, tmp_path / "backup")
    for path in [tmp_path / "backup", *(tmp_path / "backup").rglob("*")]:
        assert path.stat().st_mode & 0o777 == (0o700 if path.is_dir() else 0o600), path


def test_a_backup_is_an_archive_that_is_only_read(archive, tmp_path):
    make(archive, tmp_path / "backup")
    before = content(tmp_path / "backup")
    engines = engines_in(tmp_path / "backup", in_memory=False)
    assert engines.catalog.counts().articles == 7
    assert len(engines.lexical.rows()) == engines.catalog.counts().passages
    engines.catalog.close()
    assert content(tmp_path / "backup") == before
    directory = ArchiveDirectory(tmp_path / "backup")
    with pytest.raises(ArchiveUnwritable, match="it is a backup"), directory.writing():
        pass


def test_a_second_backup_copies_only_what_has_changed(archive, tmp_path):
    make(archive, tmp_path / "backup")
    again = make(archive, tmp_path / "backup")
    assert (again.copied, again.linked) == (1, 0), "the catalogue alone"
    assert again.kept == len(again.made.files) - 1
    add_more(archive)
    later = make(archive, tmp_path / "backup")
    assert later.made.articles == 8
    assert later.kept > 0
    assert is_whole(tmp_path / "backup")


def test_what_went_from_the_archive_goes_from_the_backup(archive, tmp_path):
    make(archive, tmp_path / "backup")
    (original,) = archive.originals.glob("??/*")
    with sqlite3.connect(archive.catalog) as catalogue:
        catalogue.execute("DELETE FROM originals")
    catalogue.close()
    assert f"originals/ab/{original.name}" not in make(archive, tmp_path / "backup").made.files
    assert not (tmp_path / "backup" / "originals" / "ab" / original.name).exists()


def test_a_file_that_is_damaged_in_the_backup_is_copied_again(archive, tmp_path):
    make(archive, tmp_path / "backup")
    (original,) = (tmp_path / "backup" / "originals").glob("??/*")
    original.write_bytes(b"BYTES of a file")
    assert not is_whole(tmp_path / "backup")
    make(archive, tmp_path / "backup")
    assert is_whole(tmp_path / "backup")


def test_a_backup_without_links_is_the_same(archive, tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(errno.EXDEV, "another file system")

    monkeypatch.setattr(os, "link", refuse)
    assert make(archive, tmp_path / "backup").linked == 0
    make(archive, tmp_path / "backup")
    assert content(tmp_path / "backup").keys() == content(archive.root).keys()
    assert is_whole(tmp_path / "backup")


def test_a_file_that_is_read_only_is_copied_and_stays_read_only(archive, tmp_path):
    files = [path for path in archive.lexical.iterdir() if path.is_file()]
    for path in files:
        path.chmod(0o400)
    assert make(archive, tmp_path / "backup").linked == 0
    assert {path.stat().st_mode & 0o777 for path in files} == {0o400}
    assert is_whole(tmp_path / "backup")


def test_a_query_graph_that_is_being_exported_is_not_taken(archive, tmp_path):
    archive.query_graph.mkdir()
    (archive.query_graph / "model.onnx").write_bytes(b"half of it")
    assert not [name for name in make(archive, tmp_path / "backup").made.files if "onnx" in name]
    (archive.query_graph / "graph.json").write_text("{}")
    assert "query-graph/model.onnx" in make(archive, tmp_path / "backup").made.files


def test_a_system_that_cannot_exchange_names_switches_in_steps(archive, tmp_path, monkeypatch):
    monkeypatch.setattr(switching, "CALLS", ())
    make(archive, tmp_path / "backup")
    add_more(archive)
    make(archive, tmp_path / "backup")
    assert BackupList.read(tmp_path / "backup").articles == 8
    assert left_beside(tmp_path / "backup") == []
    (tmp_path / "backup").rename(tmp_path / ".backup.backfile-aside")  # as a kill leaves it
    assert make(archive, tmp_path / "backup").kept > 0
    shutil.copytree(tmp_path / "backup", tmp_path / ".backup.backfile-aside")  # a later kill
    make(archive, tmp_path / "backup")
    assert left_beside(tmp_path / "backup") == []


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("archive/backup", "outside of it"),
        ("archive", "outside of it"),
        (".", "outside of it"),
        ("file", "it is a file"),
        ("full", "no backup; give an empty or a new folder"),
    ],
)
def test_a_place_that_is_no_backup_is_refused_and_left_alone(archive, tmp_path, place, said):
    (tmp_path / "file").write_text("mine")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "letter.txt").write_text("mine")
    before = content(tmp_path)
    with pytest.raises(BackupRefused, match=said):
        make(archive, tmp_path / place)
    assert content(tmp_path) == before


def test_no_archive_no_backup(tmp_path):
    with pytest.raises(ArchiveMissing):
        make(ArchiveDirectory(tmp_path / "none"), tmp_path / "backup")
    assert list(tmp_path.iterdir()) == []


def test_the_backup_of_another_archive_is_not_replaced(archive, tmp_path):
    make(archive, tmp_path / "backup")
    shutil.copytree(archive.root, tmp_path / "other")
    with pytest.raises(BackupRefused, match=r"backup of the archive at .*archive; give another"):
        make(ArchiveDirectory(tmp_path / "other"), tmp_path / "backup")
    archive.root.rename(tmp_path / "moved")
    assert make(ArchiveDirectory(tmp_path / "moved"), tmp_path / "backup").made.articles == 7


def test_an_archive_that_was_lost_does_not_replace_its_backup(archive, tmp_path):
    add_more(archive)
    make(archive, tmp_path / "backup")
    shutil.rmtree(archive.root)
    add_more(archive)
    MANIFEST.write(archive.manifest)
    with pytest.raises(BackupRefused, match="it is a backup of another archive, with 8 articles"):
        make(archive, tmp_path / "backup")
    assert len(ids_in(tmp_path / "backup")) == 8


def test_an_archive_that_was_set_back_does_not_replace_its_backup(archive, tmp_path):
    shutil.copytree(archive.root, tmp_path / "earlier")
    add_more(archive)
    make(archive, tmp_path / "backup")
    shutil.rmtree(archive.root)
    shutil.copytree(tmp_path / "earlier", archive.root)
    with pytest.raises(BackupRefused, match=r"8 articles.* than is there now \(7 articles"):
        make(archive, tmp_path / "backup")
    assert len(ids_in(tmp_path / "backup")) == 8


def test_a_lost_catalogue_is_not_backed_up(archive, tmp_path):
    with closing(Catalog(archive.catalog)) as catalog:
        mark_record(archive, catalog)
    make(archive, tmp_path / "backup")
    earlier = shutil.copy(archive.catalog, tmp_path / "earlier.db")
    add_more(archive)
    with closing(Catalog(archive.catalog)) as catalog:
        mark_record(archive, catalog)
    gc.collect()  # closes what the fixtures opened, so that no log of the later one is left
    for log in archive.root.glob("catalog.db-*"):
        log.unlink()
    archive.catalog.unlink()
    shutil.copy(earlier, archive.catalog)
    with pytest.raises(RecordLost, match="older than the rest"):
        make(archive, tmp_path / "backup")
    archive.catalog.unlink()
    with pytest.raises(RecordLost, match="is missing"):
        make(archive, tmp_path / "backup")
    assert is_whole(tmp_path / "backup")
    assert not archive.catalog.exists()


def test_the_journal_of_originals_and_what_was_set_aside_come_back(archive, tmp_path):
    aside = archive.new_set_aside()
    (aside / "articles.jsonl").write_text("{}\n")
    (archive.originals / "notes.jsonl").write_text("{}\n")
    (archive.originals / "removed.json").write_text("{}")
    assert make(archive, tmp_path / "backup").notes == ()
    restore(tmp_path / "backup", ArchiveDirectory(tmp_path / "again"))
    assert content(tmp_path / "again").keys() == content(archive.root).keys()


def test_a_damaged_catalogue_is_not_backed_up_over_a_sound_one(archive, tmp_path):
    make(archive, tmp_path / "backup")
    content = bytearray(archive.catalog.read_bytes())
    content[4096 : 4096 + 2000] = bytes(2000)
    archive.catalog.write_bytes(content)
    with pytest.raises((BackupRefused, EngineUnavailable), match="`backfile verify"):
        make(archive, tmp_path / "backup")
    assert is_whole(tmp_path / "backup")
    assert left_beside(tmp_path / "backup") == []


def test_a_cache_that_cannot_be_read_is_left_out_and_said_so(archive, tmp_path):
    def fail():
        raise EngineUnavailable("the lexical index", "it is torn")

    report = back_up(archive, tmp_path / "backup", [Cache("lexical", fail)])
    assert report.notes == (
        "lexical is not in the backup: it is torn; `backfile rebuild lexical` makes it",
    )
    assert report.made.left_out == ("lexical",)
    again = restore(tmp_path / "backup", ArchiveDirectory(tmp_path / "again"))
    assert "rebuild lexical" in again.notes[0]


def test_a_cache_that_changes_all_the_time_is_left_out(archive, tmp_path):
    numbers = iter(range(100))

    def files():
        path = archive.root / f"columns-{next(numbers)}"
        path.touch()
        return [path]

    report = back_up(archive, tmp_path / "backup", [Cache("columns", files)])
    assert "columns is not in the backup: it keeps changing" in report.notes[0]


def test_what_is_no_part_of_an_archive_is_named(archive, tmp_path):
    (archive.root / "letter.txt").write_text("mine")
    notes = make(archive, tmp_path / "backup").notes
    assert notes == ("letter.txt is not in the backup: it is no part of an archive",)


def test_an_original_that_the_archive_has_lost_is_no_obstacle(archive, tmp_path):
    shutil.rmtree(archive.originals)
    report = make(archive, tmp_path / "backup")
    assert "1 of the files that articles were read from are missing" in report.notes[0]


@pytest.mark.parametrize("fault", ["flip", "delete"])
def test_an_original_that_is_damaged_in_the_archive_stays_sound_in_the_backup(
    archive, tmp_path, fault
):
    (old,) = archive.originals.glob("??/*")
    digest = hashlib.sha256(b"what was read").hexdigest()
    original = old.rename(old.with_name(f"{digest}.gz"))
    original.write_bytes(gzip.compress(b"what was read"))
    with sqlite3.connect(archive.catalog) as catalogue:
        catalogue.execute("UPDATE originals SET digest = ?", [digest])
    catalogue.close()
    make(archive, tmp_path / "backup")
    damage(original, fault)
    assert make(archive, tmp_path / "backup").notes == ()
    kept = tmp_path / "backup" / "originals" / "ab" / original.name
    assert gzip.decompress(kept.read_bytes()) == b"what was read"


def test_vectors_that_come_and_go_while_they_are_copied_agree_with_the_record(
    archive, tmp_path, monkeypatch
):
    """One article is added, one removed, and one added and removed, at the worst moments."""
    take_record = backup_files.TakenFiles._take_record

    def taken(self, live):
        add_more(archive, [*MORE, {"id": "short", "title": "Gone soon", "text": "A short life."}])
        remove("pier")
        take_record(self, live)
        remove("short")

    def remove(word):
        engines = engines_in(archive.root, in_memory=False)
        (removed,) = [a.id for a, _ in engines.catalog.digests() if word in a.id]
        rows = engines.catalog.rows_of([removed])
        engines.catalog.remove([removed])
        engines.vectors.blank(rows)
        engines.catalog.close()
        gone.extend(rows.tolist())

    gone = []
    monkeypatch.setattr(backup_files.TakenFiles, "_take_record", taken)
    make(archive, tmp_path / "backup")
    assert is_whole(tmp_path / "backup")
    assert "short" in ids_in(tmp_path / "backup")
    engines = engines_in(tmp_path / "backup", in_memory=False)
    assert [p for p in verify(engines) if p.part in (Part.VECTORS, Part.COLUMNS)] == []
    counts = engines.catalog.counts()
    assert counts.passages - counts.embedded == 1, "the one that was added and removed"
    assert not engines.vectors.read(100)[gone[0]].any(), "what was removed stays in no backup"
    engines.catalog.close()


def test_an_original_that_is_collected_meanwhile_is_taken_in_another_state(
    archive, tmp_path, monkeypatch
):
    taken = []
    take = backup_files.TakenFiles._take_originals

    def collected(self, digests):
        (original,) = archive.originals.glob("??/*") if not taken else [None]
        if original:
            original.unlink()
            with sqlite3.connect(archive.catalog) as catalogue:
                catalogue.execute("DELETE FROM originals")
            catalogue.close()
        taken.append(digests)
        return take(self, digests)

    monkeypatch.setattr(backup_files.TakenFiles, "_take_originals", collected)
    assert make(archive, tmp_path / "backup").notes == ()


def test_a_full_disk_is_said_and_leaves_the_earlier_backup(archive, tmp_path, monkeypatch):
    make(archive, tmp_path / "backup")
    before = content(tmp_path / "backup")
    add_more(archive)

    def fail(self, stream, target):
        raise OSError(errno.ENOSPC, "No space left on device", str(target))

    monkeypatch.setattr(drafts.Draft, "_copy", fail)
    with pytest.raises(BackupRefused, match=r"the disk is full; what was there before is unch"):
        make(archive, tmp_path / "backup")
    assert content(tmp_path / "backup") == before
    assert left_beside(tmp_path / "backup") == []
    with pytest.raises(DiskFull, match="what is in the archive stays there"):
        restore(tmp_path / "backup", archive)
    assert len(ids_in(archive.root)) == 8


def test_one_backup_at_a_time(archive, tmp_path):
    draft = tmp_path / ".backup.backfile-draft"
    draft.mkdir()
    with ArchiveDirectory(draft).locked(), pytest.raises(ArchiveBusy):
        make(archive, tmp_path / "backup")


# Restoring.


def rows_in(folder):
    """The statements that make a catalogue."""
    uri = f"{(folder / 'catalog.db').as_uri()}?mode=ro&immutable=1"
    with closing(sqlite3.connect(uri, uri=True)) as catalog:
        return set(catalog.iterdump())


def test_a_restored_archive_has_the_files_of_the_backup_and_is_none(archive, tmp_path):
    make(archive, tmp_path / "backup")
    report = restore(tmp_path / "backup", ArchiveDirectory(tmp_path / "again"))
    assert (report.notes, report.replaced) == ((), None)
    found, expected = (content(tmp_path / name) for name in ("again", "backup"))
    assert found.pop("catalog.db") != expected.pop("catalog.db")
    assert found == expected
    again, saved = (rows_in(tmp_path / name) for name in ("again", "backup"))
    lineage = again - saved  # whoever follows the archive must see that it went back
    assert [line.split("'")[1] for line in lineage] == ["lineage"]
    assert saved <= again
    assert not (tmp_path / "again" / "backup.json").exists()
    engines = engines_in(tmp_path / "again", in_memory=False)
    assert [p for p in verify(engines) if p.part is not Part.ORIGINALS] == []
    engines.catalog.close()
    shared = [p for p in (tmp_path / "again").glob("*") if p.is_file() and p.stat().st_nlink > 1]
    assert shared == []


def test_what_is_replaced_goes_at_the_end_or_is_kept(archive, tmp_path):
    make(archive, tmp_path / "backup")
    add_more(archive)
    assert restore(tmp_path / "backup", archive).replaced is None
    assert len(ids_in(archive.root)) == 7
    add_more(archive)
    kept = restore(tmp_path / "backup", archive, keep=True).replaced
    assert "late" in ids_in(kept)
    assert "late" not in ids_in(archive.root)
    assert {p.name for p in tmp_path.iterdir() if "archive" in p.name} == {"archive", kept.name}


def test_files_of_others_in_an_archive_are_kept(archive, tmp_path):
    make(archive, tmp_path / "backup")
    (archive.root / "letter.txt").write_text("mine")
    report = restore(tmp_path / "backup", archive)
    assert [path.name for path in report.replaced.iterdir()] == ["letter.txt"]
    assert str(report.replaced) in report.notes[0]


@pytest.mark.parametrize("name", ["catalog.db", "vectors", "manifest.json", "originals"])
@pytest.mark.parametrize("fault", ["flip", "cut", "empty", "delete"])
def test_a_damaged_record_is_refused_and_nothing_is_changed(archive, tmp_path, name, fault):
    make(archive, tmp_path / "backup")
    (damaged,) = [p for p in (tmp_path / "backup").rglob("*") if p.is_file() and name in str(p)][:1]
    damage(damaged, fault)
    before = content(archive.root)
    with pytest.raises(BackupUnusable, match=damaged.name):
        restore(tmp_path / "backup", archive)
    assert content(archive.root) == before
    assert left_beside(archive.root) == []


def damage(path, fault):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    match fault:
        case "flip":
            path.write_bytes(content)
        case "cut":
            path.write_bytes(content[: len(content) // 2])
        case "empty":
            path.write_bytes(b"")
        case "delete":
            path.unlink()


@pytest.mark.parametrize("part", ["lexical", "chroma", "columns"])
def test_a_damaged_cache_is_left_out(archive, tmp_path, part):
    make(archive, tmp_path / "backup")
    whole = [p for p in (tmp_path / "backup").rglob("*") if p.is_file() and p.stat().st_size]
    damaged = next(p for p in whole if p.relative_to(tmp_path / "backup").parts[0] == part)
    damaged.with_suffix(".copy").write_bytes(damaged.read_bytes())
    damaged.unlink()  # it may be linked
    (damaged.with_suffix(".copy")).rename(damaged)
    damage(damaged, "flip")
    (note,) = restore(tmp_path / "backup", archive).notes
    assert note.startswith(f"{part} is not restored: {part}")
    assert note.endswith("makes it")
    assert not (archive.root / part).exists()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda listed: listed.pop("files"), "is not a list of a backup"),
        (lambda listed: listed.update(format=2), "format 2 instead of 1"),
        (lambda listed: listed["files"].update({"../x": [1, "00", 0]}), r"'../x' cannot be a file"),
        (lambda listed: listed["files"].update({"letter": [1, "00", 0]}), "'letter' cannot be"),
        (lambda listed: listed["files"].pop("catalog.db"), "catalog.db is not in its list"),
    ],
)
def test_a_list_that_cannot_be_is_refused(archive, tmp_path, change, said):
    make(archive, tmp_path / "backup")
    path = tmp_path / "backup" / "backup.json"
    listed = json.loads(path.read_text())
    change(listed)
    path.write_text(json.dumps(listed))
    with pytest.raises(BackupUnusable, match=said):
        restore(tmp_path / "backup", archive)


def test_a_folder_without_a_list_is_no_backup(archive, tmp_path):
    with pytest.raises(BackupUnusable, match=r"backup.json is not there, so this is no backup"):
        restore(archive.root, ArchiveDirectory(tmp_path / "again"))
    assert not (tmp_path / "again").exists()


def test_only_an_archive_is_replaced(archive, tmp_path):
    make(archive, tmp_path / "backup")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("mine")
    make(archive, tmp_path / "another")
    for place, said in (("mine", "no archive"), ("another", "it is a backup"), ("backup", "is at")):
        with pytest.raises(ArchiveUnwritable, match=said):
            restore(tmp_path / "backup", ArchiveDirectory(tmp_path / place))
    assert (tmp_path / "mine" / "letter.txt").read_text() == "mine"


def test_an_archive_that_is_written_to_or_read_is_not_replaced(archive, tmp_path):
    make(archive, tmp_path / "backup")
    with archive.locked(), pytest.raises(ArchiveBusy, match="writing to"):
        restore(tmp_path / "backup", archive)
    catalog = Catalog(archive.catalog)
    catalog.counts()
    with pytest.raises(ArchiveBusy, match="reading or serving"):
        restore(tmp_path / "backup", archive)
    catalog.close()
    restore(tmp_path / "backup", archive)


def test_an_archive_of_which_little_is_left_is_replaced(archive, tmp_path):
    make(archive, tmp_path / "backup")
    archive.manifest.unlink()
    archive.catalog.write_bytes(b"no database")
    restore(tmp_path / "backup", archive)
    assert len(ids_in(archive.root)) == 7


# Kills.


def die_after(steps, _done):
    """Die as by `kill -9` after so many steps."""
    steps[0] -= 1
    if steps[0] < 0:
        os.kill(os.getpid(), signal.SIGKILL)


def killed_backup(root, place, steps, at_switch):
    watch = partial(die_after, [steps])
    if at_switch:
        backups.switch = _dying_switch(backups.switch, at_switch)
        watch = lambda _: None  # noqa: E731
    make(ArchiveDirectory(root), place, watch)


def killed_restore(place, root, steps, at_switch):
    watch = partial(die_after, [steps])
    if at_switch:
        restores.switch = _dying_switch(restores.switch, at_switch)
        watch = lambda _: None  # noqa: E731
    restore(place, ArchiveDirectory(root), watch=watch)


def _dying_switch(switch, at_switch):
    def dying(new, place):
        if at_switch == "after":
            switch(new, place)
        os.kill(os.getpid(), signal.SIGKILL)

    return dying


def run(target, *arguments):
    process = PROCESSES.Process(target=target, args=arguments)
    process.start()
    process.join(120)
    return process.exitcode


MOMENTS = [(steps, "") for steps in range(0, 4 * KILLS, 4)] + [(0, "before"), (0, "after")]


@pytest.mark.crash
@pytest.mark.parametrize(("steps", "at_switch"), MOMENTS)
def test_a_killed_backup_leaves_the_old_one_or_the_new_one(archive, tmp_path, steps, at_switch):
    place = tmp_path / "backup"
    make(archive, place)
    add_more(archive)
    assert run(killed_backup, archive.root, place, steps, at_switch) in (-signal.SIGKILL, 0)
    assert is_whole(place)
    assert len(ids_in(place)) == (8 if at_switch == "after" else BackupList.read(place).articles)
    make(archive, place)
    assert BackupList.read(place).articles == 8
    assert left_beside(place) == []


@pytest.mark.crash
@pytest.mark.parametrize(("steps", "at_switch"), MOMENTS)
def test_a_killed_restore_leaves_the_old_archive_or_the_new_one(
    archive, tmp_path, steps, at_switch
):
    place = tmp_path / "backup"
    make(archive, place)
    add_more(archive)
    code = run(killed_restore, place, archive.root, steps, at_switch)
    assert code in (-signal.SIGKILL, 0)
    assert len(ids_in(archive.root)) == (7 if code == 0 or at_switch == "after" else 8)
    kept = restore(place, archive).replaced
    assert kept is None
    assert len(ids_in(archive.root)) == 7
    assert left_beside(archive.root) == []
    replaced = [path for path in tmp_path.iterdir() if ".replaced-" in path.name]
    assert [len(ids_in(path)) for path in replaced] == ([8] if at_switch == "after" else [])


def index_in_steps(root, news):
    share_forkserver()
    index_in_small_batches(root, news)


@pytest.mark.crash
def test_backups_made_while_another_process_indexes_can_all_be_restored(tmp_path):
    """Each is what a kill would have left: the next run completes it, and loses nothing."""
    news = write_news(tmp_path / "news.jsonl")
    root = tmp_path / "archive"
    root.mkdir()
    MANIFEST.write(root / "manifest.json")
    writer = PROCESSES.Process(target=index_in_steps, args=(root, news))
    writer.start()
    made = []
    while writer.is_alive():
        if (root / "lexical").exists() and len(made) < 12:  # its tables are there
            place = tmp_path / f"backup-{len(made)}"
            if made:
                shutil.copytree(made[-1], place, dirs_exist_ok=True)  # the next is incremental
            report = make(ArchiveDirectory(root), place)
            assert report.notes == ()
            made += [place] if report.made.articles else []
        time.sleep(random.uniform(0, 0.05))
    writer.join()
    assert writer.exitcode == 0
    assert made
    for place in made:
        assert is_whole(place)
        restored = ArchiveDirectory(tmp_path / f"{place.name}-restored")
        restore(place, restored)
        engines = engines_in(restored.root, in_memory=False)
        faults = {problem.part for problem in verify(engines)}
        assert faults <= {Part.LEXICAL, Part.NEIGHBOURS}, "behind the record, or as it is"
        rows = engines.catalog.rows_after(0)
        known = np.union1d(engines.lexical.rows(), engines.neighbours.rows())
        assert known.max(initial=0) <= rows.max(initial=0), "no cache is ahead of the record"
        engines.catalog.close()
    assert run(index_in_steps, restored.root, news) == 0
    engines = engines_in(restored.root, in_memory=False)
    assert list(verify(engines)) == []
    assert engines.catalog.counts().articles == 120
    engines.catalog.close()


def test_the_exchange_of_two_names_is_one_step(tmp_path):
    for name in ("one", "other"):
        Path(tmp_path / name).mkdir()
        (tmp_path / name / "file").write_text(name)
    if not switching._exchange(tmp_path / "one", tmp_path / "other"):
        pytest.skip("this file system cannot")
    assert (tmp_path / "one" / "file").read_text() == "other"


def test_collections_are_backed_up_and_restored(archive, tmp_path):
    collections = Collections(archive.collections)
    collections.add("Ferries", [("ferry", "Ferry timetable cut")])
    assert make(archive, tmp_path / "backup").notes == ()
    assert Collections(tmp_path / "backup" / "collections.sqlite").named("Ferries").articles == 1
    collections.delete("Ferries")
    restore(tmp_path / "backup", archive)
    assert collections.named("Ferries").articles == 1
    assert collections.make("More").name == "More"


def test_damaged_collections_keep_no_archive_from_its_backup(archive, tmp_path):
    Collections(archive.collections).make("Ferries")
    make(archive, tmp_path / "backup")
    archive.collections.write_bytes(b"no database" * 999)
    again = make(archive, tmp_path / "backup")
    assert ["the earlier backup of it stays" in note for note in again.notes] == [True]
    assert Collections(tmp_path / "backup" / "collections.sqlite").named("Ferries")
    first = make(archive, tmp_path / "other")
    assert ["it is not in the backup" in note for note in first.notes] == [True]
    assert is_whole(tmp_path / "backup")
    assert is_whole(tmp_path / "other")


def test_damaged_collections_of_a_backup_are_not_restored(archive, tmp_path):
    Collections(archive.collections).make("Ferries")
    make(archive, tmp_path / "backup")
    (tmp_path / "backup" / "collections.sqlite").write_bytes(b"no database")
    with pytest.raises(BackupUnusable, match=r"collections\.sqlite"):
        restore(tmp_path / "backup", archive)


def test_a_backup_without_collections_takes_none_away(archive, tmp_path):
    make(archive, tmp_path / "backup")
    Collections(archive.collections).make("Ferries")
    restore(tmp_path / "backup", archive)
    assert Collections(archive.collections).named("Ferries").name == "Ferries"


def test_damaged_collections_are_no_obstacle_to_a_restore(archive, tmp_path):
    make(archive, tmp_path / "backup")
    archive.collections.write_bytes(b"no database" * 999)
    assert restore(tmp_path / "backup", archive).notes == ()
    assert Collections(archive.collections).listed(10) == []
