"""Finds earlier and later coverage of an article's subject, by its words and its meaning.

The meaning of an article is the mean of its passages' vectors, so nothing is embedded. If the first
half of an article searches for its second half (RealTimeQA, 200 articles), the mean ranks it first
in 84%, the best pair of passages in 76%, the first passage alone in 77%.
"""

from contextlib import suppress
from dataclasses import dataclass

import numpy as np

from backfile.archive.model.article import Article
from backfile.archive.model.errors import EngineUnavailable
from backfile.archive.model.message import Message
from backfile.archive.store.catalog import Catalog, StoredArticle
from backfile.archive.store.vectors import VectorFile
from backfile.index.answers.explain import listed, nearness, quoted
from backfile.index.lexical.scoring.collection import term_scores
from backfile.index.lexical.scoring.more_like_this import MoreLikeThis
from backfile.index.model.arrays import Floats, Rows
from backfile.index.model.article_table import ArticleTable
from backfile.index.model.results import Explanation, ScorePart, ScorePartKind
from backfile.index.model.scale import Spread
from backfile.index.search.snapshot import Snapshot
from backfile.index.vector.exact_scan import top

MEANING = 0.6  # weight of meaning in a score; the rest is the weight of words
FLOOR = 0.5  # least score; checked on 26 random articles: below it, the subject is another
MOST_RELATED = 50  # articles of each kind, the greatest limit
LEAST_LENGTH = 0.04  # closeness of the passages of an article to each other, a lower one is chance
CONSIDERED = 200  # passages by words, and as many by meaning


@dataclass(frozen=True, slots=True)
class RelatedArticle:
    """A related article, its score (0 to 1), and the explanation of what both have in common."""

    article: Article
    score: float
    why: Explanation


@dataclass(frozen=True, slots=True)
class Related:
    """Related articles by time, best first.

    `same_day` are articles of the same day whose instant, or the article's own, is unknown or
    equal; `undated` are all if either has no day. `coverage` is the share of passages that can be
    found by meaning, 0 to 1.
    """

    earlier: tuple[RelatedArticle, ...] = ()
    later: tuple[RelatedArticle, ...] = ()
    same_day: tuple[RelatedArticle, ...] = ()
    undated: tuple[RelatedArticle, ...] = ()
    coverage: float = 0.0

    @property
    def is_of_days(self) -> bool:
        """Whether all articles of the same day are dated by a day."""
        return all(found.article.published for found in self.same_day)

    @property
    def kinds(self) -> dict[str, tuple[RelatedArticle, ...]]:
        """The four lists, by name."""
        names = ("earlier", "later", "same_day", "undated")
        return {name: getattr(self, name) for name in names}


@dataclass(frozen=True, slots=True)
class Likeness:
    """The similarity of all articles to one article, (n_articles,).

    `shares` is the score of an article's best passage by the key terms in `words`, 0 to 1, -inf if
    the article was not compared. `closeness` is that of its nearest passage, NaN if unknown.
    """

    words: MoreLikeThis
    shares: Floats
    closeness: Floats

    @property
    def scores(self) -> Floats:
        """The weighted sum of words and meaning; words alone if the closeness is unknown."""
        both = (1 - MEANING) * self.shares + MEANING * np.clip(self.closeness, 0, 1)
        return np.where(np.isnan(self.closeness), self.shares, both).astype(np.float32)


class Relations:
    """Finds the related articles of an article, in one archive."""

    def __init__(self, catalog: Catalog, vectors: VectorFile) -> None:
        self._catalog = catalog
        self._vectors = vectors

    def related(self, stored: StoredArticle, snapshot: Snapshot, limit: int) -> Related:
        """Find at most `limit` articles of each kind; raise EngineUnavailable without words."""
        if snapshot.no_words:
            raise snapshot.no_words
        article, table = stored.article, snapshot.table
        own = stored.rows[stored.rows < table.n_rows]
        own = own[table.alive[own]]
        if not len(own):  # the article was added after the snapshot was opened
            return Related(coverage=table.coverage)
        likeness = self._likeness(article, own, snapshot)
        ordinal = int(table.article_of[own[0]])
        ordered = one_per_cluster(table, ordinal, likeness.scores)
        by_day = _by_day(table, ordinal, ordered, limit)
        found = self._fetch(np.concatenate(list(by_day.values())), likeness, table)
        fetched = {
            name: [found[other] for other in some.tolist() if other in found]
            for name, some in by_day.items()
        }
        lists = {name: tuple(some[:limit]) for name, some in _by_instant(article, fetched).items()}
        return Related(**lists, coverage=0.0 if snapshot.no_vectors else table.coverage)

    def _likeness(self, article: Article, own: Rows, snapshot: Snapshot) -> Likeness:
        """Compare an article with the best matches of its key terms, and the nearest by meaning."""
        table = snapshot.table
        clusters = cluster_of(table)
        words = snapshot.lexical.more_like_this(article, own)
        holding = np.flatnonzero(words.shares)
        rows = top(holding, words.shares[holding], CONSIDERED).rows
        vector = self._meaning(own[table.embedded[own]], table.n_rows)
        closeness = np.full(table.n_articles, np.nan, np.float32)
        if vector is not None and snapshot.vectors is not None:
            with suppress(EngineUnavailable):  # then by words alone, as in a search
                # The rows of the article and its copies are nearest: CONSIDERED others are needed.
                same = clusters == clusters[table.article_of[own[0]]]
                limit = CONSIDERED + int(table.rows_of(same).sum())
                near = snapshot.vectors.nearest(vector, None, limit)
                rows = np.concatenate([rows, near.rows])
                rows = np.flatnonzero(table.rows_of(table.articles_with(rows)))
                known = rows[table.embedded[rows]]
                found = snapshot.vectors.similarities(vector, known)
                close = _closeness(found, vector, snapshot.scale.passages)
                np.fmax.at(closeness, table.article_of[known], close)
        shares = np.full(table.n_articles, -np.inf, np.float32)
        np.maximum.at(shares, table.article_of[rows], words.shares[rows])
        return Likeness(words, shares, closeness)

    def _meaning(self, rows: Rows, n_rows: int) -> Floats | None:
        """The mean of the rows' vectors; None without vectors."""
        vectors = self._vectors.read(n_rows)
        rows = rows[rows < len(vectors)]
        mean: Floats = vectors[rows].astype(np.float32).sum(axis=0) / np.float32(max(1, len(rows)))
        return mean if mean.any() else None

    def _fetch(
        self, ordinals: Rows, likeness: Likeness, table: ArticleTable
    ) -> dict[int, RelatedArticle]:
        """Fetch articles, by ordinal; each is explained by its best passage by words."""
        article_mask = np.zeros(table.n_articles, np.bool_)
        article_mask[ordinals] = True
        rows = np.flatnonzero(table.rows_of(article_mask))
        owners = table.article_of[rows]
        order = np.lexsort((rows, -likeness.words.shares[rows], owners))
        _, firsts = np.unique(owners[order], return_index=True)
        rows = np.sort(rows[order][firsts])
        scores = term_scores(rows, [(word.found,) for word in likeness.words.words], table.n_rows)
        scores_of = dict(zip(rows.tolist(), scores, strict=True))
        found = {}
        for stored in self._catalog.stored(rows.tolist()):
            ordinal = int(table.article_of[stored.row])
            why = _explanation(likeness, ordinal, scores_of[stored.row])
            found[ordinal] = RelatedArticle(stored.article, float(likeness.scores[ordinal]), why)
        return found


def _closeness(products: Floats, mean: Floats, spread: Spread) -> Floats:
    """The closeness of passages, by their products with a mean of vectors, as if it had length 1.

    The closeness of a mean of vectors is the mean of theirs, so lengths, too, are of closeness.
    """
    length = np.sqrt(max(float(spread.closeness(float(mean @ mean))), LEAST_LENGTH))
    return np.asarray(spread.closeness(products) / length, np.float32)


def one_per_cluster(table: ArticleTable, ordinal: int, scores: Floats) -> Rows:
    """Sort the articles above FLOOR, as ordinals: the best of each cluster, without the own one."""
    clusters = cluster_of(table)
    above = np.flatnonzero((scores >= FLOOR) & (clusters != clusters[ordinal]))
    ordered = above[np.lexsort((above, -table.published[above], -scores[above]))]
    _, firsts = np.unique(clusters[ordered], return_index=True)
    best: Rows = ordered[np.sort(firsts)]
    return best


def cluster_of(table: ArticleTable) -> Rows:
    """The cluster of each article, (n_articles,); an article without copies has its own."""
    alone = np.arange(table.n_articles) + table.cluster.max(initial=-1) + 1
    clusters: Rows = np.where(table.cluster >= 0, table.cluster, alone)
    return clusters


def _by_day(table: ArticleTable, ordinal: int, ordered: Rows, limit: int) -> dict[str, Rows]:
    """Divide ordinals by date; those with a common day are of the same day.

    The same day gets 3 * `limit`, as `_by_instant` may move some.
    """
    first, last = table.published[ordered], table.published_last[ordered]
    dated = ~table.undated[ordered] & ~table.undated[ordinal]
    earlier = last < table.published[ordinal]
    later = first > table.published_last[ordinal]
    return {
        "earlier": ordered[dated & earlier][:limit],
        "later": ordered[dated & later][:limit],
        "same_day": ordered[dated & ~earlier & ~later][: 3 * limit],
        "undated": ordered[~dated][:limit],
    }


def _by_instant(
    article: Article, lists: dict[str, list[RelatedArticle]]
) -> dict[str, list[RelatedArticle]]:
    """Move articles of the same day to earlier or later if both instants are known."""
    instant = article.published_at
    same_day = []
    for found in lists["same_day"]:
        other = found.article.published_at
        if instant is None or other is None or other == instant:
            same_day.append(found)
        else:
            lists["earlier" if other < instant else "later"].append(found)
    for name in ("earlier", "later"):
        lists[name].sort(key=lambda found: -found.score)
    return lists | {"same_day": same_day}


def _explanation(likeness: Likeness, ordinal: int, scores: Floats) -> Explanation:
    """Explain a related article; `scores` are those of the key terms, (n_words,)."""
    closeness, share = float(likeness.closeness[ordinal]), float(likeness.shares[ordinal])
    known = not np.isnan(closeness)
    word_score = share * (1 - MEANING) if known else share
    total = float(scores.sum())
    order = [i for i in np.argsort(-scores, kind="stable").tolist() if scores[i]]
    words = [likeness.words.words[i].text for i in order]
    parts = [
        ScorePart(ScorePartKind.WORD, text, float(scores[i]), word_score * float(scores[i]) / total)
        for text, i in zip(words, order, strict=True)
    ]
    shared = listed([quoted(word) for word in words])
    clauses = [Message("shares %(words)s", words=shared)] if words else []
    if known:
        parts.append(
            ScorePart(ScorePartKind.MEANING, "", closeness, MEANING * min(max(closeness, 0.0), 1.0))
        )
        clauses.append(nearness(closeness))
    return Explanation(tuple(clauses), tuple(parts))
