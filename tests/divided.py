"""Archives that are divided, beside the same articles in one, and shards that are lost."""

import random
from contextlib import ExitStack
from dataclasses import replace
from datetime import date
from functools import partial

import numpy as np

from backfile.archive.model.errors import BadQuery
from backfile.archive.store.directory import ArchiveDirectory
from backfile.archive.store.sharding import copy_shard
from backfile.index.cluster.search.searching import ClusterSearcher
from backfile.index.cluster.search.shards import LocalShard
from backfile.index.model.query import Query
from backfile.index.search.ranking import RankingOptions
from backfile.index.search.searcher import Searcher
from tests.builders import engines_in, fill, indexer_of, write_records
from tests.fakes import HashedWords

DIMENSION = HashedWords.dimension
TODAY = date(2024, 6, 15)
WORDS = [
    "ferry",
    "bridge",
    "harbour",
    "council",
    "storm",
    "strike",
    "keeper",
    "lighthouse",
    "budget",
    "vote",
    "river",
    "market",
    "school",
    "fire",
    "police",
    "station",
    "train",
    "road",
    "winter",
    "summer",
    "mayor",
    "island",
    "coast",
    "fishing",
    "boat",
    "engine",
    "repair",
    "festival",
    "museum",
    "concert",
    "garden",
    "hospital",
    "doctor",
    "nurse",
    "teacher",
    "student",
    "library",
    "letter",
    "news",
]
SOURCES = ("Courier", "Gazette", "www.herald.example", "Hafenbote", "")
AUTHORS = ("Ana Ruiz", "Jonah Pryce", "Mia Storm", "Lee Harbour")
DATES = ("2023-12-30", "2024-01-02", "2024-02-29", "2024-03", "2024", "2024-06-01", None)


def sentence(choose):
    words = [choose.choice(WORDS) for _ in range(choose.randint(5, 14))]
    return " ".join(words).capitalize() + "."


def news(seed, n_articles):
    """Articles of few words, so that many match; some are copies that came out days later."""
    choose = random.Random(seed)
    found = []
    for n in range(n_articles):
        if found and choose.random() < 0.3:
            text = choose.choice(found)["text"]
        else:
            text = "\n\n".join(sentence(choose) for _ in range(choose.randint(1, 12)))
        article = {
            "id": f"a{n}",
            "title": sentence(choose)[:-1],
            "text": text,
            "source": choose.choice(SOURCES),
            "section": choose.choice(("Sport", "Local", "")),
            "authors": choose.sample(AUTHORS, choose.randint(0, 2)),
            "language": choose.choice(("en", "en", "de")),
        }
        if published := choose.choice(DATES):
            article["published"] = published
        found.append(article)
    return found


def random_query(choose):
    """A query of any kind that can be typed or sent."""
    a, b, c = choose.sample(WORDS, 3)
    d, e = choose.sample(WORDS, 2)
    more = " ".join(choose.sample(WORDS, 9))
    text = choose.choice(
        [
            *("", a, f"{a} {b}", f"{a} {b} {c}", f"when did the {a} of {b} close the {c} {d} {e}"),
            *(f'"{a} {b}"', f'"{a} {b} {c}"', f'{a} {b} {c} "{b} {c}" {more}', "the of"),
            *(f"{a} AND {b}", f"{a} OR {b}", f"{a} NOT {b}", f"{a} ({b} OR {c}) NOT {d}"),
            *(f"{a[:3]}*", f"{a[:-1]}~", f"{a[0]}?{a[2:]}", f"{a}s", f"={a}", f"{a[::-1]} {a}"),
            *(f"{a} W/5 {b}", f"{a} PRE/3 {b}", f"{a} W/S {b}", f"{a} W/P {b}", f'"{a} * {b}"'),
            *(f"title:{a}", f"source:courier {a}", f"source:nowhere {a}", f"author:storm {a}"),
            *(f'author:"Ana Ruiz" {a}', f"Courier {a}", f"{a} march 2024", f"after:2024-02 {a}"),
            *(f"date:none {a}", f"ATLEAST2({a})", f"HLEAD({a})", "LENGTH>40", f"LENGTH<60 {a}"),
            *(f"{a}x {b}", f"{a[1:]} {b}", f"zxqv {a}", "zxqv qqqq", f'"{a} zxqv {b}"'),
        ]
    )
    parameters = {
        "q": text,
        "mode": choose.choice(("hybrid", "hybrid", "keyword", "semantic")),
        "sort": choose.choice(("relevance", "relevance", "newest", "oldest", "added")),
        "copies": choose.choice(("fold", "show")),
        "limit": str(choose.choice((1, 3, 10))),
    }
    some = {
        "source": choose.choice(("Courier", "herald.example", "nowhere")),
        "not_source": "Gazette",
        "section": "Sport",
        "author": choose.choice(AUTHORS),
        "since": "2024-01-01",
        "until": "2024-03-31",
        "date": choose.choice(("none", "within")),
        "match": choose.choice(("all", "most", "some", "related")),
        "strict": "1",
    }
    for name in choose.sample(list(some), choose.choice((0, 0, 1, 2))):
        parameters[name] = some[name]
    return parameters


def seen(results):
    """An answer without what names one archive, or one moment, and without the texts of articles.

    Words that are offered are written as in the shard where they are most frequent.
    """
    offset = results.next.offset if results.next else None
    offers = tuple(replace(each, word=each.word.casefold()) for each in results.offers)
    closest = tuple(replace(each, hits=without_texts(each.hits)) for each in results.closest)
    results = replace(results, hits=without_texts(results.hits), closest=closest, offers=offers)
    return replace(results, generation=0, took_ms={}, next=offset, query=None)


def without_texts(hits):
    return tuple(hit.without_text() for hit in hits)


def read(parameters):
    return Query.from_parameters({name: [value] for name, value in parameters.items()})


class Divided:
    """An archive, and the same articles in shards; `assigned` is the shard of each article.

    `earlier` versions of articles are indexed before.
    """

    def __init__(
        self, folder, articles, assigned, *, in_memory=True, embedded=1.0, earlier=(), **options
    ):
        folder.mkdir(parents=True, exist_ok=True)
        self._stack = ExitStack()
        self._in_memory = in_memory
        archive = self.archive = self._open(folder / "archive")
        if earlier:
            fill(archive, write_records(folder / "earlier.jsonl", earlier))
        fill(archive, write_records(folder / "news.jsonl", articles))
        if embedded < 1:
            rows = archive.catalog.rows_after(0)
            archive.catalog.embedded.forget(rows[int(embedded * len(rows)) :])
        self._searcher = partial(
            Searcher, options=RankingOptions(floor=0.2, **options), today=lambda: TODAY
        )
        self.undivided = self._searcher(archive)
        numbers = archive.catalog.numbers_of([each["id"] for each in articles])
        places = {numbers[each["id"]]: n for each, n in zip(articles, assigned, strict=True)}
        self.engines = [
            self._shard(folder, n, [number for number, place in places.items() if place == n])
            for n in range(max(assigned, default=0) + 1)
        ]
        shards = [LocalShard(str(n), self._searcher(each)) for n, each in enumerate(self.engines)]
        self.cluster = ClusterSearcher(shards, budget=60.0, seconds_a_round=60.0)

    def _shard(self, folder, n, numbers):
        source, shard = (ArchiveDirectory(folder / name) for name in ("archive", f"shard-{n}"))
        shard.root.mkdir()
        copy_shard(source, shard, np.array(numbers, np.int64), DIMENSION, rest=n == 0)
        engines = self._open(shard.root)
        indexer = indexer_of(engines)
        indexer.lexical.bring_up()
        indexer.lexical.finish()
        indexer.seal()
        return engines

    def _open(self, folder):
        engines = engines_in(folder, in_memory=self._in_memory)
        self._stack.callback(engines.catalog.close)
        return engines

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.cluster.close()
        self._stack.close()


def answer_or_error(search, query):
    try:
        return seen(search(query))
    except BadQuery as exc:
        return str(exc)


def agrees(divided, parameters):
    """Whether both answer alike; the parameters of the query where they do not."""
    query = read(parameters)
    expected = answer_or_error(divided.undivided.search, query)
    assert answer_or_error(divided.cluster.search, query) == expected, parameters


def assignment(choose, n_articles):
    n_shards = choose.randint(1, 5)
    return [choose.randrange(n_shards) for _ in range(n_articles)]


class LostShard(LocalShard):
    """A shard whose connections break once it is lost, in the middle of a search, too."""

    def __init__(self, name, engines, n):
        super().__init__(name, Searcher(engines, RankingOptions(floor=0.2)))
        self.is_lost = False
        self._opened = []

    def break_connections(self):
        """End those that are open, as the end of its process does."""
        while self._opened:
            self._opened.pop().close()

    def connect(self):
        if self.is_lost:
            return None
        connection = super().connect()
        self._opened.append(connection)
        return BreakingConnection(self, connection)


class BreakingConnection:
    """A connection that breaks at the second round once its shard is lost."""

    def __init__(self, shard, connection):
        self._shard, self._connection, self._rounds = shard, connection, 0

    def send_bytes(self, content):
        self._rounds += self._shard.is_lost
        if self._rounds > 1:
            raise BrokenPipeError
        self._connection.send_bytes(content)

    def fileno(self):
        return self._connection.fileno()

    def recv_bytes(self):
        return self._connection.recv_bytes()

    def close(self):
        self._connection.close()


class ReplicatedShard:
    """A shard that several processes have open, each with its own view of the same archive."""

    def __init__(self, name, engines, n_replicas=2):
        self.name = name
        self.replicas = [LostShard(name, engines, n) for n in range(n_replicas)]

    @property
    def articles(self):
        return self.replicas[0].articles
