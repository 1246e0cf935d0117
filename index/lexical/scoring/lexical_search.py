"""Search by words over one snapshot: matching, more like this, and spelling."""

from collections.abc import Callable

from backfile.archive.model.article import Article
from backfile.index.lexical.scoring.bm25 import Idf
from backfile.index.lexical.scoring.collection import Collection
from backfile.index.lexical.scoring.matching import Matcher
from backfile.index.lexical.scoring.more_like_this import MoreLikeThis, more_like_this
from backfile.index.lexical.spelling.spellings import Spellings
from backfile.index.model.arrays import Rows
from backfile.index.model.article_table import ArticleTable
from backfile.index.model.expression import Expression
from backfile.index.model.matches import Matches
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
        self.table = table
        before = earlier._collection if earlier else None
        self._collection: Collection = Collection(snapshot, table, before)

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
        return Matcher(self._collection, idf, is_late).match(expression)

    def more_like_this(self, article: Article, own: Rows) -> MoreLikeThis:
        """Compare the key terms of an article with all passages; `own` are its own rows."""
        return more_like_this(self._collection, article, own)

    def spellings(self) -> Spellings:
        """The words of titles and texts, as they are spelt.

        A word without a living witness is marked as not living: callers never show it, so that a
        removed article gives no word away.
        """
        return self._collection.spellings()
