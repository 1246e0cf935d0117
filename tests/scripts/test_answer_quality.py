"""Verdicts on real questions and on nonsense, counted."""

import json

import pytest
from click.testing import CliRunner

from backfile.index.evaluation.judgments import Judgments
from backfile.index.model.results import Verdict
from backfile.index.search.ranking import RankingOptions
from backfile.scripts.bench.answer_quality import NONSENSE, Judge, main, verdicts
from tests.builders import write_judged


@pytest.fixture
def judge(engines):
    return Judge(engines, RankingOptions(floor=0.2))


def test_an_answer_is_judged_as_if_some_articles_were_not_there(judge):
    assert judge.verdict("night ferry timetable") is Verdict.STRONG
    assert judge.verdict("night ferry timetable", ["ferry"]) is not Verdict.STRONG
    assert judge.verdict("night ferry timetable", ["bridge"]) is Verdict.STRONG
    assert judge.verdict("lamp dusk keeper rock planks", ["undated"]) is Verdict.NONE


def test_each_kind_of_query_is_counted(judge, engines, tmp_path):
    judgments = Judgments.in_folder(write_judged(tmp_path / "judged"))
    found = verdicts(judge, judgments, engines)
    assert [counts.total() for counts in found.values()] == [3, 3, NONSENSE, NONSENSE]
    assert found["judged"][Verdict.STRONG] == 3
    assert found["judged, their articles removed"][Verdict.STRONG] < 3


@pytest.mark.model
def test_the_script_prints_a_table_or_json(tmp_path):
    options = [str(write_judged(tmp_path / "stories")), "--archive", str(tmp_path / "kept")]
    (found,) = json.loads(CliRunner().invoke(main, [*options, "--json"]).stdout).values()
    assert found["judged"] == {"strong": 3}
    lines = CliRunner().invoke(main, options).stdout.splitlines()
    assert lines[0].split() == ["stories", *Verdict]
    assert lines[1].split()[:2] == ["judged", "100.0%"]
