"""Copies are told from what only looks like one, in bounded time, whatever order they come in."""

import random
import threading
import time
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backfile.archive.formats.fields import FieldMap
from backfile.archive.formats.inputs import Reading
from backfile.archive.model.article import TitleSource
from backfile.archive.store.clusters import Member
from backfile.archive.store.entries import Changes
from backfile.archive.workers import Workers
from backfile.index.duplicates import clustering, signatures
from backfile.index.duplicates.clustering import Clusterer, alike, group, link
from backfile.index.duplicates.signatures import SIGNATURE, sign
from backfile.scripts.bench.edited_copies import edited
from tests.builders import engines_in, fill, indexer_of, invented_text, wire_story, write_records
from tests.fakes import LateWorkers


def signed(articles):
    return np.frombuffer(b"".join(sign(articles)), SIGNATURE)


@pytest.fixture(scope="module")
def articles(make_article):
    def made(n):
        text = invented_text(n)
        return make_article(text, id=f"a{n}", title=text[:40], title_source=TitleSource.LEAD)

    return [made(n) for n in range(40)]


def test_edited_copies_are_copies_and_lookalikes_are_not(articles):
    choose = random.Random(3)
    made = [e for i, a in enumerate(articles) for e in edited(a, articles[i - 1], choose)]
    places = {article.id: n for n, article in enumerate(articles)}
    pairs = np.array([(places[e.original], len(articles) + n) for n, e in enumerate(made)])
    found = alike(signed([*articles, *(e.article for e in made)]), pairs)
    wrong = [e.kind for e, copy in zip(made, found, strict=True) if copy and not e.is_copy]
    missed = [e.kind for e, copy in zip(made, found, strict=True) if e.is_copy and not copy]
    assert len(wrong) <= 0.05 * found.sum()
    assert len(missed) <= 0.1 * sum(e.is_copy for e in made)


def test_a_notice_in_place_of_a_text_makes_no_copies(make_article):
    notice = "You agree to the processing and storage of this for the purpose of registration."
    told = {"title_source": TitleSource.GIVEN}
    one = make_article(notice, id="1", title="Council bans swing bridges", **told)
    two = make_article(notice, id="2", title="Ferry sinks off Wexmoor", **told)
    assert alike(signed([one, two]), np.array([[0, 1]])).tolist() == [False]
    again = replace(two, id="3")
    assert alike(signed([two, again]), np.array([[0, 1]])).tolist() == [True]


def test_signatures_are_those_of_datasketch(articles, make_article, monkeypatch):
    from datasketch import MinHash

    some = [*articles[:5], make_article("7 of 9"), make_article("word " * 3 + "end of it")]
    ours = sign(some)
    monkeypatch.setattr(
        signatures,
        "_sketches",
        lambda sets, count: np.array(
            [each.hashvalues for each in MinHash.bulk(sets, num_perm=count, hashfunc=int)]
        ),
    )
    assert sign(some) == ours
    monkeypatch.undo()
    monkeypatch.setattr(signatures, "HASHES_AT_ONCE", 7)
    assert sign(some) == ours


def test_case_punctuation_and_accents_in_two_forms_make_no_difference(make_article):
    one = make_article("The café’s “owner” said: it shuts in May. Nobody knew.")
    two = make_article("the CAFE\u0301's 'owner' said it shuts in May; nobody knew")
    assert sign([one]) == sign([two])


def test_short_and_empty_texts_are_signed(make_article):
    found = signed([make_article(text) for text in ("", "Rain", "Rain stopped", "...")])
    assert found["runs"].tolist() == [0, 1, 1, 0]


def related(seed, n=60):
    """Signatures that share values with one another to all degrees."""
    choose = np.random.default_rng(seed)
    made = np.zeros(n, SIGNATURE)
    made["runs"] = choose.integers(200, 900, n)
    made["text"] = choose.integers(0, 1 << 16, made["text"].shape)
    for place in range(1, n):
        other = choose.integers(0, place)
        same = choose.random(made["text"].shape[1]) < choose.choice([0, 0.5, 0.8, 0.9, 1])
        made["text"][place][same] = made["text"][other][same]
    return made


@settings(deadline=None, max_examples=60)
@given(seed=st.integers(0, 1 << 30))
def test_clusters_do_not_depend_on_the_order_of_the_input(seed):
    made = related(seed)
    mixed = np.random.default_rng(seed).permutation(len(made))
    leads = group(link(made), np.arange(len(made)))
    others = group(link(made[mixed]), mixed)
    expected = np.where(others >= 0, mixed[others], -1)
    assert leads[mixed].tolist() == expected.tolist()


@settings(deadline=None, max_examples=60)
@given(seed=st.integers(0, 1 << 30))
def test_each_copy_is_like_its_lead_and_the_lead_comes_first(seed):
    made = related(seed)
    leads = group(link(made), np.arange(len(made)))
    members = np.flatnonzero(leads >= 0)
    assert alike(made, np.stack([members, leads[members]], axis=1)).all()
    assert (leads[members] <= members).all()
    assert (leads[leads[members]] == leads[members]).all()
    assert (np.bincount(leads[members])[np.unique(leads[members])] > 1).all()


def test_no_articles_are_no_clusters():
    assert group(link(np.zeros(0, SIGNATURE)), np.zeros(0, np.int64)).tolist() == []


@pytest.mark.parametrize("changed", [0.0, 0.05])
def test_many_copies_of_one_text_are_grouped_quickly(changed):
    choose = np.random.default_rng(1)
    made = np.repeat(related(1)[:1], 5_000)
    other = choose.random(made["text"].shape) < changed
    made["text"][other] = choose.integers(0, 1 << 16, int(other.sum()))
    began = time.perf_counter()
    leads = group(link(made), np.arange(5_000)[::-1])
    assert time.perf_counter() - began < 10
    assert (leads == 4_999).mean() > 0.99


def copies_of(engines):
    """Each article's copies, in their order."""
    known = engines.catalog.clusters
    ids = sorted(article.id for article, _ in engines.catalog.digests())
    return {each: [copy.id for copy in known.copies_of(each).listed] for each in ids}


@pytest.fixture
def engines(tmp_path):
    made = engines_in(tmp_path / "archive", in_memory=True)
    yield made
    made.catalog.close()


def test_the_earliest_leads_and_removing_it_makes_the_next_one_lead(engines, tmp_path):
    fill(engines, write_records(tmp_path / "news.jsonl", wire_story()))
    assert copies_of(engines)["w0"] == ["w4", "w3", "w2", "w1"]
    assert copies_of(engines)["own"] == []
    indexer_of(engines).remove(["w4"])
    assert copies_of(engines)["w3"] == ["w2", "w1", "w0"]
    indexer_of(engines).remove(["w0", "w1", "w2"])
    assert len(engines.catalog.clusters.table()) == 0


def test_an_article_that_is_changed_leaves_its_cluster(engines, tmp_path):
    records = wire_story(2)
    fill(engines, write_records(tmp_path / "news.jsonl", records))
    records[0]["text"] = invented_text("other")
    fill(engines, write_records(tmp_path / "news.jsonl", records))
    assert copies_of(engines) == {"w0": [], "w1": [], "own": []}


def test_what_an_older_release_kept_is_signed_by_the_next_run(engines, tmp_path):
    news = write_records(tmp_path / "news.jsonl", wire_story())
    fill(engines, news)
    expected = copies_of(engines)
    with engines.catalog._database.engine.begin() as connection:
        for table in ("signatures", "stories", "bands"):
            connection.exec_driver_sql(f"DELETE FROM {table}")
        connection.exec_driver_sql(
            "DELETE FROM counters WHERE name IN ('signed', 'grouped', 'banded')"
        )
    generation = engines.catalog.generation()
    indexer_of(engines, workers=LateWorkers()).index(Reading([news], FieldMap()))
    assert copies_of(engines) == expected
    assert engines.catalog.generation() > generation


def test_a_run_that_changes_nothing_makes_no_clusters(engines, tmp_path):
    news = write_records(tmp_path / "news.jsonl", wire_story())
    fill(engines, news)
    assert engines.catalog.clusters.changed() is None
    generation = engines.catalog.generation()
    fill(engines, news)
    assert engines.catalog.generation() == generation


class Killed(Exception):
    """Stands for the end of the process."""


ENDS = [
    *(("clusters", at) for at in ("unsigned", "changed", "signed", "lead_criteria")),
    *(("originals", at) for at in ("note", "release", "bring_up_journal")),
]


@pytest.mark.parametrize(("part", "at"), ENDS)
def test_a_run_that_ends_anywhere_before_its_clusters_is_finished_by_the_next(
    part, at, engines, tmp_path, monkeypatch
):
    def die(*_):
        raise Killed

    news = write_records(tmp_path / "news.jsonl", wire_story())
    with monkeypatch.context() as patched:
        patched.setattr(getattr(engines.catalog, part), at, die)
        with pytest.raises(Killed):
            fill(engines, news)
    fill(engines, news)
    assert copies_of(engines)["w4"] == ["w3", "w2", "w1", "w0"]
    assert engines.catalog.clusters.changed() is None


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(seed=st.integers(0, 1 << 30))
def test_clusters_of_what_has_changed_are_those_of_all_articles(seed, make_article):
    choose, made = np.random.default_rng(seed), related(seed)
    texts = [make_article("A" * n, id=f"a{n}", title=f"{n}") for n in range(len(made))]
    with TemporaryDirectory() as folder, monkeypatched(clustering, "NEIGHBOURS", 2):
        engines = engines_in(Path(folder) / "archive", in_memory=True)
        catalog = engines.catalog
        clusterer = Clusterer(catalog.clusters, threading.Lock(), Workers(0))
        catalog.finish(clusterer.clustering())
        catalog.write(signed_as(texts[:2], made[:2]))
        catalog.finish(clusterer.clustering())
        assert catalog.clusters.is_banded()
        for _ in range(4):
            some = choose.choice(len(made), 12, replace=False)
            catalog.write(signed_as([texts[n] for n in some], made[choose.permutation(some)]))
            catalog.remove([f"a{n}" for n in choose.choice(len(made), 4)])
            catalog.finish(clusterer.clustering())
            found = {Member(*row) for row in catalog.clusters.table().tolist()}
            assert found == set(clusterer._of_all(0).members)
        catalog.close()


def signed_as(articles, signatures):
    signed = zip(articles, signatures, strict=True)
    return Changes([(each, ()) for each in articles], {a.id: s.tobytes() for a, s in signed})


@contextmanager
def monkeypatched(module, name, value):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, name, value)
        yield
