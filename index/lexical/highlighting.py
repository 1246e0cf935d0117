"""Marks in a text the words that a query asked for."""

import re
from collections.abc import Iterator

from index.expression import Expression, Phrase, Prefix, Word, wanted
from index.lexical.analysis import WORD, TermSpan, fold, is_stop_word, term_of, term_spans, terms

Span = tuple[int, int]
# Where WORD may begin and end.
BEGINNING = re.compile(r"(?<!\w)(?<!\w[.'’])")
END = re.compile(r"(?!\w)(?![.'’]\w)")


class Highlighter:
    """Marks what one query asked for, in any number of texts."""

    def __init__(self, expression: Expression | None) -> None:
        leaves = list(wanted(expression)) if expression else []
        words = [leaf.text for leaf in leaves if isinstance(leaf, Word)]
        weighty = [word for word in words if not is_stop_word(word)] or words
        prefixes = [leaf.text for leaf in leaves if isinstance(leaf, Prefix)]
        said = [terms(word) for word in [*weighty, *prefixes]]
        self._terms = {word[0] for word in said if len(word) == 1}
        self._prefixes = tuple(fold(prefix) for prefix in prefixes)
        self._phrases = [(terms(p.text), p.slop) for p in leaves if isinstance(p, Phrase)]
        self._phrases += [(word, 1) for word in said if len(word) > 1]
        self._seen: set[str] = set()
        self._wanted: set[str] = set()  # of the words seen

    def mark(self, text: str) -> tuple[Span, ...]:
        """Return the (start, end) of each marked stretch, in characters, ascending, apart.

        Phrases are marked as a whole and only where they stand as such.

        >>> from index.expression import Words
        >>> Highlighter(Words((Word("bridge"), Word("the")))).mark("The bridges of the Ash")
        ((4, 11),)
        """
        marked = set(self._words(text)) if self._terms or self._prefixes else set()
        if self._phrases:
            spans = list(term_spans(text))
            for phrase, slop in self._phrases:
                marked.update(_phrases(spans, phrase, slop))
        return tuple(_apart(sorted(marked)))

    def _words(self, text: str) -> Iterator[Span]:
        """Find the words that are wanted for themselves; each is looked at once a query."""
        written = set(WORD.findall(text))
        fresh = written - self._seen
        self._seen |= fresh
        self._wanted |= {word for word in fresh if term_of(word) in self._terms}
        if self._prefixes:
            begun = (word for word in fresh if term_of(word).startswith(self._prefixes))
            self._wanted.update(begun)
        for word in written & self._wanted:
            yield from _whole(word, text)


def _whole(word: str, text: str) -> Iterator[Span]:
    """Find a word where it is no part of another."""
    start = text.find(word)
    while start >= 0:
        end = start + len(word)
        if BEGINNING.match(text, start) and END.match(text, end):
            yield start, end
        start = text.find(word, end)


def _phrases(spans: list[TermSpan], phrase: list[str], slop: int) -> Iterator[Span]:
    for first, span in enumerate(spans):
        if not phrase or span.term != phrase[0]:
            continue
        last = first
        for term in phrase[1:]:
            ahead = range(last + 1, min(last + 1 + slop, len(spans)))
            last = next((i for i in ahead if spans[i].term == term), -1)
            if last < 0:
                break
        if last >= 0:
            yield span.start, spans[last].end


def _apart(spans: list[Span]) -> Iterator[Span]:
    """Join what overlaps."""
    current: Span | None = None
    for start, end in spans:
        if current and start <= current[1]:
            current = (current[0], max(end, current[1]))
            continue
        if current:
            yield current
        current = (start, end)
    if current:
        yield current
