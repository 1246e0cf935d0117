"""Suggestions in Chromium: by keys and by pointer, never in the way of what is typed."""

import re

import pytest

from tests.browser.browsers import follow

pytestmark = pytest.mark.browser


@pytest.fixture
def page(chromium, address):
    context = chromium.new_context(base_url=address, viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.set_default_timeout(10_000)
    yield page
    context.close()


@pytest.fixture
def expect():
    return pytest.importorskip("playwright.sync_api").expect


@pytest.fixture
def box(page, expect):
    """The search box, with the focus in it."""
    page.goto("/")
    found = page.get_by_role("combobox", name="Search the archive")
    expect(found).to_be_focused()
    return found


def listed(page):
    return page.get_by_role("listbox", name="Suggestions")


def test_a_word_is_completed_by_keys_and_then_searched(page, box, expect):
    page.keyboard.type("swing bri")
    expect(listed(page)).to_be_visible()
    assert box.get_attribute("aria-expanded") == "true"
    expect(page.locator("#suggestions [role=status]")).to_have_text(re.compile("suggestion"))
    assert box.input_value() == "swing bri"
    word = page.get_by_role("option", name=re.compile("^bridge "))
    while box.get_attribute("aria-activedescendant") != word.get_attribute("id"):
        page.keyboard.press("ArrowDown")
    expect(word).to_have_attribute("aria-selected", "true")
    page.keyboard.press("Enter")
    expect(box).to_have_value("swing bridge")
    expect(listed(page)).to_be_hidden()
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"q=swing\+bridge"))


def test_enter_without_a_choice_searches_for_what_was_typed(page, box, expect):
    page.keyboard.type("swing bri")
    expect(listed(page)).to_be_visible()
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"q=swing\+bri(&|$)"))


def test_up_and_down_lead_round_by_way_of_what_was_typed(page, box, expect):
    page.keyboard.type("swing bri")
    expect(listed(page)).to_be_visible()
    last = page.get_by_role("option").last
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowDown")
    assert box.get_attribute("aria-activedescendant") == last.get_attribute("id")
    page.keyboard.press("ArrowDown")
    assert box.get_attribute("aria-activedescendant") is None
    assert box.input_value() == "swing bri"


def test_escape_closes_the_list_and_keeps_what_was_typed(page, box, expect):
    page.keyboard.type("ferr")
    expect(listed(page)).to_be_visible()
    page.keyboard.press("Escape")
    expect(listed(page)).to_be_hidden()
    assert box.input_value() == "ferr"
    page.keyboard.press("ArrowDown")
    expect(listed(page)).to_be_visible()


def test_tab_leaves_and_takes_nothing(page, box, expect):
    page.keyboard.type("ferr")
    expect(listed(page)).to_be_visible()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Tab")
    expect(listed(page)).to_be_hidden()
    expect(page.get_by_role("button", name="Search", exact=True)).to_be_focused()
    assert box.input_value() == "ferr"


def test_a_click_on_a_name_fills_it_in_and_one_on_a_title_opens_the_article(page, box, expect):
    page.keyboard.type("bridge coas")
    page.get_by_role("option", name=re.compile("Coastal Courier")).click()
    expect(box).to_have_value('bridge source:"Coastal Courier"')
    expect(box).to_be_focused()
    box.fill("")
    page.keyboard.type("swing bri")
    title = page.get_by_role("option", name=re.compile("Article$")).first
    words = title.locator("span").first.inner_text()
    title.click()
    expect(page.locator("h1")).to_have_text(words)


def test_an_answer_that_comes_too_late_is_dropped(page, box, expect):
    held = []
    page.route("**/api/suggest?q=fer", lambda route: held.append(route))
    page.keyboard.type("fer")
    page.wait_for_timeout(400)
    assert held
    page.keyboard.type("ry zzzz")
    page.wait_for_timeout(400)
    held[0].continue_()
    page.wait_for_timeout(300)
    expect(listed(page)).to_be_hidden()


def test_it_fits_a_phone(page, box, expect):
    page.set_viewport_size({"width": 390, "height": 800})
    page.keyboard.type("swing bri")
    expect(listed(page)).to_be_visible()
    frame = listed(page).bounding_box()
    assert frame["x"] >= 0
    assert frame["x"] + frame["width"] <= 390
    assert all(each.bounding_box()["height"] >= 24 for each in page.get_by_role("option").all())


def test_without_javascript_it_is_a_plain_search_box(chromium, address):
    context = chromium.new_context(base_url=address, java_script_enabled=False)
    page = context.new_page()
    page.goto("/?q=swing+brigde")
    box = page.get_by_role("searchbox", name="Search the archive")
    assert box.get_attribute("autocomplete") is None
    assert page.locator("#suggestions ul").is_hidden()
    follow(page, page.get_by_role("link", name="swing bridge", exact=True))
    assert page.get_by_role("searchbox").input_value() == "swing bridge"
    context.close()
