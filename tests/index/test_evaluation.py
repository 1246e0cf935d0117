"""Rankings held against judgments: the means, how far they can be trusted, and the command."""

import json
from contextlib import contextmanager
from datetime import date
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backfile.archive.model.errors import BadSetting
from backfile.index.asking.reader import read_query
from backfile.index.evaluation.judgments import BadJudgments, Judgments, plain_text
from backfile.index.evaluation.statistics import compare, estimate
from backfile.index.evaluation.systems import MEASURES, measure
from backfile.index.model.expression import Field, Word, Words
from backfile.index.model.query import Mode, Query
from backfile.scripts.commands.judged import places
from tests.builders import (
    JUDGED_ANSWERS,
    JUDGED_QUERIES,
    backfile,
    engines_in,
    fill,
    tiny_cross_encoder,
    write_judged,
)

USUAL = ["hybrid, convex", "hybrid, RRF", "keyword", "semantic"]


@pytest.fixture
def judged(tmp_path):
    return write_judged(tmp_path / "stories")


@pytest.fixture
def fakes(monkeypatch):
    """Archives in memory, in place of real ones; returns where each was made."""
    made = []

    @contextmanager
    def indexed(judgments, settings, *, quiet=True):
        made.append(settings.archive)
        engines = engines_in(settings.archive, in_memory=True)
        fill(engines, judgments.articles)
        yield engines
        engines.catalog.close()

    monkeypatch.setattr("backfile.scripts.commands.evaluate.indexed", indexed)
    return made


class Answering:
    """A searcher that gives each text the same ids in any mode."""

    def __init__(self, answers):
        self.answers = answers

    def search(self, query):
        ids = self.answers.get(query.text, ())
        return SimpleNamespace(hits=[SimpleNamespace(article=SimpleNamespace(id=i)) for i in ids])


def test_values_of_each_query_are_those_worked_out_by_hand(judged):
    searcher = Answering(
        {
            "night ferry": ["ferry", "bridge"],
            "swing bridge cracks": ["ferry", "untitled", "bridge"],
        }
    )
    found = measure(searcher, Judgments.in_folder(judged), Mode.KEYWORD)
    by_hand = {
        "nDCG@10": [1, 0.5, 0],  # 1 / log2(1 + rank)
        "RR@10": [1, 1 / 3, 0],
        "Success@1": [1, 0, 0],
        "Success@10": [1, 1, 0],
        "R@100": [1, 1, 0],
    }
    assert tuple(found) == MEASURES
    for name, values in by_hand.items():
        np.testing.assert_allclose(found[name], values)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('a AND "b c" SAME', "a AND b c SAME"),
        ("NOT title:ferry -brid* W/5 ash~ near5 (x", "NOT title ferry brid W 5 ash near5 x"),
        ("before:2024 on:yesterday", "before 2024 on yesterday"),
        (
            '"At" last the #SwingBridge is open a.example/b, they say',
            "At last the Swing Bridge is open they say",
        ),
        ("?!", ""),
    ],
)
def test_a_judged_query_is_read_as_plain_words(text, words):
    asked = read_query(Query(plain_text(text)), date(2024, 5, 6))
    assert asked.expression == (Words(tuple(map(Word, words.split()))) if words else None)
    assert not asked.filters


@given(st.text(max_size=200) | st.text(alphabet='ab5 "()*:~-/.#ANDORTSME', max_size=60))
def test_any_text_is_read_as_plain_words(text):
    asked = read_query(Query(plain_text(text)), date(2024, 5, 6))
    parts = asked.expression.parts if asked.expression else ()
    assert all(isinstance(part, Word) and part.field is Field.ANY for part in parts)


def test_only_queries_that_are_asked_and_judged_count(tmp_path):
    folder = write_judged(
        tmp_path / "odd", JUDGED_QUERIES | {"x": "x"}, JUDGED_ANSWERS | {"y": "ferry"}
    )
    judgments = Judgments.in_folder(folder)
    assert list(judgments.queries) == ["f", "b", "l"]
    assert judgments.relevant() == ["bridge", "ferry", "undated"]


def test_an_interval_holds_the_mean_and_shrinks_with_more_queries():
    few = np.random.default_rng(1).random(20)
    of_few, of_many = estimate(few), estimate(np.tile(few, 9))
    for found in (of_few, of_many):
        assert found.low < found.mean < found.high
        assert found.mean == pytest.approx(few.mean())
    # The width goes with one over the square root of the number of queries.
    assert (of_few.high - of_few.low) / (of_many.high - of_many.low) == pytest.approx(3, rel=0.15)


def test_values_that_are_all_alike_have_an_interval_of_no_width():
    found = estimate(np.ones(5))
    assert (found.low, found.mean, found.high) == (1, 1, 1)


def test_the_paired_test_tells_a_consistent_difference_from_none_and_from_noise():
    values = np.random.default_rng(1).random(50)
    noise = np.random.default_rng(2).normal(0, 0.1, 50)
    assert compare(values, values).p == 1
    better = compare(values, values - 0.05)
    assert better.p < 0.001
    assert better.difference.mean == pytest.approx(0.05)
    assert compare(values, values + noise).p > 0.05
    assert compare(values, values + noise) == compare(values, values + noise)


def test_the_paired_test_is_exact_where_queries_are_few():
    values = np.array([0.5, 0.6, 0.7])
    assert compare(values, values - 0.1).p == pytest.approx(2 / 2**3)


def test_evaluate_prints_a_line_a_system_with_intervals_and_the_test(fakes, judged):
    result = backfile("evaluate", judged)
    assert result.exit_code == 0, result.output
    head, names, *lines = result.stdout.rstrip().splitlines()
    assert head == "stories: 3 queries, 7 articles"
    assert names.split()[: len(MEASURES)] == list(MEASURES)
    assert [line[:20].strip() for line in lines] == USUAL
    assert lines[0].startswith("hybrid, convex      1.000 [1.000 1.000]")
    assert all(" p " in line for line in lines[1:])
    assert " p " not in lines[0]


def test_evaluate_as_json_has_each_query_only_where_asked_for(fakes, judged):
    (found,) = json.loads(backfile("evaluate", judged, "--json").stdout)
    assert (found["folder"], found["articles"], found["queries"]) == ("stories", 7, 3)
    systems = {system["name"]: system for system in found["systems"]}
    assert list(systems) == USUAL
    first, keyword = systems["hybrid, convex"], systems["keyword"]
    assert first["against"] is None
    assert first["ranking"]["vector_weight"] == 0.6
    assert keyword["mode"] == "keyword"
    assert set(keyword["measures"]) == set(MEASURES)
    assert set(keyword["measures"]["RR@10"]) == {"mean", "low", "high"}
    assert set(keyword["against"]) == {"difference", "p"}
    assert "values" not in keyword
    (found,) = json.loads(backfile("evaluate", judged, "--json", "--per-query").stdout)
    for system in found["systems"]:
        values = system["values"]["nDCG@10"]
        assert list(values) == ["f", "b", "l"]
        assert system["measures"]["nDCG@10"]["mean"] == pytest.approx(sum(values.values()) / 3)


def test_each_variation_is_a_further_row(fakes, judged, tmp_path):
    kept = tmp_path / "kept"
    result = backfile(
        *("evaluate", judged, "--archive", kept, "--vector-weight", "0.2", "--vector-weight", "1"),
        *("--floor", "0.9", "--passage-share", "0.1", "--json"),
    )
    (found,) = json.loads(result.stdout)
    names = [system["name"] for system in found["systems"][len(USUAL) :]]
    assert names == ["vector weight 0.2", "vector weight 1", "floor 0.9", "passage share 0.1"]
    assert [each["ranking"]["floor"] for each in found["systems"][-3:]] == [0.3, 0.9, 0.3]
    assert fakes == [kept]


@pytest.mark.model
def test_a_reranker_is_a_further_row_and_reads_in_its_own_time(
    fakes, judged, tmp_path, monkeypatch
):
    monkeypatch.setenv("BACKFILE_RERANK_MS", "1")
    model = tiny_cross_encoder(tmp_path / "tiny")
    (found,) = json.loads(backfile("evaluate", judged, "--reranker", model, "--json").stdout)
    row = found["systems"][len(USUAL)]
    assert row["name"] == "reranked by tiny"
    assert 0 < row["measures"]["nDCG@10"]["mean"] <= 1


def test_several_folders_have_an_archive_each_by_name(fakes, judged, tmp_path):
    other = write_judged(tmp_path / "again")
    (tmp_path / "kept").mkdir()
    result = backfile("evaluate", judged, other, "--archive", tmp_path / "kept")
    assert [line for line in result.stdout.splitlines() if "queries" in line] == [
        "stories: 3 queries, 7 articles",
        "again: 3 queries, 7 articles",
    ]
    assert fakes == [tmp_path / "kept" / "stories", tmp_path / "kept/again"]


def test_folders_of_one_name_are_refused(tmp_path):
    same = [Judgments.in_folder(write_judged(tmp_path / n / "dev")) for n in ("a", "b")]
    with pytest.raises(BadSetting, match="two of the folders are called dev"):
        places(same, tmp_path)


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("articles.jsonl", None, "holds no articles; an evaluation needs"),
        ("queries.tsv", None, "holds no queries.tsv; an evaluation needs"),
        ("qrels.txt", None, "holds no qrels.txt; an evaluation needs"),
        ("qrels.txt", "f 0 ferry\n", "cannot be read: not enough values"),
        ("queries.tsv", "f\tnight ferry\n", "holds 1 queries that are in"),
    ],
)
def test_a_folder_that_lacks_something_is_an_error_in_one_line(judged, name, content, reason):
    (judged / name).unlink()
    if content:
        (judged / name).write_text(content)
    result = backfile("evaluate", judged)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(f"backfile: {judged} {reason}")
    assert result.stderr.count("\n") == 1


def test_a_folder_that_is_not_there_is_an_error_in_one_line(tmp_path):
    result = backfile("evaluate", tmp_path / "none")
    assert result.exit_code == 2
    assert result.stderr.count("\n") == 1
    with pytest.raises(BadJudgments, match="is not a folder"):
        Judgments.in_folder(tmp_path / "none")


@pytest.mark.model
def test_evaluate_runs_with_the_real_engines_and_keeps_the_archive(judged, tmp_path):
    kept = tmp_path / "kept"
    result = backfile("evaluate", judged, "--archive", kept, "--json")
    assert result.exit_code == 0, result.output
    (found,) = json.loads(result.stdout)
    assert found["systems"][0]["measures"]["R@100"]["mean"] == 1
    assert json.loads(backfile("status", "--archive", kept, "--json").stdout)["articles"] == 7
