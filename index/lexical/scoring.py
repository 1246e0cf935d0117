"""BM25F as Whoosh computes it, over whole posting lists at once."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Bools = npt.NDArray[np.bool_]
Rows = npt.NDArray[np.int64]

K1 = 1.2  # saturation of a word's frequency
B = 0.75  # how much a passage's length counts


class Postings(NamedTuple):
    """The rows a term stands in, and how often; aligned, each row once."""

    rows: Rows
    frequencies: Floats


NO_POSTINGS = Postings(np.empty(0, np.int64), np.empty(0, np.float32))


def inverse_document_frequency(document_frequency: int, n_documents: int) -> float:
    """How rare a term is: ln(N / (df + 1)) + 1, as in whoosh.scoring (and Lucene's classic form).

    >>> round(inverse_document_frequency(9, 1000), 3)
    5.605
    """
    return float(np.log(n_documents / (document_frequency + 1)) + 1)


def length_norms(lengths: Floats, mean_length: float) -> Floats:
    """How much more a word must stand in a longer passage: k1 (1 - b + b |d| / mean |d|)."""
    return (K1 * (1 - B + B * lengths / max(mean_length, 1e-9))).astype(np.float32)


def saturation(frequencies: Floats, norms: Floats) -> Floats:
    """Weigh how often a term stands in a passage, (n,): tf (k1 + 1) / (tf + norm).

    Times the idf it is the BM25 score of one term in one field (Robertson and Zaragoza, "The
    Probabilistic Relevance Framework", 2009, equation 3.15); fields are added as in
    whoosh.scoring.BM25F.
    """
    weights: Floats = np.float32(K1 + 1) * frequencies / (frequencies + norms)
    return weights


def merged(postings: list[Postings]) -> Postings:
    """Make one posting list of several, adding frequencies: a prefix is one term to the score."""
    if not postings:
        return NO_POSTINGS
    if len(postings) == 1:
        return postings[0]
    rows, places = np.unique(np.concatenate([p.rows for p in postings]), return_inverse=True)
    frequencies = np.bincount(places, np.concatenate([p.frequencies for p in postings]))
    return Postings(rows, frequencies.astype(np.float32))
