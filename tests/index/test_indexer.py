"""The way in: what is kept, what is replaced, what is refused, and that any order comes to one."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import event

from backfile.archive.formats.fields import FieldMap
from backfile.archive.formats.inputs import Reading
from backfile.archive.model.errors import ArticleNotFound
from backfile.index.indexing.stages import Stage
from backfile.index.indexing.verify import verify
from backfile.index.model.query import Query
from backfile.index.search.ranking import RankingOptions
from backfile.index.search.searcher import Searcher
from tests.builders import FAMILIES, STORIES, engines_in, fill, indexer_of, write_stories


def answers(engines, *texts):
    """What a reader sees of an archive: hits with scores, for each text."""
    searcher = Searcher(engines, RankingOptions(floor=0.2))
    return [
        [(h.article.id, round(h.score, 5), [p.passage.id for p in h.passages]) for h in found.hits]
        for found in (searcher.search(Query(text, limit=100)) for text in texts)
    ]


@pytest.fixture(params=FAMILIES)
def empty(request, tmp_path):
    """An archive without articles, in both families of engines."""
    made = engines_in(tmp_path / "archive", in_memory=request.param == "memory")
    yield made
    made.catalog.close()


def test_what_is_read_is_found_by_words_and_by_meaning(engines):
    found = answers(engines, "lighthouse keeper", "council votes")
    assert found[0][0][0] == "undated"
    assert found[1][0][0] == "ferry"
    assert engines.catalog.counts() == (7, 8, 8)  # the ferry has two sections


def test_a_second_run_changes_nothing(empty, tmp_path):
    engines, stories = empty, write_stories(tmp_path)
    fill(engines, stories)
    generation = engines.catalog.generation()
    report = fill(engines, stories)
    assert (report.new, report.changed, report.unchanged) == (0, 0, 7)
    assert engines.catalog.generation() == generation


def test_one_article_is_indexed_in_few_transactions(engines, tmp_path):
    written, commits = set(), []

    def note(connection, _cursor, statement, *_rest):
        if not statement.startswith(("SELECT", "PRAGMA")):
            written.add(connection)

    def count(connection):
        commits.extend(written & {connection})
        written.discard(connection)

    event.listen(engines.catalog._database.engine, "before_cursor_execute", note)
    event.listen(engines.catalog._database.engine, "commit", count)
    path = write_stories(tmp_path, [{**STORIES[0], "id": "new", "title": "Another ferry"}])
    originals = engines.catalog.originals
    assert indexer_of(engines).index(Reading([path], FieldMap(), originals=originals)).new == 1
    assert len(commits) == 3  # the batch, its words, the end of the run


def test_a_changed_article_replaces_its_former_self_everywhere(empty, tmp_path):
    engines = empty
    fill(engines, write_stories(tmp_path))
    changed = [{**STORIES[0], "text": "The zeppelin stops in May."}]
    report = fill(engines, write_stories(tmp_path, changed))
    assert report.changed == 1
    assert answers(engines, "zeppelin")[0][0][0] == "ferry"
    assert not answers(engines, '"told by letter"')[0]
    assert list(verify(engines)) == []


def test_remove_removes_from_the_record_the_words_and_the_vectors(engines):
    rows = engines.catalog.rows_of(["bridge"])
    assert indexer_of(engines).remove(["bridge", "nobody"]) == 1
    with pytest.raises(ArticleNotFound):
        engines.catalog.article("bridge")
    assert not answers(engines, '"after inspectors"')[0]
    assert not set(rows.tolist()) & set(engines.lexical.rows().tolist())
    assert not engines.vectors.read(int(rows.max()) + 1)[rows].any()


def test_an_article_whose_id_another_one_has_gets_a_longer_id(engines, tmp_path):
    other = {"id": "ferry", "title": "Something else", "published": "1999-01-01", "text": "No."}
    path = tmp_path / "other.jsonl"
    path.write_text(json.dumps(other))
    report = fill(engines, path)
    assert (report.new, report.changed, report.refused) == (1, 0, [])
    assert engines.catalog.article("ferry").title == "Ferry timetable cut"
    titles = {each.id.partition("~")[0]: each.title for each, _ in engines.catalog.digests()}
    assert titles["ferry"] == "Something else"  # the last with an id that begins so


def test_files_of_the_same_name_in_two_folders_are_two_articles(tmp_path):
    for parent in ("a", "b"):
        (tmp_path / parent / "2024").mkdir(parents=True)
        (tmp_path / parent / "2024" / "001.txt").write_text(f"Title {parent}\n\nText of {parent}.")
    engines = engines_in(tmp_path / "archive", in_memory=True)
    fill(engines, tmp_path / "a" / "2024")
    report = fill(engines, tmp_path / "b" / "2024")
    assert (report.new, report.changed) == (1, 0)
    assert engines.catalog.counts().articles == 2
    engines.catalog.close()


def test_words_are_found_before_anything_is_embedded(tmp_path):
    engines = engines_in(tmp_path / "archive", in_memory=False)
    indexer = indexer_of(engines)
    indexer.index(Reading([write_stories(tmp_path)], FieldMap()))
    results = Searcher(engines, RankingOptions()).search(Query("ferry"))
    assert results.coverage == 0
    assert results.totals.articles == results.totals.by_words == 3
    engines.catalog.close()


def test_meaning_is_filled_in_newest_first_and_undated_last(tmp_path):
    engines = engines_in(tmp_path / "archive", in_memory=True)
    indexer = indexer_of(engines)
    indexer.index(Reading([write_stories(tmp_path)], FieldMap()))
    rows = engines.catalog.embedded.missing().tolist()
    order = [found.article.id for row in rows for found in engines.catalog.stored([row])]
    assert order[0] == "https://bote.example/a?b=1"
    assert order[-1] == "undated"
    engines.catalog.close()


def test_progress_ends_at_its_total(tmp_path):
    seen = {}
    engines = engines_in(tmp_path / "archive", in_memory=True)
    indexer = indexer_of(engines, lambda stage, done, total: seen.update({stage: (done, total)}))
    indexer.index(Reading([write_stories(tmp_path)], FieldMap()))
    indexer.embed()
    others = {Stage.NAMES, Stage.CUTTING}  # tests of names ask for them, and of another model
    assert set(seen) == set(Stage) - others
    assert all(done == total > 0 for done, total in seen.values())
    engines.catalog.close()


steps = st.lists(
    st.one_of(
        st.tuples(st.just("put"), st.integers(0, 5), st.sampled_from(["", " Storm.", " Fire."])),
        st.tuples(st.just("remove"), st.integers(0, 5)),
        st.tuples(st.just("words only"), st.integers(0, 5)),
        st.tuples(st.just("verify")),
    ),
    max_size=8,
)


@pytest.mark.long
@settings(max_examples=12, deadline=None)
@given(steps=steps)
def test_any_interleaving_of_changes_equals_a_rebuild_from_scratch(steps, tmp_path_factory):
    folder = tmp_path_factory.mktemp("laws")
    worn = engines_in(folder / "worn", in_memory=False)
    path = folder / "stories.jsonl"
    kept = {}
    for step in steps:
        match step:
            case ("put", n, more):
                kept[n] = {**STORIES[n], "text": STORIES[n]["text"] + more}
                path.write_text(json.dumps(kept[n]))
                fill(worn, path)
            case ("words only", n):
                kept[n] = STORIES[n]
                path.write_text(json.dumps(kept[n]))
                indexer_of(worn).index(Reading([path], FieldMap()))
            case ("remove", n):
                if n in kept:
                    article_id = STORIES[n].get("id")
                    assert indexer_of(worn).remove([article_id]) == 1
                    del kept[n]
            case ("verify",):
                assert not [p for p in verify(worn) if p.part != "chroma"]
    indexer_of(worn).embed()
    fresh = engines_in(folder / "fresh", in_memory=False)
    path.write_text("".join(json.dumps(kept[n]) + "\n" for n in sorted(kept)))
    fill(fresh, path)
    texts = ("ferry", "swing bridge", '"swing bridge"', "harbour fire storm", "")
    assert worn.catalog.counts() == fresh.catalog.counts()
    assert sorted(map(sorted, answers(worn, *texts))) == sorted(map(sorted, answers(fresh, *texts)))
    for made in (worn, fresh):
        made.catalog.close()


def test_the_vectors_on_record_are_the_embeddings_of_the_passages(engines):
    rows = engines.catalog.rows_after(0)
    stored = list(engines.catalog.stored(rows.tolist()))
    texts = ["\n".join(p for p in (s.article.given_title, s.passage.text) if p) for s in stored]
    expected = engines.embedder.embed_passages(texts)
    np.testing.assert_allclose(engines.vectors.read(int(rows.max()) + 1)[rows], expected, atol=2e-3)


def test_two_stories_under_one_id_in_one_run_are_never_both_taken_for_one(tmp_path):
    path = tmp_path / "twice.jsonl"
    twice = [{"id": "x", "title": "One", "text": "One."}, {"id": "x", "title": "Two", "text": "2."}]
    path.write_text("".join(json.dumps(story) + "\n" for story in [*twice, twice[0]]))
    engines = engines_in(tmp_path / "archive", in_memory=True)
    for expected in ((2, 0, 1), (0, 2, 1)):
        report = fill(engines, path)
        assert (report.new, report.unchanged, report.duplicate) == expected
        assert report.refused == []
    assert engines.catalog.article("x").title == "One"
    engines.catalog.close()


def test_two_undated_stories_under_one_id_in_two_files_are_told_apart(tmp_path):
    engines = engines_in(tmp_path / "archive", in_memory=True)
    for name in ("one", "two"):
        path = tmp_path / f"{name}.jsonl"
        path.write_text(json.dumps({"id": "x", "title": name, "text": name}))
        report = fill(engines, path)
    assert (report.new, report.refused, engines.catalog.counts().articles) == (1, [], 2)
    engines.catalog.close()


def test_files_of_one_name_in_two_folders_of_one_name_are_known_the_next_time(tmp_path):
    for parent in ("a", "b"):
        (tmp_path / parent / "news").mkdir(parents=True)
        (tmp_path / parent / "news" / "1.txt").write_text(f"Title {parent}\n\nText of {parent}.")
    engines = engines_in(tmp_path / "archive", in_memory=True)
    fill(engines, tmp_path / "a" / "news", tmp_path / "b" / "news")
    report = fill(engines, tmp_path / "a" / "news", tmp_path / "b" / "news")
    assert (report.new, report.changed, report.unchanged) == (0, 0, 2)
    engines.catalog.close()


def test_a_file_read_through_another_folder_is_the_same_article(tmp_path):
    deep = tmp_path / "news" / "2024"
    deep.mkdir(parents=True)
    (deep / "1.txt").write_text("Ferry stops\n\nIt stops in May.")
    engines = engines_in(tmp_path / "archive", in_memory=True)
    assert fill(engines, deep).new == 1
    for root in (tmp_path / "news", deep / "1.txt", tmp_path):
        report = fill(engines, root)
        assert (report.new, report.unchanged) == (0, 1)
    (deep / "1.txt").write_text("Ferry stops\n\nIt stops in June.")
    assert fill(engines, tmp_path / "news").changed == 1
    engines.catalog.close()
