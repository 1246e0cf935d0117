"""Packs what crosses between processes: pickle, with a short way for our frozen dataclasses.

Python copies the fields of a frozen dataclass with slots by name, one after the other, and looks
for their names in each object. That was half of the time in which a page of hits was packed and
unpacked.
"""

import pickle
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from functools import cache
from io import BytesIO
from typing import Any

Values = Callable[[Any], tuple[Any, ...]]


def packed(value: Any) -> bytes:
    """Any value that pickle takes."""
    written = BytesIO()
    _Packer(written, pickle.HIGHEST_PROTOCOL).dump(value)
    return written.getvalue()


def unpacked(content: bytes) -> Any:
    """The value again; only for what comes from a process that has our key."""
    return pickle.loads(content)  # noqa: S301


class _Packer(pickle.Pickler):
    def reducer_override(self, value: Any) -> Any:
        """Write a frozen dataclass as its class and its values."""
        kind: Callable[..., Any] = type(value)
        values = _values_of(kind)
        return (kind, values(value)) if values else NotImplemented


@cache
def _values_of(kind: Callable[..., Any]) -> Values | None:
    """What reads the arguments that make an equal object; None of a class that is no such one."""
    if not is_dataclass(kind) or "__slots__" not in vars(kind) or hasattr(kind, "__post_init__"):
        return None
    if not all(each.init and not each.kw_only for each in fields(kind)):
        return None
    names = [each.name for each in fields(kind)]
    return lambda value: tuple([getattr(value, name) for name in names])
