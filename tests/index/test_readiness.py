"""What a server says of each part of its archive, while parts are damaged and while they load."""

import gc
import shutil
import threading
import weakref

import pytest

from backfile.archive.model.errors import ArchiveMissing, EngineUnavailable
from backfile.archive.store.directory import ArchiveDirectory
from backfile.archive.store.manifest import SCHEMA, Manifest
from backfile.index.search.ranking import RankingOptions
from backfile.index.search.readiness import PATIENCE, SECONDS_BETWEEN_PROBES, Status
from backfile.index.search.searcher import Searcher
from tests.builders import damage, engines_in, fill, indexer_of, write_stories

OK, FAILED, ABSENT, LOADING = Status.OK, Status.FAILED, Status.ABSENT, Status.LOADING
MANIFEST = Manifest(SCHEMA, "s", "a", "m", "w", 64, "float32")


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def root(tmp_path):
    """Where the archive of the fixture `engines` lies."""
    MANIFEST.write(tmp_path / "archive" / "manifest.json")
    return ArchiveDirectory(tmp_path / "archive")


@pytest.fixture
def checked(engines, clock):
    return Searcher(engines, RankingOptions(floor=0.2), seconds=clock, aside=True)


def statuses(readiness):
    return {part.name: part.status for part in readiness.parts}


def details(readiness):
    return {part.name: part.detail for part in readiness.parts if part.detail}


def settled(searcher, directory=None):
    """The readiness once the first probe is done."""
    found = searcher.readiness(directory)
    while LOADING in statuses(found).values():
        found = searcher.readiness(directory)
    return found


def test_a_sound_archive_is_whole(engines, root):
    found = settled(Searcher(engines, RankingOptions(floor=0.2)), root)
    assert statuses(found) == dict.fromkeys(("record", "words", "vectors", "model"), OK)
    assert (found.is_whole, found.failure, found.behind) == (True, None, 0)
    assert found.generation == engines.catalog.generation()
    assert found.coverage == 1
    assert found.disk.free_bytes > 0
    assert found.disk.writable


def test_what_was_never_embedded_is_absent_and_its_model_is_not_loaded(tmp_path, monkeypatch):
    engines = engines_in(tmp_path / "archive", in_memory=True)
    monkeypatch.setattr(engines.embedder, "embed_query", lambda _: pytest.fail("it was loaded"))
    from backfile.archive.formats.fields import FieldMap
    from backfile.archive.formats.inputs import Reading

    indexer_of(engines).index(Reading([write_stories(tmp_path)], FieldMap()))
    found = settled(Searcher(engines, RankingOptions()))
    assert statuses(found) == {"record": OK, "words": OK, "vectors": ABSENT, "model": ABSENT}
    assert found.is_whole
    engines.catalog.close()


def test_a_model_that_cannot_be_loaded_fails_alone_and_may_come_back(engines, clock, monkeypatch):
    def fails(_):
        raise EngineUnavailable("the model m", "its file is gone; install it again")

    checked = Searcher(engines, RankingOptions(floor=0.2), seconds=clock)
    with monkeypatch.context() as patch:
        patch.setattr(type(engines.embedder), "embed_query", lambda _, text: fails(text))
        found = settled(checked)
    assert statuses(found) == {"record": OK, "words": OK, "vectors": OK, "model": FAILED}
    assert details(found)["model"].endswith("its file is gone; install it again")
    assert (found.is_whole, found.failure) == (False, None)
    assert statuses(checked.readiness())["model"] is FAILED  # it is not tried each time
    clock.now += SECONDS_BETWEEN_PROBES
    assert settled(checked).is_whole


def test_a_model_that_fails_in_an_unforeseen_way_has_failed_too(engines, monkeypatch):
    def fails(*_):
        raise RuntimeError("could not create a primitive")

    monkeypatch.setattr(type(engines.embedder), "embed_query", fails)
    found = settled(Searcher(engines, RankingOptions(floor=0.2)))
    assert details(found) == {"model": "RuntimeError: could not create a primitive"}


def test_while_the_model_loads_nobody_waits_for_it(engines, monkeypatch):
    loaded, embed = threading.Event(), type(engines.embedder).embed_query
    waiting = threading.Event()

    def slow(self, text):
        waiting.set()
        loaded.wait(10)
        return embed(self, text)

    monkeypatch.setattr(type(engines.embedder), "embed_query", slow)
    checked = Searcher(engines, RankingOptions(floor=0.2))
    for _ in range(3):
        found = checked.readiness()
        assert statuses(found)["model"] is LOADING
        assert (found.failure, found.is_whole) == (None, False)
    assert waiting.is_set()
    loaded.set()
    assert settled(checked).is_whole
    assert PATIENCE <= 0.1


def test_a_file_of_vectors_that_is_cut_is_named_with_what_mends_it(tmp_path):
    engines = engines_in(tmp_path / "archive", in_memory=False)
    fill(engines, write_stories(tmp_path))
    engines.catalog.close()
    damage(tmp_path / "archive" / "vectors", "cut")
    engines = engines_in(tmp_path / "archive", in_memory=False)
    found = settled(Searcher(engines, RankingOptions(floor=0.2)))
    assert statuses(found)["vectors"] is FAILED
    assert details(found)["vectors"].endswith("`backfile verify --repair` mends it")
    assert found.failure is None
    engines.catalog.close()


@pytest.mark.parametrize("end", ["moved", "deleted", "damaged", "without manifest"])
def test_an_archive_that_ends_while_it_is_served_is_noticed_at_once(engines, checked, root, end):
    assert settled(checked, root).is_whole
    match end:
        case "moved":
            root.root.rename(root.root.with_name("elsewhere"))
        case "deleted":
            shutil.rmtree(root.root)
        case "damaged":  # in place, so that it is the same file
            root.catalog.write_bytes(b"not a database" * 1000)
        case "without manifest":
            root.manifest.unlink()
    found = checked.readiness(root)
    assert found.failure.name == "record"
    assert ("was moved, replaced" in found.failure.detail) == (end in ("moved", "deleted"))
    assert ("backfile restore" in found.failure.detail) == (end == "damaged")
    assert ("no archive at" in found.failure.detail) == (end == "without manifest")


def test_a_change_that_cannot_be_opened_is_a_failure_although_searches_go_on(
    engines, checked, clock, root, monkeypatch, tmp_path
):
    assert settled(checked, root).is_whole
    before = checked.table().generation

    def damaged(*_):
        raise EngineUnavailable("the catalogue", "it is damaged")

    fill(engines, write_stories(tmp_path, [{"id": "gale", "title": "Gale", "text": "A gale."}]))
    with monkeypatch.context() as patch:
        patch.setattr("backfile.index.search.snapshot.latest", damaged)
        clock.now += 2
        while (found := checked.readiness(root)).failure is None:
            assert found.behind > 0
    assert found.failure.detail == "the catalogue is unavailable: it is damaged"
    assert checked.table().generation == before
    clock.now += 2
    while checked.readiness(root).failure:
        clock.now += 2
    now = checked.readiness(root)
    assert now.generation > before
    assert now.behind == 0


def test_the_age_of_a_generation_is_since_it_was_switched_to(engines, clock, tmp_path):
    searcher = Searcher(engines, RankingOptions(floor=0.2), seconds=clock)
    searcher.table()
    clock.now += 30
    assert searcher.readiness().age == searcher.generation_age == 30
    fill(engines, write_stories(tmp_path, [{"id": "gale", "title": "Gale", "text": "A gale."}]))
    clock.now += 2
    searcher.table()
    assert searcher.generation_age == 0


def test_words_that_cannot_be_searched_are_a_failure(engines, monkeypatch):
    checked = Searcher(engines, RankingOptions(floor=0.2))
    snapshot = checked._snapshots.current(with_vectors=True)

    def damaged(*_, **__):
        raise EngineUnavailable("Whoosh", "a list is damaged; mend it")

    monkeypatch.setattr(type(snapshot.lexical), "match", damaged)
    found = settled(checked)
    assert (found.failure.name, found.failure.detail) == (
        "words",
        "Whoosh is unavailable: a list is damaged; mend it",
    )


def test_a_searcher_without_references_closes_its_snapshot_at_once(engines):
    """Chroma's copy of a part lasts as long as the snapshot; a circle would keep both."""
    searcher = Searcher(engines, RankingOptions(floor=0.2))
    assert settled(searcher).is_whole
    kept = weakref.ref(searcher._snapshots.current(with_vectors=True).table)
    gc.disable()
    try:
        del searcher
        assert kept() is None
    finally:
        gc.enable()


def test_a_file_system_that_takes_no_writes_is_told_and_no_failure(engines, root, monkeypatch):
    monkeypatch.setattr("backfile.index.search.readiness.is_writable", lambda _: False)
    found = settled(Searcher(engines, RankingOptions(floor=0.2)), root)
    assert found.disk.writable is False
    assert found.is_whole


def test_a_directory_without_an_archive_is_no_archive(engines, tmp_path):
    searcher = Searcher(engines, RankingOptions(floor=0.2))
    elsewhere = ArchiveDirectory(tmp_path / "elsewhere")
    assert searcher.readiness(elsewhere).failure.detail == ArchiveMissing(elsewhere.root).message
