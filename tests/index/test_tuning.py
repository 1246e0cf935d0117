"""The weight that suits an archive: how it is chosen, kept, read, and overruled."""

import json
from contextlib import contextmanager
from dataclasses import asdict, replace
from types import SimpleNamespace

import numpy as np
import pytest

from backfile.archive.model.errors import EngineUnavailable
from backfile.archive.model.settings import Settings
from backfile.archive.store.manifest import Tuning
from backfile.index.evaluation.tuning import VECTOR_WEIGHTS, cross_validate, weights_to_try
from backfile.index.wiring import ranking_options
from tests.builders import backfile, engines_in, fill, write_stories
from tests.fakes import HashedWords

USUAL = Tuning(0.6)


def settings(archive, **environment):
    return Settings.from_environment({"BACKFILE_ARCHIVE": str(archive), **environment})


def test_what_was_tuned_is_read_back_and_written_whole(tmp_path):
    path = tmp_path / "ranking.json"
    assert Tuning.read(path) is None
    Tuning(0.3).write(path)
    Tuning(0.45, 0.1).write(path)
    assert Tuning.read(path) == Tuning(0.45, 0.1)
    assert list(tmp_path.iterdir()) == [path]


def test_a_write_that_fails_leaves_what_was_there(tmp_path, monkeypatch):
    path = tmp_path / "ranking.json"
    Tuning(0.3).write(path)

    def fail(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises(OSError, match="No space"):
        Tuning(0.45).write(path)
    assert Tuning.read(path) == Tuning(0.3)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"{}",
        b'{"vector_weight": 2}',
        b'{"vector_weight": 0.5, "passage_share": -1}',
        b"\xff",
    ],
)
def test_a_damaged_file_says_what_to_do(tmp_path, content):
    (tmp_path / "ranking.json").write_bytes(content)
    with pytest.raises(EngineUnavailable, match="remove it, and run `backfile tune` again"):
        ranking_options(settings(tmp_path))


def test_what_was_tuned_goes_before_the_default_and_the_environment_before_both(tmp_path):
    usual = Settings().vector_weight
    assert ranking_options(settings(tmp_path)).vector_weight == usual
    Tuning(0.3, 0.1).write(tmp_path / "ranking.json")
    assert ranking_options(settings(tmp_path)).vector_weight == 0.3
    assert ranking_options(settings(tmp_path)).passage_share == 0.1
    for given in (0.9, usual):
        there = settings(tmp_path, BACKFILE_VECTOR_WEIGHT=str(given))
        assert ranking_options(there).vector_weight == given


def consistent(best, count=30):
    """What each weight reaches where one weight is best for every query."""
    rng = np.random.default_rng(0)
    base = rng.uniform(0.3, 0.5, count)
    return {
        each: base + 0.3 - 0.3 * abs(each.vector_weight - best) - each.passage_share
        for each in weights_to_try(USUAL)
    }


def noise(count=30):
    """What each weight reaches where weights make no difference that lasts."""
    rng = np.random.default_rng(0)
    return {each: rng.uniform(0.3, 0.5, count) for each in weights_to_try(USUAL)}


def test_the_weight_that_is_better_on_every_query_is_found_and_is_beyond_noise():
    tuned = cross_validate(consistent(0.2), USUAL)
    assert tuned.best == Tuning(0.2)
    assert set(tuned.by_fold) == {Tuning(0.2)}
    assert tuned.gain.difference.mean == pytest.approx(0.12)
    assert tuned.after.mean == pytest.approx(tuned.before.mean + 0.12)
    assert tuned.gain.p < 0.001
    assert tuned.beyond_noise


def test_the_best_of_many_equal_weights_is_not_beyond_noise():
    tuned = cross_validate(noise(), USUAL)
    assert max(values.mean() for values in noise().values()) > tuned.before.mean
    assert not tuned.beyond_noise


def test_where_all_weights_are_equal_the_current_one_stays():
    current = Tuning(0.33, 0.05)
    assert current in weights_to_try(current)
    tuned = cross_validate(dict.fromkeys(weights_to_try(current), np.ones(3)), current)
    assert (tuned.best, tuned.gain.p, tuned.beyond_noise) == (current, 1, False)


def test_no_query_is_held_against_a_weight_it_helped_to_choose():
    # Each weight is right for one query alone: whoever looked at it would choose it.
    right = np.eye(len(VECTOR_WEIGHTS))
    reached = {Tuning(weight): right[n] for n, weight in enumerate(VECTOR_WEIGHTS)}
    assert cross_validate(reached, USUAL).after.mean == 0


TEXTS = [f"alpha{n} beta{n}" for n in range(8)]


class Misled(HashedWords):
    """A model that takes each query to mean what another article says."""

    def embed_query(self, text):
        wrong = f"Wrong\ngamma{TEXTS.index(text)}." if text in TEXTS else text
        return super().embed_query(wrong)


@pytest.fixture
def judged(tmp_path):
    """Queries that are answered by their words, and beside each answer an article that is not."""
    folder = tmp_path / "judged"
    folder.mkdir()
    right = [{"id": f"r{n}", "title": "Right", "text": f"{t}."} for n, t in enumerate(TEXTS)]
    wrong = [{"id": f"w{n}", "title": "Wrong", "text": f"gamma{n}."} for n in range(8)]
    write_stories(folder, right + wrong).rename(folder / "articles.jsonl")
    (folder / "queries.tsv").write_text("".join(f"{n}\t{t}\n" for n, t in enumerate(TEXTS)))
    (folder / "qrels.txt").write_text("".join(f"{n} 0 r{n} 1\n" for n in range(8)))
    return folder


@pytest.fixture
def archive(monkeypatch, judged, tmp_path):
    """An archive of those articles, in memory; its model can be exchanged."""
    engines = engines_in(tmp_path / "archive", in_memory=True)
    fill(engines, judged / "articles.jsonl")
    kept = SimpleNamespace(folder=tmp_path / "archive", embedder=Misled())

    @contextmanager
    def opened(settings):
        yield replace(engines, embedder=kept.embedder)

    monkeypatch.setattr("backfile.scripts.commands.tune.opened", opened)
    yield kept
    engines.catalog.close()


@pytest.mark.long
def test_tune_writes_a_weight_that_is_better_beyond_noise_into_the_archive(archive, judged):
    result = backfile("tune", judged, "--archive", archive.folder)
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert [line.split()[0] for line in lines[:4]] == ["8", "before", "after", "gain"]
    assert lines[4].startswith("on all queries best is vector weight ")
    assert lines[4].endswith(f": written into {archive.folder}")
    written = Tuning.read(archive.folder / "ranking.json")
    assert written.vector_weight < Settings().vector_weight
    assert ranking_options(settings(archive.folder)).vector_weight == written.vector_weight
    again = json.loads(backfile("tune", judged, "--archive", archive.folder, "--json").stdout)
    assert (again["current"], again["best"]) == (asdict(written),) * 2
    assert again["written"] is False


@pytest.mark.long
def test_tune_writes_nothing_that_may_be_noise_unless_forced(archive, judged):
    archive.embedder = HashedWords()
    result = backfile("tune", judged, "--archive", archive.folder)
    assert f"best is {USUAL}; the gain is not beyond noise; nothing was written" in result.stdout
    assert not (archive.folder / "ranking.json").exists()
    forced = backfile("tune", judged, "--archive", archive.folder, "--force", "--json")
    assert json.loads(forced.stdout)["written"] is True
    assert Tuning.read(archive.folder / "ranking.json") == Tuning(0.6)


@pytest.mark.long
def test_tune_says_where_the_environment_overrules_what_it_writes(archive, judged):
    given = {"BACKFILE_VECTOR_WEIGHT": "0.9"}
    result = backfile("tune", judged, "--archive", archive.folder, **given)
    assert "vector weight 0.9" in result.stdout
    assert result.stdout.endswith("but BACKFILE_VECTOR_WEIGHT is set, and overrules the first\n")


@pytest.mark.long
def test_tune_needs_no_articles_beside_an_archive_but_some_of_the_answers_in_it(archive, judged):
    (judged / "articles.jsonl").unlink()
    assert backfile("tune", judged, "--archive", archive.folder).exit_code == 0
    (judged / "qrels.txt").write_text("0 0 elsewhere 1\n1 0 elsewhere 1\n")
    result = backfile("tune", judged, "--archive", archive.folder)
    assert result.exit_code == 2
    assert result.stderr.startswith("backfile: judged answers no query with an article of")


@pytest.mark.long
def test_tune_without_an_archive_indexes_the_articles_and_writes_nowhere(
    archive, judged, monkeypatch
):
    @contextmanager
    def indexed(judgments, settings, *, quiet):
        with opened(settings) as engines:
            yield engines

    from backfile.scripts.commands.tune import opened

    monkeypatch.setattr("backfile.scripts.commands.tune.indexed", indexed)
    result = backfile("tune", judged)
    assert "; with --archive DIR it is written into one\n" in result.stdout
    assert not (archive.folder / "ranking.json").exists()


def test_tune_refuses_a_fusion_without_weights(judged):
    result = backfile("tune", judged, BACKFILE_FUSION="rrf")
    assert result.exit_code == 2
    assert "rrf has no weight to tune" in result.stderr


def test_status_shows_what_was_tuned(tmp_path):
    archive = tmp_path / "archive"
    backfile("index", write_stories(tmp_path), "--archive", archive, "--no-vectors")
    assert "ranking" not in backfile("status", "--archive", archive).stdout
    Tuning(0.35, 0.1).write(archive / "ranking.json")
    shown = backfile("status", "--archive", archive).stdout
    assert "ranking     vector weight 0.35, passage share 0.1, as tuned\n" in shown
    told = json.loads(backfile("status", "--archive", archive, "--json").stdout)
    assert told["tuned"] == {"vector_weight": 0.35, "passage_share": 0.1}
    given = backfile("status", "--archive", archive, BACKFILE_VECTOR_WEIGHT="0.5").stdout
    assert ", as tuned, but BACKFILE_VECTOR_WEIGHT overrules the first\n" in given
