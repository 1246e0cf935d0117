"""Fixtures of all tests: the seven stories in both families of engines, and the sample archive."""

import os
import sys
from dataclasses import replace

import pytest
from flask import Flask
from hypothesis import HealthCheck, settings

from backfile.archive.model.article import Article, DateSource, Origin, TitleSource
from backfile.archive.store.reader import ArchiveReader
from backfile.index.search.memberships import show_collections
from backfile.index.search.ranking import RankingOptions
from backfile.index.search.searcher import Searcher
from tests.builders import FAMILIES, ROOT, Words, backfile, prepared_in_both, write_stories
from tests.processes import PROCESSES
from tests.shared import made_once
from tests.templates import CompiledOnce

# Loading spaCy takes two seconds of each run: tests of names ask for them.
os.environ["BACKFILE_NAMES"] = "no"
os.environ["RAY_AUTH_MODE"] = "disabled"  # whoever runs the tests may have a token of Ray's at home
# A busy machine is no fault of a test: only pytest-timeout limits its seconds.
settings.register_profile("backfile", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("quick", parent=settings.get_profile("backfile"), max_examples=20)
settings.load_profile("backfile")
# What a test starts as a process is forked from one that has loaded the same.
PROCESSES.set_forkserver_preload(["tests.preloaded"])
# Each application would compile its templates anew, which takes half the time of a test of a page.
Flask.jinja_options = {"bytecode_cache": CompiledOnce()}


def pytest_make_parametrize_id(val, argname):
    """Name bytes by their parameter: packed ones hold the time, and differ between workers."""
    return argname if isinstance(val, bytes) else None


LONGEST = {"test_moving_shards.py", "test_schemathesis.py", "test_benchmark.py"}  # a minute a test


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Begin with the longest tests, and mark tests by the archive that they ask for.

    A long test at the end would keep one process at work alone. The sample archive is made, and
    searched, with the real model. Pages hardly depend on the engines: the quick lane makes them
    with the fakes alone.
    """
    items.sort(key=lambda item: item.path.name not in LONGEST)
    for item in items:
        if "sample" in item.fixturenames:
            item.add_marker(pytest.mark.model)
        family = item.callspec.params.get("engines") if hasattr(item, "callspec") else None
        if family == "engines" and item.path.parent.name == "web":
            item.add_marker(pytest.mark.long)


@pytest.fixture(autouse=True)
def collections_are_shown():
    """A request to an application says for its thread who sees collections; not for other tests."""
    show_collections(lambda: True)


@pytest.fixture(autouse=True)
def model_is_marked(request):
    """Fail a test that is the first to load torch and is not marked `model`."""
    already = "torch" in sys.modules
    yield
    if "torch" in sys.modules and not already and not request.node.get_closest_marker("model"):
        pytest.fail("it loads the real model, and is not marked `model`")


@pytest.fixture(scope="session")
def prepared(tmp_path_factory):
    """The stories in both families of engines, to be copied."""
    return prepared_in_both(tmp_path_factory.mktemp("stories"))


@pytest.fixture(params=FAMILIES)
def engines(request, prepared, tmp_path):
    """The stories in both families of engines."""
    made = prepared[request.param].copy(tmp_path / "archive")
    yield made
    made.catalog.close()


@pytest.fixture(scope="session")
def indexed_by_words(tmp_path_factory):
    """The stories as the command indexes them by words alone, to be copied: no model is run."""
    folder = tmp_path_factory.mktemp("by-words") / "archive"
    result = backfile("index", write_stories(folder.parent), "--archive", folder, "--no-vectors")
    assert result.exit_code == 0, result.output
    return folder


@pytest.fixture
def searcher(engines):
    return Searcher(engines, RankingOptions(floor=0.2))


@pytest.fixture
def reader(engines):
    return ArchiveReader(engines.catalog)


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

    def make(folder):
        seed = ROOT.parent / "shared" / "data" / "seed"
        paths = [ROOT / "scripts" / "sample", *([seed] if seed.is_dir() else [])]
        result = backfile("index", *paths, "--archive", folder)
        assert result.exit_code == 0, result.output

    return made_once(tmp_path_factory, "sample", make)
