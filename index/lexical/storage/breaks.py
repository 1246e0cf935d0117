"""Lists where the sentences and paragraphs of texts begin, as positions among their words.

It is a posting list as any term has: of each document, the positions of the first words of all its
sentences but the first.
"""

from array import array
from collections.abc import Sequence
from itertools import accumulate

import numpy as np

from index.expression import Stretch
from index.lexical.language.cutting import CutText
from index.lexical.storage.codec import PostingLists


class BreakLists:
    """Collects the breaks of the documents of a segment, 0 and up."""

    def __init__(self) -> None:
        self._n_documents = 0
        self._documents = {each: array("I") for each in Stretch}
        self._positions = {each: array("I") for each in Stretch}

    def add(self, cut: CutText, counts: Sequence[int]) -> None:
        """Take the next document, and how many terms each of its sentences has."""
        for position, opens in zip(accumulate(counts), cut.opens[1:], strict=False):
            for stretch in Stretch if opens else (Stretch.SENTENCE,):
                self._documents[stretch].append(self._n_documents)
                self._positions[stretch].append(position)
        self._n_documents += 1

    def invert(self) -> PostingLists:
        """The list of each kind of break, ascending as bytes; of a kind that is nowhere, none."""
        kinds = sorted(each for each in Stretch if self._documents[each])
        counted = [
            np.unique(np.frombuffer(self._documents[each], np.uint32), return_counts=True)
            for each in kinds
        ]
        nothing = np.empty(0, np.uint32)
        documents = np.concatenate([nothing, *(found for found, _ in counted)])
        frequencies = np.concatenate([nothing, *(counts for _, counts in counted)])
        places = [np.frombuffer(self._positions[each], np.uint32) for each in kinds]
        return PostingLists(
            [each.value.encode() for each in kinds],
            np.cumsum([0, *(len(found) for found, _ in counted)]),
            documents.astype(np.uint32),
            frequencies.astype(np.uint32),
            np.zeros(len(documents), np.uint32),
            np.concatenate([nothing, *places]),
        )
