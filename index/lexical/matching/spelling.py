"""Tells how many letters lie between two spellings."""

from index.lexical.language.stemming import marked


def is_alike(term: str, asked: str, edits: int) -> bool:
    """Whether two terms of one language are spelt alike but for so many letters.

    >>> is_alike("bruck|de", "bruch|de", 1), is_alike("bruck|de", "bruck", 1)
    (True, False)
    """
    (one, language), (other, wanted) = marked(term), marked(asked)
    return language == wanted and is_within(one, other, edits)


def is_within(one: str, other: str, edits: int) -> bool:
    """Whether so many letters put in, left out or changed make one word of the other.

    Levenshtein, "Binary codes capable of correcting deletions, insertions, and reversals", 1966.

    >>> is_within("bridg", "bride", 1), is_within("bridg", "brigd", 1), is_within("a", "abc", 1)
    (True, False, False)
    """
    if abs(len(one) - len(other)) > edits:
        return False
    row = list(range(len(other) + 1))
    for place, letter in enumerate(one, 1):
        above, row = row, [place]
        for at, wanted in enumerate(other):
            changed = above[at] + (letter != wanted)
            row.append(min(changed, above[at + 1] + 1, row[at] + 1))
        if min(row) > edits:
            return False
    return row[-1] <= edits
