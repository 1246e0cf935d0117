"""Searches go over to the shards of a changed map once these are open, and not before."""

import logging

import pytest

from backfile.archive.model.errors import ShardsOut
from backfile.index.cluster.map.cluster_map import FILE, ClusterMap, ShardEntry
from backfile.index.cluster.search.map_follower import MapFollower
from backfile.index.cluster.search.searching import ClusterSearcher
from tests.divided import Divided, LostShard, news, read, seen

EVERYTHING = {"q": "", "copies": "show"}
ONE = ClusterMap((ShardEntry("undated"), ShardEntry("from-beginning")))
OTHER = ONE.renewed([0, 1])
N_ARTICLES = 12


class Shards:
    """The shards of one map, of which some may not be open yet."""

    def __init__(self, name, divided):
        engines = divided.engines
        self.shards = [LostShard(f"{name}{n}", each, n) for n, each in enumerate(engines)]
        self.n_open = 0
        self.n_openable = len(self.shards)
        self.closed = 0

    def bring_up(self):
        self.n_open = self.n_openable
        for each in self.shards[self.n_openable :]:
            each.is_lost = True

    def close(self):
        self.closed += 1

    def lose(self, *numbers):
        for n in numbers:
            self.shards[n].is_lost = True
            self.shards[n].break_connections()


class Followed:
    """A map that is followed, and a searcher of its shards; those of later maps are `made`."""

    def __init__(self, folder, divided):
        self.folder, self.divided = folder, divided
        self.made, self.n_openable, self.freed = [], 2, 0
        ONE.write(folder)
        self.follower = MapFollower(ONE, folder, self.open_set, freed=self.free)
        first = self.follower.opened
        self.seconds = 0.0
        self.searcher = ClusterSearcher(
            first.shards,
            budget=60.0,
            seconds_a_round=60.0,
            seconds=lambda: self.seconds,
            closed=lambda: self.follower.let_go(first),
        )

    def open_set(self, entries):
        made = Shards("-".join(each.folder for each in entries.shards), self.divided)
        made.n_openable = self.n_openable
        self.made.append(made)
        return made

    def free(self):
        self.freed += 1

    def look(self, entries=None):
        """Write this map, and look at it."""
        if entries:
            entries.write(self.folder)
        self.seconds += 1.0
        self.follower.look(self.searcher)

    def is_in(self, n):
        """Whether searches are in the shards that were made as the n-th."""
        return self.searcher._groups.now.shards is self.made[n].shards


@pytest.fixture
def followed(tmp_path):
    assigned = [n % 2 for n in range(N_ARTICLES)]
    with Divided(tmp_path / "divided", news(3, N_ARTICLES), assigned) as divided:
        made = Followed(tmp_path, divided)
        yield made
        made.searcher.close()


def test_a_map_that_names_the_same_shards_changes_nothing(followed):
    followed.look()
    followed.look(ClusterMap(ONE.shards, generation=7))
    assert len(followed.made) == 1
    assert followed.is_in(0)


def test_searches_go_over_once_all_shards_are_open(followed):
    before = seen(followed.searcher.search(read(EVERYTHING)))
    followed.n_openable = 1
    followed.look(OTHER)
    assert followed.is_in(0)
    assert followed.made[1].n_open == 1
    assert seen(followed.searcher.search(read(EVERYTHING))) == before
    followed.made[1].n_openable = 2
    for each in followed.made[1].shards:
        each.is_lost = False
    followed.look()
    assert followed.is_in(1)
    assert followed.made[0].closed == 1
    assert seen(followed.searcher.search(read(EVERYTHING))) == before
    assert followed.freed == 0
    followed.look()
    assert followed.freed == 1


def test_a_shard_that_is_lost_for_good_is_left_out_once_the_earlier_ones_are_lost_too(followed):
    followed.n_openable = 1
    followed.look(OTHER)
    assert followed.is_in(0)
    followed.made[0].lose(0)
    followed.look()
    assert followed.is_in(0)  # one of two answers in either
    followed.made[0].lose(1)
    followed.look()
    assert followed.is_in(1)
    results = followed.searcher.search(read(EVERYTHING))
    assert results.total == N_ARTICLES / 2
    assert results.reading.notes[0].startswith("1 of 2 parts of the archive answered")


def test_while_none_of_the_later_ones_is_open_searches_stay(followed):
    followed.n_openable = 0
    followed.look(OTHER)
    followed.made[0].lose(0, 1)
    followed.look()
    assert followed.is_in(0)
    with pytest.raises(ShardsOut):
        followed.searcher.search(read(EVERYTHING))


def test_a_map_that_changes_again_leaves_nothing_open(followed):
    followed.n_openable = 1
    followed.look(OTHER)
    followed.n_openable = 2
    followed.look(OTHER.renewed([1]))
    assert [each.closed for each in followed.made] == [1, 1, 0]
    assert followed.is_in(2)
    followed.n_openable = 1
    followed.look(OTHER.renewed([0, 1]))
    followed.look(OTHER.renewed([1]))  # as it was
    assert [each.closed for each in followed.made] == [1, 1, 0, 1]
    assert followed.is_in(2)


def test_a_map_that_is_lost_or_damaged_leaves_all_as_it_is_and_is_said_once(followed, caplog):
    caplog.set_level(logging.WARNING)
    (followed.folder / FILE).unlink()
    for content in (None, b"{", b'{"format": 1, "shards": []}'):
        if content is not None:
            (followed.folder / FILE).write_bytes(content)
        followed.look()
        followed.look()
        assert followed.searcher.search(read(EVERYTHING)).total == N_ARTICLES
    said = [each for each in caplog.messages if each.startswith("searches go on in the shards")]
    assert len(said) == 2  # that it is missing, and that it cannot be read
    followed.look(OTHER)
    assert followed.is_in(1)


def test_a_search_that_began_in_the_earlier_shards_ends_in_them(followed, monkeypatch):
    monkeypatch.setattr("backfile.index.search.result_cache.ARTICLES_AT_ONCE", 2)
    expected = [each.article.id for each in followed.searcher.articles(read(EVERYTHING))]
    articles = followed.searcher.articles(read(EVERYTHING))
    hits = followed.searcher.all_hits(read(EVERYTHING)).articles
    found = [next(articles), next(articles)]
    others = [next(hits)]
    followed.look(OTHER)
    assert followed.is_in(1)
    assert followed.made[0].closed == 0
    found += articles
    assert [each.article.id for each in found] == expected
    assert followed.made[0].closed == 0
    others += hits
    assert [each.article.id for each in others] == expected
    assert followed.made[0].closed == 1


def test_a_list_that_is_left_keeps_no_shard_open(followed, monkeypatch):
    monkeypatch.setattr("backfile.index.search.result_cache.ARTICLES_AT_ONCE", 2)
    articles = followed.searcher.articles(read(EVERYTHING))
    next(articles)
    followed.look(OTHER)
    assert followed.made[0].closed == 0
    articles.close()
    assert followed.made[0].closed == 1


def test_what_was_known_of_the_earlier_shards_is_forgotten(followed):
    followed.searcher.overview()
    age = followed.searcher.generation_age
    followed.seconds += 5.0
    assert followed.searcher.generation_age == age + 5.0
    followed.look(OTHER)
    assert followed.searcher.generation_age < 1.0
    assert followed.searcher.overview().articles == N_ARTICLES
    assert followed.searcher.readiness().is_whole
