"""How pages look where it matters: nothing covers its neighbour, and results come early."""

import pytest

pytestmark = pytest.mark.browser
SIZES = {"desk": (1280, 900), "tablet": (768, 1024), "phone": (390, 844)}
VISIBLE_HITS = """all => all.map(each => {
  const box = each.getBoundingClientRect();
  return Math.max(0, Math.min(1, (innerHeight - box.top) / box.height));
}).reduce((sum, share) => sum + share, 0)"""
# Whether each character of an element is on top where it is drawn.
ON_TOP = """element => {
  const node = element.firstChild;
  return [...node.data].every((character, n) => {
    const range = document.createRange();
    range.setStart(node, n);
    range.setEnd(node, n + 1);
    const box = range.getBoundingClientRect();
    if (!box.width) return true;
    const found = document.elementFromPoint(box.left + 1, box.top + box.height / 2);
    return element.contains(found);
  });
}"""


@pytest.fixture(params=SIZES)
def page(chromium, address, request):
    width, height = SIZES[request.param]
    context = chromium.new_context(
        base_url=address, viewport={"width": width, "height": height}, has_touch=width < 500
    )
    opened = context.new_page()
    opened.size = request.param
    yield opened
    context.close()


@pytest.mark.parametrize("search", ["bridge", "swing+bridge", "ferry&source=Coastal+Courier"])
def test_results_come_early(page, search):
    page.goto(f"/?q={search}")
    least = {"desk": 3, "tablet": 3, "phone": 1.5}[page.size]
    assert page.locator("article.hit").evaluate_all(VISIBLE_HITS) >= least


@pytest.mark.parametrize("path", ["/outlets?q=bridge", "/outlets?q=bridge&by=articles"])
def test_no_day_of_an_outlet_is_covered_by_a_headline(page, path):
    page.goto(path)
    days = page.locator(".listed time")
    assert days.count() >= 6
    for day in days.all():
        day.scroll_into_view_if_needed()
        assert day.evaluate(ON_TOP)


def test_the_match_that_is_stepped_to_covers_nothing_beside_it(page):
    page.goto("/article/cc-2023-002?q=swing+bridge&step=2")
    mark = page.locator("mark[aria-current]")
    style = mark.evaluate(
        "e => { const s = getComputedStyle(e); return [s.outlineColor, s.boxShadow] }"
    )
    assert style == ["rgba(0, 0, 0, 0)", "none"]
    other = page.locator("article mark:not([aria-current])").first
    colour = "each => getComputedStyle(each).backgroundColor"
    assert mark.evaluate(colour) != other.evaluate(colour)


def test_a_bar_that_is_pressed_has_no_ring_over_its_neighbours(page):
    page.goto("/?q=bridge")
    if page.size != "desk":
        page.get_by_role("button", name="Dates").click()
    bar = page.locator(".timeline a").nth(3)
    bar.hover()
    page.mouse.down()
    assert bar.evaluate("each => each === document.activeElement")
    assert bar.evaluate("each => getComputedStyle(each).outlineStyle") == "none"


def test_words_in_context_stand_close_to_their_match_and_the_day_is_whole(page):
    page.goto("/?q=swing+bridge&view=kwic")
    for row in page.locator(".kwic tbody tr").all()[:12]:
        left = row.locator(".left").bounding_box()
        word = row.locator(".match a").bounding_box()
        assert word["x"] - (left["x"] + left["width"]) < 24
        where = row.locator(".where")
        if page.size == "phone":
            continue
        cell, day = where.bounding_box(), where.locator("time").bounding_box()
        assert day["x"] + day["width"] <= cell["x"] + cell["width"] + 1


@pytest.mark.parametrize("path", ["/outlets?q=bridge", "/outlets?q=bridge&lang=de"])
def test_a_table_fits_a_phone_and_names_each_value(page, path):
    page.goto(path)
    table = page.locator(".wide")
    assert table.evaluate("each => each.scrollWidth - each.clientWidth") <= 0
    named = "each => getComputedStyle(each, '::before').content.includes(each.dataset.n)"
    for cell in page.locator(".listed td").all():
        assert cell.evaluate(named) == (page.size == "phone")
