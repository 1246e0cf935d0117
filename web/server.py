"""Serves an archive with waitress; keyword searches work while the model loads."""

import logging
import signal
import threading
from collections.abc import Callable
from types import FrameType

from waitress.server import create_server

from backfile.archive.model.errors import ArchiveError, BadSetting, EngineUnavailable
from backfile.archive.model.settings import Settings
from backfile.archive.store.directory import ArchiveDirectory
from backfile.archive.store.reader import ArchiveReader
from backfile.index.model.query import Query
from backfile.index.seams.engines import Engines
from backfile.index.seams.protocols import Embedder
from backfile.index.search.searcher import Searcher
from backfile.index.wiring import open_engines, searcher_over
from backfile.web.app import LOCAL_HOSTS, create_app

log = logging.getLogger(__name__)


def serve(settings: Settings, announce: Callable[[str], None]) -> None:
    """Serve until interrupted; announce the address once it is open.

    Raises BadSetting if the address is not available.
    """
    engines = open_engines(settings)
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    local = host in LOCAL_HOSTS
    searcher = searcher_over(engines, settings, serving=True)
    app = create_app(
        searcher,
        ArchiveReader(engines.catalog),
        trusted_hosts=list(LOCAL_HOSTS) if local else None,
        cors=settings.cors,
        rate=settings.rate,
    )
    try:
        server = create_server(
            app, host=settings.host, port=settings.port, threads=max(4, settings.worker_threads)
        )
    except OSError as exc:
        reason = f"{settings.host}:{settings.port} cannot be served ({exc.strerror or exc})"
        raise BadSetting("BACKFILE_PORT", f"{reason}; choose another with --port") from exc
    signal.signal(signal.SIGTERM, _interrupt)
    warming = (searcher, engines, ArchiveDirectory(settings.archive))
    threading.Thread(target=_warm, args=warming, daemon=True).start()
    announce(f"http://{host}:{settings.port}")
    try:
        server.run()
    finally:
        server.close()
        engines.catalog.close()


def _warm(searcher: Searcher, engines: Engines, directory: ArchiveDirectory) -> None:
    """Load the model and Chroma now, so that the first search does not wait for them."""
    engines.neighbours.warm()
    try:
        searcher.search(Query("news"))
    except ArchiveError as exc:
        log.error("%s", exc)
    mend_queries(engines.embedder, directory)


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


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
