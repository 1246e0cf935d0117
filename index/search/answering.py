"""Composes the answer to a ranked query: its counts, and how the query was read."""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from backfile.archive.model.message import Message
from backfile.index.answers.counts import Counted, Facets, facets, totals_of
from backfile.index.answers.notes import beyond_days, warnings
from backfile.index.answers.timeline import Ends, Placed, TimelinePart, placed_in_periods, span
from backfile.index.asking.names import missing_names
from backfile.index.model.groups import Groups
from backfile.index.model.periods import whole_periods
from backfile.index.model.results import NO_TIMELINE, Reading, Results, Totals
from backfile.index.model.whole import Stage, both
from backfile.index.search.hints import Hints
from backfile.index.search.judging import Judged
from backfile.index.search.ordering import Ordered
from backfile.index.search.ranker import Ranked


class Counts(NamedTuple):
    """What is counted of an answer, and notes on the names in its filters that are nowhere."""

    totals: Totals
    facets: Facets
    periods: Placed
    span: Ends | None
    missing: Sequence[Message]

    def timeline_of(self, judged: Judged) -> TimelinePart:
        """What a shard adds to the timeline: its articles, and its matches if they are counted."""
        return self.periods.part(judged.counted_articles)


def counts_of(ranked: Ranked) -> Stage[Counts]:
    """Count the set of matches."""
    snapshot, query, groups = ranked.matched.snapshot, ranked.asked.query, ranked.groups
    table, crossing, copies = snapshot.table, snapshot.crossing, query.copies

    def counted_of(some: Groups) -> Counted:
        rank = ranked.rank_of(some)
        return Counted(some.up_to(query.match or some.first), crossing.of_best(rank))

    counted = counted_of(groups)
    beside = {name: counted_of(some) for name, some in ranked.beside.items()}
    chosen, strict = ranked.asked.filters, ranked.strict or ranked
    counting = both(
        totals_of(table, counted, ranked.candidates, groups, copies, crossing),
        facets(table, counted, copies, beside=beside, chosen=chosen),
    )
    _, longest = whole_periods(query.filters.since, query.filters.until)
    drawing = both(
        placed_in_periods(table, counted.articles, copies, counted.crossing, longest),
        span(table, counted.articles, counted.crossing.whole),
    )
    missing = missing_names(chosen, strict.matches, table, ranked.known, snapshot.whole)
    ((totals, found), (periods, ends)), notes = yield from both(both(counting, drawing), missing)
    return Counts(totals, found, periods, ends, notes)


def answer_of(judged: Judged, ordered: Ordered, counts: Counts, hints: Hints) -> Results:
    """Compose the answer, and describe how the query was read.

    Its hits come page by page, with its timeline.
    """
    ranked, statistics = judged.ranked, judged.ranked.matched.snapshot.statistics
    query = ranked.asked.query
    return Results(
        query=query,
        reading=_reading(ranked, ordered.note, counts.missing),
        hits=(),
        totals=counts.totals,
        total=ordered.total,
        counted=ranked.counted,
        facets=counts.facets.counts,
        facets_total=counts.facets.totals,
        timeline=NO_TIMELINE,
        span=counts.span,
        coverage=statistics.coverage,
        words_coverage=statistics.words_coverage,
        verdict=judged.verdict,
        offers=hints.words,
        did_you_mean=hints.did_you_mean,
        generation=statistics.generation,
        next=None,
        took_ms={},
        relaxed=ranked.asked.relaxed,
    )


def _reading(ranked: Ranked, reranked: Message | None, missing: Sequence[Message]) -> Reading:
    asked, statistics = ranked.asked, ranked.matched.snapshot.statistics
    notes = list(asked.notes)
    if left_out := ranked.matches.left_out:
        count = ranked.matches.n_words
        notes.append(
            Message(
                "of the %(all)s words of this text, the %(count)s rarest count",
                all=count + left_out,
                count=count,
            )
        )
    if ranked.matches.unread:
        notes.append(Message("there was no time for all parts of this search: some were left out"))
    notes += beyond_days(asked.filters, statistics.last_day)
    notes += missing
    notes += [reranked] if reranked else []
    notes += warnings(
        asked.query,
        generation=statistics.generation,
        words_coverage=statistics.words_coverage,
        no_words=ranked.no_words,
        no_meaning=ranked.no_meaning,
    )
    dated = replace(asked.query, text=asked.text, filters=asked.filters)
    return Reading(dated, asked.description, tuple(notes), asked.parts)
