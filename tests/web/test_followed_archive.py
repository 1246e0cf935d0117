"""A server goes over to the archive that has taken the place of its own, without an error."""

import json
import shutil
import threading
import time
from contextlib import contextmanager
from dataclasses import replace

import pytest

from backfile.archive.model.errors import EngineUnavailable
from backfile.archive.model.settings import DEFAULT_MODEL, Settings
from backfile.archive.store.directory import ArchiveDirectory
from backfile.archive.store.manifest import Manifest
from backfile.index.followed_archive import FollowedArchive
from backfile.index.model.query import Query
from backfile.index.reembedding import reembed
from backfile.index.vector.embedding.model import find_model
from backfile.index.wiring import settings_now
from backfile.library import Archive
from backfile.web.app import create_app
from backfile.web.metrics import SearchMetrics
from tests.builders import STORIES, backfile, invented_text, paper_model, silent, write_records

PATHS = ("/", "/?q=ferry", "/api/search?q=bridge", "/article/ferry", "/api/articles/bridge")
SOON = 30.0  # seconds


@pytest.fixture
def archive(indexed_by_words, tmp_path):
    return shutil.copytree(indexed_by_words, tmp_path / "archive")


@pytest.fixture
def paper(tmp_path):
    return paper_model(tmp_path / "paper")


@contextmanager
def served(archive):
    """An archive as a server has it open, and clients of it."""
    settings = Settings(archive=archive, threads=1, names=False)
    followed = FollowedArchive(settings, SearchMetrics(), warm)
    directory = ArchiveDirectory(archive)
    app = create_app(followed.searcher, followed.reader, directory=directory)
    try:
        yield followed, app.test_client
    finally:
        followed.close()


def warm(opened):
    opened.engines.neighbours.warm()
    opened.searcher.search(Query("news"))


@contextmanager
def asked_all_the_time(client, paths):
    """Ask from several threads; the statuses that were not 200, by path."""
    over, wrong, count = threading.Event(), [], []

    def ask():
        mine = client()
        while not over.is_set():
            for path in paths:
                answer = mine.get(path)
                count.append(path)
                if answer.status_code != 200:
                    wrong.append((path, answer.status_code, answer.text))

    threads = [threading.Thread(target=ask) for _ in range(8)]  # more than connections are kept
    for each in threads:
        each.start()
    try:
        yield wrong
    finally:
        over.set()
        for each in threads:
            each.join()
    assert len(count) > len(paths)


def is_gone_over(followed):
    followed.searcher.overview()  # as a server does from time to time
    return followed.ask(lambda now: now.engines.catalog.is_in_place())


def until(condition):
    end = time.monotonic() + SOON
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_a_server_goes_over_to_the_new_archive_without_an_error(archive, paper):
    with served(archive) as (followed, client):
        before = client().get("/api/search?q=ferry").json
        with asked_all_the_time(client, (*PATHS, "/readyz")) as wrong:
            assert reembed(
                Settings(archive=archive, model=paper, threads=1, names=False), silent
            ).is_new
            until(lambda: is_gone_over(followed))
        assert wrong == []
        after = client().get("/api/search?q=ferry").json
        assert [each["article"] for each in after["hits"]] == [
            each["article"] for each in before["hits"]
        ]
        assert followed.ask(lambda now: now.engines.embedder.name) == paper


def test_jobs_are_known_by_the_new_catalogue(archive, paper):
    with served(archive) as (followed, _):
        inbox = followed.inbox
        reembed(Settings(archive=archive, model=paper, threads=1, names=False), silent)
        until(lambda: is_gone_over(followed))
        now = followed.ask(lambda opened: opened.engines.catalog.inbox)
        assert followed.inbox is inbox
        assert inbox._database is now._database


def test_what_cannot_be_opened_leaves_searches_in_the_earlier_archive(archive, paper):
    with served(archive) as (followed, client):
        assert client().get("/api/search?q=ferry").status_code == 200
        reembed(Settings(archive=archive, model=paper, threads=1, names=False), silent)
        manifest = Manifest.read(archive / "manifest.json")
        replace(manifest, schema=99).write(archive / "manifest.json")
        found = followed.searcher.search(Query("ferry"))
        assert found.hits
        assert client().get("/readyz").status_code == 503


def test_an_archive_that_is_gone_is_no_new_one(archive):
    with served(archive) as (followed, client):
        assert client().get("/readyz").status_code == 200
        archive.rename(archive.with_name("elsewhere"))
        assert client().get("/readyz").status_code == 503
        with pytest.raises(EngineUnavailable):
            followed.ask(lambda now: now.engines.catalog.require_in_place())


def test_a_program_goes_over_to_the_new_archive(archive, paper):
    with Archive(Settings(archive=archive, threads=1, names=False)) as opened:
        expected = [hit.article.id for hit in opened.search("ferry", mode="keyword").hits]
        reembed(Settings(archive=archive, model=paper, threads=1, names=False), silent)
        assert opened.status().model == paper
        assert [hit.article.id for hit in opened.search("ferry", mode="keyword").hits] == expected
        assert opened.remove("bridge") == 1


def test_the_command_says_what_to_do_next(archive, paper):
    found = backfile("reembed", "--archive", archive, "--model", paper)
    assert found.exit_code == 0, found.output
    assert found.stdout == f"7 articles in {archive} have the model {paper} now\n"
    assert "`backfile index` does that" in found.stderr
    assert f"BACKFILE_MODEL={paper}" in found.stderr
    again = backfile("reembed", "--archive", archive, BACKFILE_MODEL=paper)
    assert (again.exit_code, again.output) == (0, f"{archive} has the model {paper}\n")
    sound = backfile("verify", "--archive", archive, BACKFILE_MODEL=paper)
    assert sound.output == "the archive is sound\n"


@pytest.mark.model
def test_searches_by_meaning_go_over_too(tmp_path):
    archive, other = tmp_path / "archive", tmp_path / "other"
    model = shutil.copytree(find_model(DEFAULT_MODEL), tmp_path / "model")
    (model / "sentence_bert_config.json").write_text(json.dumps({"max_seq_length": 48}))
    long = {"id": "long", "title": "A long tide", "text": invented_text("long", 300)}
    news = write_records(tmp_path / "news.jsonl", [*STORIES, long])
    assert backfile("index", news, "--archive", archive).exit_code == 0
    made = backfile("index", news, "--archive", other, BACKFILE_MODEL=str(model))
    assert made.exit_code == 0, made.output
    query = "/api/search?q=a+boat+at+night&mode=semantic"
    with served(archive) as (followed, client):
        with asked_all_the_time(client, (*PATHS, query)) as wrong:
            found = backfile("reembed", "--archive", archive, "--model", model)
            assert found.exit_code == 0, found.output
            until(lambda: is_gone_over(followed))
        assert wrong == []
        after = client().get(query).json
        assert settings_now(Settings(archive=archive)).model == str(model)
    with Archive(settings_now(Settings(archive=other))) as expected:
        hits = expected.search("a boat at night", mode="semantic").hits
        scores = [(hit.article.id, round(hit.score, 3)) for hit in hits]
    found = [(hit["article"]["id"], round(hit["score"], 3)) for hit in after["hits"]]
    assert found == scores
