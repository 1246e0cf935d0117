"""What was measured of several systems on one folder of judged queries."""

from collections.abc import Mapping
from dataclasses import dataclass

from index.evaluation.statistics import Comparison, Estimate, compare, estimate
from index.evaluation.systems import MAIN_MEASURE, OURS, System, Values
from index.evaluation.verdicts import Verdicts


@dataclass(frozen=True, slots=True)
class SystemResult:
    """What one system reaches; `values` of each measure are in the order of the queries.

    `against` is how much more the `reference` reaches in nDCG@10: the first system, or for another
    engine our own in its mode. Both are None for the first itself.
    """

    system: System
    measures: dict[str, Estimate]
    against: Comparison | None
    reference: System | None
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
    """Estimate the means of each system, and hold all but the first against its reference."""
    return [_result(system, measured) for system in measured]


def _result(system: System, measured: Mapping[System, dict[str, Values]]) -> SystemResult:
    values = measured[system]
    means = {name: estimate(found) for name, found in values.items()}
    first = next(iter(measured))
    if system == first:
        return SystemResult(system, means, None, None, values)
    ours = (other for other in measured if other.mode is system.mode and other.engine == OURS)
    reference = first if system.engine == OURS else next(ours, first)
    against = compare(measured[reference][MAIN_MEASURE], values[MAIN_MEASURE])
    return SystemResult(system, means, against, reference, values)
