"""Whether an answer is worth reading, held against what nonsense scores."""

import json

import numpy as np
import pytest

from backfile.archive.store.catalog import Counts
from backfile.index.indexing.calibration import calibrate
from backfile.index.model.candidates import Candidates
from backfile.index.model.matches import Matches
from backfile.index.model.noise import USUAL_NOISE, Calibration, Evidence, NoiseFile, noise_of
from backfile.index.model.query import Mode, Query
from backfile.index.model.results import Offer, Verdict
from backfile.index.model.scale import USUAL_SCALE, Scale, Spread
from backfile.index.model.whole import result_of
from backfile.index.search.answer_quality import findings, judge
from backfile.index.search.ranking import RankingOptions
from backfile.index.search.searcher import Searcher
from tests.builders import DAMAGES, damage, engines_in, fill, write_stories

NOISE = USUAL_NOISE[:2]  # as if it had been measured
SCALE = Scale(Spread(0.8, 0.02), Spread(0.81, 0.02), (0.5, 0.25), 0.84)
MEASURED = Calibration(NOISE, SCALE)


def found(*, lexical=(0.0,), cosines=(0.3,), most=10.0, asked=False, n_words=6, by_words=True):
    """One article a passage, and what was asked of it."""
    n = len(lexical)
    marked = np.full(n, by_words)
    lexical, cosines = np.array(lexical, np.float32), np.array(cosines, np.float32)
    everywhere = np.full(n, True)
    candidates = Candidates(
        rows=np.arange(n),
        fused=lexical,
        lexical=lexical,
        cosines=cosines,
        closeness=cosines,
        near=everywhere,
        by_words=marked,
        by_meaning=everywhere,
        word_share=lexical,
        assumed=float(np.nanmedian(cosines)) if len(cosines) else np.nan,
    )
    masks = [everywhere, marked, marked, *[np.full(n, asked)] * 2]
    return candidates, Matches(lexical, *masks, most=most, n_words=n_words)


def verdict(mode=Mode.HYBRID, noise=NOISE, **answer):
    candidates, matches = found(**answer)
    return judge(result_of(findings(candidates, matches)), matches.n_words, mode, noise)


def test_what_nonsense_reaches_is_nothing_and_what_it_never_reaches_is_strong():
    assert verdict(cosines=(0.3,)) is Verdict.NONE
    assert verdict(cosines=(0.45,)) is Verdict.WEAK
    assert verdict(cosines=(0.7,)) is Verdict.STRONG


def test_less_is_asked_in_an_archive_that_was_not_measured():
    assert verdict(cosines=(0.38,)) is Verdict.NONE
    assert verdict(cosines=(0.38,), noise=USUAL_NOISE) is Verdict.WEAK


@pytest.mark.parametrize("mode", [Mode.HYBRID, Mode.KEYWORD])
def test_an_article_that_holds_all_that_was_asked_for_is_never_nothing(mode):
    assert verdict(mode, lexical=(0.1,), cosines=(0.0,), asked=True) is Verdict.STRONG


def test_by_words_alone_some_of_a_few_words_are_a_doubtful_answer():
    assert verdict(Mode.KEYWORD, lexical=(0.1,), n_words=3) is Verdict.WEAK
    assert verdict(Mode.KEYWORD, lexical=(0.1,), n_words=6) is Verdict.NONE


def test_a_pasted_text_is_not_held_to_what_a_few_words_are():
    answer = {"lexical": (0.6,), "cosines": (0.42,)}
    assert verdict(**answer, n_words=8) is Verdict.NONE
    assert verdict(**answer, n_words=30) is Verdict.WEAK


def test_evidence_is_of_the_best_passages_and_what_is_not_embedded_counts_as_the_others():
    candidates, matches = found(lexical=(2.0, 4.0, 0.0), cosines=(0.5, np.nan, 0.3), most=16.0)
    words, meaning, both = result_of(findings(candidates, matches)).evidence
    assert words == pytest.approx(4.0 / 8.0)
    assert meaning == pytest.approx(0.5)
    assert both == pytest.approx(0.4 * 0.5 + 0.6 * 0.4)


def test_nothing_found_is_no_evidence():
    nobody = np.empty(0, np.float32)
    candidates, matches = found(lexical=nobody, cosines=nobody)
    assert result_of(findings(candidates, matches)).evidence == Evidence(0.0, -1.0, 0.0)


def test_between_two_lengths_noise_is_between_the_two():
    between, beyond = noise_of(3, USUAL_NOISE), noise_of(40, USUAL_NOISE)
    low, high = USUAL_NOISE[0].mean, USUAL_NOISE[1].mean
    assert between.mean.words == pytest.approx((low.words + high.words) / 2)
    assert beyond.mean == USUAL_NOISE[-1].mean


@pytest.mark.parametrize("content", ["", "{}", '{"noise": 3}', '{"noise": [{"n_words": 2}]}'])
def test_a_file_that_cannot_be_read_means_the_usual_noise(tmp_path, content):
    path = tmp_path / "noise.json"
    path.write_text(content)
    assert NoiseFile(path).read() == (USUAL_NOISE, USUAL_SCALE)
    assert NoiseFile(path).is_damaged()
    assert not NoiseFile(path).is_of(Counts(1, 1, 1))


@pytest.mark.parametrize("at", range(10))
@pytest.mark.parametrize("kind", DAMAGES)
def test_a_damaged_calibration_is_not_used(tmp_path, kind, at):
    file, counts = NoiseFile(tmp_path / "noise.json"), Counts(1, 2, 3)
    assert not file.is_damaged()
    file.write(counts, MEASURED)
    assert (file.read(), file.is_of(counts), file.is_damaged()) == (MEASURED, True, False)
    damage(tmp_path / "noise.json", kind, at / 10)
    assert not file.is_of(counts) or file.read() == MEASURED
    assert file.read() in (Calibration(), MEASURED)
    assert file.is_damaged() == (kind != "delete" and file.read() == Calibration())
    file.clear()
    assert not file.is_damaged()


def test_a_calibration_of_an_earlier_release_is_used(tmp_path):
    file, counts = NoiseFile(tmp_path / "noise.json"), Counts(1, 2, 3)
    file.write(counts, MEASURED)
    stored = json.loads((tmp_path / "noise.json").read_text())
    del stored["digest"]
    (tmp_path / "noise.json").write_text(json.dumps(stored))
    assert (file.read(), file.is_of(counts), file.is_damaged()) == (MEASURED, True, False)
    del stored["scale"]  # then scores were by the cosine as it is
    (tmp_path / "noise.json").write_text(json.dumps(stored | {"scores": 2}))
    assert file.read() == (NOISE, USUAL_SCALE)
    assert (file.is_of(counts), file.is_damaged()) == (False, False)


def test_a_calibration_that_is_not_complete_is_used_and_made_again(tmp_path):
    file, counts = NoiseFile(tmp_path / "noise.json"), Counts(1, 2, 3)
    file.write(counts, Calibration(scale=SCALE), whole=False)
    assert file.read() == (USUAL_NOISE, SCALE)
    assert (file.is_of(counts), file.is_damaged()) == (False, False)


def test_noise_is_kept_until_the_archive_has_grown(tmp_path):
    file = NoiseFile(tmp_path / "noise.json")
    file.write(Counts(100, 1_000, 500), MEASURED)
    assert file.read() == MEASURED
    assert file.is_of(Counts(100, 1_100, 550))
    assert not file.is_of(Counts(100, 1_000, 1_000))
    assert not file.is_of(Counts(100, 1_300, 500))


@pytest.fixture
def grown(tmp_path):
    """Many short stories, each of words of its own."""
    stories = [
        {"id": str(n), "title": f"{_word(n)} {_word(n + 7)}", "text": f"{_word(n)} {_word(n * 3)}."}
        for n in range(520)
    ]
    made = engines_in(tmp_path / "archive", in_memory=True)
    fill(made, write_stories(tmp_path, stories))
    yield made
    made.catalog.close()


def _word(n):
    return "".join("bcdfghjklm"[int(digit)] + "a" for digit in f"{n:04}")


def test_an_archive_is_measured_by_its_own_words_and_not_again_while_it_is_as_large(
    grown, tmp_path
):
    searcher = Searcher(grown, RankingOptions())
    calibrate(grown, searcher)
    stored = json.loads((tmp_path / "archive" / "noise.json").read_text())
    assert stored["passages"] == grown.catalog.counts().passages
    assert [each["n_words"] for each in stored["noise"]] == sorted(
        each["n_words"] for each in stored["noise"]
    )
    words = [each["mean"][0] for each in stored["noise"]]
    assert words == sorted(words, reverse=True)  # the more words, the fewer of them in one place
    before = (tmp_path / "archive" / "noise.json").stat().st_mtime_ns
    calibrate(grown, searcher)
    assert (tmp_path / "archive" / "noise.json").stat().st_mtime_ns == before


def test_nonsense_finds_nothing_and_says_so_in_every_number(searcher):
    results = searcher.search(Query("zxqv wvut plonk hjkl grmbl"))
    assert results.verdict is Verdict.NONE
    assert not results.hits
    assert results.totals.articles == results.totals.by_words == 0
    assert not any(results.facets.values())
    assert not results.timeline.bins
    assert results.next is None


def test_where_nothing_is_found_words_are_offered_with_their_articles(engines, searcher):
    engines.noise.write(engines.catalog.counts(), Calibration(NOISE))
    results = searcher.search(Query("fery qwrtz zxcvb keeper lmnop ghjkl wrtzu plonk"))
    assert results.verdict is Verdict.NONE
    assert set(results.offers) >= {Offer("ferry", 3), Offer("keeper", 1)}
    for offer in results.offers:
        again = searcher.search(Query(offer.word, mode=Mode.KEYWORD))
        assert again.totals.articles == offer.articles
