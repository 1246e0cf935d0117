"""Right-to-left text is shown right: each text in its own direction, whatever stands around it."""

import pytest

from tests.browser.browsers import served
from tests.browser.page_states import RIGHT_TO_LEFT_STORIES
from tests.builders import app_over, engines_in, fill, write_stories

pytestmark = pytest.mark.browser

DIRECTION = "each => getComputedStyle(each).direction"
# The horizontal place of a character within its element, by what the browser has laid out.
PLACE = """(element, wanted) => {
  const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
  let found = null;
  while (walker.nextNode()) {
    const node = walker.currentNode, at = node.data.lastIndexOf(wanted);
    if (at < 0) continue;
    const range = document.createRange();
    range.setStart(node, at);
    range.setEnd(node, at + 1);
    found = range.getBoundingClientRect();
  }
  return {left: found.left, right: found.right};
}"""


@pytest.fixture(scope="module")
def right_to_left(tmp_path_factory):
    folder = tmp_path_factory.mktemp("directions")
    engines = engines_in(folder / "archive", in_memory=True)
    fill(engines, write_stories(folder, RIGHT_TO_LEFT_STORIES))
    with served(app_over(engines, floor=0.2)) as url:
        yield url
    engines.catalog.close()


@pytest.fixture
def page(chromium, right_to_left):
    context = chromium.new_context(base_url=right_to_left, viewport={"width": 900, "height": 900})
    yield context.new_page()
    context.close()


def test_each_hit_runs_in_the_direction_of_its_own_text(page):
    page.goto("/?sort=oldest")
    headlines = page.locator("article.hit h2")
    passages = page.locator("article.hit .passage:first-of-type, article.hit h2 + .passage")
    assert headlines.evaluate_all(f"all => all.map({DIRECTION})") == ["rtl", "rtl", "ltr"]
    assert passages.evaluate_all(f"all => all.map({DIRECTION})") == ["rtl", "rtl", "ltr"]
    assert page.locator("html").evaluate(DIRECTION) == "ltr"


def test_the_ellipsis_of_a_shortened_passage_stands_at_its_left_end(page):
    page.goto("/?sort=oldest")
    passage = page.locator("article.hit .passage .excerpt").first
    shown = passage.inner_text()
    assert shown.endswith("…")
    ellipsis = passage.evaluate(PLACE, "…")
    last_letter = passage.evaluate(PLACE, shown.rstrip("\u00a0…")[-1])
    assert ellipsis["right"] <= last_letter["left"] + 1


def test_the_ellipsis_before_a_passage_stands_at_its_right_end(page):
    page.goto("/?q=تمساح&mode=keyword")
    passage = page.locator("article.hit .passage").first
    assert passage.locator("mark").inner_text() == "تمساح"
    ellipsis = passage.evaluate(PLACE, "…")
    line = passage.locator(".excerpt").bounding_box()
    assert line["x"] + line["width"] / 2 < ellipsis["left"]


def test_a_full_stop_stands_behind_its_sentence(page):
    page.goto("/article/arabic")
    headline = page.locator("h1")
    assert headline.evaluate(DIRECTION) == "rtl"
    assert headline.evaluate(PLACE, ".")["right"] <= headline.evaluate(PLACE, "ه")["left"] + 1


def test_an_article_runs_right_to_left_and_what_is_said_of_it_does_not(page):
    page.goto("/article/hebrew")
    for part in page.locator("article.story h1, article.story p:has(.text)").all():
        assert part.evaluate(DIRECTION) == "rtl"
        assert part.evaluate("each => getComputedStyle(each).textAlign") == "start"
    assert page.locator(".cite").first.evaluate(DIRECTION) == "ltr"
    page.goto("/article/english")
    assert page.locator("article.story h1").evaluate(DIRECTION) == "ltr"


def test_an_outlet_does_not_turn_the_date_before_it_around(page):
    page.goto("/?sort=oldest")
    meta = page.locator("article.hit .meta").first
    assert (
        meta.evaluate(PLACE, "2024")["right"] < meta.locator(".outlet").evaluate(PLACE, "ص")["left"]
    )


def test_what_is_typed_runs_in_its_own_direction(page):
    page.goto("/")
    box = page.locator("#q")
    assert box.evaluate(DIRECTION) == "ltr"
    box.fill("גשר")
    assert box.evaluate(DIRECTION) == "rtl"


def test_words_in_context_are_read_towards_the_left_where_their_text_is(page):
    page.goto("/?q=נסגר&view=kwic&context=date")
    row = page.locator(".kwic tbody tr").last
    match, before, after = row.locator(".match"), row.locator(".right"), row.locator(".left")
    assert before.inner_text().strip() == "הגשר"
    assert after.inner_text().strip().startswith("ביום שבת")
    edge = match.bounding_box()["x"]
    assert after.evaluate(PLACE, "ביום"[0])["left"] < edge
    page.goto("/?q=harbour&view=kwic")
    row = page.locator(".kwic tbody tr", has_text="said the").first
    assert row.locator(".left").inner_text().endswith("said the")
