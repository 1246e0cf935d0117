"""The things people do most, in a real Chromium, with JavaScript and without it."""

import csv
import re
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import expect

from tests.browser.browsers import follow

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
    for _ in range(40):
        page.keyboard.press("Tab")
        if link.evaluate("each => each === document.activeElement"):
            return
    raise AssertionError("forty Tabs did not reach it")


def downloaded(page, link) -> Path:
    with page.expect_download() as waiting:
        link.click()
    return waiting.value.path()


def test_searching_by_words(page):
    page.goto("/")
    page.locator("#q").fill("swing bridge bankruptcy")
    follow(page, page.get_by_role("button", name="Search"))
    first = page.locator("article.hit").first
    assert "bankruptcy" in first.inner_text()
    assert first.locator("mark").count() > 0
    assert "by words" in first.locator(".why").inner_text()
    first.get_by_text("Why this result?").click()
    assert "bankruptcy" in first.locator(".why table").inner_text()


def test_matches_are_stepped_through_in_the_article_and_hits_after_it(page):
    page.goto("/?q=swing+bridge")
    follow(page, page.locator("article.hit h2 a").nth(1))
    told, current = page.locator("#match"), page.locator("mark[aria-current]")
    for name in ("Next match", "Next match", "Previous match"):
        before = told.inner_text()
        page.get_by_role("link", name=name).click()  # with JavaScript it loads no page
        expect(told).not_to_have_text(before)
        expect(current).to_have_count(1)
        expect(told).to_contain_text(f"{current.get_attribute('id')[1:]} of ")
    here = page.locator("h1").inner_text()
    follow(page, page.get_by_role("link", name="Next result"))
    assert page.locator("h1").inner_text() != here
    follow(page, page.get_by_role("link", name="Previous result"))
    assert page.locator("h1").inner_text() == here


def test_keys_step_through_matches_but_not_while_one_types(chromium, address):
    context = chromium.new_context(base_url=address)
    opened = context.new_page()
    opened.goto("/article/cc-2023-002?q=swing+bridge#p0")
    opened.keyboard.press("n")
    first = opened.locator("mark[aria-current]").get_attribute("id")
    assert opened.evaluate(
        "document.getElementById('p0').compareDocumentPosition("
        "document.querySelector('mark[aria-current]')) & Node.DOCUMENT_POSITION_FOLLOWING"
    )
    opened.keyboard.press("n")
    opened.keyboard.press("p")
    assert opened.locator("mark[aria-current]").get_attribute("id") == first
    opened.locator("#q").press("n")
    assert opened.locator("mark[aria-current]").get_attribute("id") == first
    context.close()


def test_the_link_of_a_passage_shows_under_the_pointer_and_in_focus(chromium, address):
    context = chromium.new_context(base_url=address)
    opened = context.new_page()
    opened.goto("/article/cc-2023-004")
    anchor, shown = opened.locator(".anchor").first, "e => getComputedStyle(e).opacity"
    assert anchor.evaluate(shown) == "0"
    opened.locator(".block").first.hover()
    assert anchor.evaluate(shown) == "1"
    opened.mouse.move(0, 0)
    assert anchor.evaluate(shown) == "0"
    anchor.focus()
    opened.keyboard.press("Shift+Tab")
    opened.keyboard.press("Tab")  # a focus that is shown comes from the keyboard
    assert anchor.evaluate(shown) == "1"
    opened.keyboard.press("Enter")
    assert opened.url.endswith("#p0")
    context.close()


def test_a_citation_is_copied_with_one_click(chromium, address):
    context = chromium.new_context(
        base_url=address, permissions=["clipboard-read", "clipboard-write"]
    )
    opened = context.new_page()
    opened.goto("/article/cc-2023-004")
    opened.get_by_role("button", name="Copy").first.click()
    opened.get_by_role("button", name="Copied").wait_for()
    copied = opened.evaluate("navigator.clipboard.readText()")
    assert copied == opened.locator(".quoted").first.inner_text()
    context.close()


def test_switching_the_mode(page):
    page.goto("/?q=builder+of+the+bridge+went+bankrupt")
    follow(page, page.get_by_role("button", name="Similar meaning"))
    assert "mode=semantic" in page.url
    assert page.locator("#q").input_value() == "builder of the bridge went bankrupt"
    ranks = page.locator(".why summary b").all_inner_texts()
    assert ranks == [f"{n}." for n in range(1, len(ranks) + 1)]
    page.locator("#q").press("Enter")
    page.wait_for_url("**mode=semantic**")


def test_narrowing_by_a_facet_and_taking_it_back(page):
    page.goto("/?q=bridge")
    before = titles(page)
    box = page.locator(".facet li", has_text="Northshore Wire").first
    count = int(box.locator(".count").inner_text())
    box.locator("input[name=source]").check()
    follow(page, page.locator(".apply").get_by_role("button", name="Apply"))
    assert found(page) == count
    assert set(page.locator("article.hit .outlet").all_inner_texts()) == {"Northshore Wire"}
    follow(page, page.locator(".chips a", has_text="Northshore Wire"))
    assert titles(page) == before
    assert page.locator(".chips a", has_text="Northshore Wire").count() == 0


def test_picking_a_period_in_the_timeline(page):
    page.goto("/?q=bridge")
    before = found(page)
    follow(page, page.locator(".timeline a[href]").first)
    asked = parse_qs(urlsplit(page.url).query)
    days = page.locator("article.hit time").evaluate_all("all => all.map(each => each.dateTime)")
    assert 0 < found(page) < before
    assert all(asked["since"][0] <= day <= asked["until"][0] for day in days)


def test_typing_a_period(page):
    page.goto("/?q=bridge")
    page.get_by_label("From", exact=True).fill("2024")
    follow(page, page.locator(".days").get_by_role("button", name="Apply"))
    days = page.locator("article.hit time").evaluate_all("all => all.map(each => each.dateTime)")
    assert all(day >= "2024-01-01" for day in days)
    assert page.locator("#q").input_value() == "bridge"


def test_turning_pages(page):
    page.goto("/?q=bridge")
    first = titles(page)
    follow(page, page.get_by_role("link", name="Next page"))
    assert titles(page)
    assert not set(first) & set(titles(page))
    follow(page, page.get_by_role("link", name="First page"))
    assert titles(page) == first


def test_reading_an_article_at_the_passage_and_coming_back(page):
    page.goto("/?q=tide+gauge+spiders")
    hits = titles(page)
    follow(page, page.locator("article.hit .passage .place").first)
    passage = urlsplit(page.url).fragment
    assert re.fullmatch(r"p\d+", passage)
    assert page.locator(f"#{passage}").evaluate(IS_SEEN)
    assert page.locator("article.story mark").count() > 0
    follow(page, page.get_by_role("link", name="Results for"))
    assert page.locator("#q").input_value() == "tide gauge spiders"
    assert titles(page) == hits


def test_opening_copies(page):
    page.goto("/?q=swing+bridge")
    folded = page.locator("details.copies").first
    assert not folded.locator("li a").first.is_visible()
    folded.locator("summary").click()
    copy = folded.locator("li a").first
    title = copy.inner_text()
    follow(page, copy)
    assert page.locator("h1").inner_text() == title
    assert "The same story" in page.locator("article.story").inner_text()


def test_following_related_coverage(page):
    page.goto("/?q=swing+bridge")
    follow(page, page.locator("article.hit h2 a").first)
    related = page.locator(".related a").first
    title = related.inner_text()
    follow(page, related)
    assert page.locator("h1").inner_text() == title


def test_taking_results_along_as_csv(page):
    page.goto("/?q=bridge&source=Coastal+Courier&limit=5")
    wanted = found(page)
    page.locator(".actions").get_by_text("Export").click()
    path = downloaded(page, page.get_by_role("link", name="CSV", exact=True))
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == wanted > len(titles(page))
    assert {row["source"] for row in rows} == {"Coastal Courier"}


def test_citing_an_article(page):
    page.goto("/article/cc-2023-004")
    path = downloaded(page, page.get_by_role("link", name="BibTeX"))
    assert path.read_text().startswith("@article{")
    quoted = page.locator("h1").inner_text().replace("“", "‘").replace("”", "’")
    follow(page, page.get_by_role("link", name="text", exact=True))
    assert f"“{quoted}”" in page.locator("body").inner_text()


def test_finding_nothing_and_taking_what_is_offered(page):
    page.goto("/?q=brigde&strict=1")
    assert page.locator("h1").inner_text() == "Nothing found"
    assert "Check the spelling" in page.locator(".empty").inner_text()
    offer = page.locator(".empty .chips a").first
    count = int(offer.locator(".count").inner_text())
    follow(page, offer)
    assert found(page) == count > 0


def test_a_bar_of_the_timeline_leads_to_its_time_and_back_out(page):
    page.goto("/?q=bridge")
    bar = page.locator(".timeline .area a").first
    name, count = bar.locator("title").text_content().split(": ")
    follow(page, bar.locator("path").last)
    assert page.locator("h1").inner_text().startswith(count.split()[0])
    assert page.locator(".timeline .unit").count() == 0 or "by day" in page.content()
    follow(page, page.get_by_role("link", name=f"Zoom out to {name.split()[-1]}"))
    assert "since=2023-01-01&until=2023-12-31" in page.url
    follow(page, page.get_by_role("link", name="All dates"))
    assert "since" not in page.url


def test_the_timeline_is_a_table_too_with_shares_on_demand(page):
    page.goto("/?q=bridge")
    page.get_by_text("As a table").click()
    rows = page.locator(".table tbody tr")
    counts = [int(text) for text in rows.locator("td").all_inner_texts()]
    assert 0 in counts
    assert sum(counts) >= int(page.locator("h1").inner_text().split()[0])
    follow(page, page.get_by_role("link", name="Show as % of all articles"))
    page.get_by_text("As a table").click()
    assert "of" in rows.first.inner_text()
    assert rows.first.inner_text().endswith("%")
    follow(page, rows.first.get_by_role("link"))
    assert "since=" in page.url
    assert "timeline=share" in page.url


def test_a_drag_over_bars_selects_their_time(chromium, address):
    context = chromium.new_context(base_url=address, viewport={"width": 1280, "height": 900})
    opened = context.new_page()
    opened.goto("/?q=bridge&source=Coastal+Courier")
    bars = opened.locator(".timeline .area a")
    counts = [int(text.split(": ")[1].split()[0]) for text in bars.all_text_contents()]
    boxes = [bars.nth(n).locator("path").first.bounding_box() for n in (1, 3)]
    begin, end = (box["x"] + box["width"] / 2 for box in boxes)
    opened.mouse.move(begin, boxes[0]["y"] + 5)
    opened.mouse.down()
    opened.mouse.move((begin + end) / 2, boxes[0]["y"] + 9, steps=4)
    opened.mouse.move(end, boxes[0]["y"] + 9, steps=4)
    assert opened.locator(".timeline .selection").count() == 1
    opened.mouse.up()
    opened.wait_for_url("**until=**")
    assert "source=Coastal" in opened.url
    assert opened.locator("h1").inner_text().startswith(f"{sum(counts[1:4])} ")
    context.close()


@pytest.mark.parametrize("path", ["/", "/?q=bridge", "/?since=2024-03&until=2024-04", "/?q=the"])
@pytest.mark.parametrize("width", [390, 1280])
def test_no_two_labels_of_the_timeline_collide(chromium, address, path, width):
    context = chromium.new_context(base_url=address, viewport={"width": width, "height": 800})
    opened = context.new_page()
    opened.goto(path)
    if width < 800:
        opened.get_by_role("button", name="Dates").click()
    frame = opened.locator(".timeline .bars").bounding_box()
    labels = opened.locator(".timeline .bars text")
    boxes = [labels.nth(n).bounding_box() for n in range(labels.count())]
    assert boxes
    ends = [edge for box in boxes for edge in (box["x"], box["x"] + box["width"])]
    assert ends == sorted(ends)
    assert frame["x"] - 1 <= ends[0] < ends[-1] <= frame["x"] + frame["width"] + 1
    context.close()


@pytest.mark.parametrize("by_itself", [True, False])
def test_the_sentence_nearest_in_meaning_is_marked_after_the_page_or_by_a_link(
    chromium, address, by_itself
):
    context = chromium.new_context(base_url=address, java_script_enabled=by_itself)
    page = context.new_page()
    page.goto("/?q=why+was+the+bridge+closed")
    before = titles(page)
    if not by_itself:
        follow(page, page.get_by_role("link", name="Mark the sentence nearest in meaning"))
    marked = page.locator(".hit .passage .nearest")
    marked.first.wait_for()
    assert "Nearest in meaning: " in marked.first.text_content()
    style = marked.first.evaluate("element => getComputedStyle(element).textDecorationStyle")
    assert style == "dotted"
    assert titles(page) == before
    assert "Mark words alone" in page.locator(".legend").inner_text()
    assert ("mark=sentence" in page.url) is not by_itself
    context.close()


def test_the_size_of_a_page_is_chosen(page):
    page.goto("/?q=the")
    follow(page, page.locator(".sizes").get_by_role("link", name="20"))
    assert page.locator("article.hit").count() == 20
    assert page.locator(".sizes strong").inner_text() == "20"


def test_searching_and_reading_by_keyboard_alone(page):
    page.goto("/")
    expect(page.locator("#q")).to_be_focused()  # not yet when the page is loaded
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
    assert page.locator("#q").input_value() == "swing bridge bankruptcy"
