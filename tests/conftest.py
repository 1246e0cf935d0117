"""Fixtures of all tests: the seven stories in both families of engines, and the sample archive."""

from dataclasses import replace

import pytest

from backfile.archive.model.article import Article, DateSource, Origin, TitleSource
from backfile.index.search.ranking import RankingOptions
from backfile.index.search.searcher import Searcher
from tests.builders import ROOT, Words, backfile, engines_in, fill, write_stories


@pytest.fixture(params=["engines", "memory"])
def engines(request, tmp_path):
    """The stories in both families of engines."""
    made = engines_in(tmp_path / "archive", in_memory=request.param == "memory")
    fill(made, write_stories(tmp_path))
    yield made
    made.catalog.close()


@pytest.fixture
def searcher(engines):
    return Searcher(engines, RankingOptions(floor=0.2))


# For the tests of `archive/`; session-wide, so that hypothesis may share them between examples.


@pytest.fixture(scope="session")
def word_tokenizer():
    return Words()


@pytest.fixture(scope="session")
def make_article():
    def make(text="The tide came in. The boats went out.", **fields):
        plain = Article(
            id="tide",
            title="Tide table",
            title_source=TitleSource.GIVEN,
            text=text,
            published=None,
            published_at=None,
            date_source=DateSource.NONE,
            source="",
            section="",
            authors=(),
            language="en",
            url="",
            origin=Origin("tide.txt", 1),
        )
        return replace(plain, **fields)

    return make


@pytest.fixture(scope="session")
def sample(tmp_path_factory):
    """The sample archive and the seed document, if there, indexed with the bundled model."""
    folder = tmp_path_factory.mktemp("sample") / "archive"
    seed = ROOT.parent / "shared" / "data" / "seed"
    paths = [str(ROOT / "scripts" / "sample"), *([str(seed)] if seed.is_dir() else [])]
    result = backfile("index", *paths, "--archive", str(folder))
    assert result.exit_code == 0, result.output
    return folder
