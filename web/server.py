"""Serves an archive; keyword searches work while the model loads."""

import ctypes
import resource
import signal
import socket
import threading
from collections.abc import Callable
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FrameType

from backfile.archive.model.errors import BadSetting
from backfile.archive.model.settings import Settings
from backfile.web.admission import gate_for
from backfile.web.api.writes import Writes
from backfile.web.app import MAX_BODY, create_app
from backfile.web.collections.access import Access
from backfile.web.connections import Limits, Server
from backfile.web.metrics import SearchMetrics
from backfile.web.public_address import LOCAL_HOSTS, hosts_of
from backfile.web.request_log import log_to_stderr
from backfile.web.served import Served, Source, follow_changes, keep_for_good
from backfile.web.uploads import Uploads
from backfile.web.worker_metrics import WorkerMetrics
from backfile.web.workers import begin_worker, supervise
from backfile.web.writer_process import resident_writer

CONNECTIONS = 1000
FILES = 4096  # that this process may open; macOS allows 256 unless it is asked
BACKLOG = 1024  # connections that wait to be accepted
# M_ARENA_MAX; M_MMAP_THRESHOLD, the bytes from which an array is given back as it is dropped; and
# M_TRIM_THRESHOLD, the bytes that are kept for the next search.
LIMITS_OF_MALLOC = {-8: 1, -3: 4 << 20, -1: 32 << 20}


def serve(source: Source, announce: Callable[[str], None]) -> None:
    """Serve until SIGTERM or SIGINT; announce the address once it is open.

    The requests that were begun are answered before it returns; a second SIGINT interrupts them.
    Raises BadSetting if the address is not available, or the token too short.
    """
    settings = source.settings
    if settings.token:
        settings.require_token("writes over HTTP")
    with nullcontext() if source.cluster else resident_writer(settings):
        _serve(source, announce)


def _return_memory() -> None:
    """Have the C library give the largest arrays back when they are dropped, where it is GNU's.

    Otherwise each thread keeps what its largest searches took: half of the memory of a server. If
    smaller ones went back, too, a third of the time of a search would be spent to get them again.
    """
    library = ctypes.CDLL(None)
    if hasattr(library, "mallopt"):
        for parameter, value in LIMITS_OF_MALLOC.items():
            library.mallopt(parameter, value)


def _serve(source: Source, announce: Callable[[str], None]) -> None:
    settings, searches = source.settings, SearchMetrics()
    served = source.open(searches) if settings.workers == 1 else None
    if not served:
        source.require()  # each worker opens its own
    given = "BACKFILE_PORT" if "port" in settings.given else "--port"
    sockets = listening_sockets(settings.host, settings.port, given)
    address = f"http://{_host(settings)}:{settings.port}"
    if served:
        server = _server(settings, served, searches, sockets)
        _stop_by_signal(server)
        announce(address)
        _run(server, served)
        return
    with TemporaryDirectory(prefix="backfile-") as folder:
        announce(address)
        supervise(partial(_work, source, sockets, Path(folder)), settings.workers)


def _work(source: Source, sockets: list[socket.socket], folder: Path, number: int) -> None:
    """Serve in a worker process."""
    log_to_stderr(source.settings, number)
    metrics = WorkerMetrics(folder, number, source.settings.workers)
    searches = SearchMetrics()
    served = source.open(searches)
    server = _server(source.settings, served, searches, sockets, metrics)
    begin_worker(server.stop)
    _run(server, served)


def _server(
    settings: Settings,
    served: Served,
    searches: SearchMetrics,
    sockets: list[socket.socket],
    metrics: WorkerMetrics | None = None,
) -> Server:
    _return_memory()
    host = _host(settings)
    trusted_hosts = hosts_of(settings.public_url, local=host in LOCAL_HOSTS)
    gate = gate_for(settings.worker_threads, settings.queue, settings.workers)
    inbox, most = served.inbox, settings.upload << 20
    writes = Writes(inbox, settings.token, most) if inbox and settings.token else None
    app = create_app(
        served.searcher,
        served.reader,
        trusted_hosts=trusted_hosts,
        cors=settings.cors,
        rate=settings.rate,
        gate=gate,
        writes=writes,
        no_writes=served.no_writes,
        workers=metrics,
        searches=searches,
        directory=served.directory,
        public_url=settings.public_url,
        proxies=settings.proxies,
        log_queries=settings.log_queries,
        access=Access.of(host, settings.public_url, settings.proxies, settings.token),
    )
    threading.Thread(target=_warm, args=(served,), daemon=True).start()
    return Server(
        app,
        sockets,
        threads=gate.threads,
        name="localhost" if trusted_hosts else host,
        proxied=settings.proxies > 0,
        limits=Limits(body=MAX_BODY, connections=_connections()),
        uploads=Uploads(inbox.folder, settings.token, most) if inbox and writes else None,
    )


def _run(server: Server, served: Served) -> None:
    try:
        server.run()
    finally:
        served.close()


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


def _warm(served: Served) -> None:
    """Load what the first search would wait for; after that, follow changes of the archive."""
    served.warm()
    keep_for_good()
    follow_changes(served.searcher)
