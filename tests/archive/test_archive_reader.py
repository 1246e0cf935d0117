"""Tests of the plain look-ups in an archive."""

import numpy as np
import pytest

from backfile.archive.model.errors import ArticleNotFound, WithdrawnArticle
from backfile.archive.passages import split
from backfile.archive.store.catalog import Catalog
from backfile.archive.store.clusters import Bands, Clustering, Member
from backfile.archive.store.entries import Changes
from backfile.archive.store.reader import ArchiveReader

NO_BANDS = Bands(np.empty(0, np.int64), np.empty(0, np.int64))


@pytest.fixture
def catalog(tmp_path):
    opened = Catalog.create(tmp_path / "catalog.db")
    yield opened
    opened.close()


@pytest.fixture
def reader(catalog):
    return ArchiveReader(catalog)


@pytest.fixture
def put(catalog, word_tokenizer):
    def put_all(*articles):
        catalog.write(Changes([(each, split(each, word_tokenizer)) for each in articles]))

    return put_all


def test_an_article_comes_with_its_passages_and_their_rows(reader, put, make_article):
    long = make_article("Rain fell heavily. " * 40)
    put(make_article(id="snow"), long)
    stored = reader.article("tide")
    assert stored.article == long
    assert list(stored.passages) == [p for p in stored.passages if p.article_id == "tide"]
    assert [passage.n for passage in stored.passages] == list(range(len(stored.rows)))
    assert stored.rows.tolist() == list(range(2, 2 + len(stored.rows)))
    assert stored.kept_at


def test_an_id_nobody_has_is_not_found(reader):
    for look_up in (reader.article, reader.versions):
        with pytest.raises(ArticleNotFound):
            look_up("nobody")
    assert reader.copies("nobody").total == reader.count_earlier("nobody") == 0


def test_copies_are_listed_by_rank_and_counted_beyond_the_list(reader, catalog, put, make_article):
    names = [f"copy-{n:02}" for n in range(25)]
    put(*(make_article(id=name) for name in names), make_article(id="other"))
    members = [Member(n + 1, 1, 24 - n) for n in range(25)]
    catalog.finish(Clustering(members, 0, NO_BANDS))
    copies = reader.copies("copy-03")
    assert copies.total == 24
    assert [copy.id for copy in copies.listed] == [n for n in names[::-1] if n != "copy-03"][:20]
    assert reader.copies("other").total == 0


def test_versions_begin_with_the_present_one(reader, put, make_article):
    for text in ("One.", "Two.", "Three."):
        put(make_article(text))
    found = reader.versions("tide")
    assert [each.article.text for each in found.versions] == ["Three.", "Two.", "One."]
    assert found.require_present() == reader.article("tide").article
    assert reader.count_earlier("tide") == 2


def test_a_withdrawn_article_has_versions_and_no_present_one(reader, catalog, put, make_article):
    put(make_article("One."))
    catalog.write(Changes(withdrawn=[WithdrawnArticle("wire.xml", "tide", 0, "canceled")]))
    found = reader.versions("tide")
    assert found.withdrawn.reason == "canceled"
    assert [each.article.text for each in found.versions] == ["One."]
    with pytest.raises(ArticleNotFound):
        found.require_present()
