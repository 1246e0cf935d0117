"""Prints results on judged queries, as tables of text and as JSON."""

import json
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

import click

from backfile.index.evaluation.statistics import Comparison, Estimate
from backfile.index.evaluation.systems import (
    MAIN_MEASURE,
    MEASURES,
    FolderResult,
    SystemResult,
)


def print_results(found: Iterable[FolderResult], *, as_json: bool, per_query: bool = False) -> None:
    """Print a table for each folder as soon as it is measured, or all of them as one JSON list."""
    if as_json:
        click.echo(json.dumps([folder_json(result, per_query=per_query) for result in found]))
        return
    for result in found:
        click.echo(folder_table(result))


def folder_table(result: FolderResult) -> str:
    """A table for one folder: a line for each system, with means and their 95% intervals."""
    first = result.systems[0].system.name
    head = f"{result.name}: {len(result.queries)} queries, {result.articles:,} articles"
    names = _row("", *MEASURES, f"{first} less this, {MAIN_MEASURE}")
    return "\n".join([head, names, *map(_line, result.systems), ""])


def folder_json(result: FolderResult, *, per_query: bool) -> dict[str, Any]:
    """Give the same as plain values, `per_query` those of each query too."""
    return {
        "folder": result.name,
        "articles": result.articles,
        "queries": len(result.queries),
        "systems": [
            _system_json(found, result.queries if per_query else ()) for found in result.systems
        ],
    }


def interval(found: Estimate) -> str:
    """Write a mean and its 95% interval.

    >>> interval(Estimate(0.8046, 0.75, 1.0))
    '.805 [.750 1.000]'
    """
    return f"{short(found.mean)} [{short(found.low)} {short(found.high)}]"


def difference(found: Comparison) -> str:
    """Write a mean difference, its interval, and the p that chance alone makes one as large.

    >>> difference(Comparison(Estimate(-0.0123, -0.02, 0.01), 0.25))
    '-.012 [-.020 .010] p .2500'
    """
    return f"{interval(found.difference)} p {short(found.p, 4)}"


def short(value: float, digits: int = 3) -> str:
    """Write a number from -1 to 1 without its leading zero; one that rounds to zero has no sign.

    >>> short(0.5), short(-0.0001), short(1.0)
    ('.500', '.000', '1.000')
    """
    return f"{round(value, digits) + 0.0:.{digits}f}".replace("0.", ".", 1)


def _line(found: SystemResult) -> str:
    cells = [interval(found.measures[name]) for name in MEASURES]
    compared = [difference(found.against)] if found.against else []
    return _row(found.system.name, *cells, *compared)


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
