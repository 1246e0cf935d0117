"""A divided archive answers as one that is not divided, however many shards it has."""

import random
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from multiprocessing import Pipe
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backfile.archive.formats.fields import FieldMap
from backfile.archive.formats.inputs import Reading
from backfile.archive.model.errors import ArticleNotFound, EngineUnavailable, ShardsOut
from backfile.archive.store.catalog import Catalog
from backfile.archive.store.directory import ArchiveDirectory
from backfile.archive.store.sharding import copy_shard, tables_without_a_rule
from backfile.index.cluster.search.searching import ClusterSearcher
from backfile.index.cluster.search.shards import LocalShard
from backfile.index.indexing.verify import verify
from backfile.index.model.collection_statistics import without_lead
from backfile.index.search.ranking import Fusion, RankingOptions
from backfile.index.search.searcher import Searcher
from tests.builders import engines_in, fill, indexer_of, write_records
from tests.divided import (
    DIMENSION,
    Divided,
    LostShard,
    agrees,
    assignment,
    news,
    random_query,
    read,
    seen,
)

OPTIONS = [
    {},
    {"embedded": 0.5},
    {"embedded": 0.0},
    {"fusion": Fusion.RRF},
    {"passage_share": 0.1, "lexical_depth": 7},
    {"in_memory": False},
]


@settings(deadline=None, max_examples=6, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 1 << 32))
@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_shards_answer_as_one_archive(tmp_path_factory, options, seed):
    choose = random.Random(seed)
    n_articles = choose.randint(0, 30)
    folder = tmp_path_factory.mktemp("divided")
    assigned = assignment(choose, n_articles)
    with Divided(folder, news(seed, n_articles), assigned, **options) as divided:
        for _ in range(20):
            agrees(divided, random_query(choose))


def test_names_that_shards_spell_otherwise_are_one_name(tmp_path):
    articles = news(11, 9)
    for n, each in enumerate(articles):
        each |= {"source": ("Courier", "COURIER", "courier")[n % 3], "authors": ["Ana RUIZ"]}
    articles[0] |= {"source": "courier", "authors": ["Ana Ruiz"]}
    with Divided(tmp_path, articles, [n % 3 for n in range(9)]) as divided:
        for text in ("Courier ferry", "ana ruiz ferry", "source:couriers", "author:riuz ferry"):
            query = read({"q": text, "copies": "show"})
            one, other = divided.undivided.search(query), divided.cluster.search(query)
            assert one.offers == other.offers
            assert one.reading == other.reading
            assert one.offers or one.reading.notes


def test_pages_of_shards_are_those_of_one_archive(tmp_path):
    articles = news(3, 40)
    with Divided(tmp_path, articles, assignment(random.Random(3), 40)) as divided:
        for parameters in ({"q": "ferry bridge"}, {"q": "", "sort": "newest"}, {"q": "harbour"}):
            pages = [all_pages(each.search, read(parameters | {"limit": "4"}))
                     for each in (divided.undivided, divided.cluster)]  # fmt: skip
            assert pages[0] == pages[1]
            assert len(pages[0]) > 1


@pytest.mark.parametrize("seed", range(4))
def test_all_articles_of_a_search_are_those_of_one_archive(tmp_path, seed):
    choose = random.Random(seed)
    with Divided(tmp_path, news(seed, 25), assignment(choose, 25)) as divided:
        for _ in range(12):
            query = read(random_query(choose))
            whole = divided.undivided
            expected = [*whole.articles(whole.find_all(query, relaxes=False))]
            assert list(divided.cluster.articles(query)) == expected


@pytest.mark.parametrize("options", [{}, {"embedded": 0.0}, {"embedded": 0.5}], ids=str)
@pytest.mark.parametrize("seed", range(3))
def test_related_articles_are_those_of_one_archive(tmp_path, seed, options):
    choose = random.Random(seed)
    articles = news(seed, 30)
    with Divided(tmp_path, articles, assignment(choose, 30), **options) as divided:
        found = 0
        for article in articles:
            expected = divided.undivided.related(article["id"], limit=4)
            assert divided.cluster.related(article["id"], limit=4) == expected
            found += sum(map(len, expected.kinds.values()))
        assert found
        with pytest.raises(ArticleNotFound):
            divided.cluster.related("nowhere")


def test_an_error_that_cannot_be_sent_is_said_by_another(tmp_path, monkeypatch):
    class Unsendable(Exception):
        def __reduce__(self):
            raise TypeError("it holds a lock")

    def fails(*_args, **_options):
        raise Unsendable("no such thing")

    with Divided(tmp_path, news(7, 4), [0, 1, 0, 1]) as divided:
        monkeypatch.setattr(Searcher, "search", fails)
        with pytest.raises(RuntimeError, match="Unsendable: no such thing"):
            divided.cluster.search(read({"q": "ferry"}))


def test_a_lost_shard_ends_a_list_of_all_articles_with_an_error(tmp_path):
    with Divided(tmp_path, news(7, 8), [n % 2 for n in range(8)]) as divided:
        shards = [LostShard(str(n), each, n) for n, each in enumerate(divided.engines)]
        cluster = ClusterSearcher(shards, seconds_a_round=60.0)
        assert len(list(cluster.articles(read({"q": "", "copies": "show"})))) == 8
        shards[1].is_lost = True
        with pytest.raises(EngineUnavailable, match="the shard 1 is unavailable"):
            list(cluster.articles(read({"q": ""})))


def all_pages(search, query):
    """The ids of the hits of each page."""
    pages, cursor = [], None
    while True:
        results = search(replace(query, cursor=cursor))
        pages.append([hit.article.id for hit in results.hits])
        cursor = results.next
        if cursor is None:
            return pages


def test_a_search_takes_few_rounds_however_many_hits_it_has(tmp_path):
    with Divided(tmp_path, news(5, 40), assignment(random.Random(5), 40)) as divided:
        for (text, copies), most in MOST_ROUNDS.items():
            for more in ({}, {"sort": "newest"}, {"since": "2024-01-01", "source": "Courier"}):
                divided.cluster.search(read({"q": text, "copies": copies} | more))
                assert divided.cluster.last.rounds <= most, (text, more)


MOST_ROUNDS = {  # copies lie in several shards, and are folded in a round of their own
    ("", "show"): 3,  # 2 without names in the filters
    ("", "fold"): 4,
    ("ferry", "show"): 3,
    ("ferry", "fold"): 4,
    ("ferry bridge", "show"): 3,
    ("ferry bridge", "fold"): 4,
    ("when did the council of the island vote on the river", "show"): 4,
    ("when did the council of the island vote on the river", "fold"): 5,
    ("brigde", "fold"): 33,  # corrected, so that several searches are run
}


def test_a_shard_that_is_lost_is_left_out_and_the_answer_says_so(tmp_path):
    articles = news(7, 20)
    with Divided(tmp_path, articles, [n % 4 for n in range(20)]) as divided:
        shards = [LostShard(str(n), each, n) for n, each in enumerate(divided.engines)]
        cluster = ClusterSearcher(shards, seconds_a_round=60.0)
        whole = cluster.search(read({"q": "", "copies": "show"}))
        assert whole.total == 20
        shards[2].is_lost = True
        part = cluster.search(read({"q": "", "copies": "show"}))
        assert part.total == 15
        assert part.reading.notes[0] == (
            "3 of 4 parts of the archive answered; they hold 75% of its articles"
        )
        shards[2].is_lost = False
        assert cluster.search(read({"q": "", "copies": "show"})).total == 20


def test_what_crosses_grows_with_the_number_of_shards_and_not_with_its_square(tmp_path):
    sent = {}
    for n_shards in (4, 16):
        assigned = [n % n_shards for n in range(48)]
        with Divided(tmp_path / str(n_shards), news(3, 48), assigned) as divided:
            for text in ("ferry strike", "why does the ferry strike", ""):
                divided.cluster.search(read({"q": text, "copies": "fold"}))
                sent[text, n_shards] = divided.cluster.last.n_bytes
    for text, n_shards in sent:
        assert sent[text, n_shards] <= 1.5 * n_shards / 4 * sent[text, 4], text


@pytest.mark.parametrize("lost", range(3))
def test_a_later_page_counts_what_the_shards_that_are_left_hold(tmp_path, lost):
    with Divided(tmp_path, news(7, 30), [n % 3 for n in range(30)]) as divided:
        shards = [LostShard(str(n), each, n) for n, each in enumerate(divided.engines)]
        cluster = ClusterSearcher(shards, seconds_a_round=60.0)
        query = read({"q": "", "copies": "show", "limit": "2"})
        first = cluster.search(query)
        shards[lost].is_lost = True
        second = cluster.search(replace(query, cursor=first.next))
        left = cluster.search(query)
        assert (second.total, second.facets, second.timeline, second.span) == (
            (left.total, left.facets, left.timeline, left.span)
        )


def test_a_shard_that_hangs_costs_its_time_once_and_not_at_each_question(tmp_path):
    with Divided(tmp_path, news(7, 20), [n % 4 for n in range(20)]) as divided:
        shards = shards_of(divided.engines)
        shards[2] = HangingShard("2", shards[2])
        now = [0.0]
        cluster = ClusterSearcher(shards, seconds_a_round=0.5, seconds=lambda: now[0])
        query = read({"q": "", "copies": "show"})
        assert cluster.search(query).total == 20
        shards[2].hangs = True
        began = time.monotonic()
        assert [cluster.search(query).total for _ in range(4)] == [15] * 4
        assert cluster.overview().articles == 15
        assert time.monotonic() - began < 4 * 0.5
        shards[2].hangs = False
        now[0] += 60.0
        assert cluster.search(query).total == 20


class HangingShard:
    """A shard that takes part in nothing while it hangs, and breaks no connection."""

    def __init__(self, name, shard):
        self.name, self._shard, self.hangs = name, shard, False

    @property
    def articles(self):
        return self._shard.articles

    @property
    def replicas(self):
        return (self,)

    def connect(self):
        return HangingConnection(self, self._shard.connect())


class HangingConnection:
    def __init__(self, shard, connection):
        self._shard, self._connection = shard, connection
        self._silent, self._other_end = Pipe()

    def __getattr__(self, name):
        return getattr(self._connection, name)

    def fileno(self):
        return (self._silent if self._shard.hangs else self._connection).fileno()


def test_without_any_shard_the_search_says_what_to_do(tmp_path):
    with Divided(tmp_path, news(7, 4), [0] * 4) as divided:
        shard = LostShard("only", divided.engines[0], 0)
        cluster = ClusterSearcher([shard], seconds_a_round=60.0)
        cluster.search(read({"q": ""}))
        shard.is_lost = True
        with pytest.raises(ShardsOut, match="none of the 1 parts of the archive answers"):
            cluster.search(read({"q": ""}))


def test_a_shard_that_was_started_again_between_two_searches_takes_part(tmp_path):
    with Divided(tmp_path, news(7, 20), [n % 4 for n in range(20)]) as divided:
        shards = [LostShard(str(n), each, n) for n, each in enumerate(divided.engines)]
        cluster = ClusterSearcher(shards, seconds_a_round=60.0)
        query = read({"q": "", "copies": "show"})
        assert cluster.search(query).total == 20
        shards[2].break_connections()
        found = cluster.search(query)
        assert (found.total, found.reading.notes) == (20, ())


def test_all_articles_of_shards_that_have_changed_are_those_of_now(tmp_path):
    with Divided(tmp_path / "divided", news(7, 8), [n % 2 for n in range(8)]) as divided:
        shards = shards_of(divided.engines)
        cluster, query = ClusterSearcher(shards), read({"q": "", "copies": "show"})
        assert len(list(cluster.articles(query))) == 8
        more = [{"id": "more", "title": "Ferry", "text": "The ferry is back."}]
        fill(divided.engines[1], write_records(tmp_path / "more.jsonl", more))
        for shard in shards:
            shard._searcher.look_again()
        assert len(list(cluster.articles(query))) == 9


def test_threads_search_while_statistics_change(tmp_path):
    with Divided(tmp_path, news(7, 8), [n % 2 for n in range(8)]) as divided:
        query = read({"q": "ferry"})
        expected = seen(divided.cluster.search(query))

        def search(_):
            for replicas in divided.cluster._groups.now._replicas.values():
                for each in replicas.all():
                    each.statistics = None  # as where a shard has changed
            return seen(divided.cluster.search(query))

        with ThreadPoolExecutor(8) as threads:
            assert all(found == expected for found in threads.map(search, range(200)))


def unavailable(*_, **__):
    raise EngineUnavailable("an engine", "it is damaged")


PARTS = [
    ("lexical", "snapshot"),
    ("neighbours", "snapshot"),
    ("catalog", "stored"),
    ("catalog", "generation"),
]
DAMAGED_TOO = ["ferry bridge", '"ferry zxqv"', "brigde", "the of", "zxqv qqqq", "ferr*", ""]


@pytest.mark.parametrize("mode", ["hybrid", "keyword", "semantic"])
@pytest.mark.parametrize(("part", "method"), PARTS)
def test_a_shard_with_a_damaged_engine_is_left_out(tmp_path, monkeypatch, part, method, mode):
    with Divided(tmp_path, news(7, 20), [n % 4 for n in range(20)]) as divided:
        others = ClusterSearcher(shards_of(divided.engines[:2] + divided.engines[3:]))
        expected = [others.search(read({"q": text, "mode": mode})) for text in DAMAGED_TOO]
        monkeypatch.setattr(getattr(divided.engines[2], part), method, unavailable)
        cluster = ClusterSearcher(shards_of(divided.engines))
        for text, without in zip(DAMAGED_TOO, expected, strict=True):
            query = read({"q": text, "mode": mode})
            found = cluster.search(query)
            if found.reading.notes[:1] == (THREE_OF_FOUR,):
                assert found.hits == without.hits
                assert found.totals == without.totals
            else:  # what is damaged was not needed
                assert seen(found) == seen(divided.cluster.search(query))


THREE_OF_FOUR = "3 of 4 parts of the archive answered; they hold 75% of its articles"


def test_where_the_vectors_of_all_shards_are_damaged_words_answer(tmp_path, monkeypatch):
    with Divided(tmp_path, news(7, 20), [n % 4 for n in range(20)]) as divided:
        for engines in (divided.archive, *divided.engines):
            monkeypatch.setattr(engines.neighbours, "snapshot", unavailable)
        whole = Searcher(divided.archive, RankingOptions(floor=0.2))
        cluster = ClusterSearcher(shards_of(divided.engines))
        query = read({"q": "ferry bridge"})
        assert seen(cluster.search(query)) == seen(whole.search(query))
        assert cluster.search(query).reading.notes[0].startswith("by words alone: ")
        with pytest.raises(EngineUnavailable, match="it is damaged"):
            cluster.search(read({"q": "ferry bridge", "mode": "semantic"}))


def shards_of(engines):
    searchers = [Searcher(each, RankingOptions(floor=0.2)) for each in engines]
    return [LocalShard(str(n), searcher) for n, searcher in enumerate(searchers)]


@given(st.lists(st.tuples(st.integers(1, 3), st.integers(-1, 30)), max_size=20))
def test_clusters_cross_shards_whose_lead_is_elsewhere(articles):
    numbers = np.cumsum([step for step, _ in articles], dtype=np.int64)
    clusters = np.array([cluster or -1 for _, cluster in articles], np.int32)
    table = SimpleNamespace(number=numbers, cluster=clusters)
    expected = {each for each in clusters.tolist() if each >= 0} - set(numbers.tolist())
    assert without_lead(table) == expected


def test_each_table_of_the_catalogue_has_a_rule_for_shards():
    assert tables_without_a_rule() == set()


def test_a_shard_is_an_archive_by_itself(tmp_path):
    articles = news(9, 12)
    with Divided(tmp_path, articles, [n % 2 for n in range(12)], in_memory=False) as divided:
        for n, engines in enumerate(divided.engines):
            assert list(verify(engines)) == []
            own = [each["id"] for each in articles[n::2]]
            assert sorted(engines.catalog.articles_of(own)) == sorted(own)
            found = Searcher(engines, RankingOptions(floor=0.2)).search(read({"q": ""}))
            assert found.totals.articles == len(own)


def test_a_damaged_vector_is_not_copied_as_a_sound_one(tmp_path):
    articles = news(9, 6)
    with Divided(tmp_path, articles, [0] * 6):
        file = tmp_path / "archive" / "vectors"
        content = bytearray(file.read_bytes())
        content[3 * 2 * DIMENSION] ^= 1
        file.write_bytes(content)
        source, shard = (ArchiveDirectory(tmp_path / name) for name in ("archive", "another"))
        shard.root.mkdir()
        with pytest.raises(EngineUnavailable, match="1 rows are damaged"):
            copy_shard(source, shard, np.arange(1, 7), DIMENSION, rest=True)
        with closing(Catalog(shard.catalog)) as catalog:
            assert catalog.count_articles() == 0


def test_versions_and_originals_go_with_their_articles(tmp_path):
    engines = engines_in(tmp_path / "archive", in_memory=True)
    indexer, articles = indexer_of(engines), news(1, 6)
    paths = [write_records(tmp_path / f"{n}.jsonl", articles[n::2]) for n in range(2)]
    originals = engines.catalog.originals
    indexer.index(Reading(paths, FieldMap(), originals=originals))
    for n, path in enumerate(paths):
        write_records(path, [a | {"text": f"{a['text']} More."} for a in articles[n::2]])
    indexer.index(Reading(paths, FieldMap(), originals=originals))
    numbers = engines.catalog.numbers_of([each["id"] for each in articles])
    for n in range(2):
        source, shard = (ArchiveDirectory(tmp_path / name) for name in ("archive", f"shard-{n}"))
        shard.root.mkdir()
        own = [each["id"] for each in articles[n::2]]
        copy_shard(source, shard, np.array([numbers[i] for i in own]), DIMENSION, rest=n == 0)
        copied = Catalog(shard.catalog)
        for article_id in numbers:
            expected = engines.catalog.history.of(article_id) if article_id in own else []
            assert copied.history.of(article_id) == expected
        assert len(list(shard.originals.glob("*/*.gz"))) == 2  # the file before and after
        assert copied.archive() not in (0, engines.catalog.archive())
        copied.close()
    engines.catalog.close()
