"""Says in a sentence why a passage or an article was found."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from archive.message import Message
from index.expression import Field, Fuzzy, Leaf, Near, Phrase, Prefix, Stretch
from index.results import Ranks

MOST_NAMED = 6  # words in a list
CLOSE = 0.5  # a cosine; the nearest passage lies above it for nearly every news-quiz question
FAIRLY_CLOSE = 0.3  # two passages drawn by chance seldom reach it


@dataclass(frozen=True, slots=True)
class Grounds:
    """What speaks for a hit.

    `held` stand in the passage, `elsewhere` in others of its article only, `columns` in its source,
    section, language, author or date; `wordless` says that words count and none is held. The
    cosine, None where meaning was not asked, may be `assumed`. `below` all candidates only words
    count.
    """

    held: tuple[Leaf, ...]
    elsewhere: tuple[Leaf, ...]
    columns: tuple[Leaf, ...]
    wordless: bool
    cosine: float | None
    assumed: bool
    ranks: Ranks
    below: bool


def clauses(grounds: Grounds) -> Iterator[Message]:
    """Say why, in parts to be divided by semicolons; nothing where nothing was asked.

    >>> from index.expression import Word
    >>> held = (Word("bank"), Word("rescue", Field.TITLE))
    >>> list(clauses(Grounds(held, (), (), False, 0.714, False, Ranks(3, 1), False)))[:2]
    ['holds "bank" and "rescue" in the title', 'close in meaning (0.71)']
    """
    if grounds.held:
        yield Message("holds %(words)s", words=listed([_named(leaf) for leaf in grounds.held]))
    elif grounds.wordless:
        yield Message("holds none of the words")
    if grounds.elsewhere:
        words = listed([_named(leaf) for leaf in grounds.elsewhere])
        yield Message("elsewhere in the article %(words)s", words=words)
    yield from map(_in_column, grounds.columns)
    if grounds.cosine is not None:
        yield nearness(grounds.cosine, assumed=grounds.assumed)
    yield from _places(grounds.ranks)
    if grounds.below:
        yield Message("by words alone, below the best")


def ordinal(number: int) -> Message:
    """Write a place.

    >>> [ordinal(n) for n in (1, 2, 3, 4, 11, 12, 21, 103, 113)]
    ['1st', '2nd', '3rd', '4th', '11th', '12th', '21st', '103rd', '113th']
    """
    match 0 if number % 100 in (11, 12, 13) else number % 10:
        case 1:
            return Message("%(number)sst", number=number)
        case 2:
            return Message("%(number)snd", number=number)
        case 3:
            return Message("%(number)srd", number=number)
    return Message("%(number)sth", number=number)


def listed(names: Sequence[str]) -> tuple[str, ...]:
    """Choose names to be listed; of many only the first are named.

    >>> listed(["a", "b"]), listed(list("abcdefghi"))
    (('a', 'b'), ('a', 'b', 'c', 'd', 'e', 'f', '3 more'))
    """
    if (left := len(names) - MOST_NAMED) <= 0:
        return tuple(names)
    return (*names[:MOST_NAMED], Message.counted("%(number)s more", "%(number)s more", left))


def _places(ranks: Ranks) -> Iterator[Message]:
    """Say the places in the rankings, in one part."""
    match ranks:
        case Ranks(int(words), int(meaning)):
            places = {"words": ordinal(words), "meaning": ordinal(meaning)}
            yield Message("%(words)s by words, %(meaning)s by meaning", **places)
        case Ranks(int(words), None):
            yield Message("%(place)s by words", place=ordinal(words))
        case Ranks(None, int(meaning)):
            yield Message("%(place)s by meaning", place=ordinal(meaning))


def nearness(cosine: float, *, assumed: bool = False) -> Message:
    """Say how close in meaning something is.

    >>> nearness(0.62), nearness(0.1)
    ('close in meaning (0.62)', 'not close in meaning (0.10)')
    """
    if assumed:
        return Message(
            "not embedded yet, taken to be as close in meaning as others (%(cosine)s)",
            cosine=cosine,
        )
    if cosine >= CLOSE:
        return Message("close in meaning (%(cosine)s)", cosine=cosine)
    if cosine >= FAIRLY_CLOSE:
        return Message("fairly close in meaning (%(cosine)s)", cosine=cosine)
    return Message("not close in meaning (%(cosine)s)", cosine=cosine)


def _named(leaf: Leaf) -> Message:
    match leaf.field:
        case Field.TITLE:
            return Message("%(word)s in the title", word=_quoted(leaf))
        case Field.TEXT:
            return Message("%(word)s in the text", word=_quoted(leaf))
    return _quoted(leaf)


def _in_column(leaf: Leaf) -> Message:
    match leaf.field:
        case Field.SOURCE:
            return Message("%(word)s in its source", word=_quoted(leaf))
        case Field.SECTION:
            return Message("%(word)s in its section", word=_quoted(leaf))
        case Field.LANGUAGE:
            return Message("%(word)s in its language", word=_quoted(leaf))
        case Field.AUTHOR:
            return Message("%(word)s in its author", word=_quoted(leaf))
    return Message("no date")


def _quoted(leaf: Leaf) -> Message:
    match leaf:
        case Phrase(text, _, slop) if slop > 1:
            return Message('"%(text)s" within %(number)s words', text=text, number=slop)
        case Prefix(text):
            return Message('"%(text)s…"', text=text)
        case Fuzzy(text):
            return Message('a word spelt much like "%(text)s"', text=text)
        case Near():
            return _near(leaf)
    return quoted(leaf.text)


def quoted(word: str) -> Message:
    """Write a word in quotation marks."""
    return Message('"%(text)s"', text=word)


def _near(leaf: Near) -> Message:
    values = {"first": leaf.first, "second": leaf.second}
    if isinstance(leaf.within, Stretch):
        return _together(leaf.within, values, ordered=leaf.ordered)
    if leaf.ordered:
        return Message.counted(
            '"%(first)s" at most %(number)s words before "%(second)s"',
            '"%(first)s" at most %(number)s words before "%(second)s"',
            leaf.within,
            **values,
        )
    return Message.counted(
        '"%(first)s" within %(number)s words of "%(second)s"',
        '"%(first)s" within %(number)s words of "%(second)s"',
        leaf.within,
        **values,
    )


def _together(within: Stretch, values: Mapping[str, str], *, ordered: bool) -> Message:
    match within, ordered:
        case Stretch.SENTENCE, True:
            return Message('"%(first)s" before "%(second)s" in one sentence', **values)
        case Stretch.SENTENCE, False:
            return Message('"%(first)s" and "%(second)s" in one sentence', **values)
        case Stretch.PARAGRAPH, True:
            return Message('"%(first)s" before "%(second)s" in one paragraph', **values)
    return Message('"%(first)s" and "%(second)s" in one paragraph', **values)
