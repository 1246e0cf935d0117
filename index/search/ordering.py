"""Orders what a query has found: folds copies under their leads, and sorts."""

from dataclasses import dataclass

from backfile.archive.model.message import Message
from backfile.archive.store.catalog import Catalog
from backfile.index.answers.hits import Hits
from backfile.index.duplicates.folding import Folding
from backfile.index.model.arrays import Bools, Rows
from backfile.index.model.query import Copies, Query, Sort
from backfile.index.model.results import Hit
from backfile.index.model.whole import Stage, Whole
from backfile.index.search.placing import Placing, merged_hits
from backfile.index.search.ranker import Ranked
from backfile.index.search.ranking import in_order
from backfile.index.search.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Ordered:
    """The hits of a query as ordinals, in order, and the reranker's note for the reader.

    `total` is the number of hits in the whole, and `placing` those that may be on the page.
    """

    ordinals: Rows
    hits: Hits
    note: Message | None = None
    total: int = 0
    placing: Placing | None = None

    def first(self, query: Query, catalog: Catalog, whole: Whole) -> tuple[Hit, ...]:
        """The hits on the page of a query; the first shard has those of all."""
        placing = self.placing or Placing.of(self.hits, self.ordinals, query, whole)
        return merged_hits(placing.page(catalog), whole)


def listed_articles(ranked: Ranked, *, counted: bool) -> Bools:
    """Article mask of what is listed: all that is found, or the group that is counted.

    That is so for a list by relevance of no certain group, unless only the `counted` are wanted.
    """
    query = ranked.asked.query
    one_list = query.sort is Sort.RELEVANCE and not query.match and not counted
    return ranked.groups.articles if one_list else ranked.groups.up_to(ranked.counted)


def in_their_order(
    ranked: Ranked, snapshot: Snapshot, listed: Bools, passage_share: float
) -> Stage[Ordered]:
    """Fold the copies of the listed articles under their leads, and sort."""
    table, query = snapshot.table, ranked.asked.query
    scores, groups, folded, leads = ranked.scores, ranked.groups, None, listed
    if query.copies is Copies.FOLD:
        folded = Folding.of(table, listed)
        scores, groups = folded.best(scores), folded.grouped(groups)
        folded, scores, groups = yield from snapshot.crossing.folded(folded, scores, groups)
        leads = folded.leads
    ordinals = in_order(table, leads, scores, query.sort)
    hits = Hits(
        table,
        ranked.matches,
        ranked.candidates.among(listed),
        scores,
        groups,
        ranked.asked.expression,
        passage_share,
        folded,
        crossing=snapshot.statistics.crossing,
        languages=snapshot.lexical.languages,
    )
    return Ordered(ordinals, hits)
