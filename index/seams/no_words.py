"""An empty snapshot, in the place of a lexical index that cannot be read."""

from collections.abc import Collection, Sequence

import numpy as np

from backfile.index.model.arrays import Floats, Rows
from backfile.index.model.expression import Field, Gap
from backfile.index.model.postings import NO_POSTINGS, Postings, Vocabulary

NO_ROWS: Rows = np.empty(0, np.int64)


class NoWords:
    """A LexicalSnapshot without passages: search by meaning and by filters goes on over it."""

    def postings(self, _: Field, __: str) -> Postings:
        return NO_POSTINGS

    def phrase(self, _: Field, __: Sequence[str], ___: Sequence[Gap]) -> Rows:
        return NO_ROWS

    def terms(self, _: Field, __: str) -> Collection[str]:
        return ()

    def vocabulary(self) -> Vocabulary:
        return Vocabulary([], [], NO_ROWS, NO_ROWS.reshape(0, 1))

    def lengths(self, _: Field) -> Floats:
        return np.zeros(1, np.float32)

    def word_counts(self, _: Field) -> Floats:
        return np.zeros(1, np.float32)

    def rows(self) -> Rows:
        return NO_ROWS

    def close(self) -> None:
        """Close nothing."""
