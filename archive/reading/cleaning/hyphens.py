"""Decides whether a hyphen at the end of a wrapped line cuts a word or belongs to it."""

import re
from dataclasses import dataclass

LAST_WORD = re.compile(r"[^\W\d_]+(?=-$)")
FIRST_WORD = re.compile(r"[^\W\d_]+")
WORD = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")
CONJUNCTIONS = frozenset(("and", "or", "und", "oder", "bzw", "sowie", "et", "ou", "y", "o"))
# A typesetter cuts a word in one of ten lines or so; compounds end one in a hundred.
FEWEST, SHARE = 3, 0.04


@dataclass(frozen=True, slots=True)
class Hyphens:
    """What an article shows of its hyphens: its whole words, and whether words are cut at all."""

    words: frozenset[str]
    cuts: bool

    @classmethod
    def of(cls, lines: list[str]) -> "Hyphens":
        """Learn from an article's lines."""
        ends = sum(line.endswith("-") and line[-2:-1].isalpha() for line in lines)
        if not ends:
            return cls(frozenset(), cuts=False)
        words = frozenset(word for line in lines for word in WORD.findall(line.casefold()))
        return cls(words, cuts=ends >= FEWEST and ends >= SHARE * len(lines))

    def joined(self, start: str, rest: str) -> tuple[str, str, str]:
        """Say how a line that ends in a hyphen goes on: (it, what is between, the next).

        >>> Hyphens(frozenset(("harbour",)), cuts=False).joined("the har-", "bour wall")
        ('the har', '', 'bour wall')
        >>> Hyphens(frozenset(), cuts=False).joined("the harbour-", "master")
        ('the harbour-', '', 'master')
        """
        last, first = LAST_WORD.search(start), FIRST_WORD.match(rest)
        if not last or not first or first[0].casefold() in CONJUNCTIONS:
            return start, " ", rest
        left, right = last[0].casefold(), first[0].casefold()
        whole = left + right in self.words
        compound = f"{left}-{right}" in self.words
        if whole or (self.cuts and not compound and first[0].islower()):
            return start[:-1], "", rest
        return start, "", rest
