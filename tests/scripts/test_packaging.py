"""The wheel: what is in it, and that all of it works away from the checkout."""

import json
import os
import re
import shutil
import site
import socket
import subprocess
import sys
import time
import zipfile
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

import pytest

from tests.builders import ROOT, write_stories

pytestmark = pytest.mark.packaging
FLOORS = ("archive", "index", "web", "scripts")
SOURCES = (*FLOORS, ".types", "pyproject.toml", "README.md", "LICENSE")
NOT_SHIPPED = ("scripts/bench/", "scripts/library/")
SERVED_WITHIN = 60.0  # seconds


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel, built from a copy, as building leaves folders behind."""
    folder = tmp_path_factory.mktemp("packaging")
    for name in SOURCES:
        source, copy = ROOT / name, folder / "source" / name
        if source.is_dir():
            unwanted = shutil.ignore_patterns("__pycache__")
            shutil.copytree(source, copy, symlinks=True, ignore=unwanted)
        else:
            shutil.copy(source, copy)
    build = (sys.executable, "-m", "pip", "wheel", ".", "--no-deps", "--no-build-isolation")
    quiet = ("--no-index", "--disable-pip-version-check", "--wheel-dir", folder / "dist")
    done = subprocess.run(
        [*build, *quiet], cwd=folder / "source", capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    (built,) = (folder / "dist").glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """A function that runs Python with the unpacked wheel, in another folder than the checkout."""
    folder = tmp_path_factory.mktemp("installed")
    with zipfile.ZipFile(wheel) as packed:
        packed.extractall(folder / "site")
    # Without `site` an editable installation is not seen, which is in a .pth file: only what it
    # depends on is.
    environment = {
        "PYTHONPATH": os.pathsep.join([str(folder / "site"), *site.getsitepackages()]),
        "BACKFILE_ARCHIVE": str(folder / "archive"),
        "PATH": "/usr/bin:/bin",
        "HOME": str(folder),
    }

    def start(*arguments, **options):
        command = [sys.executable, "-S", *map(str, arguments)]
        return subprocess.Popen(
            command, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True, **options
        )

    def run(*arguments):
        process = start(*arguments, stderr=subprocess.PIPE)
        out, err = process.communicate(timeout=120)
        assert process.returncode == 0, err
        return out

    run.start, run.folder = start, folder
    return run


def test_the_wheel_holds_the_package_alone_and_every_file_of_it(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    package = {name for name in names if not re.match(r"backfile-[\d.]+\.dist-info/", name)}
    expected = {
        f"backfile/{path.relative_to(ROOT).as_posix()}"
        for floor in FLOORS
        for path in (ROOT / floor).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
        if floor != "scripts" or path.suffix == ".py" or "sample" in path.parts
        if path.suffix not in (".md", ".png")
    }
    expected -= {
        name for name in expected if name.removeprefix("backfile/").startswith(NOT_SHIPPED)
    }
    library = (ROOT / "scripts" / "library").iterdir()
    expected |= {f"backfile/{path.name}" for path in library if path.is_file()}
    assert package == expected


def test_the_installed_library_opens_indexes_and_searches(installed):
    program = f"""
import backfile, pathlib
assert backfile.__file__.startswith({str(installed.folder)!r}), backfile.__file__
with backfile.open("own", create=True) as archive:
    archive.index([{{"id": "a", "title": "Swing bridge", "text": "It is shut."}}], vectors=False)
    print([hit.article.id for hit in archive.search("bridge", mode="keyword")])
"""
    assert installed("-c", program) == "['a']\n"


def test_the_installed_commands_index_search_and_serve(installed):
    command = ("-m", "backfile.scripts.backfile")
    sample = installed.folder / "site" / "backfile" / "scripts" / "sample"
    stories = write_stories(installed.folder)
    report = json.loads(installed(*command, "index", sample, stories, "--no-vectors", "--json"))
    assert report["new"] == 62 + 7
    assert "Swing bridge shut" in installed(
        *command, "search", "swing", "bridge", "--source=Courier"
    )
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    process = installed.start(*command, "serve", "--port", port)
    try:
        page = fetched(f"http://127.0.0.1:{port}/?q=swing+bridge&mode=keyword", process)
        assert "<mark>bridge</mark>" in page
        assert "/static/backfile.css" in page
        assert fetched(f"http://127.0.0.1:{port}/static/backfile.css", process)
    finally:
        process.terminate()
        process.communicate(timeout=30)


def test_every_installed_command_has_its_help(installed):
    command = ("-m", "backfile.scripts.backfile")
    listed = installed(*command, "--help").split("Commands:\n")[1]
    names = re.findall(r"^  (\w+)", listed, re.MULTILINE)
    assert {"index", "search", "serve"} <= set(names)
    for name in names:
        assert "Usage:" in installed(*command, name, "--help")


def fetched(address, process):
    """Fetch a page as soon as it is served."""
    end = time.monotonic() + SERVED_WITHIN
    while True:
        try:
            with urlopen(address) as answer:
                return answer.read().decode()
        except HTTPError:
            raise
        except URLError:
            assert process.poll() is None, "the server has ended"
            assert time.monotonic() < end, "it is not served"
            time.sleep(0.2)
