"""Single keys: where they lead, where they must not be taken, and how they are switched off."""

import pytest

pytestmark = pytest.mark.browser


@pytest.fixture
def page(chromium, address):
    context = chromium.new_context(
        base_url=address, viewport={"width": 1280, "height": 900}, reduced_motion="reduce"
    )
    yield context.new_page()
    context.close()


def focused_hit(page):
    """The place, from 0, of the hit whose headline has the focus."""
    return page.evaluate(
        "[...document.querySelectorAll('article.hit h2 a')].indexOf(document.activeElement)"
    )


def press(page, keys):
    for key in keys.split():
        page.keyboard.press(key)


def test_a_slash_goes_to_the_search_box_and_marks_what_is_in_it(page):
    page.goto("/?q=bridge")
    press(page, "/ f e r r y Enter")
    page.wait_for_url("**/?q=ferry*")
    assert page.locator("#q").input_value() == "ferry"


def test_j_and_k_step_through_the_hits_and_enter_opens_one(page):
    page.goto("/?q=bridge")
    headline = page.locator("article.hit h2 a").nth(1)
    wanted = headline.get_attribute("href")
    steps = []
    for key in "jjjkkk":
        press(page, key)
        steps.append(focused_hit(page))
    assert steps == [0, 1, 2, 1, 0, 0]
    press(page, "j")
    assert headline.evaluate("each => getComputedStyle(each).outlineStyle") == "solid"
    press(page, "Enter")
    page.wait_for_url(f"**{wanted}")


def test_j_goes_on_to_the_next_page_after_the_last_hit(page):
    page.goto("/?q=bridge&limit=3")
    press(page, "j j j j Enter")
    page.wait_for_url("**cursor=*")
    assert page.locator(".pager").inner_text().startswith("First page")


def test_a_hit_that_is_stepped_to_is_seen(page):
    page.goto("/?q=bridge")
    for _ in range(8):
        press(page, "j")
        shown = page.evaluate(
            "(() => { const box = document.activeElement.getBoundingClientRect();"
            " return box.top >= 0 && box.bottom <= innerHeight })()"
        )
        assert shown


def test_a_question_mark_lists_the_keys_and_escape_leads_back(page):
    page.goto("/?q=bridge")
    press(page, "j ?")
    assert page.get_by_role("dialog").is_visible()
    press(page, "j Escape")
    assert page.get_by_role("dialog").count() == 0
    assert focused_hit(page) == 0


@pytest.mark.parametrize("path", ["/?q=bridge", "/article/cc-2023-004", "/overview", "/nowhere"])
def test_every_page_leads_to_the_list_of_keys(page, path):
    page.goto(path)
    page.get_by_role("button", name="Keyboard shortcuts").click()
    assert "Go to the search box" in page.get_by_role("dialog").inner_text()
    page.get_by_role("button", name="Close").click()
    assert page.evaluate("document.activeElement.id") == "show-keys"


@pytest.mark.parametrize("path", ["/?q=bridge", "/help"])
def test_the_list_of_keys_leads_to_the_help(page, path):
    page.goto(path)
    press(page, "?")
    page.get_by_role("link", name="Help with keys and searches").click()
    page.wait_for_url("**/help#keys")
    assert page.get_by_role("dialog").count() == 0
    assert page.locator("h2#keys").bounding_box()["y"] < page.viewport_size["height"]


def test_no_key_is_taken_while_a_field_is_typed_in(page):
    page.goto("/?q=bridge")
    typed_in = "input:not([type=hidden], [type=radio], [type=checkbox], [type=date])"
    for field in page.locator(typed_in).all():
        if field.is_visible():
            field.fill("")
            field.press_sequentially("j/k?")
            assert field.input_value() == "j/k?"
    assert page.get_by_role("dialog").count() == 0


@pytest.mark.parametrize("modifier", ["Control", "Alt", "Meta"])
def test_no_key_is_taken_with_a_modifier(page, modifier):
    page.goto("/?q=bridge")
    press(page, f"{modifier}+j")
    assert focused_hit(page) == -1


def test_the_keys_can_be_switched_off_and_stay_off(page):
    page.goto("/?q=bridge")
    press(page, "?")
    page.get_by_label("Use these shortcuts").uncheck()
    page.get_by_role("button", name="Close").click()
    for path in ("/?q=bridge", "/?q=ferry"):
        page.goto(path)
        press(page, "j / ?")
        assert focused_hit(page) == -1
        assert page.evaluate("document.activeElement.id") != "q"
        assert page.get_by_role("dialog").count() == 0
    page.get_by_role("button", name="Keyboard shortcuts").click()
    page.get_by_label("Use these shortcuts").check()
    page.get_by_role("button", name="Close").click()
    press(page, "j")
    assert page.evaluate("document.activeElement.closest('article.hit') !== null")


def test_the_keys_of_other_scripts_are_switched_off_with_them(page):
    page.add_init_script(
        "window.heard = []; document.addEventListener('keydown', e => heard.push(e.key))"
    )
    page.goto("/?q=bridge")
    press(page, "n")
    page.get_by_role("button", name="Keyboard shortcuts").click()
    page.get_by_label("Use these shortcuts").uncheck()
    page.get_by_role("button", name="Close").click()
    press(page, "p ArrowDown")
    assert page.evaluate("heard") == ["n", "ArrowDown"]


def test_the_keys_work_where_nothing_may_be_remembered(page):
    page.add_init_script(
        "Object.defineProperty(window, 'localStorage', {get() { throw new Error('forbidden') }})"
    )
    page.goto("/?q=bridge")
    press(page, "j")
    assert focused_hit(page) == 0
