"""What a Prometheus server reads of an archive and of those who search it."""

import pytest
from prometheus_client.parser import text_string_to_metric_families

from backfile.archive.model.errors import EngineUnavailable
from backfile.index.model.query import Query
from backfile.index.model.results import Verdict
from backfile.index.search.ranking import RankingOptions
from backfile.index.search.searcher import Searcher
from backfile.web.app import create_app
from backfile.web.metrics import SearchMetrics


@pytest.fixture
def client(searcher, reader):
    return create_app(searcher, reader).test_client()


def recording(engines, reader, **options):
    """A client of an application whose searches are measured."""
    searches = SearchMetrics()
    searcher = Searcher(engines, RankingOptions(floor=0.2), recorder=searches, **options)
    return create_app(searcher, reader, searches=searches).test_client()


def measures(client):
    """Each sample, by its name and labels."""
    answer = client.get("/metrics")
    assert answer.status_code == 200
    assert answer.content_type.startswith("text/plain; version=0.0.4")
    return {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def test_what_the_archive_holds_is_measured(client, searcher):
    found = measures(client)
    columns = searcher.table()
    assert found["backfile_articles",] == columns.n_articles > 0
    assert found["backfile_passages",] == columns.n_passages
    assert found["backfile_coverage_ratio",] == columns.coverage
    assert found["backfile_generation",] == columns.generation
    assert found["process_resident_memory_bytes",] > 1_000_000


def test_requests_are_counted_and_timed_by_route_and_not_by_address(client):
    for path in ("/?q=bridge", "/?q=ferry", "/article/nowhere", "/article/else", "/nowhere"):
        client.get(path)
    found = measures(client)
    assert found["backfile_requests_total", ("route", "/"), ("status", "200")] == 2
    assert (
        found["backfile_requests_total", ("route", "/article/<id:article_id>"), ("status", "404")]
        == 2
    )
    assert found["backfile_requests_total", ("route", "none"), ("status", "404")] == 1
    assert found["backfile_request_seconds_count", ("route", "/")] == 2
    assert found["backfile_request_seconds_sum", ("route", "/")] > 0


def test_a_bad_query_is_counted_as_what_it_is(client):
    client.get("/api/search?limit=many")
    found = measures(client)
    assert found["backfile_requests_total", ("route", "/api/search"), ("status", "400")] == 1


def test_the_age_of_the_generation_is_measured(engines, reader):
    now = [50.0]
    client = recording(engines, reader, seconds=lambda: now[0])
    assert measures(client)["backfile_generation_age_seconds",] == 0
    now[0] += 7
    assert measures(client)["backfile_generation_age_seconds",] == 7


def test_searches_are_counted_by_mode_and_outcome_and_timed_by_stage(engines, reader):
    client = recording(engines, reader)
    client.get("/api/search?q=ferry")
    client.get("/?q=ferry&mode=keyword")
    client.get("/export.csv?q=zzzz&mode=keyword").get_data()
    found = measures(client)
    counted = {
        (dict(labels)["mode"], dict(labels)["outcome"]): value
        for (name, *labels), value in found.items()
        if name == "backfile_searches_total"
    }
    assert counted == {
        ("hybrid", "strong"): 1,
        ("keyword", "strong"): 1,
        ("keyword", "none"): 1,
    }
    assert found["backfile_search_seconds_count", ("mode", "keyword")] == 2
    for stage, count in {"read": 2, "words": 3, "meaning": 3, "order": 3, "render": 2}.items():
        assert found["backfile_search_stage_seconds_count", ("stage", stage)] == count, stage
    assert found["backfile_search_stage_seconds_sum", ("stage", "words")] > 0
    assert not [name for name, *_ in found if name == "backfile_searches_cut_total"]


def test_searches_that_fail_are_counted_by_the_type_of_the_error(engines, reader, monkeypatch):
    client = recording(engines, reader)
    assert client.get("/api/search?q=(ferry+AND").status_code == 200
    monkeypatch.setattr(
        "backfile.index.search.ranker.Ranker.rank",
        lambda *_: (_ for _ in ()).throw(EngineUnavailable("Whoosh", "it is gone")),
    )
    assert client.get("/api/search?q=ferry").status_code == 503
    monkeypatch.setattr("backfile.index.search.ranker.Ranker.rank", lambda *_: 1 / 0)
    assert client.get("/api/search?q=ferry").status_code == 500
    found = measures(client)
    for outcome in ("EngineUnavailable", "unexpected"):
        labels = (("mode", "hybrid"), ("outcome", outcome))
        assert found["backfile_searches_total", *labels] == 1


def test_a_search_that_its_budget_cuts_is_counted(engines, reader):
    client = recording(engines, reader, budget=0.0)
    assert client.get("/api/search?q=ferry").json["query"]["notes"]
    assert measures(client)["backfile_searches_cut_total", ("mode", "hybrid")] == 1


def test_labels_are_bounded_whatever_is_asked(engines, reader):
    client = recording(engines, reader)
    for n in range(5):
        client.get(f"/api/search?q=word{n}&source=outlet{n}&mode=keyword")
        client.get(f"/api/search?q=a&mode=other{n}")
    series = [key for key in measures(client) if key[0] == "backfile_searches_total"]
    assert series == [("backfile_searches_total", ("mode", "keyword"), ("outcome", "none"))]


def test_a_recorder_is_asked_outside_of_a_request_too(engines):
    searches = SearchMetrics()
    Searcher(engines, RankingOptions(), recorder=searches).search(Query("ferry"))
    (counter,) = [each for each in searches.collect() if each.name == "backfile_searches"]
    assert counter.samples[0].labels["outcome"] in {verdict.value for verdict in Verdict}
