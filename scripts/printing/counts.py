"""Writes a number with its noun."""


def count_of(number: int, noun: str) -> str:
    """Write how many there are of something.

    >>> count_of(1, "article"), count_of(1234, "article")
    ('1 article', '1,234 articles')
    """
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
