"""Counts what a search, a new article and an article page cross on their way through the code.

Run as `python -m backfile.scripts.bench.hops`. It works on the sample archive, in a temporary
folder, by words alone. Calls are counted in all threads; a module or a function counts once.
"""

import io
import json
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import click
from sqlalchemy import Connection, Engine, event

from backfile.archive.formats.fields import FieldMap
from backfile.archive.formats.inputs import Reading
from backfile.archive.model.settings import Settings
from backfile.archive.store.reader import ArchiveReader
from backfile.index.indexing.stages import Stage
from backfile.index.model.query import Mode, Query
from backfile.index.wiring import open_engines, searcher_over
from backfile.index.writing import open_for_writing
from backfile.scripts.commands.index import index
from backfile.scripts.commands.options import as_json
from backfile.web.app import create_app

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "scripts" / "sample"
TEXT = "swing bridge"
REQUEST = "/api/search?q=swing+bridge&mode=keyword"
PAGE = "/article/cc-2023-004"  # of the sample
READS = ("SELECT", "WITH")
NO_WRITES = (*READS, "PRAGMA", "BEGIN")
TRIES = 3  # the least counts: a search looks for changes once a second


@dataclass(frozen=True, slots=True)
class Hops:
    """What is crossed.

    `search_*` counts a warm keyword search, `request_*` the same over HTTP as JSON; `index_modules`
    counts `Indexer.index` with one new article, and `index_transactions` what `backfile index
    --no-vectors` commits for one; `first_page_reads` and `page_reads` are the SELECT statements of
    an article page, the first one after the archive was opened and the next one.
    """

    search_modules: int
    search_functions: int
    request_modules: int
    request_functions: int
    index_modules: int
    index_functions: int
    index_transactions: int
    first_page_reads: int
    page_reads: int


NAMES = {
    "search_modules": "a warm keyword search: modules",
    "search_functions": "  functions",
    "request_modules": "the same as a request for JSON: modules",
    "request_functions": "  functions",
    "index_modules": "one new article: modules",
    "index_functions": "  functions",
    "index_transactions": "one new article, by the command: write transactions",
    "first_page_reads": "an article page: SQL reads of the first",
    "page_reads": "  of the next",
}


class Calls:
    """The code objects that were called while a block ran."""

    def __init__(self) -> None:
        self._codes: set[CodeType] = set()

    def __call__(self, frame: FrameType, kind: str, _: Any) -> None:
        if kind == "call":
            self._codes.add(frame.f_code)

    @property
    def functions(self) -> set[tuple[str, str]]:
        """Module and name of each function of ours; comprehensions and lambdas are none."""
        found = ((_module(code.co_filename), code.co_qualname) for code in self._codes)
        return {(name, function) for name, function in found if name and function[-1] != ">"}

    @property
    def modules(self) -> set[str]:
        return {module for module, _ in self.functions}


class Statements:
    """The SQL statements that were executed while a block ran."""

    def __init__(self) -> None:
        self.reads = 0
        self.write_transactions = 0

    def execute(self, connection: Connection, _: Any, statement: str, *__: Any) -> None:
        verb = statement.split(maxsplit=1)[0].upper()
        self.reads += verb in READS
        connection.info["writes"] = connection.info.get("writes", False) or verb not in NO_WRITES

    def commit(self, connection: Connection) -> None:
        self.write_transactions += connection.info.pop("writes", False)


@contextmanager
def calls() -> Iterator[Calls]:
    """Record the calls of this thread and of those that it starts."""
    found = Calls()
    threading.setprofile(found)
    sys.setprofile(found)
    try:
        yield found
    finally:
        sys.setprofile(None)
        threading.setprofile(None)


@contextmanager
def statements() -> Iterator[Statements]:
    """Record the statements of all databases that are open, and of those that are opened."""
    found = Statements()
    listeners = (("before_cursor_execute", found.execute), ("commit", found.commit))
    for name, listener in listeners:
        event.listen(Engine, name, listener)
    try:
        yield found
    finally:
        for name, listener in listeners:
            event.remove(Engine, name, listener)


def measure(folder: Path) -> Hops:
    """Index the sample below the folder, and count."""
    settings = replace(Settings(), archive=folder / "archive", threads=1)
    with open_for_writing(settings, _silent, create=True) as opened:
        opened.indexer.index(Reading([SAMPLE], FieldMap()))
    pages = [_page_reads(settings) for _ in range(TRIES)]
    search, request = _search_calls(settings)
    indexing = _index_calls(settings, _article(folder, "one"))
    return Hops(
        search_modules=len(search.modules),
        search_functions=len(search.functions),
        request_modules=len(request.modules),
        request_functions=len(request.functions),
        index_modules=len(indexing.modules),
        index_functions=len(indexing.functions),
        index_transactions=_index_transactions(settings, _article(folder, "two")),
        first_page_reads=min(first for first, _ in pages),
        page_reads=min(following for _, following in pages),
    )


def _page_reads(settings: Settings) -> tuple[int, int]:
    engines = open_engines(settings)
    app = create_app(searcher_over(engines, settings), ArchiveReader(engines.catalog))
    client = app.test_client()
    found = []
    for _ in range(2):
        with statements() as executed:
            client.get(PAGE)
        found.append(executed.reads)
    return found[0], found[1]


def _search_calls(settings: Settings) -> tuple[Calls, Calls]:
    engines = open_engines(settings)
    searcher = searcher_over(engines, settings)
    query = Query(TEXT, mode=Mode.KEYWORD)
    client = create_app(searcher, ArchiveReader(engines.catalog)).test_client()
    return _warm_calls(lambda: searcher.search(query)), _warm_calls(lambda: client.get(REQUEST))


def _warm_calls(work: Callable[[], object]) -> Calls:
    """Record work that was done once before."""
    work()
    found = []
    for _ in range(TRIES):
        with calls() as recorded:
            work()
        found.append(recorded)
    return min(found, key=lambda each: len(each.functions))


def _index_calls(settings: Settings, article: Path) -> Calls:
    with open_for_writing(settings, _silent) as opened, calls() as found:
        opened.indexer.index(Reading([article], FieldMap()))
    return found


def _index_transactions(settings: Settings, article: Path) -> int:
    arguments = [str(article), "--archive", str(settings.archive), "--no-vectors", "--quiet"]
    with statements() as executed, redirect_stdout(io.StringIO()), suppress(SystemExit):
        arguments += ["--threads", "1"]
        # A command keeps its help option from its first call: it is that of `backfile`.
        index.main(arguments, standalone_mode=False, help_option_names=["-h", "--help"])
    return executed.write_transactions


def _article(folder: Path, name: str) -> Path:
    """Write a JSON Lines file of one article that the sample does not hold."""
    path = folder / f"{name}.jsonl"
    text = f"The lamp at Skerry Point was lit for day {name}. Nobody came to see it."
    record = {"id": name, "title": f"Lamp, {name}", "published": "2024-01-02", "text": text}
    path.write_text(json.dumps(record) + "\n", encoding="utf-8")
    return path


def _module(filename: str) -> str:
    """The path of a file of ours below the checkout; empty for any other, and for measurements."""
    path = Path(filename).resolve()
    name = path.relative_to(ROOT).as_posix() if path.is_relative_to(ROOT) else ""
    floors = ("archive/", "index/", "web/", "scripts/")
    return name if name.startswith(floors) and not name.startswith("scripts/bench/") else ""


def _silent(stage: Stage, done: int, total: int) -> None:
    """Progress that nobody watches."""


@click.command()
@as_json
def main(as_json: bool) -> None:
    """Count the modules, functions, write transactions and SQL reads of the commonest paths."""
    with tempfile.TemporaryDirectory() as folder:
        found = asdict(measure(Path(folder)))
    if as_json:
        click.echo(json.dumps(found))
        return
    for name, count in found.items():
        click.echo(f"{NAMES[name]:52}{count:5}")


if __name__ == "__main__":
    main()
