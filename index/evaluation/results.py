"""What was measured of several systems on one folder of judged queries."""

from collections.abc import Mapping
from dataclasses import dataclass

from index.evaluation.statistics import Comparison, Estimate, compare, estimate
from index.evaluation.systems import MAIN_MEASURE, System, Values
from index.evaluation.verdicts import Verdicts


@dataclass(frozen=True, slots=True)
class SystemResult:
    """What one system reaches; `values` of each measure are in the order of the queries.

    `against` is how much more the first system reaches in nDCG@10; None for the first itself.
    """

    system: System
    measures: dict[str, Estimate]
    against: Comparison | None
    values: dict[str, Values]


@dataclass(frozen=True, slots=True)
class FolderResult:
    """What all systems reach on one folder, and how answers were judged, if that was counted."""

    name: str
    articles: int
    queries: tuple[str, ...]
    systems: list[SystemResult]
    verdicts: Mapping[str, Verdicts]


def results_of(measured: Mapping[System, dict[str, Values]]) -> list[SystemResult]:
    """Estimate the means of each system, and hold all but the first against the first."""
    first = next(iter(measured))
    best = measured[first][MAIN_MEASURE]
    return [
        SystemResult(
            system,
            {name: estimate(found) for name, found in values.items()},
            compare(best, values[MAIN_MEASURE]) if system != first else None,
            values,
        )
        for system, values in measured.items()
    ]
