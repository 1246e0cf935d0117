"""Says what has changed from one version of an article to the next: fields, and words in the text.

Paragraphs are compared first, and then the words of those that were replaced by others.
"""

from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from itertools import zip_longest
from typing import NamedTuple

from markupsafe import Markup, escape

from backfile.archive.model.article import Article

COMPARED = ("title", "published", "source", "section", "authors", "language", "url", "version")
# difflib takes up to the third power of what it compares: what is longer is shown whole.
MOST_PARAGRAPHS = 1_000
MOST_WORDS = 2_000  # of two texts, in paragraphs that were replaced by others
ALIKE = 0.5  # the share of words that stay; with fewer, two sentences shown as one cannot be read


class FieldChange(NamedTuple):
    """A field of an article, and what it said before and since; empty where it said nothing."""

    name: str
    before: str
    since: str


def field_changes(former: Article, later: Article) -> list[FieldChange]:
    """List the fields beside the text that differ."""
    pairs = ((name, getattr(former, name), getattr(later, name)) for name in COMPARED)
    return [FieldChange(name, _shown(a), _shown(b)) for name, a, b in pairs if a != b]


def text_changes(former: str, later: str) -> Iterator[Markup]:
    """Show the paragraphs that differ, with what was deleted and inserted in each."""
    before, since = _paragraphs(former), _paragraphs(later)
    if max(len(before), len(since)) > MOST_PARAGRAPHS:
        yield from _whole(before, since)
        return
    left = MOST_WORDS
    for tag, a, b, c, d in SequenceMatcher(None, before, since).get_opcodes():
        if tag == "equal":
            continue
        for old, new in zip_longest(before[a:b], since[c:d], fillvalue=""):
            left -= len(old.split()) + len(new.split()) if old and new else 0
            yield _word_changes(old, new) if left > 0 else _whole_change(old, new)


def _word_changes(old: str, new: str) -> Markup:
    """Mark the words that differ, or the whole where hardly any stay.

    >>> str(_word_changes("Two boats <sank>.", "Three boats <sank>."))
    '<del>Two</del> <ins>Three</ins> boats &lt;sank&gt;.'
    """
    before, since = old.split(), new.split()
    compared = SequenceMatcher(None, before, since)
    if compared.ratio() < ALIKE:
        return _whole_change(old, new)
    return Markup(" ").join(
        escape(" ".join(since[c:d]))
        if tag == "equal"
        else _whole_change(" ".join(before[a:b]), " ".join(since[c:d]))
        for tag, a, b, c, d in compared.get_opcodes()
    )


def _whole(before: Sequence[str], since: Sequence[str]) -> Iterator[Markup]:
    yield from (_whole_change(old, "") for old in before)
    yield from (_whole_change("", new) for new in since)


def _whole_change(old: str, new: str) -> Markup:
    gone = [Markup("<del>") + old + Markup("</del>")] if old else []
    come = [Markup("<ins>") + new + Markup("</ins>")] if new else []
    return Markup(" ").join([*gone, *come])


def _paragraphs(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.strip()]


def _shown(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value or "")
