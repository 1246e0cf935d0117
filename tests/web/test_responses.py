"""How answers travel: packed for whoever takes it, asked for again cheaply, with their times."""

import gzip
import re

import pytest

from backfile.web.app import create_app

TAKES_GZIP = {"Accept-Encoding": "gzip, deflate, br"}
WHOLE = ["/", "/?q=ferry", "/api/search?q=ferry", "/search.atom", "/static/backfile.css"]


@pytest.fixture
def get(searcher, reader):
    """Ask for a path, and let go of the file that a static one is read from."""
    client = create_app(searcher, reader).test_client()

    def ask(path, headers=None):
        with client.get(path, headers=headers) as answer:
            answer.get_data()
            return answer

    return ask


def without_times(body):
    return re.sub(rb'"took_ms":\{[^}]*\}', b"", body)


@pytest.mark.parametrize("path", WHOLE)
def test_an_answer_is_packed_for_whoever_takes_it_and_for_nobody_else(get, path):
    plain, packed = get(path), get(path, headers=TAKES_GZIP)
    assert "Content-Encoding" not in plain.headers
    assert packed.headers["Content-Encoding"] == "gzip"
    assert len(packed.data) < len(plain.data)
    assert without_times(gzip.decompress(packed.data)) == without_times(plain.data)
    for answer in (plain, packed):
        assert "Accept-Encoding" in answer.headers["Vary"]
        assert int(answer.headers["Content-Length"]) == len(answer.data)


@pytest.mark.parametrize("refusal", ["", "identity", "gzip;q=0", "br"])
def test_whoever_refuses_gzip_gets_none(get, refusal):
    answer = get("/", headers={"Accept-Encoding": refusal})
    assert "Content-Encoding" not in answer.headers


def test_what_is_streamed_or_tiny_is_sent_as_it_is(get):
    for path in ("/export.csv?q=ferry", "/healthz", "/static/icon.svg"):
        answer = get(path, headers=TAKES_GZIP)
        assert answer.status_code == 200
        assert "Content-Encoding" not in answer.headers


@pytest.mark.parametrize("headers", [{}, TAKES_GZIP], ids=["plain", "packed"])
def test_a_static_file_that_has_not_changed_is_not_sent_again(get, headers):
    first = get("/static/backfile.css", headers=headers)
    assert first.headers["Cache-Control"] == "no-cache"
    again = get("/static/backfile.css", headers={**headers, "If-None-Match": first.headers["ETag"]})
    assert again.status_code == 304
    assert again.data == b""


@pytest.mark.parametrize("path", ["/?q=ferry", "/api/search?q=ferry"])
def test_a_search_says_how_long_its_stages_took(get, path):
    header = get(path).headers["Server-Timing"]
    stages = dict(re.findall(r"(\w+);dur=([\d.e-]+)", header))
    assert {"words", "meaning", "rank", "fetch", "all", "render"} <= stages.keys()
    assert float(stages["all"]) >= float(stages["words"])
    assert float(stages["render"]) > 0
