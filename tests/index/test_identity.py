"""Tests of what an article is to the one that has its id, and of what becomes of it."""

from dataclasses import replace
from datetime import date

import pytest

from backfile.archive.model.article import Origin
from backfile.archive.store.identities import known_as
from backfile.index.indexing.identity import Decision, Kind, Pair, decide

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
    article = replace(held, **{"origin": Origin("new.jsonl", 1), **changes})
    holder = known_as(held)
    pair = Pair(article, held.id, holder, set(past), lambda: held.text, this_run)
    kind = pair.likeness().kind
    return decide(article, holder, kind, this_run=this_run) if kind else Kind.NONE


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
    assert decided(held, this_run=True, **changes) is Kind.NONE
    assert decided(held, **changes) is Decision.CHANGED  # of the same day, in a later run
    another_page = {"url": "https://courier.example/bridge"}
    changes |= {"published": date(2024, 3, 24)}
    assert decided(held, **changes) is Decision.CHANGED  # still at the same address
    assert decided(held, **changes | another_page) is Kind.NONE


def test_one_title_on_two_days_in_one_run_is_two_articles(held):
    changes = {"text": WHOLE + " More.", "published": date(2024, 3, 24)}
    assert decided(held, this_run=True, **changes) is Kind.NONE


BRIDGE = {
    "title": "Bridge shut",
    "text": "Inspectors found cracks, and the swing bridge is shut until further notice.",
    "url": "https://courier.example/bridge",
}


def test_an_id_that_comes_back_on_the_same_day_on_another_text_is_another_article(held):
    assert decided(held, **BRIDGE) is Kind.NONE
    rewritten = WHOLE.replace("May", "June") + " Commuters were told by letter."
    assert decided(held, **BRIDGE | {"text": rewritten}) is Decision.CHANGED


def test_an_id_that_is_unique_everywhere_is_believed(held):
    held = replace(held, id="tag:courier.example,2024:7", source="Courier")
    assert decided(held, **BRIDGE) is Decision.CHANGED
    assert decided(held, **BRIDGE, source="Herald") is Decision.CHANGED
    elsewhere = {"source": "Herald", "url": "https://herald.example/bridge"}
    assert decided(held, **BRIDGE | elsewhere) is Kind.NONE


def test_the_first_entry_of_a_feed_is_not_the_one_that_was_first_before(held):
    place = Origin("https://courier.example/rss", 1)
    held = replace(held, origin=place)
    assert decided(held, origin=place, **BRIDGE, published=date(2024, 3, 24)) is Kind.NONE
    held = replace(held, origin=Origin("rss.xml", 1))
    assert decided(held, origin=held.origin, **BRIDGE) is Kind.NONE


def test_two_feeds_of_one_outlet_are_two_scopes_for_what_has_two_titles(held):
    feeds = [Origin(f"https://courier.example/{name}.xml", 1) for name in ("sport", "city")]
    changes = BRIDGE | {"text": WHOLE + " More.", "origin": feeds[1]}
    assert decided(replace(held, origin=feeds[0]), **changes) is Kind.NONE
    assert decided(replace(held, origin=feeds[1]), **changes) is Decision.CHANGED


def test_an_entry_read_again_from_the_same_bytes_is_the_same_whatever_a_reader_makes_of_it(held):
    place = Origin("https://courier.example/rss", 1, "digest of bytes")
    assert decided(replace(held, origin=place), origin=place, **BRIDGE) is Decision.CHANGED


@pytest.mark.parametrize("changes", [{"source": "Herald"}, {"url": "https://herald.example/7"}])
def test_another_outlet_is_another_article_even_under_one_title(held, changes):
    held = replace(held, source="Courier")
    assert decided(held, text=WHOLE + " More.", **{"url": ""} | changes) is Kind.NONE
    assert decided(held, text=WHOLE + " More.", source="Herald") is Decision.CHANGED  # one page


def test_a_host_alone_is_no_page(held):
    home = "https://courier.example/"
    changes = BRIDGE | {"url": home, "published": date(2024, 3, 24)}
    assert decided(replace(held, url=home), **changes) is Kind.NONE


def test_what_a_program_gives_replaces_what_it_gave_but_no_other_outlets_article(held):
    held = replace(held, source="Courier", origin=Origin("<python>", 1))
    given = {"origin": Origin("<python>", 5), "published": date(2024, 3, 24)}
    assert decided(held, **BRIDGE | given) is Decision.CHANGED
    assert decided(held, **BRIDGE | given, source="Herald") is Kind.NONE


def test_an_id_made_of_the_content_stands_for_that_content_alone(held):
    held = replace(held, id="text-0123456789abcdef0123", url="")
    assert decided(held, text="Other.", past={replace(held, text="Other.").digest}) is Kind.NONE
    assert decided(held, text="Other.", origin=held.origin) is Decision.CHANGED
