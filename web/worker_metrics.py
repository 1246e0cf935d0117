"""Metrics of several worker processes as one answer: each sample with the number of its worker.

A scrape reaches one of the processes. It asks the others over sockets in a folder that only this
user may enter, so the answer holds all of them, as they are at that moment.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import suppress
from multiprocessing.connection import Client, Listener
from pathlib import Path
from threading import Thread

from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import generate_latest
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

PATIENCE = 2.0  # seconds for another worker to answer
LABEL = "worker"
log = logging.getLogger(__name__)


class WorkerMetrics:
    """The metrics of worker `number` of `count`, and of the others."""

    def __init__(self, folder: Path, number: int, count: int) -> None:
        self._folder = folder
        self._number = number
        self._count = count

    def publish(self, own: Callable[[], bytes]) -> None:
        """Answer the other workers from now on, in a thread."""
        address = self._address(self._number)
        Path(address).unlink(missing_ok=True)  # of a worker that died
        self._own = own
        listener = Listener(address, family="AF_UNIX")
        Thread(target=self._answer, args=(listener,), daemon=True).start()

    def gather(self) -> bytes:
        """Metrics of all workers; `backfile_worker_up` is 0 for one that does not answer."""
        texts = {number: self._ask(number) for number in range(self._count)}
        registry = CollectorRegistry()
        registry.register(_Merged(texts))
        return generate_latest(registry)

    def _address(self, number: int) -> str:
        return str(self._folder / str(number))

    def _ask(self, number: int) -> str:
        if number == self._number:
            return self._own().decode()
        with suppress(OSError, EOFError), Client(self._address(number), family="AF_UNIX") as asked:
            if asked.poll(PATIENCE):
                return asked.recv_bytes().decode()
        return ""

    def _answer(self, listener: Listener) -> None:
        while True:
            try:
                with listener.accept() as asking:
                    asking.send_bytes(self._own())
            except OSError as exc:
                log.warning("another worker asked for metrics, and got none: %s", exc)


class _Merged(Collector):
    def __init__(self, texts: dict[int, str]) -> None:
        self._texts = texts

    def collect(self) -> Iterator[Metric]:
        up = GaugeMetricFamily("backfile_worker_up", "Whether a worker answers", labels=(LABEL,))
        merged: dict[str, Metric] = {}
        for number, text in self._texts.items():
            up.add_metric((str(number),), bool(text))
            for family in text_string_to_metric_families(text):
                one = merged.setdefault(
                    family.name, Metric(family.name, family.documentation, family.type)
                )
                for sample in family.samples:
                    labels = {**sample.labels, LABEL: str(number)}
                    one.add_sample(sample.name, labels, sample.value)
        yield up
        yield from merged.values()
