"""Analyses the words of a query in every language of an archive."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from backfile.index.lexical.analysis.analyser import terms_asked, weighty
from backfile.index.lexical.analysis.stemming import ENGLISH, is_stop_word, reading

Reading = tuple[str, ...]
MORE_STOP_WORDS = 2  # more than of the first language, for a query to count as another one


@dataclass(frozen=True, slots=True)
class Languages:
    """The languages in which articles are analysed (see `reading`), the most frequent first."""

    readings: tuple[str, ...] = (ENGLISH,)

    @classmethod
    def of(cls, codes: Sequence[str]) -> Self:
        """Take the codes of languages, the most frequent first."""
        return cls(tuple(dict.fromkeys(map(reading, codes))) or (ENGLISH,))

    def terms(self, text: str) -> tuple[Reading, ...]:
        """List the terms of a searched text in each language, equal lists once.

        All lists have the same length, as words are split alike in all languages.

        >>> Languages(("", "de")).terms("Brücken 2024")
        (('brucken', '2024'), ('bruck|de', '2024'))
        """
        found = (tuple(terms_asked(text, language)) for language in self.readings)
        return tuple(dict.fromkeys(found))

    def terms_of_sides(self, one: str, other: str) -> tuple[tuple[Reading, Reading], ...]:
        """List the terms of two texts that are searched together, in each language."""
        return tuple(
            dict.fromkeys(
                (tuple(terms_asked(one, language)), tuple(terms_asked(other, language)))
                for language in self.readings
            )
        )

    def weighty(self, words: Sequence[str]) -> Sequence[str]:
        """Drop the stop words of the language that a query seems to be in."""
        return weighty(words, self._of_query(words))

    def _of_query(self, words: Sequence[str]) -> str:
        """The first language, unless clearly more words are stop words of another.

        >>> Languages(("", "de"))._of_query(["die", "hard"])
        ''
        >>> Languages(("", "de"))._of_query(["wo", "ist", "die", "Fähre"])
        'de'
        """
        first, *others = self.readings
        counts = {code: sum(is_stop_word(w, code) for w in words) for code in self.readings}
        best = max(others, key=lambda code: counts[code], default=first)
        return best if counts[best] >= counts[first] + MORE_STOP_WORDS else first


def slots(readings: Sequence[Reading]) -> list[tuple[str, ...]]:
    """List the alternative terms of each position of a text.

    >>> slots([("brucken", "2024"), ("bruck|de", "2024")])
    [('brucken', 'bruck|de'), ('2024',)]
    """
    return [tuple(dict.fromkeys(terms)) for terms in zip(*readings, strict=True)]
