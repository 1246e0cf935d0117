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

Ints = npt.NDArray[np.int64]
Accepts = Callable[[str], bool]
SIZE = struct.Struct("<H")
MOST_BYTES = (1 << 16) - 1  # of the names of a term
OCCURRENCES_AT_ONCE = 1 << 20  # of one term, packed or unpacked; they fill whole bytes
SHORTEST_COMPRESSED = 16  # bytes; zlib makes fewer bytes longer
FIRST = 32  # the code point of 0: the codes are no line ends
CAPITALS: tuple[Callable[[str], str], ...] = (
    str,
    lambda text: text[:1].upper() + text[1:],
    str.upper,
)


class FormLists(NamedTuple):
    """The forms of many terms, concatenated."""

    cuts: Ints
    """The start of each term's forms, and the end of the last one's."""
    names: Sequence[str]
    """Each form as `name_of` it."""
    choices: Numbers
    """The form of each occurrence: its index among those of its term."""


NO_FORMS = FormLists(np.empty(0, np.int64), (), np.empty(0, np.uint32))


class StoredForms(NamedTuple):
    """The forms of one term, and the form of each occurrence (n,), in order of position."""

    written: Sequence[str]
    lengths: Sequence[int]
    choices: Numbers

    def at(self, chosen: Ints | slice) -> "StoredForms":
        """Those of some occurrences, by their indices."""
        return self._replace(choices=self.choices[chosen])

    def accepted(self, accepts: Accepts) -> Bools:
        """Mask of the occurrences whose form is accepted."""
        chosen: Bools = np.array([accepts(form) for form in self.written], np.bool_)[self.choices]
        return chosen

    def covered(self) -> Numbers:
        """The number of positions that each occurrence covers."""
        return np.array(self.lengths, np.uint32)[self.choices]


def name_of(term: str, form: str = "", length: int = 1) -> str:
    """A form that covers so many positions, as it is stored; by default the term itself."""
    lowered = form.lower()
    if lowered == term or not form:
        shared = len(term)
    else:
        alike = (one == other for one, other in zip(lowered, term, strict=False))
        shared = sum(takewhile(bool, alike))
    for kind, capitals in enumerate(CAPITALS):
        if capitals(lowered) == form:
            code = shared * (len(CAPITALS) + 1) + kind
            return f"{chr(FIRST + length)}{chr(FIRST + code)}{lowered[shared:]}"
    return f"{chr(FIRST + length)}{chr(FIRST + len(CAPITALS))}{form}"


def longest_of(names: Sequence[str]) -> int:
    """The positions that the longest of some forms covers."""
    return ord(max(names)[0]) - FIRST


def encoded(terms: Sequence[str], forms: FormLists, ends: Sequence[int]) -> list[bytes]:
    """The record of each term; empty for a term that is always written as itself.

    `ends` are the numbers of occurrences of the terms up to each one.
    """
    if not forms.names:
        return [b""] * len(terms)
    counts, choices = np.diff(forms.cuts), forms.choices.copy()
    cuts, named = forms.cuts.tolist(), []
    for i, term in enumerate(terms):
        names = forms.names[cuts[i] : cuts[i + 1]]
        written = "\n".join(names).encode()
        if len(written) > MOST_BYTES:  # of a hostile text: the last forms are taken for the first
            fitting = _count_fitting(names)
            written = "\n".join(names[:fitting]).encode()
            own = choices[ends[i - 1] if i else 0 : ends[i]]
            own[own >= fitting] = 0
            counts[i] = max(1, fitting)
        named.append(b"" if len(names) == 1 and names[0] == name_of(term) else written)
    packed = _packed(choices, np.array(ends, np.int64), counts)
    return [
        b"".join([SIZE.pack(len(written)), written, choice]) if written else b""
        for written, choice in zip(named, packed, strict=True)
    ]


def _count_fitting(names: Sequence[str]) -> int:
    """How many of the names fit a record."""
    sizes = np.cumsum([len(name.encode()) + 1 for name in names])
    return int(np.searchsorted(sizes, MOST_BYTES))


def decode(stored: bytes, term: str, n_occurrences: int) -> StoredForms:
    """Read the record of a term; raise ValueError if it does not fit the term's list."""
    names, packed = _names(stored, term)
    choices = _choices(packed, n_occurrences, len(names))
    if len(names) > 1 and int(choices.max(initial=0)) >= len(names):
        raise ValueError("the forms of a term")
    lengths, written = zip(*(_whole(term, name) for name in names), strict=True)
    return StoredForms(written, lengths, choices)


def decoded(terms: Sequence[str], records: Sequence[bytes], n_occurrences: Ints) -> FormLists:
    """Read the records of terms; raise ValueError if one does not fit its term's list."""
    names, packed, counts = [], [], []
    for term, record in zip(terms, records, strict=True):
        known, rest = _names(record, term)
        packed.append(rest)
        names += known
        counts.append(len(known))
    cuts = np.cumsum([0, *counts])
    choices = _unpacked(packed, n_occurrences, np.diff(cuts))
    if any(records) and (choices >= np.repeat(np.diff(cuts).astype("u4"), n_occurrences)).any():
        raise ValueError("the forms of a term")
    return FormLists(cuts, names, choices)


def _names(record: bytes, term: str) -> tuple[list[str], bytes]:
    """The names in a record, and the choices as they are packed."""
    if not record:
        return [name_of(term)], b""
    end = SIZE.size + SIZE.unpack_from(record)[0]
    return record[SIZE.size : end].decode().split("\n"), record[end:]


def _bits(n_forms: int) -> int:
    """The bits of the index of a form."""
    return (n_forms - 1).bit_length()


def _type(n_forms: int) -> str:
    return "<u1" if n_forms <= 256 else "<u2"


def _packed(choices: Numbers, ends: Ints, n_forms: Ints) -> list[bytes]:
    """The choices of each term, in as few bits as its forms need, or compressed."""
    packed = [b""] * len(ends)
    starts = np.append(0, ends[:-1])
    for bits in range(1, _bits(int(n_forms.max(initial=1))) + 1):
        of_bits = (n_forms > 1 << (bits - 1)) & (n_forms <= 1 << bits)
        is_long = ends - starts > OCCURRENCES_AT_ONCE
        for i in np.flatnonzero(of_bits & is_long).tolist():
            packed[i] = b"".join(
                _in_bits(choices[first : min(first + OCCURRENCES_AT_ONCE, ends[i])], bits)
                for first in range(starts[i], ends[i], OCCURRENCES_AT_ONCE)
            )
        lists = np.flatnonzero(of_bits & ~is_long)
        counts = ends[lists] - starts[lists]
        widths = -(-bits * counts // 8)
        flags = np.zeros(int(widths.sum()) * 8, np.uint8)
        taken = choices[ranges(starts[lists], counts)]
        flags[ranges(np.cumsum(widths * 8) - widths * 8, bits * counts)] = _flags(taken, bits)
        content, cut = np.packbits(flags).tobytes(), 0
        for i, width in zip(lists.tolist(), widths.tolist(), strict=True):
            packed[i] = content[cut : cut + width]
            cut += width
        for i in np.flatnonzero(of_bits).tolist():
            if len(packed[i]) > SHORTEST_COMPRESSED:
                of_term = choices[starts[i] : ends[i]].astype(_type(int(n_forms[i])))
                packed[i] = min(packed[i], zlib.compress(of_term.tobytes(), 6), key=len)
    return packed


def _flags(choices: Numbers, bits: int) -> npt.NDArray[np.uint8]:
    """The lowest bits of each choice, one after the other."""
    each = np.unpackbits(choices.astype(">u2").view(np.uint8).reshape(-1, 2), axis=1)
    return each[:, 16 - bits :].ravel()


def _in_bits(choices: Numbers, bits: int) -> bytes:
    return np.packbits(_flags(choices, bits)).tobytes()


def _choices(packed: bytes, n_occurrences: int, n_forms: int) -> Numbers:
    """The choices of one term: as `_unpacked` reads them, in a fifth of its time."""
    bits = _bits(n_forms)
    if bits == 0:
        return np.zeros(n_occurrences, np.uint32)
    if len(packed) < -(-bits * n_occurrences // 8):
        return _unpacked([packed], np.array([n_occurrences]), np.array([n_forms]))
    flags = np.unpackbits(np.frombuffer(packed, np.uint8), count=bits * n_occurrences)
    choices = np.zeros(n_occurrences, np.uint32)
    for each in flags.reshape(n_occurrences, bits).T:
        choices = 2 * choices + each
    return choices


def _unpacked(packed: Sequence[bytes], n_occurrences: Ints, n_forms: Ints) -> Numbers:
    """The choices that `_packed` wrote, of all terms."""
    choices = np.zeros(int(n_occurrences.sum()), np.uint32)
    starts = np.cumsum(n_occurrences) - n_occurrences
    sizes = np.fromiter(map(len, packed), np.int64, len(packed))
    for bits in range(1, _bits(int(n_forms.max(initial=1))) + 1):
        of_bits = (n_forms > 1 << (bits - 1)) & (n_forms <= 1 << bits)
        whole = -(-bits * n_occurrences // 8)
        for i in np.flatnonzero(of_bits & (sizes < whole)).tolist():
            kind, count = _type(int(n_forms[i])), int(n_occurrences[i])
            size = np.dtype(kind).itemsize * count
            found = zlib.decompressobj().decompress(packed[i], size)  # no more than it must give
            if len(found) != size:
                raise ValueError("the forms of a term")
            choices[starts[i] : starts[i] + count] = np.frombuffer(found, kind)
        is_long = n_occurrences > OCCURRENCES_AT_ONCE
        for i in np.flatnonzero(of_bits & (sizes >= whole) & is_long).tolist():
            for first in range(0, int(n_occurrences[i]), OCCURRENCES_AT_ONCE):
                count = min(OCCURRENCES_AT_ONCE, int(n_occurrences[i]) - first)
                part = packed[i][bits * first // 8 :]
                begin = int(starts[i]) + first
                choices[begin : begin + count] = _choices(part, count, int(n_forms[i]))
        lists = np.flatnonzero(of_bits & (sizes >= whole) & ~is_long)
        if not len(lists):
            continue
        counts, widths = n_occurrences[lists], whole[lists]
        content = b"".join(
            packed[i][:width] for i, width in zip(lists.tolist(), widths.tolist(), strict=True)
        )
        flags = np.unpackbits(np.frombuffer(content, np.uint8))
        flags = flags[ranges(np.cumsum(widths * 8) - widths * 8, bits * counts)]
        every = np.zeros((int(counts.sum()), 16), np.uint8)
        every[:, 16 - bits :] = flags.reshape(-1, bits)
        choices[ranges(starts[lists], counts)] = np.packbits(every).view(">u2")
    return choices


def ranges(starts: Ints, counts: Ints) -> Ints:
    """All numbers of some ranges, one range after the other.

    >>> ranges(np.array([5, 1]), np.array([2, 3])).tolist()
    [5, 6, 1, 2, 3]
    """
    moved = starts - (np.cumsum(counts) - counts)
    found: Ints = np.repeat(moved, counts) + np.arange(int(counts.sum()))
    return found


def _whole(term: str, name: str) -> tuple[int, str]:
    """The positions that a form covers, and the form."""
    length, code = ord(name[0]) - FIRST, ord(name[1]) - FIRST
    shared, kind = divmod(code, len(CAPITALS) + 1)
    if length < 1 or code < 0:
        raise ValueError("the forms of a term")
    form = term[:shared] + name[2:]
    return length, form if kind == len(CAPITALS) else CAPITALS[kind](form)
