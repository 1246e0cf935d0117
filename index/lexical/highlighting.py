"""Marks in a text the words that a query asked for."""

from collections.abc import Iterator

from index.expression import Expression, Phrase, Prefix, Word, wanted
from index.lexical.analysis import TermSpan, fold, is_stop_word, term_of, term_spans, terms

Span = tuple[int, int]


def highlights(text: str, expression: Expression | None) -> tuple[Span, ...]:
    """Return the (start, end) of each marked stretch, in characters, ascending, apart.

    Phrases are marked as a whole and only where they stand as such.

    >>> from index.expression import Words
    >>> highlights("The bridges of the Ash", Words((Word("bridge"), Word("the"))))
    ((4, 11),)
    """
    if expression is None:
        return ()
    leaves = list(wanted(expression))
    words = [leaf.text for leaf in leaves if isinstance(leaf, Word)]
    weighty = [word for word in words if not is_stop_word(word)] or words
    found = {term for word in weighty for term in terms(word)}
    prefixes = tuple(fold(leaf.text) for leaf in leaves if isinstance(leaf, Prefix))
    found |= {term_of(leaf.text) for leaf in leaves if isinstance(leaf, Prefix)}
    spans = list(term_spans(text))
    marked = {
        (span.start, span.end)
        for span in spans
        if span.term in found or (prefixes and span.term.startswith(prefixes))
    }
    for leaf in leaves:
        if isinstance(leaf, Phrase):
            marked.update(_phrases(spans, terms(leaf.text), leaf.slop))
    return tuple(_apart(sorted(marked)))


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
