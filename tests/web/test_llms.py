"""The page for language models: its addresses work."""

import re

import pytest

from backfile.web.app import create_app


def test_what_is_there_is_said_in_plain_text_and_works(searcher, reader):
    client = create_app(searcher, reader).test_client()
    answer = client.get("/llms.txt", base_url="https://news.example")
    assert answer.content_type == "text/plain; charset=utf-8"
    assert answer.text.startswith("# Backfile\n\n> ")
    addresses = set(re.findall(r"https://news\.example(/[^\s\])]*)", answer.text))
    assert len(addresses) >= 7
    for each in addresses:
        assert client.get(each.replace("ID", "ferry").rstrip(":")).status_code == 200, each


@pytest.mark.parametrize("mode", ["hybrid", "keyword", "semantic"])
def test_each_mode_is_named(searcher, reader, mode):
    assert mode in create_app(searcher, reader).test_client().get("/llms.txt").text
