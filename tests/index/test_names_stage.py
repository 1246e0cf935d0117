"""Names are read after words and meaning, once, and again where an article or a model is new."""

import json
import sqlite3
from contextlib import closing
from dataclasses import replace

import pytest

from backfile.archive.formats.fields import FieldMap
from backfile.archive.formats.inputs import Reading
from backfile.archive.model.errors import EngineUnavailable
from backfile.archive.model.settings import Settings
from backfile.archive.workers import Workers
from backfile.index.indexing import names_stage
from backfile.index.indexing.indexer import SIZES
from backfile.index.indexing.stages import Stage
from backfile.index.indexing.status import NamesStatus, names_status
from backfile.index.indexing.verify import repair, verify
from backfile.index.wiring import open_engines
from tests.builders import engines_in, indexer_of, started, write_stories
from tests.fakes import CapitalisedNames

NEWS = [
    {"id": "vote", "source": "Courier", "title": "The vote", "language": "en",
     "published": "2024-03-02",
     "text": "Marian Holt won in Wexmoor. So said Ana Ruiz of the BBC, who met Marian Holt."},
    {"id": "old", "published": "2020-01-01", "language": "en", "text": "Gil Pomfret sailed."},
    {"id": "hafen", "published": "2024-03-03", "language": "de", "text": "Anna Blume kam."},
]  # fmt: skip
READ = (("Marian Holt", "Ana Ruiz"), ("BBC",), ("Wexmoor",))


@pytest.fixture
def reader():
    return CapitalisedNames()


@pytest.fixture
def engines(tmp_path, reader):
    engines = engines_in(tmp_path / "archive", in_memory=True, names=reader)
    yield engines
    engines.catalog.close()


def run(engines, folder, news=NEWS, **options):
    indexer = indexer_of(engines, **options)
    indexer.run(Reading([write_stories(folder, news)], FieldMap()))
    return indexer


def names_in(engines, article_id="vote"):
    return engines.catalog.stored_article(article_id).names


def test_a_run_reads_the_articles_in_languages_that_have_a_model_newest_first(
    engines, reader, tmp_path
):
    run(engines, tmp_path)
    assert names_in(engines) == READ
    assert [texts[0][:6] for texts in reader.read] == ["Marian", "Gil Po"]
    assert names_in(engines, "hafen") == ((), (), ())
    assert names_status(engines) == NamesStatus(2, 2, {"en": "capitals 1"})


def test_a_second_run_reads_only_what_is_new_or_changed(engines, reader, tmp_path):
    run(engines, tmp_path)
    reader.read.clear()
    run(engines, tmp_path)
    assert reader.read == []
    changed = [NEWS[0] | {"text": "Li Wei lost in Ostley."}, *NEWS[1:]]
    run(engines, tmp_path, [*changed, NEWS[1] | {"id": "new"}])
    assert len(reader.read) == 2
    assert names_in(engines) == (("Li Wei",), (), ("Ostley",))


def test_without_a_reader_or_a_model_nothing_is_done_or_changed(engines, tmp_path):
    generation = None
    for names in (None, CapitalisedNames(languages=())):
        bare = replace(engines, names=names)
        run(bare, tmp_path)
        assert bare.catalog.names.table() == []
        assert names_status(bare) == NamesStatus(0, 0, {})
        assert generation in (None, bare.catalog.generation())
        generation = bare.catalog.generation()


def test_words_alone_are_indexed_without_names(engines, tmp_path):
    indexer_of(engines).index(Reading([write_stories(tmp_path, NEWS)], FieldMap()))
    assert names_status(engines) == NamesStatus(0, 2, {"en": "capitals 1"})
    indexer_of(engines).read_names()
    assert names_in(engines) == READ


def test_what_another_model_read_is_read_again_only_if_that_is_asked_for(engines, reader, tmp_path):
    run(engines, tmp_path)
    reader.read.clear()
    reader.version = "2"
    indexer = run(engines, tmp_path)
    assert reader.read == []
    indexer.read_names(again=True)
    assert len(reader.read) == 2
    indexer.read_names(again=True)
    assert len(reader.read) == 2


def test_other_rules_count_as_another_model(engines, reader, tmp_path, monkeypatch):
    indexer = run(engines, tmp_path)
    monkeypatch.setattr(names_stage, "RULES", 99)
    indexer.read_names(again=True)
    assert len(reader.read) == 4


def test_an_article_that_is_replaced_while_it_is_read_keeps_no_names(engines, reader, tmp_path):
    indexer = indexer_of(engines)
    indexer.index(Reading([write_stories(tmp_path, NEWS)], FieldMap()))
    read = reader.mentions

    def replaced_meanwhile(language, articles):
        reader.mentions = read
        changed = [NEWS[0] | {"text": "Li Wei lost."}]
        indexer.index(Reading([write_stories(tmp_path, changed)], FieldMap()))
        return read(language, articles)

    reader.mentions = replaced_meanwhile
    indexer.read_names()
    assert names_in(engines) == ((), (), ())
    indexer.read_names()
    assert names_in(engines).people == ("Li Wei",)


def test_a_server_reads_only_what_it_received(engines, tmp_path):
    indexer_of(engines).index(Reading([write_stories(tmp_path, NEWS[:1])], FieldMap()))
    first = engines.catalog.rows_after(0)[-1] + 1
    indexer = indexer_of(engines)
    indexer.index(Reading([write_stories(tmp_path, NEWS)], FieldMap()))
    assert indexer.read_some_names(int(first), 8) == 1
    assert indexer.read_some_names(int(first), 8) == 0
    assert names_in(engines, "old").people == ("Gil Pomfret",)
    assert names_in(engines).people == ()


def test_worker_processes_read_the_same_names(engines, tmp_path):
    news = [NEWS[0] | {"id": str(n)} for n in range(20)]
    with Workers(2) as workers:
        run(engines, tmp_path, news, workers=started(workers), sizes=SIZES._replace(named=6))
    assert {names for _, names in engines.catalog.names.table()} == {READ}


def test_progress_counts_articles(engines, tmp_path):
    told = []
    run(engines, tmp_path, progress=lambda *each: told.append(each))
    assert [each for each in told if each[0] is Stage.NAMES] == [
        (Stage.NAMES, 0, 2),
        (Stage.NAMES, 2, 2),
    ]


def test_of_a_book_the_beginning_is_read(engines, reader, tmp_path, monkeypatch):
    monkeypatch.setattr(names_stage, "MOST_CHARACTERS", 400)
    text = "\n\n".join(f"Then Ana Ruiz met {'so ' * 60}many." for _ in range(20))
    run(engines, tmp_path, [NEWS[0] | {"text": text}])
    (texts,) = reader.read
    assert 400 <= sum(map(len, texts)) < len(text) / 2


def test_damaged_names_are_left_out_counted_by_verify_and_read_again(engines, tmp_path):
    indexer = run(engines, tmp_path)
    with closing(sqlite3.connect(engines.catalog.path)) as connection, connection:
        connection.execute("UPDATE names SET people = '[\"Ann' WHERE people LIKE '%Holt%'")
    assert names_in(engines) == ((), *READ[1:])
    engines.table.clear()
    assert [str(each) for each in verify(engines)] == [
        "catalogue: the names of 1 articles are damaged"
    ]
    repair(engines, indexer)
    assert names_in(engines) == READ
    assert [str(each) for each in verify(engines)] == []


def test_a_model_that_cannot_be_used_is_named_and_the_rest_is_indexed(engines, reader, tmp_path):
    def broken(language, articles):
        raise EngineUnavailable("the names", "the model is broken")

    reader.mentions = broken
    with pytest.raises(EngineUnavailable, match="the model is broken"):
        run(engines, tmp_path)
    assert engines.catalog.counts() == (3, 3, 3)


def test_the_setting_switches_names_off(indexed_by_words):
    for wanted in (True, False):
        engines = open_engines(Settings(archive=indexed_by_words, names=wanted))
        assert (engines.names is not None) is wanted
        engines.catalog.close()


def test_removed_articles_lose_their_names(engines, tmp_path):
    indexer = run(engines, tmp_path)
    indexer.remove(["vote"])
    assert [names.people for _, names in engines.catalog.names.table()] == [("Gil Pomfret",)]


def test_names_are_kept_as_lists_of_json(engines, tmp_path):
    run(engines, tmp_path, [NEWS[0] | {"text": "It was José Álvarez Núñez and Ana Ruiz."}])
    with closing(sqlite3.connect(engines.catalog.path)) as connection:
        ((people,),) = connection.execute("SELECT people FROM names")
    assert json.loads(people) == ["Ana Ruiz"]
