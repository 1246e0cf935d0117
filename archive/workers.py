"""Worker processes, for work that Python's own lock would keep to one core."""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, CancelledError, Executor, Future
from contextlib import contextmanager, suppress
from functools import cache
from types import FrameType, ModuleType, TracebackType
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar

from backfile.archive.model.errors import WorkerLost

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

T = TypeVar("T")
GRACE = 3.0  # seconds


@cache
def once(make: Callable[..., T], *arguments: Any, **options: Any) -> T:
    """Make something heavy once in a process: what it is pickled as, to travel to a worker."""
    return make(*arguments, **options)


class Task(Generic[T]):
    """Work that was given away, and its result once it is there."""

    def __init__(self, future: "Future[T]") -> None:
        self._future = future

    def done(self) -> bool:
        return self._future.done()

    def result(self) -> T:
        """Wait for the result; raise what the work raised, or WorkerLost."""
        try:
            return self._future.result()
        except (BrokenExecutor, CancelledError, SystemExit) as exc:
            raise WorkerLost from exc


class Workers:
    """A pool of processes, made when it is started; before, and with none, work is done in place.

    Give away module-level functions and what can be pickled. The processes end with their owner,
    even one that is killed: each waits for the other end of a pipe that the owner alone holds.
    """

    def __init__(self, processes: int, *, niceness: int = 0) -> None:
        self._processes = processes
        self._niceness = niceness  # as `nice` has it: 0, or up to 19 to take only what others leave
        self._pool: Executor | None = None
        self._lifeline: Connection | None = None
        self._far_end: Connection | None = None
        self._starting: list[Future[int]] = []

    def start(self) -> None:
        """Start the processes, unless they are; return before they are ready (0.5 s)."""
        if self._pool is not None or not self._processes:
            return
        from concurrent.futures import ProcessPoolExecutor  # who only searches needs neither
        from multiprocessing import get_context

        # Never `fork`: threads of torch or of the caller may hold locks at that moment.
        context = get_context("forkserver")
        # The pool may start a process later, so what it is given has to stay open.
        self._far_end, self._lifeline = context.Pipe(duplex=False)
        self._pool = ProcessPoolExecutor(
            self._processes, context, initializer=_begin, initargs=(self._far_end, self._niceness)
        )
        with _without_main():
            self._starting = [self._pool.submit(os.getpid) for _ in range(self._processes)]

    def ready(self) -> bool:
        """Whether the processes are there."""
        return self._pool is not None and all(future.done() for future in self._starting)

    def submit(self, function: Callable[..., T], *arguments: object) -> Task[T]:
        """Have a function called in a process of the pool; here and now until that is ready."""
        if self._pool is None or not self.ready():
            future: Future[T] = Future()
            future.set_result(function(*arguments))
            return Task(future)
        try:
            with _without_main():
                return Task(self._pool.submit(function, *arguments))
        except RuntimeError as exc:  # it is broken, or was closed by another thread meanwhile
            raise WorkerLost from exc

    def close(self) -> None:
        """End the processes at once; what they had not done yet raises WorkerLost."""
        if self._pool is None or self._lifeline is None:
            return
        self._lifeline.close()
        self._pool.shutdown(cancel_futures=True)
        if self._far_end:
            self._far_end.close()
        self._pool = self._lifeline = self._far_end = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        self.close()


_hiding = threading.RLock()


@contextmanager
def _without_main() -> Iterator[None]:
    """Keep processes that are started meanwhile from running the program's main module again.

    They need nothing of it, and a script that indexes without asking whether it is `__main__` would
    index again in each of them.
    """
    with _hiding:
        main = sys.modules["__main__"]
        sys.modules["__main__"] = ModuleType("__main__")
        try:
            yield
        finally:
            sys.modules["__main__"] = main


def _begin(lifeline: "Connection", niceness: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all; the owner ends the others
    signal.signal(signal.SIGTERM, _stop)
    os.nice(niceness)
    threading.Thread(target=_end_with, args=(lifeline,), daemon=True).start()


def _stop(_signal: int, _frame: FrameType | None) -> None:
    sys.exit(1)


def _end_with(lifeline: "Connection") -> None:
    """Wait for the other end to be closed, by its owner or by the owner's end; then end too.

    What is being done is broken off, so that libraries can tidy up, for as long as GRACE.
    """
    with suppress(EOFError, OSError):
        lifeline.recv_bytes()
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(GRACE)
    os._exit(1)
