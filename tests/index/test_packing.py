"""What crosses between processes is the same at the other end, also what pickle packs slowly."""

from dataclasses import dataclass, field
from datetime import date

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from backfile.archive.model.message import Message
from backfile.index.cluster.search.packing import packed, unpacked
from backfile.index.model.results import Bin, FacetCount, Ranks, ScorePart, ScorePartKind


@dataclass(frozen=True, slots=True)
class Pair:
    first: object
    second: object = ()


@dataclass(frozen=True, slots=True)
class Checked:
    number: int

    def __post_init__(self):
        if self.number > 9:
            object.__setattr__(self, "number", 9)


@dataclass(frozen=True, slots=True)
class Computed:
    number: int
    double: int = field(init=False, default=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    first: int
    second: int


@dataclass(frozen=True)
class Open:
    number: int


@dataclass(slots=True)
class Changing:
    number: int


@given(
    st.recursive(
        st.none() | st.integers() | st.text() | st.floats(allow_nan=False) | st.dates(),
        lambda inner: st.builds(Pair, inner, st.lists(inner)) | st.tuples(inner, inner),
    )
)
def test_what_is_packed_is_unpacked(value):
    assert unpacked(packed(value)) == value


def test_classes_that_are_more_than_their_arguments_are_packed_too():
    computed, checked = Computed(2), Checked(1)
    object.__setattr__(computed, "double", 4)
    object.__setattr__(checked, "number", 11)
    values = [computed, checked, Named(first=1, second=2), Open(3), Changing(4)]
    assert unpacked(packed(values)) == values


def test_answers_are_packed_without_the_names_of_their_fields():
    day = date(2024, 3, 23)
    values = (Ranks(1, None), FacetCount("Gazette", 3), Bin("2024-03-23", day, day, 1, 2))
    content = packed([*values, ScorePart(ScorePartKind.WORD, "ferry", 1.0, 0.5)])
    assert unpacked(content)[:3] == list(values)
    assert b"articles" not in content


def test_what_one_object_is_stays_one():
    text = "The ferry is back."
    one, other = unpacked(packed([Pair(text), Pair(text)]))
    assert one.first is other.first
    message = Message("%(count)s articles", count=3)
    assert unpacked(packed(Pair(message))).first.values == message.values
    numbers = unpacked(packed(Pair(np.arange(3)))).first
    assert numbers.tolist() == [0, 1, 2]
