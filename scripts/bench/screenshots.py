"""Takes the pictures of the documents. Run as `python -m backfile.scripts.bench.screenshots`."""

import shutil
import tempfile
import threading
from dataclasses import replace
from pathlib import Path
from typing import Literal, NamedTuple

import click
from playwright.sync_api import sync_playwright
from waitress.server import create_server

from backfile.archive.formats.fields import FieldMap
from backfile.archive.formats.inputs import Reading
from backfile.archive.model.settings import Settings
from backfile.archive.store.reader import ArchiveReader
from backfile.index.wiring import open_engines, searcher_over
from backfile.index.writing import open_for_writing
from backfile.scripts.printing.progress import Bars
from backfile.web.app import create_app

SCRIPTS = Path(__file__).parents[1]
QUESTION = "/?q=What+happened+to+the+builder+of+the+swing+bridge%3F"


class Shot(NamedTuple):
    """A page as it is seen: where, how wide and high, in which colours."""

    path: str
    width: int = 960
    height: int = 600
    colours: Literal["light", "dark"] = "light"


SHOTS = {
    "search.png": Shot(QUESTION),
    "search-dark.png": Shot(QUESTION, colours="dark"),
    "article.png": Shot("/article/cc-2023-004?q=swing+bridge+budget"),
    "phone.png": Shot(QUESTION, width=390, height=760),
    "overview.png": Shot("/overview"),
}


@click.command()
def main() -> None:
    """Take the pictures of the documents again: of the sample archive, in a temporary place."""
    with tempfile.TemporaryDirectory() as folder, Bars(quiet=False) as bars:
        settings = replace(Settings(), archive=Path(folder))
        with open_for_writing(settings, bars, create=True) as opened:
            opened.indexer.index(Reading([SCRIPTS / "sample"], FieldMap()))
            opened.indexer.embed()
        engines = open_engines(settings)
        app = create_app(searcher_over(engines, settings), ArchiveReader(engines.catalog))
        server = create_server(app, host="127.0.0.1", port=0)
        threading.Thread(target=server.run, daemon=True).start()
        _photograph(f"http://127.0.0.1:{server.effective_port}")
        server.close()


def _photograph(address: str) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        for name, shot in SHOTS.items():
            page = browser.new_page(
                viewport={"width": shot.width, "height": shot.height}, color_scheme=shot.colours
            )
            page.goto(address + shot.path)
            page.screenshot(path=SCRIPTS / name)
            page.close()
        browser.close()


if __name__ == "__main__":
    main()
