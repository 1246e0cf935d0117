"""Shards that follow their archive answer as the archive does, whatever has changed in it."""

import random

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backfile.archive.formats.fields import FieldMap
from backfile.archive.formats.inputs import Reading
from backfile.archive.model.errors import WithdrawnArticle
from backfile.archive.store.directory import ArchiveDirectory
from backfile.archive.store.entries import Changes
from backfile.archive.store.sharding import copy_shard, numbers_in
from backfile.index.cluster.search.searching import ClusterSearcher
from backfile.index.cluster.search.shards import LocalShard
from backfile.index.indexing.verify import verify
from backfile.index.search.ranking import RankingOptions
from backfile.index.search.searcher import Searcher
from tests.builders import engines_in, fill, indexer_of, write_records
from tests.divided import DATES, DIMENSION, TODAY, agrees, news, random_query, sentence

OPTIONS = RankingOptions(floor=0.2)


class Following:
    """An archive and its shards, by the number of their days modulo `n_shards`."""

    def __init__(self, folder, n_shards):
        self.folder, self.n_shards = folder, n_shards
        self.opened = [engines_in(folder / "archive", in_memory=True)]
        self.archive = self.opened[0]
        self.undivided = Searcher(self.archive, OPTIONS, today=lambda: TODAY)
        self.seen = 0
        shards = [engines_in(self.directory(n).root, in_memory=True) for n in range(n_shards)]
        self.opened += shards
        searchers = [Searcher(each, OPTIONS, today=lambda: TODAY) for each in shards]
        self.searchers = [self.undivided, *searchers]
        local = [LocalShard(str(n), each) for n, each in enumerate(searchers)]
        self.cluster = ClusterSearcher(local, budget=60.0, seconds_a_round=60.0)
        self.follow()

    def directory(self, n):
        return ArchiveDirectory(self.folder / f"shard-{n}")

    def follow(self):
        """Do what `follow` does, without a model."""
        catalog = self.archive.catalog
        changed = catalog.touched.numbers_since(self.seen)
        self.seen = catalog.generation()
        days = {row.number: row.published or 0 for row in catalog.article_table()}
        arriving = [
            np.array([x for x, day in days.items() if day % self.n_shards == n], np.int64)
            for n in range(self.n_shards)
        ]
        source = ArchiveDirectory(self.folder / "archive")
        for n, numbers in enumerate(arriving):
            if changed is not None:
                numbers = arriving[n] = numbers[np.isin(numbers, changed)]
            gone = np.setdiff1d(numbers_in(self.directory(n), changed), [*days])
            written = np.union1d(numbers, gone).astype(np.int64)
            copy_shard(source, self.directory(n), numbers, DIMENSION, rest=not n, changed=written)
        for n, numbers in enumerate(arriving):
            leaving = np.setdiff1d(numbers_in(self.directory(n), changed), numbers)
            none = np.empty(0, np.int64)
            copy_shard(source, self.directory(n), none, DIMENSION, rest=not n, changed=leaving)
        for engines in self.opened[1:]:
            indexer = indexer_of(engines)
            indexer.tidy()
            indexer.lexical.bring_up()
            indexer.lexical.finish()
            indexer.seal()
            engines.catalog.finish()

    def look_again(self):
        for searcher in self.searchers:
            searcher.look_again()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.cluster.close()
        for engines in self.opened:
            engines.catalog.close()


def changed(choose, article):
    """The article as a newsroom might send it again."""
    kind = choose.choice(("text", "title", "day", "outlet", "language", "nothing"))
    return (
        article
        | {
            "text": {"text": f"{article['text']} {sentence(choose)}"},
            "title": {"title": sentence(choose)[:-1]},
            "day": {"published": choose.choice(DATES) or "2022-05-05"},
            "outlet": {"source": "Inselbote"},
            "language": {"language": "fr"},
            "nothing": {},
        }[kind]
    )


def change(choose, following, articles, path):
    """Change the archive in one of the ways in which archives change."""
    indexer = indexer_of(following.archive)
    what = choose.choice(("new", "sent again", "removed", "embedded", "not embedded"))
    if what == "new":
        more = [a | {"id": f"{a['id']}-{choose.random()}"} for a in news(choose.random(), 6)]
        articles += more
        indexer.index(Reading([write_records(path, more)], FieldMap()))
    elif what == "sent again" and articles:
        for n in choose.sample(range(len(articles)), min(4, len(articles))):
            articles[n] = changed(choose, articles[n])
        indexer.index(Reading([write_records(path, articles)], FieldMap()))
    elif what == "removed" and articles:
        gone = choose.sample(articles, min(3, len(articles)))
        indexer.remove([each["id"] for each in gone])
        articles[:] = [each for each in articles if each not in gone]
        if choose.random() < 0.5:
            articles += gone[:2]
            indexer.index(Reading([write_records(path, gone[:2])], FieldMap()))
    elif what == "embedded":
        indexer.embed()
    elif len(rows := following.archive.catalog.rows_after(0)):
        following.archive.catalog.embedded.forget(rows[choose.randrange(len(rows)) :][:5])
        indexer.seal()


@settings(deadline=None, max_examples=12, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 1 << 32))
def test_shards_that_follow_answer_as_the_archive(tmp_path_factory, seed):
    choose = random.Random(seed)
    folder = tmp_path_factory.mktemp("following")
    articles = news(seed, choose.randint(0, 20))
    with Following(folder, choose.randint(1, 4)) as following:
        fill(following.archive, write_records(folder / "news.jsonl", articles))
        for _ in range(3):
            for _ in range(choose.randint(1, 3)):
                change(choose, following, articles, folder / "more.jsonl")
            following.follow()
            following.look_again()
            for _ in range(8):
                agrees(following, random_query(choose))
            for engines in following.opened[1:]:
                assert list(verify(engines)) == []


def test_passages_that_have_not_changed_keep_their_rows(tmp_path):
    articles = news(4, 8)
    with Following(tmp_path, 1) as following:
        fill(following.archive, write_records(tmp_path / "news.jsonl", articles))
        following.follow()
        before = following.opened[1].catalog.passage_table()
        articles[2] |= {"text": f"{articles[2]['text']} The ferry sails again."}
        articles[5] |= {"source": "Inselbote"}
        fill(following.archive, write_records(tmp_path / "news.jsonl", articles))
        following.follow()
        after = following.opened[1].catalog.passage_table()
        edited = following.archive.catalog.numbers_of(["a2"])["a2"]
        kept = set(map(tuple, before.tolist())) & set(map(tuple, after.tolist()))
        assert {owner for _, owner, _ in kept} == {*range(1, 9)} - {edited}
        assert min(row for row, owner, _ in after.tolist() if owner == edited) > max(before[:, 0])


def test_history_follows_an_article_into_another_shard(tmp_path):
    article = news(4, 1)[0] | {"published": "2024-01-02"}
    with Following(tmp_path, 2) as following:
        for day in ("2024-01-02", "2024-01-03", "2024-01-02"):
            records = [article | {"published": day, "text": f"{article['text']} {day}"}]
            fill(following.archive, write_records(tmp_path / "news.jsonl", records))
            following.follow()
            expected = following.archive.catalog.history.of(article["id"])
            found = [each.catalog.history.of(article["id"]) for each in following.opened[1:]]
            assert sorted(map(len, found)) == [0, len(expected)]
            assert max(found, key=len) == expected
        assert len(expected) == 2


def test_what_is_withdrawn_leaves_its_shard_and_stays_in_the_record(tmp_path):
    articles = news(4, 3)
    with Following(tmp_path, 2) as following:
        fill(following.archive, write_records(tmp_path / "news.jsonl", articles))
        following.follow()
        article_id = articles[0]["id"]
        withdrawn = WithdrawnArticle("wire.xml", article_id, 0, "canceled")
        following.archive.catalog.write(Changes(withdrawn=[withdrawn]))
        following.follow()
        shards = [each.catalog for each in following.opened[1:]]
        assert all(each.articles_of([article_id]) == {} for each in shards)
        assert [len(each.history.of(article_id)) for each in shards] == [1, 0]


@pytest.mark.parametrize("n_shards", [1, 3])
def test_nothing_is_copied_twice(tmp_path, n_shards):
    with Following(tmp_path, n_shards) as following:
        fill(following.archive, write_records(tmp_path / "news.jsonl", news(4, 9)))
        following.follow()
        before = [each.catalog.passage_table().tolist() for each in following.opened[1:]]
        following.seen = 0  # as after a kill
        following.follow()
        assert [each.catalog.passage_table().tolist() for each in following.opened[1:]] == before
