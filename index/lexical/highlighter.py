"""Marks the words of a query in a text."""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import pairwise
from typing import NamedTuple

from backfile.index.lexical.analysis.alignment import LEAST_SHARE, Alignment
from backfile.index.lexical.analysis.analyser import (
    TermSpan,
    asked,
    cut_text,
    term_spans,
    word_terms,
)
from backfile.index.lexical.analysis.beginnings import words_with
from backfile.index.lexical.analysis.languages import Languages
from backfile.index.lexical.analysis.ngrams import has_run, letters
from backfile.index.lexical.analysis.stemming import fold, reading, spelling_of
from backfile.index.lexical.analysis.word_delimiter import WORD
from backfile.index.lexical.spelling.spellings import is_within
from backfile.index.lexical.spelling.wildcards import ANY_WORD, is_match, split_wild
from backfile.index.model.expression import (
    Expression,
    Form,
    Fuzzy,
    Leaf,
    Near,
    Phrase,
    Prefix,
    Quotation,
    Stretch,
    Wildcard,
    Word,
    is_plain,
    positive_leaves,
)

Span = tuple[int, int]
ONE_LANGUAGE = Languages()


class Highlighter:
    """Marks the words of one query in any number of texts, each in its own language."""

    def __init__(self, expression: Expression | None, languages: Languages = ONE_LANGUAGE) -> None:
        leaves = list(positive_leaves(expression)) if expression else []
        words = [leaf.text for leaf in leaves if is_plain(leaf)]
        weighty = set(languages.weighty(words))
        self._leaves = [x for x in leaves if not is_plain(x) or x.text in weighty]
        self._in_language: dict[str, _Marker] = {}

    def mark(self, text: str, language: str = "") -> tuple[Span, ...]:
        """Return the (start, end) of each mark, in characters, ascending, without overlap.

        A phrase is marked as a whole, and its words nowhere else.

        >>> from backfile.index.model.expression import Words
        >>> Highlighter(Words((Word("bridge"), Word("the")))).mark("The bridges of the Ash")
        ((4, 11),)
        """
        if not text:
            return ()
        code = reading(language)
        if code not in self._in_language:
            self._in_language[code] = _Marker(self._leaves, code)
        return tuple(_apart(sorted(self._in_language[code].spans(text, language))))


class _Wanted(NamedTuple):
    """A word to mark: by its terms, as it must be written, or any word at all if None."""

    terms: frozenset[str] | None
    is_written: Callable[[str], bool] | None = None

    def is_met(self, span: TermSpan, text: str) -> bool:
        if self.terms is None:
            return True
        written = text[span.start : span.end]
        if not self.terms:  # a pattern
            return self.is_written is not None and self.is_written(written)
        return span.term in self.terms and (self.is_written is None or self.is_written(written))


class _Marker:
    """Finds the words of a query in texts of one language."""

    def __init__(self, leaves: Sequence[Leaf], language: str) -> None:
        self._language = language
        self._near = [
            (one, other, leaf)
            for leaf in leaves
            if isinstance(leaf, Near)
            for one in self._ways(leaf.first)
            for other in self._ways(leaf.second)
        ]
        self._letters: list[str] = []
        self._single: list[_Wanted] = []
        self._terms: set[str] = set()
        self._phrases: list[tuple[list[_Wanted], int]] = []
        self._quotations = [leaf for leaf in leaves if isinstance(leaf, Quotation)]
        for leaf in leaves:
            if not isinstance(leaf, Near | Quotation):
                self._add(leaf)
        self._known: dict[str, list[Span]] = {}  # what to mark in each word
        terms = frozenset(self._terms)
        self._walk = WORD.finditer if self._single else words_with(terms, language)

    def _add(self, leaf: Word | Phrase | Prefix | Wildcard | Fuzzy) -> None:
        is_cut = has_run(leaf.text)
        if is_cut and len(letters(leaf.text)) == 1:
            self._letters.append(leaf.text)
        form, alike = (leaf.form, leaf.alike) if isinstance(leaf, Word | Phrase) else (Form.ANY, ())
        for way in (way for text in (leaf.text, *alike) for way in self._ways(text, form)):
            if isinstance(leaf, Phrase) or len(way) > 1 or is_cut:
                self._phrases.append((way, leaf.slop if isinstance(leaf, Phrase) else 1))
            elif not isinstance(leaf, Fuzzy):
                self._add_single(way[0]) if way else None
        if not is_cut and isinstance(leaf, Prefix | Fuzzy):
            self._single.append(_Wanted(frozenset(), self._spelt(leaf)))

    def _add_single(self, wanted: _Wanted) -> None:
        if wanted.is_written is None and wanted.terms:
            self._terms.update(wanted.terms)
        else:
            self._single.append(wanted)

    def _spelt(self, leaf: Prefix | Fuzzy) -> Callable[[str], bool]:
        """Whether a word begins like the prefix, or is spelt much like the fuzzy word."""
        if isinstance(leaf, Prefix):
            beginning = fold(leaf.text)
            return lambda word: spelling_of(word, self._language).startswith(beginning)
        asked_for, edits = spelling_of(leaf.text, self._language), leaf.edits
        return lambda word: is_within(spelling_of(word, self._language), asked_for, edits)

    def _ways(self, text: str, form: Form = Form.ANY) -> list[list[_Wanted]]:
        """What to mark, word by word: compounds joined, and apart."""
        found: list[list[_Wanted]] = []
        for apart in (False, True):
            way: list[_Wanted] = []
            for is_wild, piece in split_wild(text):
                way += [_wild(piece)] if is_wild else self._plain(piece, form, apart=apart)
            if [each.terms for each in way] not in [[e.terms for e in known] for known in found]:
                found.append(way)
        return found

    def _plain(self, text: str, form: Form, *, apart: bool) -> Iterator[_Wanted]:
        for span in asked(text, self._language, apart=apart):
            typed = text[span.start : span.end]
            exact = None if form is Form.ANY else partial(form.accepts, typed)
            yield _Wanted(frozenset([span.term]), exact)

    def spans(self, text: str, language: str) -> set[Span]:
        marked: set[Span] = set()
        if self._terms or self._single:
            marked.update(self._words(text))
        if self._phrases or self._near:
            spans = list(term_spans(text, self._language))
            for phrase, slop in self._phrases:
                marked.update((x.start, x.end) for x in _occurrences(text, spans, phrase, slop))
            for first, second, leaf in self._near:
                stretches = [spans]
                if isinstance(leaf.within, Stretch):
                    stretches = _split(spans, cut_text(text, language).starts_of(leaf.within))
                for each in stretches:
                    within = len(each) if isinstance(leaf.within, Stretch) else leaf.within
                    ones, others = (_occurrences(text, each, side) for side in (first, second))
                    marked.update(_near(ones, others, within, ordered=leaf.ordered))
        for quotation in self._quotations:
            found = Alignment.of(quotation.text, text, self._language)
            marked.update(found.agreeing if found.share >= LEAST_SHARE else ())
        for letter in self._letters:
            marked.update(found.span() for found in re.finditer(re.escape(letter), text))
        return marked

    def _words(self, text: str) -> Iterator[Span]:
        """Find single words; each distinct word is compared once per query."""
        for word in self._walk(text):
            found = self._known.get(word.group())
            if found is None:
                found = self._known[word.group()] = list(self._wanted(word.group()))
            for start, end in found:
                yield word.start() + start, word.start() + end

    def _wanted(self, word: str) -> Iterator[Span]:
        for span in word_terms(word, self._language):
            if span.term in self._terms or any(each.is_met(span, word) for each in self._single):
                yield span.start, span.end


def _wild(pattern: str) -> _Wanted:
    """A word with wildcards; `*` alone is any word."""
    if pattern == ANY_WORD:
        return _Wanted(None)
    return _Wanted(frozenset(), is_match(pattern))


def _occurrences(
    text: str, spans: Sequence[TermSpan], phrase: Sequence[_Wanted], slop: int = 1
) -> list[TermSpan]:
    """Where the words stand in this order; each span covers the whole phrase."""
    at: dict[int, list[TermSpan]] = {}
    for span in spans:
        at.setdefault(span.position, []).append(span)
    found = []
    for first in spans if phrase else ():
        last = _reached(text, at, phrase, slop, first) if phrase[0].is_met(first, text) else None
        if last is not None:
            length = last.position + last.length - first.position
            found.append(first._replace(end=last.end, length=length))
    return found


def _reached(
    text: str,
    at: Mapping[int, Sequence[TermSpan]],
    phrase: Sequence[_Wanted],
    slop: int,
    first: TermSpan,
) -> TermSpan | None:
    """The last word of a phrase that begins here, each word the nearest after the one before."""
    last = first
    for wanted in phrase[1:]:
        after = last.position + last.length
        reach = 1 if wanted.terms is None else slop
        ahead = (each for place in range(after, after + reach) for each in at.get(place, ()))
        found = next((each for each in ahead if wanted.is_met(each, text)), None)
        if found is None:
            return None
        last = found
    return last


def _split(spans: list[TermSpan], starts: Sequence[int]) -> list[list[TermSpan]]:
    """The spans of each stretch of a text; `starts` are where these begin, in characters."""
    cuts = [bisect_left(spans, start, key=lambda span: span.start) for start in starts]
    return [spans[begin:end] for begin, end in pairwise([*cuts, len(spans)])]


def _near(
    first: Sequence[TermSpan], others: Sequence[TermSpan], within: int, *, ordered: bool
) -> Iterator[Span]:
    """Find pairs near each other; mark both sides, not the words between them."""
    for one in first:
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
