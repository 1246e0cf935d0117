"""The things people do most, in a real Chromium, with JavaScript and without it."""

import csv
import re
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

pytestmark = pytest.mark.browser
IS_SEEN = """each => {
  const box = each.getBoundingClientRect();
  return box.bottom > 0 && box.top < innerHeight;
}"""


@pytest.fixture(params=[True, False], ids=["with-javascript", "without-javascript"])
def page(request, chromium, address):
    context = chromium.new_context(
        base_url=address,
        java_script_enabled=request.param,
        viewport={"width": 1280, "height": 900},
    )
    opened = context.new_page()
    complaints = []
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.on("console", lambda said: complaints.append(said.text) if is_complaint(said) else None)
    yield opened
    assert complaints == []
    context.close()


def is_complaint(said):
    # Where plain text is shown, Chromium looks for an icon by itself.
    return said.type == "error" and not said.location["url"].endswith("/favicon.ico")


def found(page):
    """The number of hits that a page of results says it has."""
    return int(re.match(r"[\d,]+", page.locator("h1").inner_text())[0].replace(",", ""))


def titles(page):
    return page.locator("article.hit h2").all_inner_texts()


def tab_to(page, link):
    """Press Tab until a link has the focus, which must not take many."""
    for _ in range(20):
        page.keyboard.press("Tab")
        if link.evaluate("each => each === document.activeElement"):
            return
    raise AssertionError("twenty Tabs did not reach it")


def downloaded(page, link) -> Path:
    with page.expect_download() as waiting:
        link.click()
    return waiting.value.path()


def test_searching_by_words(page):
    page.goto("/")
    page.get_by_role("searchbox").fill("swing bridge bankruptcy")
    page.get_by_role("button", name="Search").click()
    first = page.locator("article.hit").first
    assert "bankruptcy" in first.inner_text()
    assert first.locator("mark").count() > 0
    assert "by words" in first.locator(".why").inner_text()
    first.get_by_text("Why this hit").click()
    assert "bankruptcy" in first.locator(".why table").inner_text()


def test_switching_the_mode(page):
    page.goto("/?q=inferno+destroys+seafood+factory")
    page.get_by_label("Meaning", exact=True).check()
    page.get_by_role("button", name="Search").click()
    assert "mode=semantic" in page.url
    assert page.get_by_role("searchbox").input_value() == "inferno destroys seafood factory"
    ranks = page.locator(".why summary").first.inner_text()
    assert "by meaning" in ranks
    assert "by words" not in ranks


def test_narrowing_by_a_facet_and_taking_it_back(page):
    page.goto("/?q=bridge")
    before = titles(page)
    link = page.locator(".facet a", has_text="Northshore Wire").first
    count = int(link.locator(".count").inner_text())
    link.click()
    assert found(page) == count
    assert set(page.locator("article.hit .outlet").all_inner_texts()) == {"Northshore Wire"}
    page.locator(".chips a", has_text="Northshore Wire").click()
    assert titles(page) == before
    assert page.locator(".chips a", has_text="Northshore Wire").count() == 0


def test_picking_a_period_in_the_timeline(page):
    page.goto("/?q=bridge")
    before = found(page)
    page.locator(".timeline a[href]").first.click()
    page.wait_for_url("**since=*")
    asked = parse_qs(urlsplit(page.url).query)
    days = page.locator("article.hit time").evaluate_all("all => all.map(each => each.dateTime)")
    assert 0 < found(page) < before
    assert all(asked["since"][0] <= day <= asked["until"][0] for day in days)


def test_typing_a_period(page):
    page.goto("/?q=bridge")
    page.get_by_label("From").fill("2024")
    page.get_by_role("button", name="Set").click()
    days = page.locator("article.hit time").evaluate_all("all => all.map(each => each.dateTime)")
    assert all(day >= "2024-01-01" for day in days)
    assert page.get_by_role("searchbox").input_value() == "bridge"


def test_turning_pages(page):
    page.goto("/?q=bridge")
    first = titles(page)
    page.get_by_role("link", name="Next page").click()
    assert titles(page)
    assert not set(first) & set(titles(page))
    page.get_by_role("link", name="First page").click()
    assert titles(page) == first


def test_reading_an_article_at_the_passage_and_coming_back(page):
    page.goto("/?q=tide+gauge+spiders")
    hits = titles(page)
    page.locator("article.hit .passage .place").first.click()
    passage = urlsplit(page.url).fragment
    assert re.fullmatch(r"p\d+", passage)
    assert page.locator(f"#{passage}").evaluate(IS_SEEN)
    assert page.locator("article.story mark").count() > 0
    page.get_by_role("link", name="Results for").click()
    assert page.get_by_role("searchbox").input_value() == "tide gauge spiders"
    assert titles(page) == hits


def test_opening_copies(page):
    page.goto("/?q=swing+bridge")
    folded = page.locator("details.copies").first
    assert not folded.locator("li a").first.is_visible()
    folded.locator("summary").click()
    copy = folded.locator("li a").first
    title = copy.inner_text()
    copy.click()
    assert page.locator("h1").inner_text() == title
    assert "The same story" in page.locator("article.story").inner_text()


def test_following_related_coverage(page):
    page.goto("/?q=swing+bridge")
    page.locator("article.hit h2 a").first.click()
    related = page.locator(".related a").first
    title = related.inner_text()
    related.click()
    assert page.locator("h1").inner_text() == title


def test_taking_results_along_as_csv(page):
    page.goto("/?q=bridge&source=Coastal+Courier&limit=5")
    wanted = found(page)
    path = downloaded(page, page.get_by_role("link", name="CSV", exact=True))
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == wanted > len(titles(page))
    assert {row["source"] for row in rows} == {"Coastal Courier"}


def test_citing_an_article(page):
    page.goto("/article/cc-2023-004")
    path = downloaded(page, page.get_by_role("link", name="BibTeX"))
    assert path.read_text().startswith("@article{")
    title = page.locator("h1").inner_text()
    page.get_by_role("link", name="text", exact=True).click()
    assert title in page.locator("body").inner_text()


def test_finding_nothing_and_taking_what_is_offered(page):
    page.goto("/?q=brigde")
    assert page.locator("h1").inner_text() == "Nothing found"
    assert "Check the spelling" in page.locator(".empty").inner_text()
    offer = page.locator(".empty .chips a").first
    count = int(offer.locator(".count").inner_text())
    offer.click()
    assert found(page) == count > 0


def test_searching_and_reading_by_keyboard_alone(page):
    page.goto("/")
    page.keyboard.type("swing bridge bankruptcy")
    page.keyboard.press("Enter")
    page.wait_for_url("**/?q=swing*")
    headline = page.locator("article.hit h2 a").first
    title = headline.inner_text()
    tab_to(page, headline)
    page.keyboard.press("Enter")
    page.wait_for_url("**/article/**")
    assert page.locator("h1").inner_text() == title
    tab_to(page, page.get_by_role("link", name="Results for"))
    page.keyboard.press("Enter")
    page.wait_for_url("**/?q=swing*")
    assert page.get_by_role("searchbox").input_value() == "swing bridge bankruptcy"
