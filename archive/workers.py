"""Worker processes, for work that Python's own lock would keep to one core; lots of that work."""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import BrokenExecutor, CancelledError, Executor, Future
from contextlib import contextmanager, suppress
from functools import cache
from itertools import islice
from types import FrameType, ModuleType, TracebackType
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar

from backfile.archive.model.errors import WorkerLost

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

T = TypeVar("T")
GRACE = 3.0  # seconds


def batches(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """Yield lists of `size` items, the last one shorter: what one worker or statement can take.

    >>> list(batches("abcde", 2))
    [['a', 'b'], ['c', 'd'], ['e']]
    """
    remaining = iter(items)
    while batch := list(islice(remaining, size)):
        yield batch


@cache
def once(make: Callable[..., T], *arguments: Any, **options: Any) -> T:
    """Make an expensive object once in each process; pickle the call instead of the object."""
    return make(*arguments, **options)


class Task(Generic[T]):
    """A submitted call, and its result once it is done."""

    def __init__(self, future: "Future[T]") -> None:
        self._future = future

    def done(self) -> bool:
        return self._future.done()

    def result(self) -> T:
        """Wait for the result; raise the exception of the call, or WorkerLost."""
        try:
            return self._future.result()
        except (BrokenExecutor, CancelledError, SystemExit) as exc:
            raise WorkerLost from exc


class Workers:
    """A pool of processes; until it is started, and with 0 processes, calls run in this process.

    Functions and arguments must be picklable. The processes end with their owner, even if it is
    killed: each waits for the end of a pipe that only the owner holds open.
    """

    def __init__(self, processes: int, *, niceness: int = 0) -> None:
        self._processes = processes
        self._niceness = niceness  # as in `nice`: 0 is normal, 19 the lowest priority
        self._pool: Executor | None = None
        self._lifeline: Connection | None = None
        self._far_end: Connection | None = None
        self._starting: list[Future[int]] = []

    def start(self) -> None:
        """Start the processes unless they are started; return before they are ready (0.5 s)."""
        if self._pool is not None or not self._processes:
            return
        from concurrent.futures import ProcessPoolExecutor  # a search needs neither
        from multiprocessing import get_context

        # Never `fork`: threads of torch or of the caller may hold locks at that moment.
        context = get_context("forkserver")
        # The pool may start a process later, so this end must stay open.
        self._far_end, self._lifeline = context.Pipe(duplex=False)
        self._pool = ProcessPoolExecutor(
            self._processes, context, initializer=_begin, initargs=(self._far_end, self._niceness)
        )
        with _without_main():
            self._starting = [self._pool.submit(os.getpid) for _ in range(self._processes)]

    def ready(self) -> bool:
        """Whether the processes are started."""
        return self._pool is not None and all(future.done() for future in self._starting)

    def wait(self) -> None:
        """Wait until the processes are started, so that none of their work is done in this one."""
        for future in self._starting:
            future.result()

    def submit(self, function: Callable[..., T], *arguments: object) -> Task[T]:
        """Call a function in a process of the pool, or in this one until the pool is ready."""
        if self._pool is None or not self.ready():
            future: Future[T] = Future()
            future.set_result(function(*arguments))
            return Task(future)
        try:
            with _without_main():
                return Task(self._pool.submit(_call, function, *arguments))
        except RuntimeError as exc:  # it is broken, or was closed by another thread meanwhile
            raise WorkerLost from exc

    def close(self) -> None:
        """End the processes at once; unfinished tasks raise WorkerLost."""
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


class _State:
    """What a worker process is doing: whether it calls a function, and whether it is to end."""

    calls = False
    ends = False


def _begin(lifeline: "Connection", niceness: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all; the owner ends the workers
    signal.signal(signal.SIGTERM, _stop)
    os.nice(niceness)
    threading.Thread(target=_end_with, args=(lifeline,), daemon=True).start()


def _call(function: Callable[..., T], *arguments: object) -> T:
    """Call a function in a worker process; SIGTERM interrupts it."""
    _State.calls = True
    try:
        if _State.ends:
            sys.exit(1)
        return function(*arguments)
    finally:
        _State.calls = False


def _stop(_signal: int, _frame: FrameType | None) -> None:
    """End the call; what waits after it ends at once, and then the pool ends the process.

    Nothing else is interrupted: of half a result that is sent, the owner would wait for the rest.
    """
    _State.ends = True
    if _State.calls:
        _State.calls = False
        sys.exit(1)


def _end_with(lifeline: "Connection") -> None:
    """Wait until the owner closes its end of the pipe, or has ended; then end this process.

    SIGTERM interrupts the current call, and libraries have GRACE seconds to clean up. So long, too,
    stays a process that is not at work, if its owner was killed.
    """
    with suppress(EOFError, OSError):
        lifeline.recv_bytes()
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(GRACE)
    os._exit(1)
