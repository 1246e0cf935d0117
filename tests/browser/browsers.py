"""Serves an application on this machine, and starts the Chromium that looks at it."""

import shutil
import threading
from contextlib import contextmanager, suppress

import pytest
from waitress.server import create_server

QUIET = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking"]


@contextmanager
def served(app):
    """Serve an application while the block runs; give its address."""
    server = create_server(app, host="127.0.0.1", port=0, threads=4)

    def run():
        with suppress(OSError):  # its sockets are closed while it waits for them
            server.run()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.effective_port}"
    server.close()
    thread.join(5)


@contextmanager
def started_chromium():
    """Start the Chromium that is installed; skip the test where there is none."""
    sync_api = pytest.importorskip("playwright.sync_api")
    installed = next(filter(None, map(shutil.which, ("chromium", "google-chrome"))), None)
    with sync_api.sync_playwright() as playwright:
        try:
            browser = playwright.chromium.launch(executable_path=installed, args=QUIET)
        except sync_api.Error as exc:
            pytest.skip(f"no Chromium can be started ({str(exc).splitlines()[0]})")
        yield browser
        browser.close()


def follow(page, link):
    """Click a link or a button, and wait for the page it leads to.

    A click alone returns before that page is there, so the next look may see the old one or none.
    """
    with page.expect_navigation():
        link.click()
