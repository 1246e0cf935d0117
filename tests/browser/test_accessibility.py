"""WCAG 2.2 AA, as far as machines can tell: axe-core on every page and state, and what it omits."""

import shutil
from itertools import pairwise

import pytest

from tests.browser.browsers import follow, served
from tests.browser.page_states import (
    COLLECTION_STATES,
    EMPTY_STATES,
    GERMAN_STATES,
    SAMPLE_STATES,
)
from tests.browser.pictures import collect
from tests.builders import app_over, engines_in

pytestmark = pytest.mark.browser
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
ALL_RULES = {
    "runOnly": {"type": "tag", "values": WCAG},
    "rules": {"target-size": {"enabled": True}},  # 2.5.8, which axe leaves off by default
    "resultTypes": ["violations"],
}
CONTRAST = {
    "runOnly": {"type": "rule", "values": ["color-contrast"]},
    "resultTypes": ["violations"],
}
# Colours alone depend on the scheme, and what else there is on the width: each rule sees each once.
VIEWS = [
    (1280, "light", ALL_RULES),
    (390, "dark", ALL_RULES),
    (1280, "dark", CONTRAST),
    (390, "light", CONTRAST),
]
STATES = SAMPLE_STATES | EMPTY_STATES | COLLECTION_STATES | GERMAN_STATES
# A bar is as narrow as there are many: the fields beside it do the same (2.5.8, "equivalent").
IN_A_CHART = "each => each.closest('.timeline') !== null"
OPEN_ALL = "document.querySelectorAll('details').forEach(each => { each.open = true })"


@pytest.fixture(scope="session")
def empty_address(tmp_path_factory):
    """Where an archive without a single article is served."""
    engines = engines_in(tmp_path_factory.mktemp("empty") / "archive", in_memory=True)
    with served(app_over(engines, floor=0.2)) as url:
        yield url
    engines.catalog.close()


@pytest.fixture(scope="session")
def collected_address(sample, tmp_path_factory):
    """Where the sample is served with a collection and a saved search."""
    folder = tmp_path_factory.mktemp("collected") / "archive"
    shutil.copytree(sample, folder)
    with served(collect(folder)) as url:
        yield url


@pytest.fixture(scope="session")
def address_of(address, empty_address, collected_address):
    """A function from the name of a state to where it is served."""
    others = dict.fromkeys(EMPTY_STATES, empty_address)
    others |= dict.fromkeys(COLLECTION_STATES, collected_address)
    return lambda name: others.get(name, address)


@pytest.fixture
def page(chromium):
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    yield context.new_page()
    context.close()


@pytest.fixture
def go(page, address_of):
    """Open a state by its name, and see that it is the one that was meant."""

    def open_state(name):
        path, words = STATES[name]
        page.goto(address_of(name) + path)
        assert words in page.locator("main").text_content()
        return page

    return open_state


@pytest.fixture(scope="module", params=STATES)
def opened(request, chromium, address_of):
    """A page in each state that is the one that was meant, opened once for all tests of states."""
    path, words = STATES[request.param]
    context = chromium.new_context()
    page = context.new_page()
    page.goto(address_of(request.param) + path)
    assert words in page.locator("main").text_content()
    page.evaluate(REMEMBER_OPEN)
    yield page
    context.close()


REMEMBER_OPEN = """document.querySelectorAll("details").forEach(each => {
  each.toggleAttribute("data-opened", each.open);
})"""
AS_OPENED = """() => {
  document.adoptedStyleSheets = [];
  document.querySelectorAll("details").forEach(each => {
    each.open = each.hasAttribute("data-opened");
  });
  document.activeElement.blur();
  scrollTo(0, 0);
}"""


@pytest.fixture
def state(opened):
    """A page in each state, as it was opened, whatever the test before has done to it."""
    opened.set_viewport_size({"width": 1280, "height": 900})
    opened.emulate_media(color_scheme="light")
    opened.evaluate(AS_OPENED)
    return opened


@pytest.fixture(scope="session")
def axe():
    return pytest.importorskip("axe_playwright_python.sync_playwright").Axe()


def violations(axe, page, options=ALL_RULES):
    """What axe finds, as rule and element."""
    found = axe.run(page, options=options).response["violations"]
    return [
        f"{rule['id']}: {node['html'][:200]}"
        for rule in found
        for node in rule["nodes"]
        if rule["id"] != "target-size" or not page.locator(node["target"][0]).evaluate(IN_A_CHART)
    ]


def test_axe_finds_no_violation(axe, state):
    state.evaluate(OPEN_ALL)
    found = {}
    for width, scheme, options in VIEWS:
        state.set_viewport_size({"width": width, "height": 900})
        state.emulate_media(color_scheme=scheme)
        found[scheme, width] = violations(axe, state, options)
    assert not any(found.values()), found


def test_axe_finds_what_is_wrong(axe, go):
    page = go("results")
    page.evaluate("document.querySelector('h2 a').style.color = '#ccc'")
    page.evaluate("document.documentElement.removeAttribute('lang')")
    found = " ".join(violations(axe, page))
    assert "color-contrast" in found
    assert "html-has-lang" in found


def test_axe_finds_no_violation_in_the_list_of_keys(axe, go):
    page = go("results")
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        page.keyboard.press("?")
        assert page.get_by_role("dialog").is_visible()
        assert violations(axe, page) == []
        page.keyboard.press("Escape")


def test_axe_finds_no_violation_in_suggestions(axe, go):
    page = go("start")
    page.locator("#q:focus").wait_for()
    page.keyboard.type("swing bri")
    page.get_by_role("option").first.wait_for()
    page.keyboard.press("ArrowDown")
    for width, scheme, options in VIEWS:
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=scheme)
        assert violations(axe, page, options) == []
        assert page.get_by_role("option").first.is_visible()


FOCUSABLE = "a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex='0']"
UNMARKED = """selector => [...document.querySelectorAll(selector)].filter(each => {
  if (!each.checkVisibility({visibilityProperty: true})) return false;
  each.focus();
  const style = getComputedStyle(each), box = each.getBoundingClientRect();
  const drawn = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
  return each !== document.activeElement || !drawn || box.width * box.height === 0;
}).map(each => each.outerHTML.slice(0, 200))"""


def test_whatever_has_the_focus_shows_it(state):
    state.evaluate(OPEN_ALL)
    state.keyboard.press("Tab")  # from here on the browser takes the reader for one with a keyboard
    assert state.locator(FOCUSABLE).count() > 3
    assert state.evaluate(UNMARKED, FOCUSABLE) == []


SMALL = """selector => [...document.querySelectorAll(selector)].filter(each => {
  const box = each.getBoundingClientRect();
  return each.checkVisibility() && (box.height < 24 || box.width < 24);
}).map(each => `${each.outerHTML.slice(0, 120)} ${each.getBoundingClientRect().height}`)"""
# All but links in running text, and radio buttons and boxes, whose labels are as good to press.
CONTROLS = "button, input:not([type=hidden], [type=radio], [type=checkbox]), label:has(input), \
summary, .facet a, .chips a, .pager a, .masthead a, article.hit h2 a"


def test_what_is_pressed_is_large_enough_for_a_finger(state):
    state.set_viewport_size({"width": 390, "height": 800})
    assert state.evaluate(SMALL, CONTROLS) == []


SIDEWAYS = "document.documentElement.scrollWidth - innerWidth"
# A sheet that is made by a script passes the Content-Security-Policy.
ADD_STYLE = """css => {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(css);
  document.adoptedStyleSheets = [sheet];
}"""
SPACED = """* { line-height: 1.5 !important; letter-spacing: .12em !important;
  word-spacing: .16em !important } p { margin-bottom: 2em !important }"""


def test_nothing_scrolls_sideways_narrow_enlarged_or_spaced(state):
    state.evaluate(OPEN_ALL)
    state.set_viewport_size({"width": 320, "height": 256})  # 1280 pixels at 400% (1.4.10)
    assert state.evaluate(SIDEWAYS) <= 0
    state.evaluate(ADD_STYLE, SPACED)  # 1.4.12
    assert state.evaluate(SIDEWAYS) <= 0
    state.set_viewport_size({"width": 1280, "height": 900})
    state.evaluate(ADD_STYLE, "html { font-size: 200% !important }")  # 1.4.4
    assert state.evaluate(SIDEWAYS) <= 0


MOVING = """[...document.querySelectorAll("*")].filter(each => {
  const style = getComputedStyle(each);
  return style.scrollBehavior === "smooth" ||
    [style.transitionDuration, style.animationDuration].join().split(",").some(parseFloat);
}).map(each => each.outerHTML.slice(0, 120))"""


@pytest.mark.parametrize("name", ["results", "article of a search", "overview"])
def test_nothing_moves_for_those_who_want_no_motion(go, name):
    page = go(name)
    page.emulate_media(reduced_motion="no-preference")
    assert page.evaluate("getComputedStyle(document.documentElement).scrollBehavior") == "smooth"
    page.emulate_media(reduced_motion="reduce")
    assert page.evaluate(MOVING) == []


def test_headings_are_in_order_below_one(state):
    levels = [int(tag[1]) for tag in state.evaluate(
        "[...document.querySelectorAll('h1, h2, h3, h4, h5, h6')]"
        ".filter(each => each.checkVisibility()).map(each => each.tagName)"
    )]  # fmt: skip
    assert levels.count(1) == 1
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


@pytest.mark.parametrize("name", ["results", "article", "overview", "article not found"])
def test_the_first_tab_offers_to_skip_to_the_content(go, name):
    page = go(name)
    page.keyboard.press("Tab")
    box = page.locator(":focus").bounding_box()
    assert page.locator(":focus").inner_text() == "Skip to the content"
    assert box["x"] >= 0
    assert box["y"] >= 0
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('main, .foot') !== null")


def test_what_is_in_another_language_says_so(go):
    page = go("results")
    assert page.locator("html").get_attribute("lang") == "en"
    page.goto(page.url.split("?")[0] + "?q=Drehbr%C3%BCcke&language=de")
    for part in page.locator("article.hit h2, article.hit .passage").all():
        assert part.get_attribute("lang") == "de"
    follow(page, page.locator("article.hit h2 a").first)
    assert page.locator("h1").evaluate("each => each.closest('[lang]').lang") == "de"
    assert page.locator(".cite").evaluate("each => each.closest('[lang]').lang") == "en"
