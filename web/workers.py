"""Runs one program in several processes, replaces those that die, and stops them together."""

import logging
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing import connection, get_context, parent_process
from multiprocessing.context import SpawnProcess
from threading import Thread
from types import FrameType

from backfile.archive.model.errors import EngineUnavailable

SOONEST = 10.0  # seconds; a worker that ends sooner would do so again
STOPPING = 20.0  # seconds that workers have for it; they limit themselves to less
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Worker:
    number: int
    process: SpawnProcess
    began: float


def supervise(work: Callable[[int], None], count: int, *, soonest: float = SOONEST) -> None:
    """Run `work(number)` in so many processes until SIGTERM or SIGINT; end them with SIGTERM.

    `work` must be picklable. A process that dies is replaced; raises EngineUnavailable where one
    dies within `soonest` seconds. A second SIGINT kills what still runs.
    """
    stopping = False
    workers = {number: _start(work, number) for number in range(count)}

    def stop(_signal: int = 0, _frame: FrameType | None = None) -> None:
        nonlocal stopping
        stopping = True
        signal.signal(signal.SIGINT, signal.default_int_handler)
        for worker in workers.values():
            worker.process.terminate()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    try:
        while not stopping:
            connection.wait([worker.process.sentinel for worker in workers.values()], timeout=1)
            for worker in [each for each in workers.values() if not each.process.is_alive()]:
                if not stopping:
                    workers[worker.number] = _replace(work, worker, soonest)
    finally:
        stop()
        _end([worker.process for worker in workers.values()])


def begin_worker(stop: Callable[[], None]) -> None:
    """Call `stop` at SIGTERM, and when the process that supervises this one is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal sends it to all; the parent tells us
    signal.signal(signal.SIGTERM, lambda *_: stop())
    parent = parent_process()
    if parent is not None:

        def watch() -> None:
            parent.join()
            stop()

        Thread(target=watch, daemon=True).start()


def _start(work: Callable[[int], None], number: int) -> _Worker:
    # Never `fork`: threads of libraries may hold locks at that moment.
    process = get_context("spawn").Process(target=work, args=(number,))
    process.start()
    return _Worker(number, process, time.monotonic())


def _replace(work: Callable[[int], None], worker: _Worker, soonest: float) -> _Worker:
    ended = f"worker {worker.number} ended with code {worker.process.exitcode}"
    if time.monotonic() - worker.began < soonest:
        raise EngineUnavailable("the server", f"{ended} as soon as it was started")
    log.error("%s; another takes its place", ended)
    return _start(work, worker.number)


def _end(processes: list[SpawnProcess]) -> None:
    """Wait for processes; kill those that take too long, or all of them if interrupted."""
    ends = time.monotonic() + STOPPING
    try:
        for process in processes:
            process.join(max(0, ends - time.monotonic()))
    finally:
        for process in processes:
            if process.is_alive():
                process.kill()
                process.join()
