"""The commonest paths stay short: a search, a new article and an article page cross little code."""

import json
from dataclasses import asdict

import pytest
from click.testing import CliRunner

from backfile.scripts.bench.hops import NAMES, main, measure

MOST = {
    "search_modules": 71,
    "request_modules": 87,  # the aim is 35
    "index_modules": 66,  # the aim is 45
    "index_transactions": 3,
    "first_page_reads": 6,
    "page_reads": 4,
}


@pytest.mark.long
def test_the_commonest_paths_cross_no_more_than_they_may(tmp_path):
    found = asdict(measure(tmp_path))
    assert all(found.values())
    assert {name: found[name] for name, most in MOST.items() if found[name] > most} == {}


@pytest.mark.long
def test_every_count_is_printed_under_a_name_of_its_own():
    runner = CliRunner()
    assert list(json.loads(runner.invoke(main, ["--json"]).stdout)) == list(NAMES)
    assert len(runner.invoke(main).stdout.splitlines()) == len(NAMES)
