"""Takes the time of the stages of a search."""

import time
from collections.abc import Iterator
from contextlib import contextmanager


class Clock:
    """Takes the time of each stage, in milliseconds."""

    def __init__(self) -> None:
        self._started = time.perf_counter()
        self._stages: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        began = time.perf_counter()
        yield
        self._stages[name] = round(1000 * (time.perf_counter() - began), 2)

    @property
    def took_ms(self) -> dict[str, float]:
        return {**self._stages, "all": round(1000 * (time.perf_counter() - self._started), 2)}
