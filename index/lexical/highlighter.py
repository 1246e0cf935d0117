"""Marks the words of a query in a text."""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise

from backfile.index.lexical.analysis.alignment import LEAST_SHARE, Alignment
from backfile.index.lexical.analysis.analyser import TermSpan, asked, cut_text, term_spans
from backfile.index.lexical.analysis.languages import Languages
from backfile.index.lexical.analysis.ngrams import has_run, letters
from backfile.index.lexical.analysis.stemming import fold, reading, spelling_of, term_of
from backfile.index.lexical.analysis.word_delimiter import WORD, tokens
from backfile.index.lexical.spelling.spellings import is_within
from backfile.index.model.expression import (
    Expression,
    Fuzzy,
    Leaf,
    Near,
    Phrase,
    Prefix,
    Quotation,
    Stretch,
    Word,
    positive_leaves,
)

Span = tuple[int, int]
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
            (one, other, leaf)
            for leaf in leaves
            if isinstance(leaf, Near)
            for one in _paths(leaf.first, language)
            for other in _paths(leaf.second, language)
        ]
        self._letters: list[str] = []
        self._terms: set[str] = set()
        self._fuzzy: list[tuple[str, int]] = []
        self._prefixes: tuple[str, ...] = ()
        self._phrases: list[tuple[list[str], int]] = []
        self._quotations = [leaf for leaf in leaves if isinstance(leaf, Quotation)]
        for leaf in leaves:
            if not isinstance(leaf, Near | Quotation):
                self._add(leaf)
        self._known: dict[str, list[Span]] = {}  # what to mark in each word

    def _add(self, leaf: Word | Phrase | Prefix | Fuzzy) -> None:
        is_cut = has_run(leaf.text)
        if is_cut and len(letters(leaf.text)) == 1:
            self._letters.append(leaf.text)
        for path in _paths(leaf.text, self._language):
            if isinstance(leaf, Phrase) or len(path) > 1 or is_cut:
                self._phrases.append((path, leaf.slop if isinstance(leaf, Phrase) else 1))
            elif not isinstance(leaf, Fuzzy):
                self._terms.update(path)
        if is_cut:
            return
        if isinstance(leaf, Fuzzy):
            self._fuzzy.append((spelling_of(leaf.text, self._language), leaf.edits))
        elif isinstance(leaf, Prefix):
            self._prefixes += (fold(leaf.text),)

    def spans(self, text: str, language: str) -> set[Span]:
        marked: set[Span] = set()
        if self._terms or self._prefixes or self._fuzzy:
            marked.update(self._words(text))
        if self._phrases or self._near:
            spans = list(term_spans(text, self._language))
            for phrase, slop in self._phrases:
                marked.update((each.start, each.end) for each in _occurrences(spans, phrase, slop))
            for first, second, leaf in self._near:
                stretches = [spans]
                if isinstance(leaf.within, Stretch):
                    stretches = _split(spans, cut_text(text, language).starts_of(leaf.within))
                for each in stretches:
                    within = len(each) if isinstance(leaf.within, Stretch) else leaf.within
                    marked.update(_near(each, first, second, within, leaf.ordered))
        for quotation in self._quotations:
            found = Alignment.of(quotation.text, text, self._language)
            marked.update(found.agreeing if found.share >= LEAST_SHARE else ())
        for letter in self._letters:
            marked.update(found.span() for found in re.finditer(re.escape(letter), text))
        return marked

    def _words(self, text: str) -> Iterator[Span]:
        """Find single words; each distinct word is compared once per query."""
        for word in WORD.finditer(text):
            found = self._known.get(word.group())
            if found is None:
                found = self._known[word.group()] = list(self._wanted(word.group()))
            for start, end in found:
                yield word.start() + start, word.start() + end

    def _wanted(self, word: str) -> Iterator[Span]:
        for token in tokens(word):
            term = token.text if token.is_pair else term_of(token.text, self._language)
            if term in self._terms or (not token.is_pair and self._is_spelt(token.text)):
                yield token.start, token.end

    def _is_spelt(self, word: str) -> bool:
        if not (self._prefixes or self._fuzzy):
            return False
        spelt = spelling_of(word, self._language)
        return spelt.startswith(self._prefixes) or any(
            is_within(spelt, asked_for, edits) for asked_for, edits in self._fuzzy
        )


def _paths(text: str, language: str) -> list[list[str]]:
    """The terms of a searched text, with its compounds joined, and apart."""
    found = ([s.term for s in asked(text, language, apart=apart)] for apart in (False, True))
    return [list(path) for path in dict.fromkeys(map(tuple, found))]


def _occurrences(spans: Sequence[TermSpan], phrase: Sequence[str], slop: int = 1) -> list[TermSpan]:
    """Where the terms stand in this order; each span covers the whole phrase."""
    at: dict[int, list[TermSpan]] = {}
    for span in spans:
        at.setdefault(span.position, []).append(span)
    found = []
    for first in spans if phrase else ():
        last = _reached(at, phrase, slop, first) if first.term == phrase[0] else None
        if last is not None:
            length = last.position + last.length - first.position
            found.append(first._replace(end=last.end, length=length))
    return found


def _reached(
    at: Mapping[int, Sequence[TermSpan]], phrase: Sequence[str], slop: int, first: TermSpan
) -> TermSpan | None:
    """The last word of a phrase that begins here, each word the nearest after the one before."""
    last = first
    for term in phrase[1:]:
        after = last.position + last.length
        ahead = (each for place in range(after, after + slop) for each in at.get(place, ()))
        found = next((each for each in ahead if each.term == term), None)
        if found is None:
            return None
        last = found
    return last


def _split(spans: list[TermSpan], starts: Sequence[int]) -> list[list[TermSpan]]:
    """The spans of each stretch of a text; `starts` are where these begin, in characters."""
    cuts = [bisect_left(spans, start, key=lambda span: span.start) for start in starts]
    return [spans[begin:end] for begin, end in pairwise([*cuts, len(spans)])]


def _near(
    spans: Sequence[TermSpan],
    first: Sequence[str],
    second: Sequence[str],
    within: int,
    ordered: bool,
) -> Iterator[Span]:
    """Find pairs near each other; mark both sides, not the words between them."""
    others = _occurrences(spans, second)
    for one in _occurrences(spans, first):
        end = one.position + one.length - 1
        ahead = _between(others, end + 1, end + within, lambda other: other.position)
        last = one.position - 1
        behind = _between(
            others, one.position - within, last, lambda other: other.position + other.length - 1
        )
        for other in ahead if ordered else (*behind, *ahead):
            yield one.start, one.end
            yield other.start, other.end


def _between(
    spans: Sequence[TermSpan], least: int, most: int, place: Callable[[TermSpan], int]
) -> Sequence[TermSpan]:
    """The spans, ascending by their place, from one place to another."""
    return spans[bisect_left(spans, least, key=place) : bisect_right(spans, most, key=place)]


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
