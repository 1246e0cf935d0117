"""On paper: an article with its day, outlet and address, a search as a list, and no controls."""

import pytest

pytestmark = pytest.mark.browser


@pytest.fixture
def page(chromium, address):
    context = chromium.new_context(base_url=address, color_scheme="dark")
    opened = context.new_page()
    opened.emulate_media(media="print", color_scheme="dark")
    yield opened
    context.close()


def colours(page):
    return page.evaluate(
        "[getComputedStyle(document.body).color, getComputedStyle(document.body).backgroundColor]"
    )


def test_an_article_is_printed_with_its_day_its_outlet_and_its_address(page):
    page.goto("/article/cc-2023-004?q=budget")
    printed = page.locator("body").inner_text()
    assert "Coastal Courier" in printed
    assert "14 June 2023" in printed
    address = page.locator(".origin a[rel~=nofollow]")
    written = address.evaluate("each => getComputedStyle(each, '::after').content")
    assert address.get_attribute("href") in written
    assert colours(page) == ["rgb(0, 0, 0)", "rgb(255, 255, 255)"]


@pytest.mark.parametrize("path", ["/article/cc-2023-004?q=budget", "/?q=swing+bridge", "/overview"])
def test_nothing_is_printed_that_can_only_be_pressed(page, path):
    page.goto(path)
    controls = "button, dialog, .narrow, .pager, .actions, .tools, .days, .related, .foot"
    for pressed in page.locator(controls).all():
        assert not pressed.is_visible()


def test_a_search_is_printed_as_a_list_below_what_was_asked(page):
    page.goto("/?q=swing+bridge&mode=keyword")
    assert page.locator("#q").is_visible()
    assert page.locator(".modes").all_inner_texts() == [""]
    hits = page.locator("article.hit").all()
    assert len(hits) == 10
    for hit in hits:
        assert hit.locator("h2").is_visible()
        assert hit.locator(".passage").first.is_visible()
        assert not hit.locator(".why").is_visible()
