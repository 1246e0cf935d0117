"""The seams: what search and indexing ask of an engine, and nothing more.

Engines know a passage by its row, an integer from the catalogue that is never used twice; they
return rows and scores, and never text. tests/test_contract.py holds every implementation, and the
fakes in tests/fakes.py, to what the docstrings say.
"""

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from typing import NamedTuple, Protocol, Self

from backfile.archive.model.article import Article, Passage
from backfile.index.lexical.scoring.bm25 import Idf
from backfile.index.lexical.scoring.more_like_this import MoreLikeThis
from backfile.index.lexical.spelling.spellings import Spellings
from backfile.index.model.arrays import Bools, Floats, Rows
from backfile.index.model.article_table import ArticleTable
from backfile.index.model.expression import Expression
from backfile.index.model.matches import Matches


class LexicalEntry(NamedTuple):
    """What the lexical index is given of a passage."""

    row: int
    title: str
    text: str
    language: str = ""

    @classmethod
    def of(cls, row: int, article: Article, passage: Passage) -> Self:
        return cls(row, article.given_title, passage.text, article.language)


class Ranking(NamedTuple):
    """Rows with their scores, aligned; best first, ties by row."""

    rows: Rows
    scores: Floats


class LexicalSnapshot(Protocol):
    """One committed state of a lexical index; answers do not change while it is open."""

    def spellings(self, articles: ArticleTable) -> Spellings:
        """The words of these articles' titles and texts as they are spelt.

        A word is left out that is known of no living article: none that only a removed one holds is
        ever given away. Runs of letters that are cut are no words.
        """
        ...

    def match(
        self, expression: Expression, articles: ArticleTable, *, idf: Idf = Idf.WHOOSH
    ) -> Matches:
        """Find what matches. Rows that the columns do not know are passed over.

        `rarity` changes what passages score, not which articles match but for those of the best.
        """
        ...

    def more_like_this(self, article: Article, own: Rows, articles: ArticleTable) -> MoreLikeThis:
        """Weigh what an article says most tellingly against all passages; its own are `own`."""
        ...

    def rows(self) -> Rows:
        """The rows that can be found, each once."""
        ...

    def close(self) -> object:
        """Let its files go; what nobody holds any more is closed by itself."""
        ...


class LexicalIndex(Protocol):
    """Finds passages by their words."""

    def add(self, entries: Iterable[LexicalEntry]) -> None:
        """Take passages in ascending order of row, beyond all that were taken before.

        They are found together, not before those of earlier calls, and at the latest after `flush`.
        """
        ...

    def flush(self) -> None:
        """Wait until all that was added can be found; raise what kept it from being so."""
        ...

    def remove(self, rows: Rows) -> None:
        """Remove passages; rows that are not there are passed over."""
        ...

    def settle(self) -> None:
        """Do once, when enough was added, whatever makes later searches quicker."""
        ...

    def last_row(self) -> int:
        """The highest row that can be found, 0 if none; what lies beyond is still to come."""
        ...

    def rows(self) -> Rows:
        """The rows that can be found."""
        ...

    def snapshot(self) -> LexicalSnapshot:
        """Open the state that is committed now; raise EngineUnavailable."""
        ...

    def replaced(self) -> AbstractContextManager["LexicalIndex"]:
        """Give an empty index to fill; it takes the place of this one at the end of the context.

        Until then, and if the context ends with an error, this one answers as before.
        """
        ...

    def clear(self) -> None:
        """Forget everything."""
        ...


class VectorSnapshot(Protocol):
    """One state of a vector index."""

    def nearest(self, vector: Floats, wanted: Bools | None, limit: int) -> Ranking:
        """Rank the nearest rows by cosine, among the wanted rows, or all if None.

        `vector` is (dimension,) of length 1; `wanted` is (n_rows,). Exact where few are wanted; of
        the 100 nearest of many at least 98 are found.
        """
        ...

    def within(self, vector: Floats, floor: float) -> Ranking:
        """Rank all rows whose cosine with the vector is at least `floor`, and no others.

        The same rows whenever it is asked; where few are near, hardly one in a hundred is missed.
        """
        ...

    def similarities(self, vector: Floats, rows: Rows) -> Floats:
        """The cosine of the vector with each of these rows, which must be embedded."""
        ...


class VectorIndex(Protocol):
    """Finds passages by the nearness of their embeddings, which it reads from the record."""

    def seal(self, embedded: Rows) -> None:
        """Index all embedded rows that are not indexed yet, and forget the others."""
        ...

    def rebuild(self, embedded: Rows) -> None:
        """Index all embedded rows anew; what is indexed now answers until that is done."""
        ...

    def rows(self) -> Rows:
        """The rows that are indexed."""
        ...

    def snapshot(self, embedded: Bools) -> VectorSnapshot:
        """Open for searching among the embedded rows, indexed or not; raise EngineUnavailable."""
        ...

    def warm(self) -> None:
        """Let snapshots from now on open what makes many searches quick, at a cost at first."""
        ...

    def check(self) -> None:
        """Raise EngineUnavailable unless every part answers and holds what it should."""
        ...

    def clear(self) -> None:
        """Forget everything."""
        ...


class Reranker(Protocol):
    """Reads a question and a passage together: slower than comparing vectors, and surer."""

    @property
    def name(self) -> str: ...

    def load(self) -> None:
        """Load the model now, so that scores need not wait for it; raise EngineUnavailable."""
        ...

    def scores(self, question: str, texts: Sequence[str]) -> Floats:
        """How well each text answers, 0 to 1, (n,); raise EngineUnavailable."""
        ...


class Embedder(Protocol):
    """Turns texts into vectors of length 1, (n, dimension) float32."""

    @property
    def name(self) -> str: ...

    @property
    def weights(self) -> str:
        """A hash of the weights: equal weights, equal vectors."""
        ...

    @property
    def dimension(self) -> int: ...

    @property
    def precision(self) -> str: ...

    def embed_passages(self, texts: Sequence[str]) -> Floats:
        """Embed passages; the order of the result is that of the texts."""
        ...

    def embed_sentences(self, texts: Sequence[str]) -> Floats:
        """Embed a few sentences of passages while somebody waits; as passages, but for rounding."""
        ...

    def embed_query(self, text: str) -> Floats:
        """Embed what is searched for, (dimension,)."""
        ...

    def prepare_queries(self) -> None:
        """Do once, while writing, whatever makes a first query quick; may do nothing."""
        ...
