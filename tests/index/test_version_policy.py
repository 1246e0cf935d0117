"""Tests of what an article is to the one that has its id."""

from dataclasses import replace
from datetime import date

import pytest

from backfile.archive.model.article import Origin
from backfile.archive.store.identities import known_as
from backfile.index.indexing.version_policy import Decision, decide

WHOLE = "The ferry stops in May. A bus replaces the boat."


@pytest.fixture
def held(make_article):
    return make_article(
        title="Ferry stops",
        text=WHOLE,
        published=date(2024, 3, 23),
        url="https://courier.example/ferry",
        origin=Origin("gone.jsonl", 1),
    )


def decided(held, *, past=(), this_run=False, **changes):
    changes = {"origin": Origin("new.jsonl", 1), **changes}
    return decide(replace(held, **changes), known_as(held), set(past), this_run=this_run)


def test_the_same_from_a_place_that_is_gone_has_moved_and_is_unchanged(held):
    assert decided(held) is Decision.UNCHANGED


def test_the_same_twice_in_one_run_is_a_duplicate(held):
    assert decided(held, this_run=True) is Decision.DUPLICATE


def test_the_same_from_two_places_that_are_there_is_a_duplicate(held, tmp_path):
    there = tmp_path / "a.jsonl"
    there.touch()
    assert decided(replace(held, origin=Origin(str(there), 1))) is Decision.DUPLICATE


def test_what_was_there_before_is_no_correction(held):
    former = replace(held, text="Former.")
    assert decided(held, text="Former.", past={former.digest}) is Decision.DUPLICATE


@pytest.mark.parametrize(("version", "expected"), [(3, Decision.CHANGED), (1, Decision.EARLIER)])
def test_the_later_version_counts_in_whatever_order_they_come(held, version, expected):
    held = replace(held, version=2)
    changes = {"version": version, "title": "Something else", "text": "Else."}
    assert decided(held, this_run=True, **changes) is expected


def test_a_file_that_changed_changes_its_article_whatever_it_says(held):
    changes = {"origin": held.origin, "title": "Else", "text": "E.", "published": None}
    assert decided(held, **changes) is Decision.CHANGED


def test_of_one_title_the_later_reading_counts(held):
    changed = WHOLE.replace("May", "June")
    assert decided(held, text=changed) is Decision.CHANGED
    assert decided(held, text=changed, this_run=True) is Decision.CHANGED


def test_an_excerpt_never_replaces_the_whole(held):
    assert decided(held, text="The ferry stops.") is Decision.EARLIER
    excerpt = replace(held, text="The ferry stops.")
    assert decided(excerpt, text=WHOLE) is Decision.CHANGED


def test_a_mobile_page_does_not_replace_the_plain_one(held):
    changes = {"text": WHOLE + " More.", "url": "https://m.courier.example/ferry"}
    assert decided(held, **changes) is Decision.EARLIER


def test_another_title_in_one_run_is_another_article(held):
    changes = {"title": "Bridge shut", "text": WHOLE + " Else."}
    assert decided(held, this_run=True, **changes) is Decision.ANOTHER
    assert decided(held, **changes) is Decision.CHANGED  # of the same day, in a later run
    assert decided(held, **changes, published=date(2024, 3, 24)) is Decision.ANOTHER


def test_one_title_on_two_days_in_one_run_is_two_articles(held):
    changes = {"text": WHOLE + " More.", "published": date(2024, 3, 24)}
    assert decided(held, this_run=True, **changes) is Decision.ANOTHER
