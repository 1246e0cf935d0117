"""Finds earlier and later coverage of an article's subject, by its words and its meaning.

The meaning of an article is the mean of its passages' vectors, so nothing is embedded. If the first
half of an article searches for its second half (RealTimeQA, 200 articles), the mean ranks it first
in 84%, the best pair of passages in 76%, the first passage alone in 77%.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from backfile.archive.model.article import Article
from backfile.archive.model.errors import ArticleNotFound, EngineUnavailable
from backfile.archive.model.message import Message
from backfile.archive.store.catalog import Catalog
from backfile.archive.store.vectors import VectorFile
from backfile.index.answers.explain import listed, nearness, quoted
from backfile.index.duplicates.crossing import Crossing
from backfile.index.lexical.scoring.collection import term_scores
from backfile.index.lexical.scoring.more_like_this import MoreLikeThis
from backfile.index.model.arrays import Bools, Floats, Rows
from backfile.index.model.article_table import UNDATED, ArticleTable
from backfile.index.model.results import Explanation, ScorePart, ScorePartKind
from backfile.index.model.scale import Spread
from backfile.index.model.whole import Whole
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

    def looked_up(self, article_id: str, whole: Whole) -> tuple[Article, Rows]:
        """An article of the whole and, in the shard that holds it, its rows.

        Raises ArticleNotFound.
        """
        own, rows = None, np.empty(0, np.int64)
        with suppress(ArticleNotFound):
            stored = self._catalog.stored_article(article_id)
            own, rows = stored.article, stored.rows
        article = whole.found(own)
        if article is None:
            raise ArticleNotFound(article_id)
        return article, rows

    def related(self, article: Article, own: Rows, snapshot: Snapshot, limit: int) -> Related:
        """Find at most `limit` articles of each kind; `own` are the rows of the article.

        In a shard that does not hold the article, there are none. Raises EngineUnavailable without
        words.
        """
        if snapshot.no_words:
            raise snapshot.no_words
        table, whole, coverage = snapshot.table, snapshot.whole, snapshot.statistics.coverage
        own = own[own < table.n_rows]
        own = own[table.alive[own]]
        place = _placed(table, own, whole)
        if place is None:  # the article was added after the snapshot was opened
            return Related(coverage=coverage)
        likeness = self._likeness(article, own, place.cluster, snapshot)
        mine = _with_copies(table, own, place.cluster)
        ordered = one_per_cluster(table, mine, likeness.scores, snapshot.crossing)
        by_day = _by_day(table, place, ordered)
        firsts = _first_of_each(table, likeness.scores, by_day, limit, whole)
        found = self._fetch(np.concatenate([each for _, each in firsts.values()]), likeness, table)
        own_lists = {
            name: {
                n: found[other]
                for n, other in zip(places.tolist(), some.tolist(), strict=True)
                if other in found
            }
            for name, (places, some) in firsts.items()
        }
        fetched = _merged(whole.collected(own_lists).values())
        lists = {name: tuple(some[:limit]) for name, some in _by_instant(article, fetched).items()}
        return Related(**lists, coverage=0.0 if snapshot.no_vectors else coverage)

    def _likeness(self, article: Article, own: Rows, cluster: int, snapshot: Snapshot) -> Likeness:
        """Compare an article with the best matches of its key terms, and the nearest by meaning."""
        table, whole = snapshot.table, snapshot.whole
        words = snapshot.lexical.more_like_this(article, own)
        holding = np.flatnonzero(words.shares)
        rows = _best(table, holding, words.shares[holding], CONSIDERED, whole)
        vector = whole.found(self._meaning(own[table.embedded[own]], table.n_rows))
        closeness = np.full(table.n_articles, np.nan, np.float32)
        if vector is not None and snapshot.vectors is not None:
            with suppress(EngineUnavailable):  # then by words alone, as in a search
                # The rows of the article and its copies are nearest: CONSIDERED others are needed.
                same = _with_copies(table, own, cluster)
                limit = CONSIDERED + whole.sum(table.rows_of(same).sum())
                near = snapshot.vectors.nearest(vector, None, limit)
                nearest = _best(table, near.rows, near.scores, limit, whole)
                rows = np.concatenate([rows, nearest])
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


class _Place(NamedTuple):
    """Where the article stands: its cluster, -1 without copies, and its first and last day."""

    cluster: int
    published: int
    published_last: int


def _placed(table: ArticleTable, own: Rows, whole: Whole) -> _Place | None:
    """Where the article of these rows stands, from the shard that holds it; None if none does."""
    place = None
    if len(own):
        ordinal = int(table.article_of[own[0]])
        columns = (table.cluster, table.published, table.published_last)
        place = _Place(*(int(column[ordinal]) for column in columns))
    return whole.found(place)


def _with_copies(table: ArticleTable, own: Rows, cluster: int) -> Bools:
    """Article mask of the article of these rows and of its copies, which are in this cluster."""
    if not len(own):
        elsewhere: Bools = (table.cluster == cluster) & (cluster >= 0)
        return elsewhere
    clusters = cluster_of(table)
    copies: Bools = clusters == clusters[table.article_of[own[0]]]
    return copies


def _best(table: ArticleTable, rows: Rows, scores: Floats, limit: int, whole: Whole) -> Rows:
    """Those of these rows that are among the `limit` best of the whole, best first."""
    best = top(rows, scores, limit)
    if not whole.is_divided:
        return best.rows
    numbers = table.number[table.article_of[best.rows]]
    order = np.lexsort((best.rows, numbers, -best.scores))
    count = whole.count_best(best.scores[order], numbers[order], limit)
    return best.rows[order][:count]


def one_per_cluster(table: ArticleTable, own: Bools, scores: Floats, crossing: Crossing) -> Rows:
    """Sort the articles above FLOOR, as ordinals: the best of each cluster, without the own one.

    `own` (n_articles,) marks the article and its copies.
    """
    above = np.flatnonzero((scores >= FLOOR) & ~own)
    ordered = above[np.lexsort((above, -table.published[above], -scores[above]))]
    _, firsts = np.unique(cluster_of(table)[ordered], return_index=True)
    best: Rows = ordered[np.sort(firsts)]
    keys = (-scores[best], -table.published[best], table.number[best])
    return best[crossing.is_first(best, keys)]


def cluster_of(table: ArticleTable) -> Rows:
    """The cluster of each article, (n_articles,); an article without copies has its own."""
    alone = np.arange(table.n_articles) + table.cluster.max(initial=-1) + 1
    clusters: Rows = np.where(table.cluster >= 0, table.cluster, alone)
    return clusters


def _by_day(table: ArticleTable, place: _Place, ordered: Rows) -> dict[str, Rows]:
    """Divide ordinals by date; those with a common day are of the same day."""
    first, last = table.published[ordered], table.published_last[ordered]
    dated = ~table.undated[ordered] & (place.published != UNDATED)
    earlier = last < place.published
    later = first > place.published_last
    return {
        "earlier": ordered[dated & earlier],
        "later": ordered[dated & later],
        "same_day": ordered[dated & ~earlier & ~later],
        "undated": ordered[~dated],
    }


def _first_of_each(
    table: ArticleTable, scores: Floats, by_day: dict[str, Rows], limit: int, whole: Whole
) -> dict[str, tuple[Rows, Rows]]:
    """The own ones among the first `limit` of each kind in the whole: their places, and ordinals.

    The same day gets 3 * `limit`, as `_by_instant` may move some.
    """
    firsts = {}
    for name, ordinals in by_day.items():
        most = 3 * limit if name == "same_day" else limit
        keys = (-scores[ordinals], -table.published[ordinals], table.number[ordinals])
        places = whole.places(keys, most)
        firsts[name] = (places, ordinals[: len(places)])
    return firsts


def _merged(
    shards: Sequence[dict[str, dict[int, RelatedArticle]]],
) -> dict[str, list[RelatedArticle]]:
    """The articles of all shards by kind, in the order of their places."""
    lists: dict[str, dict[int, RelatedArticle]] = {}
    for shard in shards:
        for name, own in shard.items():
            lists.setdefault(name, {}).update(own)
    return {name: [found[place] for place in sorted(found)] for name, found in lists.items()}


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
