"""Measures what one more article costs an archive, and how soon a server finds it."""

import json
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from threading import Event, Thread
from urllib.parse import urlencode

from backfile.archive.model.errors import EngineUnavailable
from backfile.archive.model.settings import Settings
from backfile.index.model.query import Mode
from backfile.scripts.bench.load import connected, server
from backfile.scripts.bench.timing import Cost, Latency, cost_of, latency

TIMES = 5
LONGEST_WAIT = 60.0  # seconds until an article must be found
BETWEEN_LOOKS = 0.02  # seconds
PATTERN = "Zzyzx{:x}"  # a word that no archive has


@dataclass(frozen=True, slots=True)
class Growth:
    """One more article, several times. `indexing` is the median of whole processes.

    `visible` is the longest time in seconds from the end of such a process until a search on a
    running server found the article. `quiet` and `beside` are searches by one client, before and
    while articles came in.
    """

    indexing: Cost
    visible: float
    quiet: Latency
    beside: Latency


def grow(settings: Settings, texts: Sequence[str], seconds: float, place: Path) -> Growth:
    """Add articles to an archive, one process each, beside searches; they stay in it."""
    with server(settings) as (_, port):
        quiet = _asked(port, texts, seconds)
        costs, waits = [], []
        with _Asking(port, texts) as asking:
            for turn in range(TIMES):
                word = PATTERN.format(time.time_ns())
                article = place / f"{turn}.jsonl"
                story = {"id": word, "title": f"{word} is new", "text": f"It was {word}. " * 40}
                article.write_text(json.dumps(story) + "\n", encoding="utf-8")
                costs.append(cost_of(partial(_index, settings, article)))
                waits.append(_wait_until_found(port, word))
    cost = Cost(*(median(each) for each in zip(*costs, strict=True)))
    return Growth(cost, max(waits), quiet, latency(asking.took or [0.0]))


class _Asking:
    """Searches in a thread, one search after the other, until the block ends."""

    def __init__(self, port: int, texts: Sequence[str]) -> None:
        self.took: list[float] = []
        self._over = Event()
        self._thread = Thread(target=self._ask, args=(port, texts))

    def __enter__(self) -> "_Asking":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _ask(self, port: int, texts: Sequence[str]) -> None:
        turn = 0
        while not self._over.is_set():
            began = time.perf_counter()
            _search(port, texts[turn % len(texts)])
            self.took.append(1000 * (time.perf_counter() - began))
            turn += 1


def _asked(port: int, texts: Sequence[str], seconds: float) -> Latency:
    with _Asking(port, texts) as asking:
        time.sleep(seconds)
    return latency(asking.took or [0.0])


def _index(settings: Settings, article: Path) -> None:
    furniture = (
        f"import os; os.environ['BACKFILE_FURNITURE'] = {'yes' if settings.furniture else 'no'!r}"
    )
    program = f"{furniture}; from backfile.scripts.backfile import main; main()"
    options = ["--archive", str(settings.archive), "--no-vectors", "--quiet"]
    command = [sys.executable, "-c", program, "index", str(article), *options]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)  # noqa: S603 - our own words


def _wait_until_found(port: int, word: str) -> float:
    """Seconds until a search finds the word; raise EngineUnavailable if none does."""
    began = time.perf_counter()
    while (waited := time.perf_counter() - began) < LONGEST_WAIT:
        if _search(port, f'"{word}"'):
            return waited
        time.sleep(BETWEEN_LOOKS)
    raise EngineUnavailable("the server", "it does not find what was indexed")


def _search(port: int, text: str) -> int:
    """The number of articles that a search by words finds."""
    with closing(connected(port)) as connection:
        path = "/api/search?" + urlencode({"q": text, "mode": Mode.KEYWORD})
        connection.request("GET", path)
        answer = json.loads(connection.getresponse().read())
        return int(answer.get("total", 0))
