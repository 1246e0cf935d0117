"""Relaxes a query that binds and finds nothing: to near words, then to words and meaning."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from backfile.archive.store.catalog import Catalog, StoredPassage
from backfile.index.asking.reader import ReadQuery
from backfile.index.asking.relaxation import as_words, plain, rules, with_near_words
from backfile.index.lexical.analysis.alignment import LEAST_SHARE, Alignment, spans
from backfile.index.lexical.analysis.analyser import TermSpan
from backfile.index.lexical.scoring.bm25 import Idf, best_rows
from backfile.index.model.expression import CloseRow, Expression, Field, Phrase, Words
from backfile.index.model.results import Loosened, Relaxation, Rule
from backfile.index.search.clock import Clock
from backfile.index.search.ranker import Ranked, Ranker
from backfile.index.search.snapshot import Snapshot

CANDIDATES = 100  # passages; of 200 altered quotes, 50 lack the right passage of one, 200 of none
TIE = 1e-3  # of a share: BM25 decides among passages with equal shares


def relaxed(
    strict: Ranked, ranker: Ranker, snapshot: Snapshot, catalog: Catalog, clock: Clock
) -> Ranked:
    """Rank the first relaxed form of a query that finds something; the query itself if none does.

    No step begins once the time is over.
    """
    steps = Relaxing(snapshot, catalog, clock.is_over).steps(strict.asked)
    while not clock.is_over():
        with clock.stage("relax"):
            step = next(steps, None)
        if step is None:
            break
        ranked = ranker.rank(step, snapshot, clock)
        if snapshot.whole.any(ranked.candidates.articles.any()):
            return replace(ranked, strict=strict)
    return strict


@dataclass(frozen=True, slots=True)
class Relaxing:
    """Relaxes queries over one snapshot, until `is_late`."""

    snapshot: Snapshot
    catalog: Catalog
    is_late: Callable[[], bool]

    def steps(self, query: ReadQuery) -> Iterator[ReadQuery]:
        """Iterate over the relaxed forms of a query, the one that demands most first.

        Filters and exclusions are never relaxed. There are none of a query that does not bind.
        """
        expression = query.expression
        if expression is None:
            return
        if near := with_near_words(expression, self._close_rows):
            yield _relaxed(query, near, Loosened.NEAR, (Rule.PHRASE,))
        for all_parts in (False, True):
            if words := as_words(expression, all_parts=all_parts):
                loosened = tuple(dict.fromkeys(rules(expression, all_parts=all_parts)))
                yield _relaxed(query, words, Loosened.WORDS, loosened)

    def _close_rows(self, phrase: Phrase) -> tuple[CloseRow, ...]:
        """The passages that hold most words of a phrase near each other.

        The best by BM25 are compared, whatever the filters, so that counts agree with each other.
        """
        table, words = self.snapshot.table, plain(phrase.text)
        scores = self.snapshot.lexical.match(
            Words(words), idf=Idf.LUCENE, is_late=self.is_late
        ).scores
        whole, owners = self.snapshot.whole, table.article_of
        rows = best_rows(scores, CANDIDATES, lambda rows: table.alive[rows])
        rows = rows[np.lexsort((rows, owners[rows], -scores[rows]))[:CANDIDATES]]
        best = whole.max(scores[rows].max(initial=0.0)) or 1.0
        rows = rows[: whole.count_best(scores[rows], table.number[owners[rows]], CANDIDATES)]
        quoted: dict[str, Sequence[TermSpan]] = {}
        found = []
        for stored in self.catalog.stored(rows.tolist()):
            if self.is_late():
                break
            language = stored.article.language
            if language not in quoted:
                quoted[language] = spans(phrase.text, language)
            share = _share(quoted[language], stored, phrase.field)
            if share >= LEAST_SHARE:
                tie = TIE * (float(scores[stored.row]) / best - 1)
                found.append(CloseRow(stored.row, share + tie))
        return tuple(found)


def _share(quoted: Sequence[TermSpan], stored: StoredPassage, field: Field) -> float:
    """The greatest share of a quotation's words in one of the fields."""
    texts = {Field.TITLE: stored.article.title, Field.TEXT: stored.passage.text}
    language = stored.article.language
    return max(
        Alignment.between(quoted, spans(text, language)).share
        for each, text in texts.items()
        if field in (each, Field.ANY)
    )


def _relaxed(
    query: ReadQuery, expression: Expression, to: Loosened, loosened: tuple[Rule, ...]
) -> ReadQuery:
    return query._replace(expression=expression, relaxed=Relaxation(to, loosened))
