"""What people do most, in a real Chromium, with JavaScript and without it."""

import pytest

pytestmark = pytest.mark.browser


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
