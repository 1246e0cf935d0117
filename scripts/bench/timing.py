"""Measures time: of one call, of many calls, and of the processor."""

import resource
import statistics
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, TypeVar

Answer = TypeVar("Answer")
LONGEST = 60.0  # seconds a series may take once it has ENOUGH calls
ENOUGH = 20


class Cost(NamedTuple):
    """Elapsed seconds of a piece of work, and processor seconds of all cores together."""

    seconds: float
    processor: float


@dataclass(frozen=True, slots=True)
class Latency:
    """Milliseconds of `calls` calls, one after the other."""

    p50: float
    p95: float
    p99: float
    calls: int


def cost_of(work: Callable[[], object]) -> Cost:
    """Do a piece of work once, and measure it."""
    began, used = time.perf_counter(), _processor()
    work()
    return Cost(time.perf_counter() - began, _processor() - used)


def timed(calls: Iterable[Callable[[], Answer]]) -> tuple[Latency, list[Answer]]:
    """Time one call or more; a slow series is cut short. Return the answers too."""
    took: list[float] = []
    answers = []
    for call in calls:
        began = time.perf_counter()
        answers.append(call())
        took.append(1000 * (time.perf_counter() - began))
        if sum(took) > 1000 * LONGEST and len(took) >= ENOUGH:
            break
    return latency(took), answers


def latency_of(calls: Iterable[Callable[[], object]]) -> Latency:
    """Time one call or more; a slow series is cut short."""
    return timed(calls)[0]


def latency(took: list[float]) -> Latency:
    """Summarise one or more times in milliseconds.

    >>> latency([2.0, 1.0, 2.0])
    Latency(p50=2.0, p95=2.0, p99=2.0, calls=3)
    """
    cuts = statistics.quantiles(took, n=100, method="inclusive") if len(took) > 1 else took * 99
    return Latency(statistics.median(took), cuts[94], cuts[98], len(took))


def _processor() -> float:
    """Seconds of all cores that this process and its finished children have used."""
    whose = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return sum(used.ru_utime + used.ru_stime for used in map(resource.getrusage, whose))


def own_memory() -> int:
    """The bytes of this process that no file backs; 0 where the system does not say."""
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        return 0
    line = next((line for line in status.splitlines() if line.startswith("RssAnon")), "0 0")
    return int(line.split()[1]) * 1024


def bytes_below(folder: Path | None) -> int:
    """The size of all files in a folder; 0 for None."""
    files = folder.rglob("*") if folder else ()
    return sum(path.stat().st_size for path in files if path.is_file())
