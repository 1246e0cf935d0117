import io
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from backfile.archive.model.article import ArticleNames
from backfile.archive.store.names import Read
from backfile.archive.store.sealing import new_digest
from backfile.index.indexing.verify import Part, Problem, repair, verify
from backfile.index.model.arrays import load_array
from backfile.index.model.article_table import ArticleTable
from backfile.index.model.article_table_file import encode, latest
from backfile.index.model.query import Query
from backfile.index.search.ranking import RankingOptions
from backfile.index.search.searcher import Searcher
from tests.builders import DAMAGES, damage, engines_in, fill, indexer_of, write_stories


@pytest.fixture
def filled(tmp_path):
    made = engines_in(tmp_path / "archive", in_memory=True)
    fill(made, write_stories(tmp_path))
    made.table.bring_up(made.catalog)
    yield made
    made.catalog.close()


def test_the_file_holds_what_the_catalogue_says(filled):
    generation = filled.catalog.generation()
    stored = filled.table.read()
    assert encode(stored) == encode(ArticleTable.load(filled.catalog, generation))
    assert stored.author.names == ("Ana Ruiz", "José Núñez")


def test_a_file_of_another_generation_is_left_alone_while_little_has_changed(filled, monkeypatch):
    indexer_of(filled).remove(["ferry"])
    generation = filled.catalog.generation()
    filled.table.bring_up(filled.catalog)
    stored = filled.table.read()
    assert stored.generation < generation
    expected = encode(ArticleTable.load(filled.catalog, generation))
    assert encode(latest(filled.catalog, generation, stored)) == expected
    monkeypatch.setattr("backfile.index.model.article_table_file.MOST_CHANGED", 0)
    filled.table.bring_up(filled.catalog)
    assert encode(filled.table.read()) == expected


class Given(list):
    bytes_done = bytes_total = 0


ARTICLES = st.dictionaries(
    st.sampled_from("abcdefgh"),
    st.tuples(
        st.sampled_from(["One story.", "One story. " * 200, "Another one.", "A third one. " * 90]),
        st.sampled_from(["", "Courier", "COURIER", "Post"]),
        st.sampled_from([(), ("Ana Ruiz",), ("ana ruiz", "Jo Nun")]),
    ),
    max_size=6,
)


@settings(
    deadline=None,
    max_examples=20,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.lists(st.tuples(ARTICLES, st.sets(st.sampled_from("abcdefgh"), max_size=3)), max_size=4))
def test_a_table_that_follows_all_changes_is_that_of_the_catalogue(make_article, runs):
    with TemporaryDirectory() as folder:
        engines = engines_in(Path(folder) / "archive", in_memory=True)
        indexer, catalog = indexer_of(engines), engines.catalog
        table = ArticleTable.load(catalog, catalog.generation())
        for articles, removed in runs:
            found = [
                make_article(text, id=name, source=source, authors=authors, version=len(text))
                for name, (text, source, authors) in articles.items()
            ]
            indexer.index(Given(found))
            indexer.embed()
            indexer.remove(sorted(removed))
            waiting = catalog.names.unread(table.number.tolist()[:2])
            names = ArticleNames(people=("Ana Ruiz",))
            catalog.names.put(Read(each, "a model", names) for each in waiting)
            generation = catalog.generation()
            table = latest(catalog, generation, table)
            assert encode(table) == encode(ArticleTable.load(catalog, generation))
        catalog.close()


@pytest.mark.parametrize("end", [0, 40, -1])
def test_a_file_cut_short_is_no_file(filled, tmp_path, end):
    path = tmp_path / "archive" / "columns"
    path.write_bytes(path.read_bytes()[:end])
    assert filled.table.read() is None
    assert Searcher(filled, RankingOptions()).search(Query("ferry")).totals.by_words == 3


def test_a_search_reads_the_file_while_it_is_current_and_the_catalogue_after(filled, monkeypatch):
    gathered = []
    load = ArticleTable.load
    monkeypatch.setattr(ArticleTable, "load", lambda *of: gathered.append(of) or load(*of))
    assert Searcher(filled, RankingOptions()).search(Query("ferry")).totals.by_words == 3
    assert not gathered
    indexer_of(filled).remove(["ferry"])
    assert Searcher(filled, RankingOptions()).search(Query("ferry")).totals.by_words == 2
    assert not gathered  # what has changed alone is read
    filled.catalog.discard_versions([])  # whatever this changes
    assert Searcher(filled, RankingOptions()).search(Query("ferry")).totals.by_words == 2
    assert gathered


def test_a_file_that_says_something_else_is_found_and_mended(filled, tmp_path):
    path = tmp_path / "archive" / "columns"
    _, _, content = path.read_bytes().partition(b"\n")
    content = content.replace(b"Courier", b"Messier")
    path.write_bytes(new_digest(content).hexdigest().encode() + b"\n" + content)
    reason = "dates, sources or the like are not what the catalogue says"
    assert list(verify(filled)) == [Problem(Part.COLUMNS, reason)]
    repair(filled, indexer_of(filled))
    assert list(verify(filled)) == []


@pytest.mark.parametrize("kind", DAMAGES)
def test_a_damaged_file_is_no_file_and_is_mended(filled, tmp_path, kind):
    path = tmp_path / "archive" / "columns"
    damage(path, kind)
    assert filled.table.read() is None
    problems = [] if kind == "delete" else [Problem(Part.COLUMNS, "the file is damaged")]
    assert list(verify(filled)) == problems
    repair(filled, indexer_of(filled))
    assert list(verify(filled)) == []
    filled.table.bring_up(filled.catalog)
    assert filled.table.read()


def test_a_file_of_an_earlier_release_is_no_damage(filled, tmp_path):
    path = tmp_path / "archive" / "columns"
    _, _, content = path.read_bytes().partition(b"\n")
    path.write_bytes(content.replace(b"columns-6", b"columns-5"))
    assert filled.table.read() is None
    assert list(verify(filled)) == []


def test_an_array_is_read_again_where_another_thread_has_parsed_python_meanwhile(monkeypatch):
    stream = io.BytesIO()
    np.save(stream, np.arange(5))
    stream.seek(0)
    load, failures = np.load, iter([SystemError("AST constructor recursion depth mismatch")] * 3)

    def load_late(stream, **options):
        stream.read(8)
        if failure := next(failures, None):
            raise failure
        stream.seek(0)
        return load(stream, **options)

    monkeypatch.setattr(np, "load", load_late)
    assert load_array(stream).tolist() == [0, 1, 2, 3, 4]
