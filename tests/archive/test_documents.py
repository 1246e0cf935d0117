"""Tests of the formats that hold one article in a file: native, plain text and Markdown."""

from datetime import UTC, date, datetime

import pytest

from backfile.archive.formats.fields import FieldMap
from backfile.archive.formats.files import SourceFile
from backfile.archive.formats.inputs import read_file
from backfile.archive.model.article import DateSource, Origin, TitleSource
from backfile.archive.model.errors import UnreadableArticle
from tests.builders import ROOT

SEED = ROOT.parent / "shared" / "data" / "seed"
NATIVE = """ date 2023-11-04 The river rose a metre overnight. Cellars flooded in two streets.

Advertisment

What Comes Next

More rain is due on Sunday.
  Advertisment
"""


@pytest.fixture
def read(tmp_path):
    def read_one(content, name="a.txt"):
        path = tmp_path / name
        path.write_text(content, encoding="utf-8", newline="")
        (found,) = read_file(SourceFile.at(path, f"in/{name}"), FieldMap())
        return found

    return read_one


def test_a_native_file_has_a_day_a_lead_and_no_advertisement_lines(read, tmp_path):
    article = read(NATIVE)
    assert (article.published, article.date_source) == (date(2023, 11, 4), DateSource.FIELD)
    assert article.text == (
        "The river rose a metre overnight. Cellars flooded in two streets.\n\n"
        "What Comes Next\n\nMore rain is due on Sunday."
    )
    assert article.origin == Origin(str(tmp_path / "a.txt"), 1)


def test_the_lead_stands_in_for_the_title_of_a_native_file(read):
    article = read(NATIVE)
    assert article.title == "The river rose a metre overnight."
    assert (article.title_source, article.given_title) == (TitleSource.LEAD, "")


@pytest.mark.parametrize(
    "opening", ["date 2023-11-04 ", "\n\nDATE\t2023-11-04\n", "\ufeff date 2023-11-04 "]
)
def test_a_native_opening_may_vary_in_space_and_case(read, opening):
    article = read(f"{opening}The river rose. It fell again.", "a.dat")
    assert (article.published, article.title) == (date(2023, 11, 4), "The river rose.")


def test_a_native_file_with_an_impossible_day_is_undated(read):
    article = read(" date 2023-11-31 The river rose. It fell again.")
    assert (article.published, article.text) == (None, "The river rose. It fell again.")


def test_the_native_file_the_project_began_with_is_read():
    files = sorted(SEED.glob("*.txt"))
    if not files:
        pytest.skip(f"no files in {SEED}")
    (article,) = read_file(SourceFile.at(files[0], files[0].name), FieldMap())
    assert article.published == date(2024, 3, 23)
    assert article.title_source is TitleSource.LEAD
    assert "advertis" not in article.text.casefold()
    assert article.text.count("\n\n") > 5


def test_a_short_first_line_of_plain_text_is_the_title(read):
    article = read("\ufeffRiver rises\r\n\r\nIt rose a metre.\r\n\r\nThen it fell.\r\n")
    assert (article.title, article.title_source) == ("River rises", TitleSource.GIVEN)
    assert article.text == "It rose a metre.\n\nThen it fell."
    assert article.date_source is DateSource.NONE


@pytest.mark.parametrize("line", ["2023-11-04", "Date: 2023-11-04", " date 2023-11-04 "])
def test_a_line_that_is_only_a_day_dates_plain_text(read, line):
    article = read(f"River rises\n\n{line}\n\nIt rose a metre.")
    assert (article.title, article.published) == ("River rises", date(2023, 11, 4))
    assert article.text == "It rose a metre."


@pytest.mark.parametrize("text", ["It rose a metre.", "word " * 60 + "\n\nIt rose a metre."])
def test_plain_text_without_a_headline_keeps_all_its_text(read, text):
    article = read(text)
    assert (article.text, article.title_source) == (text.replace(" \n", "\n"), TitleSource.LEAD)


def test_markdown_is_read_without_its_markup(read):
    article = read(
        "# River *rises*\n\nIt rose a **metre**,\nsaid [Ana](https://ana.example).\n\n"
        "## Next\n\n- rain\n- `wind`\n\n```\ntide 4\n```\n",
        "a.md",
    )
    assert (article.title, article.title_source) == ("River rises", TitleSource.GIVEN)
    assert article.text == "It rose a metre,\nsaid Ana.\n\nNext\n\nrain\n\nwind\n\ntide 4"


def test_front_matter_gives_the_fields_as_they_are_written(read):
    article = read(
        "---\r\ntitle: No\r\nid: 007\r\nDate: 2023-11-04T23:40:00-05:00\r\n"
        "author: [Ana Ruiz, Li Wei]\r\nsection: null\r\n---\r\n# Lead\r\n\r\nIt rose.\r\n",
        "a.md",
    )
    assert (article.title, article.id, article.section) == ("No", "007", "")
    assert article.published == date(2023, 11, 4)
    assert article.published_at == datetime(2023, 11, 5, 4, 40, tzinfo=UTC)
    assert article.authors == ("Ana Ruiz", "Li Wei")
    assert article.text == "Lead\n\nIt rose."


@pytest.mark.parametrize(
    ("block", "reason"),
    [
        ("title: [a", "front matter is not YAML"),
        ("title: &a [*a]", "front matter is not YAML"),
        ("- a\n- b", "front matter is not a list of `name: value`"),
    ],
)
def test_front_matter_that_cannot_be_read_is_refused(read, block, reason):
    refused = read(f"---\n{block}\n---\nIt rose.", "a.md")
    assert isinstance(refused, UnreadableArticle)
    assert refused.reason.startswith(reason)


@pytest.mark.parametrize("value", ["!!int ''", "!!timestamp x", "!!bool x", "0x" + "f" * 9_000])
def test_front_matter_with_odd_values_is_read(read, value):
    assert read(f"---\ntitle: {value}\n---\nIt rose.", "a.md").text == "It rose."


def test_an_advertisement_line_is_never_the_title(read):
    assert read("Advertisment\n\nRiver rises\n\nIt rose a metre.").title == "River rises"


def test_a_file_of_advertisement_lines_alone_is_refused(read):
    refused = read("Advertisment\n\nAdvertisment\n")
    assert isinstance(refused, UnreadableArticle)
