"""Pages of long searches: few bytes, and links that lead where full ones would."""

import html
import re
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backfile.archive.model.errors import BadQuery
from backfile.index.model.filters import FACET_FILTERS, Filters
from backfile.index.model.query import Mode, Query, Sort
from backfile.web.app import create_app
from backfile.web.packed_links import changed, changes_of, packed_path, unpacked

TEXT = "the " * 200
MANY = [("not_source", f"Outlet {n} of the north") for n in range(50)]
MOST = 60_000  # bytes


@pytest.fixture
def client(searcher, reader):
    return create_app(searcher, reader).test_client()


def links(page):
    """All addresses of a page, as a browser resolves them."""
    base = re.search(r'<base href="([^"]*)"', page)
    return [
        urljoin(base[1] if base else "/", html.unescape(each))
        for each in re.findall(r'<a[^>]*? href="([^"]*)"', page)
    ]


@pytest.mark.parametrize(
    "asked",
    [
        [("q", TEXT), ("mode", "keyword")],
        [("q", "ferry"), *MANY],
        [("q", '"' * 3_990)],
        [("q", f'"{"the ferry " * 24}" ' * 15)],
        [("q", "<b> " * 990)],
        [("q", "桥梁关闭 " * 790)],
        [(name, f"Outlet {n}") for name in FACET_FILTERS[:4] for n in range(50)],
    ],
)
def test_a_page_is_small_whatever_was_asked(client, asked):
    assert len(client.get("/", query_string=asked).data) < MOST


@pytest.mark.parametrize("asked", [[("q", TEXT), ("mode", "keyword")], [("q", "ferry"), *MANY]])
def test_each_link_of_a_long_search_leads_to_a_page_with_all_of_it(client, asked):
    page = client.get("/", query_string=asked).text
    packed = [each for each in links(page) if each.startswith("/search/")]
    assert len(packed) > 10
    for link in packed:
        answer = client.get(link)
        assert answer.status_code == 302, link
        target = urlsplit(answer.headers["Location"])
        given = parse_qsl(target.query)
        kept = [pair for pair in asked if pair in given]
        assert len(kept) >= len(asked) - 1, link  # one may be what the link takes away
        assert client.get(answer.headers["Location"]).status_code == 200
    paths = {urlsplit(client.get(each).headers["Location"]).path.split("/")[1] for each in packed}
    assert {"", "article", "export.csv"} <= paths


def test_the_filters_of_a_long_search_are_those_that_are_checked(client):
    asked = [("q", TEXT), ("mode", "keyword"), ("source", "Courier"), ("since", "2001")]
    page = client.get("/", query_string=asked).text
    base = re.search(r'<base href="([^"]*)"', page)[1]
    form = page.split('<form id="narrowing"')[1].split("</form>")[0]
    assert "Gazette" in form
    hidden = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)">', form)
    sent = [*hidden, ("source", "Gazette"), ("since", ""), ("until", "")]
    narrowed = client.get(f"{base}?{urlencode(sent)}", follow_redirects=True)
    assert narrowed.request.path == "/"
    given = parse_qsl(urlsplit(narrowed.request.url).query)
    assert given == [("q", TEXT.strip()), ("mode", "keyword"), ("source", "Gazette")]


@pytest.mark.parametrize(("typed", "status"), [("May 1, 2013", 200), ("May 32", 400)])
def test_days_of_a_long_search_are_read_as_they_are_typed(client, typed, status):
    page = client.get("/", query_string={"q": TEXT, "mode": "keyword"}).text
    base = re.search(r'<base href="([^"]*)"', page)[1]
    answer = client.get(f"{base}?{urlencode({'since': typed})}", follow_redirects=True)
    assert answer.status_code == status
    assert 'value="2013-05-01"' in answer.text or f'value="{typed}"' in answer.text
    assert TEXT.strip() in answer.text


def test_a_short_search_has_the_links_that_people_can_read(client):
    page = client.get("/?q=ferry").text
    assert "<base" not in page
    assert 'href="/?q=ferry&amp;' in page


words = st.text("abc é/&=~-", max_size=6).map(str.strip)
queries = st.builds(
    Query,
    text=st.sampled_from(["", "ferry", TEXT.strip()]),
    mode=st.sampled_from(Mode),
    sort=st.sampled_from(Sort),
    filters=st.builds(
        Filters,
        since=st.dates() | st.none(),
        source=st.lists(words.filter(bool), max_size=3, unique=True).map(tuple),
        not_author=st.lists(words.filter(bool), max_size=3, unique=True).map(tuple),
    ),
)


@given(queries, queries)
def test_what_turns_a_search_into_another_is_applied_to_it(before, after):
    turn = parse_qsl(
        changes_of(before.to_parameters(), after.to_parameters()), keep_blank_values=True
    )
    turned = dict.fromkeys(changed(before.to_parameters(), turn))
    assert sorted(turned) == sorted(after.to_parameters())


@given(queries)
def test_a_packed_search_is_unpacked(query):
    if path := packed_path(query):
        assert list(unpacked(path.split("/")[2])) == query.to_parameters()


@pytest.mark.parametrize("packed", ["", "A", "eJx", "!!", "eJxLSixKAgAC"])
def test_a_damaged_address_is_refused(client, packed):
    with pytest.raises(BadQuery, match="cut short or changed"):
        unpacked(packed)
    if packed:
        assert client.get(f"/search/{packed}/").status_code == 400


def test_a_packed_address_leads_to_no_other_site(client):
    path = packed_path(Query(TEXT.strip()))
    for target in ("//evil.example", "article/", "evil.example", "admin"):
        assert client.get(path + target).status_code == 404
    answer = client.get(f"{path}article//evil.example?hit=g1o0")
    assert answer.headers["Location"].startswith("/article/%2Fevil.example?")


def test_what_grows_when_it_is_unpacked_is_refused():
    import base64
    import zlib

    bomb = base64.urlsafe_b64encode(zlib.compress(b"q=" + b"a" * 10_000_000)).decode()
    with pytest.raises(BadQuery):
        unpacked(bomb)
