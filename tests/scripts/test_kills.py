"""Commands that are killed at any point: the archive stays whole, and the next run finishes.

A kill comes at a file operation (open for writing, rename, delete, make a folder) or at a statement
of the catalogue's, chosen at random among those of an undisturbed run.
"""

import json
import os
import random
import shutil
import signal
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Engine, event

from backfile.archive.store.catalog import Catalog
from backfile.archive.store.manifest import Manifest
from tests.archive.web_server import WebServer
from tests.builders import STORIES, backfile, damage, paper_model
from tests.processes import PROCESSES, share_forkserver

pytestmark = pytest.mark.crash
MOMENTS = {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.truncate", "os.link"}
SEEDS = 2  # kills of each command in the ordinary run
LONGER = STORIES[0]["text"] + " It runs at night again."
MANY = 20  # in the long one


class Kill:
    """Counts the moments at which a process may be killed; kills it at one of them."""

    def __init__(self, at: int | None) -> None:
        self.at = at
        self.count = 0

    def moment(self) -> None:
        self.count += 1
        if self.count == self.at:
            os.kill(os.getpid(), signal.SIGKILL)

    def __call__(self, name: str, arguments: tuple[object, ...]) -> None:
        if name == "open":
            _, mode, flags = arguments
            writes = isinstance(flags, int) and flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
            if writes or (isinstance(mode, str) and set(mode) & set("wax+")):
                self.moment()
        elif name in MOMENTS:
            self.moment()


def run_here(arguments: list[str], at: int | None, counts: Path | None) -> None:
    """Run a command in this process; write how many moments it had, if it lives so long."""
    share_forkserver()
    kill = Kill(at)
    sys.addaudithook(kill)
    for name in ("begin", "before_cursor_execute", "commit"):
        event.listen(Engine, name, lambda *_: kill.moment())
    result = backfile(*arguments)
    if counts:
        counts.write_text(json.dumps([kill.count, result.exit_code, result.output]))
    os._exit(result.exit_code)


def run(arguments, at=None, counts=None):
    process = PROCESSES.Process(target=run_here, args=([*map(str, arguments)], at, counts))
    process.start()
    process.join(120)
    return process.exitcode


def finish(arguments, folder, exits=frozenset({0})):
    """Run a command to its end; return how many moments it had."""
    exitcode = run(arguments, counts=folder / "counts.json")
    moments, _, output = json.loads((folder / "counts.json").read_text())
    assert exitcode in exits, output
    return moments


def model_of(folder: Path):
    """The environment for the model that an archive has."""
    return {"BACKFILE_MODEL": Manifest.read(folder / "manifest.json").model}


def seen(folder: Path):
    """All that the record holds, without moments and numbers, and what a search finds."""
    ranking = folder / "ranking.json"
    with closing(Catalog(folder / "catalog.db")) as catalog:
        articles = sorted((article.id, digest) for article, digest in catalog.digests())
        versions = sorted((each, catalog.history.count(each)) for each, _ in articles)
        removed = sorted(catalog.history.all_removed())
    found = backfile(
        *("search", "ferry", "--json", "--mode", "keyword", "--archive", folder), **model_of(folder)
    )
    hits = [
        (hit["article"]["id"], round(hit["score"], 6)) for hit in json.loads(found.stdout)["hits"]
    ]
    return articles, versions, removed, hits, ranking.exists() and ranking.read_text()


class Scene:
    """An archive, its source, and a command on them."""

    def __init__(self, folder: Path, archive: Path, url: str) -> None:
        self.folder = folder
        self.archive = folder / "archive"
        shutil.copytree(archive, self.archive)
        self.source = folder / "stories.jsonl"
        self.url = url

    def write(self, stories) -> None:
        self.source.write_text("".join(json.dumps(story) + "\n" for story in stories))

    def prepare(self, command: str) -> list[object]:
        """Lay the scene for a command; return its arguments."""
        here = ["--archive", self.archive]
        match command:
            case "index new":
                shutil.rmtree(self.archive)
                self.write(STORIES)
                return ["index", self.source, "--no-vectors", *here]
            case "index changed":
                longer = [{**each, "text": each["text"] + " It rained."} for each in STORIES[:3]]
                self.write([*longer, {**STORIES[0], "id": "late", "title": "A late ferry"}])
                return ["index", self.source, "--no-vectors", *here]
            case "remove":
                return ["remove", "ferry", "bridge", *here]
            case "rebuild":
                return ["rebuild", "lexical", *here]
            case "reread":
                return ["reread", "--no-vectors", *here]
            case "reread lost":
                for path in self.archive.glob("catalog.db*"):
                    path.unlink()
                return ["reread", "--all", "--no-vectors", *here]
            case "repair":
                with closing(sqlite3.connect(self.archive / "catalog.db")) as damaged, damaged:
                    damaged.execute("UPDATE articles SET text = 'It sank.' WHERE id = 'ferry'")
                damage(next(self.archive.glob("lexical/*.pst")), "flip")
                return ["verify", "--repair", *here]
            case "tune":
                (self.folder / "queries.tsv").write_text("0\tferry\n1\tbridge\n")
                (self.folder / "qrels.txt").write_text("0 0 ferry 1\n1 0 bridge 1\n")
                return ["tune", self.folder, "--force", *here]
            case "backup":
                return ["backup", self.folder / "backup", *here]
            case "restore":
                assert backfile("backup", self.folder / "backup", *here).exit_code == 0
                assert backfile("remove", "ferry", *here).exit_code == 0
                return ["restore", self.folder / "backup", *here]
            case "reembed":
                return ["reembed", "--model", paper_model(self.folder / "paper"), *here]
            case "follow":
                return ["follow", self.url, "--allow-private", "--no-vectors", *here]
        raise AssertionError(command)


COMMANDS = [
    "index new", "index changed", "remove", "rebuild", "reread", "reread lost", "repair", "tune",
    "backup", "restore", "reembed", "follow",
]  # fmt: skip
UNREADABLE = ("reread lost", "repair")  # what these mend can be searched afterwards alone
FEED = """<rss version="2.0"><channel><title>Courier</title><item><title>Ferry back</title>
<guid>https://courier.example/back</guid><link>https://courier.example/back</link>
<description>The night ferry is back on the Ash, a week early, and it is full.</description>
<pubDate>Mon, 06 May 2024 10:00:00 GMT</pubDate></item></channel></rss>"""


@pytest.fixture(scope="module")
def feed():
    with WebServer() as server:
        headers = {"Content-Type": "application/rss+xml", "Cache-Control": "no-cache"}
        server.answers["/feed"] = (200, headers, FEED.encode())
        yield server.url()


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory, indexed_by_words, feed):
    """What each command leaves, and how many moments it has, by command; measured once."""
    known = {}

    def of(command):
        if command not in known:
            folder = tmp_path_factory.mktemp("undisturbed")
            scene = Scene(folder, indexed_by_words, feed)
            arguments = scene.prepare(command)
            moments = finish(arguments, folder)
            known[command] = moments, seen(scene.archive)
        return known[command]

    return of


def check_a_kill(command, seed, undisturbed, indexed_by_words, feed, tmp_path):
    moments, expected = undisturbed(command)
    at = random.Random(f"{command} {seed}").randint(1, moments)
    scene = Scene(tmp_path, indexed_by_words, feed)
    arguments = scene.prepare(command)
    readable = scene.archive.exists() and command not in UNREADABLE
    before = seen(scene.archive) if readable else None
    killed = run(arguments, at)
    assert killed in (-signal.SIGKILL, 0), f"moment {at} of {moments}"
    if before:
        articles = {each for each, _ in seen(scene.archive)[0]}
        assert articles <= {each for each, _ in before[0] + expected[0]}
    # A removal that was committed before the kill leaves nothing to remove, which is exit 1.
    finish(arguments, tmp_path, exits={0, 1} if command == "remove" else {0})
    assert seen(scene.archive) == expected, f"moment {at} of {moments}"
    result = backfile("verify", "--archive", scene.archive, **model_of(scene.archive))
    assert result.output == "the archive is sound\n", f"moment {at} of {moments}"
    if command == "backup":
        copy = tmp_path / "copy"
        assert backfile("restore", tmp_path / "backup", "--archive", copy).exit_code == 0
        assert seen(copy) == expected


@pytest.mark.parametrize("seed", range(SEEDS))
@pytest.mark.parametrize("command", COMMANDS)
def test_a_killed_command_is_finished_by_the_next(
    command, seed, undisturbed, indexed_by_words, feed, tmp_path
):
    check_a_kill(command, seed, undisturbed, indexed_by_words, feed, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(SEEDS, SEEDS + MANY))
@pytest.mark.parametrize("command", COMMANDS)
def test_commands_survive_many_kills(command, seed, undisturbed, indexed_by_words, feed, tmp_path):
    check_a_kill(command, seed, undisturbed, indexed_by_words, feed, tmp_path)


def test_two_writers_at_once_are_one_writer_and_one_clear_error(indexed_by_words, tmp_path):
    archive = shutil.copytree(indexed_by_words, tmp_path / "archive")
    first = PROCESSES.Process(target=hold_the_lock, args=(archive,))
    first.start()
    while not (tmp_path / "held").exists():
        assert first.is_alive()
    try:
        result = backfile("remove", "ferry", "--archive", archive)
        assert result.exit_code == 2
        assert "another process is writing" in result.output
    finally:
        first.kill()
        first.join()
    assert backfile("remove", "ferry", "--archive", archive).exit_code == 0


def hold_the_lock(archive: Path) -> None:
    from backfile.archive.store.directory import ArchiveDirectory

    with ArchiveDirectory(archive).writing():
        (archive.parent / "held").touch()
        signal.pause()


def test_a_clock_that_is_set_back_loses_nothing(indexed_by_words, tmp_path):
    archive = shutil.copytree(indexed_by_words, tmp_path / "archive")
    with closing(sqlite3.connect(archive / "catalog.db")) as connection, connection:
        connection.execute("UPDATE articles SET kept_at = '2999-01-01T00:00:00+00:00'")
        connection.execute("DELETE FROM seals")  # which do not fit any more
    (archive / "columns").unlink()  # nor does this
    source = tmp_path / "stories.jsonl"
    source.write_text(json.dumps({**STORIES[0], "text": LONGER}) + "\n")
    assert backfile("index", source, "--no-vectors", "--archive", archive).exit_code == 0
    with closing(Catalog(archive / "catalog.db")) as catalog:
        (earlier,) = catalog.history.of("ferry")
        assert earlier.article.text == STORIES[0]["text"]
        assert catalog.article("ferry").text == LONGER
    assert backfile("verify", "--archive", archive).exit_code == 0
