"""Measures the stages of a search, and says when its time is over."""

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

from backfile.index.model.whole import UNDIVIDED, Stage, Whole

T = TypeVar("T")


class Clock:
    """Measures the time of each stage, in milliseconds, and says when `seconds` have passed."""

    def __init__(self, seconds: float = math.inf, whole: Whole = UNDIVIDED) -> None:
        """In a shard, the `whole` decides for all shards when the time is over."""
        self.whole = whole
        self._seconds = seconds
        self._started = time.perf_counter()
        self._stages: dict[str, float] = {}
        self._cut = False

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        began = time.perf_counter()
        yield
        took = self._stages.get(name, 0.0) + 1000 * (time.perf_counter() - began)
        self._stages[name] = round(took, 2)

    def timed(self, name: str, stage: Stage[T]) -> Stage[T]:
        """Run a stage, and measure its own time."""
        while True:
            with self.stage(name):
                try:
                    next(stage)
                except StopIteration as end:
                    result: T = end.value
                    return result
            yield

    def is_over(self) -> bool:
        """Whether the time is over that this query may take; then something is to be left out."""
        if self.whole.exchange:
            over = self.whole.exchange.is_late()
        else:
            over = time.perf_counter() - self._started > self._seconds
        self._cut = self._cut or over
        return over

    @property
    def cut(self) -> bool:
        """Whether something was left out because the time was over."""
        return self._cut

    @property
    def left(self) -> float:
        """The seconds that are left, at least 0."""
        return max(0.0, self._seconds - (time.perf_counter() - self._started))

    @property
    def took_ms(self) -> dict[str, float]:
        return {**self._stages, "all": round(1000 * (time.perf_counter() - self._started), 2)}
