"""An archive that gets another model is one that was made with it, whatever came in before."""

import os
import shutil
import sqlite3
from contextlib import closing, contextmanager
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backfile.archive.formats.fields import FieldMap
from backfile.archive.formats.inputs import Reading
from backfile.archive.model.errors import (
    ArchiveBusy,
    ArchiveMismatch,
    ArchiveMissing,
    ArchiveUnwritable,
    BackupRefused,
    EngineUnavailable,
    RecordLost,
)
from backfile.archive.model.settings import Settings
from backfile.archive.store.backup import back_up
from backfile.archive.store.catalog import Catalog
from backfile.archive.store.directory import ArchiveDirectory
from backfile.archive.store.draft import UNFINISHED
from backfile.archive.store.jobs import JobKind
from backfile.archive.store.manifest import Manifest, Tuning
from backfile.archive.store.reembedding import draft_beside
from backfile.archive.store.restore import restore
from backfile.archive.workers import Workers
from backfile.index import reembedding
from backfile.index.indexing.jobs import do_all
from backfile.index.indexing.stages import Stage
from backfile.index.indexing.verify import verify
from backfile.index.model.filters import Filters
from backfile.index.model.query import Mode, Query
from backfile.index.reembedding import reembed
from backfile.index.wiring import caches_of, open_engines, searcher_over, settings_now
from backfile.index.writing import open_for_writing
from tests.builders import STORIES, invented_text, paper_model, silent, write_records
from tests.fakes import HashedWords

DIMENSIONS = {"earlier": 64, "later": 32}
QUERIES = ("ferry", "swing bridge", "lighthouse keeper", '"night ferry"', "rain")
LONG = {  # cut otherwise by the model with the smaller window
    "id": "long",
    "title": "A long tide",
    "published": "2024-02-02",
    "language": "en",
    "text": invented_text("long", 400) + "\n\nThe ferry waited in the rain.",
}


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """Two models that differ in their windows and dimensions, by name."""
    folder = tmp_path_factory.mktemp("models")
    return {
        name: paper_model(folder / name, dimension=dimension, window=2 * dimension)
        for name, dimension in DIMENSIONS.items()
    }


class Newsroom:
    """An archive of one model; fakes embed."""

    def __init__(self, folder, models, model="earlier"):
        self.folder = folder
        self.models = models
        folder.mkdir(exist_ok=True)
        self.settings = Settings(
            archive=folder / "archive", model=models[model], threads=1, names=False
        )
        self.directory = ArchiveDirectory(self.settings.archive)
        self.draft = draft_beside(self.directory)

    def embedder(self, settings):
        dimension = next(d for name, d in DIMENSIONS.items() if settings.model == self.models[name])
        return HashedWords(dimension)

    @contextmanager
    def writing(self):
        now = settings_now(self.settings) if self.directory.exists() else self.settings
        with open_for_writing(
            now, silent, create=True, embedder=self.embedder(now), aside=Workers(0)
        ) as opened:
            yield opened

    def index(self, *records, vectors=True):
        source = write_records(self.folder.parent / "news.jsonl", records)
        with self.writing() as opened:
            originals = opened.engines.catalog.originals
            reading = Reading([source], FieldMap(), originals=originals)
            (opened.indexer.run if vectors else opened.indexer.index)(reading)

    def remove(self, *ids):
        with self.writing() as opened:
            opened.indexer.remove(ids)

    def collect(self, *ids):
        self.collections.add("Tides", [(each, each) for each in ids])

    @property
    def collections(self):
        with closing(Catalog(self.directory.catalog)) as catalog:
            return catalog.collections

    def reembed(self, model="later", progress=silent, **options):
        asked = Settings(
            archive=self.settings.archive, model=self.models[model], threads=1, names=False
        )
        options = {"embedder_of": self.embedder} | options
        return reembed(asked, progress, **options)

    @contextmanager
    def opened(self):
        now = settings_now(self.settings)
        engines = open_engines(now, embedder=self.embedder(now))
        with closing(engines.catalog):
            yield engines, searcher_over(engines, now)

    def seen(self, *, calibrated=True):
        """All that a reader can tell of the archive, but for instants and numbers of rows.

        An archive is calibrated again only when it has grown by a fifth; where that would make a
        difference, the usual scale holds.
        """
        if not calibrated:
            self.directory.noise.unlink(missing_ok=True)
        with self.opened() as (engines, searcher):
            assert [str(problem) for problem in verify(engines)] == []
            catalog, found = engines.catalog, {}
            found["counts"] = catalog.counts()
            found["passages"] = sorted(
                (each.article.id, each.passage.n, each.passage.text, each.passage.heading)
                for each in catalog.stored(catalog.rows_after(0).tolist())
            )
            ids = sorted({each for each, *_ in found["passages"]})
            found["articles"] = [catalog.article(each) for each in ids]
            found["earlier"] = [
                [(each.article.text, each.article.title) for each in catalog.history.of(i)]
                for i in ids
            ]
            found["copies"] = [catalog.clusters.copies_of(each) for each in ids]
            found["numbers"] = catalog.numbers_of(ids)
            found["removed"] = sorted(catalog.history.all_removed())
            found["runs"] = [each.counts for each in catalog.runs.latest(9)]
            found["originals"] = sorted(file.digest for file, _ in catalog.originals)
            found["collected"] = [
                (each.name, [e.article_id for e in catalog.collections.entries(each.name, 99)])
                for each in catalog.collections.listed(99)
            ]
            for mode in Mode:
                for text in QUERIES:
                    results = searcher.search(Query(text, mode=mode, limit=50))
                    ranking = [(each.article.id, round(each.score, 3)) for each in results.hits]
                    found[f"{mode} {text}"] = results.totals, ranking
            return found


@pytest.fixture
def newsroom(tmp_path, models):
    return Newsroom(tmp_path / "newsroom", models)


@pytest.fixture
def other(tmp_path, models):
    """An archive that is made with the later model."""
    return Newsroom(tmp_path / "other", models, "later")


def test_an_archive_answers_as_one_that_was_made_with_the_model(newsroom, other):
    for each in (newsroom, other):
        each.index(*STORIES, LONG)
    before = newsroom.seen()
    done = newsroom.reembed()
    assert (done.is_new, done.replaced, done.is_tuned) == (True, None, False)
    assert done.manifest == Manifest.read(newsroom.directory.manifest)
    assert (done.manifest.model, done.manifest.dimension) == (newsroom.models["later"], 32)
    after = newsroom.seen()
    assert after == other.seen()
    assert after["passages"] != before["passages"]
    assert after["articles"] == before["articles"]
    assert after["counts"].embedded == after["counts"].passages
    assert not newsroom.draft.root.exists()
    assert [path.name for path in newsroom.folder.iterdir() if path.is_dir()] == ["archive"]


def test_the_same_model_at_another_place_opens_the_archive_and_embeds_nothing_anew(
    newsroom, models, tmp_path
):
    newsroom.index(*STORIES)
    before = Manifest.read(newsroom.directory.manifest)
    moved = str(shutil.copytree(models["earlier"], tmp_path / "moved"))
    elsewhere = replace(newsroom.settings, model=moved)
    assert settings_now(elsewhere).model == moved
    with closing(open_engines(elsewhere, embedder=newsroom.embedder(newsroom.settings)).catalog):
        pass
    done = reembed(elsewhere, silent)
    assert (done.is_new, done.manifest) == (False, before)
    newsroom.reembed()
    assert settings_now(elsewhere).model == models["later"]
    with pytest.raises(ArchiveMismatch, match="or give it another model with `backfile reembed`"):
        open_engines(elsewhere)


KINDS = ("new", "corrected", "removed", "collected", "copied")
CHANGES = st.lists(st.tuples(st.sampled_from(KINDS), st.integers(0, 4)), min_size=1, max_size=3)


@settings(max_examples=4)
@given(CHANGES, CHANGES)
def test_so_it_does_after_any_history_and_goes_on_like_it(tmp_path_factory, models, first, later):
    folder = tmp_path_factory.mktemp("law")
    newsroom = Newsroom(folder / "newsroom", models)
    other = Newsroom(folder / "other", models, "later")
    for each in (newsroom, other):
        each.index(STORIES[0], STORIES[1])
        change(each, first)
    newsroom.reembed()
    assert newsroom.seen(calibrated=False) == other.seen(calibrated=False)
    for each in (newsroom, other):
        change(each, later)
    assert newsroom.seen(calibrated=False) == other.seen(calibrated=False)


def change(newsroom, changes):
    for what, n in changes:
        record = {"id": f"tide-{n}", "title": f"Tide {n}", "published": f"2024-05-1{n}"}
        text = f"The ferry and the bridge in the rain, part {n}. {invented_text(n, 80)}"
        if what == "new":
            newsroom.index(record | {"text": text})
        elif what == "corrected":
            newsroom.index(record | {"text": f"{text} It was corrected."})
        elif what == "copied":
            newsroom.index(record | {"id": f"copy-{n}", "text": f"{text} So it was said."})
        elif what == "removed":
            newsroom.remove(f"tide-{n}")
        else:
            newsroom.collect(f"tide-{n}")


def test_it_keeps_weights_feeds_what_was_set_aside_and_the_names_of_articles(newsroom):
    newsroom.index(*STORIES)
    directory = newsroom.directory
    Tuning(0.4, 0.1).write(directory.ranking)
    directory.followed.write_text("{}")
    aside = directory.new_set_aside()
    (aside / "lines.jsonl").write_text("{}")
    with closing(sqlite3.connect(directory.catalog)) as catalog, catalog:
        catalog.execute(
            "INSERT INTO names SELECT number, 'a model', '[\"Ana Ruiz\"]', '[]', '[]' FROM articles"
        )
    done = newsroom.reembed()
    assert done.is_tuned
    assert done.replaced is None
    assert Tuning.read(directory.ranking) == Tuning(0.4, 0.1)
    assert directory.followed.read_text() == "{}"
    assert (aside / "lines.jsonl").read_text() == "{}"
    with newsroom.opened() as (engines, searcher):
        named = engines.catalog.names.table()
        assert [each.people for _, each in named] == [("Ana Ruiz",)] * len(STORIES)
        assert searcher.search(Query("", filters=Filters(person=("Ana Ruiz",)))).total == len(
            STORIES
        )


def test_what_is_no_part_of_an_archive_is_kept_aside(newsroom):
    newsroom.index(*STORIES)
    (newsroom.directory.root / "notes.txt").write_text("mine")
    done = newsroom.reembed()
    assert [path.name for path in done.replaced.iterdir()] == ["notes.txt"]


def test_an_archive_by_words_alone_stays_one_and_needs_no_model(newsroom, other):
    newsroom.index(*STORIES, LONG, vectors=False)
    other.index(*STORIES, LONG, vectors=False)
    done = newsroom.reembed(embedder_of=None)
    assert done.counts.embedded == 0
    assert newsroom.seen() == other.seen()
    for each in (newsroom, other):
        each.index(*STORIES)
    assert newsroom.seen()["counts"] == other.seen()["counts"]
    assert newsroom.seen()["counts"].embedded


def test_the_same_model_again_changes_nothing(newsroom):
    newsroom.index(*STORIES)
    before = newsroom.directory.catalog.stat().st_ino
    done = newsroom.reembed("earlier")
    assert (done.is_new, done.replaced) == (False, None)
    assert newsroom.directory.catalog.stat().st_ino == before


def test_the_archive_that_is_kept_is_one_by_itself(newsroom):
    newsroom.index(*STORIES)
    newsroom.collect("ferry")
    before = newsroom.seen()
    done = newsroom.reembed(keep=True)
    kept = Newsroom(newsroom.folder, newsroom.models)
    kept.settings = Settings(
        archive=done.replaced, model=newsroom.models["earlier"], threads=1, names=False
    )
    kept.directory = ArchiveDirectory(done.replaced)
    assert kept.seen() == before
    newsroom.collect("bridge")
    assert kept.seen() == before
    with kept.directory.writing(), newsroom.directory.writing():
        pass


def test_nobody_writes_meanwhile_and_searches_go_on(newsroom):
    newsroom.index(*STORIES)
    told = []
    with newsroom.opened() as (_, searcher):
        expected = searcher.search(Query("ferry")).hits[0].article.id

        def look(stage, *_):
            told.append(stage)
            with pytest.raises(ArchiveBusy), newsroom.directory.writing():
                pass
            searcher.look_again()
            assert searcher.search(Query("ferry")).hits[0].article.id == expected

        newsroom.reembed(progress=look)
    assert {Stage.CUTTING, Stage.WORDS, Stage.MEANING} <= set(told)


# What comes in without the writer's lock.


def test_who_has_the_collections_open_goes_on_in_the_new_archive(newsroom):
    newsroom.index(*STORIES)
    newsroom.collect("ferry")
    opened = newsroom.collections
    with opened._file.reading() as reading:  # a page is made at that moment
        newsroom.reembed()
        assert reading.execute("SELECT count(*) FROM entries").fetchone() == (1,)
    opened.add("Tides", [("bridge", "Bridge")])
    (found,) = newsroom.collections.listed(9)
    assert found.articles == 2
    assert newsroom.collections.problems() == []


def test_what_is_received_at_that_moment_is_done_in_the_new_archive(newsroom):
    newsroom.index(*STORIES)
    with closing(Catalog(newsroom.directory.catalog)) as catalog:
        inbox = catalog.inbox
        with inbox.receiving(JobKind.POST) as first:
            first.write(b'{"id": "one", "title": "One", "text": "The first tide."}\n')
            first.accept()
        with inbox.receiving(JobKind.POST) as second:
            second.write(b'{"id": "two", "title": "Two", "text": "The second tide."}\n')
            newsroom.reembed()
            assert second.accept().number == 2
        with newsroom.writing() as opened:
            inbox.follow(opened.engines.catalog.inbox)
            do_all(opened.engines.catalog, opened.indexer)
            assert [inbox.state(n).status.value for n in (1, 2)] == ["done", "done"]
            assert {"one", "two"} <= opened.engines.catalog.articles_of(["one", "two"]).keys()
        assert inbox.waiting() == []


def test_a_backup_is_never_of_two_archives(newsroom, tmp_path):
    newsroom.index(*STORIES)
    place, caches = tmp_path / "backup", caches_of(newsroom.directory)
    pieces = []

    def replace_it(n_bytes):
        pieces.append(n_bytes)
        if len(pieces) == 3:
            newsroom.reembed()

    with pytest.raises(BackupRefused, match="was replaced while it was copied; run this again"):
        back_up(newsroom.directory, place, caches, replace_it)
    assert not place.exists()
    back_up(newsroom.directory, place, caches)
    expected = newsroom.seen()
    restore(place, newsroom.directory)
    assert newsroom.seen() == expected


# Interrupted.


class Interrupted(Exception):
    """Stands for a kill: nothing that follows is done."""


def stopping_at(stage, nth=1):
    seen = []

    def progress(found, *_):
        seen.append(found)
        if seen.count(stage) == nth:
            raise Interrupted

    return progress


class CountingWords(HashedWords):
    """Notes how many texts were embedded."""

    embedded = 0

    def embed_passages(self, texts):
        CountingWords.embedded += len(texts)
        return super().embed_passages(texts)


def counting(_):
    return CountingWords(32)


@pytest.mark.parametrize("stage", [Stage.CUTTING, Stage.WORDS, Stage.MEANING, Stage.SEALING])
def test_an_interrupted_run_leaves_the_archive_and_is_finished_by_the_next(newsroom, other, stage):
    for each in (newsroom, other):
        each.index(*STORIES, LONG)
    before = newsroom.seen()
    with pytest.raises(Interrupted):
        newsroom.reembed(progress=stopping_at(stage))
    assert newsroom.seen() == before
    assert (newsroom.draft.root / UNFINISHED).exists()
    CountingWords.embedded = 0
    newsroom.reembed(embedder_of=counting)
    assert newsroom.seen() == other.seen()
    kept = stage in (Stage.MEANING, Stage.SEALING)
    assert (CountingWords.embedded == 1) is kept  # the word that shows that the model works


def test_what_changed_in_between_is_in_the_new_archive_and_the_rest_is_not_embedded_again(
    newsroom, other
):
    corrected = {**STORIES[0], "text": STORIES[0]["text"] + " It was corrected."}
    for each in (newsroom, other):
        each.index(*STORIES, LONG)
    with pytest.raises(Interrupted):
        newsroom.reembed(progress=stopping_at(Stage.SEALING))
    for each in (newsroom, other):
        each.index(corrected, {"id": "late", "title": "Late", "text": "A late ferry in the rain."})
        each.remove("bridge")
    CountingWords.embedded = 0
    newsroom.reembed(embedder_of=counting)
    assert newsroom.seen(calibrated=False) == other.seen(calibrated=False)
    assert 1 < CountingWords.embedded <= 4


def test_a_draft_for_another_model_is_begun_again(newsroom, other, models):
    for each in (newsroom, other):
        each.index(*STORIES, LONG)
    with pytest.raises(Interrupted):
        newsroom.reembed(progress=stopping_at(Stage.SEALING))
    third = paper_model(newsroom.folder / "third", dimension=16, window=48)
    asked = Settings(archive=newsroom.settings.archive, model=third, threads=1, names=False)
    with pytest.raises(Interrupted):
        reembed(asked, stopping_at(Stage.SEALING), embedder_of=lambda _: HashedWords(16))
    newsroom.reembed()
    assert newsroom.seen() == other.seen()


@pytest.mark.parametrize("keep", [False, True])
def test_a_kill_after_the_exchange_is_finished_by_the_next(newsroom, other, monkeypatch, keep):
    for each in (newsroom, other):
        each.index(*STORIES)
    switch = reembedding.exchange.__globals__["switch"]

    def switch_and_die(*places):
        switch(*places)
        raise Interrupted

    monkeypatch.setitem(reembedding.exchange.__globals__, "switch", switch_and_die)
    with pytest.raises(Interrupted):
        newsroom.reembed(keep=keep)
    assert newsroom.seen() == other.seen()
    monkeypatch.undo()
    done = newsroom.reembed(keep=keep)
    assert not done.is_new
    assert (done.replaced is not None) is keep
    assert not newsroom.draft.root.exists()
    assert newsroom.seen() == other.seen()


# What cannot be.


def test_a_model_that_is_not_there_or_does_not_work_changes_nothing(newsroom, models):
    newsroom.index(*STORIES)
    before = newsroom.seen()
    asked = Settings(
        archive=newsroom.settings.archive, model="./nowhere/at/all", threads=1, names=False
    )
    with pytest.raises(EngineUnavailable, match="nowhere/at/all"):
        reembed(asked, silent)
    assert not newsroom.draft.root.exists()
    with pytest.raises(EngineUnavailable, match="32"):
        newsroom.reembed(embedder_of=lambda _: HashedWords(7))
    assert newsroom.seen() == before


def test_an_archive_that_is_none_or_written_to_or_lost_is_refused(newsroom, tmp_path):
    with pytest.raises(ArchiveMissing):
        newsroom.reembed()
    newsroom.index(*STORIES)
    with newsroom.directory.writing(), pytest.raises(ArchiveBusy):
        newsroom.reembed()
    newsroom.directory.backup_list.write_text("{}")
    with pytest.raises(ArchiveUnwritable, match="backup"):
        newsroom.reembed()
    newsroom.directory.backup_list.unlink()
    os.truncate(newsroom.directory.catalog, 0)
    with pytest.raises(RecordLost):
        newsroom.reembed()


def test_a_catalogue_of_a_later_release_is_refused(newsroom):
    newsroom.index(*STORIES)
    with closing(sqlite3.connect(newsroom.directory.catalog)) as catalog:
        catalog.execute("PRAGMA user_version = 999")
    with pytest.raises(ArchiveMismatch):
        newsroom.reembed()


def test_who_opened_the_catalogue_never_reads_another_one(newsroom):
    newsroom.index(*STORIES)
    with newsroom.opened() as (engines, _):
        newsroom.reembed()
        engines.catalog.close()  # its connections
        with pytest.raises(EngineUnavailable, match="was moved, replaced or deleted"):
            engines.catalog.counts()
