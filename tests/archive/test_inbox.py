"""The inbox: what is accepted is on disk, numbered, and stays until it is done."""

import errno
import os
import stat
import threading
from contextlib import suppress

import pytest

from backfile.archive.model.errors import ArchiveUnwritable, DiskFull, InboxFull
from backfile.archive.store import inbox as inbox_module
from backfile.archive.store.catalog import Catalog
from backfile.archive.store.history import moment
from backfile.archive.store.jobs import Job, JobKind, JobResult, JobStatus, Refusal

LINE = b'{"id": "a", "text": "It rains."}'


@pytest.fixture
def catalog(tmp_path):
    made = Catalog.create(tmp_path / "catalog.db")
    yield made
    made.close()


@pytest.fixture
def inbox(catalog):
    return catalog.inbox


def received(inbox, kind=JobKind.PUT, line=LINE):
    with inbox.receiving(kind) as new:
        new.write(line)
        return new.accept()


def result_of(job, **counts):
    return JobResult(job.number, job.kind, moment(), **counts)


def test_jobs_are_numbered_in_the_order_in_which_they_are_accepted(inbox):
    kinds = [JobKind.PUT, JobKind.DELETE, JobKind.POST]
    jobs = [received(inbox, kind) for kind in kinds]
    assert [job.number for job in jobs] == [1, 2, 3]
    assert inbox.waiting() == jobs
    assert [job.kind for job in inbox.waiting()] == kinds
    with jobs[0].file().open() as stream:
        assert stream.read() == LINE


def test_a_job_is_flushed_before_it_gets_its_name_and_its_folder_after_it(inbox, monkeypatch):
    received(inbox)
    order = []
    sync, rename = os.fsync, type(inbox.folder).rename

    def noted_sync(number):
        order.append("folder" if stat.S_ISDIR(os.fstat(number).st_mode) else "file")
        sync(number)

    def noted_rename(path, target):
        order.append("rename")
        return rename(path, target)

    monkeypatch.setattr(os, "fsync", noted_sync)
    monkeypatch.setattr(type(inbox.folder), "rename", noted_rename)
    received(inbox)
    assert order == ["file", "rename", "folder"]


def test_what_is_not_accepted_leaves_nothing(inbox):
    with inbox.receiving(JobKind.POST) as new:
        new.write(LINE)
    with suppress(KeyError), inbox.receiving(JobKind.POST) as new:
        new.write(LINE)
        raise KeyError
    assert inbox.waiting() == []
    assert [path.name for path in inbox.folder.iterdir()] == ["lock"]


def test_a_full_disk_is_named_and_leaves_nothing(inbox, monkeypatch):
    def full(_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(DiskFull):
        received(inbox)
    monkeypatch.undo()
    assert [path.name for path in inbox.folder.iterdir()] == ["lock"]
    assert received(inbox).number == 1


def test_an_archive_that_cannot_be_written_to_says_so(inbox, tmp_path):
    inbox.folder.write_text("a file in its place")
    with pytest.raises(ArchiveUnwritable):
        received(inbox)
    (tmp_path / "backup.json").touch()
    with pytest.raises(ArchiveUnwritable, match="backup"):
        received(inbox)


def test_files_are_for_their_owner_alone(inbox):
    previous = os.umask(0)
    try:
        inbox.finish([result_of(received(inbox))])
        received(inbox)
    finally:
        os.umask(previous)
    for path in [inbox.folder, *inbox.folder.rglob("*")]:
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path


def test_a_job_is_queued_then_running_then_done(inbox):
    job = received(inbox)
    assert inbox.state(1)[:4] == (1, JobKind.PUT, JobStatus.QUEUED, "")
    inbox.begin([job])
    assert inbox.state(1).status is JobStatus.RUNNING
    refusals = (Refusal(2, "not valid JSON"),)
    done = result_of(job, added=2, refused=1, refusals=refusals)
    inbox.finish([done])
    assert inbox.state(1).status is JobStatus.DONE
    assert inbox.state(1).result == done
    assert (inbox.waiting(), job.path.exists()) == ([], False)
    assert inbox.state(2) is None


def test_a_job_whose_file_outlives_its_end_is_not_done_again(inbox):
    first, second = received(inbox), received(inbox)
    content = first.path.read_bytes()
    inbox.finish([result_of(first)])
    first.path.write_bytes(content)  # a kill after the count, before the file was deleted
    assert inbox.waiting() == [second]
    inbox.tidy()
    assert not first.path.exists()
    assert second.path.exists()


def test_a_result_without_the_count_in_the_catalogue_is_none(inbox, monkeypatch):
    job = received(inbox)
    monkeypatch.setattr(inbox_module, "set_counter", lambda *_: 1 / 0)  # a kill before the count
    with pytest.raises(ZeroDivisionError):
        inbox.finish([result_of(job, added=1)])
    monkeypatch.undo()
    assert inbox.state(1).status is JobStatus.QUEUED
    assert inbox.waiting() == [job]
    inbox.finish([result_of(job, unchanged=1)])
    assert inbox.state(1).result.unchanged == 1


def test_a_number_is_never_given_twice(inbox, catalog):
    inbox.finish([result_of(received(inbox))])
    assert received(inbox).number == 2
    inbox.finish([result_of(inbox.waiting()[0])])
    with catalog._database.writing() as connection:
        inbox_module.set_counter(connection, inbox_module.JOBS_DONE, 0)  # the record was lost
    assert received(inbox).number == 3


def test_many_threads_get_different_numbers(inbox):
    jobs = []
    threads = [threading.Thread(target=lambda: jobs.append(received(inbox))) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(job.number for job in jobs) == list(range(1, 17))
    assert len(inbox.waiting()) == 16


def test_only_so_many_jobs_wait(inbox, monkeypatch):
    monkeypatch.setattr(inbox_module, "MOST_WAITING", 2)
    received(inbox)
    received(inbox)
    with pytest.raises(InboxFull, match="2 jobs wait"):
        received(inbox)
    assert len(inbox.waiting()) == 2


def test_only_the_last_results_are_kept(inbox, monkeypatch):
    monkeypatch.setattr(inbox_module, "KEPT_RESULTS", 3)
    for _ in range(6):
        inbox.finish([result_of(received(inbox), added=1)])
    kept = [number for number in range(1, 7) if inbox.state(number)]
    assert kept == [4, 5, 6]


def test_drafts_of_the_dead_are_deleted_and_those_of_the_living_are_not(inbox):
    with inbox.receiving(JobKind.POST) as new:
        dead = inbox.folder / "draft-of-a-killed-process"
        dead.write_bytes(b"half")
        inbox.tidy()
        assert not dead.exists()
        new.write(LINE)
        assert new.accept().number == 1


@pytest.mark.parametrize("at", [0, 12, -1])
def test_damage_of_a_waiting_job_is_found_and_the_file_is_kept_for_people(inbox, at, tmp_path):
    job, sound = received(inbox), received(inbox)
    content = bytearray(job.path.read_bytes())
    content[at] ^= 0x55
    job.path.write_bytes(content)
    assert inbox.damaged() == [job]
    aside = inbox.set_aside(job)
    assert (aside / job.path.name).read_bytes() == content
    assert sound in inbox.waiting()


def test_other_files_are_no_jobs(tmp_path):
    for name in ("000000000001.put", "1.put.gz", "000000000001.get.gz", "state.json"):
        assert Job.at(tmp_path / name) is None
    assert Job.at(tmp_path / "000000000007.post.gz").number == 7


def test_a_damaged_file_of_results_is_no_result(inbox):
    inbox.finish([result_of(received(inbox))])
    for path in (inbox.folder / "results").iterdir():
        path.write_text("[{")
    assert inbox.state(1) is None
