"""Shows progress bars on stderr, with rate and remaining time, if stderr is a terminal."""

import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Never, Self, TypeVar

from tqdm import tqdm

from backfile.index.indexing.stages import Stage

T = TypeVar("T")
UNITS = {Stage.READING: "B", Stage.CUTTING: " articles", Stage.NAMES: " articles"}


def watched(items: Iterable[T], total: int, unit: str) -> Iterable[T]:
    """Iterate over items with a progress bar."""
    silent = not sys.stderr.isatty()
    return tqdm(items, total=total, unit=unit, dynamic_ncols=True, disable=silent)


@contextmanager
def bytes_bar(name: str, *, quiet: bool) -> Iterator[Callable[[int], object]]:
    """Show how many bytes are done, and how quickly; each call tells of so many more."""
    silent = quiet or not sys.stderr.isatty()
    with tqdm(desc=name.rjust(10), unit="B", unit_scale=True, disable=silent) as bar:
        yield bar.update


class Bars:
    """One tqdm bar for each stage, if stderr is a terminal."""

    def __init__(self, *, quiet: bool) -> None:
        self._silent = quiet or not sys.stderr.isatty()
        self._bars: dict[Stage, tqdm[Never]] = {}
        self._lock = threading.Lock()  # stages overlap

    def __call__(self, stage: Stage, done: int, total: int) -> None:
        if self._silent or not total:
            return
        with self._lock:
            self._show(stage, done, total)

    def _show(self, stage: Stage, done: int, total: int) -> None:
        if stage not in self._bars:
            unit = UNITS.get(stage, " passages")
            self._bars[stage] = tqdm(
                desc=stage.value.rjust(10),
                unit=unit,
                unit_scale=stage is Stage.READING,
                position=len(self._bars),
                dynamic_ncols=True,
            )
        bar = self._bars[stage]
        if bar.disable:  # the bar is already closed
            return
        bar.total = total
        bar.update(done - bar.n)
        if done >= total and stage is not Stage.WORDS:  # words come batch by batch
            bar.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        for bar in self._bars.values():
            bar.close()
