"""Decides the quality of an answer by comparing its scores with those of random words."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from backfile.index.lexical.scoring.holding import ALL_WORDS
from backfile.index.model.candidates import Candidates
from backfile.index.model.matches import Matches
from backfile.index.model.noise import USUAL_NOISE, Evidence, Noise, noise_of
from backfile.index.model.query import Mode
from backfile.index.model.results import Verdict
from backfile.index.model.whole import UNDIVIDED, Stage, Whole
from backfile.index.search import fusion

MEANING_SHARE = 0.6  # weight of meaning in the evidence; independent of the ranking's weight
SHORT, LONG = 8, 12  # words; between them, the thresholds below are interpolated
NONE_BELOW = {  # deviations above the mean of random words; tuned on TIME and CheckThat train
    Mode.HYBRID: (2.3, -0.5),
    Mode.SEMANTIC: (2.3, -0.5),  # the same, so that hybrid search never hides what meaning finds
    Mode.KEYWORD: (2.3, -9.0),  # a pasted post shares few words with its subject
}
UNMEASURED = 3  # divides the thresholds of an uncalibrated archive: its few hits are quickly read
STRONG_ABOVE = 2.5  # deviations; of a wanted article found lower, most are in the first ten, too


class Findings(NamedTuple):
    """What the quality of an answer follows from; see `findings`."""

    evidence: Evidence
    some: bool
    full: bool


def findings(candidates: Candidates, matches: Matches, whole: Whole = UNDIVIDED) -> Stage[Findings]:
    """The best scores of the candidates, whether an article matches, and whether one does in full.

    That is to hold all words, or a required part.
    """
    full = matches.holds_all | (matches.eligible & matches.required)
    own = Findings(
        _evidence(candidates, matches),
        bool(candidates.articles.any()),
        bool((full & candidates.by_words).any()),
    )
    given = whole.reduced(own, _best_of_all)
    yield
    return given.value()


def _best_of_all(shards: Sequence[Findings]) -> Findings:
    evidence, some, in_full = zip(*shards, strict=True)
    best = Evidence(*(max(scores) for scores in zip(*evidence, strict=True)))
    return Findings(best, any(some), any(in_full))


def _evidence(candidates: Candidates, matches: Matches) -> Evidence:
    """The best scores of the candidates; meaning is -1 if no candidate has a vector."""
    most = matches.most
    if not len(candidates.rows):
        return Evidence(0.0, -1.0, 0.0)
    words = candidates.lexical / (fusion.REACHED * most) if most > 0 else candidates.lexical
    if np.isnan(candidates.assumed):
        best = float(words.max())
        return Evidence(best, -1.0, best)
    known = ~np.isnan(candidates.closeness)
    close = np.where(known, candidates.closeness, np.float32(candidates.assumed))
    both = fusion.convex(candidates.lexical, most, close, MEANING_SHARE)
    nearest = float(close[known].max(initial=-1.0))
    return Evidence(float(words.max()), nearest, float(both.max()))


def judge(found: Findings, n_words: int, mode: Mode, noise: tuple[Noise, ...]) -> Verdict:
    """Decide the quality of an answer to a query of so many plain words.

    NONE without a matching article. STRONG if an article matches in full, or if the query has no
    plain words. In keyword mode, other answers to up to ALL_WORDS words are WEAK. Otherwise the
    deviations of the evidence above the noise decide.
    """
    if not found.some:
        return Verdict.NONE
    if found.full or not n_words:
        return Verdict.STRONG
    if mode is Mode.KEYWORD and n_words <= ALL_WORDS:
        return Verdict.WEAK
    above = _above(found.evidence, noise_of(n_words, noise), mode)
    threshold = float(np.interp(n_words, (SHORT, LONG), NONE_BELOW[mode]))
    if above < (threshold / UNMEASURED if noise == USUAL_NOISE else threshold):
        return Verdict.NONE
    return Verdict.STRONG if above >= STRONG_ABOVE else Verdict.WEAK


def _above(found: Evidence, usual: Noise, mode: Mode) -> float:
    """The deviations of the evidence above the noise: by words, or else of both or of meaning."""
    far = [(f - m) / d for f, m, d in zip(found, usual.mean, usual.deviation, strict=True)]
    each = Evidence(*far)
    return each.words if mode is Mode.KEYWORD else max(each.both, each.meaning)
