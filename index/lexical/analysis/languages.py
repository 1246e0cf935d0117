"""Analyses the words of a query in every language of an archive."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple, Self

from backfile.index.lexical.analysis.analyser import asked, weighty
from backfile.index.lexical.analysis.stemming import ENGLISH, is_stop_word, reading
from backfile.index.lexical.analysis.word_delimiter import is_common

MORE_STOP_WORDS = 2  # more than of the first language, for a query to count as another one


class Place(NamedTuple):
    """One place of a searched text: the terms that may stand there, and the word as it was typed.

    The terms differ by language.
    """

    terms: tuple[str, ...]
    written: str


Path = tuple[Place, ...]


@dataclass(frozen=True, slots=True)
class Languages:
    """The languages in which articles are analysed (see `reading`), the most frequent first."""

    readings: tuple[str, ...] = (ENGLISH,)

    @classmethod
    def of(cls, codes: Sequence[str]) -> Self:
        """Take the codes of languages, the most frequent first."""
        return cls(tuple(dict.fromkeys(map(reading, codes))) or (ENGLISH,))

    def paths(self, text: str) -> tuple[Path, ...]:
        """List the ways in which a passage can hold a searched text; compounds joined come first.

        >>> languages = Languages(("", "de"))
        >>> [[place.terms for place in path] for path in languages.paths("e-mail")]
        [[('email', 'email|de')], [('e', 'e|de'), ('mail', 'mail|de')]]
        """
        joined, apart = (self._path(text, apart=apart) for apart in (False, True))
        return (joined,) if joined == apart else (joined, apart)

    def terms(self, text: str) -> tuple[tuple[str, ...], ...]:
        """List the terms of each place of a searched text, compounds joined.

        >>> Languages(("", "de")).terms("Brücken 2024")
        (('brucken', 'bruck|de'), ('2024',))
        """
        return tuple(place.terms for place in self._path(text, apart=False))

    def _path(self, text: str, *, apart: bool) -> Path:
        found = _known_path if is_common(text) else _path
        return found(self.readings, text, apart)

    def weighty(self, words: Sequence[str]) -> Sequence[str]:
        """Drop the stop words of the language that a query seems to be in."""
        return weighty(words, self._of_query(words))

    def are_stop_words(self, words: Sequence[str]) -> bool:
        """Whether all words are stop words of the language that a query seems to be in.

        >>> Languages().are_stop_words(["The", "Who"]), Languages().are_stop_words(["the", "ferry"])
        (True, False)
        """
        language = self._of_query(words)
        return all(is_stop_word(word, language) for word in words)

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


def _path(readings: tuple[str, ...], text: str, apart: bool) -> Path:
    # Words are split alike in all languages.
    each_reading = (asked(text, language, apart=apart) for language in readings)
    return tuple(
        Place(
            tuple(dict.fromkeys(span.term for span in spans)),
            text[spans[0].start : spans[0].end],
        )
        for spans in zip(*each_reading, strict=True)
    )


_known_path = lru_cache(maxsize=1 << 14)(_path)
