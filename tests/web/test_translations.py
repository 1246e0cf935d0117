"""All that pages say is translated: nothing is left out, nothing is stale, no gap is lost."""

import re
from datetime import UTC, date, datetime
from html.parser import HTMLParser

import pytest
from babel.messages.pofile import read_po
from jinja2 import Environment
from jinja2.ext import i18n

from backfile.scripts import translations
from backfile.web.i18n.languages import codes, page_language
from tests.builders import ROOT

GAP = re.compile(r"%\(\w+\)s")
MARKUP = re.compile(r"<[^>]+>")
OTHERS = codes()[1:]
WEB = ROOT / "web"
SCRIPTS = sorted((WEB / "static").glob("*.js"))
SAYING = re.compile(
    r"""(?:textContent|innerText|ariaLabel|title|placeholder) = (?!"")["'`]|append\(["'`]|"""
    r"""setAttribute\("(?:aria-label|title|placeholder)", ["'`]"""
)
TEMPLATES = sorted((WEB / "templates").glob("*.html"))
NAMES = re.compile(
    r"Backfile|Atom|JSON Feed|SVG|BibTeX|RIS|CSL-JSON|JSON Lines|CSV|Esc|id"
)  # in any language
EXAMPLES = ("pre", "code", "kbd")
SHOWN = ("aria-label", "title", "placeholder", "alt")


def catalog_of(code):
    with (translations.FOLDER / f"{code}.po").open("rb") as stream:
        return {each.id: each for each in read_po(stream, locale=code) if each.id}


def test_german_is_among_the_languages():
    assert "de" in OTHERS


@pytest.mark.parametrize("code", OTHERS)
def test_all_that_is_said_is_translated_and_nothing_else(code):
    spoken = dict(translations.extracted())
    translated = catalog_of(code)
    assert len(spoken) > 300
    assert {message: place for message, place in spoken.items() if message not in translated} == {}
    assert [message for message in translated if message not in spoken] == []
    for each in translated.values():
        assert not each.fuzzy
        assert all(translations.strings_of(each)), each.id


@pytest.mark.parametrize("code", OTHERS)
def test_no_gap_and_no_markup_is_lost_or_made_up(code):
    for message, each in catalog_of(code).items():
        originals = message if isinstance(message, tuple) else (message,)
        *some, last = translations.strings_of(each)
        wanted = set(GAP.findall(originals[-1]))
        assert set(GAP.findall(last)) == wanted, message
        assert all(set(GAP.findall(string)) <= wanted for string in some), message
        for string in (*some, last):
            assert sorted(MARKUP.findall(string)) == sorted(MARKUP.findall(originals[0])), message
            assert "%" not in GAP.sub("", string).replace("%%", ""), message


@pytest.mark.parametrize("code", OTHERS)
def test_the_command_leaves_a_file_that_is_up_to_date_as_it_is(code, tmp_path):
    path = tmp_path / f"{code}.po"
    path.write_bytes((translations.FOLDER / path.name).read_bytes())
    translations.write(path, code)
    assert path.read_text() == (translations.FOLDER / path.name).read_text()


@pytest.mark.long
def test_a_new_language_gets_all_there_is_to_say(tmp_path):
    catalog = translations.write(tmp_path / "fr.po", "fr")
    assert len(catalog) == len({message for message, _ in translations.extracted()})
    assert "Plural-Forms: nplurals=2; plural=(n > 1)" in (tmp_path / "fr.po").read_text()
    assert not any(any(translations.strings_of(each)) for each in catalog if each.id)


class Words(HTMLParser):
    """Collects what a reader of a template would see or hear, beside examples to be typed."""

    def __init__(self):
        super().__init__()
        self.found, self.inside = [], []

    def handle_starttag(self, tag, attributes):
        self.inside.append(tag)
        self.found += [value for name, value in attributes if name in SHOWN and value]

    def handle_endtag(self, tag):
        while self.inside and self.inside.pop() != tag:
            pass

    def handle_data(self, data):
        if not any(tag in EXAMPLES for tag in self.inside):
            self.found.append(data)


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_a_template_says_nothing_that_is_not_translated(path):
    source = re.sub(r"\{% trans.*?%\}.*?\{% endtrans %\}", "", path.read_text(), flags=re.DOTALL)
    tokens = Environment(extensions=[i18n]).lex(source)
    words = Words()
    # What stands in an expression is no text of a page; it may be an attribute's value.
    words.feed("".join(text if kind == "data" else "" for _, kind, text in tokens))
    said = [NAMES.sub("", each) for each in words.found]
    assert [each for each in said if re.search(r"[^\W\d_]{2}", each)] == []


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_a_script_takes_its_words_from_the_page(path):
    assert SAYING.findall(path.read_text()) == []


def test_numbers_days_and_plurals_are_those_of_the_language():
    english, german = page_language("en"), page_language("de")
    assert (english.number(1234567), german.number(1234567)) == ("1,234,567", "1.234.567")
    assert (english.decimal(0.714, 2), german.decimal(0.714, 2)) == ("0.71", "0,71")
    assert (english.percent(0.125, 1), german.percent(0.125, 1)) == ("12.5%", "12,5\xa0%")
    assert german.day(date(2024, 3, 23)) == "23. März 2024"
    assert german.part_of_day(date(2024, 3, 23), "yMMMM") == "März 2024"
    at = datetime(2024, 3, 23, 14, 5, tzinfo=UTC)
    assert german.instant(at) == "23. März 2024, 14:05 UTC"
    forms = ("%(number)s story", "%(number)s stories")
    assert [german.template(*forms, n) % {"number": n} for n in (0, 1, 2)] == [
        "0 Meldungen",
        "1 Meldung",
        "2 Meldungen",
    ]
    assert (english.own_name, german.own_name) == ("English", "Deutsch")
