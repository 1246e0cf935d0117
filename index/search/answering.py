"""Composes the answer to a ranked query: its counts, and how the query was read."""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from backfile.archive.model.message import Message
from backfile.index.answers.counts import Facets, facets, totals_of
from backfile.index.answers.notes import beyond_days, warnings
from backfile.index.answers.timeline import Ends, TimelinePart, span, timelines
from backfile.index.asking.names import missing_names
from backfile.index.model.results import NO_TIMELINE, Reading, Results, Totals
from backfile.index.model.whole import Stage, both
from backfile.index.search.hints import Hints
from backfile.index.search.ordering import Ordered
from backfile.index.search.ranker import Ranked
from backfile.index.search.snapshot import Snapshot


class Counts(NamedTuple):
    """What is counted of an answer, and notes on the names in its filters that are nowhere.

    The timeline is that of the own articles of a shard.
    """

    totals: Totals
    facets: Facets
    timeline: TimelinePart
    span: Ends | None
    missing: Sequence[Message]


def counts_of(ranked: Ranked, snapshot: Snapshot) -> Stage[Counts]:
    """Count the set of matches."""
    table, query, groups = snapshot.table, ranked.asked.query, ranked.groups
    whole, crossing = snapshot.whole, snapshot.crossing
    counted = groups.up_to(ranked.counted)
    beside = {name: each.up_to(query.match or each.first) for name, each in ranked.beside.items()}
    chosen, copies = ranked.asked.filters, query.copies
    strict = ranked.strict or ranked
    counting = both(
        totals_of(table, ranked.candidates.among(counted), groups, copies, crossing),
        facets(table, counted, copies, crossing, beside=beside, chosen=chosen),
    )
    drawing = both(timelines(table, [counted], copies, crossing), span(table, counted, whole))
    missing = missing_names(ranked.asked.filters, strict.matches, table, whole)
    ((totals, found), ([timeline], ends)), notes = yield from both(both(counting, drawing), missing)
    return Counts(totals, found, timeline, ends, notes)


def answer_of(
    ranked: Ranked, ordered: Ordered, counts: Counts, hints: Hints, snapshot: Snapshot
) -> Results:
    """Compose the answer, and describe how the query was read.

    Its hits come page by page, with its timeline.
    """
    query, statistics = ranked.asked.query, snapshot.statistics
    return Results(
        query=query,
        reading=_reading(ranked, ordered.note, counts.missing, snapshot),
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
        verdict=ranked.verdict,
        offers=hints.words,
        did_you_mean=hints.did_you_mean,
        generation=statistics.generation,
        next=None,
        took_ms={},
        relaxed=ranked.asked.relaxed,
    )


def _reading(
    ranked: Ranked, reranked: Message | None, missing: Sequence[Message], snapshot: Snapshot
) -> Reading:
    asked = ranked.asked
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
    notes += beyond_days(asked.filters, snapshot.statistics.last_day)
    notes += missing
    notes += [reranked] if reranked else []
    notes += warnings(
        asked.query,
        generation=snapshot.statistics.generation,
        words_coverage=snapshot.statistics.words_coverage,
        no_words=ranked.no_words,
        no_meaning=ranked.no_meaning,
    )
    dated = replace(asked.query, text=asked.text, filters=asked.filters)
    return Reading(dated, asked.description, tuple(notes), asked.parts)
