"""Jobs of the inbox are done in order, together where that is possible, and again after a kill."""

import errno
import gzip
import json
import shutil
import threading
import time
from contextlib import closing, suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backfile.archive.formats.fields import FieldMap
from backfile.archive.formats.inputs import Reading
from backfile.archive.model.errors import ArchiveBusy, ArticleNotFound, EngineUnavailable
from backfile.archive.model.settings import Settings
from backfile.archive.store import inbox as inbox_module
from backfile.archive.store.catalog import Catalog
from backfile.archive.store.directory import ArchiveDirectory
from backfile.archive.store.inbox import Inbox
from backfile.archive.store.jobs import Job, JobKind, JobStatus
from backfile.archive.store.rereading import Rereading
from backfile.index import resident
from backfile.index.indexing import jobs as jobs_module
from backfile.index.indexing.indexer import Indexer
from backfile.index.indexing.jobs import do_all, do_jobs, next_lot
from backfile.index.indexing.verify import Part, verify
from backfile.index.reembedding import reembed
from backfile.index.resident import ResidentWriter
from tests.builders import (
    backfile,
    engines_in,
    fill,
    indexer_of,
    paper_model,
    silent,
    write_stories,
)

SOON = 20.0  # seconds


def send(catalog, kind, *records):
    with catalog.inbox.receiving(kind) as new:
        for record in records:
            new.write(json.dumps(record).encode() + b"\n")
        return new.accept()


def texts(catalog, ids):
    found = {}
    for each in ids:
        try:
            found[each] = catalog.article(each).text
        except ArticleNotFound:
            found[each] = None
    return found


@pytest.fixture
def memory(tmp_path):
    made = engines_in(tmp_path / "archive", in_memory=True)
    yield made
    made.catalog.close()


def lots(folder, *jobs):
    """The numbers of the jobs of each lot; a job is its kind and an id."""
    waiting = []
    for number, (kind, article_id) in enumerate(jobs, 1):
        path = folder / f"{number:012}.{kind}.gz"
        path.write_bytes(gzip.compress(json.dumps({"id": article_id}).encode()))
        waiting.append(Job.at(path))
    found = []
    while waiting:
        lot = next_lot(waiting)
        found.append([job.number for job in lot])
        waiting = waiting[len(lot) :]
    return found


@pytest.mark.parametrize(
    ("jobs", "expected"),
    [
        ([("put", "a"), ("put", "a"), ("post", "b")], [[1, 2, 3]]),
        ([("put", "a"), ("delete", "b"), ("put", "c"), ("delete", "d")], [[1, 2, 3, 4]]),
        ([("put", "a"), ("delete", "a"), ("put", "a")], [[1], [2], [3]]),
        ([("delete", "a"), ("delete", "a"), ("put", "b")], [[1, 2, 3]]),
        ([("post", "a"), ("delete", "b")], [[1], [2]]),  # it may add any article
        ([("delete", "b"), ("post", "a"), ("put", "c")], [[1], [2, 3]]),
        ([("put", ""), ("delete", "b")], [[1], [2]]),
        ([("delete", "b"), ("put", "")], [[1], [2]]),
    ],
)
def test_jobs_are_done_together_unless_that_changes_their_order(tmp_path, jobs, expected):
    assert lots(tmp_path, *jobs) == expected


def test_a_large_job_is_done_by_itself(tmp_path, monkeypatch):
    monkeypatch.setattr(jobs_module, "MOST_BYTES", 60)
    assert lots(tmp_path, ("put", "a"), ("put", "b"), ("put", "c")) == [[1], [2], [3]]


OPERATIONS = st.lists(
    st.tuples(st.sampled_from("pd"), st.sampled_from("abc"), st.integers(0, 2), st.booleans()),
    max_size=12,
)


@settings(max_examples=30)
@given(operations=OPERATIONS)
def test_the_last_operation_on_an_id_counts_whatever_is_done_twice(tmp_path_factory, operations):
    engines = engines_in(tmp_path_factory.mktemp("law") / "archive", in_memory=True)
    catalog, expected = engines.catalog, dict.fromkeys("abc")
    kill = {}
    for kind, each, number, killed in operations:
        text = f"Version {number} of it."
        if kind == "p":
            job = send(catalog, JobKind.PUT, {"id": each, "text": text})
        else:
            job = send(catalog, JobKind.DELETE, {"id": each})
        expected[each] = text if kind == "p" else None
        kill[job.number] = killed

    class Killed(Exception):
        pass

    finish = Inbox.finish

    def killed_before_the_count(inbox, results):
        if any(kill.pop(each.number, False) for each in results):
            raise Killed
        finish(inbox, results)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Inbox, "finish", killed_before_the_count)
        while catalog.inbox.waiting():
            try:
                do_all(catalog, indexer_of(engines))
            except Killed:
                continue
    assert texts(catalog, "abc") == expected
    assert [each for each in verify(engines) if not each.is_unfinished] == []
    engines.catalog.close()


def test_a_job_that_is_done_twice_finds_its_articles_unchanged(memory):
    job = send(memory.catalog, JobKind.POST, {"id": "a", "text": "One."}, {"text": "No id."})
    content = job.path.read_bytes()
    assert do_jobs([job], memory.catalog, indexer_of(memory))[0].added == 2
    job.path.write_bytes(content)
    (again,) = do_jobs([job], memory.catalog, indexer_of(memory))
    assert (again.added, again.updated, again.unchanged) == (0, 0, 2)


def test_articles_that_were_received_outlive_the_indexing_of_folders(memory, tmp_path):
    folder = tmp_path / "news"
    folder.mkdir()
    write_stories(folder)
    fill(memory, folder)
    send(memory.catalog, JobKind.PUT, {"id": "mine", "text": "Received."})
    do_all(memory.catalog, indexer_of(memory))
    (folder / "stories.jsonl").unlink()
    (folder / "other.txt").write_text("Another text about the harbour.")
    fill(memory, folder)
    shutil.rmtree(folder)
    assert memory.catalog.article("mine").text == "Received."


def test_damage_of_an_article_is_mended_from_what_was_received(memory):
    lines = ["no object, so the file looks like no format", {"id": "b", "text": "Two."}]
    send(memory.catalog, JobKind.POST, {"id": "a", "text": "One."})
    send(memory.catalog, JobKind.POST, *lines)
    send(memory.catalog, JobKind.PUT, {"id": "a", "text": "Three."})
    do_all(memory.catalog, indexer_of(memory))
    indexer = indexer_of(memory)
    indexer.discard(memory.catalog.discard([1, 2]))
    assert texts(memory.catalog, "ab") == {"a": None, "b": None}
    indexer.index(Rereading(memory.catalog, recovering=True))
    assert texts(memory.catalog, "ab") == {"a": "Three.", "b": "Two."}


def test_verify_names_a_damaged_job_and_no_sound_one(memory):
    sound = send(memory.catalog, JobKind.PUT, {"id": "a", "text": "One."})
    damaged = send(memory.catalog, JobKind.PUT, {"id": "b", "text": "Two."})
    damaged.path.write_bytes(damaged.path.read_bytes()[:-3])
    found = [each for each in verify(memory) if each.part is Part.INBOX]
    assert [str(each) for each in found] == ["inbox: the file of job 2 is damaged"]
    assert sound.path.exists()


def test_commands_do_what_waits_and_status_counts_it(indexed_by_words, tmp_path):
    archive = shutil.copytree(indexed_by_words, tmp_path / "archive")
    with closing(Catalog(archive / "catalog.db")) as catalog:
        send(catalog, JobKind.PUT, {"id": "quay", "text": "The quay was rebuilt."})
        bad = send(catalog, JobKind.PUT, {"id": "b", "text": "Two."})
        bad.path.write_bytes(bad.path.read_bytes()[:-3])
    shown = backfile("status", "--archive", archive)
    assert "2 jobs received over HTTP wait for the writer" in shown.output
    found = backfile("verify", "--archive", archive)
    assert "the file of job 2 is damaged" in found.output
    source = write_stories(tmp_path)
    result = backfile("index", source, "--no-vectors", "--archive", archive)
    assert "are done now: 1" in result.stderr
    assert "set aside job 2" in result.stderr
    assert "inbox" not in backfile("status", "--archive", archive).output
    with closing(Catalog(archive / "catalog.db")) as catalog:
        assert catalog.article("quay").text == "The quay was rebuilt."
        assert catalog.inbox.state(2).status is JobStatus.FAILED
    assert list(archive.glob("set-aside-*/000000000002.put.gz"))


def test_a_backup_takes_what_waits_and_a_restored_archive_does_it_once(indexed_by_words, tmp_path):
    archive = shutil.copytree(indexed_by_words, tmp_path / "archive")
    with closing(Catalog(archive / "catalog.db")) as catalog:
        send(catalog, JobKind.PUT, {"id": "one", "text": "First."})
    index = ["index", write_stories(tmp_path), "--no-vectors", "--archive"]
    assert backfile(*index, archive).exit_code == 0
    with closing(Catalog(archive / "catalog.db")) as catalog:
        send(catalog, JobKind.PUT, {"id": "two", "text": "Second."})
    assert backfile("backup", tmp_path / "backup", "--archive", archive).exit_code == 0
    copy = tmp_path / "copy"
    assert backfile("restore", tmp_path / "backup", "--archive", copy).exit_code == 0
    with closing(Catalog(copy / "catalog.db")) as catalog:
        assert [job.number for job in catalog.inbox.waiting()] == [2]
        assert catalog.inbox.state(1).result.added == 1
    assert backfile(*index, copy).exit_code == 0
    with closing(Catalog(copy / "catalog.db")) as catalog:
        assert texts(catalog, ["one", "two"]) == {"one": "First.", "two": "Second."}


class Running:
    """A resident writer in a thread of the tests, over a copy of the archive; it embeds nothing."""

    def __init__(self, archive, monkeypatch):
        monkeypatch.setattr(Indexer, "embed_some", lambda *_: 0)
        monkeypatch.setattr(resident, "BUSY", 0.02)
        self.catalog = Catalog(archive / "catalog.db")
        self._stopped = threading.Event()
        self.writer = ResidentWriter(Settings(archive=archive), self._stopped)
        self._thread = threading.Thread(target=self.writer.run)

    def __enter__(self):
        self._thread.start()
        return self.catalog

    def __exit__(self, *_):
        self._stopped.set()
        self._thread.join(SOON)
        self.catalog.close()
        assert not self._thread.is_alive()


def wait_for(true):
    ends = time.monotonic() + SOON
    while not true():
        assert time.monotonic() < ends
        time.sleep(0.01)


@pytest.fixture
def archive(indexed_by_words, tmp_path):
    return shutil.copytree(indexed_by_words, tmp_path / "archive")


def test_the_resident_writer_does_jobs_as_they_come_and_lets_others_write(archive, monkeypatch):
    with Running(archive, monkeypatch) as catalog:
        for n in range(3):
            job = send(catalog, JobKind.PUT, {"id": f"n{n}", "text": f"Text {n}."})
            wait_for(lambda job=job: catalog.inbox.done() >= job.number)
        wait_for(lambda: not ArchiveDirectory(archive).is_written_to())
        assert texts(catalog, ["n0", "n2"]) == {"n0": "Text 0.", "n2": "Text 2."}
        assert catalog.inbox.embed_from() == 0


def test_a_job_waits_for_another_writer_and_says_for_whom(archive, monkeypatch):
    with Running(archive, monkeypatch) as catalog:
        with ArchiveDirectory(archive).writing():
            job = send(catalog, JobKind.PUT, {"id": "a", "text": "One."})
            wait_for(lambda: "process" in catalog.inbox.state(job.number).waits_for)
            assert catalog.inbox.state(job.number).status is JobStatus.QUEUED
        wait_for(lambda: catalog.inbox.state(job.number).status is JobStatus.DONE)


def test_the_resident_writer_goes_on_in_an_archive_with_another_model(
    archive, tmp_path, monkeypatch
):
    model = paper_model(tmp_path / "paper")

    def is_reembedded():
        with suppress(ArchiveBusy):  # the writer ends what it does
            asked = Settings(archive=archive, model=model, threads=1, names=False)
            return reembed(asked, silent).manifest.model == model

    with Running(archive, monkeypatch) as catalog:
        job = send(catalog, JobKind.PUT, {"id": "a", "text": "One."})
        wait_for(lambda: catalog.inbox.done() >= job.number)
        wait_for(is_reembedded)
        with closing(Catalog(archive / "catalog.db")) as now:
            job = send(now, JobKind.PUT, {"id": "b", "text": "Two."})
            assert job.number == 2
            wait_for(lambda: now.inbox.done() >= job.number)
            assert texts(now, ["a", "b"]) == {"a": "One.", "b": "Two."}


def test_an_error_of_the_archive_keeps_jobs_and_one_of_the_program_fails_one(archive, monkeypatch):
    put = jobs_module._put
    errors = [EngineUnavailable("words", "out of order"), ValueError("bad"), ValueError("bad")]

    def failing(lot, *others):
        if any(job.number == 2 for job in lot) and errors:
            raise errors.pop(0)
        return put(lot, *others)

    monkeypatch.setattr(jobs_module, "_put", failing)
    with closing(Catalog(archive / "catalog.db")) as catalog:
        for n in range(1, 4):
            send(catalog, JobKind.PUT, {"id": f"n{n}", "text": f"Text {n}."})
    with Running(archive, monkeypatch) as catalog:
        wait_for(lambda: catalog.inbox.done() == 3)
        states = [catalog.inbox.state(n) for n in (1, 2, 3)]
        assert [each.status.value for each in states] == ["done", "failed", "done"]
        assert "ValueError" in states[1].result.reason
        assert texts(catalog, ["n1", "n3"]) == {"n1": "Text 1.", "n3": "Text 3."}


def test_a_full_disk_fails_no_job(archive, monkeypatch):
    write, errors = (
        inbox_module.write_whole,
        [OSError(errno.ENOSPC, "full"), OSError(errno.EIO, "?")],
    )

    def full(*arguments):
        if errors:
            raise errors.pop(0)
        write(*arguments)

    monkeypatch.setattr(inbox_module, "write_whole", full)
    with Running(archive, monkeypatch) as catalog:
        job = send(catalog, JobKind.PUT, {"id": "a", "text": "One."})
        wait_for(lambda: catalog.inbox.done() == job.number)
        result = catalog.inbox.state(job.number).result
        assert (result.reason, result.unchanged) == ("", 1)


def test_the_process_that_embeds_ends_when_it_is_idle(archive, monkeypatch):
    monkeypatch.setattr(resident, "IDLE", 0.2)
    running = Running(archive, monkeypatch)
    with running as catalog:
        send(catalog, JobKind.PUT, {"id": "a", "text": "One."})
        wait_for(running.writer._aside.ready)
        wait_for(lambda: not running.writer._aside.ready())
        assert catalog.inbox.done() == 1


def test_a_long_job_ends_with_the_writer_and_is_done_by_the_next(archive, monkeypatch):
    lines = [{"id": f"n{n}", "text": f"Text {n} about the harbour."} for n in range(600)]
    with closing(Catalog(archive / "catalog.db")) as catalog:
        send(catalog, JobKind.POST, *lines)
        stopped = threading.Event()

        def stopped_at_once(waiting):
            stopped.set()
            return next_lot(waiting)

        monkeypatch.setattr(resident, "next_lot", stopped_at_once)
        ResidentWriter(Settings(archive=archive), stopped).run()
        assert catalog.inbox.state(1).status is not JobStatus.DONE
        monkeypatch.undo()
    with Running(archive, monkeypatch) as catalog:
        wait_for(lambda: catalog.inbox.done() == 1)
        assert catalog.article("n599").text == lines[599]["text"]


def test_what_cannot_be_embedded_now_keeps_no_job_waiting(archive, monkeypatch):
    def out(*_):
        raise EngineUnavailable("the model", "its files are gone")

    running = Running(archive, monkeypatch)
    monkeypatch.setattr(Indexer, "embed_some", out)
    with running as catalog:
        for n in range(2):
            job = send(catalog, JobKind.PUT, {"id": f"n{n}", "text": "Text."})
            wait_for(lambda job=job: catalog.inbox.done() >= job.number)
        assert catalog.inbox.embed_from() > 0


def test_what_comes_in_after_the_last_look_for_passages_to_embed_is_embedded(archive, monkeypatch):
    """A look that finds none takes seconds: Chroma is brought up then."""
    looks = []

    def look(*_):
        looks.append(catalog.counts().passages)
        if len(looks) == 1:
            late = send(catalog, JobKind.PUT, {"id": "late", "text": "The ferry is late."})
            wait_for(lambda: catalog.inbox.done() == late.number)
        return 0

    running = Running(archive, monkeypatch)
    monkeypatch.setattr(Indexer, "embed_some", look)
    with running as catalog:
        send(catalog, JobKind.PUT, {"id": "first", "text": "The ferry sails."})
        wait_for(lambda: looks and not catalog.inbox.embed_from())
        assert looks[-1] == catalog.counts().passages


def test_only_what_jobs_have_added_is_embedded(memory):
    fill_words = indexer_of(memory)
    fill_words.index(Reading([write_stories(memory.catalog.path.parent)], FieldMap()))
    before = memory.catalog.counts()
    assert before.embedded == 0
    send(memory.catalog, JobKind.PUT, {"id": "a", "text": "One."})
    do_all(memory.catalog, fill_words)
    first = memory.catalog.inbox.embed_from()
    assert fill_words.embed_some(first, 100) == 1
    assert fill_words.embed_some(first, 100) == 0
    assert memory.catalog.counts().embedded == 1
    assert len(memory.neighbours.rows()) == 1
