"""Takes the README's screenshot: `python -m scripts.screenshots`, with the dev extra installed."""

import shutil
import tempfile
import threading
from dataclasses import replace
from pathlib import Path

from playwright.sync_api import sync_playwright
from waitress.server import create_server

from archive.reading.fields import FieldMap
from archive.reading.inputs import Reading
from archive.settings import Settings
from index.wiring import open_searcher
from index.writing import open_for_writing
from scripts.progress import Bars
from web.app import create_app

HERE = Path(__file__).parent
SHOTS = {"search.png": "/?q=What+happened+to+the+builder+of+the+swing+bridge%3F"}


def main() -> None:
    """Index the sample archive in a temporary place, serve it, and photograph it."""
    with tempfile.TemporaryDirectory() as folder, Bars(quiet=False) as bars:
        settings = replace(Settings(), archive=Path(folder))
        with open_for_writing(settings, bars, create=True) as opened:
            opened.indexer.index(Reading([HERE / "sample"], FieldMap()))
            opened.indexer.index_meaning()
        server = create_server(create_app(open_searcher(settings)), host="127.0.0.1", port=0)
        threading.Thread(target=server.run, daemon=True).start()
        _photograph(f"http://127.0.0.1:{server.effective_port}")
        server.close()


def _photograph(address: str) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        page = browser.new_page(viewport={"width": 1120, "height": 760}, device_scale_factor=1)
        for name, path in SHOTS.items():
            page.goto(address + path)
            page.screenshot(path=HERE / name)
        browser.close()


if __name__ == "__main__":
    main()
