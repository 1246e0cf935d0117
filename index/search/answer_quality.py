"""Judges whether an answer is worth reading, against what nonsense scores in the same archive."""

import numpy as np

from backfile.index.lexical.scoring.matching import ALL_WORDS
from backfile.index.model.candidates import Candidates
from backfile.index.model.matches import Matches
from backfile.index.model.noise import USUAL_NOISE, Evidence, Noise, noise_of
from backfile.index.model.query import Mode
from backfile.index.model.results import Verdict
from backfile.index.search import fusion

MEANING_SHARE = 0.6  # of what vouches for an answer; fixed, whatever weight an archive ranks with
SHORT, LONG = 8, 12  # words; from one to the other, the demands below go from first to second
NONE_BELOW = {  # deviations over the mean of nonsense; chosen on TIME and CheckThat train
    Mode.HYBRID: (2.25, -0.5),
    Mode.SEMANTIC: (0.0, -1.0),
    Mode.KEYWORD: (2.0, -9.0),  # a pasted post shares few of its words with what it is about
}
UNMEASURED = 3  # is what these demands are divided by; few articles are soon looked through
STRONG_ABOVE = 4.0  # deviations; nonsense as good is hardly met


def evidence(candidates: Candidates, matches: Matches) -> Evidence:
    """Weigh the candidates on scales that do not depend on each other; nothing is -1 in meaning."""
    most = matches.most
    if not len(candidates.rows):
        return Evidence(0.0, -1.0, 0.0)
    words = candidates.lexical / (fusion.REACHED * most) if most > 0 else candidates.lexical
    known = ~np.isnan(candidates.cosines)
    if not known.any():
        best = float(words.max())
        return Evidence(best, -1.0, best)
    cosines = np.where(known, candidates.cosines, np.nanmedian(candidates.cosines))
    both = fusion.convex(candidates.lexical, most, cosines, MEANING_SHARE)
    return Evidence(float(words.max()), float(cosines[known].max()), float(both.max()))


def judge(
    found: Evidence, candidates: Candidates, matches: Matches, mode: Mode, noise: tuple[Noise, ...]
) -> Verdict:
    """Judge an answer.

    What holds all that was asked for is never nothing; by words alone, nor is some of a few words.
    """
    if not candidates.articles.any():
        return Verdict.NONE
    asked = matches.full_matches & candidates.by_words
    if asked.any() or not matches.n_words:
        return Verdict.STRONG
    if mode is Mode.KEYWORD and matches.n_words <= ALL_WORDS:
        return Verdict.WEAK
    usual = noise_of(matches.n_words, noise)
    above = _above(found, usual, mode)
    demand = float(np.interp(matches.n_words, (SHORT, LONG), NONE_BELOW[mode]))
    if above < (demand / UNMEASURED if noise == USUAL_NOISE else demand):
        return Verdict.NONE
    return Verdict.STRONG if above >= STRONG_ABOVE else Verdict.WEAK


def _above(found: Evidence, usual: Noise, mode: Mode) -> float:
    """How many deviations above nonsense an answer is; of both rankings, meaning may do alone."""
    far = [(f - m) / d for f, m, d in zip(found, usual.mean, usual.deviation, strict=True)]
    each = Evidence(*far)
    return max(each.both, each.meaning) if mode is Mode.HYBRID else each.of(mode)
