"""Prints the results of an evaluation, as text tables and as JSON."""

from dataclasses import asdict
from typing import Any

from backfile.index.evaluation.statistics import Comparison, Estimate
from backfile.index.evaluation.systems import (
    MAIN_MEASURE,
    MEASURES,
    OURS,
    FolderResult,
    SystemResult,
    Verdicts,
)
from backfile.index.model.results import Verdict


def folder_table(result: FolderResult) -> str:
    """A table for one folder: a line for each system, with means and their 95% intervals."""
    first = result.systems[0].system.name
    head = f"{result.name}: {len(result.queries)} queries, {result.articles:,} articles"
    names = _row("", *MEASURES, f"{first} less this, {MAIN_MEASURE}")
    systems = [_line(found) for found in result.systems]
    verdicts = [_verdict_row(kind, counts) for kind, counts in result.verdicts.items()]
    if verdicts:
        verdicts.insert(0, f"{'answers judged':32}" + "".join(f"{v.value:>8}" for v in Verdict))
    return "\n".join([head, names, *systems, *verdicts, ""])


def _verdict_row(kind: str, counts: Verdicts) -> str:
    shares = (counts[verdict] / max(1, counts.total()) for verdict in Verdict)
    return f"{kind:32}" + "".join(f"{share:>8.1%}" for share in shares)


def folder_json(result: FolderResult, *, per_query: bool) -> dict[str, Any]:
    """The same as JSON values; with `per_query`, also the values of each query."""
    return {
        "folder": result.name,
        "articles": result.articles,
        "queries": len(result.queries),
        "systems": [
            _system_json(found, result.queries if per_query else ()) for found in result.systems
        ],
        "verdicts": result.verdicts,
    }


def interval(found: Estimate) -> str:
    """Write a mean and its 95% interval.

    >>> interval(Estimate(0.8046, 0.75, 1.0))
    '.805 [.750 1.000]'
    """
    return f"{short(found.mean)} [{short(found.low)} {short(found.high)}]"


def difference(found: Comparison) -> str:
    """Write a mean difference, its interval, and its p-value.

    >>> difference(Comparison(Estimate(-0.0123, -0.02, 0.01), 0.25))
    '-.012 [-.020 .010] p .2500'
    """
    return f"{interval(found.difference)} p {short(found.p, 4)}"


def short(value: float, digits: int = 3) -> str:
    """Write a number from -1 to 1 without its leading zero; a rounded zero has no sign.

    >>> short(0.5), short(-0.0001), short(1.0)
    ('.500', '.000', '1.000')
    """
    return f"{round(value, digits) + 0.0:.{digits}f}".replace("0.", ".", 1)


def _line(found: SystemResult) -> str:
    cells = [interval(found.measures[name]) for name in MEASURES]
    if not found.against or not found.reference:
        return _row(found.system.name, *cells)
    other = "" if found.system.engine == OURS else f" ({found.reference.name} less this)"
    return _row(found.system.name, *cells, difference(found.against) + other)


def _row(name: str, *cells: str) -> str:
    return (f"{name:20}" + "".join(f"{cell:18}" for cell in cells)).rstrip()


def _system_json(found: SystemResult, queries: tuple[str, ...]) -> dict[str, Any]:
    plain = {
        **asdict(found.system),
        "measures": {name: asdict(mean) for name, mean in found.measures.items()},
        "against": asdict(found.against) if found.against else None,
        "reference": found.reference.name if found.reference else None,
    }
    if queries:
        plain["values"] = {
            name: dict(zip(queries, each.tolist(), strict=True))
            for name, each in found.values.items()
        }
    return plain
