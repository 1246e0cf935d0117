"""Runs the resident writer in a process of its own beside the server, and replaces it if it dies.

In the server's own processes it would take the interpreter's lock from the searches.
"""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import connection, get_context
from multiprocessing.context import SpawnProcess

from backfile.archive.model.settings import Settings
from backfile.archive.store.directory import ArchiveDirectory
from backfile.index.resident import ResidentWriter
from backfile.web.workers import begin_worker

SHORTEST_PAUSE, LONGEST_PAUSE = 0.5, 30.0  # seconds before a dead writer is replaced
HEALTHY = 60.0  # seconds after which a pause is short again
STOPPING = 15.0  # seconds
log = logging.getLogger(__name__)


@contextmanager
def resident_writer(settings: Settings) -> Iterator[None]:
    """Have a writer at work while the context lasts, if there is a token and a place to write."""
    if not settings.token or ArchiveDirectory(settings.archive).backup_list.exists():
        yield
        return
    stopped = threading.Event()
    process = _start(settings)
    keeper = threading.Thread(target=_keep, args=(settings, process, stopped), daemon=True)
    keeper.start()
    try:
        yield
    finally:
        stopped.set()
        keeper.join(2 * STOPPING)


def _keep(settings: Settings, process: SpawnProcess, stopped: threading.Event) -> None:
    """Replace the writer whenever it dies, and end it once `stopped` is set."""
    pause = SHORTEST_PAUSE
    while not stopped.is_set():
        lived = 0.0
        while not stopped.is_set() and not connection.wait([process.sentinel], timeout=0.2):
            lived += 0.2
        if stopped.is_set():
            break
        log.error("the writer ended with code %s; another takes its place", process.exitcode)
        pause = SHORTEST_PAUSE if lived > HEALTHY else min(2 * pause, LONGEST_PAUSE)
        stopped.wait(pause)
        if not stopped.is_set():
            process = _start(settings)
    process.terminate()
    process.join(STOPPING)
    if process.is_alive():
        process.kill()
        process.join()


def _start(settings: Settings) -> SpawnProcess:
    # Never `fork`: threads of libraries may hold locks at that moment.
    process = get_context("spawn").Process(target=_work, args=(settings,), name="writer")
    process.start()
    return process


def _work(settings: Settings) -> None:
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    stopped = threading.Event()
    begin_worker(stopped.set)
    ResidentWriter(settings, stopped).run()
