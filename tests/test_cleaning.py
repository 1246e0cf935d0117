"""Tests of how text is cleaned on its way in."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from archive.reading.cleaning import clean_line, clean_text

PIECES = st.sampled_from(
    [
        *"ae \t\n\r\x0c\x00\u0301\u2028\u2029\ufeff\ud800\u00ad\u200b\u2060",
        "\n\n",
        "Advertisment",
        "Word.",
    ]
)
DIRTY = st.text(st.characters(codec=None), max_size=200) | st.lists(PIECES, max_size=60).map(
    "".join
)


@given(DIRTY)
@example("e\x00\u0301")  # composed only once the control character is gone
@settings(deadline=None)
def test_cleaning_twice_is_cleaning_once(dirty):
    assert clean_text(clean_text(dirty)) == clean_text(dirty)
    assert clean_line(clean_line(dirty)) == clean_line(dirty)


@given(DIRTY)
@settings(deadline=None)
def test_cleaned_text_can_be_stored_and_shown(dirty):
    cleaned = clean_text(dirty)
    assert cleaned.encode().decode() == cleaned
    assert cleaned == cleaned.strip()
    assert not {"\r", "\x00", "\x0c", "\ufeff"} & set(cleaned)
    assert "\n\n\n" not in cleaned
    assert "\n" not in clean_line(dirty)


@pytest.mark.parametrize(
    "mark", ["Advertisment", "Advertisement", "ADVERTISEMENT", "  advertisements \t"]
)
def test_a_line_that_is_only_an_advertisement_mark_is_dropped(mark):
    assert clean_text(f"Rain fell.\n\n{mark}\n\nIt stopped.") == "Rain fell.\n\nIt stopped."


def test_an_advertisement_within_a_sentence_stays():
    sentence = "An advertisement for tea hung there."
    assert clean_text(sentence) == sentence


@pytest.mark.parametrize(
    ("dirty", "clean"),
    [
        ("One.\r\nTwo.\rThree.", "One.\nTwo.\nThree."),
        ("One.\x0cTwo.", "One.\n\nTwo."),
        ("One.\u2029Two.\u2028Three.", "One.\n\nTwo.\nThree."),
        ("One.  \t\nTwo.", "One.\nTwo."),
        ("One.\n\n\n\n\nTwo.", "One.\n\nTwo."),
        ("Cafe\u0301", "Caf\u00e9"),
        ("a\ud800b", "a?b"),
        ("har\u00adbour\u200b wa\u2060ll", "harbour wall"),
        ("می\u200cخواهم 👩\u200d🚒", "می\u200cخواهم 👩\u200d🚒"),
    ],
)
def test_line_ends_spaces_and_characters_are_normalised(dirty, clean):
    assert clean_text(dirty) == clean


def test_a_line_is_joined_with_single_spaces():
    assert clean_line(" Ash \n bridge\t\tshut\x00 ") == "Ash bridge shut"
