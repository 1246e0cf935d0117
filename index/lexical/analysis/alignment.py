"""Aligns a quotation with a text: the words that both have in the same order, near each other."""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple, Self

from backfile.index.lexical.analysis.analyser import TermSpan, asked
from backfile.index.lexical.analysis.stemming import ENGLISH, reading

Spans = tuple[tuple[int, int], ...]
AROUND = 3  # words beside the nearest stretch of a text that has the length of the quotation
LEAST_SHARE = 0.6  # of the words; 95 of 100 sentences share less with any other article


class Alignment(NamedTuple):
    """The terms of a quotation and of a text, and the pairs of those that agree, ascending."""

    quotation: Sequence[TermSpan]
    text: Sequence[TermSpan]
    pairs: Sequence[tuple[int, int]]

    @classmethod
    def of(cls, quotation: str, text: str, language: str = ENGLISH) -> Self:
        """Align a quotation with the stretch of a text that words it most closely.

        >>> found = Alignment.of("shut the swing bridge", "The council shut a swing bridge.")
        >>> found.share, found.lacking, found.added
        (0.75, ((5, 8),), ((5, 6),))
        """
        return cls.between(spans(quotation, language), spans(text, language))

    @classmethod
    def between(cls, quotation: Sequence[TermSpan], text: Sequence[TermSpan]) -> Self:
        """Align terms."""
        pairs = _pairs([each.term for each in quotation], [each.term for each in text])
        return cls(quotation, text, pairs)

    @property
    def share(self) -> float:
        """The share of the quotation's words that agree, 0 to 1."""
        return len(self.pairs) / max(1, len(self.quotation))

    @property
    def stretch(self) -> tuple[int, int]:
        """The (start, end) of the text from the first word that agrees to the last."""
        first, last = self.pairs[0][1], self.pairs[-1][1]
        return self.text[first].start, self.text[last].end

    @property
    def agreeing(self) -> Spans:
        """The (start, end) in the text of the words that agree; neighbours are one span."""
        return _spans(self.text, [j for _, j in self.pairs])

    @property
    def lacking(self) -> Spans:
        """The (start, end) in the quotation of the words that the text lacks."""
        agreeing = {i for i, _ in self.pairs}
        return _spans(self.quotation, [i for i in range(len(self.quotation)) if i not in agreeing])

    @property
    def added(self) -> Spans:
        """The (start, end), from the start of the stretch, of the words that are only in it."""
        begin, _ = self.stretch
        between = [
            j for (_, one), (_, other) in pairwise(self.pairs) for j in range(one + 1, other)
        ]
        return tuple((start - begin, end - begin) for start, end in _spans(self.text, between))


def spans(text: str, language: str) -> Sequence[TermSpan]:
    """The terms of a quotation, or of a text in this language, with compounds apart."""
    return asked(text, reading(language), apart=True)


def _spans(terms: Sequence[TermSpan], chosen: Sequence[int]) -> Spans:
    """The spans of some terms, given by ascending indices; those of neighbours are one."""
    found: list[tuple[int, int]] = []
    for before, i in zip([None, *chosen], chosen, strict=False):
        follows = found and before == i - 1
        start = found.pop()[0] if follows else terms[i].start
        found.append((start, terms[i].end))
    return tuple(found)


def _pairs(quotation: Sequence[str], text: Sequence[str]) -> Sequence[tuple[int, int]]:
    """The longest common subsequence of a quotation and the nearest stretch of a text."""
    from rapidfuzz import fuzz  # takes 10 ms, so only where needed
    from rapidfuzz.distance import LCSseq

    if not set(quotation) & set(text):
        return ()
    begin, stretch = 0, text
    nearest = fuzz.partial_ratio_alignment(quotation, text) if len(text) > len(quotation) else None
    if nearest:
        begin = max(0, nearest.dest_start - AROUND)
        stretch = text[begin : nearest.dest_end + AROUND]
    return [
        (i, begin + j)
        for block in LCSseq.opcodes(quotation, stretch)
        if block.tag == "equal"
        for i, j in zip(
            range(block.src_start, block.src_end),
            range(block.dest_start, block.dest_end),
            strict=True,
        )
    ]
