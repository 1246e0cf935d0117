"""What a Prometheus server reads of an archive and of those who search it."""

import pytest
from prometheus_client.parser import text_string_to_metric_families

from backfile.web.app import create_app


@pytest.fixture
def client(searcher, reader):
    return create_app(searcher, reader).test_client()


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
