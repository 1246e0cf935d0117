"""Marks the words of a query in a text."""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from itertools import pairwise

from backfile.index.lexical.analysis.analyser import (
    WORD,
    TermSpan,
    cut_text,
    term_spans,
    terms_asked,
)
from backfile.index.lexical.analysis.languages import Languages
from backfile.index.lexical.analysis.ngrams import has_run, letters
from backfile.index.lexical.analysis.stemming import fold, reading, spelling_of, term_of
from backfile.index.lexical.spelling.spellings import is_within
from backfile.index.model.expression import (
    Expression,
    Fuzzy,
    Leaf,
    Near,
    Phrase,
    Prefix,
    Stretch,
    Word,
    positive_leaves,
)

Span = tuple[int, int]
# Where a WORD may begin and end.
BEGINNING = re.compile(r"(?<!\w)(?<!\w[.'’])")
END = re.compile(r"(?!\w)(?![.'’]\w)")
ONE_LANGUAGE = Languages()


class Highlighter:
    """Marks the words of one query in any number of texts, each in its own language."""

    def __init__(self, expression: Expression | None, languages: Languages = ONE_LANGUAGE) -> None:
        leaves = list(positive_leaves(expression)) if expression else []
        words = [leaf.text for leaf in leaves if isinstance(leaf, Word)]
        weighty = set(languages.weighty(words))
        self._leaves = [x for x in leaves if not isinstance(x, Word) or x.text in weighty]
        self._in_language: dict[str, _Marker] = {}

    def mark(self, text: str, language: str = "") -> tuple[Span, ...]:
        """Return the (start, end) of each mark, in characters, ascending, without overlap.

        A phrase is marked as a whole, and its words nowhere else.

        >>> from backfile.index.model.expression import Words
        >>> Highlighter(Words((Word("bridge"), Word("the")))).mark("The bridges of the Ash")
        ((4, 11),)
        """
        code = reading(language)
        if code not in self._in_language:
            self._in_language[code] = _Marker(self._leaves, code)
        return tuple(_apart(sorted(self._in_language[code].spans(text, language))))


class _Marker:
    """Finds the words of a query in texts of one language."""

    def __init__(self, leaves: Sequence[Leaf], language: str) -> None:
        self._language = language
        self._near = [
            (terms_asked(leaf.first, language), terms_asked(leaf.second, language), leaf)
            for leaf in leaves
            if isinstance(leaf, Near)
        ]
        leaves = [leaf for leaf in leaves if not isinstance(leaf, Near)]
        searched = [(leaf, terms_asked(leaf.text, language)) for leaf in leaves]
        cut = [leaf.text for leaf in leaves if has_run(leaf.text)]
        self._letters = tuple(text for text in cut if len(letters(text)) == 1)
        words = [(x, t) for x, t in searched if not isinstance(x, Phrase) and x.text not in cut]
        self._terms = {f[0] for leaf, f in words if len(f) == 1 and not isinstance(leaf, Fuzzy)}
        self._fuzzy = [
            (spelling_of(leaf.text, language), leaf.edits)
            for leaf, _ in words
            if isinstance(leaf, Fuzzy)
        ]
        self._prefixes = tuple(fold(leaf.text) for leaf, _ in words if isinstance(leaf, Prefix))
        self._phrases = [
            (found, leaf.slop if isinstance(leaf, Phrase) else 1)
            for leaf, found in searched
            if isinstance(leaf, Phrase) or len(found) > 1 or leaf.text in cut
        ]
        self._seen: set[str] = set()
        self._wanted: set[str] = set()  # those of `_seen` to mark

    def spans(self, text: str, language: str) -> set[Span]:
        single, cut = self._terms or self._prefixes or self._fuzzy, has_run(text)
        marked = set(self._words(text)) if single and not cut else set()
        if self._phrases or self._near or cut:
            spans = list(term_spans(text, self._language))
            marked.update((s.start, s.end) for s in spans if cut and self._is_asked(s, text))
            for phrase, slop in self._phrases:
                marked.update(_phrases(spans, phrase, slop))
            for first, second, leaf in self._near:
                if isinstance(leaf.within, Stretch):
                    starts = cut_text(text, language).starts_of(leaf.within)
                    marked.update(_together(spans, starts, first, second, leaf))
                else:
                    marked.update(_near(spans, first, second, leaf, leaf.within))
        for letter in self._letters:
            marked.update(found.span() for found in re.finditer(re.escape(letter), text))
        return marked

    def _words(self, text: str) -> Iterator[Span]:
        """Find single words; each distinct word is compared once per query."""
        written = set(WORD.findall(text))
        fresh = written - self._seen
        self._seen |= fresh
        for word in fresh:
            if self._is_wanted(word, term_of(word, self._language)):
                self._wanted.add(word)
        for word in written & self._wanted:
            yield from _whole(word, text)

    def _is_asked(self, span: TermSpan, text: str) -> bool:
        return self._is_wanted(text[span.start : span.end], span.term)

    def _is_wanted(self, word: str, term: str) -> bool:
        if term in self._terms:
            return True
        spelt = spelling_of(word, self._language)
        return spelt.startswith(self._prefixes) or any(
            is_within(spelt, asked, edits) for asked, edits in self._fuzzy
        )


def _whole(word: str, text: str) -> Iterator[Span]:
    """Find a word where it is not part of another."""
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


def _together(
    spans: list[TermSpan], starts: list[int], first: list[str], second: list[str], leaf: Near
) -> Iterator[Span]:
    """Find pairs in the same sentence or paragraph; `starts` are where these begin."""
    cuts = [bisect_left(spans, start, key=lambda span: span.start) for start in starts]
    for begin, end in pairwise([*cuts, len(spans)]):
        yield from _near(spans[begin:end], first, second, leaf, end - begin)


def _near(
    spans: list[TermSpan], first: list[str], second: list[str], leaf: Near, within: int
) -> Iterator[Span]:
    """Find pairs near each other; mark both sides, not the words between them."""
    others = _places(spans, second)
    for one in _places(spans, first):
        end = one + len(first) - 1
        ahead = others[bisect_left(others, end + 1) : bisect_right(others, end + within)]
        begin = one - len(second) + 1  # of what ends right in front of it, and one more
        behind = others[bisect_left(others, begin - within) : bisect_left(others, begin)]
        for other in ahead if leaf.ordered else (*behind, *ahead):
            yield spans[one].start, spans[end].end
            yield spans[other].start, spans[other + len(second) - 1].end


def _places(spans: list[TermSpan], phrase: list[str]) -> list[int]:
    """The indices at which the terms are consecutive."""
    n = len(phrase)
    found = (i for i in range(len(spans) - n + 1) if n and spans[i].term == phrase[0])
    return [i for i in found if [span.term for span in spans[i : i + n]] == phrase]


def _apart(spans: list[Span]) -> Iterator[Span]:
    """Join overlapping spans."""
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
