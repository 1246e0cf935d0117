"""Tests on IPTC's own examples: each news item with a text is read, each invalid one refused."""

from collections import Counter

import pytest

from backfile.archive.formats.fields import FieldMap
from backfile.archive.formats.files import SourceFile
from backfile.archive.formats.inputs import read_file
from backfile.archive.model.article import Article
from backfile.archive.model.errors import UnreadableArticle
from tests.builders import ROOT

FORMATS = ROOT.parent / "shared/data/formats"
FOLDERS = {
    "newsml_g2/releases": "newsml_g2/releases",
    "newsml_g2/should_pass": "newsml_g2/tests/unit_test_files/*/should_pass",
    "newsml_g2/should_fail": "newsml_g2/tests/unit_test_files/*/should_fail",
    "ninjs/examples 1": "ninjs/examples/1.*",
    "ninjs/examples 2": "ninjs/examples/2.*",
    "ninjs/examples 3": "ninjs/examples/3.*",
    "ninjs/examples NewsML 1.2": "ninjs/examples/NewsML",
    "ninjs/should_pass": "ninjs/validation/test_suite/*/should_pass",
    "ninjs/should_fail": "ninjs/validation/test_suite/*/should_fail",
}
pytestmark = pytest.mark.skipif(not FORMATS.exists(), reason="../shared/data is not here")


def found_in(folder):
    """The articles and refusals of a folder's files, by the file's name."""
    for parent in sorted(FORMATS.glob(FOLDERS[folder])):
        for path in sorted(parent.rglob("*")):
            if path.suffix in (".xml", ".json"):
                for each in read_file(SourceFile.at(path, path.name), FieldMap()):
                    yield path.name, each


def articles_in(folder):
    return [(name, each) for name, each in found_in(folder) if isinstance(each, Article)]


@pytest.mark.parametrize(
    ("folder", "read"),
    [
        ("newsml_g2/releases", 5),
        ("newsml_g2/should_pass", 4),
        ("ninjs/examples 1", 8),
        ("ninjs/examples 2", 8),
        ("ninjs/examples 3", 9),
        ("ninjs/examples NewsML 1.2", 4),
        ("ninjs/should_pass", 9),
    ],
)
def test_each_item_with_a_text_is_an_article(folder, read):
    articles = articles_in(folder)
    assert len(articles) == read
    assert all(article.id and article.text and article.title for _, article in articles)


@pytest.mark.parametrize("folder", ["newsml_g2/should_fail", "ninjs/should_fail"])
def test_each_invalid_item_is_refused_with_a_reason(folder):
    found = [each for _, each in found_in(folder)]
    assert found
    assert all(isinstance(each, UnreadableArticle) and each.reason for each in found)


@pytest.mark.parametrize("folder", FOLDERS)
def test_what_is_refused_is_refused_as_what_it_is(folder):
    reasons = Counter(
        each.reason for _, each in found_in(folder) if isinstance(each, UnreadableArticle)
    )
    assert not [reason for reason in reasons if "not read" in reason or "convert" in reason]


@pytest.mark.parametrize(
    ("folder", "name", "day", "language", "section", "version"),
    [
        (
            "newsml_g2/releases",
            "LISTING_2_NewsML-G2_Text_Document.xml",
            *("2018-11-21", "en", "economy, business and finance", 11),
        ),
        (
            "newsml_g2/releases",
            "LISTING_22_Sports_story_in_NewsML-G2NITF.xml",
            *("2018-10-19", "en", "sport", 11),
        ),
        ("ninjs/examples 1", "ninjsExMediumText1.json", "2013-07-09", "en", "", 0),
        ("ninjs/examples 2", "dpa_text.json", "2019-05-10", "de", "", 2),
        ("ninjs/examples 3", "ntb_text.json", "2019-08-09", "nb", "Innenriks", 6),
        (
            "ninjs/examples 3",
            "tt_text_image_3.json",
            *("2021-05-26", "sv", "Krig, konflikter och oroligheter", 1),
        ),
        (
            "ninjs/examples NewsML 1.2",
            "businesswire-newsml-20130605006126.xml",
            *("2013-06-05", "zh", "", 1),
        ),
    ],
)
def test_examples_say_of_themselves_what_is_read(folder, name, day, language, section, version):
    (article,) = [each for found, each in articles_in(folder) if found == name]
    assert article.published.isoformat() == day
    assert (article.language, article.section, article.version) == (language, section, version)
