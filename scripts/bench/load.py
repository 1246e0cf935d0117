"""Sends requests to a server from several clients at once, and reads its memory and handles.

`python -m backfile.scripts.bench.load --archive DIR` sends a mix of requests from 1, 8 and 64
clients in turn; `--code CHECKOUT` does the same with the server of another checkout before that,
and `--index FILE`, given as often as there are loads, indexes a file beside each of them.
"""

import http.client
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from itertools import count, zip_longest
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlencode

import click

from backfile.archive.model.errors import EngineUnavailable
from backfile.archive.model.settings import Settings
from backfile.index.model.query import Mode
from backfile.index.wiring import open_engines
from backfile.scripts.bench.baselines.words import Kind
from backfile.scripts.bench.queries import queries_from
from backfile.scripts.bench.timing import Latency, latency
from backfile.scripts.commands.options import with_settings

CLIENTS = 8
STARTING = 120.0  # seconds a server may take until it answers
WARMING = 3.0  # seconds of load before the first measurement
PAUSE = 0.2  # seconds until a client that was refused asks again
MIXED = "mixed"
MEGABYTE = 1 << 20
PathOf = Callable[[int], str]


@dataclass(frozen=True, slots=True)
class Load:
    """Throughput and latency of answers with some clients; each asks again after each answer.

    Refusals (503) count neither as answers nor as failures.
    """

    mode: str  # of the searches, or MIXED
    requests_a_second: float
    latency: Latency
    failed: int
    refused: int = 0
    clients: int = CLIENTS


@dataclass(frozen=True, slots=True)
class Served:
    """The loads, and the memory of the server in bytes, 0 if unknown.

    `own` is what no file backs (RssAnon), `mapped` what files do, after the loads; `peak_memory` is
    of both, at most.
    """

    loads: tuple[Load, ...]
    peak_memory: int
    own: int = 0
    mapped: int = 0


@dataclass(frozen=True, slots=True)
class _Seen:
    """What all clients of one load saw; lists, because appending is atomic."""

    took: list[float] = field(default_factory=list)
    failed: list[int] = field(default_factory=list)
    refused: list[int] = field(default_factory=list)


def load(settings: Settings, modes: Sequence[Mode], texts: Sequence[str], seconds: float) -> Served:
    """Start a server of the archive, put it under load in each mode for `seconds`, and stop it."""
    with server(settings) as (process, port):
        loads = tuple(
            _load(port, _searches(mode, texts), seconds, mode=mode.value) for mode in modes
        )
        return Served(loads, *(_status(process, each) for each in ("VmHWM", "RssAnon", "RssFile")))


def _searches(mode: Mode, texts: Sequence[str]) -> PathOf:
    return lambda n: "/api/search?" + urlencode({"q": texts[n % len(texts)], "mode": mode})


def mixed(texts: Sequence[str]) -> PathOf:
    """Make the path of the nth request of a mix: searches, pages, filters, suggestions, exports.

    >>> mixed(["tide"])(2), mixed(["tide"])(19)
    ('/api/suggest?q=tid', '/export.csv?q=tide&mode=keyword')
    """

    def path(n: int) -> str:
        text = texts[n % len(texts)]
        if n % 20 == 19:
            return "/export.csv?" + urlencode({"q": text, "mode": Mode.KEYWORD})
        match n % 5:
            case 0:
                return "/?" + urlencode({"q": text})
            case 1:
                return "/api/search?" + urlencode({"q": text, "mode": Mode.KEYWORD})
            case 2:
                return "/api/suggest?" + urlencode({"q": text[:-1]})
            case 3:
                return "/api/search?" + urlencode({"q": text, "since": "1990", "not_section": "x"})
        return "/?" + urlencode({"q": text, "mode": Mode.KEYWORD, "sort": "newest", "limit": 50})

    return path


def _load(
    port: int, path: PathOf, seconds: float, *, mode: str = MIXED, clients: int = CLIENTS
) -> Load:
    seen = _Seen()
    began = time.perf_counter()

    def ask(client: int) -> None:
        with closing(connected(port)) as connection:
            for n in count(client * 7):  # clients begin at different requests
                asked = time.perf_counter()
                if asked - began > seconds:
                    return
                try:
                    connection.request("GET", path(n))
                    answer = connection.getresponse()
                    answer.read()
                except (OSError, http.client.HTTPException):
                    connection.close()
                    seen.failed.append(0)
                    continue
                match answer.status:
                    case HTTPStatus.OK:
                        seen.took.append(1000 * (time.perf_counter() - asked))
                    case HTTPStatus.SERVICE_UNAVAILABLE:
                        seen.refused.append(answer.status)
                        time.sleep(PAUSE)
                    case _:
                        seen.failed.append(answer.status)

    threads = [threading.Thread(target=ask, args=(n,)) for n in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    rate = len(seen.took) / (time.perf_counter() - began)
    times = latency(seen.took or [0.0])
    return Load(mode, rate, times, len(seen.failed), len(seen.refused), clients)


@contextmanager
def server(settings: Settings, code: Path | None = None) -> Iterator[tuple[int, int]]:
    """Start the server of a checkout, by default of this one; give its process and its port."""
    port = _free_port()
    options = ["--archive", str(settings.archive), "--port", str(port)]
    path = f"import sys; sys.path.insert(0, {str(code / '.types')!r}); " if code else ""
    program = f"{path}from backfile.scripts.backfile import main; main()"
    command = [sys.executable, "-c", program, "serve", *options]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        _wait_until_ready(server, port)
        yield server.pid, port
    finally:
        server.terminate()
        server.wait()


def _wait_until_ready(server: "subprocess.Popen[bytes]", port: int) -> None:
    began = time.monotonic()
    while time.monotonic() - began < STARTING and server.poll() is None:
        with suppress(OSError, http.client.HTTPException), closing(connected(port)) as connection:
            connection.request("GET", "/api/search?q=news")
            if connection.getresponse().status == HTTPStatus.OK:
                return
        time.sleep(0.2)
    raise EngineUnavailable("the server", "it does not answer; `backfile serve` says why")


def _status(process: int, name: str) -> int:
    """Bytes of memory of another process by its name in /proc; 0 on other systems than Linux.

    `getrusage` would not do: a child's peak there is at least its parent's when it was started.
    """
    status = Path(f"/proc/{process}/status")
    lines = status.read_text().splitlines() if status.exists() else []
    found = [int(line.split()[1]) for line in lines if line.startswith(f"{name}:")]
    return 1024 * found[0] if found else 0


def _handles(process: int) -> int:
    """The number of files and sockets that a process has open, from Linux; 0 elsewhere."""
    folder = Path(f"/proc/{process}/fd")
    return len(list(folder.iterdir())) if folder.exists() else 0


def connected(port: int) -> http.client.HTTPConnection:
    return http.client.HTTPConnection("127.0.0.1", port, timeout=60)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def measure(
    settings: Settings,
    clients: Sequence[int],
    seconds: float,
    code: Path | None = None,
    beside: Sequence[Path] = (),
) -> Iterator[str]:
    """Put the server of a checkout under mixed load; yield a table, a row for each load.

    The files are indexed `beside` the loads, one each, with the code of this checkout.
    """
    texts = [
        " ".join(words) for words in queries_from(open_engines(settings).catalog, 100)[Kind.WORDS]
    ]
    yield (
        "| clients | answers a second | ms p50 / p95 / p99 | refused | failed | MB | handles "
        "| indexing, s |"
    )
    with server(settings, code) as (process, port):
        _load(port, mixed(texts), min(WARMING, seconds))
        for number, file in zip_longest(clients, beside[: len(clients)]):
            with _indexing(settings, file) as took:
                found = _load(port, mixed(texts), seconds, clients=number)
            yield f"{_row(found, process)} {', '.join(took) or '-'} |"


@contextmanager
def _indexing(settings: Settings, file: Path | None) -> Iterator[list[str]]:
    """Index a file in the meantime; the list holds its seconds at the end, or its failure."""
    took: list[str] = []
    if file is None:
        yield took
        return
    program = "from backfile.scripts.backfile import main; main()"
    command = [sys.executable, "-c", program, "index", str(file), "--archive"]
    began = time.monotonic()
    with subprocess.Popen(
        [*command, str(settings.archive), "--quiet"], stdout=subprocess.DEVNULL
    ) as indexing:
        waiting = threading.Thread(target=lambda: took.append(_ended(indexing, began)))
        waiting.start()
        yield took
        waiting.join()


def _ended(process: "subprocess.Popen[bytes]", began: float) -> str:
    code = process.wait()
    return f"failed ({code})" if code else f"{time.monotonic() - began:.0f}"


def _row(found: Load, process: int) -> str:
    times = found.latency
    memory = _status(process, "VmRSS") / MEGABYTE
    return (
        f"| {found.clients} | {found.requests_a_second:.0f} | {times.p50:.0f} / {times.p95:.0f} / "
        f"{times.p99:.0f} | {found.refused} | {found.failed} | {memory:.0f} | {_handles(process)} |"
    )


@click.command()
@click.option("--clients", type=click.IntRange(min=1), multiple=True, default=(1, 8, 64))
@click.option("--seconds", default=15.0, show_default=True, help="How long each load lasts.")
@click.option(
    "--code",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="A checkout whose server is measured first.",
)
@click.option(
    "--index",
    "beside",
    multiple=True,
    type=click.Path(path_type=Path, exists=True),
    help="Index this beside a load, into a copy of the archive; the first beside the first load.",
)
@with_settings
def main(
    settings: Settings,
    clients: tuple[int, ...],
    seconds: float,
    code: Path | None,
    beside: tuple[Path, ...],
) -> None:
    """Measure a server under a mix of requests from several clients."""
    for checkout in dict.fromkeys((code, None)):
        click.echo(f"{checkout or 'this checkout'}")
        with TemporaryDirectory() as folder:
            archive = settings.archive
            if beside:
                archive = Path(shutil.copytree(archive, Path(folder) / "archive"))
            for row in measure(
                replace(settings, archive=archive), clients, seconds, checkout, beside
            ):
                click.echo(row)


if __name__ == "__main__":
    main()
