"""Search by words over one snapshot: matching, more like this, and spelling."""

from collections.abc import Callable
from copy import copy
from typing import Self

from backfile.archive.model.article import Article
from backfile.index.lexical.analysis.languages import Languages
from backfile.index.lexical.scoring.bm25 import Idf
from backfile.index.lexical.scoring.collection import Collection
from backfile.index.lexical.scoring.matching import Matcher
from backfile.index.lexical.scoring.more_like_this import MoreLikeThis, more_like_this
from backfile.index.lexical.spelling.shared_spellings import AnySpellings, spellings_of_whole
from backfile.index.lexical.spelling.spellings import Spellings
from backfile.index.model.arrays import Rows
from backfile.index.model.article_table import ArticleTable
from backfile.index.model.collection_statistics import CollectionStatistics
from backfile.index.model.expression import Expression, positive_leaves
from backfile.index.model.matches import Matches
from backfile.index.model.whole import UNDIVIDED, Whole
from backfile.index.seams.protocols import LexicalSnapshot


class LexicalSearch:
    """Pairs one snapshot of a lexical index with one article table; threads may share it.

    Scored posting lists and spellings are computed once and cached for later queries. The snapshot
    stays open as long as this object is referenced.
    """

    def __init__(
        self,
        snapshot: LexicalSnapshot,
        table: ArticleTable,
        earlier: "LexicalSearch | None" = None,
    ) -> None:
        """Pair them; rows of the snapshot that are not in the table are ignored.

        What `earlier` has gathered of the same parts of the index is used again.
        """
        before = earlier._collection if earlier else None
        self._collection: Collection = Collection(snapshot, table, before)
        self.whole = UNDIVIDED
        self._of_whole: Collection | None = None

    def within(self, whole: Whole, statistics: CollectionStatistics) -> Self:
        """The same passages as those of a shard of a whole, which has these statistics."""
        if self._of_whole is None or self._of_whole.statistics != statistics:
            self._of_whole = self._collection.within(statistics)
        shard = copy(self)
        shard.whole, shard._collection = whole, self._of_whole
        return shard

    def alone(self) -> Self:
        """The same passages without the other shards, read in the languages of the whole.

        Which articles hold a word or a phrase is the same as beside them; scores are not.
        """
        if not self.whole.is_divided:
            return self
        shard = copy(self)
        shard.whole = UNDIVIDED
        return shard

    @property
    def table(self) -> ArticleTable:
        return self._collection.table

    @property
    def statistics(self) -> CollectionStatistics:
        return self._collection.statistics

    @property
    def languages(self) -> Languages:
        """The languages of the whole, in which the words of queries are read."""
        return self._collection.languages

    def match(
        self,
        expression: Expression,
        *,
        idf: Idf = Idf.WHOOSH,
        is_late: Callable[[], bool] = lambda: False,
    ) -> Matches:
        """Match an expression.

        `idf` changes the scores. It changes which articles match only for a text of many words,
        where the articles of the best passages match. Once `is_late`, the parts that are left are
        not matched.
        """
        self.whole.note([(type(each), each.text) for each in positive_leaves(expression)])
        with self.whole.alone():
            return Matcher(self._collection, idf, is_late, self.whole).match(expression)

    def more_like_this(self, article: Article, own: Rows) -> MoreLikeThis:
        """Compare the key terms of an article with all passages; `own` are its own rows."""
        return more_like_this(self._collection, article, own, self.whole)

    def spellings(self) -> AnySpellings:
        """The words of titles and texts, as they are spelt.

        A word without a living witness is marked as not living: callers never show it, so that a
        removed article gives no word away.
        """
        with self.whole.alone():
            return spellings_of_whole(self.own_spellings(), self.whole)

    def own_spellings(self) -> Spellings:
        """The same of these passages alone, where they are those of a shard."""
        return self._collection.spellings()
