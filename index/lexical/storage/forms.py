"""The file that stores how each occurrence of a term is written: `ferry`, `Ferries`, `FERRY`.

A term is a stem in one case. The forms answer what the stem cannot: whether a word stands exactly
as it was asked for, and how many positions a compound covers, whose joined form is the term.

A record, little-endian: a header (number of forms, bytes of their names, bytes of the choices), the
names in UTF-8, one a line, the positions that each covers as a byte, and, of several forms, the
index of the form of each occurrence, compressed: most occurrences have the first. A term that is
always written as itself has no record.
"""

import struct
import zlib
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from backfile.index.lexical.storage.unpickling import damaged
from backfile.index.model.arrays import Bools, Numbers

Accepts = Callable[[str], bool]
EXTENSION = ".frm"
NONE = 0  # the offset of no record
HEADER = struct.Struct("<III")
START = b"\n"  # so that no record has the offset 0


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


def width_of(most: int) -> int:
    """The bytes of an unsigned number up to this one: 1, 2 or 4."""
    return 1 if most <= 0xFF else 2 if most <= 0xFFFF else 4


def encode(term: str, written: Sequence[str], lengths: Sequence[int], choices: Numbers) -> bytes:
    """The record of a term; empty for a term that is always written as itself."""
    if len(written) == 1 and written[0] in (term, "") and lengths[0] == 1:
        return b""
    names = "\n".join(written).encode()
    packed = b""
    if len(written) > 1:
        packed = zlib.compress(choices.astype(f"<u{width_of(len(written) - 1)}").tobytes(), 1)
    header = HEADER.pack(len(written), len(names), len(packed))
    return b"".join([header, names, bytes(lengths), packed])


def decode(stored: Any, offset: int, term: str, n_occurrences: int) -> StoredForms:
    """Read the record at an offset; raise EngineUnavailable if it does not fit the term's list."""
    if offset == NONE:
        return StoredForms([term], [1], np.zeros(n_occurrences, np.uint32))
    n_forms, n_names, n_packed = HEADER.unpack(stored.get(offset, HEADER.size))
    names = offset + HEADER.size
    written = stored.get(names, n_names).decode().split("\n")
    lengths = list(stored.get(names + n_names, n_forms))
    if len(written) != n_forms or not all(lengths):
        raise damaged(str(stored))
    if n_forms == 1:
        return StoredForms(written, lengths, np.zeros(n_occurrences, np.uint32))
    width = width_of(n_forms - 1)
    packed = stored.get(names + n_names + n_forms, n_packed)
    unpacked = zlib.decompressobj().decompress(packed, width * n_occurrences)
    choices = np.frombuffer(unpacked, f"<u{width}").astype(np.uint32)
    if len(choices) != n_occurrences or choices.max(initial=0) >= n_forms:
        raise damaged(str(stored))
    return StoredForms(written, lengths, choices)


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
