"""The README cannot rot: its commands run, and what it lists is what there is."""

import json
import re

import pytest

from backfile.archive.model.settings import describe_settings
from backfile.scripts.backfile import main
from backfile.web.app import create_app
from tests.conftest import ROOT, backfile

README = (ROOT / "README.md").read_text()


def test_every_setting_has_its_row():
    rows = re.findall(r"^\| `(BACKFILE_\w+)` \| (.*?) \| (.*?) \|$", README, re.MULTILINE)
    expected = [
        (name, f"`{default}`" if default else "none", meaning)
        for name, default, meaning in describe_settings()
    ]
    assert rows == expected


@pytest.mark.parametrize("name", sorted(main.commands))
def test_every_command_is_named_and_has_help(name):
    assert re.search(rf"backfile (?:[\w|\[\] .-]*\| )?{name}\b", README)
    assert main.commands[name].help


def test_every_route_is_named(searcher):
    app = create_app(searcher)
    for rule in app.url_map.iter_rules():
        path = re.sub(r"<\w+:\w+>", "<id>", rule.rule)
        if path not in ("/", "/static/<id>"):
            assert path in README, path


def test_every_dependency_has_its_reason():
    listed = re.findall(r"^\| \[?`([\w-]+)`", README.split("## Dependencies")[1], re.MULTILINE)
    declared = re.findall(
        r'^    "([\w-]+)[><=]', (ROOT / "pyproject.toml").read_text(), re.MULTILINE
    )
    runtime = declared[: declared.index("whoosh") + 1]
    assert sorted(listed) == sorted(runtime)


def test_the_searches_of_the_readme_find_something_in_the_sample(sample):
    for line in re.findall(r'^    backfile search "(.*)', README, re.MULTILINE):
        text, options = line.split('"', 1)
        found = backfile("search", text, *options.split(), "--archive", sample)
        assert found.exit_code == 0, line


def test_the_curl_example_gives_what_the_readme_shows(sample):
    from backfile.archive.model.settings import Settings
    from backfile.index.wiring import open_searcher

    path = re.search(r"curl 'http://127.0.0.1:8080(/api/search\?[^']*)'", README)[1]
    answer = create_app(open_searcher(Settings(archive=sample))).test_client().get(path).json
    shown = README.split("curl '")[1].split("`/api/articles")[0]
    assert answer["total"] > 0
    for key in answer:
        assert f'"{key}"' in shown, key


def test_the_lock_pins_exactly_and_names_no_registry():
    lines = (ROOT / "requirements.lock").read_text().split("\n")[:-1]
    assert all(re.fullmatch(r"[\w.-]+==[\w.]+", line) for line in lines)
    assert {"torch==2.13.0", "chromadb==1.5.9"} <= set(lines)


def test_the_manifest_of_an_archive_says_what_it_was_made_with(sample):
    manifest = json.loads((sample / "manifest.json").read_text())
    assert manifest["model"] == "all-MiniLM-L6-v2"
    assert len(manifest["weights"]) == 64
    assert manifest["dimension"] == 384


def test_every_picture_is_there_and_small():
    pictures = re.findall(r"!\[[^\]]+\]\((\S+?)\)", README)
    assert len(pictures) >= 2
    for picture in pictures:
        assert (ROOT / picture).stat().st_size < 150_000
