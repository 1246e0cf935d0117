"""Tests of plain text made of HTML in fields, feeds and mails."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backfile.archive.formats.web.markup import plain_text, text_of


@pytest.mark.parametrize("odd", ["\x01", "\ud800", "\ufffe", "\uffff", "&#1;", "\x00"])
def test_what_a_tree_cannot_hold_costs_nothing_else(odd):
    written = text_of(f"<p>Rain{odd}<script>x()</script>{odd} fell.</p><p>It stopped.{odd}</p>")
    kept = "".join(c for c in written if c.isprintable() or c == "\n")
    assert kept == "Rain fell.\n\nIt stopped."


def test_what_only_speaks_of_markup_is_left_alone():
    for text in ("Use <b> for bold.", "a < b and c > d", "The <blink> tag is gone."):
        assert plain_text(text) == text


def test_a_field_of_html_becomes_paragraphs():
    assert plain_text("<p>Rain &amp; snow.</p>\n<p>It <b>stopped</b>.</p>") == (
        "Rain & snow.\n\nIt stopped."
    )


@given(st.text(st.sampled_from("<>/&;pb ra\x01\ud800='\""), max_size=60))
def test_no_fragment_makes_it_raise(fragment):
    assert isinstance(plain_text(fragment), str)
    assert isinstance(text_of(fragment), str)
