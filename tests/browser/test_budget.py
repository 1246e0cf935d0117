"""What a page of results may cost a reader: bytes, requests, and the time until the first hit."""

import pytest

from tests.browser.page_states import SAMPLE_STATES

pytestmark = pytest.mark.browser

SEARCHES = [
    "/?q=swing+bridge",
    "/?q=swing+bridge&mode=semantic",
    "/?q=What+happened+to+the+builder+of+the+swing+bridge%3F&copies=show",
    "/?q=harbour+OR+ferry+OR+council+OR+bridge&since=2023&source=Coastal+Courier",
    "/",
]
# Notes the moment at which the first hit's headline is painted (W3C Element Timing).
FIRST_HIT = """
window.firstHit = new Promise(resolve => {
  new PerformanceObserver(list => resolve(list.getEntries()[0].renderTime))
    .observe({type: "element", buffered: true});
});
new MutationObserver((_, observer) => {
  const headline = document.querySelector("article.hit h2");
  if (!headline) return;
  headline.setAttribute("elementtiming", "first-hit");
  observer.disconnect();
}).observe(document, {childList: true, subtree: true});
"""
BLOCKING = """performance.getEntriesByType("resource")
  .filter(each => each.renderBlockingStatus === "blocking").map(each => new URL(each.name).pathname)
"""


@pytest.fixture
def page(chromium, address):
    context = chromium.new_context(base_url=address)
    yield context.new_page()
    context.close()


@pytest.mark.parametrize("search", SEARCHES)
def test_ten_hits_are_less_than_60_kb_of_html(page, search):
    answer = page.goto(search)
    assert page.locator("article.hit").count() == 10
    assert len(answer.body()) < 60_000


def test_a_page_asks_nobody_but_its_own_server(page, address):
    """All pages are open at once, so that one waits for the silence of all."""
    asked = {state: [] for state in SAMPLE_STATES}
    opened = []
    for state, (path, _) in SAMPLE_STATES.items():
        opened.append(page.context.new_page())
        opened[-1].on("request", lambda request, to=asked[state]: to.append(request.url))
        opened[-1].goto(path)
    for each in opened:
        each.wait_for_load_state("networkidle")
    for state, urls in asked.items():
        assert f"{address}/static/backfile.css" in urls, state
        assert all(url.startswith(f"{address}/") for url in urls), state


@pytest.mark.parametrize("path", ["/?q=bridge", "/article/cc-2023-004?q=budget", "/overview"])
def test_nothing_but_one_style_sheet_is_waited_for(page, path):
    page.goto(path)
    assert page.evaluate(BLOCKING) == ["/static/backfile.css"]


def test_the_first_hit_is_painted_within_a_second(page):
    """The bound is for machines that do other work as well; alone, a third of it is the aim."""
    page.add_init_script(FIRST_HIT)
    times = []
    for words in ("bridge", "ferry", "storm", "harbour", "council"):
        page.goto(f"/?q={words}")
        times.append(page.evaluate("firstHit"))
    assert 0 < min(times) < 1000
