"""Tests of earlier versions, withdrawals and removals: nothing is lost, and nothing comes back."""

import json
from dataclasses import replace
from datetime import date

import pytest

from backfile.archive.model.article import DateCertainty, DateSource, Origin
from backfile.archive.model.errors import WithdrawnArticle
from backfile.index.indexing.verify import verify
from tests.builders import (
    STORIES,
    backfile,
    engines_in,
    fill,
    indexer_of,
    warc,
    web_page,
    web_response,
    write_stories,
)


class Wire(list):
    """Articles and withdrawals as an input."""

    bytes_done = bytes_total = 0


@pytest.fixture
def opened(tmp_path):
    made = engines_in(tmp_path / "archive", in_memory=True)
    yield made
    made.catalog.close()


@pytest.fixture
def item(make_article):
    def make(version, text, place=None):
        return make_article(
            text,
            id="urn:news:1",
            version=version,
            published=date(2024, 3, 23),
            date_source=DateSource.FIELD,
            date_certainty=DateCertainty.CERTAIN,
            origin=Origin(place or f"{version}.xml", 1),
        )

    return make


def read(engines, *found):
    return indexer_of(engines).index(Wire(found))


def texts(engines, article_id="urn:news:1"):
    return [version.article.text for version in engines.catalog.history.of(article_id)]


def withdrawal(version):
    return WithdrawnArticle("9.xml", "urn:news:1", version, "canceled")


def test_a_correction_replaces_an_article_and_what_it_said_is_kept(opened, item):
    read(opened, item(1, "One."))
    assert read(opened, item(2, "Two.")).changed == 1
    assert opened.catalog.article("urn:news:1").text == "Two."
    (former,) = opened.catalog.history.of("urn:news:1")
    assert former.article == item(1, "One.")
    kept_at = opened.catalog.stored_article("urn:news:1").kept_at
    assert former.kept_at <= former.replaced_at == kept_at


@pytest.mark.parametrize("order", [(1, 2, 3), (3, 2, 1), (2, 3, 1)])
@pytest.mark.parametrize("at_once", [True, False])
def test_the_latest_version_is_shown_whatever_the_order_and_no_other_is_lost(
    opened, item, order, at_once
):
    items = [item(version, f"Text {version}.") for version in order]
    for some in [items] if at_once else [[each] for each in items]:
        read(opened, *some)
    assert opened.catalog.article("urn:news:1").text == "Text 3."
    assert sorted(texts(opened)) == ["Text 1.", "Text 2."]
    report = read(opened, *items)
    assert (report.new, report.changed, report.unchanged, report.duplicate) == (0, 0, 1, 2)
    assert sorted(texts(opened)) == ["Text 1.", "Text 2."]
    assert list(verify(opened)) == []


def test_what_its_source_takes_back_is_gone_but_for_its_history(opened, item):
    read(opened, item(1, "One."))
    report = read(opened, withdrawal(2))
    assert (report.withdrawn, len(report.refused)) == (1, 1)
    assert "canceled" in str(report.refused[0])
    assert opened.catalog.counts().articles == 0
    assert texts(opened) == ["One."]
    assert list(verify(opened)) == []


@pytest.mark.parametrize("withdrawn_first", [True, False])
def test_what_was_taken_back_does_not_return_unless_in_a_later_version(
    opened, item, withdrawn_first
):
    found = [item(1, "One."), withdrawal(2)]
    for _ in range(2):
        report = read(opened, *(reversed(found) if withdrawn_first else found))
        assert opened.catalog.counts().articles == 0
        assert any("withdrawn by its source" in str(each) for each in report.refused)
    assert read(opened, item(3, "Three.")).new == 1
    assert opened.catalog.article("urn:news:1").text == "Three."
    assert opened.catalog.history.withdrawn(["urn:news:1"]) == {}


def test_a_withdrawal_of_an_earlier_version_leaves_a_later_one(opened, item):
    read(opened, item(3, "Three."))
    assert read(opened, withdrawal(2)).withdrawn == 0
    assert opened.catalog.article("urn:news:1").text == "Three."


def test_what_is_removed_is_gone_with_its_history(opened, item):
    read(opened, item(1, "One."))
    read(opened, item(2, "Two."))
    indexer_of(opened).remove(["urn:news:1"])
    assert texts(opened) == []
    assert opened.catalog.history.removed(["urn:news:1", "other"]) == {"urn:news:1"}
    read(opened, item(2, "Two."))
    assert opened.catalog.history.removed(["urn:news:1"]) == set()


def test_one_page_under_two_ids_is_one_article(opened, item):
    url = "https://courier.example/ferry"
    page = replace(item(0, "The ferry stops.", "a.html"), url=url)
    tracked = replace(page, id="feed-7", url=url + "?utm_source=x", origin=Origin("b.xml", 1))
    report = read(opened, page, tracked)
    assert (report.new, report.duplicate) == (1, 1)
    assert read(opened, replace(tracked, origin=Origin("c.xml", 1))).new == 0


def test_two_stories_at_one_address_are_two_articles(opened, item):
    home = replace(item(0, "The ferry stops.", "a.html"), url="https://courier.example/live")
    later = replace(home, id="other", title="Another day", text="It sails.")
    assert read(opened, home, later).new == 2


def test_the_history_of_an_article_is_shown_in_the_shell(tmp_path):
    archive = tmp_path / "archive"
    for text in ("The ferry stops in May.\n\nNobody knew.", "The ferry stops in June."):
        path = write_stories(tmp_path, [{**STORIES[0], "text": text}])
        backfile("index", path, "--archive", archive, "--no-vectors", "--quiet")
    shown = backfile("show", "ferry", "--history", "--archive", archive).stdout
    assert "-The ferry stops in May." in shown
    assert "+The ferry stops in June." in shown
    told = json.loads(backfile("show", "ferry", "--history", "--json", "--archive", archive).stdout)
    assert [each["text"][:24] for each in told["versions"]] == [
        "The ferry stops in June.",
        "The ferry stops in May.\n",
    ]
    missing = backfile("show", "nobody", "--history", "--archive", archive)
    assert missing.exit_code == 2
    assert "no article has the id 'nobody'" in missing.stderr


def test_files_of_many_versions_are_one_article_each_time(tmp_path):
    engines = engines_in(tmp_path / "archive", in_memory=True)
    for day, text in enumerate(("First.", "Second, corrected."), 1):
        path = tmp_path / "news" / f"day{day}.jsonl"
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps({**STORIES[1], "text": text}))
    for expected in ((1, 1, 0, 0), (0, 0, 1, 1)):
        report = fill(engines, tmp_path / "news")
        found = (report.new, report.changed, report.unchanged, report.duplicate)
        assert found == expected
        assert engines.catalog.article("bridge").text == "Second, corrected."
    engines.catalog.close()


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_of_a_page_that_was_fetched_twice_the_later_fetch_is_shown(tmp_path, order):
    address = "https://courier.example/ferry"
    titles = ("Ferry may stop", "Ferry stops in May")
    pages = [web_page(f'<meta property="og:title" content="{title}">') for title in titles]
    dates = ["2024-03-23T12:00:00Z", "2024-03-24T08:00:00Z"]
    fetched = [web_response(address, pages[n].encode()) for n in order]
    path = tmp_path / "site.warc.gz"
    path.write_bytes(warc(*fetched, dates=[dates[n] for n in order]))
    engines = engines_in(tmp_path / "archive", in_memory=True)
    report = fill(engines, path)
    assert report.new == 1
    assert not report.refused
    ((article, _),) = engines.catalog.digests()
    assert (article.title, article.version) == ("Ferry stops in May", 20240324080000)
    (former,) = engines.catalog.history.of(article.id)
    assert former.article.title == "Ferry may stop"
    engines.catalog.close()
