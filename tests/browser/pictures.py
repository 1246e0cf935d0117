"""Takes a picture of each state of each page, to be looked at.

`python -m tests.browser.pictures FOLDER`: at 1280, 768 and 390 pixels, in dark colours, and as on
paper; in English, in German, and of articles that are written from right to left. `index.html` in
the folder is a sheet of them all.
"""

import re
import sys
import tempfile
from dataclasses import replace
from html import escape
from pathlib import Path

from flask import Flask

import backfile
from backfile.archive.formats.fields import FieldMap
from backfile.archive.formats.inputs import Reading
from backfile.archive.model.settings import Settings
from backfile.index.writing import open_for_writing
from backfile.scripts.printing.progress import Bars
from backfile.web.collections.access import Access
from tests.browser.browsers import served, started_chromium
from tests.browser.page_states import (
    COLLECTION_STATES,
    EMPTY_STATES,
    GERMAN_STATES,
    RIGHT_TO_LEFT_STATES,
    RIGHT_TO_LEFT_STORIES,
    SAMPLE_STATES,
)
from tests.builders import ROOT, app_in, write_stories

HERE = {"Origin": "http://localhost"}
LOOKS = {
    "1280": {"viewport": {"width": 1280, "height": 900}},
    "768": {"viewport": {"width": 768, "height": 1024}},
    "390": {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True},
    "dark": {"viewport": {"width": 1280, "height": 900}, "color_scheme": "dark"},
    "paper": {"viewport": {"width": 794, "height": 1123}},
}


def take(folder: Path, states: dict[str, tuple[str, str]], address: str) -> list[str]:
    """Photograph states of a served archive in all looks; return the names of the files."""
    taken = []
    with started_chromium() as browser:
        for look, options in LOOKS.items():
            context = browser.new_context(base_url=address, **options)
            page = context.new_page()
            if look == "paper":
                page.emulate_media(media="print")
            for state, (path, _) in states.items():
                page.goto(path)
                taken.append(f"{re.sub(r'[^a-z]+', '-', state.lower())}-{look}.png")
                page.screenshot(path=folder / taken[-1])
            context.close()
    return taken


def archive(folder: Path, sources: list[Path]) -> Path:
    """Make an archive of files; an empty one of none."""
    settings = replace(Settings(), archive=folder)
    with Bars(quiet=True) as bars, open_for_writing(settings, bars, create=True) as opened:
        if sources:
            opened.indexer.index(Reading(sources, FieldMap()))
            opened.indexer.embed()
    return folder


def collect(folder: Path) -> Flask:
    """The application over a sample archive, now with a collection and a saved search."""
    with backfile.open(folder) as opened:
        opened.collect("Swing bridge", ["cc-2023-002", "cc-2023-004"])
    app = app_in(folder, Access(local=True))
    app.test_client().post("/searches", data={"search": "q=bridge"}, headers=HERE)
    return app


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    names = []
    with tempfile.TemporaryDirectory() as place:
        sample = [ROOT / "scripts" / "sample"]
        stories = [write_stories(Path(place), RIGHT_TO_LEFT_STORIES)]
        archives = {
            "sample": (sample, SAMPLE_STATES | GERMAN_STATES),
            "right-to-left": (stories, RIGHT_TO_LEFT_STATES),
            "empty": ([], EMPTY_STATES),
        }
        for name, (sources, states) in archives.items():
            with served(app_in(archive(Path(place) / name, sources))) as address:
                names += take(folder, states, address)
        with served(collect(Path(place) / "sample")) as address:
            names += take(folder, COLLECTION_STATES, address)
    pictures = (f'<img src="{escape(each)}" title="{escape(each)}" width="300">' for each in names)
    (folder / "index.html").write_text("\n".join(pictures), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
