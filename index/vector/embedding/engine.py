"""Which engine embeds passages on this machine: the faster one, by a short measurement.

The choice is kept beside the exported graph, with the machine it was measured on. An archive that
is moved to another machine is measured again there; vectors of both engines may stand side by side.
"""

import json
import os
import platform
import time
from collections.abc import Callable, Sequence
from enum import StrEnum
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np

from backfile.archive.model.errors import EngineUnavailable
from backfile.archive.store.directory import write_json
from backfile.index.model.arrays import Floats

FILE = "engine.json"
MEASURED = 32  # passages: about half a second each time
TURNS = 2  # the best one counts, as other programs may take the cores meanwhile
LEAST_COSINE = 0.999  # of the vectors that two engines make of one passage
GPUS = ("nvidia[0-9]*", "kfd")  # in /dev

Embed = Callable[[Sequence[str]], Floats]


class Engine(StrEnum):
    """What computes a model."""

    TORCH = "torch"
    OPENVINO = "openvino"


class EngineFile:
    """The choice for one exported graph, in its folder."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE

    def read(self) -> Engine | None:
        """The engine that was chosen on a machine like this one; None if none was."""
        try:
            stored = json.loads(self._path.read_bytes())
            return Engine(stored["engine"]) if stored["machine"] == machine() else None
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def write(self, engine: Engine) -> None:
        """Replace the file as a whole; there is no file without a folder."""
        if self._path.parent.is_dir():
            write_json(self._path, {"engine": engine.value, "machine": machine()})


def machine() -> str:
    """What the choice depends on: processor, cores, GPU, and the releases of both engines."""
    gpu = "GPU" if any(any(Path("/dev").glob(pattern)) for pattern in GPUS) else "no GPU"
    releases = [f"{engine} {_release(engine)}" for engine in Engine]
    return ", ".join([_processor(), f"{os.cpu_count()} cores", gpu, *releases])


def faster(texts: Sequence[str], torch: Embed, openvino: Embed) -> Engine:
    """Embed texts with both engines, and choose the faster one; torch if the vectors differ."""
    some = texts[:MEASURED]
    try:
        cosines = (torch(some) * openvino(some)).sum(axis=1)  # which loads both
    except EngineUnavailable:
        return Engine.TORCH
    if not np.min(cosines) >= LEAST_COSINE:  # nor where one is no number
        return Engine.TORCH
    return Engine.OPENVINO if _seconds(openvino, some) < _seconds(torch, some) else Engine.TORCH


def _seconds(embed: Embed, texts: Sequence[str]) -> float:
    taken = []
    for _ in range(TURNS):
        start = time.perf_counter()
        embed(texts)
        taken.append(time.perf_counter() - start)
    return min(taken)


def _release(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "none"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, "") or platform.processor() or platform.machine()
