"""What nonsense scores in an archive, by the number of its words, as it was last measured."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from backfile.archive.store.catalog import Counts
from backfile.archive.store.directory import write_json
from backfile.index.model.query import Mode

GROWN = 1.2  # times as large, and an archive is measured again
SCORES = 2  # kept with what was measured; a change in what is scored changes it


class Evidence(NamedTuple):
    """What vouches for the best passage: its words, its meaning, and both; each about 0 to 1."""

    words: float
    meaning: float
    both: float

    def of(self, mode: Mode) -> float:
        """What counts in a mode of search."""
        by_mode = {Mode.KEYWORD: self.words, Mode.SEMANTIC: self.meaning, Mode.HYBRID: self.both}
        return by_mode[mode]


@dataclass(frozen=True, slots=True)
class Noise:
    """What nonsense of so many words reaches: mean and standard deviation."""

    n_words: int
    mean: Evidence
    deviation: Evidence


# Of archives of 155 and 1,300 passages, for one that is too small to be measured or was not yet.
USUAL_NOISE = (
    Noise(2, Evidence(0.56, 0.31, 0.37), Evidence(0.10, 0.07, 0.08)),
    Noise(4, Evidence(0.35, 0.31, 0.28), Evidence(0.08, 0.06, 0.06)),
    Noise(9, Evidence(0.20, 0.34, 0.25), Evidence(0.05, 0.06, 0.05)),
)


def noise_of(n_words: int, noise: tuple[Noise, ...]) -> Noise:
    """What nonsense of this length reaches, between the lengths that were measured."""
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


class NoiseFile:
    """What nonsense scored in one archive when it was last measured, and how large it was then."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> tuple[Noise, ...]:
        """Return what was measured; what is usual, where nothing was or it cannot be read."""
        try:
            stored = json.loads(self._path.read_text())["noise"]
            return tuple(
                Noise(each["n_words"], Evidence(*each["mean"]), Evidence(*each["deviation"]))
                for each in stored
            )
        except (OSError, ValueError, KeyError, TypeError):
            return USUAL_NOISE

    def write(self, counts: Counts, noise: Sequence[Noise]) -> None:
        """Keep what was measured; the caller holds the writer's lock."""
        measured = {"noise": [asdict(each) for each in noise], "scores": SCORES}
        write_json(self._path, _size(counts) | measured)

    def is_of(self, counts: Counts) -> bool:
        """Whether the archive was about as large when it was measured, and scored as now."""
        try:
            stored = json.loads(self._path.read_text())
            return stored["scores"] == SCORES and all(
                max(stored[name], now) <= GROWN * min(stored[name], now)
                for name, now in _size(counts).items()
            )
        except (OSError, ValueError, KeyError, TypeError):
            return False


def _size(counts: Counts) -> dict[str, int]:
    return {"passages": counts.passages, "embedded": counts.embedded}
