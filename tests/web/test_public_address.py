"""The public address: by which names a server is asked, and which address it gives as its own."""

import pytest

from backfile.web.app import create_app
from backfile.web.public_address import LOCAL_HOSTS, hosts_of
from tests.web.servers import connected, get, served

PUBLIC = "https://archive.example:8443"
NAMING = ("/search.atom?q=ferry", "/search.json?q=ferry", "/opensearch.xml", "/llms.txt", "/api")


@pytest.fixture
def client(searcher, reader):
    return behind(searcher, reader).test_client()


def behind(searcher, reader, *, public_url=PUBLIC, **options):
    trusted = hosts_of(public_url, local=True)
    return create_app(searcher, reader, trusted_hosts=trusted, public_url=public_url, **options)


@pytest.mark.parametrize("path", NAMING)
@pytest.mark.parametrize("host", ["archive.example:8443", "127.0.0.1:8080"])
def test_addresses_in_answers_are_public_whatever_the_proxy_says(client, path, host):
    text = client.get(path, headers={"Host": host}).text
    assert PUBLIC in text
    assert "127.0.0.1" not in text
    assert "http://localhost" not in text
    assert "http://archive.example" not in text


def test_a_foreign_name_stays_refused(client):
    for host in ("evil.example", "archive.example.evil.example", "evil.example:8443"):
        assert client.get("/", headers={"Host": host}).status_code == 400
        forwarded = {"Host": host, "X-Forwarded-Host": "archive.example"}
        assert client.get("/", headers=forwarded).status_code == 400
    assert client.get("/healthz", headers={"Host": "localhost:8080"}).status_code == 200


def test_without_the_setting_the_name_of_no_header_is_trusted(searcher, reader):
    client = behind(searcher, reader, public_url="").test_client()
    assert client.get("/", headers={"Host": "archive.example"}).status_code == 400
    forwarded = {"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "https"}
    text = client.get("/opensearch.xml", headers=forwarded).text
    assert "evil" not in text
    assert "https://" not in text.replace("https://www.opensearch", "")


@pytest.mark.parametrize(
    ("public_url", "local", "hosts"),
    [
        ("", True, list(LOCAL_HOSTS)),
        ("", False, None),
        ("https://archive.example", True, [*LOCAL_HOSTS, "archive.example"]),
    ],
)
def test_the_names_by_which_a_server_is_asked(public_url, local, hosts):
    assert hosts_of(public_url, local=local) == hosts


def remaining(client, forwarded):
    answer = client.get("/api/suggest?q=fer", headers={"X-Forwarded-For": forwarded})
    return answer.headers["RateLimit"].split(";")[1]


def test_clients_are_counted_by_the_address_that_a_trusted_proxy_names(searcher, reader):
    client = behind(searcher, reader, rate=5, proxies=1).test_client()
    assert remaining(client, "192.0.2.1") == "r=4"
    assert remaining(client, "192.0.2.2") == "r=4"
    # What the client itself claims stands before what the proxy has added, and does not count.
    assert remaining(client, "203.0.113.9, 192.0.2.1") == "r=3"


def test_no_proxy_is_trusted_by_default(searcher, reader):
    client = behind(searcher, reader, rate=5).test_client()
    assert remaining(client, "192.0.2.1") == "r=4"
    assert remaining(client, "192.0.2.2") == "r=3"


@pytest.mark.parametrize(("proxies", "left"), [(0, "r=3"), (1, "r=4")])
def test_the_server_itself_hands_on_what_proxies_say_only_if_there_are_some(
    searcher, reader, proxies, left
):
    app = behind(searcher, reader, rate=5, proxies=proxies)
    with served(app, proxied=proxies > 0) as (_, port):
        for address in ("192.0.2.1", "192.0.2.2"):
            _, headers, _ = get(port, "/api/suggest?q=a", **{"X-Forwarded-For": address})
        told = {name.lower(): value for name, value in headers.items()}
        assert told["ratelimit"].split(";")[1] == left


def test_a_health_check_without_a_name_is_answered_behind_a_proxy_too(searcher, reader):
    with (
        served(behind(searcher, reader)) as (_, port),
        connected(port, b"GET /healthz HTTP/1.0\r\n\r\n") as client,
    ):
        assert client.recv(12) == b"HTTP/1.0 200"
