"""An article in the browser: its slim bar, its tools, and its description for machines."""

import json

import pytest

pytestmark = pytest.mark.browser

ARTICLE = "/article/cc-2023-004?q=budget"
VIOLATIONS = """
window.refused = [];
document.addEventListener("securitypolicyviolation", event => refused.push(event.blockedURI));
"""
ON_TOP = """() => {
  const bar = document.querySelector(".slim").getBoundingClientRect();
  const found = document.elementFromPoint(bar.left + bar.width / 2, bar.top + bar.height / 2);
  return Boolean(found && found.closest(".slim"));
}"""


@pytest.fixture(params=[1280, 390])
def page(chromium, address, request):
    size = {"width": request.param, "height": 700}
    context = chromium.new_context(base_url=address, viewport=size, reduced_motion="reduce")
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    yield context.new_page()
    context.close()


def test_the_description_for_machines_is_neither_refused_nor_reported(page):
    said = []
    page.add_init_script(VIOLATIONS)
    page.on("console", lambda message: said.append(message.text))
    page.goto(ARTICLE)
    data = page.locator('script[type="application/ld+json"]').text_content()
    assert json.loads(data)["@type"] == "NewsArticle"
    assert page.evaluate("refused") == []
    assert said == []


def test_the_bar_comes_when_the_headline_has_gone_and_hides_no_target(page):
    page.goto(ARTICLE)
    assert not page.evaluate(ON_TOP)
    page.goto(ARTICLE + "#p2")
    assert page.evaluate(ON_TOP)
    bar = page.locator(".slim").bounding_box()
    assert bar["y"] == 0
    assert page.locator("#p2").bounding_box()["y"] >= bar["height"]
    assert page.locator(".slim .title").is_visible()
    page.locator("a[href='#cite']").dispatch_event("click")
    page.wait_for_function("location.hash === '#cite'")
    assert page.locator("#cite").bounding_box()["y"] >= bar["height"] - 1


def test_the_bar_is_seen_when_the_focus_is_in_it_and_leads_back(page):
    page.goto(ARTICLE)
    page.locator(".slim a").focus()
    assert page.evaluate(ON_TOP)
    with page.expect_navigation():
        page.keyboard.press("Enter")
    assert "q=budget" in page.url
    assert page.locator("article.hit").count() > 0


def test_the_bar_and_the_tools_are_not_printed(page):
    page.goto(ARTICLE)
    assert page.locator(".article-tools .print").is_visible()
    page.emulate_media(media="print")
    assert not page.locator(".slim").is_visible()
    assert not page.locator(".article-tools").is_visible()
    assert page.locator("h1").is_visible()


def test_the_link_is_copied_with_the_passage_that_is_shown(page, address):
    page.goto(ARTICLE + "#p1")
    page.locator(".permalink").click()
    page.wait_for_function("document.querySelector('.permalink').textContent === 'Link copied'")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == f"{address}/article/cc-2023-004#p1"


def test_without_scripts_the_link_leads_to_the_article_and_nothing_pretends_to_print(
    chromium, address
):
    context = chromium.new_context(base_url=address, java_script_enabled=False)
    plain = context.new_page()
    plain.goto(ARTICLE)
    assert not plain.locator(".print").is_visible()
    assert plain.locator(".permalink").get_attribute("href") == "/article/cc-2023-004"
    context.close()


def test_one_list_of_a_search_is_open_at_a_time(page):
    page.goto("/?q=swing+bridge")
    export, alert = page.locator(".actions details").all()
    export.locator("summary").click()
    assert export.locator("a").all_inner_texts() == ["CSV", "JSON Lines", "RIS", "BibTeX"]
    page.locator(".actions summary", has_text="Alert").press("Enter")
    assert alert.get_attribute("open") is not None
    assert export.get_attribute("open") is None
