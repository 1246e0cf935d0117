"""Compares two versions of an article: their fields, and the words of their texts.

Paragraphs are compared first, then the words of each replaced paragraph.
"""

from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from itertools import zip_longest
from typing import NamedTuple

from markupsafe import Markup, escape

from backfile.archive.model.article import Article

COMPARED = ("title", "date_span", "source", "section", "authors", "language", "url", "version")
# difflib takes cubic time at worst; above these limits, whole paragraphs are shown as changed.
MOST_PARAGRAPHS = 1_000
MOST_WORDS = 2_000  # in all replaced paragraphs of both texts
ALIKE = 0.5  # share of common words; with a smaller share, a merged sentence is unreadable


class FieldChange(NamedTuple):
    """A changed field of an article, with its old and its new value; either may be empty."""

    name: str
    before: str
    after: str


def field_changes(former: Article, later: Article) -> list[FieldChange]:
    """List the fields that differ; the text is not one of them."""
    pairs = ((name, getattr(former, name), getattr(later, name)) for name in COMPARED)
    return [FieldChange(name, _shown(a), _shown(b)) for name, a, b in pairs if a != b]


def text_changes(former: str, later: str) -> Iterator[Markup]:
    """Show the paragraphs that differ, with deletions and insertions marked."""
    before, after = _paragraphs(former), _paragraphs(later)
    if max(len(before), len(after)) > MOST_PARAGRAPHS:
        yield from _whole(before, after)
        return
    left = MOST_WORDS
    for tag, a, b, c, d in SequenceMatcher(None, before, after).get_opcodes():
        if tag == "equal":
            continue
        for old, new in zip_longest(before[a:b], after[c:d], fillvalue=""):
            left -= len(old.split()) + len(new.split()) if old and new else 0
            yield _word_changes(old, new) if left > 0 else _whole_change(old, new)


def _word_changes(old: str, new: str) -> Markup:
    """Mark the words that differ, or the whole paragraph if the share of common words is small.

    >>> str(_word_changes("Two boats <sank>.", "Three boats <sank>."))
    '<del>Two</del> <ins>Three</ins> boats &lt;sank&gt;.'
    """
    before, after = old.split(), new.split()
    compared = SequenceMatcher(None, before, after)
    if compared.ratio() < ALIKE:
        return _whole_change(old, new)
    return Markup(" ").join(
        escape(" ".join(after[c:d]))
        if tag == "equal"
        else _whole_change(" ".join(before[a:b]), " ".join(after[c:d]))
        for tag, a, b, c, d in compared.get_opcodes()
    )


def _whole(before: Sequence[str], after: Sequence[str]) -> Iterator[Markup]:
    yield from (_whole_change(old, "") for old in before)
    yield from (_whole_change("", new) for new in after)


def _whole_change(old: str, new: str) -> Markup:
    deleted = [Markup("<del>") + old + Markup("</del>")] if old else []
    inserted = [Markup("<ins>") + new + Markup("</ins>")] if new else []
    return Markup(" ").join([*deleted, *inserted])


def _paragraphs(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.strip()]


def _shown(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value or "")
