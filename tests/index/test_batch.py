"""Many queries at once, from the page and from the shell: the hits that each would have alone."""

import csv
import gzip
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backfile.index.search.batch import LARGEST, ListedQuery, read_queries, text_of
from backfile.web.api.exports import HIT_COLUMNS
from backfile.web.app import create_app
from backfile.web.search.batch import MOST_QUERIES
from tests.builders import app_in, backfile


@pytest.fixture
def client(searcher, reader):
    return create_app(searcher, reader).test_client()


def rows_of(text):
    return list(csv.DictReader(io.StringIO(text.lstrip("\ufeff"))))


def upload(client, content, **fields):
    content = content.encode() if isinstance(content, str) else content
    data = {"queries": (io.BytesIO(content), "queries.csv"), **fields}
    return client.post("/batch", data=data, content_type="multipart/form-data")


def asked(text):
    return list(read_queries(io.StringIO(text, newline="")))


def test_each_query_has_the_hits_that_it_has_alone(client):
    answer = upload(client, "id,q,source,since\na,ferry,,\nb,harbour,Gazette,\nc,bridge,,2024\n")
    rows = rows_of(answer.text)
    searches = {"a": "q=ferry", "b": "q=harbour&source=Gazette", "c": "q=bridge&since=2024"}
    for name, search in searches.items():
        alone = client.get(f"/api/search?{search}").json
        mine = [row for row in rows if row["id"] == name]
        ids = [hit["article"]["id"] for hit in alone["hits"]]
        assert [row["article"] for row in mine if row["rank"]] == ids
        assert {row["total"] for row in mine} == {str(alone["total"])}
        assert {row["verdict"] for row in mine} == {alone["verdict"]}
        assert [row["rank"] for row in mine if ids] == [str(n) for n, _ in enumerate(ids, 1)]
    assert "filename=batch-hits-" in answer.headers["Content-Disposition"]


def test_a_query_that_cannot_be_read_says_so_in_its_row_and_the_others_go_on(client):
    rows = rows_of(upload(client, "q,since\nferry,soon\nzxqv,\n,\n,2024\nferry,\n").text)
    assert "'soon' is no date" in rows[0]["error"]
    assert (rows[1]["query"], rows[1]["verdict"], rows[1]["total"]) == ("zxqv", "none", "0")
    assert {row["id"] for row in rows if row["query"] == ""} == {"3"}
    assert rows[-1]["article"]


def test_lines_that_are_no_table_are_queries_whole():
    assert [each.text for each in asked('fire, flood\n\n"river Ash"~5\n')] == [
        "fire, flood",
        '"river Ash"~5',
    ]


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        ("query\nferry\n", ListedQuery("1", "ferry", {})),
        ("ID;Query;Mode\r\n7;ferry;keyword\r\n", ListedQuery("7", "ferry", {"mode": ["keyword"]})),
        ("question\tsince\nferry\t2024\n", ListedQuery("1", "ferry", {"since": ["2024"]})),
        (
            'q,source,source,colour\n"""the ferry""",Courier,Gazette,red\n',
            ListedQuery("1", '"the ferry"', {"source": ["Courier", "Gazette"], "colour": ["red"]}),
        ),
    ],
)
def test_a_header_names_the_columns_whatever_parts_them(table, expected):
    assert asked(table) == [expected]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252"])
def test_a_list_is_read_in_the_encodings_that_spreadsheets_write(encoding):
    content = "q\nDrehbrücke über den Fluss\nFußgänger\n".encode(encoding)
    texts = [each.text for each in read_queries(text_of(io.BytesIO(content)))]
    assert texts == ["Drehbrücke über den Fluss", "Fußgänger"]


@given(st.binary())
def test_a_list_of_any_bytes_is_read_without_an_error(content):
    for each in read_queries(text_of(io.BytesIO(b"q,since\n" + content))):
        assert each.name


def test_a_cell_that_is_too_long_is_one_row_and_not_the_end():
    csv.field_size_limit(131_072)  # as it is before a table of articles was read
    rows = asked("q\n" + "x" * 200_000 + "\nferry\n")
    assert "field larger than field limit" in rows[0].error
    assert rows[1].text == "ferry"


def test_a_packed_list_is_unpacked(client):
    packed = gzip.compress("q\nferry\nFußgänger\n".encode("utf-16"))
    assert next(iter(rows_of(upload(client, packed).text)))["query"] == "ferry"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (gzip.compress(b"q\nferry\n" * 9)[:-12], "damaged or cut short"),
        (b"\x1f\x8bferry", "damaged or cut short"),
        (gzip.compress(bytes(LARGEST + 1)), "unpacked, the file has more than 32 MB"),
    ],
)
def test_a_packed_list_that_cannot_be_unpacked_is_refused(client, content, said):
    answer = upload(client, content)
    assert answer.status_code == 400
    assert said in answer.text


def test_no_cell_of_the_answer_is_taken_for_a_formula(client):
    rows = rows_of(upload(client, "id,q\n=1+1,\"=cmd|' calc'!A0\"\n@x,+ferry\n").text)
    assert not any(cell.startswith(("=", "+", "-", "@")) for row in rows for cell in row.values())


@pytest.mark.parametrize(
    "content", ["", "\n\n", "q,since\n", "q\n" + "ferry\n" * (MOST_QUERIES + 1)]
)
def test_none_and_too_many_are_refused_before_anything_is_answered(client, content):
    assert upload(client, content).status_code == 400


def test_an_upload_that_is_too_large_is_refused(client):
    kind = "multipart/form-data; boundary=b"
    assert client.post("/batch", data=b"x" * (2 << 20), content_type=kind).status_code == 413


def test_a_bad_parameter_of_all_queries_is_refused_at_once(client, indexed_by_words, tmp_path):
    assert upload(client, "ferry", mode="magic").status_code == 400
    path = tmp_path / "queries.csv"
    path.write_text("ferry\n")
    refused = backfile("search", "--batch", path, "--since", "soon", "--archive", indexed_by_words)
    assert (refused.exit_code, refused.stdout) == (2, "")


def test_searches_can_be_typed_instead_and_the_page_says_how(client):
    answer = client.post("/batch", data={"lines": "ferry\r\nfire, flood", "limit": "1"})
    assert [row["query"] for row in rows_of(answer.text)] == ["ferry", "fire, flood"]
    assert 'enctype="multipart/form-data"' in client.get("/batch").text


def test_the_shell_and_the_page_write_the_same_table(client, indexed_by_words, tmp_path):
    table = "id,q,mode\na,ferry,keyword\nb,swing bridge,keyword\nc,zxqv,keyword\n"
    path, hits = tmp_path / "queries.csv", tmp_path / "hits.csv"
    path.write_text(table)
    told = backfile("search", "--batch", path, "-o", hits, "--archive", indexed_by_words)
    assert told.exit_code == 0
    assert told.stderr == "3 queries, 2 with hits\n"
    ours = ("id", "query", "rank", "article", "verdict", "total")
    written, page = rows_of(hits.read_text()), rows_of(upload(client, table).text)
    assert [[row[name] for name in ours] for row in written] == [
        [row[name] for name in ours] for row in page
    ]
    assert list(written[0]) == list(HIT_COLUMNS)


@pytest.mark.parametrize(
    ("table", "code"), [("ferry\n", 0), ("zxqv\n", 1), ("q,since\nferry,\nferry,soon\n", 1)]
)
def test_the_exit_code_says_whether_all_was_answered(indexed_by_words, table, code):
    from click.testing import CliRunner

    from backfile.scripts.backfile import main

    arguments = ["search", "--batch", "-", "--mode", "keyword", "--archive", str(indexed_by_words)]
    assert CliRunner().invoke(main, arguments, input=table).exit_code == code


@pytest.mark.parametrize(
    "arguments", [["ferry", "--batch", "-"], ["--batch", "-", "--json"], [], ["ferry", "-o", "x"]]
)
def test_what_does_not_go_together_is_refused(indexed_by_words, arguments):
    assert backfile("search", *arguments, "--archive", indexed_by_words).exit_code == 2


@pytest.mark.parametrize("kind", ["csv", "jsonl", "ris"])
@pytest.mark.parametrize("search", [{"q": "ferry"}, {"q": "ferry", "source": "Courier"}, {}])
def test_the_shell_exports_what_the_page_does(indexed_by_words, tmp_path, kind, search):

    client = app_in(indexed_by_words).test_client()
    options = [o for name, value in search.items() if name != "q" for o in (f"--{name}", value)]
    path = tmp_path / "out"
    written = backfile(
        *("export", *([search["q"]] if "q" in search else []), *options),
        *("--mode", "keyword", "--format", kind, "-o", path, "--archive", indexed_by_words),
    )
    assert written.exit_code == 0
    asked_for = client.get(f"/export.{kind}", query_string={**search, "mode": "keyword"})
    assert path.read_bytes().decode() == asked_for.get_data(as_text=True)
    assert [each.name for each in tmp_path.iterdir() if each.suffix == ".part"] == []


def test_the_shell_leaves_out_the_byte_order_mark_when_asked_to(indexed_by_words):
    options = ("--mode", "keyword", "--archive", indexed_by_words)
    marked = backfile("export", "ferry", *options).stdout
    assert marked.startswith("\ufeffid,title,")
    assert backfile("export", "ferry", "--no-bom", *options).stdout == marked[1:]


def test_an_export_goes_to_stdout_and_of_nothing_is_exit_code_1(indexed_by_words):
    options = ("--mode", "keyword", "--format", "jsonl", "--archive", indexed_by_words)
    lines = backfile("export", "ferry", *options).stdout.splitlines()
    assert {json.loads(line)["id"] for line in lines} == {"ferry", "bridge", "<b>id</b>"}
    nothing = backfile("export", "zxqv", *options)
    assert (nothing.exit_code, nothing.stdout) == (1, "")
