"""The chart of searches in the browser: the values under the pointer, and room for all of it."""

import pytest

pytestmark = pytest.mark.browser
SEARCH = "/?q=bridge&compare=ferry&compare=storm"


@pytest.fixture(params=[1280, 390])
def page(chromium, address, request):
    size = {"width": request.param, "height": 900}
    context = chromium.new_context(base_url=address, viewport=size, has_touch=True)
    yield context.new_page()
    context.close()


def test_the_values_of_a_period_are_shown_below_the_pointer_and_the_finger(page):
    page.goto(SEARCH)
    rows = page.locator(".compared tbody tr")
    first = rows.first.locator("th").text_content()
    last = rows.last.locator("th").text_content()
    box = page.locator(".plot").bounding_box()
    page.mouse.move(box["x"] + 3, box["y"] + 20)
    assert page.locator(".compared .value").text_content().startswith(f"{first}: bridge ")
    page.mouse.move(box["x"] + 3, box["y"] - 200)
    assert page.locator(".compared .value").text_content() == ""
    page.touchscreen.tap(box["x"] + box["width"] - 3, box["y"] + 20)
    assert page.locator(".compared .value").text_content().startswith(f"{last}: bridge ")


def test_the_chart_can_be_folded_away_and_fits_the_page(page):
    page.goto(SEARCH)
    assert page.locator(".plot").is_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.locator(".compared > summary").click()
    assert not page.locator(".plot").is_visible()
