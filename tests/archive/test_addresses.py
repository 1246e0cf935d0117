"""Tests of which web addresses name one article."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backfile.archive.model.addresses import canonical_url, is_amp_or_mobile

PLAIN = "https://courier.example/2024/ferry?id=3"


@pytest.mark.parametrize(
    "url",
    [
        "http://courier.example/2024/ferry?id=3",
        "https://www.Courier.example:443/2024/ferry/?id=3#comments",
        "https://courier.example/2024/ferry?utm_source=mail&id=3&fbclid=abc",
        "https://courier.example/2024/ferry?id=3&CMP=share_btn&at_medium=x",
        "https://m.courier.example/2024/ferry?id=3",
        "https://mobile.courier.example/2024/ferry/index.html?id=3",
        "https://courier.example/2024/ferry/amp/?id=3",
        "https://courier.example/amp/2024/ferry?id=3",
        "https://courier.example/2024/ferry?id=3&amp=1",
        "https://amp.courier.example/2024/ferry?outputType=amp&id=3",
        "https://www.google.com/amp/s/www.courier.example/2024/ferry?id=3",
        "https://courier-example.cdn.ampproject.org/c/s/courier.example/2024/ferry?id=3",
    ],
)
def test_every_form_of_a_page_has_one_canonical_address(url):
    assert canonical_url(url) == canonical_url(PLAIN)


@pytest.mark.parametrize(
    "url",
    [
        "https://courier.example/2024/ferry?id=4",
        "https://courier.example/2024/ferries?id=3",
        "https://sport.courier.example/2024/ferry?id=3",
        "https://courier.example:8080/2024/ferry?id=3",
        "https://courier.example/amplifier?id=3",
        "https://m.example/2024/ferry?id=3",
    ],
)
def test_another_page_has_another_canonical_address(url):
    assert canonical_url(url) != canonical_url(PLAIN)


def test_a_name_in_other_letters_is_the_one_it_is_registered_as():
    assert canonical_url("https://fähre.example/a") == canonical_url(
        "http://xn--fhre-loa.example/a"
    )


def test_a_mobile_page_behind_a_language_is_told():
    assert canonical_url("https://de.m.wiki.example/Ash") == "//de.wiki.example/Ash"
    assert is_amp_or_mobile("https://de.m.wiki.example/Ash")


def test_an_address_with_www_or_tracking_is_no_twin():
    assert not is_amp_or_mobile("https://www.courier.example/a?utm_source=x")


@given(st.text(max_size=60) | st.text(max_size=40).map("https://a.example/".__add__))
def test_any_text_has_a_canonical_form_that_is_its_own(text):
    once = canonical_url(text)
    assert isinstance(is_amp_or_mobile(text), bool)
    assert isinstance(once, str)
