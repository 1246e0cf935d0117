"""Stores how each occurrence of a term is written: `ferry`, `Ferries`, `FERRY`.

A term is a stem in one case. The forms answer what the stem cannot: whether a word stands exactly
as it was asked for, and how many positions a compound covers, whose joined form is the term.

A record follows each posting list. It is empty for a term that is always written as itself. Else it
is, little-endian, the number of bytes of the names, the names in UTF-8, one a line, and, of several
forms, the index of the form of each occurrence in as few bits as they need, or compressed if that
is shorter. A name begins with the positions that it covers and with a code: how much of the term it
repeats, and its capitals.
"""

import struct
import zlib
from collections.abc import Callable, Sequence
from itertools import takewhile
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from backfile.index.model.arrays import Bools, Numbers

Accepts = Callable[[str], bool]
SIZE = struct.Struct("<H")
SHORTEST_COMPRESSED = 16  # bytes; zlib makes fewer bytes longer
FIRST = 32  # the code point of 0: the codes are no line ends
CAPITALS: tuple[Callable[[str], str], ...] = (
    str,
    lambda text: text[:1].upper() + text[1:],
    str.upper,
)


class FormLists(NamedTuple):
    """The forms of many terms, concatenated."""

    cuts: npt.NDArray[np.int64]
    """The start of each term's forms, and the end of the last one's."""
    written: Sequence[str]
    lengths: Sequence[int]
    """The positions that each form covers."""
    choices: Numbers
    """The form of each occurrence: its index among those of its term."""


NO_FORMS = FormLists(np.empty(0, np.int64), (), (), np.empty(0, np.uint32))


class StoredForms(NamedTuple):
    """The forms of one term, and the form of each occurrence (n,), in order of position."""

    written: Sequence[str]
    lengths: Sequence[int]
    choices: Numbers

    def accepted(self, accepts: Accepts) -> Bools:
        """Mask of the occurrences whose form is accepted."""
        chosen: Bools = np.array([accepts(form) for form in self.written], np.bool_)[self.choices]
        return chosen

    def covered(self) -> Numbers:
        """The number of positions that each occurrence covers."""
        return np.array(self.lengths, np.uint32)[self.choices]


def encode(term: str, written: Sequence[str], lengths: Sequence[int], choices: Numbers) -> bytes:
    """The record of a term; empty for a term that is always written as itself."""
    if len(written) == 1 and written[0] in (term, "") and lengths[0] == 1:
        return b""
    named = zip(written, lengths, strict=True)
    names = "\n".join(_shortened(term, form, length) for form, length in named).encode()
    packed = b""
    if len(written) > 1:
        packed = _packed(choices, _bits(len(written)))
        if len(packed) > SHORTEST_COMPRESSED:
            packed = min(
                packed, zlib.compress(choices.astype(_type(len(written))).tobytes(), 6), key=len
            )
    return b"".join([SIZE.pack(len(names)), names, packed])


def decode(stored: bytes, term: str, n_occurrences: int) -> StoredForms:
    """Read the record of a term; raise ValueError if it does not fit the term's list."""
    if not stored:
        return StoredForms([term], [1], np.zeros(n_occurrences, np.uint32))
    end = SIZE.size + SIZE.unpack_from(stored)[0]
    names = stored[SIZE.size : end].decode().split("\n")
    lengths, written = zip(*(_whole(term, name) for name in names), strict=True)
    if len(names) == 1:
        return StoredForms(written, lengths, np.zeros(n_occurrences, np.uint32))
    bits, packed = _bits(len(names)), stored[end:]
    if len(packed) < -(-bits * n_occurrences // 8):
        size = np.dtype(_type(len(names))).itemsize * n_occurrences
        found = zlib.decompressobj().decompress(packed, size)  # no more than it must give
        choices = np.frombuffer(found, _type(len(names))).astype(np.uint32)
    else:
        choices = _unpacked(packed, bits, n_occurrences)
    if len(choices) != n_occurrences or choices.max(initial=0) >= len(names):
        raise ValueError("the forms of a term")
    return StoredForms(written, lengths, choices)


def _bits(n_forms: int) -> int:
    """The bits of the index of a form."""
    return (n_forms - 1).bit_length()


def _type(n_forms: int) -> str:
    return "<u1" if n_forms <= 256 else "<u2"


def _packed(choices: Numbers, bits: int) -> bytes:
    """Numbers in so many bits each."""
    every = np.unpackbits(choices.astype(">u2").view(np.uint8).reshape(-1, 2), axis=1)
    return np.packbits(every[:, 16 - bits :]).tobytes()


def _unpacked(packed: bytes, bits: int, count: int) -> Numbers:
    every = np.zeros((count, 16), np.uint8)
    found = np.unpackbits(np.frombuffer(packed, np.uint8), count=bits * count)
    every[:, 16 - bits :] = found.reshape(count, bits)
    return np.packbits(every).view(">u2").astype(np.uint32)


def _shortened(term: str, form: str, length: int) -> str:
    """A form without the letters that it shares with its term."""
    lowered = form.lower()
    alike = (one == other for one, other in zip(lowered, term, strict=False))
    shared = sum(takewhile(bool, alike))
    for kind, capitals in enumerate(CAPITALS):
        if capitals(lowered) == form:
            code = shared * (len(CAPITALS) + 1) + kind
            return f"{chr(FIRST + length)}{chr(FIRST + code)}{lowered[shared:]}"
    return f"{chr(FIRST + length)}{chr(FIRST + len(CAPITALS))}{form}"


def _whole(term: str, name: str) -> tuple[int, str]:
    """The positions that a form covers, and the form."""
    length, code = ord(name[0]) - FIRST, ord(name[1]) - FIRST
    shared, kind = divmod(code, len(CAPITALS) + 1)
    if length < 1 or code < 0:
        raise ValueError("the forms of a term")
    form = term[:shared] + name[2:]
    return length, form if kind == len(CAPITALS) else CAPITALS[kind](form)


def forms_joined(parts: Sequence[StoredForms]) -> StoredForms:
    """Join the forms of consecutive occurrences of a term; forms that do not occur are dropped."""
    numbers: dict[tuple[str, int], int] = {}
    choices = []
    for part in parts:
        known = list(zip(part.written, part.lengths, strict=True))
        occurring = np.unique(part.choices).tolist()
        moved = np.zeros(len(known), np.uint32)
        moved[occurring] = [numbers.setdefault(known[each], len(numbers)) for each in occurring]
        choices.append(moved[part.choices])
    written, lengths = zip(*numbers, strict=True)
    return StoredForms(written, lengths, np.concatenate(choices))


def lists_of(each: Sequence[StoredForms]) -> FormLists:
    """The forms of many terms, concatenated."""
    return FormLists(
        np.cumsum([0, *(len(forms.written) for forms in each)]),
        [written for forms in each for written in forms.written],
        [length for forms in each for length in forms.lengths],
        np.concatenate([forms.choices for forms in each]),
    )
