"""A divided archive is asked without a pause while its shards are split, or made anew."""

import gc
import json
import shutil
import weakref
from contextlib import contextmanager
from functools import partial
from urllib.parse import urlencode

import pytest

from backfile.archive.formats.fields import FieldMap
from backfile.archive.formats.inputs import Reading
from backfile.index.cluster.map.cluster_map import ClusterMap
from backfile.index.cluster.search import map_follower
from backfile.index.cluster.writing.dividing import divide, split
from backfile.index.cluster.writing.following import follow
from backfile.index.writing import open_for_writing
from backfile.web.app import create_app
from backfile.web.collections.access import Access
from backfile.web.metrics import SearchMetrics
from backfile.web.parts import HEADER
from backfile.web.served import Source
from tests.builders import silent, write_records
from tests.clusters import Asking
from tests.divided import news
from tests.named_models import indexed, use_named_models, with_another_model
from tests.web.servers import wait_until

N_ARTICLES, N_CLIENTS = 40, 3
MORE = {"id": "more", "title": "Ferry sold", "text": "The old ferry was sold for scrap.",
        "published": "2024-02-01", "source": "Courier", "language": "en"}  # fmt: skip
ARTICLES = news(5, N_ARTICLES)
ALIKE = urlencode({"q": ARTICLES[3]["text"][:200], "mode": "semantic", "limit": 50})
PATHS = [
    *("/api/search?q=&copies=show&limit=50", "/api/search?q=ferry&limit=50"),
    *(f"/api/search?{ALIKE}", "/api/search?q=storm+council&limit=50"),
    *('/api/search?q="ferry+bridge"&mode=keyword', "/api/search?q=brigde"),
    *("/export.jsonl?q=ferry&copies=show", "/api/articles/a3", "/api/suggest?q=fer"),
]


def ignore(*_):
    """Take no note of what was written."""


@contextmanager
def served(settings, folder=None):
    """A client of an archive, or of a divided one, as it is served."""
    opened = Source(settings, folder).open(SearchMetrics())
    try:
        opened.warm()
        app = create_app(
            opened.searcher,
            opened.reader,
            no_writes=opened.no_writes,
            access=Access(local=True),
        )
        yield app.test_client, opened.searcher
    finally:
        opened.close()


def said(path, answer):
    """What an answer says, but for what names one archive, or one moment."""
    assert answer.status_code == 200, (path, answer.text)
    if path.startswith("/api/search"):
        found = answer.json
        hits = [(hit["article"]["id"], round(hit["score"], 5)) for hit in found["hits"]]
        return found["total"], tuple(hits), tuple(found["query"]["notes"])
    return answer.text if path.startswith("/export") else json.dumps(answer.json, sort_keys=True)


def answers_of(settings):
    """What the undivided archive answers now."""
    with served(settings) as (client_of, _):
        return {path: said(path, client_of().get(path)) for path in PATHS}


class Clients(Asking):
    """Clients that ask without a pause; each answer is to be one of `right`, by its path."""

    def __init__(self, client_of, right, *, turn_pages):
        clients = [partial(self._ask, n) for n in range(N_CLIENTS)]
        super().__init__(*clients, *([self._turn_pages] if turn_pages else []))
        self._client_of, self._right = client_of, right

    def _ask(self, n):
        client = self._client_of()
        while not self.ends.is_set():
            n += 1
            path = PATHS[n % len(PATHS)]
            self._judge(path, client)

    def _judge(self, path, client):
        try:
            answer = client.get(path)
            found = said(path, answer)
        except Exception as exc:  # it is what the test is about
            self.wrong.append((path, repr(exc)))
            return
        states = [n for n, right in enumerate(self._right) if right[path] == found]
        if not states or HEADER in answer.headers:
            self.wrong.append((path, found))
        self.counts[tuple(states)] += 1

    def _turn_pages(self):
        """Read all pages of a list, which may go on in later shards than it began in."""
        client = self._client_of()
        while not self.ends.is_set():
            ids, cursor = [], ""
            while cursor is not None:
                path = f"/api/search?q=&copies=show&sort=oldest&limit=7&cursor={cursor}"
                answer = client.get(path).json
                ids += [hit["article"]["id"] for hit in answer["hits"]]
                cursor = answer["next"]
            if len(ids) != len(set(ids)) or len(ids) != N_ARTICLES:
                self.wrong.append(("pages", ids))
            self.counts["pages"] += 1


@pytest.fixture
def moving(tmp_path, monkeypatch):
    """The settings of an archive, and the folder of its shards."""
    use_named_models(monkeypatch)
    monkeypatch.setattr(map_follower, "SECONDS_BETWEEN_LOOKS", 0.1)
    articles = [
        each | {"published": f"2024-0{1 + n % 4}-{1 + n % 20:02}"} if "published" in each else each
        for n, each in enumerate(ARTICLES)
    ]
    path = write_records(tmp_path / "news.jsonl", articles)
    settings = indexed("alpha", tmp_path / "archive", path)
    divide(settings, tmp_path / "cluster", 3, silent, ignore)
    return settings, tmp_path / "cluster"


def has_gone_over(searcher, folder):
    """Whether searches are in the shards that the map names now."""
    names = [each.name for each in ClusterMap.read(folder).shards]
    return [each.name for each in searcher._groups.now.shards] == names


def test_while_shards_are_split_every_answer_is_that_of_the_archive(moving):
    settings, folder = moving
    right = answers_of(settings)
    with served(settings, folder) as (client_of, searcher):
        generation = searcher.overview().generation
        tag = client_of().get(PATHS[0]).headers["ETag"]
        with Clients(client_of, [right], turn_pages=True) as clients:
            for n in (1, -1):
                name = ClusterMap.read(folder).shards[n].name
                split(settings, folder, name, silent, ignore)
                wait_until(lambda: has_gone_over(searcher, folder), 60)
                before = clients.counts.total()
                wait_until(lambda b=before: clients.counts.total() > b + 2 * len(PATHS), 60)
        assert clients.wrong == []
        assert searcher.n_shards == len(ClusterMap.read(folder).shards) == 6
        assert searcher.overview().generation > generation
        again = client_of().get(PATHS[0], headers={"If-None-Match": tag})
        assert again.status_code == 200
        assert again.headers["ETag"] != tag
        metrics = client_of().get("/metrics").text
        assert "backfile_shards_answering 6.0" in metrics
        assert client_of().get("/readyz").json["parts"]["shards"] == {"status": "ok"}


def test_while_the_model_changes_no_answer_is_of_both(moving, tmp_path):
    settings, folder = moving
    before = answers_of(settings)
    with served(settings, folder) as (client_of, searcher):
        later = with_another_model("beta", settings.archive)
        more = write_records(tmp_path / "more.jsonl", [MORE])
        with open_for_writing(later, silent) as opened:
            opened.indexer.run(Reading([more], FieldMap()))
        after = answers_of(later)
        assert [path for path in PATHS[:4] if before[path] == after[path]] == []
        with Clients(client_of, [before, after], turn_pages=False) as clients:
            wait_until(lambda: clients.counts.total() > len(PATHS), 60)
            first = searcher._groups.now
            follow(later, folder, silent, ignore)
            wait_until(lambda: searcher._groups.now is not first, 60)
            seen = clients.counts.copy()
            wait_until(lambda: clients.counts[(1,)] > seen[(1,)] + 2 * len(PATHS), 60)
        assert clients.wrong == []
        assert clients.counts[(0,)]
        assert {path: said(path, client_of().get(path)) for path in PATHS} == after


def test_the_earlier_shards_are_closed_after_the_last_search(moving):
    settings, folder = moving
    with served(settings, folder) as (client_of, searcher):
        client_of().get(PATHS[1])
        earlier = searcher._groups.now.shards
        in_memory = [weakref.ref(each._searcher) for each in earlier]
        split(settings, folder, earlier[1].name, silent, ignore)
        wait_until(lambda: has_gone_over(searcher, folder), 60)
        wait_until(lambda: not any(each.is_open for each in earlier), 60)
        assert all(each.connect() is None for each in earlier)
        wait_until(lambda: gc.collect() >= 0 and not any(each() for each in in_memory), 60)
        shutil.rmtree(folder / "shards" / earlier[1].name)
        assert client_of().get(PATHS[0]).json["total"] == N_ARTICLES


def test_a_collection_follows_its_articles(moving):
    settings, folder = moving
    with served(settings, folder) as (client_of, searcher):
        searcher._memberships._collections.add("Boats", [("a3", ""), ("a7", "")])
        path = "/api/search?collection=Boats&copies=show"
        assert client_of().get(path).json["total"] == 2
        first = searcher._groups.now
        follow(with_another_model("beta", settings.archive), folder, silent, ignore)
        wait_until(lambda: searcher._groups.now is not first, 60)
        assert client_of().get(path).json["total"] == 2
