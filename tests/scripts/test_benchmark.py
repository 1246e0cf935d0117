"""The benchmark measures what it says: sizes, labels, queries, baselines, a server under load."""

import json
import re
import shutil
import sys
from dataclasses import replace

import numpy as np
import pytest

from backfile.archive.model.settings import Settings
from backfile.index.lexical.analysis.analyser import terms
from backfile.index.model.article_table import ArticleTable
from backfile.index.model.filtering import passing_articles
from backfile.index.model.query import Mode, Query
from backfile.index.wiring import open_engines, searcher_over
from backfile.scripts.bench import growing, load
from backfile.scripts.bench import (
    lexical_search as by_words,
)
from backfile.scripts.bench import (
    vector_search as by_meaning,
)
from backfile.scripts.bench.archives import RECOMBINED, Corpus, build
from backfile.scripts.bench.baselines.registry import baselines
from backfile.scripts.bench.baselines.words import Kind
from backfile.scripts.bench.growing import grow
from backfile.scripts.bench.queries import SHARES, filters_for, queries_from, since_for, typed
from backfile.scripts.bench.timing import bytes_below, cost_of, latency, timed
from backfile.scripts.commands.judged import CachingEmbedder
from backfile.web.app import create_app
from tests.builders import backfile, silent, write_stories


@pytest.fixture(autouse=True)
def few_more_articles(monkeypatch):
    """Two articles come in where a measurement has five: each is a process of two seconds."""
    monkeypatch.setattr(growing, "TIMES", 2)


@pytest.fixture(scope="module")
def settings(sample):
    return replace(Settings.from_environment({}), archive=sample)


@pytest.fixture(scope="module")
def source(settings):
    return open_engines(settings)


def words_in(articles):
    return {term for article in articles for term in terms(article.text)}


def test_a_smaller_corpus_is_of_whole_articles_of_the_archive(source):
    originals = {article.id: article for article, _ in source.catalog.digests()}
    chosen = list(Corpus(source.catalog, 40))
    assert 0 < len(chosen) < len(originals)
    assert all(originals[article.id] == article for article in chosen)


def test_a_larger_corpus_goes_on_with_the_sentences_of_the_archive(source):
    counts = source.catalog.counts()
    made = list(Corpus(source.catalog, 3 * counts.passages))
    further = [article for article in made if article.id.startswith(RECOMBINED)]
    originals = [article for article, _ in source.catalog.digests()]
    assert len(made) == len({article.id for article in made})
    assert len(further) == len(made) - counts.articles
    assert len(further) == pytest.approx(2 * counts.articles, rel=0.1)
    assert words_in(further) <= words_in(originals)
    assert not {article.text for article in further} & {article.text for article in originals}
    length = sum(len(a.text) for a in further) / sum(len(a.text) for a in originals)
    assert length == pytest.approx(2, rel=0.1)


def test_an_archive_is_built_with_lent_vectors_and_says_which_are_made_up(
    source, settings, tmp_path, monkeypatch
):
    counts = source.catalog.counts()
    built = build(
        source, settings, tmp_path / "archive", 2 * counts.passages, silent, n_embedded=32
    )
    assert built.passages == pytest.approx(2 * counts.passages, rel=0.1)
    assert built.articles == counts.articles + built.recombined
    assert built.synthetic == built.passages - counts.passages
    assert {rate.stage for rate in built.rates} >= {"reading", "embedding", "neighbours"}
    assert all(rate.count and rate.cost.seconds > 0 for rate in built.rates)
    engines = open_engines(built.settings)
    columns = ArticleTable.load(engines.catalog, 1)
    assert columns.coverage == 1
    rows = np.flatnonzero(columns.embedded)
    lengths = np.linalg.norm(engines.vectors.read(columns.n_rows)[rows].astype(np.float32), axis=1)
    np.testing.assert_allclose(lengths, 1, atol=0.01)
    title = next(article.id for article, _ in source.catalog.digests())
    lent, own = (e.vectors.read(10_000)[e.catalog.rows_of([title])] for e in (source, engines))
    np.testing.assert_array_equal(np.sort(lent, axis=0), np.sort(own, axis=0))


def test_queries_are_of_the_kinds_that_people_type_and_find_something(source, settings):
    queries = queries_from(source.catalog, 10)
    assert {kind: len(asked) for kind, asked in queries.items()} == dict.fromkeys(Kind, 10)
    assert queries == queries_from(source.catalog, 10)
    searcher = searcher_over(source, settings)
    for kind in Kind:
        for words in queries[kind]:
            found = searcher.search(Query(typed(kind, words), mode=Mode.KEYWORD))
            assert found.totals.articles, typed(kind, words)


def test_a_date_filter_lets_its_share_of_the_dated_articles_pass(source):
    columns = ArticleTable.load(source.catalog, 1)
    dated = int((columns.published > 0).sum())
    for share in SHARES[1:]:
        passing = passing_articles(columns, filters_for(columns, share)).sum()
        same_day = (columns.published == since_for(columns, share).toordinal()).sum()
        assert abs(passing - share * dated) <= max(1, same_day)
    nobody = replace(
        columns,
        published=np.zeros_like(columns.published),
        published_last=np.zeros_like(columns.published),
    )
    assert filters_for(nobody, 0.5) is None


def test_time_is_taken_of_each_call_and_answers_are_kept():
    found, answers = timed([lambda n=n: n for n in range(30)])
    assert answers == list(range(30))
    assert found.calls == 30
    assert 0 <= found.p50 <= found.p95 <= found.p99
    assert latency([5.0]).p99 == 5.0
    cost = cost_of(lambda: sum(range(2_000_000)))
    assert cost.processor > 0
    assert cost.seconds > 0


def test_a_query_is_embedded_once():
    class Counting:
        name, asked = "counting", 0

        def embed_query(self, text):
            self.asked += 1
            return np.ones(3)

    model = Counting()
    caching = CachingEmbedder(model)
    for text in ("ferry", "ferry", "bridge"):
        caching.embed_query(text)
    assert (model.asked, caching.name) == (2, "counting")


def test_engines_compete_on_the_same_passages(settings, tmp_path):
    place = build(
        open_engines(settings), settings, tmp_path / "archive", 60, silent, n_embedded=32
    ).settings
    engines, others = open_engines(place), baselines(tmp_path / "baselines")
    queries = queries_from(engines.catalog, 4)
    found = list(by_words.compare(engines, place.archive / "lexical", others.by_words, queries))
    assert [result.name for result in found[:2]] == ["Backfile", "Whoosh"]
    assert all(result.bytes and result.built.seconds > 0 for result in found)
    assert set(found[0].latencies) == set(Kind)
    texts = [typed(Kind.QUESTION, words) for words in queries[Kind.QUESTION]]
    near = list(by_meaning.compare(engines, place.archive / "chroma", others.by_meaning, texts))
    assert [result.name for result in near] == [
        *("Backfile", "Chroma", "numpy"),
        *("faiss, exact", "faiss, codes", "faiss, graph"),
    ]
    assert all(set(result.latencies) == set(SHARES) for result in near)
    assert near[0].worst[0.1] >= 0.98
    assert near[2].worst[1.0] == 1.0
    assert bytes_below(tmp_path / "baselines") > 10_000


def test_a_server_is_put_under_load_and_stopped(settings):
    served = load.load(settings, [Mode.KEYWORD], ["ferry", "bridge", "harbour dues"], seconds=0.5)
    assert served.loads[0].failed == 0
    assert served.loads[0].latency.calls >= load.CLIENTS
    assert served.loads[0].requests_a_second > 1
    assert served.peak_memory == 0 or served.peak_memory > 50_000_000


def test_refusals_are_counted_apart_from_answers_and_failures(settings, monkeypatch):
    monkeypatch.setenv("BACKFILE_QUEUE", "0")
    monkeypatch.setenv("BACKFILE_THREADS", "1")
    header, *rows = load.measure(settings, [1, 12], seconds=0.7)
    one, twelve = (re.findall(r"[\d.]+", row) for row in rows)
    assert [name.strip() for name in header.split("|")][4:6] == ["refused", "failed"]
    assert (one[0], one[5], one[6]) == ("1", "0", "0")
    assert (twelve[0], twelve[6]) == ("12", "0")
    assert int(twelve[5]) > 0


def test_a_file_is_indexed_beside_a_load(sample, settings, tmp_path):
    archive = shutil.copytree(sample, tmp_path / "archive")
    settings = replace(settings, archive=archive)
    more = write_stories(tmp_path, [{"id": "z", "title": "Zeppelin", "text": "It flew."}])
    broken = tmp_path / "absent.jsonl"
    _, *rows = load.measure(settings, [1, 1, 1], seconds=0.5, beside=[more, broken])
    seconds = [row.split("|")[-2].strip() for row in rows]
    assert seconds[0].isdecimal()
    assert seconds[1].startswith("failed")
    assert seconds[2] == "-"
    found = searcher_over(open_engines(settings), settings).search(Query("zeppelin flew"))
    assert found.hits[0].article.id == "z"


def test_the_mix_asks_only_what_the_server_knows(searcher, reader):
    client = create_app(searcher, reader).test_client()
    for path in map(load.mixed(["ferry", "harbour dues"]), range(20)):
        with client.get(path) as answer:
            assert answer.status_code == 200, path


# Options of the command.
QUICKLY = (
    *("--no-baselines", "--quiet", "--queries", "3"),
    *("--seconds", "0.2", "--embed", "32"),
)


def test_the_command_prints_tables_and_json(sample):
    options = ("--archive", sample, *QUICKLY)
    printed = backfile("benchmark", *options, "--size", "100")
    assert printed.exit_code == 0, printed.output
    for line in ("indexing", "serving 8 clients", "searching, ms", "best 10 by words", "recall"):
        assert line in printed.stdout
    assert "found after, s" in printed.stdout
    assert "own memory, MB" not in printed.stdout  # a table of several sizes
    assert re.search(r"^Backfile +\d+\.\d / \d+\.\d", printed.stdout, re.MULTILINE)
    found = json.loads(backfile("benchmark", *options, "--size", "100", "--json").stdout)
    (measured,) = found
    assert measured["built"]["recombined"] == 0
    timed_kinds = {(t["kind"], t["mode"], t["share"]) for t in measured["searches"]}
    assert {("question", "hybrid", 0.1), ("phrase", "keyword", 1.0)} <= timed_kinds
    assert measured["by_meaning"][0]["recalls"]["1.0"] >= 0.98


def test_archives_of_several_sizes_go_on_from_each_other_and_stand_beside_each_other(
    sample, tmp_path
):
    options = ("--archive", sample, *QUICKLY)
    sizes = ("--size", "300", "--size", "100", "--scratch", tmp_path)
    printed = backfile("benchmark", *options, *sizes)
    assert printed.exit_code == 0, printed.output
    table = {line[:24].strip(): line[24:].split() for line in printed.stdout.splitlines()[-14:]}
    small, large = (int(each.replace(",", "")) for each in table["passages"])
    assert 100 <= small < 300 <= large
    assert len(table["own memory, MB"]) == 2
    assert len(table["keyword, phrase, ms"]) == 6  # two pairs
    kept = [
        open_engines(replace(Settings.from_environment({}), archive=tmp_path / name / "archive"))
        for name in ("100", "300")
    ]
    ids = [{article.id for article, _ in each.catalog.digests()} for each in kept]
    assert ids[0] < ids[1]
    counts = kept[1].catalog.counts()
    assert counts.embedded == counts.passages == large
    again = json.loads(backfile("benchmark", *options, *sizes[:2], *sizes[-2:], "--json").stdout)
    assert again[0]["built"]["passages"] == large  # it is not built again


def test_one_more_article_is_found_by_a_server_that_runs(sample, settings, tmp_path):
    archive = shutil.copytree(sample, tmp_path / "archive")
    found = grow(replace(settings, archive=archive), ["ferry", "bridge"], 0.5, tmp_path)
    assert found.indexing.processor > 0
    assert 0 < found.visible < 60
    assert found.quiet.calls > 1
    assert found.beside.calls > 1
    assert open_engines(replace(settings, archive=archive)).catalog.counts().articles == (
        open_engines(settings).catalog.counts().articles + growing.TIMES
    )


def test_an_archive_with_nothing_to_ask_is_an_error_in_one_line(tmp_path):
    (tmp_path / "short.jsonl").write_text('{"id": "a", "text": "A fine day."}\n')
    archive = tmp_path / "archive"
    options = ("--archive", archive)
    assert backfile("index", tmp_path / "short.jsonl", *options, "--no-vectors").exit_code == 0
    result = backfile("benchmark", *options)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "no passage of 12 words" in result.stderr
    assert result.stderr.count("\n") == 1


def test_an_installed_package_has_no_benchmark_and_says_where_there_is_one(monkeypatch):
    monkeypatch.delitem(sys.modules, "backfile.scripts.bench.benchmark", raising=False)
    monkeypatch.setitem(sys.modules, "backfile.scripts.bench", None)
    result = backfile("benchmark", "--size", "1000", "--json")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == (
        "backfile: `backfile benchmark` needs a checkout of the source, and runs there\n"
    )
    listed = backfile("--help")
    assert listed.exit_code == 0
    assert "Measure the speed, in a checkout of the source." in listed.stdout
