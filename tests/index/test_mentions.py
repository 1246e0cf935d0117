"""The names of an article are made of the mentions in its text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backfile.index.model.mentions import (
    LONGEST_NAME,
    MOST_NAMES,
    Mention,
    NameKind,
    names_of,
    tidied,
)

KINDS = {"P": NameKind.PERSON, "O": NameKind.ORGANISATION, "L": NameKind.PLACE}


def read(*mentions):
    """The names in mentions such as `P:Marian Holt`."""
    return names_of(Mention(KINDS[each[0]], each[2:]) for each in mentions)


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("the White House", "White House"),
        ("The  Ash\n Valley", "Ash Valley"),
        ("Theranos", "Theranos"),
        ("Holt's", "Holt"),
        ("Harbour Commissioners’", "Harbour Commissioners"),
        ("“Coastal Courier”", "Coastal Courier"),
        ("U.S.", "U.S."),
        ("Merrow & Stane Inc.", "Merrow & Stane Inc"),
        ("José Núñez,", "José Núñez"),
        ("港口", "港口"),
    ],
)
def test_a_name_is_freed_of_what_stands_around_it(written, name):
    assert tidied(written) == name


@pytest.mark.parametrize(
    "written",
    ["", "'s Note", "n't", "24:34", "@harbour", "Ana Ruiz/AP", "www.example", "A", "<b>Holt</b>",
     "Holt " * 9, "H" * (LONGEST_NAME + 1)],
)  # fmt: skip
def test_what_is_no_name_is_left_out(written):
    assert tidied(written) == ""


def test_titles_of_people_are_left_out_before_a_first_name_and_a_surname():
    assert read("P:Councillor Gil Pomfret", "P:Mr. Holt").people == ("Gil Pomfret", "Holt")
    assert read("O:Mayor Marian Holt Trust").organisations == ("Mayor Marian Holt Trust",)


def test_a_part_of_a_person_is_folded_into_the_longest_name():
    assert read("P:Holt", "P:Marian Holt", "P:Marian").people == ("Marian Holt",)
    assert read("P:Holt", "P:Marian Holt", "P:Ann Holt", "P:Ann Holt").people == (
        "Ann Holt",
        "Marian Holt",
    )
    assert read("P:Holt", "P:Ann Marian Holt", "P:Marian Holt").people == ("Ann Marian Holt",)


def test_a_full_name_is_not_folded_into_a_longer_one_that_is_rarer():
    found = read("P:Gil Pomfret", "P:Gil Pomfret", "P:Comedian Gil Pomfret", "P:Pomfret")
    assert "Gil Pomfret" in found.people


def test_organisations_and_places_are_not_folded():
    assert read("O:House", "O:White House").organisations == ("House", "White House")
    assert read("L:England", "L:New England").places == ("England", "New England")


def test_a_surname_that_is_taken_for_an_organisation_is_the_person():
    found = read("P:Marian Holt", "O:Holt", "O:Holt", "O:Harbour Trust")
    assert found == (("Marian Holt",), ("Harbour Trust",), ())


def test_a_name_has_the_kind_of_most_mentions():
    assert read("P:Wexmoor", "L:Wexmoor", "L:Wexmoor") == ((), (), ("Wexmoor",))
    assert read("O:Ashmouth", "L:Ashmouth") == ((), (), ("Ashmouth",))
    assert read("P:Holt", "P:Holt", "L:Holt") == (("Holt",), (), ())


def test_the_most_mentioned_come_first_as_they_are_spelt_most_often():
    found = read("L:WEXMOOR", "L:Ostley", "L:Wexmoor", "L:Wexmoor")
    assert found.places == ("Wexmoor", "Ostley")
    many = read(*(f"L:Place{n}" for n in range(MOST_NAMES + 5)))
    assert many.places == tuple(f"Place{n}" for n in range(MOST_NAMES))


@given(
    st.lists(
        st.builds(
            Mention,
            st.sampled_from(NameKind),
            st.text(max_size=12) | st.sampled_from(["Ann Holt", "Holt", "Ann", "the Ann Holt’s"]),
        )
    )
)
def test_any_mentions_give_names_of_one_kind_each(mentions):
    found = names_of(mentions)
    listed = [name.casefold() for some in found for name in some]
    assert len(listed) == len(set(listed))
    assert all(name == name.strip() and 2 <= len(name) <= LONGEST_NAME for name in listed)
    assert names_of(mentions) == found
