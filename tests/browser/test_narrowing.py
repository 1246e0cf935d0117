"""A facet of many values: the page lists the most frequent, and the box finds the rest."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.browsers import served
from tests.builders import app_over, engines_in, fill, write_stories

pytestmark = pytest.mark.browser

AUTHORS = [f"{first} {last}" for first in ("Ann", "Ben", "Zoë") for last in "ABCDEFGHIJ"]
STORIES = [
    {
        "id": f"story-{n}",
        "title": f"The ferry was late for the {n}. time",
        "author": author,
        "section": f"local_news_{n % 12}",
        "language": "en",
        "published": "2024-03-23",
        "text": f"{author} waited on the pier for {n + 3} minutes, and then the ferry came.",
    }
    for n, author in enumerate(AUTHORS)
]


@pytest.fixture(scope="module")
def many_authors(tmp_path_factory):
    folder = tmp_path_factory.mktemp("narrowing")
    engines = engines_in(folder / "archive", in_memory=True)
    fill(engines, write_stories(folder, STORIES))
    with served(app_over(engines, floor=0.2)) as url:
        yield url
    engines.catalog.close()


@pytest.fixture
def page(chromium, many_authors):
    context = chromium.new_context(base_url=many_authors, viewport={"width": 1280, "height": 900})
    opened = context.new_page()
    opened.goto("/?q=ferry&compare=pier&lang=de")
    yield opened
    context.close()


def facet_on(page, name):
    return page.locator(".facet", has=page.locator("summary", has_text=name))


def lines_of(facet):
    return facet.locator("li:visible span:first-of-type").all_inner_texts()


SHIFTS = """
window.shifts = 0;
new PerformanceObserver(list => { for (const each of list.getEntries()) shifts += each.value; })
  .observe({type: "layout-shift", buffered: true});
"""


def test_nothing_moves_when_the_boxes_come(page):
    page.add_init_script(SHIFTS)
    page.goto("/?q=ferry")
    page.locator(".facet .find").first.wait_for()
    page.wait_for_load_state("networkidle")
    assert page.evaluate("shifts") == 0


def test_without_scripts_no_box_pretends_to_find_anything(chromium, many_authors):
    context = chromium.new_context(base_url=many_authors, java_script_enabled=False)
    plain = context.new_page()
    plain.goto("/?q=ferry")
    assert plain.locator(".facet .find").count() >= 1
    assert plain.locator(".facet .find:visible").count() == 0
    context.close()


def test_what_is_not_listed_is_counted(page):
    facet = facet_on(page, "Autor/in")
    (more,) = re.findall(r"\d+", facet.locator(".rest summary").inner_text())
    assert 0 < facet.locator("li:visible").count() == len(AUTHORS) - int(more)


def test_opening_the_rest_fetches_the_values_that_the_page_has_no_room_for(page):
    facet = facet_on(page, "Autor/in")
    assert facet.locator("li").count() < len(AUTHORS)
    facet.locator(".rest summary").click()
    expect(facet.locator("li:visible")).to_have_count(len(AUTHORS))
    assert sorted(lines_of(facet)) == AUTHORS
    names = facet.locator(".not input").evaluate_all("all => all.map(each => each.ariaLabel)")
    assert sorted(names) == sorted(f"{author} ausschließen" for author in AUTHORS)
    assert not facet.locator("input:checked").count()


def test_a_value_that_the_page_does_not_list_is_found_as_one_types(page):
    facet = facet_on(page, "Autor/in")
    facet.locator(".find").fill("zoe j")
    expect(facet.locator("li:visible")).to_have_count(1)
    assert lines_of(facet) == ["Zoë J"]
    with page.expect_navigation():
        facet.locator(".find").press("Enter")
    assert page.locator(".chips").inner_text().startswith("Autor/in: Zoë J")


def test_a_fetched_value_is_written_as_those_on_the_page_and_can_be_excluded(page):
    facet = facet_on(page, "Ressort")
    facet.locator(".rest summary").click()
    expect(facet.locator("li:visible")).to_have_count(12)
    assert sorted(lines_of(facet)) == sorted(f"local news {n}" for n in range(12))
    last = facet.locator("li").last
    last.hover()
    last.locator(".not input").check()
    assert not last.locator("input").first.is_checked()
    with page.expect_navigation():
        page.locator(".apply button").click()
    assert "ohne" in page.locator(".chips").inner_text()


def test_a_list_that_cannot_be_fetched_leaves_the_field_for_other_values(page):
    page.route("**/api/search*", lambda route: route.abort())
    facet = facet_on(page, "Autor/in")
    listed = facet.locator("li").count()
    facet.locator(".rest summary").click()
    expect(facet.locator(".more input")).to_be_visible()
    assert facet.locator("li").count() == listed
