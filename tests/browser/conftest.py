"""Fixtures of the tests in Chromium: the sample archive, served, and the browser."""

import pytest

from backfile.archive.model.settings import Settings
from backfile.index.wiring import open_searcher
from backfile.web.app import create_app
from tests.browser.browsers import served, started_chromium


@pytest.fixture(scope="session")
def address(sample):
    """Where the sample archive is served."""
    with served(create_app(open_searcher(Settings(archive=sample)))) as url:
        yield url


@pytest.fixture(scope="session")
def chromium():
    """A Chromium; skips the test where none can be started."""
    with started_chromium() as browser:
        yield browser
