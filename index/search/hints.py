"""Hints beside an answer: other words, the corrected query, and whether its hits are shown."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date
from re import Match
from typing import Any

from backfile.archive.model.errors import EngineUnavailable
from backfile.index.answers.notes import alternative_words
from backfile.index.asking.did_you_mean import did_you_mean
from backfile.index.asking.named_days import named_days
from backfile.index.asking.names import Mention, mentions
from backfile.index.asking.reader import ReadQuery
from backfile.index.lexical.analysis.word_delimiter import WORD
from backfile.index.model.article_table import ArticleTable
from backfile.index.model.expression import Expression, Words
from backfile.index.model.groups import Group
from backfile.index.model.query import Mode, Query
from backfile.index.model.results import DidYouMean, Offer, OfferKind, Results, Verdict
from backfile.index.model.whole import UNDIVIDED, Stage, Whole
from backfile.index.search.clock import Clock
from backfile.index.search.judging import Judged
from backfile.index.search.ranker import Ranked

Read = Callable[[Query], ReadQuery]
MOST_WORDS = 12  # of a text that may hold a name or days
MOST_FILTERS = 3  # that are offered
BY_WORDS = (Group.ALL, Group.MOST, Group.SOME)


@dataclass(frozen=True, slots=True)
class Hints:
    """Alternatives to a query: other words if nothing was found, and the corrected text."""

    words: tuple[Offer, ...] = ()
    did_you_mean: DidYouMean | None = None


def correction(ranked: Ranked, clock: Clock, read: Read) -> Stage[DidYouMean | None]:
    """Correct the misspelt words of a query.

    None if the words, or only their spellings, cannot be read.
    """
    if ranked.no_words or clock.is_over():
        return None
    strict = ranked.strict or ranked
    with suppress(EngineUnavailable):
        correcting = did_you_mean(
            ranked.asked.query.text,
            strict.asked.expression,
            strict.matches,
            strict.matched.snapshot.lexical,
            _reads_alike(ranked.asked, read),
            ranked.article_mask,
            strict.occurrences.value(),
        )
        corrected: DidYouMean | None = yield from clock.timed("spelling", correcting)
        return corrected
    return None


def other_words(judged: Judged, clock: Clock) -> Stage[tuple[Offer, ...]]:
    """Alternative words if the verdict is NONE; none if the words cannot be read."""
    ranked = judged.ranked
    if judged.verdict is not Verdict.NONE or ranked.no_words or clock.is_over():
        return ()
    with suppress(EngineUnavailable):
        offering = alternative_words(ranked.asked.expression, ranked.matched.snapshot.lexical)
        offers: tuple[Offer, ...] = yield from clock.timed("offer", offering)
        return offers
    return ()


def filter_offers(
    asked: ReadQuery, table: ArticleTable, today: date, whole: Whole = UNDIVIDED
) -> Callable[[], Iterator[Offer]]:
    """The names and days in a plain text, each as a filter without its hits, when asked for.

    A shard gives the names that it has at once.
    """
    text, expression = asked.query.text, asked.expression
    plain = isinstance(expression, Words) and not expression.required
    words = list(WORD.finditer(text))
    if not plain or text != asked.text or asked.query.cursor or len(words) > MOST_WORDS:
        return lambda: iter(())
    named = mentions([word.group() for word in words], table, whole)
    return lambda: _filters(asked.query, words, named(), today)


def _filters(
    query: Query, words: Sequence[Match[str]], named: Sequence[Mention], today: date
) -> Iterator[Offer]:
    text, filters = query.text, query.filters
    for found in named:
        start, end = words[found.first].start(), words[found.end - 1].end()
        rest = " ".join(f"{text[:start]} {text[end:]}".split())
        names = getattr(filters, found.kind.value)
        if found.name not in names:
            added: Any = {found.kind.value: (*names, found.name)}
            changed = replace(query, text=rest, filters=replace(filters, **added))
            yield Offer(rest, 0, OfferKind(found.kind.value), found.name, changed)
    if not filters.since and not filters.until:
        for days in named_days(text, today):
            within = replace(filters, since=days.days.first, until=days.days.last)
            changed = replace(query, text=days.rest, filters=within)
            yield Offer(days.rest, 0, OfferKind.DAYS, "", changed)


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
