"""Composes the answer to a ranked query: its counts, and how the query was read."""

from dataclasses import replace

from backfile.archive.model.message import Message
from backfile.index.answers.counts import facets, span, timelines, totals_of
from backfile.index.answers.notes import beyond_days, warnings
from backfile.index.asking.names import missing_names
from backfile.index.model.results import Reading, Results
from backfile.index.model.whole import Later, both, result_of
from backfile.index.search.hints import Hints
from backfile.index.search.ranker import Ranked
from backfile.index.search.snapshot import Snapshot


def answer_of(
    ranked: Ranked, total: Later[int], hints: Hints, snapshot: Snapshot, note: Message | None
) -> Results:
    """Count the set of matches, of which `total` are hits, and describe how the query was read.

    The hits themselves come later, page by page; `note` is the reranker's.
    """
    table, query, groups = snapshot.table, ranked.asked.query, ranked.groups
    whole, crossing, statistics = snapshot.whole, snapshot.crossing, snapshot.statistics
    counted = groups.up_to(ranked.counted)
    beside = {name: each.up_to(query.match or each.first) for name, each in ranked.beside.items()}
    chosen, copies = ranked.asked.filters, query.copies
    counting = both(
        totals_of(table, ranked.candidates.among(counted), groups, copies, crossing),
        facets(table, counted, copies, crossing, beside=beside, chosen=chosen),
    )
    drawing = both(timelines(table, [counted], copies, crossing), span(table, counted, whole))
    (totals, found), ([timeline], ends) = result_of(both(counting, drawing))
    return Results(
        query=query,
        reading=_reading(ranked, note, snapshot),
        hits=(),
        totals=totals,
        total=sum(total.values()),
        counted=ranked.counted,
        facets=found.counts,
        facets_total=found.totals,
        timeline=timeline,
        span=ends,
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


def _reading(ranked: Ranked, reranked: Message | None, snapshot: Snapshot) -> Reading:
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
    strict = ranked.strict or ranked
    notes += missing_names(asked.filters, strict.matches, snapshot.table, snapshot.whole)
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
