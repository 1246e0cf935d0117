"""The interface of a baseline in search by words, and the terms that it looks for.

All engines look for the same terms in the same posting lists, so that only time is compared: our
analyser makes the terms; stop words and repeated words are dropped, as in our own search. An engine
with a stemmer of its own is given terms, joined by blanks, instead of text. Each engine scores in
its own way: bm25s adds title and text before it scores, and Whoosh and tantivy give a prefix the
same score in every place.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple, Protocol

from backfile.index.lexical.analysis.analyser import terms, weighty
from backfile.index.lexical.analysis.stemming import fold


class Kind(StrEnum):
    """The kinds of query; a query is a list of words, as typed."""

    WORDS = "words"  # a few, any of them
    QUESTION = "question"  # a dozen, any of them
    PHRASE = "phrase"  # in this order, one after the other
    PREFIX = "prefix"  # the beginning of one word


KINDS = frozenset(Kind)


class Passage(NamedTuple):
    """A passage, as a baseline indexes it."""

    row: int
    title: str
    text: str


class WordSearch(NamedTuple):
    """One way of searching an engine, under the name that it is reported by.

    `best(kind, words, limit)` lists the rows that match in the title or in the text, best first,
    for the kinds that the engine can do.
    """

    name: str
    kinds: frozenset[Kind]
    best: Callable[[Kind, Sequence[str], int], list[int]]


class WordBaseline(Protocol):
    """A stock engine that searches by words."""

    name: str
    folder: Path
    """Where all that it writes lies; made by `build`."""
    takes_terms: bool
    """True where passages must come from `as_terms`, and are thus analysed before `build`."""

    def build(self, passages: Iterable[Passage]) -> None:
        """Index all passages in one commit, and open the index; called once."""
        ...

    def searches(self) -> Sequence[WordSearch]:
        """The ways to search what was built."""
        ...

    def close(self) -> None:
        """Let go of files and memory."""
        ...


def as_terms(passages: Iterable[Passage]) -> Iterator[Passage]:
    """Replace each text by its terms, joined by blanks.

    >>> next(as_terms([Passage(1, "Ferries", "The U.S. bridges")]))
    Passage(row=1, title='ferri', text='the u.s bridg')
    """
    for row, title, text in passages:
        yield Passage(row, " ".join(terms(title)), " ".join(terms(text)))


def any_of(words: Sequence[str]) -> list[str]:
    """List the terms of a query that matches any of them, each once.

    >>> any_of(["the", "bridges", "and", "bridge", "ferry"])
    ['bridg', 'ferri']
    """
    return list(dict.fromkeys(terms(" ".join(weighty(words)))))


def in_order(words: Sequence[str]) -> list[str]:
    """List the terms of a phrase."""
    return terms(" ".join(words))


def beginnings(words: Sequence[str]) -> tuple[str, list[str]]:
    """Give the folded prefix, and the other terms that our search looks for: its own stem.

    >>> beginnings(["Bridge"]), beginnings(["ferr"])
    (('bridge', ['bridg']), ('ferr', []))
    """
    prefix = fold(" ".join(words))
    return prefix, [term for term in terms(prefix) if not term.startswith(prefix)]
