"""Fifteen things that journalists do, each in a few steps: a field filled, a link followed."""

import csv
import io
import json
from urllib.parse import parse_qs

import feedparser
import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser
OUTLETS = ("Coastal Courier", "Northshore Wire")
NAMES = (
    "Ana Ruiz", "Hester Valk", "Jonah Pryce", "Tom Keel", "Rollo Denby", "Zoë Marchetti-Lund",
    "Ansgar Petersen", "José Núñez", "Gil Pomfret", "Barnaby Sourdough",
)  # fmt: skip


class Reader:
    """A person before a page, who takes a counted number of steps."""

    def __init__(self, page):
        self.page = page
        self.steps = 0

    def open(self, path):
        self.page.goto(path)

    def fill(self, field, text):
        self.steps += 1
        field.fill(text)

    def press(self, thing):
        self.steps += 1
        thing.click()
        self.page.wait_for_load_state()

    def follow(self, thing):
        self.steps += 1
        with self.page.expect_navigation():
            thing.click()

    def search(self, text):
        self.fill(self.page.locator("#q"), text)
        self.follow(self.page.get_by_role("button", name="Search", exact=True))

    def download(self, thing):
        self.steps += 1
        with self.page.expect_download() as waiting:
            thing.click()
        return waiting.value

    @property
    def titles(self):
        return self.page.locator("article.hit h2").all_inner_texts()

    def box(self, value):
        return self.page.locator(".facet li", has_text=value).first.locator("input").first


@pytest.fixture
def reader(chromium, address):
    context = chromium.new_context(base_url=address, viewport={"width": 1280, "height": 900})
    yield Reader(context.new_page())
    context.close()


@pytest.fixture
def phone(chromium, address):
    context = chromium.new_context(
        base_url=address, viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True
    )
    yield Reader(context.new_page())
    context.close()


def rows_of(download):
    return list(csv.DictReader(io.StringIO(download.path().read_text(encoding="utf-8-sig"))))


def check_coverage(download):
    rows = rows_of(download)
    assert rows
    assert {row["source"] for row in rows} == set(OUTLETS)
    assert all("2023-03-01" <= row["published"] <= "2024-06-30" for row in rows)
    assert download.suggested_filename.startswith("bridge-")


def test_all_coverage_by_two_outlets_between_two_days_as_csv(reader):
    page = reader.page
    reader.open("/")
    reader.search("bridge")
    for outlet in OUTLETS:
        reader.press(reader.box(outlet))
    reader.fill(page.get_by_label("From", exact=True), "March 2023")
    reader.fill(page.get_by_label("to", exact=True), "June 30, 2024")
    reader.follow(page.locator(".days").get_by_role("button", name="Apply"))
    reader.press(page.get_by_text("Export"))
    check_coverage(reader.download(page.get_by_role("link", name="CSV", exact=True)))
    assert reader.steps == 9


def test_the_same_on_a_phone(phone):
    page = phone.page
    phone.open("/")
    phone.search("bridge")
    assert page.locator("article.hit").nth(1).bounding_box()["y"] < 844
    phone.press(page.get_by_role("button", name="Filters"))
    for outlet in OUTLETS:
        phone.press(phone.box(outlet))
    phone.follow(page.locator(".apply").get_by_role("button", name="Apply"))
    phone.press(page.get_by_role("button", name="Dates"))
    phone.fill(page.get_by_label("From", exact=True), "2023-03")
    phone.fill(page.get_by_label("to", exact=True), "2024-06")
    phone.follow(page.locator(".days").get_by_role("button", name="Apply"))
    expect(page.get_by_role("button", name="Filters (2)")).to_be_visible()
    phone.press(page.get_by_text("Export"))
    check_coverage(phone.download(page.get_by_role("link", name="CSV", exact=True)))
    assert phone.steps == 12


def test_the_first_mention(reader):
    reader.open("/")
    reader.search('"swing bridge"')
    reader.follow(reader.page.get_by_role("link", name="Oldest"))
    days = reader.page.locator("article.hit > .meta time").evaluate_all(
        "a => a.map(e => e.dateTime)"
    )
    assert days == sorted(days)
    assert len(days) > 3
    assert reader.steps == 3


def test_one_subject_against_another_over_time(reader):
    page = reader.page
    reader.open("/?q=bridge")
    reader.press(page.get_by_text("Compare with another search"))
    reader.fill(page.get_by_label("Another search:"), "ferry")
    reader.follow(page.get_by_role("button", name="Compare"))
    assert page.locator(".plot .line").count() == 2
    reader.follow(page.get_by_role("link", name="Show as % of all articles"))
    rows = rows_of(reader.download(page.locator(".compared").get_by_role("link", name="CSV")))
    assert len(rows) > 5
    assert reader.steps == 5


def test_who_wrote_most(reader):
    page = reader.page
    reader.open("/")
    reader.search("bridge")
    authors = page.locator(".facet", has_text="Author").first
    counts = [int(text) for text in authors.locator(".count").all_inner_texts()]
    assert counts == sorted(counts, reverse=True)
    reader.follow(page.get_by_role("link", name="Outlets"))
    assert page.locator("table.listed tbody tr").count() >= 2
    assert reader.steps == 3


def test_a_misremembered_quote(reader):
    reader.open("/")
    reader.search('"The swing bridge over the river Ash was shut to all traffic"')
    first = reader.page.locator("article.hit").first
    assert "closed" in first.locator(".wording ins").all_inner_texts()[0]
    assert reader.steps == 2


@pytest.mark.parametrize("typed", ["Zoe Marchetti-Lund", "zoë marchetti lund"])
def test_a_name_with_diacritics(reader, typed):
    reader.open("/")
    reader.search(typed)
    assert "Zoë Marchetti-Lund" in reader.page.locator(".results").inner_text()
    assert reader.steps == 2


def test_without_opinion_pieces(reader):
    page = reader.page
    reader.open("/?q=bridge")
    line = page.locator(".facet li", has_text="Business").first
    line.hover()
    reader.press(line.locator("input").last)
    reader.follow(page.locator(".apply").get_by_role("button", name="Apply"))
    assert "Business" not in page.locator("article.hit .meta").all_inner_texts()
    expect(page.locator(".chips")).to_contain_text("not section: Business")
    assert reader.steps == 2


def test_subscribing(reader):
    reader.open("/?q=bridge&source=Coastal+Courier")
    reader.press(reader.page.get_by_text("Alert"))
    link = reader.page.get_by_role("link", name="Atom", exact=True)
    feed = feedparser.parse(reader.page.request.get(link.get_attribute("href")).text())
    assert feed.entries
    assert all(entry.get("updated") and entry.get("published") for entry in feed.entries)
    assert not any("127.0.0.1" in entry.id for entry in feed.entries)
    assert reader.steps == 1


def test_saving_to_a_reference_manager(reader):
    page = reader.page
    reader.open("/?q=bridge")
    spans = page.locator("article.hit .Z3988").evaluate_all("all => all.map(each => each.title)")
    hits = [parse_qs(each)["rft.title"][0] for each in spans]
    assert hits == reader.titles
    reader.follow(page.locator("article.hit h2 a").first)
    data = json.loads(page.locator('script[type="application/ld+json"]').text_content())
    assert data["@type"] == "NewsArticle"
    assert data["headline"] == page.locator("h1").inner_text()
    assert page.locator('meta[name="citation_title"]').get_attribute("content") == data["headline"]
    assert reader.steps == 1


def test_page_two_open_and_back_to_the_same_filters(reader):
    page = reader.page
    reader.open("/?q=bridge&limit=5&source=Coastal+Courier&view=list")
    reader.follow(page.get_by_role("link", name="Next page"))
    second = reader.titles
    reader.follow(page.locator("article.hit h2 a").last)
    reader.follow(page.locator(".hits .back"))
    assert reader.titles == second
    assert reader.box("Coastal Courier").is_checked()
    assert reader.steps == 3


def test_a_shared_address_shows_the_same(reader, chromium, address):
    reader.open("/?q=bridge")
    reader.press(reader.box("Coastal Courier"))
    reader.follow(reader.page.locator(".apply").get_by_role("button", name="Apply"))
    elsewhere = chromium.new_context()
    shared = elsewhere.new_page()
    shared.goto(reader.page.url)
    assert shared.locator("article.hit h2").all_inner_texts() == reader.titles
    assert shared.locator("h1").inner_text() == reader.page.locator("h1").inner_text()
    elsewhere.close()


def test_by_keyboard_alone(reader):
    page = reader.page
    reader.open("/")
    page.keyboard.press("/")
    page.keyboard.type("bridge")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    box = reader.box("Northshore Wire")
    for _ in range(120):
        page.keyboard.press("Tab")
        if box.evaluate("each => each === document.activeElement"):
            break
    page.keyboard.press("Space")
    with page.expect_navigation():
        page.keyboard.press("Enter")  # submits the form that the box belongs to
    assert set(page.locator("article.hit .outlet").all_inner_texts()) == {"Northshore Wire"}
    page.keyboard.press("j")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    assert page.locator("article.story").count() == 1


def test_ten_names_at_once(reader):
    page = reader.page
    reader.open("/batch")
    reader.fill(page.get_by_label("Searches, one per line"), "\n".join(NAMES))
    reader.press(page.get_by_label("Each line as an exact phrase, such as a name"))
    reader.follow(page.locator(".batch").get_by_role("button", name="Search", exact=True))
    assert page.locator("table.listed tbody tr").count() == len(NAMES)
    rows = rows_of(reader.download(page.get_by_role("button", name="This table as CSV")))
    assert [row["query"].strip('"') for row in rows] == list(NAMES)
    assert reader.steps == 4


def test_what_is_new_today(reader):
    page = reader.page
    reader.open("/")
    assert "Added this week" in page.locator(".news").inner_text()
    reader.follow(page.locator(".news a").first)
    assert page.locator("article.hit .came").count() == len(reader.titles) > 0
    assert reader.steps == 1
