"""The server for assistants, asked by the client of its SDK, in memory, by stdio and by HTTP."""

import json
import socket
import subprocess
import sys
import time
from contextlib import closing

import anyio
import pytest
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client

import backfile as library
from backfile.parameters import KNOWN
from backfile.scripts.assistants.server import server_of
from backfile.scripts.assistants.tools import LEAST, ArchiveTools, within
from tests.builders import STORIES, backfile

TOKEN = "0123456789abcdef-secret"
TOOLS = {"search", "passages", "article", "related", "timeline", "facets"}


@pytest.fixture
def archive(indexed_by_words):
    with library.open(indexed_by_words) as opened:
        yield opened


def asked(archive, name, **given):
    async def ask():
        async with Client(server_of(ArchiveTools(archive))) as client:
            return await client.call_tool(name, given)

    return anyio.run(ask)


def answer(archive, name, **given):
    found = asked(archive, name, **given)
    assert not found.is_error, found.content
    return found.structured_content


def test_the_tools_only_read_and_describe_their_parameters(archive):
    async def tools():
        async with Client(server_of(ArchiveTools(archive))) as client:
            return (await client.list_tools()).tools

    found = {tool.name: tool for tool in anyio.run(tools)}
    assert set(found) == TOOLS
    assert all(tool.description and tool.annotations.read_only_hint for tool in found.values())
    parameters = found["search"].input_schema["properties"]
    assert "names, numbers" in parameters["mode"]["description"]
    assert set(KNOWN) - {"timeline", "mark"} <= set(parameters)


def test_a_search_has_what_is_cited_and_true_counts(archive):
    found = answer(archive, "search", query="ferry", mode="keyword")
    expected = archive.search("ferry", mode="keyword")
    assert found["totals"]["articles"] == expected.totals.articles
    assert [hit["id"] for hit in found["hits"]] == [hit.article.id for hit in expected]
    first = found["hits"][0]
    assert first["date"] == expected[0].article.published.isoformat()
    assert first["url"] == expected[0].article.url
    assert first["passages"][0] in expected[0].article.text
    assert found["verdict"] == expected.verdict


def test_an_answer_fits_into_its_characters(archive):
    whole = answer(archive, "search", query="", limit=50, characters=50_000)
    small = answer(archive, "search", query="", limit=50, characters=LEAST)
    assert len(json.dumps(small, ensure_ascii=False)) < len(json.dumps(whole, ensure_ascii=False))
    for name in ("search", "passages"):
        for most in (1_000, 1_500, 3_000, 8_000):
            found = answer(archive, name, query="the", limit=50, characters=most)
            assert len(json.dumps(found, ensure_ascii=False)) <= most, (name, most)
    assert small["hits"]
    assert small["hits_cut"] == len(whole["hits"]) - len(small["hits"])


def test_passages_are_cut_and_the_last_hits_left_out():
    hits = [{"id": str(n), "passages": ["word " * 100, "more " * 100]} for n in range(9)]
    kept, left = within(hits, 2_500)
    assert 0 < len(kept) < 9
    assert left == 9 - len(kept)
    assert len(json.dumps(kept, ensure_ascii=False)) <= 2_500
    assert within([], 500) == ([], 0)


def test_an_article_is_read_in_parts(archive):
    whole, read, start = archive.article("ferry").text, "", 0
    while start is not None:
        part = answer(archive, "article", id="ferry", start=start, characters=LEAST)
        read, start = read + part["text"], part["next_start"]
    assert read == whole


def test_the_other_tools_answer(archive):
    passages = answer(archive, "passages", query="ferry", mode="keyword")["passages"]
    assert set(passages[0]) == {"text", "id", "title", "date", "source", "url", "start", "end"}
    article = archive.article(passages[0]["id"])
    assert article.text[passages[0]["start"] : passages[0]["end"]] == passages[0]["text"]
    assert set(answer(archive, "related", id="ferry")) >= {"earlier", "later"}
    timeline = answer(archive, "timeline", query="", mode="keyword")
    counted = sum(each["count"] for each in timeline["bins"]) + timeline["undated"]
    assert counted == timeline["total"] == len(STORIES)
    facets = answer(archive, "facets", query="", mode="keyword")
    assert facets["facets"]["source"] == archive.search("").facets["source"]


@pytest.mark.parametrize(
    ("name", "given", "said"),
    [
        ("article", {"id": "nowhere"}, "no article has the id"),
        ("search", {"query": "ferry", "since": "soon"}, "since: 'soon' is no date"),
        ("search", {"query": "a OR " * 70 + "b"}, "at most 64 are taken"),
        ("search", {"query": "ferry", "mode": "magic"}, "mode"),
    ],
)
def test_what_is_wrong_is_said_in_a_line(archive, name, given, said):
    found = asked(archive, name, **given)
    assert found.is_error
    assert said in found.content[0].text
    assert "Traceback" not in found.content[0].text


@pytest.mark.long
def test_the_command_speaks_by_stdin_and_stdout(indexed_by_words):
    arguments = ["-m", "backfile.scripts.backfile", "mcp", "--archive", str(indexed_by_words)]

    async def ask():
        server = stdio_client(StdioServerParameters(command=sys.executable, args=arguments))
        async with Client(server) as client:
            return await client.call_tool("search", {"query": "ferry", "mode": "keyword"})

    assert anyio.run(ask).structured_content["totals"]["articles"] > 0


def free_port():
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.mark.long
def test_the_command_serves_http_to_who_has_the_token(indexed_by_words):
    httpx = pytest.importorskip("httpx2")
    port = free_port()
    command = [sys.executable, "-m", "backfile.scripts.backfile", "mcp", "--http"]
    command += ["--port", str(port), "--archive", str(indexed_by_words)]
    server = subprocess.Popen(command, env={"BACKFILE_TOKEN": TOKEN, "PATH": ""})
    url = f"http://127.0.0.1:{port}/mcp"
    try:
        for _ in range(200):
            with closing(socket.socket()) as probe:
                if not probe.connect_ex(("127.0.0.1", port)):
                    break
            assert server.poll() is None
            time.sleep(0.1)
        assert httpx.post(url, json={}).status_code == 401
        assert httpx.post(url, json={}, headers={"Authorization": "Bearer x"}).status_code == 401
        with httpx.Client(headers={"Authorization": f"Bearer {TOKEN}"}) as client:
            assert client.post(url, json={}).status_code != 401
    finally:
        server.terminate()
        server.wait(20)


@pytest.mark.parametrize("token", ["", "short"])
def test_http_needs_a_token_that_cannot_be_guessed(indexed_by_words, token):
    result = backfile("mcp", "--http", "--archive", indexed_by_words, BACKFILE_TOKEN=token)
    assert result.exit_code == 2
    assert "BACKFILE_TOKEN: is needed for --http, of 16 characters or more" in result.output


def test_the_token_is_not_shown():
    from backfile.archive.model.settings import Settings

    assert TOKEN not in repr(Settings(token=TOKEN))
