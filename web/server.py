"""Serves an archive; keyword searches work while the model loads."""

import ctypes
import gc
import logging
import resource
import signal
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FrameType

from backfile.archive.model.errors import ArchiveError, BadSetting, EngineUnavailable
from backfile.archive.model.settings import Settings
from backfile.archive.store.directory import ArchiveDirectory
from backfile.archive.store.reader import ArchiveReader
from backfile.index.model.query import Query
from backfile.index.seams.engines import Engines
from backfile.index.seams.protocols import Embedder
from backfile.index.search.searcher import Searcher
from backfile.index.search.snapshot import SECONDS_BETWEEN_LOOKS
from backfile.index.wiring import open_engines, searcher_over
from backfile.web.admission import gate_for
from backfile.web.api.writes import Writes
from backfile.web.app import MAX_BODY, create_app
from backfile.web.collections.access import Access
from backfile.web.connections import Limits, Server
from backfile.web.metrics import SearchMetrics
from backfile.web.public_address import LOCAL_HOSTS, hosts_of
from backfile.web.request_log import log_to_stderr
from backfile.web.uploads import Uploads
from backfile.web.worker_metrics import WorkerMetrics
from backfile.web.workers import begin_worker, supervise
from backfile.web.writer_process import resident_writer

CONNECTIONS = 1000
FILES = 4096  # that this process may open; macOS allows 256 unless it is asked
BACKLOG = 1024  # connections that wait to be accepted
LIMITS_OF_MALLOC = {-8: 2, -3: 1 << 20}  # M_ARENA_MAX, and M_MMAP_THRESHOLD in bytes
log = logging.getLogger(__name__)


def serve(settings: Settings, announce: Callable[[str], None]) -> None:
    """Serve until SIGTERM or SIGINT; announce the address once it is open.

    The requests that were begun are answered before it returns; a second SIGINT interrupts them.
    Raises BadSetting if the address is not available, or the token too short.
    """
    if settings.token:
        settings.require_token("writes over HTTP")
    with resident_writer(settings):
        _serve(settings, announce)


def _return_memory() -> None:
    """Have the C library give large arrays back when they are dropped, where it is GNU's.

    Otherwise each thread keeps what its largest searches took: half of the memory of a server.
    """
    library = ctypes.CDLL(None)
    if hasattr(library, "mallopt"):
        for parameter, value in LIMITS_OF_MALLOC.items():
            library.mallopt(parameter, value)


def _serve(settings: Settings, announce: Callable[[str], None]) -> None:
    engines = open_engines(settings)
    given = "BACKFILE_PORT" if "port" in settings.given else "--port"
    sockets = listening_sockets(settings.host, settings.port, given)
    address = f"http://{_host(settings)}:{settings.port}"
    if settings.workers == 1:
        server = _server(settings, engines, sockets)
        _stop_by_signal(server)
        announce(address)
        _run(server, engines)
        return
    engines.catalog.close()  # it could be opened; each worker opens its own
    with TemporaryDirectory(prefix="backfile-") as folder:
        announce(address)
        supervise(partial(_work, settings, sockets, Path(folder)), settings.workers)


def _work(settings: Settings, sockets: list[socket.socket], folder: Path, number: int) -> None:
    """Serve in a worker process."""
    log_to_stderr(settings, number)
    engines = open_engines(settings)
    metrics = WorkerMetrics(folder, number, settings.workers)
    server = _server(settings, engines, sockets, metrics)
    begin_worker(server.stop)
    _run(server, engines)


def _server(
    settings: Settings,
    engines: Engines,
    sockets: list[socket.socket],
    metrics: WorkerMetrics | None = None,
) -> Server:
    _return_memory()
    host = _host(settings)
    trusted_hosts = hosts_of(settings.public_url, local=host in LOCAL_HOSTS)
    searches, directory = SearchMetrics(), ArchiveDirectory(settings.archive)
    searcher = searcher_over(engines, settings, serving=True, recorder=searches)
    gate = gate_for(settings.worker_threads, settings.queue, settings.workers)
    inbox, most = engines.catalog.inbox, settings.upload << 20
    writes = Writes(inbox, settings.token, most) if settings.token else None
    app = create_app(
        searcher,
        ArchiveReader(engines.catalog),
        trusted_hosts=trusted_hosts,
        cors=settings.cors,
        rate=settings.rate,
        gate=gate,
        writes=writes,
        workers=metrics,
        searches=searches,
        directory=directory,
        public_url=settings.public_url,
        proxies=settings.proxies,
        log_queries=settings.log_queries,
        access=Access.of(host, settings.public_url, settings.proxies, settings.token),
    )
    warming = (searcher, engines, directory)
    threading.Thread(target=_warm, args=warming, daemon=True).start()
    return Server(
        app,
        sockets,
        threads=gate.threads,
        name="localhost" if trusted_hosts else host,
        proxied=settings.proxies > 0,
        limits=Limits(body=MAX_BODY, connections=_connections()),
        uploads=Uploads(inbox.folder, settings.token, most) if writes else None,
    )


def _run(server: Server, engines: Engines) -> None:
    try:
        server.run()
    finally:
        engines.catalog.close()


def _host(settings: Settings) -> str:
    return f"[{settings.host}]" if ":" in settings.host else settings.host


def listening_sockets(host: str, port: int, given: str = "--port") -> list[socket.socket]:
    """Listen on each address of a host; raise BadSetting if one is not available.

    `given` is the name of what the port was given by, for the message.
    """
    sockets: list[socket.socket] = []
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        for family, address in dict.fromkeys((each[0], each[4]) for each in found):
            sockets.append(socket.create_server(address, family=family, backlog=BACKLOG))
    except OSError as exc:
        for opened in sockets:
            opened.close()
        reason = f"{host}:{port} cannot be served ({exc.strerror or exc})"
        raise BadSetting(given, f"{reason}; choose another with --port") from exc
    return sockets


def _connections() -> int:
    """How many connections this process may hold; the archive needs files, too."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < FILES:
        soft = FILES if hard == resource.RLIM_INFINITY else min(FILES, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return CONNECTIONS if soft == resource.RLIM_INFINITY else min(CONNECTIONS, soft // 2)


def _stop_by_signal(server: Server) -> None:
    def stop(_number: int, _frame: FrameType | None) -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        server.stop()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)


def _warm(searcher: Searcher, engines: Engines, directory: ArchiveDirectory) -> None:
    """Load the model and Chroma now, so that the first search does not wait for them.

    After that, changes of the archive are followed.
    """
    engines.neighbours.warm()
    try:
        searcher.search(Query("news"))
    except ArchiveError as exc:
        log.error("%s", exc)
    mend_queries(engines.embedder, directory)
    gc.collect()
    gc.freeze()  # what stays is not looked through again: that takes 60 ms, and all searches wait
    _follow_changes(searcher)


def _follow_changes(searcher: Searcher) -> None:
    """Open each change of the archive while nobody searches, so that the next search is in it."""
    while True:
        time.sleep(SECONDS_BETWEEN_LOOKS)
        with suppress(ArchiveError):  # searches say so
            searcher.table()


def mend_queries(embedder: Embedder, directory: ArchiveDirectory) -> None:
    """Make what embeds queries quickly again if it is damaged, and nobody else writes."""
    try:
        embedder.check_queries()
    except EngineUnavailable as damage:
        log.warning("%s", damage)
        try:
            with directory.writing():
                embedder.prepare_queries()
        except (ArchiveError, OSError) as exc:
            log.warning("%s", exc)
        else:
            log.warning("the query graph was made again")
