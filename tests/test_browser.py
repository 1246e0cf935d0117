"""What people do most, in a real Chromium, with JavaScript and without it."""

import shutil
import threading
from contextlib import suppress

import pytest
from waitress.server import create_server

from archive.settings import Settings
from index.wiring import open_searcher
from web.app import create_app

pytestmark = pytest.mark.browser
sync_api = pytest.importorskip("playwright.sync_api")
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking"]


@pytest.fixture(scope="module")
def address(sample):
    app = create_app(open_searcher(Settings(archive=sample)))
    server = create_server(app, host="127.0.0.1", port=0, threads=4)

    def run():
        with suppress(OSError):  # its sockets are closed while it waits for them
            server.run()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.effective_port}"
    server.close()
    thread.join(5)


@pytest.fixture(scope="module")
def chromium():
    installed = next(filter(None, map(shutil.which, ("chromium", "google-chrome"))), None)
    with sync_api.sync_playwright() as playwright:
        try:
            browser = playwright.chromium.launch(executable_path=installed, args=QUIET)
        except sync_api.Error as exc:
            pytest.skip(f"no Chromium can be started ({str(exc).splitlines()[0]})")
        yield browser
        browser.close()


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
    opened.on(
        "console", lambda said: complaints.append(said.text) if said.type == "error" else None
    )
    yield opened
    assert complaints == []
    context.close()


def test_a_search_leads_to_the_passage_in_its_article(page):
    page.goto("/")
    page.get_by_role("searchbox").fill("swing bridge bankruptcy")
    page.get_by_role("button", name="Search").click()
    first = page.locator("article.hit").first
    assert "bankruptcy" in first.inner_text()
    assert first.locator("mark").count() > 0
    assert "by words" in first.locator(".why").inner_text()
    first.get_by_text("Why this hit").click()
    assert "bankruptcy" in first.locator(".why table").inner_text()
    first.locator(".passage .place").first.click()
    assert "#p" in page.url
    assert page.locator("article.story mark").count() > 0
    page.get_by_role("link", name="Results for").click()
    assert page.get_by_role("searchbox").input_value() == "swing bridge bankruptcy"


def test_the_mode_is_switched_and_the_query_kept(page):
    page.goto("/?q=inferno+destroys+seafood+factory")
    page.get_by_label("Meaning", exact=True).check()
    page.get_by_role("button", name="Search").click()
    assert "mode=semantic" in page.url
    assert page.get_by_role("searchbox").input_value() == "inferno destroys seafood factory"
    ranks = page.locator(".why summary").first.inner_text()
    assert "by meaning" in ranks
    assert "by words" not in ranks


def test_a_facet_gives_the_count_it_showed_and_can_be_taken_back(page):
    page.goto("/?q=bridge")
    link = page.locator(".facet a", has_text="Northshore Wire").first
    count = link.locator(".count").inner_text()
    link.click()
    assert page.locator("h1").inner_text().startswith(f"{count} article")
    page.locator(".chips a").first.click()
    assert page.locator(".chips").count() == 0


def test_dates_narrow_the_search_and_pages_follow_each_other(page):
    page.goto("/")
    page.get_by_label("From").fill("2024")
    page.get_by_role("button", name="Set").click()
    seen = page.locator("article.hit h2").all_inner_texts()
    assert all("2023" not in text for text in page.locator("article.hit time").all_inner_texts())
    page.get_by_role("link", name="Next page").click()
    assert not set(seen) & set(page.locator("article.hit h2").all_inner_texts())


def test_nothing_found_says_so_and_what_to_try(page):
    page.goto("/?q=zxqv+blorp")
    assert page.locator("h1").inner_text() == "Nothing found"
    assert "Check the spelling" in page.locator(".empty").inner_text()


@pytest.mark.parametrize("path", ["/", "/?q=swing+bridge", "/article/cc-2023-004?q=budget", "/x"])
@pytest.mark.parametrize("width", [390, 768, 1280])
def test_no_page_scrolls_sideways(chromium, address, path, width):
    context = chromium.new_context(base_url=address, viewport={"width": width, "height": 800})
    opened = context.new_page()
    opened.goto(path)
    assert opened.evaluate("document.documentElement.scrollWidth") <= width
    context.close()


def test_a_page_is_small_and_asks_nobody_else(chromium, address):
    context = chromium.new_context(base_url=address)
    opened = context.new_page()
    asked = []
    opened.on("request", lambda request: asked.append(request.url))
    answer = opened.goto("/?q=bridge")
    assert len(answer.body()) < 60_000
    assert all(url.startswith(address) for url in asked)
    context.close()


def test_a_bar_of_the_timeline_leads_to_its_time_and_back_out(page):
    page.goto("/?q=bridge")
    bar = page.locator(".timeline .area a").first
    name, count = bar.locator("title").text_content().split(": ")
    bar.locator("rect").last.click()
    page.wait_for_url("**since=**")
    assert page.locator("h1").inner_text().startswith(count.split()[0])
    assert page.locator(".timeline .unit").count() == 0 or "by day" in page.content()
    page.get_by_role("link", name=f"Zoom out to {name.split()[-1]}").click()
    assert "since=2023-01-01&until=2023-12-31" in page.url
    page.get_by_role("link", name="The whole time").click()
    assert "since" not in page.url


def test_the_timeline_is_a_table_too_with_shares_on_demand(page):
    page.goto("/?q=bridge")
    page.get_by_text("As a table").click()
    rows = page.locator(".timeline tbody tr")
    counts = [int(text) for text in rows.locator("td").all_inner_texts()]
    assert 0 in counts
    assert sum(counts) >= int(page.locator("h1").inner_text().split()[0])
    page.get_by_role("link", name="Show as a share of the archive").click()
    page.get_by_text("As a table").click()
    assert "of" in rows.first.inner_text()
    assert rows.first.inner_text().endswith("%")
    rows.first.get_by_role("link").click()
    assert "since=" in page.url
    assert "timeline=share" in page.url


def test_a_drag_over_bars_selects_their_time(chromium, address):
    context = chromium.new_context(base_url=address, viewport={"width": 1280, "height": 900})
    opened = context.new_page()
    opened.goto("/?q=bridge&source=Coastal+Courier")
    bars = opened.locator(".timeline .area a")
    counts = [int(text.split(": ")[1].split()[0]) for text in bars.all_text_contents()]
    boxes = [bars.nth(n).locator("rect").first.bounding_box() for n in (1, 3)]
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
    frame = opened.locator(".timeline .bars").bounding_box()
    labels = opened.locator(".timeline .bars text")
    boxes = [labels.nth(n).bounding_box() for n in range(labels.count())]
    assert boxes
    ends = [edge for box in boxes for edge in (box["x"], box["x"] + box["width"])]
    assert ends == sorted(ends)
    assert frame["x"] - 1 <= ends[0] < ends[-1] <= frame["x"] + frame["width"] + 1
    context.close()


def test_the_sentence_nearest_in_meaning_is_marked_after_the_page_or_by_a_link(page):
    page.goto("/?q=why+was+the+bridge+closed")
    before = page.locator(".hit h2").all_inner_texts()
    page.wait_for_load_state("networkidle")
    link = page.get_by_role("link", name="Mark the sentence nearest in meaning")
    if link.count():
        link.click()
    marked = page.locator(".hit .passage .nearest")
    marked.first.wait_for()
    assert "Nearest in meaning: " in marked.first.text_content()
    style = marked.first.evaluate("element => getComputedStyle(element).textDecorationStyle")
    assert style == "dotted"
    assert page.locator(".hit h2").all_inner_texts() == before
    assert "Mark words alone" in page.locator(".legend").inner_text()


def test_the_size_of_a_page_is_chosen(page):
    page.goto("/?q=the")
    page.locator(".sizes").get_by_role("link", name="20").click()
    assert page.locator("article.hit").count() == 20
    assert page.locator(".sizes strong").inner_text() == "20"
