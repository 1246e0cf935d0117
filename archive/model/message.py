"""A sentence in English with its template and values, so that a page can translate it.

It is a `str`: printed, compared and sent, it is the English sentence. A page looks up the
translation of its template and fills in the values again.
"""

from collections.abc import Mapping
from typing import Self, Union

Value = Union[str, int, float, "tuple[str, ...]"]


class Message(str):
    """A template with placeholders such as `%(name)s`, filled in.

    A value is a text (unchanged), a message (translated too), an int, a float (written with two
    decimals) or a tuple of texts (written as a list).

    >>> Message("%(words)s in %(number)s articles", words=("ferry", "boat"), number=1200)
    'ferry and boat in 1,200 articles'
    """

    singular: str
    plural: str
    number: int
    values: Mapping[str, Value]

    def __new__(cls, template: str, /, **values: Value) -> Self:
        return cls._made(template, "", 1, values)

    @classmethod
    def counted(cls, singular: str, plural: str, number: int, /, **values: Value) -> Self:
        """Make the singular or the plural form; the number is `%(number)s`.

        >>> [Message.counted("%(number)s copy", "%(number)s copies", n) for n in (1, 2000)]
        ['1 copy', '2,000 copies']
        """
        return cls._made(singular, plural, number, {"number": number, **values})

    @classmethod
    def _made(cls, singular: str, plural: str, number: int, values: Mapping[str, Value]) -> Self:
        template = plural if plural and number != 1 else singular
        written = {k: v if isinstance(v, str) else _written(v) for k, v in values.items()}
        made = super().__new__(cls, template % written)
        made.singular, made.plural, made.number, made.values = singular, plural, number, values
        return made

    def __reduce__(self) -> tuple[object, ...]:
        return Message._made, (self.singular, self.plural, self.number, self.values)


def _written(value: int | float | tuple[str, ...]) -> str:
    if isinstance(value, tuple):
        start = [", ".join(value[:-1])] if value[1:] else []
        return " and ".join([*start, *value[-1:]])
    return f"{value:,}" if isinstance(value, int) else f"{value:.2f}"
