"""Fixtures of the tests in Chromium: the sample archive, served, and the browser."""

import pytest

from tests.browser.browsers import served, started_chromium
from tests.builders import app_in


@pytest.fixture(scope="session")
def address(sample):
    """Where the sample archive is served."""
    with served(app_in(sample)) as url:
        yield url


@pytest.fixture(scope="session")
def chromium():
    """A Chromium; skips the test where none can be started."""
    with started_chromium() as browser:
        yield browser
