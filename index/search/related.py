"""Finds other coverage of an article's subject, by its words and its meaning: earlier and later.

Nothing is embedded for it: the meaning of an article is the mean of its passages' vectors on
record. In a test that looks for the second half of an article by its first (RealTimeQA, 200
articles) the mean finds it first in 84%, the best pair of passages in 76%, the lead alone in 77%.
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
from backfile.index.model.arrays import Floats, Ints, Rows
from backfile.index.model.article_table import UNDATED, ArticleTable
from backfile.index.model.results import Part, PartKind, Why
from backfile.index.search.snapshot import Snapshot
from backfile.index.vector.exact_scan import top

MEANING = 0.6  # the share of meaning in a score; the rest is words
FLOOR = 0.5  # of 26 articles drawn by chance, what is below is of the same sort of news at most
MOST_RELATED = 50  # of each kind that can be asked for
CONSIDERED = 200  # passages by words, and as many by meaning


@dataclass(frozen=True, slots=True)
class RelatedArticle:
    """Other coverage, its score (0 to 1), and what it shares with the article asked about."""

    article: Article
    score: float
    why: Why


@dataclass(frozen=True, slots=True)
class Related:
    """Other coverage by when it came, each best first.

    `same_day` is what no instant tells to be earlier or later; `undated` where a day is missing on
    either side. `coverage` is the share of the archive that meaning covers, 0 to 1.
    """

    earlier: tuple[RelatedArticle, ...] = ()
    later: tuple[RelatedArticle, ...] = ()
    same_day: tuple[RelatedArticle, ...] = ()
    undated: tuple[RelatedArticle, ...] = ()
    coverage: float = 0.0

    @property
    def kinds(self) -> dict[str, tuple[RelatedArticle, ...]]:
        """The lists by their names."""
        names = ("earlier", "later", "same_day", "undated")
        return {name: getattr(self, name) for name in names}


@dataclass(frozen=True, slots=True)
class Likeness:
    """How like one article all others are, (n_articles,): -inf where nothing was looked at.

    `shares` is what their best passage holds of its words, `cosines` how near their nearest is in
    meaning, NaN where unknown.
    """

    words: MoreLikeThis
    shares: Floats
    cosines: Floats

    @property
    def scores(self) -> Floats:
        """Words and meaning together; words alone where meaning is unknown."""
        both = (1 - MEANING) * self.shares + MEANING * np.maximum(self.cosines, 0)
        return np.where(np.isnan(self.cosines), self.shares, both).astype(np.float32)


class Relations:
    """Relates the articles of one archive."""

    def __init__(self, catalog: Catalog, vectors: VectorFile) -> None:
        self._catalog = catalog
        self._vectors = vectors

    def related(self, stored: StoredArticle, snapshot: Snapshot, limit: int) -> Related:
        """Find at most `limit` articles of each kind."""
        article, table = stored.article, snapshot.table
        own = stored.rows[stored.rows < table.n_rows]
        own = own[table.alive[own]]
        if not len(own):  # it came a moment ago, after the snapshot was taken
            return Related(coverage=table.coverage)
        likeness = self._likeness(article, own, snapshot)
        place = int(table.article_of[own[0]])
        ordered = one_a_story(table, place, likeness.scores)
        chosen = _by_day(table.published, place, ordered, limit)
        places = np.concatenate(list(chosen.values()))
        found = self._fetch(places, likeness, table)
        parted = {
            name: [found[other] for other in some.tolist() if other in found]
            for name, some in chosen.items()
        }
        kept = {name: tuple(some[:limit]) for name, some in _by_instant(article, parted).items()}
        return Related(**kept, coverage=table.coverage)

    def _likeness(self, article: Article, own: Rows, snapshot: Snapshot) -> Likeness:
        """Compare an article with those that share most words, and those that are nearest."""
        table = snapshot.table
        story = stories(table)
        words = snapshot.lexical.more_like_this(article, own)
        holding = np.flatnonzero(words.shares)
        rows = top(holding, words.shares[holding], CONSIDERED).rows
        vector = self._meaning(own[table.embedded[own]], table.n_rows)
        cosines = np.full(table.n_articles, np.nan, np.float32)
        if vector is not None and snapshot.vectors is not None:
            with suppress(EngineUnavailable):  # then by words alone, as a search goes on
                same = story == story[table.article_of[own[0]]]  # its copies are as near as it is
                asked = CONSIDERED + int(table.rows_of(same).sum())
                near = snapshot.vectors.nearest(vector, None, asked)
                rows = np.union1d(rows, near.rows)
                rows = np.flatnonzero(table.rows_of(table.articles_with(rows)))
                known = rows[table.embedded[rows]]
                found = snapshot.vectors.similarities(vector, known)
                np.fmax.at(cosines, table.article_of[known], found)
        shares = np.full(table.n_articles, -np.inf, np.float32)
        np.maximum.at(shares, table.article_of[rows], words.shares[rows])
        return Likeness(words, shares, cosines)

    def _meaning(self, rows: Rows, n_rows: int) -> Floats | None:
        """The mean of these passages' vectors, of length 1; None where there is none."""
        vectors = self._vectors.read(n_rows)
        mean = vectors[rows[rows < len(vectors)]].astype(np.float32).sum(axis=0)
        length = float(np.linalg.norm(mean))
        return mean / np.float32(length) if length else None

    def _fetch(
        self, places: Rows, likeness: Likeness, table: ArticleTable
    ) -> dict[int, RelatedArticle]:
        """Fetch articles by their places, each by the passage that shares most words."""
        marked = np.zeros(table.n_articles, np.bool_)
        marked[places] = True
        rows = np.flatnonzero(table.rows_of(marked))
        owners = table.article_of[rows]
        order = np.lexsort((rows, -likeness.words.shares[rows], owners))
        _, firsts = np.unique(owners[order], return_index=True)
        rows = np.sort(rows[order][firsts])
        scores = term_scores(rows, [(word.found,) for word in likeness.words.words], table.n_rows)
        held = dict(zip(rows.tolist(), scores, strict=True))
        found = {}
        for stored in self._catalog.stored(rows.tolist()):
            place = int(table.article_of[stored.row])
            why = _why(likeness, place, held[stored.row])
            found[place] = RelatedArticle(stored.article, float(likeness.scores[place]), why)
        return found


def one_a_story(table: ArticleTable, place: int, scores: Floats) -> Rows:
    """Put the articles above the floor in order, one of each story and none of this article's.

    The one place where copies are told from coverage of their own: by `stories`.
    """
    story = stories(table)
    above = np.flatnonzero((scores >= FLOOR) & (story != story[place]))
    ordered = above[np.lexsort((above, -table.published[above], -scores[above]))]
    _, firsts = np.unique(story[ordered], return_index=True)
    kept: Rows = ordered[np.sort(firsts)]
    return kept


def stories(table: ArticleTable) -> Rows:
    """The story of each article, (n_articles,): copies have the same, all others one each."""
    alone = np.arange(table.n_articles) + table.story.max(initial=-1) + 1
    told: Rows = np.where(table.story >= 0, table.story, alone)
    return told


def _by_day(published: Ints, place: int, ordered: Rows, limit: int) -> dict[str, Rows]:
    """Part articles by their day; of the same day more are kept, as an instant may move them."""
    days, day = published[ordered], published[place]
    dated = (days != UNDATED) & (day != UNDATED)
    return {
        "earlier": ordered[dated & (days < day)][:limit],
        "later": ordered[dated & (days > day)][:limit],
        "same_day": ordered[dated & (days == day)][: 3 * limit],
        "undated": ordered[~dated][:limit],
    }


def _by_instant(
    article: Article, parted: dict[str, list[RelatedArticle]]
) -> dict[str, list[RelatedArticle]]:
    """Move what is of the same day to earlier or later where both instants are known."""
    told = article.published_at
    same_day = []
    for found in parted["same_day"]:
        then = found.article.published_at
        if told is None or then is None or then == told:
            same_day.append(found)
        else:
            parted["earlier" if then < told else "later"].append(found)
    for name in ("earlier", "later"):
        parted[name].sort(key=lambda found: -found.score)
    return parted | {"same_day": same_day}


def _why(likeness: Likeness, place: int, scores: Floats) -> Why:
    """Say what is shared; the parts add up to the score."""
    cosine, share = float(likeness.cosines[place]), float(likeness.shares[place])
    known = not np.isnan(cosine)
    due = share * (1 - MEANING) if known else share
    total = float(scores.sum())
    order = [i for i in np.argsort(-scores, kind="stable").tolist() if scores[i]]
    words = [likeness.words.words[i].text for i in order]
    parts = [
        Part(PartKind.WORD, text, float(scores[i]), due * float(scores[i]) / total)
        for text, i in zip(words, order, strict=True)
    ]
    shared = listed([quoted(word) for word in words])
    clauses = [Message("shares %(words)s", words=shared)] if words else []
    if known:
        parts.append(Part(PartKind.MEANING, "", cosine, MEANING * max(cosine, 0.0)))
        clauses.append(nearness(cosine))
    return Why(tuple(clauses), tuple(parts))
