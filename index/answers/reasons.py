"""Says in a sentence why a passage or an article was found."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

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


def sentence(grounds: Grounds) -> str:
    """Say why, in parts divided by semicolons; nothing where nothing was asked.

    >>> from index.expression import Word
    >>> held = (Word("bank"), Word("rescue", Field.TITLE))
    >>> sentence(Grounds(held, (), (), False, 0.714, False, Ranks(3, 1), False))
    'holds "bank" and "rescue" in the title; close in meaning (0.71); 3rd by words, 1st by meaning'
    """
    return "; ".join(_clauses(grounds))


def ordinal(number: int) -> str:
    """Write a place.

    >>> [ordinal(n) for n in (1, 2, 3, 4, 11, 12, 21, 103, 113)]
    ['1st', '2nd', '3rd', '4th', '11th', '12th', '21st', '103rd', '113th']
    """
    teen = number % 100 in (11, 12, 13)
    return f"{number:,}" + ("th" if teen else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th"))


def listed(names: Sequence[str]) -> str:
    """Join names; of many only the first are named.

    >>> listed(["a"]), listed(["a", "b", "c"]), listed(list("abcdefghi"))
    ('a', 'a, b and c', 'a, b, c, d, e, f and 3 more')
    """
    named = list(names[:MOST_NAMED])
    if len(names) > MOST_NAMED:
        named.append(f"{len(names) - MOST_NAMED} more")
    return " and ".join([*([", ".join(named[:-1])] if named[1:] else []), *named[-1:]])


def _clauses(grounds: Grounds) -> Iterator[str]:
    if grounds.held:
        yield f"holds {listed([_named(leaf) for leaf in grounds.held])}"
    elif grounds.wordless:
        yield "holds none of the words"
    if grounds.elsewhere:
        yield f"elsewhere in the article {listed([_named(leaf) for leaf in grounds.elsewhere])}"
    for leaf in grounds.columns:
        yield (
            "no date" if leaf.field is Field.DATE else f"{_quoted(leaf)} in its {leaf.field.value}"
        )
    if grounds.cosine is not None:
        yield nearness(grounds.cosine, assumed=grounds.assumed)
    ranks = ((grounds.ranks.lexical, "by words"), (grounds.ranks.vector, "by meaning"))
    if places := [f"{ordinal(rank)} {how}" for rank, how in ranks if rank]:
        yield ", ".join(places)
    if grounds.below:
        yield "by words alone, below the best"


def nearness(cosine: float, *, assumed: bool = False) -> str:
    """Say how close in meaning something is.

    >>> nearness(0.62), nearness(0.1)
    ('close in meaning (0.62)', 'not close in meaning (0.10)')
    """
    if assumed:
        return f"not embedded yet, taken to be as close in meaning as others ({cosine:.2f})"
    degree = "" if cosine >= CLOSE else "fairly " if cosine >= FAIRLY_CLOSE else "not "
    return f"{degree}close in meaning ({cosine:.2f})"


def _named(leaf: Leaf) -> str:
    where = "" if leaf.field is Field.ANY else f" in the {leaf.field.value}"
    return _quoted(leaf) + where


def _quoted(leaf: Leaf) -> str:
    match leaf:
        case Phrase(text, _, slop) if slop > 1:
            return f'"{text}" within {slop} words'
        case Prefix(text):
            return f'"{text}…"'
        case Fuzzy(text):
            return f'a word spelt much like "{text}"'
        case Near(first, second, _, within, ordered):
            if isinstance(within, Stretch):
                return f'"{first}" {"before" if ordered else "and"} "{second}" in one {within}'
            how = "at most" if ordered else "within"
            return f'"{first}" {how} {within} words {"before" if ordered else "of"} "{second}"'
    return f'"{leaf.text}"'
