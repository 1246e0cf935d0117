"""Tests of how wrapped lines are joined, and of what is never joined."""

import textwrap

import pytest

from backfile.archive.formats.cleaning import clean_text

BRIDGE = (
    "The swing bridge over the river Ash stays closed until the end of May because engineers "
    "found cracks in two of its girders, the harbour authority said on Monday."
)
FERRY = (
    "Ferries run every twenty minutes meanwhile. Drivers must take the road by the mill, which is "
    "narrow, and lorries are not allowed there at all between seven and nine in the morning."
)
ARTICLE = f"{BRIDGE}\n\n{FERRY}"


def wrapped(width, **options):
    return [textwrap.fill(each, width, **options) for each in (BRIDGE, FERRY)]


@pytest.mark.parametrize("width", [60, 66, 72, 80])
def test_wrapped_paragraphs_are_joined(width):
    assert clean_text("\n\n".join(wrapped(width))) == ARTICLE


def test_paragraphs_told_by_their_indent_or_a_short_last_line_are_joined():
    assert clean_text("\n".join(wrapped(70, initial_indent="   "))) == ARTICLE
    assert clean_text("\n".join(wrapped(70))) == ARTICLE


def test_what_stands_on_lines_of_its_own_among_wrapped_lines_stays_there():
    aside = "Ash 2 Mill 1\nPort 0 Town 3\n\nHarbour Office\n12 Quay Street\n\n- one item\n- another"
    first, second = wrapped(70)
    text = f"Immediate Aftermath\n{first}\n\n{second}\n\n{aside}"
    assert clean_text(text) == f"Immediate Aftermath\n{ARTICLE}\n\n{aside}"


def test_a_mark_below_a_wrapped_paragraph_is_no_part_of_it():
    first, second = wrapped(70)
    assert clean_text(f"{first}\nAdvertisement\n{second}") == ARTICLE


@pytest.mark.parametrize(
    "text",
    [
        "Shall I compare the harbour to a bell\nThat rings at evening over quiet tides,\n"
        "And calls the weary ships from where they fell\nTo sleep along the wharf on either side?",
        "\n".join(
            f"The council of ward {n} met on Monday and took its decision." for n in range(9)
        ),
        "\n".join(f"Ashport Rovers      {n}    12    4    3    31-17    {n}5" for n in range(9)),
        "Rain fell.\nIt stopped.\nThe river rose.",
        "Immediate Aftermath\n\nThe ferry stopped.\n\nWhat Comes Next\n\nNobody knows.",
    ],
)
def test_verse_lists_tables_and_headings_are_left_alone(text):
    assert clean_text(text) == text


def test_a_word_that_was_cut_becomes_whole_where_the_article_shows_it():
    lines = (
        "The harbour authority has closed the swing bridge for good, and the har-\n"
        "bour master says that nobody asked him before it was decided by the well-\n"
        "known council of the town, which met on Monday behind doors that stayed\n"
        "closed until late in the evening, when the mayor came out and smiled."
    )
    cleaned = clean_text(lines)
    assert "the harbour master" in cleaned
    assert "well-known" in cleaned
    assert "\n" not in cleaned


def test_a_telegram_in_capitals_is_joined():
    telegram = f"{BRIDGE} {FERRY} {BRIDGE}".upper()
    assert clean_text(textwrap.fill(telegram, 70)) == telegram
