"""The scale of meaning: how close a model sets texts that have nothing to do with each other.

Models differ: two random passages of news have a cosine of .10 with all-MiniLM-L6-v2, of .80 with
multilingual-e5-small. So cosines are converted to closeness, which all thresholds are stated in.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple, Self

import numpy as np

from backfile.index.model.arrays import Floats

UNRELATED = 0.1  # the closeness of two random texts
UNIT = 0.09  # the closeness that one spread adds: with all-MiniLM-L6-v2, its cosine
LEAST_SPREAD = 1e-3  # of cosines; float16 rounds to half of that
TO_DEVIATION = 1.4826  # from the median absolute deviation to the standard deviation, if normal
NEAR_NONSENSE = 3.0  # spreads; one passage in 700, if normal, and a few in a hundred as they are


class Spread(NamedTuple):
    """The median of the cosines of random pairs, and their robust standard deviation.

    >>> round(Spread(0.8, 0.02).closeness(0.84), 2), round(Spread(0.8, 0.02).cosine(0.28), 2)
    (0.28, 0.84)
    """

    centre: float
    spread: float

    @classmethod
    def of(cls, cosines: Floats) -> Self:
        """Measure cosines, (n,)."""
        centre = float(np.median(cosines))
        deviation = TO_DEVIATION * float(np.median(np.abs(cosines - centre)))
        return cls(centre, max(deviation, LEAST_SPREAD))

    def closeness(self, cosine: Any) -> Any:
        """Convert a cosine or an array of them: UNRELATED at the centre, and UNIT a spread."""
        return UNRELATED + UNIT / self.spread * (cosine - self.centre)

    def cosine(self, closeness: float) -> float:
        """Convert a closeness to a cosine."""
        return self.centre + self.spread / UNIT * (closeness - UNRELATED)


@dataclass(frozen=True, slots=True)
class Scale:
    """The spreads of one archive: of a query and a passage, and of two passages.

    `nonsense` is the mean of the embeddings of keyboard noise, (dimension,), empty if unknown. A
    passage whose cosine with it is above `nonsense_from` is close to any nonsense.
    """

    queries: Spread
    passages: Spread
    nonsense: tuple[float, ...] = ()
    nonsense_from: float = 1.0

    @classmethod
    def measured(cls, queries: Floats, passages: Floats, nonsense: Floats, vectors: Floats) -> Self:
        """Measure cosines of random pairs, (n,); and passages, (m, d), beside noise, (k, d)."""
        mean = nonsense.mean(axis=0)
        near = Spread.of(vectors @ mean)
        return cls(
            Spread.of(queries),
            Spread.of(passages),
            tuple(mean.tolist()),
            near.centre + NEAR_NONSENSE * near.spread,
        )

    @classmethod
    def decode(cls, stored: dict[str, Any]) -> Self:
        """Read what `asdict` made; raise KeyError, TypeError or ValueError."""
        return cls(
            Spread(*map(float, stored["queries"])),
            Spread(*map(float, stored["passages"])),
            tuple(map(float, stored["nonsense"])),
            float(stored["nonsense_from"]),
        )


# About the spreads of all-MiniLM-L6-v2; used if an archive has no calibration of its own.
USUAL_SCALE = Scale(Spread(UNRELATED, UNIT), Spread(UNRELATED, UNIT))
