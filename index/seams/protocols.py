"""The seams: the methods that search and indexing call on an engine, and nothing more.

An engine knows a passage by its row, an integer that the catalogue never uses twice. Engines return
rows, posting lists and scores, never text. Matching, scoring and spelling are not an engine's work:
they are written once, above the seam, from posting lists. tests/index/test_contract.py checks every
implementation, and the fakes in tests/fakes.py, against these docstrings.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import NamedTuple, Protocol

from backfile.index.model.arrays import Bools, Floats, Rows
from backfile.index.model.expression import Field, Gap
from backfile.index.model.mentions import Mention
from backfile.index.model.postings import Postings, Slot, Vocabulary, VocabularyPart


class LexicalEntry(NamedTuple):
    """A passage as the lexical index receives it; `language` is the code of its article's."""

    row: int
    title: str
    text: str
    language: str = ""


class Ranking(NamedTuple):
    """Rows with their scores, aligned; best first, ties by row, if nothing else is said."""

    rows: Rows
    scores: Floats


class LexicalSnapshot(Protocol):
    """One committed state of a lexical index; its answers never change.

    Threads may share it. Fields are Field.TITLE and Field.TEXT. A removed passage may stay in the
    lists until the index drops it: callers mask the rows that they take for alive.
    """

    def postings(self, field: Field, term: str) -> Postings:
        """The rows that hold a term in a field, ascending; no rows for an unknown term."""
        ...

    def phrase(
        self, field: Field, slots: Sequence[Slot], gaps: Sequence[Gap], *, leading: bool = False
    ) -> Postings:
        """The rows that hold what these slots ask for, in this order, and how often.

        `gaps[i]` limits the distance from slot i to slot i + 1: at most so many positions, or the
        same sentence or paragraph. A title is one sentence. The joined form of a compound stands
        for all of its positions. The first and the last slot have terms. If `leading`, the phrase
        begins in the first paragraph of a row.
        """
        ...

    def terms(self, field: Field, prefix: str) -> Collection[str]:
        """The terms of a field that begin with the prefix."""
        ...

    def vocabulary_parts(self) -> Sequence[VocabularyPart]:
        """The parts of the vocabulary, oldest first; most are those of an earlier snapshot."""
        ...

    def vocabulary(self, parts: Sequence[VocabularyPart] | None = None) -> Vocabulary:
        """The words of some or all parts as they are spelt; witnesses are rows.

        Letters cut into pairs are no words.
        """
        ...

    def lengths(self, field: Field) -> Floats:
        """The number of words in the field, by row, as precisely as scoring needs it.

        The array ends at the highest row; it holds 0 for rows that are not indexed.
        """
        ...

    def word_counts(self, field: Field) -> Floats:
        """The exact number of words in the field, by row: the mean length is computed from it."""
        ...

    def rows(self) -> Rows:
        """The rows that can be found, each once."""
        ...

    def close(self) -> object:
        """Close its files; a snapshot without references closes itself."""
        ...


class LexicalIndex(Protocol):
    """Stores the words of passages."""

    def add(self, entries: Iterable[LexicalEntry]) -> None:
        """Add passages in ascending order of row, above all rows that were added before.

        The passages of one call can be found all at once, never before those of earlier calls, and
        at the latest after `flush`.
        """
        ...

    def flush(self) -> None:
        """Wait until all added passages can be found; raise the error that prevented it."""
        ...

    def remove(self, rows: Rows) -> None:
        """Remove passages; rows that are not indexed are ignored."""
        ...

    def settle(self) -> None:
        """Flush, then do the one-time work after many additions that makes searches faster."""
        ...

    def last_row(self) -> int:
        """The highest row that can be found, 0 if none; higher rows are still to be added."""
        ...

    def rows(self) -> Rows:
        """The rows that can be found."""
        ...

    def snapshot(self) -> LexicalSnapshot:
        """Open the state that is committed now; raise EngineUnavailable."""
        ...

    def check(self) -> None:
        """Read all of its files; raise EngineUnavailable, with names, if some are damaged."""
        ...

    def replaced(self) -> AbstractContextManager["LexicalIndex"]:
        """Give an empty index to fill; it takes the place of this one at the end of the context.

        Until then, and if the context ends with an error, this one answers as before.
        """
        ...

    def clear(self) -> None:
        """Remove everything."""
        ...


class VectorSnapshot(Protocol):
    """One state of a vector index."""

    def nearest(self, vector: Floats, row_mask: Bools | None, limit: int) -> Ranking:
        """Rank the nearest rows by cosine, among the rows of the mask, or all if None.

        `vector` is (dimension,) of length 1; `row_mask` is (n_rows,). The result is exact for a
        mask of few rows; of many, it holds at least 98 of the 100 nearest.
        """
        ...

    def within(self, vector: Floats, floor: float) -> Ranking:
        """All rows whose cosine with the vector is at least `floor`, and no others, in order."""
        ...

    def similarities(self, vector: Floats, rows: Rows) -> Floats:
        """The cosine of the vector with each of these rows, which must be embedded."""
        ...


class VectorIndex(Protocol):
    """Finds passages by the cosine of their embeddings, which it reads from the record."""

    def seal(self, embedded: Rows) -> None:
        """Index the embedded rows that are not indexed yet, and drop all other rows."""
        ...

    def rebuild(self, embedded: Rows) -> None:
        """Index all embedded rows anew; what is indexed now answers until that is done."""
        ...

    def rows(self) -> Rows:
        """The rows that are indexed."""
        ...

    def is_behind(self, embedded: Rows) -> bool:
        """Whether `seal` has something to do for these embedded rows."""
        ...

    def snapshot(self, embedded: Bools) -> VectorSnapshot:
        """Open for searching among the embedded rows, indexed or not; raise EngineUnavailable."""
        ...

    def warm(self) -> None:
        """Make later snapshots load what many searches profit from; the first one takes longer."""
        ...

    def check(self) -> None:
        """Raise EngineUnavailable unless every part answers and holds what it should."""
        ...

    def clear(self) -> None:
        """Remove everything."""
        ...


class Reranker(Protocol):
    """Reads a question and a passage together: slower and more precise than two embeddings."""

    @property
    def name(self) -> str: ...

    def load(self) -> None:
        """Load the model now, so that `scores` does not wait for it; raise EngineUnavailable."""
        ...

    def scores(self, question: str, texts: Sequence[str]) -> Floats:
        """How well each text answers the question, 0 to 1, (n,); raise EngineUnavailable."""
        ...


class NameReader(Protocol):
    """Finds the names of people, organisations and places in texts; it can be pickled."""

    def models(self) -> Mapping[str, str]:
        """The name and version of a model for each language that has one; loads none of them."""
        ...

    def mentions(self, language: str, articles: Sequence[Sequence[str]]) -> list[list[Mention]]:
        """The mentions in articles of one language, in order; an article is a list of texts.

        Raises EngineUnavailable if there is no model for the language, or it cannot be loaded.
        """
        ...


class Embedder(Protocol):
    """Turns texts into vectors of length 1, (n, dimension) float32."""

    @property
    def name(self) -> str: ...

    @property
    def weights(self) -> str:
        """A hash of the model's weights: equal hashes give equal vectors."""
        ...

    @property
    def dimension(self) -> int: ...

    @property
    def precision(self) -> str: ...

    @property
    def engine(self) -> str:
        """The name of what computes the model for passages."""
        ...

    def embed_passages(self, texts: Sequence[str]) -> Floats:
        """Embed passages; the rows of the result are in the order of the texts."""
        ...

    def embed_sentences(self, texts: Sequence[str]) -> Floats:
        """Embed a few sentences during a search; equal to `embed_passages` but for rounding."""
        ...

    def embed_query(self, text: str) -> Floats:
        """Embed the text of a query, (dimension,)."""
        ...

    def prepare_queries(self) -> None:
        """Do the one-time work at indexing that makes a first query fast; may do nothing."""
        ...

    def check_queries(self) -> None:
        """Raise EngineUnavailable if what `prepare_queries` has made is damaged."""
        ...
