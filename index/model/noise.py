"""The calibration of an archive: its scale of meaning, the scores of random words, and its file."""

import json
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from backfile.archive.store.catalog import Catalog, Counts
from backfile.archive.store.directory import write_json
from backfile.archive.store.sealing import with_digest, without_digest
from backfile.index.model.scale import USUAL_SCALE, Scale

CHANGED = 0.05  # share of the articles that change before sizes are compared again
GROWN = 1.2  # ratio of sizes at which an archive is calibrated again
UNREADABLE = (OSError, ValueError, KeyError, TypeError)  # what a damaged file raises
SCORES = 3  # version of the scoring, stored in the file; a change makes calibrations obsolete


class Evidence(NamedTuple):
    """The best scores of an answer by words, by meaning, and by both; each about 0 to 1."""

    words: float
    meaning: float
    both: float


@dataclass(frozen=True, slots=True)
class Noise:
    """Mean and standard deviation of the evidence of queries of `n_words` random words."""

    n_words: int
    mean: Evidence
    deviation: Evidence


# Measured in archives of 155 and 1,300 passages; used if an archive has no calibration of its own.
USUAL_NOISE = (
    Noise(2, Evidence(0.56, 0.31, 0.37), Evidence(0.10, 0.07, 0.08)),
    Noise(4, Evidence(0.35, 0.31, 0.28), Evidence(0.08, 0.06, 0.06)),
    Noise(9, Evidence(0.20, 0.34, 0.25), Evidence(0.05, 0.06, 0.05)),
)


def noise_of(n_words: int, noise: tuple[Noise, ...]) -> Noise:
    """The noise of queries of `n_words` words, interpolated between the measured lengths."""
    lengths = [each.n_words for each in noise]
    mean, deviation = (
        Evidence(
            *(
                float(np.interp(n_words, lengths, [getattr(each, moment)[i] for each in noise]))
                for i in range(len(Evidence._fields))
            )
        )
        for moment in ("mean", "deviation")
    )
    return Noise(n_words, mean, deviation)


class Calibration(NamedTuple):
    """The scale of meaning of an archive, and what random words score in it."""

    noise: tuple[Noise, ...] = USUAL_NOISE
    scale: Scale = USUAL_SCALE


class NoiseFile:
    """The file with the calibration of one archive, and the size of the archive at that time."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> Calibration:
        """Read the calibration; the usual one if there is none or the file is damaged."""
        try:
            return self._calibration()
        except UNREADABLE:
            return Calibration()

    def is_damaged(self) -> bool:
        """Whether there is a file that holds no calibration, or does not have its digest."""
        try:
            self._calibration()
        except UNREADABLE as exc:
            return not isinstance(exc, FileNotFoundError)
        return False

    def clear(self) -> None:
        self._path.unlink(missing_ok=True)

    def write(self, counts: Counts, measured: Calibration, *, whole: bool = True) -> None:
        """Write a calibration; the caller holds the writer's lock.

        One that is not `whole` is used, and fits no size.
        """
        noise = [asdict(each) for each in measured.noise]
        stored = {"noise": noise, "scale": asdict(measured.scale), "scores": SCORES * whole}
        write_json(self._path, with_digest(_size(counts) | stored))

    def is_of(self, counts: Counts) -> bool:
        """Whether the calibration fits: sizes within a factor of GROWN, and the current SCORES."""
        try:
            stored = self._stored()
            return stored["scores"] == SCORES and all(
                max(stored[name], now) <= GROWN * min(stored[name], now)
                for name, now in _size(counts).items()
            )
        except UNREADABLE:
            return False

    def is_of_almost(self, catalog: Catalog) -> bool:
        """Whether few articles have changed since the calibration was last found to fit."""
        try:
            stored = self._stored()
            most = int(CHANGED * stored["articles"])
            return (
                stored["scores"] == SCORES
                and catalog.touched.count(stored["generation"], most) is not None
            )
        except UNREADABLE:
            return False

    def note(self, catalog: Catalog) -> None:
        """Note that the calibration, if there is one, fits the catalogue as it is now."""
        with suppress(*UNREADABLE):
            now = {"generation": catalog.generation(), "articles": catalog.count_articles()}
            write_json(self._path, with_digest(self._stored() | now))

    def _calibration(self) -> Calibration:
        """Those of earlier releases have no scale: theirs are scores by the cosine as it was."""
        stored = self._stored()
        noise = tuple(
            Noise(each["n_words"], Evidence(*each["mean"]), Evidence(*each["deviation"]))
            for each in stored["noise"]
        )
        scale = Scale.decode(stored["scale"]) if "scale" in stored else USUAL_SCALE
        return Calibration(noise, scale)

    def _stored(self) -> dict[str, Any]:
        return without_digest(json.loads(self._path.read_bytes()))


def _size(counts: Counts) -> dict[str, int]:
    return {"passages": counts.passages, "embedded": counts.embedded}
