"""Who is let in to work, who waits, who is refused, and that the service itself always answers."""

import threading
import time

import pytest

from backfile.web.admission import FREE, Gate, gate_for
from backfile.web.app import create_app

SOON = 10  # seconds


@pytest.fixture
def gate():
    return Gate(1, 1, patience=0.05, streams=1)


@pytest.fixture
def client(searcher, reader, gate):
    return create_app(searcher, reader, gate=gate).test_client()


def samples(client):
    lines = client.get("/metrics").text.splitlines()
    return {
        line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines if line[0] != "#"
    }


def test_those_who_wait_enter_in_the_order_in_which_they_came():
    gate = Gate(1, 3, patience=SOON)
    order = []

    def enter(name):
        assert gate.enter()
        order.append(name)
        gate.leave()

    assert gate.enter()
    threads = []
    for name in range(3):
        threads.append(threading.Thread(target=enter, args=(name,)))
        threads[-1].start()
        while gate.waiting < name + 1:
            time.sleep(0.001)
    assert not gate.enter()  # the queue is full
    gate.leave()
    for thread in threads:
        thread.join(SOON)
    assert order == [0, 1, 2]
    assert (gate.working, gate.waiting, gate.refused["full"]) == (0, 0, 1)


def test_nobody_waits_longer_than_the_patience(gate):
    assert gate.enter()
    assert not gate.enter()
    assert (gate.waiting, gate.refused["late"]) == (0, 1)
    gate.leave()
    assert gate.enter()


def test_processes_share_cores_and_queue():
    assert gate_for(2, 32).threads == 4 + 32 + 4 + 4
    assert gate_for(2, 32, processes=4).threads == 1 + 8 + 4 + 4
    assert gate_for(1, 0, processes=8).threads == 1 + 0 + 4 + 4


def test_programs_are_refused_with_a_problem_and_a_time_to_come_back(client, gate):
    gate.enter()
    answer = client.get("/api/search?q=ferry")
    assert answer.status_code == 503
    assert answer.content_type == "application/problem+json"
    assert answer.json["detail"].endswith("try again in a few seconds")
    assert answer.headers["Retry-After"] == "2"
    gate.leave()
    assert client.get("/api/search?q=ferry").status_code == 200


def test_people_are_refused_with_a_page_in_their_language(client, gate):
    gate.enter()
    answer = client.get("/?q=ferry", headers={"Accept-Language": "de"})
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "2")
    assert "versuchen Sie es in einigen Sekunden erneut" in answer.text


def test_the_service_answers_about_itself_whatever_waits(client, gate):
    gate.enter()
    for path in ("/healthz", "/readyz", "/metrics", "/static/backfile.css"):
        with client.get(path) as answer:
            assert answer.status_code == 200, path
    assert client.get("/nowhere").status_code == 404
    assert client.application.view_functions.keys() >= FREE


def test_a_request_gives_its_place_back_however_it_ends(client, gate):
    for path in ("/?q=ferry", "/?limit=many", "/article/nowhere", "/api/search?q=ferry"):
        client.get(path)
        assert gate.working == 0, path


def test_an_error_in_finishing_an_answer_gives_the_place_back(searcher, reader, gate):
    app = create_app(searcher, reader, gate=gate)
    app.config["PROPAGATE_EXCEPTIONS"] = False

    @app.after_request  # runs before the gate's
    def fail(_response):
        raise ZeroDivisionError

    assert app.test_client().get("/?q=ferry").status_code == 500
    assert gate.working == 0


def test_an_export_holds_a_place_of_its_own_for_as_long_as_it_is_read(client, gate):
    with client.get("/export.jsonl?q=ferry", buffered=False) as export:
        assert (gate.working, gate.streams) == (0, 1)
        assert client.get("/?q=ferry").status_code == 200
        another = client.get("/export.csv?q=ferry")
        assert (another.status_code, another.headers["Retry-After"]) == (503, "2")
        assert export.get_data().count(b"\n") >= 1
    assert gate.streams == 0
    with client.head("/export.csv?q=ferry") as answer:  # its pieces are never computed
        assert answer.status_code == 200
    assert gate.streams == 0


def test_what_is_at_work_waits_and_was_refused_is_measured(client, gate):
    gate.enter()
    client.get("/?q=ferry")
    found = samples(client)
    assert found["backfile_requests_working"] == 1
    assert found["backfile_requests_waiting"] == 0
    assert found["backfile_requests_streams"] == 0
    assert found['backfile_requests_refused_total{reason="late"}'] == 1
    assert found['backfile_requests_refused_total{reason="full"}'] == 0
    assert found['backfile_requests_total{route="/",status="503"}'] == 1
