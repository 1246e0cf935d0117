"""Hints beside an answer: other words, the corrected query, and whether its hits are shown."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace

from backfile.archive.model.errors import EngineUnavailable
from backfile.index.answers.notes import alternative_words
from backfile.index.asking.did_you_mean import did_you_mean
from backfile.index.asking.reader import ReadQuery
from backfile.index.model.expression import Expression
from backfile.index.model.groups import Group
from backfile.index.model.query import Mode, Query
from backfile.index.model.results import DidYouMean, Offer, Results, Verdict
from backfile.index.search.ranker import Clock, Ranked
from backfile.index.search.snapshot import Snapshot

Read = Callable[[Query], ReadQuery]
BY_WORDS = (Group.ALL, Group.MOST, Group.SOME)


@dataclass(frozen=True, slots=True)
class Hints:
    """Alternatives to a query: other words if nothing was found, and the corrected text."""

    words: tuple[Offer, ...] = ()
    did_you_mean: DidYouMean | None = None


def hints_for(ranked: Ranked, snapshot: Snapshot, clock: Clock, read: Read) -> Hints:
    """Find alternative words if the verdict is NONE, and correct misspelt words.

    There are none if the words, or only their spellings, cannot be read.
    """
    asked = ranked.asked
    words: tuple[Offer, ...] = ()
    if ranked.no_words or clock.is_over():
        return Hints()
    with suppress(EngineUnavailable):
        if ranked.verdict is Verdict.NONE:
            with clock.stage("offer"):
                words = alternative_words(asked.expression, snapshot.lexical)
        with clock.stage("spelling"):
            corrected = did_you_mean(
                asked.query.text,
                asked.expression,
                ranked.matches,
                snapshot.lexical,
                _reads_alike(asked, read),
                ranked.article_mask,
            )
        return Hints(words, corrected)
    return Hints(words)


def _reads_alike(asked: ReadQuery, read: Read) -> Callable[[str], Expression | None]:
    """A function that reads another text; None for a text that changes the filters."""

    def reads(text: str) -> Expression | None:
        other = read(replace(asked.query, text=text))
        return other.expression if other.filters == asked.filters else None

    return reads


def shows_correction(answer: Results) -> bool:
    """Whether the hits of the corrected query are shown at once: no word of the query has any."""
    query, meant = answer.query, answer.did_you_mean
    if not meant or meant.is_variant or query.strict or query.mode is Mode.SEMANTIC:
        return False
    return not any(answer.totals.groups.get(group) for group in BY_WORDS)


def is_corrected(answer: Results) -> bool:
    """Whether the hits are those of the corrected query."""
    return answer.did_you_mean is not None and answer.did_you_mean.is_shown
